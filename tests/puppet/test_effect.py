"""The effect as a whole: pictures by their names, what cannot be, and what is told of its pictures."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import PortraitError
from realtime.core.settings import parse_settings
from realtime.effects import EffectContext
from realtime.effects.puppet import PuppetEffect, PuppetSettings
from realtime.effects.scene import Scene
from realtime.imaging.frame import Face, Frame, Pixels, Size
from realtime.puppet.casting import Casting
from tests.portrait_packs import write_pack

STEP_S = 0.1


def opened(argument: str, canvas: Size | None = None, **settings: str) -> PuppetEffect:
    chosen = parse_settings(PuppetSettings, settings, "puppet")
    return PuppetEffect.open(argument, chosen, EffectContext(canvas=canvas))


def shown(effect: PuppetEffect, pixels: Pixels, faces: list[Face], begin: int, count: int) -> Pixels:
    made = pixels
    for index in range(begin, begin + count):
        made = effect.make(Scene(Frame(pixels, index * STEP_S, index * STEP_S, index), faces)).pixels
    return made


def saved(path: Path, pixels: Pixels) -> str:
    cv2.imwrite(str(path), pixels)
    return str(path)


def test_the_picture_stays_to_the_bit_around_the_head(picture: Pixels, face: Face, tmp_path: Path) -> None:
    effect = opened(saved(tmp_path / "grace.png", picture))
    faces = [dataclasses.replace(face, track_id=1)]
    made = shown(effect, np.ascontiguousarray(picture[:, ::-1]), [face.mirrored(picture.shape[1])], 0, 4)
    place = effect.staged.heads[0].place
    outside = np.ones(picture.shape[:2], bool)
    place.of(outside)[:] = False
    assert np.array_equal(made[outside], picture[outside])
    assert not np.array_equal(shown(effect, picture, faces, 4, 4), picture)


def test_the_canvas_is_the_size_that_outputs_want(picture: Pixels, tmp_path: Path) -> None:
    effect = opened(saved(tmp_path / "grace.png", picture), Size(1280, 720))
    assert shown(effect, picture, [], 0, 1).shape == (720, 1280, 3)
    cover = opened(saved(tmp_path / "grace.png", picture), Size(1280, 720), fit="cover")
    assert cover.staged.heads[0].place.width > 1.5 * effect.staged.heads[0].place.width


def test_a_packs_painting_moves(tmp_path: Path, picture: Pixels) -> None:
    with pytest.raises(PortraitError, match="no face was found"):  # the pack is drawn, and has none
        opened(str(write_pack(tmp_path / "pack.portrait", columns=3)))


def test_a_picture_without_a_face_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(PortraitError, match="wall: no face was found in the picture; name a picture") as caught:
        opened(saved(tmp_path / "wall.png", np.full((400, 300, 3), 120, np.uint8)))
    assert "\n" not in str(caught.value)


def test_of_three_faces_the_largest_moves_or_the_one_that_is_asked_for(tmp_path: Path, picture: Pixels) -> None:
    small = cv2.resize(picture, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    room = picture.shape[0] - small.shape[0]
    smaller = np.asarray(cv2.copyMakeBorder(small, room, 0, 0, 0, cv2.BORDER_REPLICATE), np.uint8)
    three = saved(tmp_path / "three.png", np.hstack([smaller, picture, smaller]))
    largest, second = opened(three).staged.heads[0].place, opened(three, face="2").staged.heads[0].place
    assert smaller.shape[1] < largest.left < smaller.shape[1] + picture.shape[1]
    assert second.width < largest.width
    with pytest.raises(
        PortraitError, match=r"three has \d faces that can be moved; set puppet.face to no more than \d"
    ):
        opened(three, face="9")


def test_a_name_that_is_none_is_said_in_one_line() -> None:
    with pytest.raises(PortraitError, match="no such picture"):
        opened("nobody.jpg")
    with pytest.raises(PortraitError, match="no portrait 'nobody'"):
        opened("nobody")


def test_its_pictures_are_synthetic_and_never_the_cameras() -> None:
    assert PuppetEffect.synthetic
    assert not PuppetEffect.uses_pixels


def test_who_is_at_rest_gets_the_same_picture_again(picture: Pixels, tmp_path: Path) -> None:
    effect = opened(saved(tmp_path / "grace.png", picture))
    first = shown(effect, picture, [], 0, 1)
    assert effect.make(Scene(Frame(picture, 0.0, 0.0, 1), [])).pixels is first


def test_rest_is_learnt_by_command(picture: Pixels, face: Face, tmp_path: Path) -> None:
    effect = opened(saved(tmp_path / "grace.png", picture))
    faces = [dataclasses.replace(face, track_id=1)]
    shown(effect, picture, faces, 0, 13)
    assert effect.facts()["it"] == "follows"
    assert effect.learn_rest()
    shown(effect, picture, faces, 13, 1)
    assert effect.facts()["it"] == "learning your rest"
    shown(effect, picture, faces, 14, 12)
    assert effect.facts()["it"] == "follows"
    assert effect.report()["frames_followed"] > 4


def test_each_of_two_pictures_follows_a_viewer_of_its_own(tmp_path: Path, picture: Pixels, face: Face) -> None:
    one = saved(tmp_path / "one, with a comma.png", picture)
    effect = opened(f"{one},{saved(tmp_path / 'two.png', np.ascontiguousarray(picture[:, ::-1]))}", mirrored="no")
    assert effect.staged.title == "one, with a comma, two"
    left, right = (head.place for head in effect.staged.heads)
    assert left.right <= effect.staged.canvas.shape[1] // 2 <= right.left
    height, width = picture.shape[:2]
    room = np.full((height, 2 * width, 3), 90, np.uint8)
    room[:, width:] = picture
    box = face.box._replace(left=face.box.left + width)
    viewer = dataclasses.replace(face, box=box, keypoints=face.keypoints + np.array([width, 0], np.float32), track_id=7)
    shown(effect, room, [viewer], 0, 14)  # whose rest is learnt
    # Every picture's rows slide down the farther they go to the right: a head that is tilted.
    tilt = np.array([[1, 0, 0], [0.2, 1, -0.3 * width]], np.float32)
    turned = np.asarray(cv2.warpAffine(room, tilt, (2 * width, height)), np.uint8)
    made = shown(effect, turned, [viewer], 14, 3)
    assert [actor.driver.is_followed for actor in effect.actors] == [False, True]
    assert not np.array_equal(right.of(made), right.of(effect.staged.canvas))
    assert effect.actors[1].pose.roll_degrees > 3
    assert effect.actors[0].pose.roll_degrees < 2
    assert effect.report()["picture"] == "one, with a comma, two"


def seen_at(share: float, track_id: int, face: Face) -> Face:
    box = face.box._replace(left=1000 * share - face.box.width / 2)
    return dataclasses.replace(face, box=box, track_id=track_id)


def test_viewers_keep_their_heads_and_do_not_cross_over(face: Face) -> None:
    casting = Casting(2)
    here, there = seen_at(0.3, 1, face), seen_at(0.45, 2, face)
    assert casting.cast([there, here], 1000, 0.0, flipped=False) == [here, there]
    assert casting.cast([here, there], 1000, 0.1, flipped=True) == [here, there], "whoever has a head keeps it"
    assert casting.cast([seen_at(0.9, 1, face)], 1000, 0.2, flipped=False) == [seen_at(0.9, 1, face), None]
    third = seen_at(0.1, 3, face)
    assert casting.cast([here, third], 1000, 1.9, flipped=False) == [here, None], "the other one may come back"
    assert casting.cast([here, third], 1000, 2.2, flipped=False) == [here, third]
    assert Casting(2).cast([there, here], 1000, 0.0, flipped=True) == [there, here], "as in a looking glass"
    assert Casting(3).cast([seen_at(0.6, 4, face)], 1000, 0.0, flipped=False)[1] is not None
    assert Casting(1).cast([there, here], 1000, 0.0, flipped=False) == [there]
