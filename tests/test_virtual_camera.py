"""The virtual camera against a backend of pyvirtualcam's that keeps what it is sent.

The real devices are tried by `python -m tools.check_virtual_camera`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError
from realtime.imaging import pixels
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.outputs import OutputRequest, virtual_camera
from realtime.outputs.virtual_camera import VirtualCamera
from realtime.system import v4l2

pyvirtualcam = pytest.importorskip("pyvirtualcam")


class KeepingBackend:
    """Keeps what it is sent."""

    opened: ClassVar[list[KeepingBackend]] = []

    def __init__(self, **settings: Any) -> None:
        if settings["device"] == "absent":
            raise RuntimeError("the first reason\nand the second")
        self.settings = settings
        self.sent: list[Pixels] = []
        self.is_closed = False
        self.opened.append(self)

    def send(self, frame: Pixels) -> None:
        self.sent.append(frame.copy())

    def device(self) -> str:
        return self.settings["device"] or "first device"

    def native_fourcc(self) -> int | None:
        return None

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> type[KeepingBackend]:
    monkeypatch.setattr(KeepingBackend, "opened", [])
    monkeypatch.setitem(pyvirtualcam.camera.BACKENDS, "keeping", KeepingBackend)
    return KeepingBackend


def test_size_rate_and_device_are_those_asked_for(backend: type[KeepingBackend]) -> None:
    output = VirtualCamera("keeping:Desk", OutputRequest(ControlChannel(), size=Size(64, 48), fps=24.0))
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    output.show(Frame(picture, 0.0, 0.0, 0))
    output.close()
    (device,) = backend.opened
    assert (device.settings["width"], device.settings["height"], device.settings["fps"]) == (64, 48, 24.0)
    assert output.device == "Desk"
    assert output.name == "camera Desk"
    assert output.repeat_fps == 24.0
    np.testing.assert_array_equal(device.sent[0].reshape(48, 64, 3), picture)
    assert device.is_closed


def test_without_a_size_it_is_720p_and_pictures_are_fitted(backend: type[KeepingBackend]) -> None:
    output = VirtualCamera("keeping", OutputRequest(ControlChannel()))
    output.show(Frame(np.full((90, 90, 3), 77, np.uint8), 0.0, 0.0, 0))
    output.close()
    picture = backend.opened[0].sent[0].reshape(720, 1280, 3)
    assert (picture[:, 280:1000] == 77).all()
    assert picture[:, :280].max() == picture[:, 1000:].max() == 0


def test_the_same_picture_is_fitted_once(backend: type[KeepingBackend], monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[Size] = []

    def count(picture: Pixels, out: Pixels, bars: tuple[int, int, int]) -> pixels.Place:
        fitted.append(Size.of(picture))
        return letterbox_into(picture, out, bars)

    letterbox_into = pixels.letterbox_into
    monkeypatch.setattr(pixels, "letterbox_into", count)
    output = VirtualCamera("keeping", OutputRequest(ControlChannel()))
    frame = Frame(np.full((90, 90, 3), 77, np.uint8), 0.0, 0.0, 0)
    for _ in range(5):
        output.show(frame)
    output.close()
    assert len(backend.opened[0].sent) == 5
    assert fitted == [Size(90, 90)]


def test_odd_sizes_are_refused(backend: type[KeepingBackend]) -> None:
    with pytest.raises(OutputError, match="even sizes only; ask for --size 640x360 instead of 641x361"):
        VirtualCamera("keeping", OutputRequest(ControlChannel(), size=Size(641, 361)))


def test_unknown_backends_are_told_the_known_ones(backend: type[KeepingBackend]) -> None:
    with pytest.raises(OutputError, match=r"no virtual camera backend 'kepping' \(did you mean 'keeping'\?\); .*has: "):
        VirtualCamera("kepping", OutputRequest(ControlChannel()))
    elsewhere = {"linux": "unitycapture"}.get(sys.platform, "v4l2loopback")
    with pytest.raises(OutputError, match=f"'{elsewhere}' here, it is for "):
        VirtualCamera(elsewhere, OutputRequest(ControlChannel()))


def test_all_reasons_stand_in_one_line(backend: type[KeepingBackend]) -> None:
    with pytest.raises(OutputError, match="the first reason; and the second; install OBS") as caught:
        VirtualCamera("keeping:absent", OutputRequest(ControlChannel()))
    assert "\n" not in str(caught.value)


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="v4l2loopback is Linux's")


@linux_only
def test_without_a_loopback_the_command_that_makes_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_camera, "loopbacks", list)
    with pytest.raises(
        OutputError, match="apt install v4l2loopback-dkms && sudo modprobe v4l2loopback exclusive_caps=1"
    ):
        VirtualCamera("", OutputRequest(ControlChannel()))


@linux_only
def test_a_device_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"/dev/video97 is not there: make a virtual camera with .* video_nr=97"):
        VirtualCamera("v4l2loopback:/dev/video97", OutputRequest(ControlChannel()))
    file = tmp_path / "video3"
    file.touch()
    with pytest.raises(OutputError, match="is no virtual camera"):
        VirtualCamera(f"v4l2loopback:{file}", OutputRequest(ControlChannel()))


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A v4l2loopback device as far as asking goes, which takes pictures again once it has been reset."""
    path = Path("/dev/video10")
    offers = {"output": False}

    def describe(path: Path) -> v4l2.Device:
        return v4l2.Device(path, "OBS", can_capture=not offers["output"], can_output=offers["output"])

    monkeypatch.setattr(virtual_camera, "loopbacks", lambda: [path])
    monkeypatch.setattr(v4l2, "describe", describe)
    monkeypatch.setattr(v4l2, "holders", lambda path: ["obs (process 7)"])
    monkeypatch.setattr(v4l2, "reset_output", lambda path: offers.update(output=True))
    return path


@linux_only
def test_a_loopback_whose_writer_has_left_is_revived(loopback: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v4l2, "is_written_to", lambda path: False)
    assert virtual_camera.planned_device("") == str(loopback)
    assert v4l2.describe(loopback).can_output, "it was reset"


@linux_only
def test_a_device_somebody_writes_to_is_left_alone(loopback: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v4l2, "is_written_to", lambda path: True)
    monkeypatch.setattr(v4l2, "reset_output", lambda path: pytest.fail("it would end the other's session"))
    with pytest.raises(OutputError, match=r"/dev/video10 \(OBS\) is being written to .*open in obs \(process 7\)"):
        VirtualCamera("", OutputRequest(ControlChannel()))


@linux_only
def test_writing_is_known_by_the_pictures_that_arrive(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"  # gives what was written and then says EAGAIN, as the driver does
    os.mkfifo(fifo)
    with fifo.open("r+b", buffering=0) as writer:
        writer.write(bytes(64))
        assert not v4l2.is_written_to(fifo), "the last picture of a writer that has left"
        writer.write(bytes(3 * 64))
        assert v4l2.is_written_to(fifo)
