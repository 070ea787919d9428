"""A walk whose network is slow, is steered, comes back, mixes codes, fills the screen."""

from __future__ import annotations

import itertools
from collections import deque
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import RealtimeError
from realtime.core.settings import parse_settings
from realtime.effects import EffectContext
from realtime.effects.scene import Scene
from realtime.effects.walk import WalkEffect, WalkSettings
from realtime.imaging.frame import Box, Face, Frame, Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.model_import.generator.importer import GeneratorImporter
from realtime.model_import.hints import ImportHints
from realtime.model_import.result import Description
from realtime.model_import.steps import import_model
from realtime.models.latent_space import Direction, LatentSpace
from realtime.models.source_file import SourceFile
from realtime.morph.framing import STEPS, CoveringFace, FinePixels
from realtime.morph.generator import FaceGenerator, Sight, layer_shares
from realtime.morph.in_between import InBetween
from realtime.morph.steering import WalkSteering
from realtime.morph.walk import LatentWalk, WalkCourse
from realtime.morph.walker import Walker
from tests.model_import.generators import write_mapping, write_synthesis

Z = 64
SQUARE = Size(160, 160)
COURSE = WalkCourse(speed=20, spread=1, seed=3)


def textured(shift: float, side: int = 160) -> FinePixels:
    """A soft random pattern on a plain ground, so far to the right."""
    random = np.random.default_rng(1).uniform(0, 255, (side // 8, side // 8, 3)).astype(np.float32)
    pattern = cv2.resize(random, (side // 2, side // 2), interpolation=cv2.INTER_CUBIC)
    ground = np.full((side, side, 3), 90, np.float32)
    ground[side // 4 : side * 3 // 4, side // 4 : side * 3 // 4] = pattern
    moved = cv2.warpAffine(
        ground, np.array([[1, 0, shift], [0, 1, 0]], np.float32), (side, side), borderValue=(90,) * 3
    )
    return np.asarray(moved.clip(0, 255) * STEPS, np.uint16)


def error(one: FinePixels, other: FinePixels) -> float:
    """Mean, in grey levels."""
    return float(np.abs(one.astype(np.float64) - other).mean() / STEPS)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
def test_what_moves_is_moved_and_not_shown_twice(share: float) -> None:
    before, after, true = textured(0), textured(8), textured(8 * share)
    between, out = InBetween(SQUARE), np.empty_like(before)
    between.draw(before, after, between.between(before, after), share, out)
    blended = cv2.addWeighted(before, 1 - share, after, share, 0)
    assert error(out, true) < 0.4 * error(np.asarray(blended, np.uint16), true)


def test_what_stands_still_stands_and_what_appears_is_blended() -> None:
    before = textured(0)
    between, out = InBetween(SQUARE), np.empty_like(before)
    between.draw(before, before, between.between(before, before), 0.5, out)
    assert error(out, before) < 0.1
    after = before.copy()
    cv2.circle(after, (80, 80), 20, (250 * STEPS, 0, 0), -1)
    between.draw(before, after, between.between(before, after), 0.5, out)
    blended = np.asarray(cv2.addWeighted(before, 0.5, after, 0.5, 0), np.uint16)
    assert error(out[72:88, 72:88], blended[72:88, 72:88]) < 12


class Moving(FaceGenerator):
    """The pattern, across by what the first number of the code says."""

    provider = "paint"

    def __init__(self) -> None:
        self.side_px, self.title = 160, "Moving"
        self.space = LatentSpace(
            0, np.zeros(Z, np.float32), np.ones(Z, np.float32), (Direction("smile", "", "", 1, np.ones(Z, np.float32)),)
        )
        self.seen: list[Sight] = []
        self.is_interrupted = False

    def interrupt(self) -> None:
        self.is_interrupted = True

    def draw(self, code: Floats, out: Floats) -> None:
        out[:] = textured(float(10 * code[0])) / np.float32(STEPS)

    def draw_sight(self, sight: Sight, out: Floats) -> None:
        self.seen.append(sight)
        self.draw(sight.code, out)


class _AlwaysSlow(deque[float]):
    """A network that has lately taken 0.6 s, however fast this one is."""

    def append(self, value: float) -> None:
        super().append(0.6)


def slow_walker(generator: FaceGenerator, course: WalkCourse = COURSE, *, covers: bool = False) -> Walker:
    walker = Walker(generator, SQUARE, course, waits=False, covers=covers)
    walker._drawn_in_s = _AlwaysSlow([0.6], 4)
    walker.wait(course)
    return walker


def shown(walker: Walker, course: WalkCourse, seconds: float) -> list[Pixels]:
    pictures = []
    for index in range(round(30 * seconds)):
        if walker._running is not None:  # as if the network were always in time
            walker._running.result()
        out = np.empty((SQUARE.height, SQUARE.width, 3), np.uint8)
        walker.draw(index / 30, course, out)
        pictures.append(out)
    return pictures


def test_thirty_pictures_a_second_of_a_network_that_draws_one() -> None:
    generator = Moving()
    walker = slow_walker(generator)
    pictures = shown(walker, COURSE, 4)
    assert walker.apart_s == pytest.approx(0.9)
    walker.close()
    assert generator.is_interrupted, "nobody waits for a picture that nobody will see"
    assert len(generator.seen) < 8, "asked every 0.9 s"
    assert walker._after.count == 6, "and six pictures are made between"
    changes = [float(np.abs(one.astype(np.int16) - other).mean()) for one, other in itertools.pairwise(pictures)]
    assert max(changes) < 3.5 * np.median(changes), "nothing jumps"
    assert min(changes[5:]) > 0, "and nothing stands"
    assert walker.face is not None
    assert walker.face.shape == (160, 160, 3)


def test_a_walk_too_fast_for_its_network_goes_slower() -> None:
    generator, fast = Moving(), WalkCourse(speed=60, spread=1, seed=3)
    walker = slow_walker(generator, fast)
    shown(walker, fast, 4)
    walker.close()
    way = LatentWalk(generator.space, fast.seed)
    codes = [sight.code for sight in generator.seen[2:]]
    assert len(codes) > 2
    places = [min(range(200), key=lambda at: float(np.abs(way.code(at / 100, 1) - code).max())) for code in codes]
    assert np.diff(places) == pytest.approx(20, abs=1), "a fifth of a person, where 0.9 were asked for"


def test_a_loop_ends_where_it_began_and_each_person_in_it_is_another() -> None:
    space = LatentSpace.unknown(Z)
    start = np.random.default_rng(5).standard_normal(Z).astype(np.float32)
    for walk in (LatentWalk(space, 2, None, 8), LatentWalk(space, 2, start, 8)):
        begun, ended, again = (walk.code(people, 0.7) for people in (0, 8, 16))
        assert ended == pytest.approx(begun, abs=1e-5)
        assert again == pytest.approx(begun, abs=1e-5)
        before, after = walk.code(7.999, 0.7) - begun, walk.code(8.001, 0.7) - begun
        assert before == pytest.approx(-after, abs=1e-3), "the same way on, too: no seam"
        assert np.linalg.norm(walk.code(3, 0.7) - begun) > 0.7 * np.linalg.norm(begun)
    assert start == pytest.approx(LatentWalk(space, 2, start, 8).code(8, 0.7), abs=1e-5)


def test_leaning_turns_the_code_and_leaves_its_length() -> None:
    space = LatentSpace(4, np.full(Z, 0.3, np.float32), np.full(Z, 2, np.float32))
    walk = LatentWalk(space, 1)
    code = walk.code(3, 1)
    assert walk.leant(code, 0) is code
    left, right = walk.leant(code, -1), walk.leant(code, 1)
    length = np.linalg.norm(code - space.mean)
    for leant in (left, right):
        assert np.linalg.norm(leant - space.mean) == pytest.approx(length, rel=0.3)
        assert np.linalg.norm(leant - code) > 0.5 * length
    assert np.linalg.norm(left - right) > 1.2 * length
    assert np.allclose(walk.leant(code, 0.01), code, atol=0.2)


def test_layers_belong_to_the_fine_ones_from_a_share_on_and_none_jumps() -> None:
    assert layer_shares(4, 0.5).tolist() == [0, 0, 1, 1]
    assert layer_shares(4, 0).tolist() == [1, 1, 1, 1]
    assert layer_shares(4, 1).tolist() == [0, 0, 0, 0]
    assert layer_shares(4, 0.625).tolist() == [0, 0, 0.5, 1]


def test_what_is_set_reaches_the_network_smoothly() -> None:
    generator = Moving()
    walker = Walker(generator, SQUARE, COURSE, waits=True)
    out = np.empty((SQUARE.height, SQUARE.width, 3), np.uint8)
    wanted = WalkCourse(speed=0, spread=1, seed=3, smile=1, mix=0.8, fine_from=0.25)
    for index in range(150):
        walker.draw(index / 30, COURSE if index < 30 else wanted, out)
    walker.close()
    mixes = [sight.mix for sight in generator.seen]
    assert mixes[:8] == [0] * 8
    assert mixes == sorted(mixes)
    assert max(np.diff(mixes)) < 0.25, "in half a second, not at once"
    last = generator.seen[-1]
    assert last.mix == pytest.approx(0.8, abs=0.02)
    assert last.fine_from == pytest.approx(0.25, abs=0.02)
    assert last.fine is not None
    assert last.code - LatentWalk(generator.space, 3).code(walker._people, 1) == pytest.approx(2, abs=0.05), "the smile"


@pytest.fixture(scope="module")
def mixing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator of two files, brought in: a ramp across of its coarse colour, on its fine one."""
    folder = tmp_path_factory.mktemp("generator")
    files = [write_mapping(folder / "mapping.onnx"), write_synthesis(folder / "synthesis.onnx")]
    made = import_model(SourceFile(files[0]), GeneratorImporter(ImportHints(), (SourceFile(files[1]),)), Description())
    made.keep(folder / "mixing.onnx")
    return folder / "mixing.onnx"


def first_picture(path: Path, **settings: object) -> Pixels:
    chosen = parse_settings(WalkSettings, {"fit": "cover", **settings}, "walk")
    effect = WalkEffect.open(str(path), chosen, EffectContext(canvas=SQUARE, every_frame=True))
    black = np.zeros((SQUARE.height, SQUARE.width, 3), np.uint8)
    picture = effect.make(Scene(Frame(black, 0, 0, 0))).pixels.copy()
    assert effect.still_picture() is not None
    effect.close()
    return picture


def test_truncation_and_layers_of_a_generator_are_what_is_set(mixing: Path) -> None:
    mean, other_mean = first_picture(mixing, spread=0), first_picture(mixing, spread=0, seed=4)
    assert np.abs(mean.astype(int) - other_mean).max() <= 1, "the mean picture, whoever it would be"
    alone, mixed = first_picture(mixing, spread=0.2), first_picture(mixing, spread=0.2, mix=1.0)
    slopes = [np.diff(picture[80, 20:140].astype(int), axis=0).mean(axis=0) for picture in (alone, mixed)]
    assert slopes[0] == pytest.approx(slopes[1], abs=0.05), "its coarse layer is its own"
    assert np.abs(alone.astype(int).mean((0, 1)) - mixed.mean((0, 1))).max() > 5, "its fine one is another's"
    shared = first_picture(mixing, spread=0.2, mix=1.0)
    assert np.array_equal(mixed, shared), "the same numbers, the same picture: settings can be passed on"


@pytest.mark.parametrize("size", [Size(320, 180), Size(180, 320), Size(64, 64), Size(1, 1)])
def test_a_face_that_covers_reaches_every_edge_in_its_own_shape(size: Size) -> None:
    face = np.full((64, 64, 3), 200, np.float32)
    cv2.circle(face, (32, 30), 8, (0, 0, 0), -1)
    out = np.empty((size.height, size.width, 3), np.uint16)
    CoveringFace(64, size).draw(face, out)
    assert out[0, 0].min() >= (190 * STEPS if min(size) > 1 else 0)
    dark = out[..., 0] < 100 * STEPS
    if min(size) > 60:
        height, width = np.ptp(np.flatnonzero(dark.any(1))) + 1, np.ptp(np.flatnonzero(dark.any(0))) + 1
        assert height == pytest.approx(width, rel=0.1)
        assert height == pytest.approx(17 * max(size) / 64, rel=0.1)


def at(face: Face, left: float, height: float, track_id: int = 1) -> Face:
    return Face(Box(left, 100, height, height), face.keypoints, 0.9, track_id)


def test_a_viewer_leans_it_holds_it_and_lets_it_go(photo: Pixels, face: Face) -> None:
    steering, frame = WalkSteering(), Frame(photo, 0, 0, 0)
    height, width = photo.shape[:2]
    here = 0.3 * height
    right = steering.steered(COURSE, frame, [at(face, width - here, here)])
    left = WalkSteering().steered(COURSE, frame, [at(face, 0, here)])
    assert right.lean > 0.3
    assert left.lean == pytest.approx(-right.lean, abs=0.01)
    assert 0 < right.speed < COURSE.speed
    assert WalkSteering().steered(COURSE, frame, [at(face, 0, 0.6 * height)]).speed == 0, "so near: it holds still"
    later = steering.steered(COURSE, Frame(photo, 5, 5, 150), [])
    assert abs(later.lean) < 0.01
    assert later.speed == pytest.approx(COURSE.speed, rel=0.01)


def test_a_mouth_that_widens_is_a_smile() -> None:
    steering = WalkSteering()
    assert steering._smile(0.6, 0) == 0
    assert steering._smile(0.66, 1 / 30) == pytest.approx(0.5, abs=0.02)
    assert steering._smile(0.8, 1 / 30) == 1
    assert steering._smile(0.55, 1 / 30) == 0, "that is its rest from now on"


def test_whom_it_looks_at_is_said_once(mixing: Path) -> None:
    for viewer in (False, True):
        chosen = parse_settings(WalkSettings, {"viewer": viewer}, "walk")
        effect = WalkEffect.open(str(mixing), chosen, EffectContext(canvas=SQUARE, every_frame=True))
        assert effect.uses_faces is viewer
        effect.close()


@pytest.mark.parametrize(("name", "value"), [("loop", -1), ("lean", 2), ("mix", 1.5), ("fit", "stretch")])
def test_settings_that_cannot_be(name: str, value: object) -> None:
    with pytest.raises(RealtimeError, match=f"walk.{name} takes"):
        parse_settings(WalkSettings, {name: value}, "walk")
