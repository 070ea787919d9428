"""A face that wanders: somebody at every moment, the same way for the same seed, however many frames are asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.core.errors import ModelError, RealtimeError
from realtime.core.settings import parse_settings
from realtime.effects import EffectContext
from realtime.effects.morph import MorphEffect, MorphSettings
from realtime.effects.scene import Scene
from realtime.effects.walk import WalkEffect, WalkSettings
from realtime.imaging.frame import Face, Frame, Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.models.latent_space import LatentSpace
from realtime.morph.framing import STEPS, FramedFace
from realtime.morph.generator import FaceGenerator
from realtime.morph.walk import LatentWalk, WalkCourse
from realtime.morph.walker import Walker
from realtime.picture_files.samples import sample_photo
from tests import tiny_models

Z, LIGHT = 200, 6
PEOPLE = np.linspace(0, 40, 401)
SMALL = Size(160, 90)
BLACK = np.zeros((90, 160, 3), np.uint8)


def space() -> LatentSpace:
    random = np.random.default_rng(7)
    mean, deviation = random.normal(0, 0.5, Z), random.uniform(0.2, 3, Z)
    return LatentSpace(LIGHT, mean.astype(np.float32), deviation.astype(np.float32))


def codes_along(walk: LatentWalk, spread: float = 1, people: NDArray[np.float64] = PEOPLE) -> Floats:
    """The codes, each number in deviations from its mean."""
    known = space()
    return np.stack([(walk.code(float(at), spread) - known.mean) / known.deviation for at in people])


def test_a_walk_is_as_long_as_people_are_at_every_moment_and_never_near_the_mean() -> None:
    lengths = np.linalg.norm(codes_along(LatentWalk(space(), 1))[:, :-LIGHT], axis=1)
    people = np.sqrt(Z - LIGHT)  # 13.9, and 0.7 is what people's own differ by
    assert np.abs(lengths - people).max() < 4 * 0.71
    assert abs(lengths.mean() - people) < 0.71


def test_each_number_is_spread_as_people_are_and_bounded() -> None:
    numbers = np.concatenate([codes_along(LatentWalk(space(), seed)) for seed in range(8)])[:, :-LIGHT]
    assert abs(numbers.mean()) < 0.05
    assert abs(numbers.std() - 1) < 0.03
    assert np.abs(numbers).max() < 3.5


def test_the_light_hardly_moves() -> None:
    light = codes_along(LatentWalk(space(), 1))[:, -LIGHT:]
    assert 0.1 < light.std() < 0.5
    assert np.abs(light).max() < 1.25


def test_its_speed_is_steady_and_its_turns_are_gentle() -> None:
    step = 0.01
    numbers = codes_along(LatentWalk(space(), 3), people=np.linspace(0, 8, 801))
    speeds = np.linalg.norm(np.diff(numbers, axis=0), axis=1) / step
    assert speeds.min() > 0.7 * speeds.mean(), "it never stops"
    assert speeds.max() < 1.3 * speeds.mean()
    # A quarter turn for each person.
    assert np.isclose(speeds.mean(), np.sqrt(Z) * np.pi / 2, rtol=0.15)
    turns = np.linalg.norm(np.diff(numbers, 2, axis=0), axis=1) / step
    assert turns.max() < 3 * np.pi / 2 * speeds.mean() * step, "the speed has no corner"


def test_after_one_person_it_is_another_and_it_does_not_come_back() -> None:
    numbers = codes_along(LatentWalk(space(), 5))[:, :-LIGHT]
    likeness = numbers[0] @ numbers.T / (np.linalg.norm(numbers[0]) * np.linalg.norm(numbers, axis=1))
    assert likeness[1] > 0.95
    assert np.abs(likeness[10:40]).max() < 0.65
    assert np.abs(likeness[50:]).max() < 0.35


def test_it_begins_at_a_face_and_forgets_it() -> None:
    known = space()
    start = known.mean + known.deviation * np.random.default_rng(0).standard_normal(Z).astype(np.float32)
    walk = LatentWalk(known, 2, start)
    for spread in (0.0, 0.7, 1.5):
        assert np.allclose(walk.code(0, spread), start, atol=1e-5)
    lengths = np.linalg.norm(codes_along(walk)[:, :-LIGHT], axis=1)
    assert lengths.min() > 10, "on the way it is somebody, too"
    begun = (start - known.mean) / known.deviation
    later = codes_along(walk, people=np.array([30.0]))[0]
    assert abs(begun[:-LIGHT] @ later[:-LIGHT]) / (np.linalg.norm(begun) * np.linalg.norm(later)) < 0.35


def test_spread_0_is_the_mean_face_and_the_seed_decides() -> None:
    known = space()
    assert np.allclose(LatentWalk(known, 4).code(12.5, 0), known.mean)
    one, same, other = (LatentWalk(known, seed).code(12.5, 1) for seed in (4, 4, 5))
    assert np.array_equal(one, same)
    assert not np.allclose(one, other, atol=0.1)


class Painted(FaceGenerator):
    """Each number of a code is a grey of its own: a face that is known without a network."""

    provider = "paint"

    def __init__(self, side_px: int = 14) -> None:
        self.side_px, self.title = side_px, "Painted"
        self.space = LatentSpace.unknown(Z, LIGHT)
        self.fails = False
        self.may_draw = threading.Event()
        self.may_draw.set()

    def draw(self, code: Floats, out: Floats) -> None:
        self.may_draw.wait(30)
        if self.fails:
            raise ModelError("no numbers")
        out[:] = (128 + 40 * code[:196].reshape(14, 14, 1)).repeat(self.side_px // 14, 0).repeat(self.side_px // 14, 1)


COURSE = WalkCourse(speed=20, spread=1, seed=3)


def film(times_s: Sequence[float], course: WalkCourse = COURSE, *, size: Size = SMALL) -> list[Pixels]:
    walker = Walker(Painted(), size, course, waits=True)
    pictures = []
    for time_s in times_s:
        out = np.empty((size.height, size.width, 3), np.uint8)
        assert walker.draw(time_s, course, out)
        pictures.append(out)
    walker.close()
    return pictures


def furthest(one: Pixels, other: Pixels) -> int:
    return int(np.abs(one.astype(np.int16) - other).max())


def test_the_same_film_however_many_frames_a_second() -> None:
    at_30 = film([index / 30 for index in range(91)])
    for frames in (60, 10, 2, 1):
        pictures = film([index / frames for index in range(3 * frames + 1)])
        for second in range(4):
            assert furthest(pictures[frames * second], at_30[30 * second]) <= 1, frames


def test_no_picture_jumps_and_none_stands_still() -> None:
    pictures = np.stack(film([index / 30 for index in range(120)])).astype(np.float32)
    changes = np.abs(np.diff(pictures, axis=0)).mean((1, 2, 3))
    assert changes.max() < 2 * changes.mean()
    assert changes.min() > 0.5 * changes.mean()


def test_a_speed_or_spread_or_seed_that_is_set_makes_no_jump() -> None:
    walker = Walker(Painted(), SMALL, COURSE, waits=True)
    courses = [COURSE, WalkCourse(40, 1, 3), WalkCourse(40, 0.5, 3), WalkCourse(40, 0.5, 9), WalkCourse(0, 0.5, 9)]
    pictures = []
    for index in range(300):
        out = np.empty_like(BLACK)
        walker.draw(index / 30, courses[index // 60], out)
        pictures.append(out.astype(np.float32))
    walker.close()
    changes = np.abs(np.diff(np.stack(pictures), axis=0)).mean((1, 2, 3))
    usual = changes[:55].mean()
    assert changes.max() < 5 * usual
    assert changes[-20:].max() < 0.1 * usual, "speed 0: it stands"


def test_where_the_network_is_late_nobody_waits_and_nothing_jumps() -> None:
    painted = Painted()
    walker = Walker(painted, SMALL, COURSE, waits=False)
    walker.wait(COURSE)
    first, held, later = np.empty_like(BLACK), np.empty_like(BLACK), np.empty_like(BLACK)
    walker.draw(0, COURSE, first)
    painted.may_draw.clear()
    for index in range(1, 300):
        assert walker.draw(index / 30, COURSE, held)
    painted.may_draw.set()
    assert walker._running is not None
    walker._running.result()
    walker.draw(10 + 1 / 30, COURSE, later)
    assert 0 < furthest(held, later) < 60, "it goes on from where it was held, not ten seconds on"
    walker.close()


def test_a_clock_that_leaps_back_moves_nothing() -> None:
    walker = Walker(Painted(), SMALL, COURSE, waits=True)
    before, after = np.empty_like(BLACK), np.empty_like(BLACK)
    for time_s in (5.0, 5.1, 5.2):
        walker.draw(time_s, COURSE, before)
    walker.draw(1.0, COURSE, after)
    assert furthest(before, after) == 0
    walker.close()


def test_a_network_that_fails_is_asked_again() -> None:
    painted = Painted()
    walker = Walker(painted, SMALL, COURSE, waits=True)
    out = np.empty_like(BLACK)
    walker.draw(0, COURSE, out)
    painted.fails = True
    for _ in range(2):
        with pytest.raises(ModelError, match="no numbers"):
            walker.draw(2, COURSE, out)
    painted.fails = False
    assert walker.draw(2.1, COURSE, out)
    walker.close()


@pytest.mark.parametrize("size", [Size(320, 180), Size(180, 320), Size(200, 200), Size(1, 1), Size(17, 333)])
def test_the_face_fills_the_height_and_melts_into_the_dark(size: Size) -> None:
    face = np.full((64, 64, 3), 200, np.float32)
    out = np.empty((size.height, size.width, 3), np.uint16)
    FramedFace(64, size).draw(face, out)
    grey = out.mean(2) / STEPS
    assert abs(grey[size.height // 2, size.width // 2] - 200) < 1
    if size.width != size.height:
        assert grey.flat[0] < 0.5 * 200, "the corners are dark"
        middle = grey[size.height // 2] if size.width > size.height else grey[:, size.width // 2]
        assert np.abs(np.diff(middle)).max() < max(8, 2 * 200 / len(middle)), "and nowhere is a line"


def test_a_face_keeps_its_left_and_its_top() -> None:
    face = np.zeros((64, 64, 3), np.float32)
    face[:32, :32] = 255
    out = np.empty((180, 320, 3), np.uint16)
    FramedFace(64, Size(320, 180)).draw(face, out)
    assert out[45, 160 - 30].min() > 240 * STEPS
    for row, column in ((45, 190), (135, 130), (135, 190)):
        assert out[row, column].max() < 15 * STEPS


def opened(argument: object, canvas: Size | None = SMALL, **settings: object) -> WalkEffect:
    chosen = parse_settings(WalkSettings, settings, "walk")
    return WalkEffect.open(str(argument), chosen, EffectContext(canvas=canvas, every_frame=True))


def shown(
    effect: WalkEffect | MorphEffect, time_s: float, pixels: Pixels = BLACK, faces: Sequence[Face] = ()
) -> Pixels:
    return effect.make(Scene(Frame(pixels, time_s, time_s, round(30 * time_s)), list(faces))).pixels


def colours() -> LatentSpace:
    return LatentSpace(0, np.full(3, 0.5, np.float32), np.full(3, 0.1, np.float32))


@pytest.mark.parametrize("kind", ["morph", "decoder"])
def test_any_kind_that_draws_faces_walks(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    if kind == "morph":
        tiny_models.shaded_morph(path, colours().text())
    else:
        tiny_models.flat_decoder(path)
    effect = opened(path)
    first, later = shown(effect, 0).copy(), shown(effect, 5)
    assert first.shape == later.shape == BLACK.shape
    assert furthest(first, later) > 5
    assert np.shares_memory(first, later) is False
    effect.close()


def test_it_begins_at_the_face_of_a_photo(tmp_path: Path) -> None:
    model = tiny_models.shaded_morph(tmp_path / "m.onnx", colours().text())
    for spread in (0.0, 1.0):
        effect = opened(f"{model}:{sample_photo()}", spread=spread)
        begun = shown(effect, 0)[45, 80].astype(int)
        effect.close()
        mean = opened(model, spread=0.0)
        assert np.abs(begun - shown(mean, 0)[45, 80]).max() > 5, "a photo's colours, not the mean's"
        mean.close()


def test_without_a_canvas_it_is_as_large_as_the_frames_or_as_outputs_show(tmp_path: Path) -> None:
    model = tiny_models.shaded_morph(tmp_path / "m.onnx")
    for context, size in (
        (EffectContext(), Size(1280, 720)),
        (EffectContext(frame=Size(640, 480)), Size(640, 480)),
        (EffectContext(frame=Size(640, 480), largest=Size(320, 320)), Size(320, 240)),
    ):
        effect = WalkEffect.open(str(model), WalkSettings(), context)
        assert Size.of(shown(effect, 0)) == size
        effect.close()


def test_what_cannot_walk_says_so_in_one_line(tmp_path: Path) -> None:
    decoder = tiny_models.flat_decoder(tmp_path / "flat.onnx")
    morph = tiny_models.shaded_morph(tmp_path / "shaded.onnx")
    style = tiny_models.negative_style(tmp_path / "style.onnx")
    for argument, words in (
        (f"{decoder}:{sample_photo()}", "flat only draws faces: it cannot begin at a photo's"),
        (style, "is of kind 'style'; a model of kind 'morph' is needed"),
        ("nobody", "no morph model 'nobody'"),
        (f"{morph}:{tmp_path / 'none.jpg'}", "none.jpg"),
    ):
        with pytest.raises(RealtimeError) as caught:
            opened(argument)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


def opened_morph(folder: Path, **settings: object) -> MorphEffect:
    model = tiny_models.shaded_morph(folder / "m.onnx", colours().text())
    chosen = parse_settings(MorphSettings, settings, "morph")
    return MorphEffect.open(str(model), chosen, EffectContext(every_frame=True))


def test_when_somebody_leaves_their_face_wanders_until_somebody_comes(
    tmp_path: Path, photo: Pixels, face: Face
) -> None:
    effect = opened_morph(tmp_path, walk=True)
    for index in range(6):
        shown(effect, index / 30, photo, [face])
    assert shown(effect, 2.9, photo) is photo, "an empty chair, for three seconds"
    for index in range(9):
        shown(effect, 2.9 + index / 30, photo)
    pictures = [shown(effect, 3.2 + index / 30, photo).copy() for index in range(40)]
    away = [np.abs(picture.astype(np.int16) - photo).mean() for picture in pictures]
    assert away[0] < 0.2 * away[-1]
    assert np.abs(np.diff(away)).max() < 0.15 * away[-1], "it fades in"
    assert np.abs(np.diff(away[20:])).max() < 0.02 * away[-1], "and is there after half a second"
    back = [shown(effect, 4.6 + index / 30, photo, [face]).copy() for index in range(25)]
    assert np.abs(back[0].astype(np.int16) - photo).mean() > 0.7 * away[-1], "it fades out"
    assert np.abs(back[-1].astype(np.int16) - photo).mean() < 0.1 * away[-1]
    effect.close()


def test_an_empty_chair_stays_one_where_nobody_asked_or_nobody_was_there(
    tmp_path: Path, photo: Pixels, face: Face
) -> None:
    effect = opened_morph(tmp_path)
    shown(effect, 0, photo, [face])
    for time_s in (1, 4, 5, 6):
        assert shown(effect, time_s, photo) is photo
    effect.parameters.set("walk", True)
    nobody = opened_morph(tmp_path, walk=True)
    assert all(shown(nobody, time_s, photo) is photo for time_s in (1, 4, 5, 6))
    nobody.close()
    effect.close()
