"""Where a head carries glasses: how it stands in this frame, and what of its shape they sit on."""

from __future__ import annotations

import math

import numpy as np

from realtime.faces.landmarks.mesh import EYE_CORNERS, FaceMesh
from realtime.imaging.numerics import Doubles, Similarity, best_similarity

_SHAPE_S = 2.0
"""Time constant of the viewer's shape: bones do not change, and what wanders of it is the mesh's."""

# A usual head as the mesh model sees it: x to the picture's right, y down, z away from the viewer; 0 between the eyes,
# 1 the distance between them. The mean of the meshes of a photo and eight portraits in the public domain, made
# symmetric; across those nine a point differs by 0.02 on average. None of these points moves much with a smile.
_MIDDLE = (
    (1, 0.573, -0.692), (4, 0.465, -0.715), (5, 0.330, -0.662), (6, 0.018, -0.382), (168, -0.105, -0.301),
    (197, 0.127, -0.472), (195, 0.225, -0.564), (8, -0.225, -0.298), (9, -0.365, -0.310), (151, -0.625, -0.251),
    (10, -0.878, -0.171),
)  # fmt: skip
"""Numbers of points on the middle line, y and z."""
_SIDES = (
    (67, 297, 0.562, -0.811, -0.045), (109, 338, 0.304, -0.867, -0.144), (33, 263, 0.723, -0.012, 0.048),
    (133, 362, 0.277, 0.012, -0.048), (234, 454, 1.087, 0.372, 0.879), (127, 356, 1.104, 0.142, 0.824),
    (117, 346, 0.827, 0.260, 0.026),
)  # fmt: skip
"""Numbers of points on both sides, x of the second, y and z."""
_NUMBERS = [row[0] for row in _MIDDLE] + [number for row in _SIDES for number in row[:2]]
_USUAL = np.array(
    [(0.0, y, z) for _, y, z in _MIDDLE]
    + [(sign * x, y, z) for _, _, x, y, z in _SIDES for sign in (-1, 1)],
    np.float64,
)  # fmt: skip

_BRIDGE = 6
_EARS = ((127, 356), (162, 389))
"""On the person's right and left: between these, at the height of the eyes, temples reach the ears."""
_ANCHORS = [number for corners in EYE_CORNERS for number in corners] + [_BRIDGE] + [
    number for both in _EARS for number in both
]  # fmt: skip
_MIRRORED = [3, 2, 1, 0, 4, 6, 5, 8, 7]
_USUAL_SHAPE = np.zeros((len(_ANCHORS), 3))


class Head:
    """One viewer's head. Used by one thread."""

    def __init__(self) -> None:
        self.shape: Doubles = _USUAL_SHAPE
        """(9, 3): eyes' corners from left to right, the bridge of the nose, and four points before the ears."""
        self._at_s = math.inf
        self.stands = Similarity(np.eye(3), 1.0, np.zeros(3), np.zeros(3))
        """From the head's own space to the picture, depth in the same pixels."""

    def update(self, mesh: FaceMesh, pts_s: float) -> None:
        """Take the head as it stands in a frame."""
        points = mesh.points.astype(np.float64)
        self.stands = best_similarity(_USUAL, points[_NUMBERS])
        stands = self.stands
        seen = (points[_ANCHORS] - stands.target) @ (stands.rotation.T / stands.scale) + stands.origin
        seen = (seen + seen[_MIRRORED] * (-1, 1, 1)) / 2  # glasses are straight, whatever a face is
        share = 1.0 if pts_s < self._at_s else 1 - math.exp(-(pts_s - self._at_s) / _SHAPE_S)
        self.shape = self.shape + share * (seen - self.shape)
        self._at_s = pts_s

    def forget(self) -> None:
        """Somebody else comes."""
        self._at_s = math.inf

    @property
    def middle(self) -> Doubles:
        """(3,): the point between the eyes."""
        return np.asarray(self.shape[:4].mean(axis=0), np.float64)

    @property
    def apart(self) -> float:
        """Of the eyes; 1 is usual."""
        left, right = self.shape[:2].mean(axis=0), self.shape[2:4].mean(axis=0)
        return float(right[0] - left[0])

    @property
    def wide(self) -> float:
        """Of the head before the ears; 1 is usual."""
        return float(self.shape[6, 0] - self.shape[5, 0]) / (2 * 1.104)

    @property
    def bridge(self) -> float:
        """How far behind the point between the eyes the bridge of the nose lies: below 0, because it is before it."""
        return float(self.shape[4, 2] - self.middle[2])

    @property
    def ear(self) -> Doubles:
        """(3,): where the temple at the right goes behind the ear."""
        return np.asarray(0.55 * self.shape[6] + 0.45 * self.shape[8], np.float64)
