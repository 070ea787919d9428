from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError
from realtime.imaging.frame import Frame, Size
from realtime.outputs import OutputRequest
from realtime.outputs.pipe import Pipe

WRITE = """
import sys
import numpy as np
from realtime.control.channel import ControlChannel
from realtime.imaging.frame import Frame
from realtime.outputs import OutputFinished, OutputRequest
from realtime.outputs.pipe import Pipe

pipe = Pipe("", OutputRequest(ControlChannel()))
shown = 0
try:
    for number in range(int(sys.argv[1])):
        # The second picture has another size: the pipe's stays.
        size = (45, 80, 3) if number == 1 else (90, 160, 3)
        pipe.show(Frame(np.full(size, number, np.uint8), 0.0, number / 30, number))
        shown += 1
except OutputFinished:
    print("the reader left", file=sys.stderr)
pipe.close()
print(shown, file=sys.stderr)
"""
ROOT = Path(__file__).parents[1]
FRAME_BYTES = 160 * 90 * 3


def test_frames_arrive_as_raw_bytes_of_one_size() -> None:
    done = subprocess.run([sys.executable, "-c", WRITE, "3"], capture_output=True, cwd=ROOT, check=True, timeout=30)
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(3, 90, 160, 3)
    assert [int(picture.min()) for picture in pictures] == [0, 1, 2]
    assert [int(picture.max()) for picture in pictures] == [0, 1, 2]


def test_a_reader_that_leaves_ends_it_well() -> None:
    command = [sys.executable, "-c", WRITE, "100000"]
    quiet = {**os.environ, "OPENCV_LOG_LEVEL": "OFF"}  # it tells of switches for its code that somebody has set
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, cwd=ROOT, env=quiet) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert len(program.stdout.read(2 * FRAME_BYTES)) == 2 * FRAME_BYTES
        program.stdout.close()
        told = program.stderr.read().decode().splitlines()
        assert program.wait(30) == 0
    assert told[0] == "the reader left"
    assert 2 <= int(told[1]) < 20
    assert len(told) == 2, "nothing complains at exit"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals to try this with")
def test_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    try:
        with open(theirs, "w", closefd=False) as terminal:
            monkeypatch.setattr(sys, "stdout", terminal)
            with pytest.raises(OutputError, match=r"standard output is a terminal, .* ffplay"):
                Pipe("", OutputRequest(ControlChannel()))
    finally:
        os.close(ours)
        os.close(theirs)


def test_no_standard_output_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)  # a program without a console on Windows
    with pytest.raises(OutputError, match="there is no standard output"):
        Pipe("", OutputRequest(ControlChannel()))


def test_the_size_asked_for_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "raw").open("w") as target:
        monkeypatch.setattr(sys, "stdout", target)
        pipe = Pipe("", OutputRequest(ControlChannel(), size=Size(40, 40)))
        pipe.show(Frame(np.full((20, 40, 3), 99, np.uint8), 0.0, 0.0, 0))
        pipe.close()
    picture = np.fromfile(tmp_path / "raw", np.uint8).reshape(40, 40, 3)
    assert (picture[10:30] == 99).all()
    assert picture[:10].max() == 0
