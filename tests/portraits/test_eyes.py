from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer, gaze, gaze_from, turn
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Pixels
from realtime.portrait.engines.warp.engine import MeshEngine
from realtime.portrait.engines.warp.eyes import eye_shape
from realtime.portrait.engines.warp.eyes.eye import EyeGaze, EyeLayers, together
from realtime.portrait.quality.iris_match import IrisWatch, iris_sizes
from realtime.portrait.quality.residue import dark_lines


def whole(picture: Pixels, engine: MeshEngine, motion: Motion) -> Pixels:
    result = picture.copy()
    left, top, width, height = (int(side) for side in engine.region)
    result[top : top + height, left : left + width] = engine.render(motion)
    return result


@pytest.fixture(scope="module")
def sights(
    navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement, meter: FaceMeasurer
) -> dict[float, FaceMeasurement]:
    """The eyes alone turned, by degrees, as the models see them."""
    return {
        degrees: meter.measure(whole(navy_picture, engine, Motion(gaze_x_degrees=degrees)), navy.mesh)
        for degrees in (-24.0, -12.0, 0.0, 12.0, 24.0)
    }


def test_turned_eyes_are_seen_to_turn(sights: dict[float, FaceMeasurement]) -> None:
    seen = [sights[degrees].gaze[0] for degrees in sorted(sights)]
    assert np.all(np.diff(seen) > 0.01)
    assert seen[-1] - seen[0] > 0.12


@pytest.mark.parametrize(
    ("alone", "turned"), [([-40.0, -10.0], [-22.0, -10.0]), ([5.0, 11.0], [5.0, 11.0]), ([0.0, 30.0], [0.0, 12.0])]
)
def test_eyes_turn_together(alone: list[float], turned: list[float]) -> None:
    assert together(alone) == turned


def test_no_eye_turns_farther_than_its_opening(navy_picture: Pixels, navy: FaceMeasurement) -> None:
    for shape in eye_shape.fit(navy_picture, navy.eyes, navy.mesh):
        eye = EyeLayers(navy_picture, shape, 0.5 * shape.width_px)
        assert eye.most_of(5.0) == pytest.approx(5.0)
        assert 20 < eye.most_of(90.0) < 60
        assert eye.most_of(90.0) == eye.most_of(120.0)
        assert -60 < eye.most_of(-90.0) < -20


def test_the_middle_of_an_eye_is_that_of_its_lids(navy: FaceMeasurement) -> None:
    """However far the mesh's corners are off; and the iris' movement is measured against the mesh's."""
    off = np.zeros_like(navy.mesh.points)
    off[:, 0] = 0.2 * navy.eyes.left.width_px
    mesh = FaceMesh(navy.mesh.points + off, 1.0)
    rest = FaceMeasurement(mesh, navy.eyes, gaze(mesh, navy.eyes))
    assert rest.gaze[0] < navy.gaze[0] - 0.1
    assert gaze_from(rest, rest) == pytest.approx(gaze_from(navy, navy), abs=0.005)


def test_only_the_eyes_turn(sights: dict[float, FaceMeasurement], navy: FaceMeasurement) -> None:
    for seen in sights.values():
        assert abs(turn(seen, navy).yaw_degrees) < 2


def test_the_iris_keeps_its_size_and_colour(
    navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement, sights: dict[float, FaceMeasurement]
) -> None:
    watch = IrisWatch(navy_picture, navy)
    irises = [
        watch.see(whole(navy_picture, engine, Motion(gaze_x_degrees=degrees)), seen) for degrees, seen in sights.items()
    ]
    sizes = iris_sizes(irises[1:4])
    assert all(0.95 < size < 1.05 for size in sizes), sizes
    assert all(abs(iris.brightness - watch.brightness) < 0.05 * 255 for iris in irises)


@pytest.mark.parametrize("scale", [0.9, 1.1])
def test_an_iris_that_changes_its_size_is_seen(
    navy_picture: Pixels, navy: FaceMeasurement, meter: FaceMeasurer, scale: float
) -> None:
    """At six places between the pixels: irises of four pixels' radius are seen within 0.02 at one, where OpenCV's way
    of rounding on this processor alone decides over 0.003, and within 0.011 on the mean.
    """
    x, y = (float(side) for side in navy.mesh.points[:, :2].mean(axis=0))
    watch = IrisWatch(navy_picture, navy)
    sizes = []
    for shift_x, shift_y in ((0, 0), (0.25, 0.5), (0.5, 0.25), (0.75, 0.75), (0.5, 0), (0, 0.5)):
        about = np.array([[scale, 0, (1 - scale) * x + shift_x], [0, scale, (1 - scale) * y + shift_y]])
        scaled: Pixels = np.asarray(cv2.warpAffine(navy_picture, about, navy_picture.shape[1::-1]), np.uint8)
        sizes += iris_sizes([watch.see(scaled, meter.measure(scaled, navy.mesh))])
    assert np.mean(sizes) == pytest.approx(scale, abs=0.015)
    assert max(sizes) - min(sizes) < 0.03


@pytest.mark.parametrize("stretch", [0.85, 1.15])
def test_an_iris_keeps_its_shape_where_its_eye_is_stretched(
    navy_picture: Pixels, navy: FaceMeasurement, stretch: float
) -> None:
    """A turning head makes the far eye narrower or wider; the ball in it shows the same disc."""
    shape = eye_shape.fit(navy_picture, navy.eyes, navy.mesh)[0]
    eye = EyeLayers(navy_picture, shape, 0.5 * shape.width_px)
    x, y = np.meshgrid(
        np.arange(eye.left + 2, eye.right - 2, dtype=np.float32),
        np.arange(eye.top + 2, eye.bottom - 2, dtype=np.float32),
    )
    middle_x, middle_y = (
        float(place) for place in shape.picture_of(*(np.array(place, np.float32) for place in shape.iris))
    )

    def painted(map_x: NDArray[np.float32]) -> NDArray[np.float32]:
        frame = cv2.remap(navy_picture, map_x, y, cv2.INTER_CUBIC).astype(np.float32)
        return eye.paint(frame, map_x, y, EyeGaze(14.0, 0.0, 0.0))

    def missed(frame: NDArray[np.float32]) -> float:
        return math.sqrt(float(cv2.matchTemplate(frame, disc, cv2.TM_SQDIFF).min()) / disc.size)

    plain, stretched = painted(x), painted((middle_x + (x - middle_x) / stretch).astype(np.float32))
    away, radius = 2 * shape.radius * math.sin(math.radians(14)) * shape.width_px, shape.radius * shape.width_px
    left, right = round(middle_x + away - 1.1 * radius - x[0, 0]), round(middle_x + away + 1.1 * radius - x[0, 0])
    top, bottom = round(middle_y - 0.2 * radius - y[0, 0]), round(middle_y + 0.3 * radius - y[0, 0])
    disc = np.ascontiguousarray(plain[top:bottom, left:right])
    as_wide = cv2.resize(plain, None, fx=stretch, fy=1.0, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    assert missed(stretched) < 0.8 * missed(as_wide)


def test_no_iris_is_left_behind(navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement) -> None:
    """Where the iris was, and is no more, the eye is about as bright as its white."""
    shape = eye_shape.fit(navy_picture, navy.eyes, navy.mesh)[0]
    turned = whole(navy_picture, engine, Motion(gaze_x_degrees=28)).astype(float).mean(axis=2)
    before = navy_picture.astype(float).mean(axis=2)
    along, across = shape.iris[0] - 0.8 * shape.radius, shape.iris[1] + 0.3 * shape.radius
    x, y = shape.picture_of(np.array(along, np.float32), np.array(across, np.float32))
    at = np.s_[round(float(y)) - 1 : round(float(y)) + 2, round(float(x)) - 1 : round(float(x)) + 2]
    assert turned[at].mean() > before[at].mean() + 8


@pytest.mark.parametrize("gaze_x", [-25, -16, 0, 16, 25])
@pytest.mark.parametrize("gaze_y", [0, 14])
def test_no_rim_is_left_behind(
    navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement, gaze_x: int, gaze_y: int
) -> None:
    """Where the lower rim of the iris was, there are no darker lines than wrinkles and lid have in the photo."""
    turned = whole(navy_picture, engine, Motion(gaze_x_degrees=gaze_x, gaze_y_degrees=gaze_y))
    for shape in eye_shape.fit(navy_picture, navy.eyes, navy.mesh):
        way = shape.radius * 2  # the radius of the ball
        new = (
            shape.iris[0] + way * math.sin(math.radians(gaze_x)),
            shape.iris[1] - way * math.sin(math.radians(gaze_y)),
        )
        own = dark_lines(navy_picture, shape, shape.iris, new)
        assert dark_lines(turned, shape, shape.iris, new) < own + 2


def test_a_line_left_behind_is_seen(navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement) -> None:
    """The measure itself: a thin dark crescent where the lower rim was, in eyes that look up."""
    turned = whole(navy_picture, engine, Motion(gaze_y_degrees=14))
    for shape in eye_shape.fit(navy_picture, navy.eyes, navy.mesh):
        angles = np.radians(np.linspace(30, 150, 40))
        x, y = shape.picture_of(
            (shape.iris[0] + 1.1 * shape.radius * np.cos(angles)).astype(np.float32),
            (shape.iris[1] + 1.1 * shape.radius * np.sin(angles)).astype(np.float32),
        )
        spoilt = turned.copy()
        line = np.round(np.stack([x, y], axis=1) * 16).astype(np.int32)
        cv2.polylines(spoilt, [line], isClosed=False, color=(40, 35, 40), thickness=1, lineType=cv2.LINE_AA, shift=4)
        new = (shape.iris[0], shape.iris[1] - 0.5 * shape.radius)
        before = dark_lines(turned, shape, shape.iris, new)
        assert dark_lines(spoilt, shape, shape.iris, new) > before + 10


def test_a_closed_lid_has_the_colour_of_skin(navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement) -> None:
    """Neither iris nor the dark of its lashes: about as bright as the skin below the eye, and no stripes."""
    closed = whole(navy_picture, engine, Motion(closing=1)).astype(np.float32).mean(axis=2)
    for shape in eye_shape.fit(navy_picture, navy.eyes, navy.mesh):
        along = np.linspace(-0.2, 0.2, 21, dtype=np.float32)
        upper, lower = shape.lids(along)

        def seen(across: NDArray[np.float32], along: NDArray[np.float32] = along) -> float:
            x, y = shape.picture_of(along, across)  # noqa: B023 - used at once
            return float(np.median(cv2.remap(closed, x, y, cv2.INTER_LINEAR)))

        lid, cheek = seen(((upper + lower) / 2).astype(np.float32)), seen(lower + np.float32(0.25))
        lashes = min(seen(lower - np.float32(away)) for away in (0.0, 0.03, 0.06))
        assert 0.6 * cheek < lid < 1.2 * cheek
        assert lashes < 0.8 * lid


@pytest.mark.parametrize(("degrees", "sign"), [(12, -1), (-12, 1)])
def test_eyes_look_up_and_down_and_the_lids_follow(
    navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement, meter: FaceMeasurer, degrees: int, sign: int
) -> None:
    seen = meter.measure(whole(navy_picture, engine, Motion(gaze_y_degrees=degrees)), navy.mesh)
    assert (gaze(seen.mesh, seen.eyes)[1] - navy.gaze[1]) * sign > 0.005


def test_lids_close(navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement, meter: FaceMeasurer) -> None:
    openness = [
        meter.measure(whole(navy_picture, engine, Motion(closing=closing)), navy.mesh).eyes.openness
        for closing in (0.0, 0.5, 1.0)
    ]
    assert openness[0] > openness[1] > openness[2]
    assert openness[2] < 0.6 * openness[0]


def test_a_blink_leaves_everything_but_the_eyes(
    navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement
) -> None:
    changed = (whole(navy_picture, engine, Motion(closing=1)) != navy_picture).any(axis=2)
    rows = np.flatnonzero(changed.any(axis=1))
    eyes = navy.mesh.points[[33, 133, 362, 263], 1]
    assert rows[0] > eyes.min() - 0.25 * navy.mesh.box.height
    assert rows[-1] < eyes.max() + 0.2 * navy.mesh.box.height
