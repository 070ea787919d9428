"""How crooked a mouth is, told by its mesh alone: a grimace is no face at rest, though its lips are closed."""

from __future__ import annotations

import numpy as np

from realtime.faces.landmarks.canonical import mirrored_points
from realtime.faces.landmarks.mesh import LIPS, RIGID, FaceMesh
from realtime.imaging.numerics import best_similarity

_STRAIGHT, _CROOKED = 0.018, 0.04
"""Mean distance of the lips' outline from its own mirror image, face widths. Of portraits and filmed people who talk,
from in front: 0.002 to 0.019; of mouths that are pulled aside, 0.03 to 0.06."""
_BY_TURN = 0.0006
"""More for each degree that the face is turned: depth is guessed, and a mirrored guess lies elsewhere."""


def mouth_crookedness(mesh: FaceMesh) -> float:
    """Return 0 for a mouth as straight as people's are, 1 for one that is pulled aside."""
    points = mesh.points.astype(np.float64)
    mirrored = points[mirrored_points()] * (-1, 1, 1)
    rigid, lips = list(RIGID), list(LIPS)
    laid = best_similarity(mirrored[rigid], points[rigid]).place(mirrored[lips])
    off = np.linalg.norm((laid - points[lips])[:, :2], axis=1).mean() / mesh.width_px
    usual = _BY_TURN * abs(mesh.yaw_degrees)
    return float(np.clip((off - usual - _STRAIGHT) / (_CROOKED - _STRAIGHT), 0, 1))
