"""The virtual camera is opened and closed while the picture goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from realtime.control.commands import Quit, SetInCalls, SetMirrored
from realtime.core.errors import OutputError
from realtime.core.registry import RegistryEntry
from realtime.core.stats import RunStats
from realtime.imaging.frame import Frame, Size
from realtime.outputs import OUTPUTS, Output, OutputRequest
from realtime.session.assembly import Run, build
from realtime.session.options import Options

OPENED: list[Camera] = []


class Camera(Output):
    """A virtual camera that keeps what it is sent."""

    shows_in_calls = True

    def __init__(self, argument: str, request: OutputRequest) -> None:
        if REFUSES:
            raise OutputError(REFUSES[0])
        self.name = "camera OBS Virtual Camera"
        self.mirrored: list[bool] = []
        self.is_closed = False
        OPENED.append(self)

    def show(self, frame: Frame) -> None:
        self.mirrored.append(frame.mirrored)

    def close(self) -> None:
        self.is_closed = True


REFUSES: list[str] = []


@pytest.fixture(autouse=True)
def _cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    OPENED.clear()
    REFUSES.clear()
    monkeypatch.setitem(OUTPUTS, "camera", RegistryEntry(__name__, "Camera", "for calls"))


def play(steps: list[Callable[[Run], bool]], **asked: object) -> Run:
    """Run until each step has been true, one after the other; a step may send what the next one waits for."""
    options = Options(source="demo", size=Size(64, 48), output=("none",), effect=("none",), **asked)  # type: ignore[arg-type]
    run = build(options, lambda what, share: None, RunStats())
    left = list(steps)

    def look(processed: int) -> None:
        if processed > 2 and left and left[0](run):
            left.pop(0)
        if not left:
            run.supervisor.controls.send(Quit())

    run.supervisor.on_processed = look
    run.go()
    return run


def sends(*commands: object) -> Callable[[Run], bool]:
    def send(run: Run) -> bool:
        for command in commands:
            run.supervisor.controls.send(command)  # type: ignore[arg-type]
        return True

    return send


def test_calls_see_the_picture_until_the_switch_is_off_again() -> None:
    seen: list[str] = []

    def shown(run: Run) -> bool:
        seen.append(run.supervisor.controls.status.virtual_camera)
        return bool(OPENED) and len(OPENED[0].mirrored) > 3

    run = play([sends(SetInCalls(True)), shown, sends(SetInCalls(False)), lambda run: OPENED[0].is_closed])
    assert len(OPENED) == 1
    assert "OBS Virtual Camera" in seen
    assert [one.name for one in run.loop.stats.outputs] == ["none", "camera OBS Virtual Camera"]


def test_letters_are_read_in_a_call_whatever_the_looking_glass_shows() -> None:
    def shown(run: Run) -> bool:
        return bool(OPENED) and len(OPENED[0].mirrored) > 8

    run = play(
        [
            sends(SetMirrored(True)),
            sends(SetInCalls(True)),
            shown,
            sends(SetInCalls(False)),
            lambda run: OPENED[0].is_closed,
        ]
    )
    assert not any(OPENED[0].mirrored[4:])
    assert run.loop.maker.mirrored, "and the looking glass is one again"


def test_where_there_is_none_it_says_how_to_get_one() -> None:
    REFUSES.append("this system has no virtual camera; make one with: sudo modprobe v4l2loopback")
    said: list[str] = []

    def told(run: Run) -> bool:
        said.append(run.supervisor.controls.message)
        return REFUSES[0] in said

    run = play([sends(SetInCalls(None)), told])
    assert run.supervisor.controls.status.virtual_camera == ""


def test_a_camera_that_was_there_from_the_start_is_the_same_switch() -> None:
    options = Options(source="demo", size=Size(64, 48), output=("none", "camera"), effect=("none",))
    run = build(options, lambda what, share: None, RunStats())
    states: list[str] = []

    def look(processed: int) -> None:
        states.append(run.supervisor.controls.status.virtual_camera)
        if processed > 2 and states[-1]:
            run.supervisor.controls.send(SetInCalls())
        elif "OBS Virtual Camera" in states and not states[-1]:
            run.supervisor.controls.send(Quit())

    run.supervisor.on_processed = look
    run.go()
    assert OPENED[0].is_closed
    assert len(OPENED) == 1
