"""On real pixels: what was measured in another picture hides nobody, so nobody is seen until they are found anew."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType, ModuleType

import cv2
import numpy as np
import pytest

from realtime.effects import EffectContext
from realtime.effects.scene import Scene
from realtime.effects.swap import SwapEffect, SwapSettings
from realtime.face_compositing.anonymization import anonymize, restore
from realtime.face_compositing.assignment import Wearer
from realtime.face_compositing.compositor import Compositor
from realtime.face_compositing.multi_person import KnownPeople
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh, MeshModel
from realtime.faces.tracking.liveness import MeshLiveness
from realtime.faces.tracking.mesh_tracker import WornMeshTracker
from realtime.faces.tracking.scene_continuity import SceneContinuity
from realtime.imaging.frame import Box, Face, Frame, Pixels
from tests.swap.conftest import difference, inside, moment, moved, two_people


@pytest.fixture
def effect(other_photo: Path) -> SwapEffect:
    return SwapEffect.open(str(other_photo), SwapSettings(), EffectContext())


def core(box: Box) -> Box:
    return Box(box.left + box.width / 4, box.top + box.height / 4, box.width / 2, box.height / 2)


def seen(made: Pixels, own: Pixels, face: Face) -> float:
    """How far the middle of a face is from what the camera saw."""
    return difference(inside(made, core(face.box)), inside(own, core(face.box)))


def at(pixels: Pixels, pts_s: float) -> Frame:
    return dataclasses.replace(moment(pixels, round(pts_s * 30)), pts_s=pts_s)


def scaled(face: Face, scale: float, identity: int) -> Face:
    box = Box(*(side * scale for side in face.box))
    return Face(box, (face.keypoints * scale).astype(np.float32), face.score, identity)


def test_another_size_is_hidden_until_somebody_is_found_in_it(effect: SwapEffect, photo: Pixels, face: Face) -> None:
    for index in range(5):
        effect.make(Scene(moment(photo, index), [moved(face, 0, 0, 1)]))
    small = np.asarray(cv2.resize(photo, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), np.uint8)
    there = scaled(face, 0.6, 2)
    for index in (5, 6):
        assert seen(effect.make(Scene(moment(small, index), [])).pixels, small, there) > 6
    assert seen(effect.make(Scene(moment(small, 7), [there])).pixels, small, there) > 6


@pytest.mark.parametrize("then_s", [0.0, 3600.0, 1.2])
def test_so_is_the_picture_after_a_leap_of_the_clock(
    then_s: float, effect: SwapEffect, photo: Pixels, face: Face
) -> None:
    effect.make(Scene(at(photo, 0.1), [moved(face, 0, 0, 1)]))
    away = np.ascontiguousarray(np.roll(photo, 250, axis=1))
    there = moved(face, 250, 0, 2)
    there = there if there.box.left + there.box.width < photo.shape[1] else moved(face, -150, 0, 2)
    away = np.ascontiguousarray(np.roll(photo, round(there.box.left - face.box.left), axis=1))
    start_s = then_s if then_s != 1.2 else 1.3
    assert seen(effect.make(Scene(at(away, start_s), [])).pixels, away, there) > 6
    assert seen(effect.make(Scene(at(away, start_s + 0.04), [there])).pixels, away, there) > 6


def test_left_and_right_are_exchanged_in_all_that_is_known(effect: SwapEffect, photo: Pixels, face: Face) -> None:
    wide = np.ascontiguousarray(np.concatenate([photo, np.full_like(photo, 90)], axis=1))
    effect.make(Scene(moment(wide, 0), [moved(face, 0, 0, 1)]))
    flipped = np.ascontiguousarray(wide[:, ::-1])
    missed = dataclasses.replace(moved(face, 0, 0, 1), lost_for_s=0.03).mirrored(wide.shape[1])
    made = effect.make(Scene(dataclasses.replace(moment(flipped, 1), mirrored=True), [missed])).pixels
    assert seen(made, flipped, missed) > 6


def test_a_picture_on_the_wall_keeps_the_face_from_nobody_alive(effect: SwapEffect, photo: Pixels, face: Face) -> None:
    frame = two_people(photo)
    poster = dataclasses.replace(moved(face, 0, 0, 1), alive=False)
    person = dataclasses.replace(moved(face, photo.shape[1], 0, 2), alive=False)
    for index in range(100):
        effect.make(Scene(moment(frame, index), [poster]))
    for index in range(100, 140):
        person = dataclasses.replace(person, alive=index > 110)
        made = effect.make(Scene(moment(frame, index), [poster, person])).pixels
        assert seen(made, frame, person) > 6, index
        assert seen(made, frame, poster) > 6, index
    assert effect.facts()["swapped"] == "2"


def test_something_stirs_before_anybody_is_found(effect: SwapEffect, photo: Pixels, face: Face) -> None:
    """Who wears the face may be a picture, and its owner come in: nothing else is shown until it is known."""
    empty = two_people(photo)
    empty[:, photo.shape[1] :] = 90
    poster = dataclasses.replace(moved(face, 0, 0, 1), alive=False)
    for index in range(20):
        made = effect.make(Scene(moment(empty, index), [poster])).pixels
    assert np.array_equal(made[:, photo.shape[1] + 100 :], empty[:, photo.shape[1] + 100 :])
    half = empty.copy()
    half[:, -photo.shape[1] // 2 :] = photo[:, : photo.shape[1] // 2]
    made = effect.make(Scene(moment(half, 20), [poster])).pixels
    assert difference(made[:, -photo.shape[1] // 2 :], half[:, -photo.shape[1] // 2 :]) > 6


def test_an_effect_opened_anew_knows_who_wore_a_face(
    effect: SwapEffect, other_photo: Path, photo: Pixels, face: Face
) -> None:
    frame = two_people(photo)
    left, right = moved(face, 0, 0, 1), moved(face, photo.shape[1], 0, 2)
    for index in range(3):
        effect.make(Scene(moment(frame, index), [left, right]))
    following = SwapEffect.open(str(other_photo), SwapSettings(), EffectContext())
    following.inherit_state(effect)
    made = following.make(Scene(moment(frame, 3), [right, left])).pixels  # the bystander is the nearer one now
    assert seen(made, frame, left) > 8
    assert np.array_equal(inside(made, core(right.box)), inside(frame, core(right.box)))


def wearers(effect: SwapEffect) -> Sequence[Wearer]:
    state = effect.save_state()
    assert isinstance(state, KnownPeople)
    return state.assignment.wearers


def holds_compositor(root: object) -> bool:
    """Whether a face to wear is kept alive by an object, be it through others."""
    reached, ahead = {id(root)}, [root]
    while ahead:
        for one in gc.get_referents(ahead.pop()):
            if isinstance(one, Compositor):
                return True
            if id(one) not in reached and not isinstance(one, type | ModuleType | FunctionType):
                reached.add(id(one))
                ahead.append(one)
    return False


def test_whoever_comes_back_from_another_face_wears_the_first_one_once(
    effect: SwapEffect, other_photo: Path, photo: Pixels, face: Face
) -> None:
    there = moved(face, 0, 0, 1)
    effect.make(Scene(moment(photo, 0), [there]))
    between = SwapEffect.open(str(other_photo), SwapSettings(), EffectContext())
    between.inherit_state(effect)
    between.make(Scene(moment(photo, 1), [there]))
    again = SwapEffect.open(str(other_photo), SwapSettings(), EffectContext())
    again.restore_state(effect.save_state())
    assert len(wearers(again)) == 1
    again.inherit_state(between)
    again.make(Scene(moment(photo, 2), [there]))
    assert len(wearers(again)) == 1
    assert again.facts()["swapped"] == "1"


def test_what_is_kept_of_an_effect_holds_no_face_to_wear(effect: SwapEffect, photo: Pixels, face: Face) -> None:
    effect.make(Scene(moment(photo, 0), [moved(face, 0, 0, 1)]))
    kept = effect.save_state()
    assert kept is not None
    assert holds_compositor(effect)
    assert not holds_compositor(kept)


def test_a_mesh_that_was_left_behind_is_measured_anew(
    photo: Pixels, face: Face, mesh: FaceMesh, meter: FaceMeasurer
) -> None:
    mesh_tracker = WornMeshTracker(meter.meshes)
    mesh_tracker.follow(photo, moved(face, 0, 0, 1), 0.0)
    jump = round(0.45 * face.box.width)
    away = np.ascontiguousarray(np.roll(photo, jump, axis=0))
    found = mesh_tracker.follow(away, moved(face, 0, jump, 1), 1 / 30)
    assert found is not None
    assert np.abs(found.points[:, 1] - jump - mesh.points[:, 1]).mean() < 0.05 * face.box.width


def test_a_mesh_that_lies_half_beside_the_face_is_measured_anew(
    photo: Pixels, face: Face, mesh: FaceMesh, meter: FaceMeasurer
) -> None:
    mesh_tracker = WornMeshTracker(meter.meshes)
    mesh_tracker.follow(photo, moved(face, 0, 0, 1), 0.0)
    jump = round(0.4 * face.box.width)
    away = np.ascontiguousarray(np.roll(photo, jump, axis=1))
    found = mesh_tracker.follow(
        away, moved(face, 0.95 * jump, 0, 1), 1 / 30
    )  # the tracker's box is calmed: it lags, too
    assert found is not None
    off = np.linalg.norm((found.points - mesh.points)[:, :2] - (jump, 0), axis=1)
    assert off.mean() < 0.06 * face.box.width


def test_where_nobody_is_detected_a_mesh_must_lie_on_what_it_lay_on(
    photo: Pixels, face: Face, meter: FaceMeasurer
) -> None:
    mesh_tracker = WornMeshTracker(meter.meshes)
    missed = dataclasses.replace(moved(face, 0, 0, 1), lost_for_s=0.03)
    mesh_tracker.follow(photo, moved(face, 0, 0, 1), 0.0)
    assert mesh_tracker.follow(photo, missed, 1 / 30) is not None
    assert mesh_tracker.follow(np.ascontiguousarray(~photo), missed, 2 / 30) is None


def test_who_is_detected_for_the_first_time_is_hidden_unless_they_are_surely_somebody_else(
    effect: SwapEffect, photo: Pixels, face: Face
) -> None:
    frame = two_people(photo)
    wearer = moved(face, 0, 0, 1)
    newcomer = dataclasses.replace(moved(face, photo.shape[1], 0, 2), confirmed=False)
    for index in range(100):
        effect.make(Scene(moment(frame, index), [wearer]))
    made = effect.make(Scene(moment(frame, 100), [wearer, newcomer])).pixels
    assert np.array_equal(inside(made, core(newcomer.box)), inside(frame, core(newcomer.box)))
    made = effect.make(Scene(moment(frame, 101), [newcomer])).pixels
    assert seen(made, frame, newcomer) > 6


def test_with_everyone_nobody_is_seen_before_they_are_confirmed(other_photo: Path, photo: Pixels, face: Face) -> None:
    effect = SwapEffect.open(str(other_photo), SwapSettings(everyone=True), EffectContext())
    frame = two_people(photo)
    newcomer = dataclasses.replace(moved(face, photo.shape[1], 0, 2), confirmed=False)
    for index in range(10):
        effect.make(Scene(moment(frame, index), [moved(face, 0, 0, 1)]))
    made = effect.make(Scene(moment(frame, 10), [moved(face, 0, 0, 1), newcomer])).pixels
    assert seen(made, frame, newcomer) > 6


def test_who_went_behind_another_is_hidden_where_they_come_forth(effect: SwapEffect, photo: Pixels, face: Face) -> None:
    wide = np.concatenate([photo, photo, photo], axis=1)
    for index in range(100):
        effect.make(Scene(moment(wide, index), [moved(face, 0, 0, 1)]))
    near, far = moved(face, face.box.width, 0, 2), moved(face, 2 * photo.shape[1], 0, 2)
    inside(wide, face.box)[:] = 90
    effect.make(Scene(moment(wide, 100), [near]))
    made = effect.make(Scene(moment(wide, 101), [far])).pixels
    for side in (-1.1, 1.1):
        beside = moved(face, 2 * photo.shape[1] + side * face.box.width, 0, 3)
        assert seen(made, wide, beside) > 3, side


@pytest.mark.parametrize(("found_at", "shown_at"), [(0, 8), (6, 15)])
def test_after_a_break_others_are_waited_for_the_longer_the_later_the_first_is_found(
    found_at: int, shown_at: int, effect: SwapEffect, photo: Pixels, face: Face
) -> None:
    for index in range(5):
        effect.make(Scene(moment(photo, index), [moved(face, 0, 0, 1)]))
    wide = np.concatenate([photo, photo], axis=1)
    corner = wide[-60:, -60:]
    for index in range(shown_at + 1):
        faces = [moved(face, 0, 0, 2)] if index >= found_at else []
        made = effect.make(Scene(moment(wide, 5 + index), faces)).pixels
        assert np.array_equal(made[-60:, -60:], corner) == (index == shown_at), index


@pytest.mark.parametrize("points", [np.full((468, 3), np.nan), np.full((468, 3), 1e9), np.zeros((468, 3))])
def test_a_mesh_that_is_none_is_not_worn(
    points: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    effect: SwapEffect,
    photo: Pixels,
    face: Face,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    effect.make(Scene(moment(photo, 0), [moved(face, 0, 0, 1)]))
    wrong = FaceMesh(points.astype(np.float32), 1.0)
    for measure in ("measure", "again"):
        monkeypatch.setattr(MeshModel, measure, lambda *_, **__: wrong)
    for index in (1, 2, 30):
        there = moved(face, 0, 0, 1)
        assert seen(effect.make(Scene(moment(photo, index), [there])).pixels, photo, there) > 6


def test_who_is_spared_shows_nothing_of_somebody_hidden_beside_them(photo: Pixels) -> None:
    hidden, bystander = Box(100, 200, 100, 100), Box(210, 200, 100, 100)
    made = photo.copy()
    anonymize(made, hidden, 0.0)
    before = made.copy()
    restore(made, photo, bystander, [hidden])
    assert np.array_equal(inside(made, hidden), inside(before, hidden))
    assert np.array_equal(inside(made, core(bystander)), inside(photo, core(bystander)))


def test_a_face_lives_when_it_blinks_and_not_when_its_wall_shakes(mesh: FaceMesh) -> None:
    rng = np.random.default_rng(1)
    hung, person = MeshLiveness(), MeshLiveness()
    for index in range(100):
        shaken = mesh.points + rng.normal(0, 0.2, 3).astype(np.float32) + rng.normal(0, 0.15, mesh.points.shape)
        hung.watch(FaceMesh((shaken * (1 + 0.001 * index)).astype(np.float32), 1.0), index / 30, near_others=False)
        blinking = mesh.points.copy()
        if index > 50:
            for upper, lower in ((159, 145), (386, 374)):
                blinking[upper] = blinking[lower]
        person.watch(FaceMesh(blinking, 1.0), index / 30, near_others=False)
        assert person.is_alive == (index > 51)
    assert not hung.is_alive


def test_a_cut_breaks_what_a_film_goes_on_with(photo: Pixels) -> None:
    flipped = np.ascontiguousarray(photo[::-1])
    continuity = SceneContinuity()
    dark = np.zeros_like(photo)
    shown = [
        photo,
        photo,
        np.asarray(photo * 0.6, np.uint8),
        np.roll(photo, 8, axis=1),
        dark,
        dark,
        photo,
        dark,
        flipped,
    ]
    breaks = [continuity.breaks(moment(np.ascontiguousarray(each), index)) for index, each in enumerate(shown)]
    assert breaks == [False] * 8 + [True], "light, a step aside and darkness do not; another scene does, after it too"


def test_a_mirror_is_no_cut(photo: Pixels) -> None:
    continuity = SceneContinuity()
    continuity.breaks(moment(photo, 0))
    flipped = dataclasses.replace(moment(np.ascontiguousarray(photo[:, ::-1]), 1), mirrored=True)
    assert not continuity.breaks(flipped)
