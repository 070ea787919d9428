"""An X server that ends takes the window with it and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

pytestmark = pytest.mark.skipif(not shutil.which("Xvfb"), reason="needs Xvfb")

KILLING = """
import os, signal, sys
from realtime.__main__ import main
from realtime.outputs.window import window
shown = window.Window.show
def show(self, frame):
    shown(self, frame)
    if frame.index > 5:
        os.kill(int(sys.argv[1]), signal.SIGKILL)
window.Window.show = show
sys.exit(main(["run", "--source", "demo", "--effect", "none", "--size", "64x48", *sys.argv[2:]]))
"""


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """An X server of our own and the name of its display."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "320x240x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        display = process.stdout.readline().strip()
        yield process, f":{display}"
        process.kill()


def run_and_kill(
    server: tuple[subprocess.Popen[str], str], folder: Path, *words: str
) -> subprocess.CompletedProcess[str]:
    """Kill the server when some pictures have been shown."""
    process, display = server
    environment = os.environ | {"DISPLAY": display, "PYTHONPATH": str(Path(__file__).parents[1])}
    environment.pop("SDL_VIDEODRIVER", None)
    command = [sys.executable, "-c", KILLING, str(process.pid), *words]
    return subprocess.run(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, timeout=120, check=False
    )


def test_a_film_goes_on_to_its_end(server: tuple[subprocess.Popen[str], str], tmp_path: Path) -> None:
    words = ["--output", "window", "--output", "out.mp4", "--every-frame", "--seconds", "30"]
    done = run_and_kill(server, tmp_path, *words)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if "X server" in line]
    assert len(lines) == 1
    assert "window: the X server has ended or cut the connection; start again once it is back" in lines[0]
    with av.open(tmp_path / "out.mp4") as film:
        assert sum(1 for _ in film.decode(video=0)) == 900


@pytest.mark.parametrize("output", ["window", "fullscreen"])
def test_where_there_is_nothing_else_it_ends_with_a_line_and_a_code(
    server: tuple[subprocess.Popen[str], str], tmp_path: Path, output: str
) -> None:
    """Which a supervisor starts again on."""
    done = run_and_kill(server, tmp_path, "--output", output)
    assert done.returncode == 2, done.stderr
    assert f"{output}: the X server has ended or cut the connection" in done.stderr.splitlines()[-1]
