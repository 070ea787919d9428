"""What a webcam says where there is none; real devices: `python -m tools.check_webcam`."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from realtime.cameras import CameraRequest
from realtime.cameras.listing import ListedCamera, ListedMode, list_cameras, named
from realtime.cameras.webcam import Webcam
from realtime.core.errors import CameraError
from realtime.imaging.frame import Size
from realtime.system import v4l2

linux = pytest.mark.skipif(sys.platform != "linux", reason="V4L2 exists on Linux only")

CAMERAS = [
    ListedCamera(0, "Integrated Camera", "/dev/video0", ()),
    ListedCamera(2, "Logitech C920", "/dev/video2", ()),
    ListedCamera(4, "Logitech C920", "/dev/video4", ()),
    ListedCamera(6, "C920 Pro", "/dev/video6", ()),
    ListedCamera(8, "Pro", "/dev/video8", ()),
]


def test_by_a_part_of_the_name_in_any_case() -> None:
    assert named("integr", CAMERAS).number == 0
    assert named("c920 p", CAMERAS).number == 6


def test_a_whole_name_goes_before_a_part() -> None:
    assert named("pro", CAMERAS).number == 8


def test_an_ambiguous_name_lists_what_fits() -> None:
    with pytest.raises(CameraError, match="2 Logitech C920, 4 Logitech C920; give the number") as caught:
        named("logitech", CAMERAS)
    assert "Integrated" not in str(caught.value)


def test_an_unknown_name_lists_what_exists() -> None:
    with pytest.raises(CameraError, match="no camera 'obs'; there are: 0 Integrated Camera, 2 Logitech"):
        named("obs", CAMERAS)
    with pytest.raises(CameraError, match="there is none; plug one in, or use --source demo"):
        named("obs", [])


@linux
@pytest.mark.parametrize("source", ["97", "/dev/video97"])
def test_a_missing_device(source: str) -> None:
    with pytest.raises(CameraError, match="no camera at /dev/video97; there "):
        Webcam(source, CameraRequest())


@linux
def test_a_file_that_is_no_camera(tmp_path: Path) -> None:
    path = tmp_path / "video5"
    path.write_bytes(b"")
    with pytest.raises(CameraError, match="is no camera"):
        Webcam(str(path), CameraRequest())


@linux
@pytest.mark.parametrize(
    ("number", "line"),
    [
        (errno.EACCES, "no permission for /dev/video77; run: sudo usermod -aG video"),
        (errno.EBUSY, "/dev/video77 is in use by another program; close it"),
        (errno.ENODEV, "no camera at /dev/video77"),
        (errno.EINVAL, "/dev/video77 is no camera"),
    ],
)
def test_a_refusal_tells_the_next_step(number: int, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, number)
    with pytest.raises(CameraError) as told:
        Webcam("/dev/video77", CameraRequest())
    assert str(told.value).startswith(line)
    assert "\n" not in str(told.value)


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let a device say no to whoever looks what it is."""

    def describe(path: Path) -> v4l2.Device:
        raise OSError(number, "the system's word")

    monkeypatch.setattr(v4l2, "describe", describe)


@linux
def test_whoever_holds_a_device_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    path = tmp_path / "video0"
    path.touch()
    with path.open("rb") as file:
        holder = subprocess.Popen(["sleep", "30"], stdin=file)
    try:
        assert v4l2.holders(path) == [f"sleep (process {holder.pid})"]
        refuse(monkeypatch, errno.EBUSY)
        with pytest.raises(CameraError, match=rf"in use by sleep \(process {holder.pid}\)"):
            Webcam(str(path), CameraRequest())
    finally:
        holder.kill()
        holder.wait()
    assert v4l2.holders(path) == []


@linux
def test_asking_what_is_no_device(tmp_path: Path) -> None:
    path = tmp_path / "video0"
    path.touch()
    assert v4l2.modes(path) == []
    v4l2.reset_output(path)  # the refusal of the asking does no harm
    refusal = v4l2.why_not(path)
    assert refusal is not None
    assert refusal.errno == errno.ENOTTY


def test_a_mode_reads_as_one_line() -> None:
    mode = ListedMode(Size(1280, 720), (30.0, 12.5), ("MJPG", "YUYV", "A", "B", "C", "D"))
    assert str(mode) == "1280x720 at 30, 12.5 fps  (MJPG, YUYV, A, B +2)"
    assert str(ListedMode(Size(640, 480), (), ("MJPG",))) == "640x480  (MJPG)"


def test_listing_works_without_cameras() -> None:
    for camera in list_cameras():
        assert camera.name


@pytest.mark.camera_vm
def test_real_devices() -> None:
    if not any(device.name.startswith("vivid") for device in v4l2.devices()):
        pytest.skip("no vivid test camera here (modprobe vivid, modprobe v4l2loopback)")
    from tools.check_webcam import check_webcam

    assert check_webcam()
