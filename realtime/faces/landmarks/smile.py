"""How far a face smiles, told by its mesh alone: how wide the mouth is, and how high its corners stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import (
    CHIN,
    EYE_CORNERS,
    FOREHEAD_TOP,
    LEFT_CHEEK,
    MOUTH_LEFT,
    MOUTH_RIGHT,
    RIGHT_CHEEK,
    RIGID,
    FaceMesh,
)
from realtime.imaging.numerics import Doubles

_UPPER_LIP = 0
"""The middle of its outer edge, which stays where it is as the mouth opens."""
_WIDE, _LIFTED, _NONE = 3.15, 1.06, -2.12
"""Least squares of "smiles" on the mouth's width and its corners' height, over 1200 photos (`tools/learn_smile.py`):
88 % of them are told right at 0.5. Faces at rest have 0.2 ± 0.2, those that speak, too; smiles with closed lips 0.55,
with teeth 0.9 ± 0.25."""
_REST, _FULL = 0.45, 0.8
_MEAN_REST, _MEAN_SMILE, _MOST_STRENGTH = 0.2, 0.8, 1.5


def smile_level(mesh: FaceMesh) -> float:
    """Return about 0.2 for a face at rest, 0.9 for one that smiles and shows its teeth."""
    axes, unit = axes_of(mesh.points)
    mouth = mesh.points[[MOUTH_RIGHT, MOUTH_LEFT, _UPPER_LIP]] @ axes / unit
    wide, lifted = _mouth(mouth)
    return _WIDE * wide + _LIFTED * lifted + _NONE


def smile_share(mesh: FaceMesh) -> float:
    """Return how far a face in a photo smiles, 0..1: 0 for nine in ten of those at rest."""
    return float(np.clip((smile_level(mesh) - _REST) / (_FULL - _REST), 0, 1))


def smile_strength(mesh: FaceMesh) -> float:
    """Return how strongly a face in a photo smiles: 0 at rest, 1 as people in photos do on average, up to 1.5."""
    beyond = (smile_level(mesh) - _MEAN_REST) / (_MEAN_SMILE - _MEAN_REST)
    return smile_share(mesh) * float(np.clip(beyond, 0, _MOST_STRENGTH))


def mouth_of(points: Doubles) -> tuple[float, float]:
    """Return a mouth's width, and how high its corners stand above the upper lip; (468, 3) as `in_own_frame`
    gives them.
    """
    return _mouth(points[[MOUTH_RIGHT, MOUTH_LEFT, _UPPER_LIP]])


def _mouth(points: Doubles) -> tuple[float, float]:
    right, left, upper = points
    return float(np.hypot(*(left - right)[:2])), float(upper[1] - (right[1] + left[1]) / 2)


def axes_of(points: NDArray[np.floating]) -> tuple[Doubles, float]:
    """Return (3, 3) the face's own axes as columns, to its left, down and away from its front, and its eye distance."""
    points = points.astype(np.float64)
    across = points[LEFT_CHEEK] - points[RIGHT_CHEEK]
    across /= max(1e-9, float(np.linalg.norm(across)))
    down = points[CHIN] - points[FOREHEAD_TOP]
    down -= across * (across @ down)
    down /= max(1e-9, float(np.linalg.norm(down)))
    right, left = (points[list(corners)].mean(axis=0) for corners in EYE_CORNERS)
    return np.stack([across, down, np.cross(across, down)], axis=1), max(1e-9, float(np.linalg.norm(left - right)))


def in_own_frame(points: NDArray[np.floating]) -> Doubles:
    """Return a mesh, (468, 3), turned to the front around the middle of its rigid points, in eye distances."""
    axes, unit = axes_of(points)
    return np.asarray((points - points[list(RIGID)].mean(axis=0)) @ axes / unit, np.float64)
