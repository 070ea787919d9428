"""The program as people start it: in a process of its own, with what they typed wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from realtime.__main__ import COMMANDS, main
from realtime.core.errors import HangError
from realtime.core.stats import write_stats
from realtime.session import assembly


def realtime(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "realtime", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "letter.mp4"
    path.write_text("Dear Sir or Madam", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rum"], "no command 'rum' (did you mean 'run'?)"),
        (["run", "--efect", "none"], "no such option: --efect (did you mean '--effect'?)"),
        (["run", "--effect"], "expected one argument"),
        (["portrait", "build", "letter.mp4", "--framse", "9"], "no such option: --framse (did you mean '--frames'?)"),
        (["--source", "missing.mp4"], "no such file: missing.mp4"),
        (["--source", "99", "--output", "none"], "99"),
        (["--source", "No Such Camera", "--output", "none"], "No Such Camera"),
        (["--source", "letter.mp4", "--output", "none"], "letter.mp4"),
        (["--effect", "nosuch"], "no effect 'nosuch'"),
        (["--source", "demo", "--effect", "portrait:nosuch", "--output", "none"], "nosuch"),
        (["--source", "demo", "--output", "nosuch"], "no output 'nosuch'"),
        (["--source", "demo", "--effect", "none", "--output", "missing/out.mp4"], "missing"),
        (["--source", "demo", "--effect", "none", "--output", "camera:nosuch"], "nosuch"),
        (["--source", "demo", "--effect", "none", "--output", "window", "--screen", "7"], "screen"),
        (["--source", "demo", "--effect", "none", "--set", "portrait.rest=1", "--output", "none"], "portrait"),
        (["--source", "demo", "--effect", "none", "--set", "none.x=1", "--output", "none"], "no settings"),
        (["--source", "demo", "--effect", "none:x", "--output", "none"], "takes no argument"),
        (["--source", "letter.mp4", "--output", "./letter.mp4", "--overwrite"], "is the source itself"),
        (["render", "letter.mp4", "letter.mp4", "--overwrite"], "is the source itself"),
        (["render", "missing.mp4", "out.mp4"], "no such file: missing.mp4"),
        (["--source", "demo", "--output", "none", "--stats", "missing/stats.json"], "there is no folder missing"),
        (["--source", "RTSP://127.0.0.1:9/x", "--output", "none"], "cannot open RTSP://"),
        (["render", "demo", "out.mp4"], "has no end"),
        (["render", "letter.mp4", "window"], "name a file (out.mp4) or a folder (frames/)"),
        (["effects", "nosuch"], "no effect 'nosuch'"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(tmp_path: Path, text_file: Path, words: list[str], message: str) -> None:
    done = realtime(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("realtime: ")
    assert message in lines[0]
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter.mp4"], "nothing is left behind"


def test_no_screen_to_show_on_is_one_line(tmp_path: Path) -> None:
    blind = dict.fromkeys(("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"), "")
    if sys.platform != "linux":
        pytest.skip("only Linux runs without a screen")
    done = realtime("--source", "demo", "--effect", "none", "--output", "window", cwd=tmp_path, **blind)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "--output" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there pythonw itself does this")
def test_a_program_without_standard_error_can_still_show_progress(tmp_path: Path) -> None:
    code = """
import os, sys
sys.stderr = None
os.close(2)
from realtime.system import console
console.silence_native_libraries()
console.set_up_logging(debug=False)
with console.progress_line() as progress:
    progress("making", 0.5)
print("done")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout == "done\n"


def test_without_a_terminal_each_stage_is_a_line(tmp_path: Path) -> None:
    code = """
from realtime.system import console
console.set_up_logging(debug=False)
with console.progress_line() as progress:
    for what in ("fetching", "making"):
        for step in range(5):
            progress(what, step / 4)
    progress("ready", 1.0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stderr == "realtime: fetching\nrealtime: making\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals to try this with")
def test_on_a_terminal_there_is_a_bar(tmp_path: Path) -> None:
    code = """
from realtime.system import console
with console.progress_line() as progress:
    for step in range(5):
        progress("making", step / 4)
"""
    import fcntl
    import struct
    import termios

    mine, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        subprocess.run([sys.executable, "-c", code], stderr=theirs, cwd=tmp_path, check=True, timeout=60)
        shown = os.read(mine, 100_000).decode()  # all of it: the other end has written and gone
    finally:
        os.close(theirs)
        os.close(mine)
    assert "making: 100%|" in shown
    assert "realtime: making" not in shown


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(tmp_path: Path, command: str) -> None:
    done = realtime(*([command] if command else []), "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: realtime")
    assert done.stderr == ""


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = realtime("run", "--source", "missing.mp4", "--debug", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_raw_frames_on_standard_output(tmp_path: Path) -> None:
    words = ["--source", "demo", "--effect", "none", "--output", "-", "--frames", "3", "--every-frame"]
    done = subprocess.run(
        [sys.executable, "-m", "realtime", *words, "--size", "320x180"],
        capture_output=True,
        timeout=120,
        cwd=tmp_path,
        check=True,
    )
    assert len(done.stdout) == 3 * 320 * 180 * 3


def test_a_reader_that_leaves_ends_the_program_quietly(tmp_path: Path) -> None:
    words = ["--source", "demo", "--effect", "none", "--output", "-", "--size", "320x180"]
    program = subprocess.Popen(
        [sys.executable, "-m", "realtime", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert program.stdout is not None
    assert program.stderr is not None
    assert len(program.stdout.read(320 * 180 * 3)) == 320 * 180 * 3
    program.stdout.close()
    error = program.stderr.read()
    program.stderr.close()
    assert program.wait(timeout=30) == 0
    assert b"Traceback" not in error


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one child process")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_a_playable_file_and_statistics(tmp_path: Path, sign: signal.Signals) -> None:
    words = ["--source", "demo", "--effect", "none", "--output", "out.mp4", "--stats", "stats.json", "--fps", "30"]
    program = subprocess.Popen(
        [sys.executable, "-m", "realtime", *words, "--size", "320x180"], stderr=subprocess.PIPE, cwd=tmp_path
    )
    give_up_at_s = time.monotonic() + 60
    while frames_in(tmp_path / "out.mp4") <= 10 and time.monotonic() < give_up_at_s:
        time.sleep(0.3)
    program.send_signal(sign)
    _, error = program.communicate(timeout=30)
    assert program.returncode == 0, error
    stats = json.loads((tmp_path / "stats.json").read_text(encoding="utf-8"))
    assert frames_in(tmp_path / "out.mp4") == stats["outputs"][0]["shown"] > 10


def test_debug_is_heard_wherever_it_stands(tmp_path: Path) -> None:
    for words in (["models", "--debug", "add"], ["models", "add", "--debug"]):
        done = realtime(*words, "none.onnx", "--name", "x", cwd=tmp_path)
        assert done.returncode == 2
        assert "none.onnx" in done.stderr
        assert "Traceback" in done.stderr


def frames_in(film: Path) -> int:
    """Count the pictures of a film, which may still be growing."""
    try:
        with av.open(str(film)) as container:
            return sum(1 for _ in container.decode(video=0))
    except (OSError, av.error.FFmpegError):  # not there yet, or not yet whole enough
        return 0


def test_render_keeps_sound_and_every_frame(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    _make_clip(clip, seconds=2)
    done = realtime("render", "clip.mp4", "out.mp4", "--effect", "none", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with av.open(str(clip)) as before, av.open(str(tmp_path / "out.mp4")) as after:
        assert len(after.streams.audio) == 1
        times = [[frame.time for frame in container.decode(video=0)] for container in (before, after)]
        assert len(times[0]) == len(times[1]) == 50
        assert times[1] == pytest.approx(times[0], abs=0.002)
    with av.open(str(clip)) as before, av.open(str(tmp_path / "out.mp4")) as after:
        loud = [sum(frame.samples for frame in container.decode(audio=0)) for container in (before, after)]
        assert loud[1] == pytest.approx(loud[0], rel=0.05)
    again = realtime("render", "clip.mp4", "out.mp4", "--effect", "none", cwd=tmp_path)
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]


def test_sound_moves_with_pictures_that_begin_later(tmp_path: Path) -> None:
    _make_clip(tmp_path / "clip.mp4", seconds=2, pictures_begin_s=0.48)
    done = realtime("render", "clip.mp4", "out.mp4", "--effect", "none", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    offsets = []
    for name in ("clip.mp4", "out.mp4"):
        with av.open(str(tmp_path / name)) as container:
            pictures = next(container.decode(video=0)).time
        with av.open(str(tmp_path / name)) as container:
            sound = [frame.time for frame in container.decode(audio=0)]
        assert pictures is not None
        assert sound[-1] is not None
        offsets.append(sound[-1] - pictures)
    assert offsets[1] == pytest.approx(offsets[0], abs=0.03)


def test_render_into_a_folder_and_back(tmp_path: Path) -> None:
    _make_clip(tmp_path / "clip.mp4", seconds=1)
    assert realtime("render", "clip.mp4", "frames/", "--effect", "none", cwd=tmp_path).returncode == 0
    assert len(list((tmp_path / "frames").glob("*.png"))) == 25
    done = realtime("render", "frames", "back.mp4", "--effect", "none", "--fps", "25", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "back.mp4")) as container:
        times = [frame.time or 0.0 for frame in container.decode(video=0)]
    assert len(times) == 25
    assert times[-1] == pytest.approx(24 / 25, abs=0.005)


def test_render_never_removes_what_it_did_not_make(tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    _make_clip(folder / "clip.mp4", seconds=1)
    (folder / "letter.txt").write_text("keep me", encoding="utf-8")
    for target in ("holiday", "holiday/", "."):
        done = realtime("render", "holiday/clip.mp4", target, "--overwrite", cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert "also holds other things" in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["clip.mp4", "letter.txt"]
    done = realtime("render", "holiday/clip.mp4", "holiday/letter.txt/", cwd=tmp_path)
    assert done.returncode == 2
    for _ in range(2):  # its own earlier result is replaced
        done = realtime("render", "holiday/clip.mp4", "frames/", "--overwrite", "--frames", "3", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "frames").iterdir())) == 3


def _make_clip(path: Path, seconds: int, pictures_begin_s: float = 0.0) -> None:
    """A moving picture of 25 fps with a tone."""
    import numpy as np

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        sound = container.add_stream("aac", rate=48000)
        for number in range(25 * seconds):
            pixels = np.full((120, 160, 3), (number * 5) % 255, np.uint8)
            picture = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            picture.pts = number + round(pictures_begin_s * 25)
            picture.time_base = Fraction(1, 25)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        wave = np.sin(2 * np.pi * 440 * np.arange(48000 * seconds) / 48000).astype(np.float32)[None]
        for begin in range(0, wave.shape[1], 1024):
            frame = av.AudioFrame.from_ndarray(wave[:, begin : begin + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48000, begin
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux runs without a screen")
def test_the_first_command_makes_pictures_without_models_camera_and_screen(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"), "")
    (tmp_path / "no-models").mkdir()
    nothing |= {"REALTIME_MODELS": str(tmp_path / "no-models"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = realtime("--seconds", "1", cwd=tmp_path, **nothing)
    assert done.returncode == 0, done.stderr
    assert "no portrait" in done.stderr
    assert "no screen" in done.stderr
    with av.open(str(tmp_path / "realtime-demo.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 30
    again = realtime("--seconds", "1", cwd=tmp_path, **nothing)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "realtime-demo-2.mp4").exists(), "the first one is kept"


def test_statistics_are_kept_up_to_date_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that somebody may look from afar, and that the last minute outlasts a power cut."""
    monkeypatch.setattr("realtime.commands.run._STATS_EVERY_S", 0.05)
    written: list[int] = []

    def note(path: Path, report: dict[str, Any]) -> None:
        write_stats(path, report)
        written.append(json.loads(path.read_text(encoding="utf-8"))["frames"]["processed"])

    monkeypatch.setattr("realtime.commands.run.write_stats", note)
    words = ["--source", "demo", "--effect", "none", "--output", "none", "--size", "64x48", "--frames", "60"]
    assert main(["run", *words, "--stats", str(tmp_path / "stats.json")]) == 0
    assert len(written) > 2
    assert written == sorted(written)
    assert written[-1] == 60


def test_what_ended_the_run_is_told_where_its_statistics_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def go(run: assembly.Run, last_resort: object) -> None:
        run.loop.capture.stop()
        (tmp_path / "gone").rmdir()
        raise HangError("effect x does not answer; the run is ended, start it again")

    (tmp_path / "gone").mkdir()
    monkeypatch.setattr(assembly.Run, "go", go)
    words = ["--source", "demo", "--effect", "none", "--output", "none", "--stats", str(tmp_path / "gone" / "s.json")]
    assert main(["run", *words]) == 75
    assert "effect x does not answer" in capsys.readouterr().err
