"""A programme in a real run: what the outputs are shown, and when the camera is open."""

from __future__ import annotations

import dataclasses
import datetime
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from realtime import cameras
from realtime.cameras import Camera, CameraRequest, awaited
from realtime.cameras.listing import ListedCamera
from realtime.cameras.same import SameCamera
from realtime.control.channel import ControlChannel
from realtime.control.commands import Command, Quit
from realtime.control.front_end import FrontEnd
from realtime.core.errors import CameraError
from realtime.core.stats import RunStats
from realtime.gallery.config import Item
from realtime.gallery.processes.resting import RestingPicture, still_of
from realtime.gallery.programme.hours import Hours, parse_hours
from realtime.gallery.programme.overrides import Overrides
from realtime.gallery.programme.player import ProgrammePlayer
from realtime.gallery.programme.schedule import Programme
from realtime.imaging.frame import Frame
from realtime.session import assembly
from realtime.session.beside import MakeFrontEnd
from realtime.session.options import Options
from tests.doubles import DrawnCamera, KeepingOutput
from tests.gallery.items import item

_WITHIN_S = 60.0


class Clocks:
    """Both clocks of a programme, turned by the test."""

    def __init__(self) -> None:
        self.now_s = datetime.datetime(2026, 11, 30, 3, 0).timestamp()
        self.at_s = 1000.0

    def turn(self, seconds: float) -> None:
        self.now_s += seconds
        self.at_s += seconds


class Script(FrontEnd):
    """Does one thing after the other, each once the status is as it should be; then it ends the run."""

    def __init__(
        self, controls: ControlChannel, steps: list[tuple[Callable[[ControlChannel], bool], Callable[[], None]]]
    ):
        self.controls, self.steps = controls, steps
        self.began_s = time.monotonic()

    def start(self) -> None:
        pass

    def look_after(self) -> None:
        if self.steps and self.steps[0][0](self.controls):
            self.steps.pop(0)[1]()
        if not self.steps or time.monotonic() - self.began_s > _WITHIN_S:
            self.controls.send(Quit())

    def close(self) -> None:
        pass


class Hanging:
    """A run with a programme on an output that keeps what it is shown."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, items: list[Item], hours: str = "", fade_s: float = 0.0
    ) -> None:
        self.clocks = Clocks()
        self.shown = KeepingOutput()
        self.controls: ControlChannel | None = None
        self.sent: list[Command] = []
        self.items = items
        self.programme = Programme(items, parse_hours(hours) if hours else Hours())
        self.fade_s = fade_s
        monkeypatch.setattr("realtime.outputs.open_output", lambda spec, request: self.shown)

    def run(
        self, *steps: tuple[Callable[[ControlChannel], bool], Callable[[], None]], source: str | None = None
    ) -> None:
        self.programme.look(self.clocks.now_s, self.clocks.at_s, 0)
        current = self.programme.current or self.items[0]
        left = list(steps)

        def play(controls: ControlChannel) -> ProgrammePlayer:
            return ProgrammePlayer(
                controls,
                self.programme,
                current,
                Overrides(),
                fade_s=self.fade_s,
                now_s=lambda: self.clocks.now_s,
                at_s=lambda: self.clocks.at_s,
            )

        options = Options(source=source, effect=(current.spec,), output=("fullscreen",), loop=True)
        beside: list[MakeFrontEnd] = [play, lambda controls: Script(controls, left)]
        run = assembly.build(options, lambda what, share: None, RunStats(), beside, is_closed=self.programme.is_closed)
        run.go()
        assert not left, "the script came to its end"


def is_plain(frame: Frame) -> bool:
    """Whether it is the camera's own picture."""
    return bool(np.all(frame.pixels[20:] == 90))


def hangs(name: str) -> Callable[[ControlChannel], bool]:
    return lambda controls: controls.status.spec == name and controls.status.frames > 5


@pytest.mark.parametrize("fade_s", [0.0, 0.3])
def test_no_picture_is_black_when_the_programme_changes(monkeypatch: pytest.MonkeyPatch, fade_s: float) -> None:
    items = [
        dataclasses.replace(item("camera", 60), spec="none"),
        dataclasses.replace(item("broken", 60), spec="style:there-is-none"),
        dataclasses.replace(item("night", 60), spec="style:night"),
    ]
    hanging = Hanging(monkeypatch, items, fade_s=fade_s)
    monkeypatch.setattr(cameras, "open_camera", lambda source, request: DrawnCamera(live=True, fps=60))
    hanging.run(
        (hangs("none"), lambda: hanging.clocks.turn(60)),
        (hangs("style:night"), lambda: hanging.clocks.turn(60)),
        (lambda controls: is_plain(hanging.shown.frames[-1]), lambda: None),
        source="0",
    )
    means = [float(frame.pixels.mean()) for frame in hanging.shown.frames]
    assert min(means) > 20, "no picture was black"
    plain = [is_plain(frame) for frame in hanging.shown.frames]
    assert plain[0]
    assert plain[-1]
    assert not all(plain), "the night came between"


def test_closed_it_is_black_and_the_camera_is_not_even_opened_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[DrawnCamera] = []

    def open_camera(source: str, request: CameraRequest) -> Camera:
        opened.append(DrawnCamera(live=True, fps=60))
        return opened[-1]

    hanging = Hanging(monkeypatch, [dataclasses.replace(item("camera", 60), spec="none")], "Mon 10:00-18:00")
    monkeypatch.setattr(cameras, "open_camera", open_camera)
    monkeypatch.setattr(awaited, "LOOK_EVERY_S", 0.01)
    black: list[int] = []

    def open_the_doors() -> None:
        black.append(len(opened))
        hanging.clocks.turn(8 * 3600)

    hanging.run(
        (lambda controls: controls.status.blank and bool(hanging.shown.frames), open_the_doors),
        (hangs("none"), lambda: hanging.clocks.turn(8 * 3600)),
        (lambda controls: controls.status.blank and opened[-1].is_closed, lambda: None),
        source="0",
    )
    assert black == [0]
    assert len(opened) == 1
    means = [float(frame.pixels.mean()) for frame in hanging.shown.frames]
    assert means[0] == means[-1] == 0
    assert max(means) > 80, "and open in between"


def listed(number: int, name: str) -> ListedCamera:
    return ListedCamera(number, name, f"/dev/video{number}", ())


def test_a_camera_that_comes_back_under_another_number_is_found_by_its_name() -> None:
    there = [listed(0, "C920"), listed(2, "Built-in")]
    opened: list[str] = []

    def open_it(source: str, request: CameraRequest) -> Camera:
        camera = DrawnCamera(live=True)
        found = next(one for one in there if one.number == int(source))
        camera.info = dataclasses.replace(camera.info, name=found.label)
        opened.append(found.name)
        return camera

    same = SameCamera(lambda: open_it("0", CameraRequest()), CameraRequest(), list_them=lambda: there, open_it=open_it)
    same()
    there[:] = [listed(0, "Built-in")]  # pulled out, and the other has its number now
    with pytest.raises(CameraError, match="C920 is not plugged in"):
        same()
    there[:] = [listed(0, "Built-in"), listed(4, "C920")]
    same()
    there[:] = [listed(4, "C920"), listed(5, "C920")]
    same()
    assert opened == ["C920"] * 3


def test_what_rests_is_a_still_of_the_portrait_or_of_its_photo(navy_photo: Path) -> None:
    portrait = dataclasses.replace(item("a", 60), spec="portrait")
    still = still_of([dataclasses.replace(item("n", 60), spec="none"), portrait])
    broken = still_of([dataclasses.replace(portrait, spec="portrait:there-is-none")])
    for picture in (still, broken):
        assert picture.ndim == 3
        assert picture.mean() > 20
    camera = RestingPicture(still)
    frames = [camera.read() for _ in range(3)]
    camera.close()
    assert all(frame.pixels is still for frame in frames)
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert not camera.info.live
    assert threading.active_count() < 50
