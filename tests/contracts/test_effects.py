"""What every effect owes, tried on each."""

from __future__ import annotations

import dataclasses
import gc
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import RealtimeError
from realtime.core.settings import parameters_of, parse_settings
from realtime.core.specs import EffectSpec
from realtime.effects import EFFECTS, Effect, EffectContext, effect_class
from realtime.effects.scene import Scene
from realtime.imaging.frame import Box, Face, Frame, Pixels, Size
from realtime.picture_files.samples import sample_photo
from tests.portrait_packs import write_pack
from tests.process import open_things
from tests.tiny_models import negative_style, shaded_morph

CANVAS = Size(320, 180)
LASTING = ("morph network", "walk")
"""Threads that stay as long as their effect is open."""


def spec_of(name: str, folder: Path) -> str:
    """What to write after `--effect` for the smallest real use of an effect. An effect without a line here fails
    `test_no_effect_is_left_out`.
    """
    if name == "portrait":
        return f"portrait:{write_pack(folder / 'pack.portrait', columns=9, stages=2, idles=8)}"
    if name == "style":
        return f"style:{negative_style(folder / 'negative.onnx')}"
    if name == "swap":
        return f"swap:{sample_photo()}"
    if name == "walk":
        return f"walk:{shaded_morph(folder / 'shaded.onnx')}"
    return {"none": "none", "morph": "morph", "background": "background:blur", "puppet": "puppet"}[name]


@pytest.fixture(scope="module")
def photo(navy_photo: Path) -> Pixels:
    pixels = cv2.imread(str(navy_photo))
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def open_named(name: str, folder: Path, canvas: Size | None = CANVAS) -> Effect:
    asked = EffectSpec.parse(spec_of(name, folder))
    chosen, argument = asked.name, asked.argument
    cls = effect_class(chosen)
    return cls.open(argument, parse_settings(cls.Settings, {}, chosen), EffectContext(canvas=canvas))


@pytest.fixture(params=sorted(EFFECTS))
def effect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Effect]:
    opened = open_named(request.param, tmp_path)
    yield opened
    opened.close()


def moment(pixels: Pixels, index: int) -> Frame:
    """A frame that nobody can write into."""
    pixels = pixels.view()
    pixels.flags.writeable = False
    return Frame(pixels, 500 + index / 30, index / 30, index)


def face_at(x: float, y: float, size_px: float = 120) -> Face:
    offsets = np.array([[-0.2, -0.1], [0.2, -0.1], [0, 0.1], [0, 0.25], [-0.45, 0], [0.45, 0]], np.float32)
    points = (offsets * size_px + (x, y)).astype(np.float32)
    return Face(Box(x - size_px / 2, y - size_px / 2, size_px, size_px), points, 0.9, track_id=1)


def crowds(size: Size) -> list[list[Face]]:
    """Nobody, somebody, several, somebody half out of the picture, a face held since half a second."""
    middle = face_at(size.width / 2, size.height / 2)
    return [
        [],
        [middle],
        [middle, face_at(60, 60, 40)],
        [face_at(0, size.height)],
        [dataclasses.replace(middle, lost_for_s=0.5)],
    ]


def test_no_effect_is_left_out(tmp_path: Path) -> None:
    for name in EFFECTS:
        assert EffectSpec.parse(spec_of(name, tmp_path)).name == name


def test_every_frame_is_answered_whoever_is_there(effect: Effect, photo: Pixels) -> None:
    sizes = set()
    for index in range(60):
        crowd = crowds(Size.of(photo))[index // 6 % 5] if effect.uses_faces else []
        frame = moment(photo, index)
        made = effect.make(Scene(frame, crowd))
        assert (made.index, made.pts_s, made.captured_at_s) == (frame.index, frame.pts_s, frame.captured_at_s)
        assert made.mirrored == frame.mirrored
        assert made.pixels.dtype == np.uint8
        assert made.pixels.ndim == 3
        assert made.pixels.shape[2] == 3
        assert made.pixels.flags.c_contiguous
        sizes.add(made.size)
    assert len(sizes) == 1
    assert effect.uses_pixels or sizes == {CANVAS}, "an effect that draws its own picture makes it the canvas's size"


def test_frames_given_are_never_written_into(effect: Effect, photo: Pixels) -> None:
    before = photo.copy()
    for index in range(20):
        effect.make(Scene(moment(photo, index), [face_at(100 + 15 * index, 200)] if effect.uses_faces else []))
    assert np.array_equal(photo, before)


def test_pictures_given_are_never_changed_afterwards(effect: Effect, photo: Pixels) -> None:
    made: list[tuple[Pixels, Pixels]] = []
    for index in range(20):
        faces = [face_at(100 + 15 * index, 200)] if effect.uses_faces else []
        pixels = effect.make(Scene(moment(np.roll(photo, 9 * index, 1), index), faces)).pixels
        made.append((pixels, pixels.copy()))
    assert all(np.array_equal(pixels, copy) for pixels, copy in made)


@pytest.mark.parametrize("size", [Size(1, 1), Size(17, 333), Size(1280, 720)])
def test_any_size_of_frame(effect: Effect, size: Size) -> None:
    pixels = np.full((size.height, size.width, 3), 128, np.uint8)
    faces = [face_at(size.width / 2, size.height / 2, 20)] if effect.uses_faces else []
    for index in range(3):
        assert effect.make(Scene(moment(pixels, index), faces)).pixels.size > 0


def test_size_may_change_on_the_way(effect: Effect) -> None:
    for index, size in enumerate([Size(640, 360), Size(100, 200), Size(640, 360)]):
        made = effect.make(Scene(moment(np.full((size.height, size.width, 3), 50, np.uint8), index), []))
        assert made.size == (size if effect.uses_pixels else CANVAS)


def test_memory_stays_flat(effect: Effect, photo: Pixels) -> None:
    small = np.asarray(cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)

    def run(begin: int, end: int) -> None:
        for index in range(begin, end):
            across = 130 + 100 * np.sin(index / 20)
            faces = [face_at(across, 100, 60)] if effect.uses_faces else []
            effect.make(Scene(moment(small, index), faces))

    run(0, 150)
    for thread in threading.enumerate():  # what loads in the background is no growth: let it finish
        if thread is not threading.current_thread() and not thread.name.startswith(LASTING):
            thread.join(timeout=10)
    tracemalloc.start()
    try:
        run(150, 200)
        kept_bytes = [traced_bytes()]
        # What keeps something of every frame grows each time; a style that takes another working size, because the
        # machine is busy, grows once.
        for begin in (200, 300, 400):
            run(begin, begin + 100)
            kept_bytes.append(traced_bytes())
            if kept_bytes[-1] - kept_bytes[-2] < 33_000:
                break
    finally:
        tracemalloc.stop()
    assert kept_bytes[-1] - kept_bytes[-2] < 33_000, kept_bytes


def traced_bytes() -> int:
    """Return what is in use, without the 2,000 tuples of each length that CPython keeps for later."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize("name", sorted(EFFECTS))
def test_opening_and_closing_again_and_again(name: str, tmp_path: Path, photo: Pixels) -> None:
    def once(count: int) -> None:
        folder = tmp_path / str(count)
        folder.mkdir()
        opened = open_named(name, folder)
        opened.make(Scene(moment(photo, 0), []))
        opened.close()
        for thread in set(threading.enumerate()) - there:  # what it closes in the background
            thread.join(timeout=10)

    there = set(threading.enumerate())
    once(0)  # libraries start threads and open files of their own on first use
    before = open_things()
    for count in range(1, 5):
        once(count)

    def is_left() -> bool:
        return any(now > then for now, then in zip(open_things(), before, strict=True))

    # A native thread that has been joined is in the system's list for a moment longer; what leaks stays.
    deadline_s = time.monotonic() + 10
    while is_left() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not is_left()


@pytest.mark.parametrize("name", sorted(EFFECTS))
def test_own_size_without_a_canvas(name: str, tmp_path: Path, photo: Pixels) -> None:
    opened = open_named(name, tmp_path, canvas=None)
    sizes = {opened.make(Scene(moment(photo, index), [])).size for index in range(3)}
    assert len(sizes) == 1
    opened.close()


@pytest.mark.parametrize("name", sorted(EFFECTS))
def test_settings_are_a_frozen_dataclass_with_words(name: str) -> None:
    settings_class = effect_class(name).Settings
    assert dataclasses.is_dataclass(settings_class)
    defaults = settings_class()
    for field in dataclasses.fields(settings_class):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(defaults, field.name, None)
    assert all(line.help for line in parameters_of(settings_class))


@pytest.mark.parametrize("name", sorted(EFFECTS))
def test_an_argument_that_cannot_be_is_said_in_one_line(name: str) -> None:
    cls = effect_class(name)
    with pytest.raises(RealtimeError) as caught:
        cls.open("no/such thing", parse_settings(cls.Settings, {}, name), EffectContext())
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) > 20
