"""The whole program on a real X server: a driver moves the mouse, clicks, turns the wheel and types, as people do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool: apt install xvfb xdotool"
)

PROGRAM = """
import os, sys, threading
from realtime.core.registry import RegistryEntry
from realtime.effects import EFFECTS
for name in ("Grey", "Mask"):
    EFFECTS[name.lower()] = RegistryEntry("tests.scenes.grey", name, "one grey level")
import dataclasses
from realtime.core.settings import setting
from tests.scenes import grey
@dataclasses.dataclass(frozen=True)
class Worded(grey.Grey.Settings):
    words: str = dataclasses.field(default="hello", metadata=setting("what is written", live=True))
grey.Grey.Settings = Worded
from realtime.outputs.window.tray import tray
made = tray.Tray.__init__
def remember(self, *arguments):
    made(self, *arguments)
    TRAYS.append(self)
TRAYS = []
tray.Tray.__init__ = remember
tray.STAYS_S = 600.0  # the machine may be slow
def tell():
    # Where each widget is, for whoever asks on standard input.
    for line in sys.stdin:
        if line.strip() == "typing":
            print("1 1" if TRAYS and TRAYS[0].typed_at is not None else "-", flush=True)
            continue
        found = TRAYS[0].layout.find(line.strip()) if TRAYS else None
        if found is None:
            print("-", flush=True)
            continue
        panel, widget = found
        x = panel.place.left + widget.place.left + widget.place.width // 2
        y = panel.place.top + widget.place.top + widget.place.height // 2
        print(x, y, flush=True)
threading.Thread(target=tell, daemon=True).start()
from realtime.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
WORDS = ["run", "--source", "demo", "--size", "640x480", "--effect", "grey:one", "--output", "window", "--no-mirror"]


class Driver:
    """Somebody before the screen."""

    def __init__(self, display: str, folder: Path, port: int) -> None:
        self.environment = os.environ | {
            "DISPLAY": display,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **{f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "DATA", "CACHE", "STATE")},
        }
        self.environment.pop("SDL_VIDEODRIVER", None)
        self.port = port
        command = [sys.executable, "-c", PROGRAM, *WORDS, "--remote", str(port), "--keep-in", str(folder)]
        self.program = subprocess.Popen(
            command, cwd=folder, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def begin(self) -> None:
        """Wait for the window, and lay it where its points are the screen's."""
        self.until(lambda: self.status()["frames"] > 2)
        window = self.until(lambda: self.tool("search", "--onlyvisible", "--class", "realtime")).split()[0]
        self.tool("windowmove", window, "0", "0", "windowfocus", window)

    def tool(self, *words: object) -> str:
        command = ["xdotool", *map(str, words)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            return json.load(answer)

    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.ask("/status.json")
        except OSError:
            assert self.program.poll() is None, "the program has ended"
            return {"frames": 0}
        return found

    def value(self, path: str) -> object:
        return self.ask(f"/parameters/{path}")["value"]

    def until(self, true: Callable[[], Any], within_s: float = 60.0) -> Any:
        give_up_at_s = time.monotonic() + within_s
        while not (found := true()):
            assert time.monotonic() < give_up_at_s, self.status()
            time.sleep(0.03)
        return found

    def place(self, key: str) -> tuple[int, int]:
        """Wait until a widget is there and lies still: a row of tiles slides to the one that is chosen."""

        def still() -> tuple[int, int] | None:
            place = self._place_now(key)
            time.sleep(0.15)
            return place if place == self._place_now(key) else None

        place: tuple[int, int] = self.until(still)
        return place

    def _place_now(self, key: str) -> tuple[int, int] | None:
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        self.program.stdin.write(f"{key}\n")
        self.program.stdin.flush()
        x, _, y = self.program.stdout.readline().strip().partition(" ")
        return (int(x), int(y)) if y else None

    def move(self, x: int, y: int) -> None:
        self.tool("mousemove", x - 1, y, "mousemove", x, y)

    def click(self, key: str, button: int = 1) -> None:
        self.move(*self.place(key))
        time.sleep(0.1)
        self.tool("click", button)

    def choose(self, ask: Callable[[], object], spec: str, name: str = "spec") -> None:
        """Ask for an effect, or for what else `name` tells, and again where the row of tiles has slid on, or what was
        kept was not listed yet: as a person would.
        """

        def is_chosen() -> bool:
            ask()
            give_up_at_s = time.monotonic() + 4.0
            while time.monotonic() < give_up_at_s:
                if self.status().get(name) == spec:
                    return True
                time.sleep(0.03)
            return False

        self.until(is_chosen)

    def twice(self, ask: Callable[[], object]) -> None:
        """Ask for what would bare the room, and again once that has been asked about."""
        ask()
        give_up_at_s = time.monotonic() + 3.0
        while "press again" not in self.status()["message"] and time.monotonic() < give_up_at_s:
            time.sleep(0.03)
        ask()

    def says(self, **expected: object) -> None:
        """Wait until the run's status is so."""
        self.until(lambda: all(self.status().get(name) == value for name, value in expected.items()))


@pytest.fixture
def display() -> Iterator[str]:
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield f":{process.stdout.readline().strip()}"
        process.kill()


@pytest.fixture
def driver(display: str, tmp_path: Path) -> Iterator[Driver]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    one = Driver(display, tmp_path, port)
    try:
        one.begin()
        yield one
    finally:
        one.program.kill()
        one.program.communicate()


def test_a_person_goes_through_all_of_it(driver: Driver, tmp_path: Path) -> None:
    driver.move(320, 200)
    time.sleep(0.3)
    driver.move(322, 200)

    for key, name in (("bar:freeze", "paused"), ("bar:mirror", "mirrored")):
        driver.click(key)
        driver.says(**{name: True})
        driver.click(key)
        driver.says(**{name: False})

    driver.click("bar:photo")
    driver.until(lambda: list(tmp_path.glob("realtime-*.png")))
    driver.click("bar:record")
    driver.until(lambda: driver.status()["recording"])
    driver.click("bar:record")
    driver.says(recording="")
    driver.until(lambda: list(tmp_path.glob("realtime-*.mp4")))
    for _ in range(2):  # the help, and away again; the whole screen, and a window again
        driver.click("bar:help")
    for _ in range(2):
        driver.click("bar:full")
    driver.click("bar:calls")
    driver.until(lambda: "virtual camera" in driver.status()["message"])

    driver.move(*driver.place("set:grey.level"))
    driver.tool("mousedown", 1)
    driver.move(600, driver.place("set:grey.level")[1])
    driver.tool("mouseup", 1)
    driver.until(lambda: driver.value("grey.level") not in (10, None))
    driver.click("set:grey.level", button=3)
    driver.until(lambda: driver.value("grey.level") == 10)
    driver.tool("click", 4)  # the wheel, away
    driver.until(lambda: driver.value("grey.level") == 15)

    driver.click("set:grey.words")
    driver.place("typing")
    driver.tool("type", " mq1")  # no mirror, no end, no look
    driver.tool("key", "BackSpace", "Return")
    driver.until(lambda: driver.value("grey.words") == "hello mq")
    driver.click("set:grey.words")
    driver.place("typing")
    driver.tool("type", "x")
    driver.tool("key", "Escape")
    assert driver.value("grey.words") == "hello mq"
    assert driver.status()["mirrored"] is False

    driver.click("tab:Faces")
    driver.click("tab:Looks")  # from its first tile on
    driver.choose(lambda: driver.click("tile:none"), "none")

    driver.click("bar:source")
    driver.click("source:demo")
    driver.until(lambda: driver.status()["source_spec"] == "demo")

    driver.tool("key", "shift+4")
    driver.until(lambda: list((tmp_path / "data").rglob("4-*.toml")))
    driver.click("tab:Background")
    driver.choose(lambda: driver.click("tile:background:green"), "background:green", "background")
    driver.click("tab:Looks")
    driver.choose(lambda: driver.click("tile:style:composition"), "style:composition")  # the background stays,
    driver.says(background="background:green")
    driver.tool("key", "shift+5")
    kept = driver.until(lambda: list((tmp_path / "data").rglob("5-*.toml")))[0].read_text("utf-8")
    assert "style:composition" in kept
    assert "background:green" in kept
    driver.click("tab:Background")

    driver.choose(lambda: driver.twice(lambda: driver.click("tile:background:none")), "", "background")
    driver.says(spec="style:composition")  # and the look stays
    driver.click("tab:Scenes")
    driver.choose(lambda: driver.tool("key", "5"), "background:green", "background")
    driver.choose(lambda: driver.twice(lambda: driver.tool("key", "4")), "", "background")
    driver.says(spec="none")

    driver.click("tab:Background")  # by keys alone: from its first tile two on, and Enter
    driver.place("tile:background:grey")
    driver.tool("key", "Tab")
    driver.tool("key", "Right", "Right", "Return")
    driver.says(background="background:grey")
    driver.tool("keydown", "b")
    time.sleep(0.2)
    driver.tool("keyup", "b")
    driver.tool("key", "Escape")  # the tray goes, and the window stays
    driver.tool("key", "m")
    driver.says(mirrored=True)
    driver.tool("key", "v")
    driver.until(lambda: "virtual camera" in driver.status()["message"])
    driver.tool("key", "c")
    driver.until(lambda: "camera" in driver.status()["message"])
    driver.tool("key", "space")
    driver.says(paused=True)
    kept_look = Path(driver.environment["XDG_CONFIG_HOME"])
    driver.until(lambda: any('"background:grey"' in one.read_text("utf-8") for one in kept_look.rglob("look.toml")))
    driver.tool("key", "ctrl+q")
    assert driver.program.wait(60) == 0
    assert '"none"' in next(kept_look.rglob("look.toml")).read_text("utf-8")
