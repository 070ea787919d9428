"""What a mouth does, by its own pixels: where its lips and corners have gone since it was at rest.

The model that measures faces sees a mouth that we have opened in a painting by a fifth to nine tenths of what it has
opened, and the less the smaller it is: it knows how photos of faces look, and where lips usually are. So the lips of
one picture, cut out at rest, are looked for in another one of the same face (normalised cross-correlation), after
that one has been laid back onto the face at rest. Of five paintings' lips parted by known ways, 0.02 to 0.12 of the
face's height, it finds 0.88 of each, ± 0.02 but for one seen from the side; of corners moved outwards 0.80 to 0.93.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks import mesh as face
from realtime.faces.landmarks.expression import turned_back
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Doubles, Floats

_HEIGHT_PX, _SIDE_PX = 256, 384
"""Of a face, and of the picture about its mouth, in which lips are looked for."""
_LIP_WIDTH, _SKIN, _CORNER = 0.07, 0.05, 0.05
"""What is cut out: so far to each side of the middle, so much skin beyond a lip, so far about a corner; heights of the
face."""
_UPPER_REACH, _LOWER_REACH, _CORNER_REACH = (0.05, 0.08, 0.06), (0.05, 0.06, 0.2), (0.09, 0.12, 0.12)
"""So far to the sides, up and down it is looked for."""
_SURE = 0.6
"""A piece that is found no better than so, 1 at most, is not found: lips between teeth, a corner behind a hand."""
_UPPER, _LOWER = list(face.LIP_UPPER_INNER[4:7]), list(face.LIP_LOWER_INNER[4:7])
_UPPER_OUTER, _LOWER_OUTER = 0, 17


class MouthPixels(NamedTuple):
    """What has moved since the face was at rest, heights of the face."""

    parted: float
    """How much farther the lips are apart; nan: not found."""
    out: float
    """How far each corner has gone outwards, in the mean; nan: not found."""


class MouthGauge:
    """Knows one mouth at rest."""

    def __init__(self, pixels: Pixels, mesh: FaceMesh) -> None:
        """`pixels`: the face at rest, from about the front; `mesh`: what was measured of it."""
        self._mesh = mesh
        roll, scale = math.radians(mesh.roll_degrees), _HEIGHT_PX / mesh.box.height
        points = mesh.points.astype(np.float64)
        upper, lower = points[_UPPER].mean(axis=0), points[_LOWER].mean(axis=0)
        turn = scale * np.array([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
        self._place = np.column_stack([turn, _SIDE_PX / 2 - turn @ ((upper + lower) / 2)[:2]])
        at_rest = self._laid_back(pixels, np.eye(2, 3))

        def at(point: Doubles) -> Doubles:
            return np.asarray(self._place[:, :2] @ point[:2] + self._place[:, 2])

        (x, top), (_, bottom) = at(upper), at(lower)
        width, skin, corner = (share * _HEIGHT_PX for share in (_LIP_WIDTH, _SKIN, _CORNER))
        above = min(at(points[_UPPER_OUTER])[1], top - 4) - skin
        below = max(at(points[_LOWER_OUTER])[1], bottom + 4) + skin
        boxes = [(x - width, above, x + width, top - 1), (x - width, bottom + 1, x + width, below)]
        for number in (face.MOUTH_RIGHT, face.MOUTH_LEFT):
            x, y = at(points[number])
            boxes.append((x - corner, y - corner, x + corner, y + corner))
        reaches = (_UPPER_REACH, _LOWER_REACH, _CORNER_REACH, _CORNER_REACH)
        self._pieces = [_Piece.of(at_rest, box, reach) for box, reach in zip(boxes, reaches, strict=True)]

    def measure(self, pixels: Pixels, mesh: FaceMesh) -> MouthPixels:
        """Return what the same face's mouth does in another picture."""
        found = self._laid_back(pixels, self._back(mesh))
        upper, lower, right, left = (piece.found_in(found) for piece in self._pieces)
        return MouthPixels((lower[1] - upper[1]) / _HEIGHT_PX, (left[0] - right[0]) / 2 / _HEIGHT_PX)

    def _back(self, mesh: FaceMesh) -> Doubles:
        """Return the (2, 3) matrix that lays the plane of a mouth back to where it is at rest."""
        back, _ = turned_back(mesh, self._mesh)
        places = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
        places[:, 2] = mesh.points[_UPPER, 2].mean()
        origin, right, down = back.place(places)[:, :2]
        return np.column_stack([right - origin, down - origin, origin])

    def _laid_back(self, pixels: Pixels, back: Doubles) -> NDArray[np.uint8]:
        turn = self._place[:, :2] @ back[:, :2]
        matrix = np.column_stack([turn, self._place[:, :2] @ back[:, 2] + self._place[:, 2]])
        scale = math.sqrt(abs(float(np.linalg.det(turn))))
        if scale < 0.6:
            pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.4 / scale), np.uint8)
        size = (_SIDE_PX, _SIDE_PX)
        laid = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.cvtColor(laid, cv2.COLOR_BGR2GRAY), np.uint8)


class _Piece(NamedTuple):
    pixels: NDArray[np.uint8]
    left: int
    top: int
    reach: tuple[int, int, int]

    @classmethod
    def of(cls, picture: NDArray[np.uint8], box: tuple[float, ...], reach: tuple[float, float, float]) -> _Piece:
        left, top, right, bottom = (round(min(max(side, 0), _SIDE_PX)) for side in box)
        aside, up, down = (round(share * _HEIGHT_PX) for share in reach)
        return cls(picture[top:bottom, left:right], left, top, (aside, up, down))

    def found_in(self, picture: NDArray[np.uint8]) -> tuple[float, float]:
        """Return how far it has gone right and down, pixels; nan where it is not found."""
        height, width = self.pixels.shape
        aside, up, down = self.reach
        left, top = max(0, self.left - aside), max(0, self.top - up)
        part = picture[top : self.top + height + down, left : self.left + width + aside]
        alike: Floats = np.asarray(cv2.matchTemplate(part, self.pixels, cv2.TM_CCOEFF_NORMED), np.float32)
        _, best, _, (x, y) = cv2.minMaxLoc(alike)
        is_at_rim = x in (0, alike.shape[1] - 1) or y in (0, alike.shape[0] - 1)
        if best < _SURE or is_at_rim:  # at the rim it may lie beyond, and be something else
            return math.nan, math.nan
        return left + x + _peak(alike[y], x) - self.left, top + y + _peak(alike[:, x], y) - self.top


def _peak(values: Floats, place: int) -> float:
    """Return how far the top of a parabola through three values lies from the middle one."""
    if not 0 < place < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[place - 1 : place + 2])
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend else 0.0
