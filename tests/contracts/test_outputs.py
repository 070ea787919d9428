"""What every output promises, asked of every output."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import av
import cv2
import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError, RealtimeError
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.sdl import pygame
from realtime.outputs import OUTPUTS, Output, OutputRequest, open_output, split_spec
from realtime.outputs.pipe import Pipe
from tests.process import open_things

SIZES = (Size(64, 48), Size(64, 48), Size(31, 77), Size(128, 36))


class Opener:
    """Opens one kind of output, again and again, where it can do no harm."""

    def __init__(self, kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kind = kind
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._count = 0

    def __call__(self, request: OutputRequest | None = None) -> Output:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        with (folder / "standard_output").open("w") as stdout, self._monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", stdout)  # here: between a fixture and its test pytest puts its own back
            return OPENERS[self.kind](folder, request or OutputRequest(ControlChannel()))

    def shown(self, output: Output) -> list[Size]:
        """Close the output and return the sizes of the pictures it made; of a window only the last one stays."""
        folder = self._folder / str(self._count)
        sizes = list(TestBackend.sent)
        if pygame.display.get_init() and (surface := pygame.display.get_surface()):
            sizes.append(Size(*surface.get_size()))
        if isinstance(output, Pipe) and output.size:
            picture_bytes = 3 * output.size.width * output.size.height
            count, rest = divmod((folder / "standard_output").stat().st_size, picture_bytes)
            assert rest == 0, "whole pictures only"
            sizes += [output.size] * count
        output.close()
        for film in folder.glob("*.mp4"):
            with av.open(film) as container:
                sizes += [Size(picture.width, picture.height) for picture in container.decode(video=0)]
        for film in folder.glob("*.gif"):
            with av.open(film) as container:
                sizes += [Size(picture.width, picture.height) for picture in container.decode(video=0)]
        for path in [*folder.glob("pictures/*"), *folder.glob("*.png")]:
            sizes.append(Size.of(np.asarray(cv2.imread(str(path)), np.uint8)))
        return sizes


OPENERS: dict[str, Callable[[Path, OutputRequest], Output]] = {
    "window": lambda folder, request: open_output("window", request),
    "fullscreen": lambda folder, request: open_output("fullscreen", request),
    "kiosk": lambda folder, request: open_output("kiosk", request),
    "camera": lambda folder, request: open_output("camera:test", request),
    "file": lambda folder, request: open_output(str(folder / "out.mp4"), request),
    "gif": lambda folder, request: open_output(str(folder / "out.gif"), request),
    "picture": lambda folder, request: open_output(str(folder / "out.png"), request),
    "folder": lambda folder, request: open_output(f"{folder}/pictures/", request),
    "pipe": lambda folder, request: open_output("-", request),
    "none": lambda folder, request: open_output("none", request),
}


class TestBackend:
    """A virtual camera of pyvirtualcam's that goes nowhere: its own way for others to bring one."""

    __test__ = False
    sent: ClassVar[list[Size]] = []

    def __init__(self, *, width: int, height: int, fps: float, fourcc: int, device: str | None, **rest: Any) -> None:
        assert not rest
        self.size = Size(width, height)

    def close(self) -> None:
        pass

    def send(self, frame: Pixels) -> None:
        assert frame.ndim == 1
        self.sent.append(self.size)

    def device(self) -> str:
        return "test camera"

    def native_fourcc(self) -> int | None:
        return None


@pytest.fixture(params=OPENERS)
def opener(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opener:
    if request.param == "camera":
        camera = pytest.importorskip("pyvirtualcam.camera")
        monkeypatch.setattr(TestBackend, "sent", [])
        monkeypatch.setitem(camera.BACKENDS, "test", TestBackend)
    return Opener(request.param, tmp_path, monkeypatch)


def frames(*sizes: Size) -> list[Frame]:
    random = np.random.default_rng(1)
    made = []
    for index, size in enumerate(sizes):
        pixels = random.integers(0, 256, (size.height, size.width, 3), np.uint8)
        pixels.setflags(write=False)
        made.append(Frame(pixels, index / 30, index / 30, index))
    return made


def test_every_output_is_tested_here() -> None:
    assert set(OPENERS) == set(OUTPUTS)


def test_shows_pictures_of_any_size(opener: Opener) -> None:
    output = opener()
    assert isinstance(output, Output)
    assert output.name
    given = frames(*SIZES)
    before = [frame.pixels.copy() for frame in given]
    for frame in given:
        output.show(frame)
        output.poll()
    output.close()
    for frame, pixels in zip(given, before, strict=True):
        np.testing.assert_array_equal(frame.pixels, pixels)


def test_shows_in_the_size_asked_for(opener: Opener) -> None:
    output = opener(OutputRequest(ControlChannel(), size=Size(80, 60), fps=12.5, title="A title"))
    for frame in frames(*SIZES):
        output.show(frame)
    expected = {"none": [], "window": [Size(80, 60)], "picture": [Size(80, 60)]}
    if opener.kind in ("fullscreen", "kiosk"):
        expected[opener.kind] = [Size(*pygame.display.get_desktop_sizes()[0])]
    assert opener.shown(output) == expected.get(opener.kind, [Size(80, 60)] * 4)


def test_shows_the_same_moment_and_the_same_picture_again(opener: Opener) -> None:
    output = opener()
    (frame,) = frames(Size(64, 48))
    for moment in (frame, frame, Frame(frame.pixels, 1.0, 1.0, 7), Frame(frame.pixels, 1.0, 1.0, 8)):
        output.show(moment)
    # A film has the same moment once; a window shows one picture, and only the last.
    counts = {"none": 0, "window": 1, "fullscreen": 1, "kiosk": 1, "picture": 1, "file": 3, "gif": 2}
    assert len(opener.shown(output)) == counts.get(opener.kind, 4)


def test_closes_without_having_shown_anything(opener: Opener) -> None:
    output = opener()
    pictures = 1 if opener.kind in ("fullscreen", "kiosk") else 0  # the empty screen
    assert len(opener.shown(output)) == pictures
    assert not (pygame.display.get_init() and pygame.display.get_surface()), "its window is gone"


def test_lets_go_of_a_frame_once_others_were_shown(opener: Opener) -> None:
    output = opener()
    given = frames(Size(64, 48), Size(64, 48), Size(31, 77), Size(31, 77), Size(64, 48))
    buffers = [weakref.ref(frame.pixels) for frame in given]
    while given:
        output.show(given.pop(0))
    gc.collect()
    assert [buffer() is None for buffer in buffers[:-1]] == [True] * 4
    output.close()
    gc.collect()
    assert buffers[-1]() is None, "closed, it holds nothing"


def test_opening_and_closing_leaves_nothing_behind(opener: Opener) -> None:
    def use() -> None:
        output = opener()
        for frame in frames(Size(64, 48), Size(64, 48)):
            output.show(frame)
            output.poll()
        output.close()

    use()  # the libraries' own beginnings
    before = open_things()
    for _ in range(5):
        use()
    # A native thread that has been joined is in the system's list for a moment longer: there may be fewer than before.
    assert all(now <= then for now, then in zip(open_things(), before, strict=True))


@pytest.mark.parametrize(
    "spec", ["none:x", "window:x", "fullscreen:99", "kiosk:99", "kiosk:x", "camera:nonsense", "out.avi", "widow"]
)
def test_what_cannot_be_is_told_in_one_line(spec: str) -> None:
    with pytest.raises(RealtimeError) as caught:
        open_output(spec, OutputRequest(ControlChannel()))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) > 30, "it tells the next step"


def test_output_texts_mean_what_they_say(tmp_path: Path) -> None:
    assert split_spec("-") == ("pipe", "")
    assert split_spec("window") == ("window", "")
    assert split_spec("fullscreen:1") == ("fullscreen", "1")
    assert split_spec("kiosk:Left wall") == ("kiosk", "Left wall")
    assert split_spec("camera:obs:OBS Virtual Camera") == ("camera", "obs:OBS Virtual Camera")
    assert split_spec("clip.MP4") == ("file", "clip.MP4")
    assert split_spec("C:\\films\\clip.mov") == ("file", "C:\\films\\clip.mov")
    assert split_spec("clip.webm") == ("file", "clip.webm")
    assert split_spec("clip.gif") == ("gif", "clip.gif")
    assert split_spec("styled.JPG") == ("picture", "styled.JPG")
    assert split_spec("pictures/") == ("folder", "pictures/")
    assert split_spec(str(tmp_path)) == ("folder", str(tmp_path))
    with pytest.raises(OutputError, match="did you mean 'window'"):
        split_spec("windw")
