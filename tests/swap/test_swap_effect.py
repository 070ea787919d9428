"""The effect on real faces: who is swapped, who is not, and what is seen while somebody is lost."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import RealtimeError
from realtime.effects import EffectContext
from realtime.effects.scene import Scene
from realtime.effects.swap import SwapEffect, SwapSettings
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Box, Face, Pixels
from tests.swap.conftest import difference, inside, moment, moved, two_people


def opened(argument: str | Path, **settings: object) -> SwapEffect:
    return SwapEffect.open(str(argument), SwapSettings(**settings), EffectContext())  # type: ignore[arg-type]


def core(box: Box) -> Box:
    """The middle of a face, without the seam."""
    return Box(box.left + box.width / 4, box.top + box.height / 4, box.width / 2, box.height / 2)


def test_ones_own_photo_changes_next_to_nothing(photo: Pixels, face: Face, navy_photo: Path) -> None:
    effect = opened(navy_photo, light=0.0)
    frame = moment(photo, 0)
    made = effect.make(Scene(frame, [dataclasses.replace(face, track_id=0)])).pixels
    soft = [
        np.asarray(cv2.GaussianBlur(inside(pixels, core(face.box)), (0, 0), 2.0), np.uint8) for pixels in (made, photo)
    ]
    assert difference(soft[0], soft[1]) < 4
    effect.close()


def test_another_photo_is_worn_and_the_rest_is_untouched(
    photo: Pixels, face: Face, mesh: FaceMesh, other_photo: Path
) -> None:
    effect = opened(other_photo)
    made = effect.make(Scene(moment(photo, 0), [dataclasses.replace(face, track_id=0)])).pixels
    assert difference(inside(made, core(face.box)), inside(photo, core(face.box))) > 8
    changed = np.abs(made.astype(int) - photo).max(axis=2) > 0
    rows, columns = np.nonzero(changed)
    box, margin = mesh.box, 0.2 * mesh.box.width
    assert columns.min() > box.left - margin
    assert columns.max() < box.left + box.width + margin
    assert rows.min() > box.top - margin
    assert rows.max() < box.top + box.height + margin
    effect.close()


def test_the_new_face_takes_the_viewers_light(photo: Pixels, face: Face, other_photo: Path) -> None:
    lit, unlit = opened(other_photo), opened(other_photo, light=0.0)
    frame, faces = moment(photo, 0), [dataclasses.replace(face, track_id=0)]
    skin = inside(photo, core(face.box)).mean(axis=(0, 1))
    with_light = inside(lit.make(Scene(frame, faces)).pixels, core(face.box)).mean(axis=(0, 1))
    without = inside(unlit.make(Scene(frame, faces)).pixels, core(face.box)).mean(axis=(0, 1))
    assert np.abs(with_light - skin).max() < 12
    assert np.abs(without - skin).max() > 30


def test_eyes_and_mouth_stay_the_viewers(photo: Pixels, face: Face, mesh: FaceMesh, other_photo: Path) -> None:
    x, y = np.rint((mesh.points[33, :2] + mesh.points[133, :2]) / 2).astype(int)
    frame, faces = moment(photo, 0), [dataclasses.replace(face, track_id=0)]

    def nearest(pixels: Pixels) -> float:
        """How much an eye differs, wherever within two pixels the new face has it."""
        steps = np.arange(-2, 2.1, 0.25)

        def eye(picture: Pixels, right: float, down: float) -> Pixels:
            return np.asarray(cv2.getRectSubPix(picture, (7, 5), (float(x + right), float(y + down))), np.uint8)

        return min(difference(eye(pixels, 0, 0), eye(photo, right, down)) for right in steps for down in steps)

    assert nearest(opened(other_photo).make(Scene(frame, faces)).pixels) < 2
    assert nearest(opened(other_photo, keep="none").make(Scene(frame, faces)).pixels) > 5


def test_expression_and_pose_stay_the_viewers(
    photo: Pixels, face: Face, mesh: FaceMesh, other_photo: Path, meter: FaceMeasurer
) -> None:
    effect = opened(other_photo)
    made = effect.make(Scene(moment(photo, 0), [dataclasses.replace(face, track_id=0)])).pixels
    after = meter.meshes.again(made, mesh)
    eyes = float(np.linalg.norm(mesh.points[33, :2] - mesh.points[263, :2]))
    assert np.linalg.norm(after.points[:, :2] - mesh.points[:, :2], axis=1).mean() < 0.03 * eyes


def test_two_photos_for_two_people_do_not_change_places(photo: Pixels, face: Face, other_photo: Path) -> None:
    """They are worn by identity: whoever is named first by the tracker must not matter."""
    width = photo.shape[1]
    left, right = moved(face, 0, 0, 4), moved(face, width, 0, 7)
    grey = other_photo.parent / "grey.png"
    cv2.imwrite(str(grey), cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))
    effect = opened(f"{other_photo},{grey}", light=0.0)
    frame = two_people(photo)
    first = effect.make(Scene(moment(frame, 0), [left, right])).pixels.copy()
    for index in range(1, 6):
        again = effect.make(Scene(moment(frame, index), [right, left] if index % 2 else [left, right])).pixels
    assert difference(again, first) < 1
    assert difference(inside(first, core(left.box)), inside(first, core(right.box))) > 8


def test_a_face_nobody_asked_for_is_left_alone(photo: Pixels, face: Face, other_photo: Path) -> None:
    width = photo.shape[1]
    left, right = moved(face, 0, 0, 4), moved(face, width, 0, 7)
    frame = two_people(photo)
    effect = opened(other_photo)
    for index in range(40):
        faces = [left, right] if index < 10 else [right]  # and stays so when the one who was asked leaves
        made = effect.make(Scene(moment(frame, index), faces)).pixels
        seen = inside(made, core(right.box))
        if index < 10:
            assert np.array_equal(seen, inside(frame, core(right.box)))


def test_everybody_may_be_asked(photo: Pixels, face: Face, other_photo: Path) -> None:
    left, right = moved(face, 0, 0, 4), moved(face, photo.shape[1], 0, 7)
    frame = two_people(photo)
    made = opened(other_photo, everyone=True).make(Scene(moment(frame, 0), [left, right])).pixels
    for one in (left, right):
        assert difference(inside(made, core(one.box)), inside(frame, core(one.box))) > 8


def test_nobody_who_is_to_be_swapped_is_seen_without(photo: Pixels, face: Face, other_photo: Path) -> None:
    """Before they are found, while they are followed, while they are lost, and after they came back as somebody new."""
    empty = np.full_like(photo, 90)
    effect = opened(other_photo)
    faces: list[list[Face]] = [[]] * 5 + [[moved(face, 0, 0, 1)]] * 10 + [[]] * 40 + [[moved(face, 0, 0, 2)]] * 5
    for index, there in enumerate(faces):
        # Lost: what the detector does not see is there all the same, turned so that no mesh fits it either.
        hidden_from_mesh = index >= 15 and not there
        pixels = np.ascontiguousarray(photo[::-1]) if hidden_from_mesh else photo
        made = effect.make(Scene(moment(pixels, index), there)).pixels
        box = face.box if not hidden_from_mesh else _upside_down(face.box, photo.shape[0])
        if not hidden_from_mesh or index > 15 + 60:
            assert difference(inside(made, core(box)), inside(pixels, core(box))) > 6, index
    assert not np.array_equal(effect.make(Scene(moment(empty, 100), [])).pixels, photo)


def _upside_down(box: Box, height: int) -> Box:
    return box._replace(top=height - box.top - box.height)


def test_the_last_face_is_held_then_the_head_is_hidden(photo: Pixels, face: Face, other_photo: Path) -> None:
    effect = opened(other_photo)
    worn = effect.make(Scene(moment(photo, 0), [moved(face, 0, 0, 1)])).pixels.copy()
    nobody = np.full_like(photo, 90)
    held = effect.make(Scene(moment(nobody, 5), [])).pixels
    assert difference(inside(held, core(face.box)), inside(worn, core(face.box))) < 2
    textured = np.random.default_rng(1).integers(0, 255, photo.shape, np.uint8)
    hidden = effect.make(Scene(moment(textured, 40), [])).pixels
    assert inside(hidden, core(face.box)).astype(float).std() < 0.35 * inside(textured, core(face.box)).std()
    assert effect.report()["frames_hidden"] == 1


def test_a_source_that_begins_again_begins_with_nobody(photo: Pixels, face: Face, other_photo: Path) -> None:
    effect = opened(other_photo)
    effect.make(Scene(moment(photo, 50), [moved(face, 0, 0, 1)]))
    made = effect.make(Scene(moment(photo, 0), [moved(face, 0, 0, 1)])).pixels
    assert difference(inside(made, core(face.box)), inside(photo, core(face.box))) > 8


def test_a_face_half_out_of_the_picture(photo: Pixels, face: Face, other_photo: Path) -> None:
    effect = opened(other_photo)
    cut = round(face.box.left + face.box.width / 2)
    part = np.ascontiguousarray(photo[:, cut:])
    for index in range(3):
        made = effect.make(Scene(moment(part, index), [moved(face, -cut, 0, 1)])).pixels
        assert made.shape == part.shape


@pytest.mark.parametrize("size", [(4000, 4800), (160, 192)])
def test_photos_much_larger_and_smaller_than_the_viewer(
    size: tuple[int, int], photo: Pixels, face: Face, tmp_path: Path
) -> None:
    path = tmp_path / "source.png"
    cv2.imwrite(str(path), cv2.resize(photo[:, ::-1], size, interpolation=cv2.INTER_AREA))
    effect = opened(path)
    made = effect.make(Scene(moment(photo, 0), [moved(face, 0, 0, 1)])).pixels
    assert difference(inside(made, core(face.box)), inside(photo, core(face.box))) > 3


def test_the_strength_is_stepped_live(photo: Pixels, face: Face, other_photo: Path) -> None:
    effect = opened(other_photo)
    changes = []
    for index in range(3):
        made = effect.make(Scene(moment(photo, index), [moved(face, 0, 0, 1)])).pixels
        changes.append(difference(inside(made, core(face.box)), inside(photo, core(face.box))))
        strength = effect.parameters.step("strength", -5)
    assert strength == 0
    assert changes[0] > 1.6 * changes[1] > 0
    assert changes[2] < 1


@pytest.mark.parametrize(("name", "value"), [("light", 0.0), ("keep", "none"), ("in_front", False), ("strength", 0.5)])
def test_what_is_set_while_it_runs_is_as_if_it_had_been_opened_so(
    photo: Pixels, face: Face, other_photo: Path, name: str, value: object
) -> None:
    scene = Scene(moment(photo, 0), [moved(face, 0, 0, 1)])
    so, turned = opened(other_photo, **{name: value}), opened(other_photo)
    turned.parameters.set(name, value)
    assert np.array_equal(turned.make(scene).pixels, so.make(scene).pixels)


def test_what_cannot_be_worn_is_a_line(photo: Pixels, tmp_path: Path) -> None:
    blank, none, text = tmp_path / "blank.png", tmp_path / "none.jpg", tmp_path / "text.jpg"
    cv2.imwrite(str(blank), np.full((300, 300, 3), 128, np.uint8))
    text.write_text("no picture")
    for argument in ("", blank, none, text, "no-such-model", f"{tmp_path / 'm.onnx'}:{blank}"):
        with pytest.raises(RealtimeError) as caught:
            opened(argument)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) > 20


def test_two_faces_in_a_photo_are_told(photo: Pixels, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "two.png"
    cv2.imwrite(str(path), two_people(photo))
    opened(path).close()
    assert "there are 2 faces" in caplog.text


def test_whoever_is_found_anew_before_they_were_given_up_is_swapped_at_once(
    photo: Pixels, face: Face, other_photo: Path
) -> None:
    """A quick move: the tracker still holds the old place, and knows the face in the new one as somebody else."""
    wide = np.ascontiguousarray(np.concatenate([np.full_like(photo, 90), photo], axis=1))
    width = photo.shape[1]
    effect = opened(other_photo)
    before = np.ascontiguousarray(wide[:, ::-1][:, ::-1])
    effect.make(Scene(moment(np.roll(before, -width, axis=1), 0), [moved(face, 0, 0, 1)]))
    held = dataclasses.replace(moved(face, 0, 0, 1), lost_for_s=0.1)
    made = effect.make(Scene(moment(wide, 3), [moved(face, width, 0, 2), held])).pixels
    box = core(moved(face, width, 0, 2).box)
    assert difference(inside(made, box), inside(wide, box)) > 8


def test_the_face_goes_back_to_who_wore_it_first(photo: Pixels, face: Face, other_photo: Path) -> None:
    frame = two_people(photo)
    left, right = moved(face, 0, 0, 1), moved(face, photo.shape[1], 0, 2)
    effect = opened(other_photo)
    away = dataclasses.replace(left, lost_for_s=0.2)
    made = {}
    for index, there in enumerate([[left], [right, away], [right, left], [right, left]]):
        made[index] = effect.make(Scene(moment(frame, index), there)).pixels.copy()
    for index, worn, bare in ((1, right, None), (2, left, right), (3, left, right)):
        assert difference(inside(made[index], core(worn.box)), inside(frame, core(worn.box))) > 8, index
        if bare is not None:
            assert np.array_equal(inside(made[index], core(bare.box)), inside(frame, core(bare.box))), index


def test_nothing_is_drawn_over_somebody_who_stands_in_front(photo: Pixels, face: Face, other_photo: Path) -> None:
    frame = two_people(photo)
    left, right = moved(face, 0, 0, 1), moved(face, photo.shape[1], 0, 2)
    effect = opened(other_photo)
    effect.make(Scene(moment(frame, 0), [left, right]))
    in_front = dataclasses.replace(left, track_id=2)  # the bystander has walked before the one who was asked
    for index in range(2, 40, 6):
        made = effect.make(Scene(moment(photo, index), [in_front])).pixels
        assert np.array_equal(made, photo), index


def test_a_photo_that_looks_aside_is_worn_from_in_front(
    photo: Pixels, face: Face, mesh: FaceMesh, shared_data: Path, meter: FaceMeasurer
) -> None:
    """Vermeer's girl is turned by 32°: both halves of the worn face look alike, and none is a smear."""
    effect = opened(shared_data / "portraits" / "vermeer_pearl_earring.jpg", light=0.0, in_front=False)
    made = effect.make(Scene(moment(photo, 0), [moved(face, 0, 0, 1)])).pixels
    sharpness = []
    for cheek in (50, 280):
        x, y = np.rint(mesh.points[cheek, :2]).astype(int)
        part = cv2.cvtColor(np.ascontiguousarray(made[y - 14 : y + 14, x - 14 : x + 14]), cv2.COLOR_BGR2GRAY)
        sharpness.append(float(cv2.Laplacian(part, cv2.CV_32F).std()))
    assert 0.5 < sharpness[0] / sharpness[1] < 2
    after = meter.meshes.again(made, mesh)
    eyes = float(np.linalg.norm(mesh.points[33, :2] - mesh.points[263, :2]))
    assert np.linalg.norm(after.points[:, :2] - mesh.points[:, :2], axis=1).mean() < 0.04 * eyes


def test_a_face_turned_too_far_is_refused(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.swap.photo.loading.MOST_YAW_DEGREES", 25.0)  # no profile is at hand
    with pytest.raises(RealtimeError, match=r"turned by 3[0-9]°; take a photo that looks at the camera"):
        opened(shared_data / "portraits" / "vermeer_pearl_earring.jpg")


def test_a_face_that_is_held_does_not_lie_over_a_bystander(photo: Pixels, face: Face, other_photo: Path) -> None:
    """Who was asked is lost behind somebody who comes near: beside them the last face is held, on them it is not."""
    frame = two_people(photo)
    left, right = moved(face, 0, 0, 1), moved(face, photo.shape[1], 0, 2)
    effect = opened(other_photo)
    effect.make(Scene(moment(frame, 0), [left, right]))
    near = round(0.7 * face.box.width)
    passing = np.full_like(frame, 90)
    passing[:, near : near + photo.shape[1]] = photo
    made = effect.make(Scene(moment(passing, 3), [moved(face, near, 0, 2)])).pixels
    nearer = core(moved(face, near, 0, 2).box)
    assert difference(inside(made, nearer), inside(passing, nearer)) < 0.5
    assert effect.facts()["swapped"] == "1"
    beside = slice(0, round(face.box.left + 0.3 * face.box.width))
    assert difference(made[:, beside], passing[:, beside]) > 1


def test_hiding_one_person_hides_nobody_else(photo: Pixels, face: Face, other_photo: Path) -> None:
    frame = two_people(photo)
    left, right = moved(face, 0, 0, 1), moved(face, photo.shape[1], 0, 2)
    gone = frame.copy()
    gone[:, : photo.shape[1]] = 90
    alone, both = opened(other_photo), opened(f"{other_photo},{other_photo}")
    for effect in (alone, both):
        effect.make(Scene(moment(frame, 0), [left, right]))
    worn = both.make(Scene(moment(frame, 1), [left, right])).pixels.copy()
    for index in (40, 80):
        seen = inside(gone, core(right.box))
        assert np.array_equal(inside(alone.make(Scene(moment(gone, index), [right])).pixels, core(right.box)), seen)
        again = inside(both.make(Scene(moment(gone, index), [right])).pixels, core(right.box))
        assert difference(again, inside(worn, core(right.box))) < 6
        assert difference(again, seen) > 6


def test_a_portrait_is_no_face_and_says_what_it_is_for() -> None:
    with pytest.raises(RealtimeError, match=r"mona\.portrait is a portrait, .* --effect portrait:mona\.portrait"):
        SwapEffect.open("mona.portrait", SwapSettings(), EffectContext())
