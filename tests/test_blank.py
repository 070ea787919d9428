"""Black on every output and the camera's light off, for the hours in which a gallery is closed."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable

import pytest

from realtime.cameras import Camera
from realtime.control.channel import ControlChannel
from realtime.control.commands import Quit, ReopenCamera, SetBlank, named_command
from realtime.core.errors import CameraError
from realtime.pipeline.processing import Limits
from tests.doubles import DrawnCamera, KeepingOutput, in_turn
from tests.test_loop import make_loop, run, wait_for


class Cameras:
    """Opens live cameras one after the other, and remembers them."""

    def __init__(self) -> None:
        self.opened: list[DrawnCamera] = []

    def __call__(self) -> Camera:
        assert all(camera.is_closed for camera in self.opened), "many drivers open a camera once only"
        self.opened.append(DrawnCamera(live=True, fps=100))
        return self.opened[-1]


def go(cameras: Cameras, output: KeepingOutput, controls: ControlChannel, user: Callable[[], None]) -> None:
    made = make_loop(cameras(), [output], every_frame=False, controls=controls)  # type: ignore[arg-type]
    made.loop.capture._open_source = cameras

    def use() -> None:
        try:
            user()
        finally:
            controls.send(Quit())

    person = threading.Thread(target=use)
    person.start()
    run(made)
    person.join()


def is_black(output: KeepingOutput) -> bool:
    return bool(output.frames) and not output.frames[-1].pixels.any()


def test_blank_is_black_and_closes_the_camera_until_it_is_over() -> None:
    cameras, output, controls = Cameras(), KeepingOutput(), ControlChannel()
    seen: dict[str, bool] = {}

    def user() -> None:
        assert wait_for(lambda: len(output.frames) > 5)
        controls.send(SetBlank(True))
        seen["black"] = wait_for(lambda: is_black(output))
        seen["closed"] = wait_for(lambda: cameras.opened[0].is_closed)
        seen["told"] = wait_for(lambda: controls.status.blank)
        shown = len(output.frames)
        threading.Event().wait(0.3)
        seen["stays black"] = len(output.frames) == shown and is_black(output)
        seen["not opened by itself"] = len(cameras.opened) == 1
        picture = controls.newest_picture()
        seen["nobody sees more elsewhere"] = picture is None or not picture.pixels.any()
        controls.send(SetBlank())
        seen["back"] = wait_for(lambda: output.frames[-1].pixels.any())

    go(cameras, output, controls, user)
    assert [what for what, happened in seen.items() if not happened] == []
    assert len(cameras.opened) == 2
    times = [frame.pts_s for frame in output.frames]
    assert all(later > earlier for earlier, later in itertools.pairwise(times)), "a recording goes on"


def test_a_run_that_begins_blank_shows_nothing_before() -> None:
    cameras, output, controls = Cameras(), KeepingOutput(), ControlChannel()
    controls.send(SetBlank(True))  # as a programme does outside of its hours

    def user() -> None:
        assert wait_for(lambda: output.frames)
        threading.Event().wait(0.2)

    go(cameras, output, controls, user)
    assert len(output.frames) == 1
    assert is_black(output)
    assert cameras.opened[0].is_closed


def test_a_camera_is_reopened_on_demand_and_the_last_picture_held() -> None:
    cameras, output, controls = Cameras(), KeepingOutput(), ControlChannel()

    def user() -> None:
        assert wait_for(lambda: len(output.frames) > 5)
        controls.send(ReopenCamera())
        assert wait_for(lambda: len(cameras.opened) == 2)
        before = len(output.frames)
        assert wait_for(lambda: len(output.frames) > before + 5)

    go(cameras, output, controls, user)
    assert cameras.opened[0].is_closed
    assert all(frame.pixels.any() for frame in output.frames)
    assert [frame.index for frame in output.frames] == sorted(frame.index for frame in output.frames)


def test_recorded_material_waits_while_blank() -> None:
    camera, output, controls = DrawnCamera(40, fps=100), KeepingOutput(), ControlChannel()
    made = make_loop(camera, [output], every_frame=False, controls=controls)

    def user() -> None:
        wait_for(lambda: len(output.frames) > 3)
        controls.send(SetBlank(True))
        wait_for(lambda: is_black(output))
        threading.Event().wait(0.3)
        controls.send(SetBlank(False))

    person = threading.Thread(target=user)
    person.start()
    run(made)
    person.join()
    numbers = [number for number, frame in zip(output.numbers, output.frames, strict=True) if frame.pixels.any()]
    assert made.loop.processing.is_complete
    assert numbers[-1] == 39
    assert max(later - earlier for earlier, later in itertools.pairwise(numbers)) < 20, "no leap over the pause"


def test_a_render_has_nothing_to_blank() -> None:
    camera, output, controls = DrawnCamera(10), KeepingOutput(every=True), ControlChannel()
    made = make_loop(camera, [output], controls=controls)
    controls.send(SetBlank(True))
    run(made)
    assert output.numbers == list(range(10))
    assert "nothing is live" in controls.message


def test_a_camera_that_is_gone_when_the_hours_begin_is_looked_for() -> None:
    first, back = DrawnCamera(live=True, fps=100), DrawnCamera(live=True, fps=100)
    output, controls = KeepingOutput(), ControlChannel()
    made = make_loop(first, [output], every_frame=False, limits=Limits(), controls=controls)
    made.loop.capture._open_source = in_turn([CameraError("no camera"), back])
    made.loop.capture._policy = dataclasses.replace(made.loop.capture._policy, retry_s=0.01)

    def user() -> None:
        wait_for(lambda: output.frames)
        controls.send(SetBlank(True))
        wait_for(lambda: first.is_closed)
        controls.send(SetBlank(False))
        wait_for(lambda: output.frames[-1].pixels.any())
        controls.send(Quit())

    person = threading.Thread(target=user)
    person.start()
    run(made)
    person.join()
    assert output.frames[-1].pixels.any()


@pytest.mark.parametrize("name", ["blank", "reopen_camera", "mirror"])
def test_commands_have_names(name: str) -> None:
    assert named_command(name).name == name.replace("_", "-")


@pytest.mark.parametrize("is_opening", [False, True])
def test_a_source_that_is_chosen_while_blank_stays_closed_until_that_is_over(is_opening: bool) -> None:
    camera, other = DrawnCamera(live=True, fps=100), DrawnCamera(live=True, fps=100)
    opened: list[DrawnCamera] = []
    may_open, is_at_it, said = threading.Event(), threading.Event(), list[str]()

    def open_other() -> Camera:
        is_at_it.set()
        may_open.wait()
        opened.append(DrawnCamera(live=True, fps=100) if not opened else other)
        return opened[-1]

    made = make_loop(camera, [KeepingOutput()], every_frame=False)
    capture = made.loop.capture
    if is_opening:
        capture.choose("other", open_other, said.append)
        assert is_at_it.wait(20)
        capture.suspend()
        may_open.set()
        assert wait_for(lambda: opened and opened[0].is_closed)
    else:
        may_open.set()
        capture.suspend()
        capture.choose("other", open_other, said.append)
    assert said == []
    assert capture._chosen is None
    capture.is_suspended, capture.info = True, dataclasses.replace(camera.info, live=False)
    capture.resume()
    assert wait_for(lambda: said == ["source: drawn"])
    assert not opened[-1].is_closed
    capture.stop()
    assert opened[-1].is_closed
