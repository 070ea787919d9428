"""A gallery's times: a programme that changes, a screen and a supervisor killed −9: `python -m tools.measure_gallery`.

The programme runs in this process, on an output that notes when it is shown a picture and how bright that is; the
demo viewer is the camera. Killed are the processes of a real `realtime gallery` on a screen that nobody sees; a picture
is back when the screen's own page has shown one again, with the item and the setting that were there.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

_FPS = 30
_GIVE_UP_AFTER_S = 60.0
_MANAGER_WAITS_S = 0.5  # RestartSec of the unit that `--install-service` writes
_FILE = """
[gallery]
name = "Measured"
camera = "demo"
standby = false
fade_s = FADE
[[item]]
name = "Grace"
effect = "portrait"
hangs = "HANGS"
[[item]]
name = "Night"
effect = "style:night"
hangs = "HANGS"
[[screen]]
name = "left"
[options]
size = "640x360"
fps = 30
"""


def changes(folder: Path, hangs_s: float, seconds: float, fade_s: float) -> None:
    """Print how long pictures stood while items change, and the darkest picture."""
    from realtime import outputs
    from realtime.core.stats import RunStats
    from realtime.gallery.config_file import read_gallery
    from realtime.gallery.programme.overrides import Overrides
    from realtime.gallery.programme.player import ProgrammePlayer
    from realtime.gallery.programme.schedule import Programme
    from realtime.imaging.frame import Frame
    from realtime.outputs import Output
    from realtime.session import assembly

    shown: list[tuple[float, float]] = []

    class Noting(Output):
        name = "noting"

        def show(self, frame: Frame) -> None:
            shown.append((time.monotonic(), float(frame.pixels[::8, ::8].mean())))

        def close(self) -> None:
            pass

    path = folder / "gallery.toml"
    path.write_text(_FILE.replace("HANGS", f"{hangs_s:g} s").replace("FADE", f"{fade_s}"), "utf-8")
    gallery = read_gallery(path)
    screen = gallery.screens[0]
    programme = Programme(screen.items, gallery.hours, gallery.order)
    programme.look(time.time(), time.monotonic(), 0)
    first = programme.current or screen.items[0]
    hung: list[tuple[float, str]] = []

    def play(controls: Any) -> ProgrammePlayer:
        return ProgrammePlayer(controls, programme, first, Overrides(), fade_s=gallery.fade_s)

    with mock.patch.object(outputs, "open_output", side_effect=lambda *_, **__: Noting()):
        run = assembly.build(gallery.run_options(screen, "none", first), lambda what, share: None, RunStats(), [play])

        def tick(_: int) -> None:
            name = programme.current.name if programme.current else ""
            if not hung or hung[-1][1] != name:
                hung.append((time.monotonic(), name))
            if time.monotonic() - hung[0][0] > seconds:
                run.loop.stop()

        run.supervisor.on_processed = tick
        run.go()
    gaps = [(after[0] - before[0], before[0]) for before, after in itertools.pairwise(shown)]
    begins = [at_s for at_s, _ in hung[1:]]
    within = [gap_s for gap_s, at_s in gaps if any(-0.1 <= at_s - begin_s <= fade_s + 1 for begin_s in begins)]
    usual = sorted(gap_s for gap_s, _at in gaps)
    print(
        f"{len(begins)} changes, fade {fade_s:g} s: longest gap {1e3 * max(within, default=0):.0f} ms while they change"
        f" (goal {2e3 / _FPS:.0f}); all {len(gaps)} gaps: median {1e3 * statistics.median(usual):.0f} ms, p99"
        f" {1e3 * usual[int(0.99 * len(usual))]:.0f}, most {1e3 * usual[-1]:.0f}; darkest picture"
        f" {min(level for _at, level in shown):.0f} of 255"
    )


class _Gallery:
    """A real one, in processes of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            self._port = listening.getsockname()[1]
        self._folder = folder
        self._file = folder / "killed.toml"
        text = _FILE.replace("HANGS", "1 h").replace("FADE", "0.2") + f'remote = "{self._port}"\n'
        self._file.write_text(text, "utf-8")
        self.supervisor = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "XDG_STATE_HOME": str(self._folder / "state"), "SDL_VIDEODRIVER": "dummy"}
        command = [sys.executable, "-m", "realtime", "gallery", str(self._file)]
        return subprocess.Popen(command, cwd=self._folder, env=environment, stderr=subprocess.DEVNULL)

    def ask(self, path: str, value: object = None) -> Any:
        data = None if value is None else json.dumps({"value": value}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}", data, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - our own, on this machine
                return json.load(answer)
        except OSError:
            return None

    def shows(self, wanted: float) -> bool:
        """Whether pictures are shown, with the item and the setting that were there."""
        status = self.ask("/status.json") or {}
        setting = self.ask("/parameters/portrait.wander_after_s") or {}
        programme = status.get("programme") or {}
        return bool(status.get("frames")) and programme.get("current") == "Grace" and setting.get("value") == wanted

    def screens(self) -> list[int]:
        done = subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True)
        ours = [line for line in done.stdout.splitlines() if str(self._file) in line and "--child" in line]
        return [int(line.split()[0]) for line in ours]


def _until(what: Callable[[], bool]) -> float:
    """Return the seconds until it is so."""
    began_s = time.monotonic()
    while not what():
        if time.monotonic() - began_s > _GIVE_UP_AFTER_S:
            raise SystemExit("it does not come back")
        time.sleep(0.1)  # more requests a second are refused
    return time.monotonic() - began_s


def killed(folder: Path, times: int) -> None:
    """Print how long a killed screen, and a killed supervisor with its screens, are away."""
    gallery = _Gallery(folder)
    try:
        _until(lambda: gallery.ask("/parameters/portrait.wander_after_s", 7.5) is not None)
        _until(lambda: gallery.shows(7.5))
        time.sleep(3)  # what was set is written down
        back: dict[str, list[float]] = {"screen": [], "supervisor": []}
        for _ in range(times):
            os.kill(gallery.screens()[0], signal.SIGKILL)
            back["screen"].append(_until(lambda: gallery.shows(7.5)))
            time.sleep(3)
        for _ in range(times):
            began_s = time.monotonic()
            gallery.supervisor.kill()
            gallery.supervisor.wait()
            time.sleep(_MANAGER_WAITS_S)
            gallery.supervisor = gallery.start()
            _until(lambda: gallery.shows(7.5))
            back["supervisor"].append(time.monotonic() - began_s)
            time.sleep(3)
    finally:
        gallery.supervisor.terminate()
        gallery.supervisor.wait(timeout=20)
    for what, seconds in back.items():
        listed = ", ".join(f"{one:.1f}" for one in seconds)
        print(f"{what} killed -9: picture back, settings as they were, after {listed} s (goal 5)")


def main() -> None:
    """Measure all of it, in some 100 s."""
    parser = argparse.ArgumentParser(prog="python -m tools.measure_gallery", description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0, help="of a changing programme, with and without a fade")
    parser.add_argument("--hangs", type=float, default=5.0, help="how long an item hangs there, s")
    parser.add_argument("--kills", type=int, default=3, help="how often each process is killed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for fade_s in (0.0, 1.0):
            changes(Path(folder), asked.hangs, asked.seconds / 2, fade_s)
        killed(Path(folder), asked.kills)


if __name__ == "__main__":
    main()
