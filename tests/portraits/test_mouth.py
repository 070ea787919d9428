from __future__ import annotations

import cv2
import numpy as np
import pytest

from realtime.effects.mouth import MouthMover
from realtime.effects.scene import Scene
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.faces.landmarks.mesh import CHIN, LIP_LOWER_INNER, NOSE_TIP
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Face, Frame, Pixels
from realtime.portrait.engines.warp.engine import MeshEngine
from realtime.portrait.engines.warp.mouth.lip_line import find_lips
from realtime.portrait.engines.warp.mouth.mouth import MOST_OPEN


def whole(picture: Pixels, engine: MeshEngine, motion: Motion) -> Pixels:
    made = picture.copy()
    left, top, width, height = (int(side) for side in engine.region)
    made[top : top + height, left : left + width] = engine.render(motion)
    return made


def down_the_middle(picture: Pixels, navy: FaceMeasurement, start: float, end: float) -> Pixels:
    """The middle of the mouth, from so far below the closed lips to so far, heights of the face."""
    x, y = navy.mesh.points[14, :2]
    height = navy.mesh.box.height
    rows = slice(round(float(y) + start * height), round(float(y) + end * height) + 1)
    return picture[rows, round(float(x)) - 4 : round(float(x)) + 5]


def test_an_opened_mouth_is_seen_to_be_open(
    navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement, meter: FaceMeasurer
) -> None:
    seen = [
        meter.measure(whole(navy_picture, engine, Motion(mouth_open=share)), navy.mesh) for share in (0.0, 0.05, 0.1)
    ]
    gaps = [float(np.linalg.norm(each.mesh.points[13] - each.mesh.points[14])) / each.mesh.box.height for each in seen]
    assert gaps[0] + 0.01 < gaps[1] < gaps[2] - 0.02
    assert gaps[2] - gaps[0] > 0.06, "the models take the teeth for lip, and see the mouth less open than it is"
    assert seen[2].mesh.points[CHIN, 1] > seen[0].mesh.points[CHIN, 1] + 5, "the jaw goes along"


def test_behind_the_lips_it_is_dark_and_warm(navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement) -> None:
    opened = whole(navy_picture, engine, Motion(mouth_open=0.1))
    depth = down_the_middle(opened, navy, 0.05, 0.06).reshape(-1, 3).mean(axis=0)
    assert depth.mean() < 70
    assert depth[2] > 1.2 * depth[0], "redder than blue"


def test_teeth_show_and_never_shine(navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement) -> None:
    opened = whole(navy_picture, engine, Motion(mouth_open=0.1))
    teeth = down_the_middle(opened, navy, 0.004, 0.014).mean(axis=2).max()
    depth = down_the_middle(opened, navy, 0.05, 0.06).mean(axis=2).mean()
    skin = down_the_middle(navy_picture, navy, 0.08, 0.2).mean(axis=2)
    assert depth + 40 < teeth < np.percentile(skin, 90)


def test_the_jaw_moves_and_nothing_else(navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement) -> None:
    """All above the nose's tip stays to the bit, also in a head that turns."""
    nose = round(float(navy.mesh.points[NOSE_TIP, 1])) - 4
    for turn in (0.0, 8.0):
        closed = whole(navy_picture, engine, Motion(yaw_degrees=turn))
        opened = whole(navy_picture, engine, Motion(yaw_degrees=turn, mouth_open=MOST_OPEN))
        assert np.array_equal(closed[:nose], opened[:nose])
        assert not np.array_equal(closed[nose:], opened[nose:])


def test_lips_that_are_asked_to_close_farther_stay(navy_picture: Pixels, engine: MeshEngine) -> None:
    assert np.array_equal(whole(navy_picture, engine, Motion(mouth_open=-0.05)), navy_picture)


@pytest.mark.parametrize("mouth_open", [0.01, 0.05, MOST_OPEN, 0.5])
def test_an_opening_mouth_folds_nothing(engine: MeshEngine, mouth_open: float) -> None:
    assert 0.4 < engine.least_area(Motion(mouth_open=mouth_open)) < 1


def test_opening_wider_is_the_widest(navy_picture: Pixels, engine: MeshEngine) -> None:
    assert np.array_equal(
        whole(navy_picture, engine, Motion(mouth_open=1)), whole(navy_picture, engine, Motion(mouth_open=MOST_OPEN))
    )


def test_the_lips_part_along_the_dark_line_between_them(navy_picture: Pixels, navy: FaceMeasurement) -> None:
    lips = find_lips(navy_picture, navy.mesh)
    assert lips.apart == 0

    def brightness(x: np.ndarray, y: np.ndarray) -> float:
        sampled = cv2.remap(navy_picture, x.astype(np.float32)[None], y.astype(np.float32)[None], cv2.INTER_LINEAR)
        return float(sampled.mean())

    along = np.linspace(-0.8 * lips.half, 0.8 * lips.half, 41, dtype=np.float32)
    inner = navy.mesh.points[list(LIP_LOWER_INNER), :2]
    at = np.linspace(inner[2, 0], inner[-3, 0], 41)
    mesh = brightness(at, np.interp(at, inner[:, 0], inner[:, 1]))
    assert brightness(*lips.picture_of(along, lips.cut(along))) < mesh - 3


def test_places_of_a_mouth_lead_there_and_back(navy_picture: Pixels, navy: FaceMeasurement) -> None:
    lips = find_lips(navy_picture, navy.mesh)
    along, across = np.array([-0.1, 0.0, 0.2], np.float32), np.array([0.05, -0.1, 0.3], np.float32)
    back = lips.units_of(*lips.picture_of(along, across))
    assert back[0] == pytest.approx(along, abs=1e-5)
    assert back[1] == pytest.approx(across, abs=1e-5)


@pytest.mark.parametrize("wide", [-0.02, 0.02])
def test_corners_move_apart(
    navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement, meter: FaceMeasurer, wide: float
) -> None:
    seen = meter.measure(whole(navy_picture, engine, Motion(mouth_wide=wide)), navy.mesh)
    width = [float(np.linalg.norm(each.mesh.points[61] - each.mesh.points[291])) for each in (navy, seen)]
    assert (width[1] - width[0]) * wide > 0


def test_raised_brows_do_not_open_the_eyes(
    navy_picture: Pixels, engine: MeshEngine, navy: FaceMeasurement, meter: FaceMeasurer
) -> None:
    for brows in (-0.03, 0.03):
        seen = meter.measure(whole(navy_picture, engine, Motion(brows=brows)), navy.mesh)
        assert seen.eyes.openness == pytest.approx(navy.eyes.openness, rel=0.08)


def test_a_portraits_mouth_can_follow_the_viewers(navy_picture: Pixels, navy_face: Face, engine: MeshEngine) -> None:
    shut, opened = (whole(navy_picture, engine, Motion(mouth_open=share)) for share in (0.0, 0.06))
    mover = MouthMover(has_pictures=True)
    openings = []
    for number in range(80):
        frame = Frame(shut if number < 60 else opened, number / 30, number / 30, number)
        openings.append(mover.opening(Scene(frame, [navy_face]), "viewer"))
    assert max(openings[:60]) < 0.1
    assert min(openings[-5:]) > 0.4
    assert mover.opening(Scene(frame, [navy_face]), "still") == 0
