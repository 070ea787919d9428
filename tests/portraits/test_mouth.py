from __future__ import annotations

import numpy as np
import pytest

from realtime.faces.mesh import CHIN
from realtime.frame import Pixels
from realtime.portraits import Motion
from realtime.portraits.measure import Measured, Meter
from realtime.portraits.mesh_engine import MeshEngine


def gap(seen: Measured) -> float:
    return float(np.linalg.norm(seen.mesh.points[13] - seen.mesh.points[14])) / seen.mesh.box.height


def look(picture: Pixels, engine: MeshEngine, navy: Measured, meter: Meter, motion: Motion) -> Measured:
    whole = picture.copy()
    left, top, width, height = (int(side) for side in engine.region)
    whole[top : top + height, left : left + width] = engine.render(motion)
    return meter.measure(whole, navy.mesh)


def test_an_opened_mouth_is_seen_to_be_open(
    navy_picture: Pixels, engine: MeshEngine, navy: Measured, meter: Meter
) -> None:
    seen = [look(navy_picture, engine, navy, meter, Motion(mouth_open=share)) for share in (0.0, 0.02, 0.05)]
    gaps = [gap(each) for each in seen]
    assert gaps[0] < gaps[1] < gaps[2]
    assert gaps[2] - gaps[0] == pytest.approx(0.05, abs=0.02)
    assert seen[2].mesh.points[CHIN, 1] > seen[0].mesh.points[CHIN, 1] + 2, "the jaw goes along"


def test_it_is_dark_between_the_lips(navy_picture: Pixels, engine: MeshEngine, navy: Measured) -> None:
    frame = engine.render(Motion(mouth_open=0.05))
    x, y = navy.mesh.points[14, :2] - (engine.region.left, engine.region.top)
    below = round(float(y) + 0.02 * navy.mesh.box.height)
    inside = frame[below - 1 : below + 2, round(float(x)) - 4 : round(float(x)) + 5]
    assert inside.mean() < 60


@pytest.mark.parametrize("wide", [-0.02, 0.02])
def test_corners_move_apart(
    navy_picture: Pixels, engine: MeshEngine, navy: Measured, meter: Meter, wide: float
) -> None:
    seen = look(navy_picture, engine, navy, meter, Motion(mouth_wide=wide))
    width = [float(np.linalg.norm(each.mesh.points[61] - each.mesh.points[291])) for each in (navy, seen)]
    assert (width[1] - width[0]) * wide > 0


def test_brows_rise(navy_picture: Pixels, engine: MeshEngine, navy: Measured, meter: Meter) -> None:
    seen = look(navy_picture, engine, navy, meter, Motion(brows=0.03))
    brows = [70, 63, 105, 66, 107, 300, 293, 334, 296, 336]
    assert seen.mesh.points[brows, 1].mean() < navy.mesh.points[brows, 1].mean() - 1.5
