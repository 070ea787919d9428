"""A camera that comes after the program: on a gallery's wall, with nobody there to start anything again."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import numpy as np
import pytest

from realtime import cameras
from realtime.cameras import Camera, CameraInfo, CameraRequest, awaited
from realtime.cameras.awaited import AwaitedCamera
from realtime.cameras.listing import ListedCamera
from realtime.core.errors import CameraError
from realtime.core.stats import RunStats
from realtime.outputs import Output
from realtime.session import assembly
from realtime.session.options import Options
from realtime.system.v4l2 import Device
from tests.doubles import DrawnCamera, KeepingOutput, in_turn, read_number

GONE = CameraError("no camera 0; plug one in")


def test_it_is_grey_until_the_camera_is_there_and_then_that_camera() -> None:
    told: list[CameraInfo] = []
    opener = in_turn([GONE, CameraError("busy"), DrawnCamera(5, live=True, fps=200)])
    camera = AwaitedCamera("the camera", opener, CameraRequest(), found=told.append, look_every_s=0.01)
    frames = []
    while (frame := camera.read()) is not None:
        frames.append(frame)
    camera.close()
    waiting, coming = frames[:-5], frames[-5:]
    assert waiting
    assert all(np.ptp(frame.pixels.reshape(-1, 3), axis=0).max() == 0 for frame in waiting), "nobody is shown"
    assert [read_number(frame.pixels) for frame in coming] == list(range(5))
    assert [frame.index for frame in frames] == list(range(len(frames)))
    times_s = [frame.pts_s for frame in frames]
    assert times_s == sorted(times_s)
    assert [info.name for info in told] == ["drawn"]


def test_it_fails_as_the_camera_does_which_then_is_opened_again_as_any_other() -> None:
    camera = AwaitedCamera(
        "the camera", in_turn([DrawnCamera(live=True, fps=200, fail_at=2)]), CameraRequest(), look_every_s=0.01
    )
    try:
        with pytest.raises(CameraError, match="unplugged"):
            all(iter(camera.read, None))
    finally:
        camera.close()


def test_one_that_comes_after_the_end_is_given_back() -> None:
    opening, may_open = threading.Event(), threading.Event()
    late = DrawnCamera(live=True)
    closed = threading.Event()
    late.close = closed.set  # type: ignore[method-assign]

    def open_slowly() -> Camera:
        opening.set()
        may_open.wait()
        return late

    camera = AwaitedCamera("the camera", open_slowly, CameraRequest(), look_every_s=0.0)
    assert opening.wait(10)
    camera.close()
    may_open.set()
    assert closed.wait(10)


@pytest.mark.parametrize("output", ["camera", "camera:/dev/video0", "camera:v4l2loopback:/dev/video0"])
@pytest.mark.parametrize("source", [None, "0", "Logitech", "rtsp://anna:secret@camera/live"])
def test_a_gallery_waits_for_its_camera_and_never_takes_the_demo(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, source: str | None, output: str
) -> None:
    """The outputs' own virtual camera, too, is there and must not be taken."""
    opened: list[str] = []
    shown = KeepingOutput()
    shown.device = "/dev/video0"

    def open_camera(name: str, request: CameraRequest) -> Camera:
        opened.append(name)
        if len(opened) < 3 or not shown.frames:  # grey is to be seen first, however busy the machine is
            raise GONE
        return DrawnCamera(20, live=True, fps=100)  # with its last picture the run ends

    def open_output(spec: str, request: object) -> Output:
        return shown

    listed = [ListedCamera(0, "realtime", "/dev/video0", ()), ListedCamera(7, "HD Webcam", "/dev/video7", ())]
    monkeypatch.setattr("realtime.cameras.listing.list_cameras", lambda **_: listed)
    monkeypatch.setattr(awaited.AwaitedCamera.__init__, "__kwdefaults__", {"found": print, "look_every_s": 0.01})
    monkeypatch.setattr(cameras, "open_camera", open_camera)
    monkeypatch.setattr("realtime.outputs.open_output", open_output)
    monkeypatch.setattr("realtime.outputs.virtual_camera.loopbacks", lambda: [Path("/dev/video0")])
    takes_pictures = Device(Path("/dev/video0"), "realtime", can_capture=False, can_output=True)
    monkeypatch.setattr("realtime.system.v4l2.describe", lambda path: takes_pictures)
    options = Options(source=source, effect=("none",), output=(output,))
    stats = RunStats()
    with caplog.at_level("WARNING"):
        run = assembly.build(options, lambda what, share: None, stats)
        run.go()
    assert set(opened) == {source or "7"}
    assert stats.source["name"] == "drawn"
    numbers = [read_number(frame.pixels) for frame in shown.frames]
    assert numbers[0] == 0
    assert numbers[-1] > 0, "the late camera's pictures"
    said = [record.getMessage() for record in caplog.records]
    assert len([line for line in said if "looking for it every" in line]) == 1
    assert len([line for line in said if "drawn is there" in line]) == 1
    assert "secret" not in "".join(said)


@pytest.mark.parametrize("source", ["0", "Logitech"])
def test_whoever_sits_before_a_window_is_told_at_once(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    def open_camera(name: str, request: CameraRequest) -> Camera:
        raise GONE

    monkeypatch.setattr(cameras, "open_camera", open_camera)
    with pytest.raises(CameraError, match="no camera 0"):
        assembly.build(
            Options(source=source, effect=("none",), output=("window",)), lambda what, share: None, RunStats()
        )


def test_a_file_that_is_missing_is_nothing_to_wait_for(tmp_path: Path) -> None:
    options = Options(source=str(tmp_path / "flim.mp4"), effect=("none",), output=("fullscreen",))
    with pytest.raises(CameraError, match="no such file"):
        assembly.build(options, lambda what, share: None, RunStats())


@pytest.mark.parametrize(
    ("output", "live", "seen"),
    [
        ("fullscreen", True, False),
        ("kiosk", True, False),
        ("camera", True, False),
        ("out.mp4", True, False),
        ("none", True, True),
        ("out.mp4", False, True),
    ],
)
def test_where_the_portrait_cannot_be_others_see_its_photo_and_no_camera(
    monkeypatch: pytest.MonkeyPatch, navy_photo: Path, output: str, live: bool, seen: bool
) -> None:
    from realtime.core.errors import ModelError
    from realtime.picture_files.painting import read_picture

    def cannot_be(*_: object, **__: object) -> None:
        raise ModelError("face_landmark.tflite is missing; reinstall realtime")

    shown = KeepingOutput()
    monkeypatch.setattr("realtime.portrait.building.default.open_default_portrait", cannot_be)
    monkeypatch.setattr(cameras, "open_camera", lambda source, request: DrawnCamera(30, live=live, fps=100))
    monkeypatch.setattr("realtime.outputs.open_output", lambda spec, request: shown)
    assembly.build(Options(source="0", output=(output,), frames=3), lambda what, share: None, RunStats()).go()
    pictures = [frame.pixels for frame in shown.frames]
    assert pictures
    if seen:
        assert all(picture.shape == (48, 64, 3) for picture in pictures)
    elif output == "camera":
        assert all(picture.shape == (720, 1280, 3) for picture in pictures), "the size that a camera is given"
    else:
        np.testing.assert_array_equal(pictures[-1], read_picture(navy_photo)[0])


def test_only_the_demo_is_shown_in_the_corner_of_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`realtime` alone, where there is no screen: what it keeps must not show who sits before the camera."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("realtime.outputs.window.screens.has_screen", lambda: False)
    shown = {}
    for live in (True, False):
        monkeypatch.setattr(cameras, "open_camera", lambda s, r, live=live: DrawnCamera(5, live=live, fps=100))
        run = assembly.build(dataclasses.replace(Options(), frames=1), lambda what, share: None, RunStats())
        run.go()
        assert run.loop.newest is not None
        shown[live] = run.loop.newest.pixels
    differs = np.argwhere((shown[True] != shown[False]).any(axis=2))
    height, width = shown[True].shape[:2]
    assert len(differs) > 0, "the corner"
    assert (differs.min(axis=0) > (0.6 * height, 0.6 * width)).all()


def test_a_camera_without_a_path_is_not_taken_for_an_output_without_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_camera(name: str, request: CameraRequest) -> Camera:
        opened.append(name)
        if len(opened) == 1:  # at the second look the outputs are open
            raise GONE
        return DrawnCamera(20, live=True, fps=100)

    listed = [ListedCamera(3, "FaceTime HD", "", ())]  # as macOS lists it
    monkeypatch.setattr("realtime.cameras.listing.list_cameras", lambda **_: listed)
    monkeypatch.setattr(awaited.AwaitedCamera.__init__, "__kwdefaults__", {"found": print, "look_every_s": 0.01})
    monkeypatch.setattr(cameras, "open_camera", open_camera)
    monkeypatch.setattr("realtime.outputs.open_output", lambda spec, request: KeepingOutput())
    monkeypatch.setattr("realtime.outputs.virtual_camera.loopbacks", list)
    stats = RunStats()
    assembly.build(Options(effect=("none",), output=("camera",), seconds=20), lambda what, share: None, stats).go()
    assert opened == ["3", "3"]
    assert stats.source["name"] == "drawn"
