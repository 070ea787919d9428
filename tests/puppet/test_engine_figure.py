"""A puppet drawn by a motion model: on a thread of its own, from the viewer's own face."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import ModelError, OptionError
from realtime.core.settings import parse_settings
from realtime.effects import EffectContext
from realtime.effects.puppet import PuppetEffect, PuppetSettings
from realtime.effects.scene import Scene
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Box, Face, Frame, Pixels
from realtime.portrait.engines import Engine, Source
from realtime.puppet.engine_figure import EngineFigure
from realtime.puppet.filmed_face import FilmedFace
from realtime.puppet.pose import AT_REST, Pose
from tests.tiny_models import copying_motion

STEP_S = 0.1


def soon(true: Callable[[], bool]) -> None:
    give_up_at_s = time.monotonic() + 30
    while not true():
        assert time.monotonic() < give_up_at_s
        time.sleep(0.005)


class Slow(Engine):
    """Draws one grey, as bright as the head is turned; at 7 degrees it fails."""

    region = Box(0, 0, 20, 20)
    is_exact = True

    @classmethod
    def open(cls, source: Source) -> Engine:
        raise NotImplementedError

    def render(self, motion: Motion) -> Pixels:
        time.sleep(0.05)
        if motion.yaw_degrees == 7:
            raise ModelError("it broke")
        return np.full((20, 20, 3), round(motion.yaw_degrees), np.uint8)


def test_nobody_waits_for_an_engine_and_only_the_newest_waits_for_it() -> None:
    figure = EngineFigure(np.zeros((20, 20, 3), np.uint8), Slow())
    out = np.ones((20, 20, 3), np.uint8)
    figure.draw(out)
    assert not out.any(), "before anything is finished, the picture"
    began_s = time.monotonic()
    for degrees in range(10, 210):
        figure.ask(Pose(yaw_degrees=degrees), None)
    assert time.monotonic() - began_s < 5
    soon(lambda: figure.finished > 0 and np.array_equal(_drawn(figure), np.full((20, 20, 3), 209, np.uint8)))
    assert figure.finished < 20, "those between were passed over"
    figure.ask(Pose(yaw_degrees=7), None)
    before = figure.finished
    soon(lambda: figure.finished > before)
    with pytest.raises(ModelError, match="it broke"):
        figure.draw(out)
    figure.draw(out)  # said once; the picture stays
    assert (out == 209).all()
    figure.ask(Pose(yaw_degrees=50), None)
    soon(lambda: (_drawn(figure) == 50).all())
    figure.close()
    assert not figure._thread.is_alive()


def _drawn(figure: EngineFigure) -> Pixels:
    out = np.empty((20, 20, 3), np.uint8)
    figure.draw(out)
    return out


def spotted(picture: Pixels, seen: FaceMeasurement, number: int) -> Pixels:
    """With a green spot on one of the face's points."""
    with_spot = picture.copy()
    x, y = (round(float(value)) for value in seen.mesh.points[number, :2])
    cv2.circle(with_spot, (x, y), 9, (0, 255, 0), -1)
    return with_spot


LEFT_CHEEK, RIGHT_CHEEK = 425, 205


@pytest.mark.parametrize("mirrored", ["no", "yes"])
def test_what_the_viewers_face_does_is_drawn(
    mirrored: str, picture: Pixels, face: Face, seen: FaceMeasurement, tmp_path: Path
) -> None:
    model = copying_motion(tmp_path / "copying.onnx", 192)
    cv2.imwrite(str(tmp_path / "grace.png"), picture)
    settings = parse_settings(PuppetSettings, {"engine": str(model), "mirrored": mirrored}, "puppet")
    effect = PuppetEffect.open(str(tmp_path / "grace.png"), settings, EffectContext())
    (actor,) = effect.actors
    figure = actor.figure
    assert isinstance(figure, EngineFigure)
    viewer = dataclasses.replace(face, track_id=1)
    number = 0

    def shown(pixels: Pixels) -> Pixels:
        """What is shown once the engine has drawn this frame: two that were asked for before may come first."""
        nonlocal number
        enough = figure.finished + 3
        while True:
            number += 1
            at_s = number * STEP_S
            made = effect.make(Scene(Frame(pixels, at_s, at_s, number), [viewer]))
            if figure.finished >= enough or not actor.driver.is_followed:
                return made.pixels
            time.sleep(0.005)

    while not actor.driver.is_followed:  # in the first second, rest is learnt
        shown(picture)
    at_rest = shown(picture)
    # This model draws whatever differs from rest, and the square follows the face to a fraction of a pixel only.
    assert np.abs(at_rest.astype(int) - picture).mean() < 3
    made = shown(spotted(picture, seen, LEFT_CHEEK))
    change = made.astype(int) - at_rest
    columns = np.flatnonzero((change[..., 1] - change[..., 2] > 120).any(axis=0))
    on_screen = RIGHT_CHEEK if mirrored == "yes" else LEFT_CHEEK
    assert abs(columns.mean() - seen.mesh.points[on_screen, 0]) < 14
    effect.close()


def test_a_name_that_no_engine_has_is_one_line(tmp_path: Path, picture: Pixels) -> None:
    cv2.imwrite(str(tmp_path / "grace.png"), picture)
    settings = parse_settings(PuppetSettings, {"engine": "nobody"}, "puppet")
    with pytest.raises(OptionError, match="no engine 'nobody'"):
        PuppetEffect.open(str(tmp_path / "grace.png"), settings, EffectContext())


@pytest.mark.parametrize("flipped", [False, True])
def test_the_square_goes_with_the_face(
    flipped: bool, picture: Pixels, face: Face, seen: FaceMeasurement, meter: FaceMeasurer
) -> None:
    film = FilmedFace()
    rest = film.see(picture, seen, AT_REST, 0.0, flipped=flipped).now
    shift = np.array([[1, 0, 40], [0, 1, 25]], np.float32)
    moved = np.asarray(cv2.warpAffine(picture, shift, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)
    there = dataclasses.replace(face, box=face.box._replace(left=face.box.left + 40, top=face.box.top + 25))
    there = dataclasses.replace(there, keypoints=face.keypoints + np.array([40, 25], np.float32))
    now, kept = film.see(moved, meter.find(moved, there), AT_REST, 0.1, flipped=flipped)
    assert kept is rest
    height, width = (side // 4 for side in rest.picture.shape[:2])
    middle = np.s_[height:-height, width:-width]
    assert np.abs(now.picture[middle].astype(int) - rest.picture[middle]).mean() < 4
    again = meter.measure(rest.picture, rest.mesh).mesh  # its mesh lies on it
    assert np.abs(again.points[:, :2] - rest.mesh.points[:, :2]).mean() < 1.5
    assert rest.eyes.left.centre[0] < rest.eyes.right.centre[0]
    film.forget()
    assert film.see(picture, seen, AT_REST, 0.2, flipped=flipped).rest is not kept


def test_rest_is_the_calmest_sight_of_the_first_second(picture: Pixels, seen: FaceMeasurement) -> None:
    film = FilmedFace()
    first = film.see(picture, seen, Pose(yaw_degrees=6), 0.0, flipped=False).rest
    calmer = film.see(picture, seen, Pose(yaw_degrees=1), 0.5, flipped=False).rest
    assert calmer is not first
    assert film.see(picture, seen, Pose(yaw_degrees=3), 0.7, flipped=False).rest is calmer
    assert film.see(picture, seen, AT_REST, 1.5, flipped=False).rest is calmer
