"""Where the lips of a picture meet, closer than the mesh knows: the mesh is off by two pixels of a small mouth."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from realtime.faces.landmarks import mesh as face
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats

_CLOSED = 0.014
"""Lips nearer than this touch, heights of the face: the mesh sees closed lips 0.003 to 0.010 apart, parted ones 0.019
and more."""
_IN_FROM_CORNERS = 0.25
"""At the corners, the line of parted lips lies by this share of their distance nearer to the upper one."""
_PLACES = 65
_REACH = 0.02
"""The line is looked for so far above and below the mesh's, heights of the face."""
_DEPTHS = 33
_BEND = 0.5
"""What a step across from one place to the next costs, in shares of the strip's contrast."""


@dataclasses.dataclass(frozen=True, slots=True)
class Lips:
    """The line along which a mouth opens, and the frame its places are given in: along the line between the corners of
    the mouth and across it, from its middle, right and down, in heights of the face. Places go in and come out in
    arrays of any one shape, float32.
    """

    middle_px: tuple[float, float]
    axis: tuple[float, float]
    """To the right along the mouth, length 1."""
    unit_px: float
    half: float
    """From the middle to where the lips' inner edges meet."""
    apart: float
    """Between the lips' inner edges, at their middle; 0: closed."""
    line: Floats
    """(65,) the lower lip's inner edge, from one corner to the other."""

    def cut(self, along: Floats) -> Floats:
        """Return where across the mouth opens, at places along it."""
        return np.interp(along, np.linspace(-self.half, self.half, len(self.line)), self.line).astype(np.float32)

    def units_of(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the places of picture pixels, along and across."""
        right, down = self.axis
        away_x, away_y = (x - self.middle_px[0]) / self.unit_px, (y - self.middle_px[1]) / self.unit_px
        return (
            np.asarray(away_x * right + away_y * down, np.float32),
            np.asarray(away_y * right - away_x * down, np.float32),
        )

    def picture_of(self, along: Floats, across: Floats) -> tuple[Floats, Floats]:
        """Return where in the picture places lie: x and y, pixels."""
        right, down = self.axis
        return (
            np.asarray(self.middle_px[0] + (along * right - across * down) * self.unit_px, np.float32),
            np.asarray(self.middle_px[1] + (along * down + across * right) * self.unit_px, np.float32),
        )


def find_lips(picture: Pixels, mesh: FaceMesh) -> Lips:
    """Return where a mouth opens: along the dark line between closed lips, or along the lower lip of parted ones."""
    points = mesh.points[:, :2]
    upper, lower = points[list(face.LIP_UPPER_INNER)], points[list(face.LIP_LOWER_INNER)]
    corner_to_corner = upper[-1] - upper[0]
    length, unit_px = float(np.linalg.norm(corner_to_corner)), mesh.box.height
    middle, axis = (upper[0] + upper[-1]) / 2, corner_to_corner / length
    lips = Lips(
        (float(middle[0]), float(middle[1])),
        (float(axis[0]), float(axis[1])),
        unit_px,
        length / 2 / unit_px,
        0.0,
        np.zeros(_PLACES, np.float32),
    )
    edges = [_smooth_line(lips, side) for side in (upper, lower)]
    apart = float((edges[1] - edges[0])[_PLACES // 2])
    if apart > _CLOSED:
        # Towards the corners the mesh's edge lies in the lip itself, of which a rim would stay with the teeth.
        outwards = np.linspace(-1, 1, _PLACES, dtype=np.float32)
        inwards = _IN_FROM_CORNERS * outwards**2 * (edges[1] - edges[0])
        return dataclasses.replace(lips, apart=apart, line=np.asarray(edges[1] - inwards, np.float32))
    middle_line = np.asarray((edges[0] + edges[1]) / 2, np.float32)
    return dataclasses.replace(lips, line=_darkest(picture, lips, middle_line))


def _smooth_line(lips: Lips, points: Floats) -> Floats:
    """Return a curve of order 4 through a lip's edge (what 11 points bear without waves), from corner to corner."""
    along, across = lips.units_of(points[:, 0], points[:, 1])
    weights = np.where(np.arange(len(along)) % (len(along) - 1) == 0, 4.0, 1.0)
    curve = np.polynomial.Polynomial.fit(along, across, 4, w=weights)
    return np.asarray(curve(np.linspace(-lips.half, lips.half, _PLACES)), np.float32)


def _darkest(picture: Pixels, lips: Lips, line: Floats) -> Floats:
    """Return the darkest path near a line, that bends as little as it can (dynamic programming along the mouth)."""
    along = np.linspace(-lips.half, lips.half, _PLACES, dtype=np.float32)[:, None]
    from_line = np.linspace(-_REACH, _REACH, _DEPTHS, dtype=np.float32)[None]
    x, y = lips.picture_of(along, line[:, None] + from_line)
    strip = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32).mean(axis=2)
    strip = cv2.GaussianBlur(strip, (0, 0), 1.5)
    cost = (strip - strip.min(axis=1, keepdims=True)) / max(1.0, float(strip.std()))
    # At the rim of the strip lie other dark things: the chin's fold, the nose's shadow.
    cost += (from_line / _REACH) ** 2
    steps = _BEND * np.abs(np.arange(_DEPTHS)[:, None] - np.arange(_DEPTHS)[None])
    total, came_from = cost[0], []
    for place_cost in cost[1:]:
        path_costs = total[:, None] + steps
        came_from.append(path_costs.argmin(axis=0))
        total = path_costs.min(axis=0) + place_cost
    path = [int(total.argmin())]
    for before in reversed(came_from):
        path.append(int(before[path[-1]]))
    found = line + from_line[0][path[::-1]]
    smoothed = cv2.GaussianBlur(found[:, None], (1, 13), 0, sigmaY=2.5, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(smoothed[:, 0], np.float32)
