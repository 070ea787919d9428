"""The head's movement at camera rate: where in the picture each pixel of a moved head comes from.

The fields are the portraits' own (`realtime.portrait.engines.warp.head_depth`), read once at the points of a coarse
grid some five pixels wide: they are smooth, and a map of 10,000 points costs a fiftieth of one of the head's pixels. As
there, brows and mouth move in the face at rest and the head turns afterwards; the turn is turned round by repetition,
which begins where the last frame ended.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from realtime.faces.landmarks import mesh as face
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Size
from realtime.imaging.numerics import Floats, smoothstep
from realtime.imaging.pixels import Place
from realtime.portrait.engines.warp.head_depth import HeadFields, solve_fields
from realtime.puppet.pose import AT_REST, Pose

_GRID_SIDE = 112
"""Longest side of the grid, points."""
_ROUNDS = 6
"""Of the repetition that turns the turn round: begun at the last frame's, a nod of 3 degrees a frame leaves 0.03 px."""
_MOST_CHANGE, _LEAST_AREA = 0.88, 0.32
"""From 1 and from 0 on a displacement folds."""
_FARTHEST_DEGREES = 30.0
"""No head is turned, nodded or tilted farther, whatever its picture would bear."""
_AS_ASKED = 0.65
"""Up to this share of the farthest that a picture bears, a head goes as far as asked; beyond, ever less far."""
_SEARCHES = 6
"""Halvings in which the farthest is found: to half a degree."""
_BROW_SIDES = 0.1
"""From one brow's movement to the other's, heights of the face to each side of the middle."""
_MOST_BROW = 0.05
"""No brow is moved farther, heights of the face."""


class Grid(NamedTuple):
    """Points over the head's region, in pixels of the picture; the last ones may lie beyond it."""

    place: Place
    step_px: int
    x: Floats
    """(rows, columns)"""
    y: Floats

    @classmethod
    def over(cls, place: Place) -> Grid:
        """Return a grid of `_GRID_SIDE` points along the longer side of a place in the picture, 2 px apart at least."""
        step = max(2, round(max(place.width, place.height) / _GRID_SIDE))
        columns, rows = -(-place.width // step), -(-place.height // step)
        x = place.left + (np.arange(columns, dtype=np.float32) + 0.5) * step - 0.5
        y = place.top + (np.arange(rows, dtype=np.float32) + 0.5) * step - 0.5
        across, down = np.meshgrid(x, y)
        return cls(place, step, np.ascontiguousarray(across), np.ascontiguousarray(down))

    @property
    def size(self) -> Size:
        """All of it, pixels."""
        rows, columns = self.x.shape
        return Size(columns * self.step_px, rows * self.step_px)


class HeadWarp:
    """The movement of one head but for its mouth and eyes. Used by one thread; what it returns holds until it is asked
    again.
    """

    def __init__(self, mesh: FaceMesh, size: Size) -> None:
        """`size`: of the picture that the mesh lies in."""
        fields = solve_fields(mesh, size)
        region = fields.region
        self.grid = Grid.over(Place(int(region.left), int(region.top), int(region.width), int(region.height)))
        self._unit_px = mesh.box.height
        x, y = self.grid.x, self.grid.y
        depth, whole, brows = (_at(fields, field, x, y) for field in (fields.depth, fields.whole, fields.brows))
        self.whole = whole
        """How much of the head's movement reaches the points: 1 on the face, 0 from the rim on."""
        centre = mesh.points[[face.RIGHT_CHEEK, face.LEFT_CHEEK], :2].mean(axis=0)
        away_x, away_y = x - centre[0], y - centre[1]
        self._turning = np.stack([depth, whole * away_x, whole * away_y, whole], axis=2).reshape(-1, 4)
        roll = math.radians(mesh.roll_degrees)
        along = (away_x * math.cos(roll) + away_y * math.sin(roll)) / self._unit_px
        right = smoothstep(along / (2 * _BROW_SIDES) + 0.5)
        self._brows = np.stack([brows * (1 - right), brows * right], axis=2).reshape(-1, 2)
        self._down = np.array([-math.sin(roll), math.cos(roll)], np.float32)
        rows, columns = x.shape
        numbers = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
        self._numbers = np.stack(numbers, axis=2)
        self._forward, self._back, self._places, self._features = (
            np.zeros((rows, columns, 2), np.float32) for _ in range(4)
        )
        self._most = tuple((self._farthest(name, -1.0), self._farthest(name, 1.0)) for name in Pose._fields[:3])
        """Of turn, nod and tilt: how far this picture bears it to either side, degrees."""

    def features(self, pose: Pose) -> Floats:
        """Return how far brows move, in the face at rest and known where they arrive: (rows, columns, 2), pixels right
        and down. The array is the caller's until the next call.
        """
        raised = np.clip([pose.brow_left, pose.brow_right], -_MOST_BROW, _MOST_BROW) * -self._unit_px
        np.matmul(self._brows, np.outer(raised, self._down).astype(np.float32), out=self._features.reshape(-1, 2))
        return self._features

    def turn(self, pose: Pose) -> Floats:
        """Return how far the head's turn, tilt and shift move what arrives at the points: (rows, columns, 2), pixels.

        A turn goes ever less far towards the farthest that the picture bears: one that is larger always is. What
        together would still fold the picture, or squeeze a part of it to less than a third, is made smaller.
        """
        angles = (_nearing(angle, most) for angle, most in zip(pose[:3], self._most, strict=True))
        self._move(pose._replace(**dict(zip(Pose._fields[:3], angles, strict=True))))
        self._unfold()
        for _ in range(_ROUNDS):
            self._look_up(self._forward, self._back, self._back)
        return self._back

    def _farthest(self, name: str, sign: float) -> float:
        """Return how many degrees of a turn alone the picture bears."""
        least, most = 0.0, _FARTHEST_DEGREES
        for _ in range(_SEARCHES):
            middle = (least + most) / 2
            self._move(AT_REST._replace(**{name: sign * middle}))
            least, most = (least, middle) if self._unfold() else (middle, most)
        return least

    def _move(self, pose: Pose) -> None:
        """Set how far a pose moves each point to where it goes."""
        yaw, pitch, roll = (math.radians(angle) for angle in pose[:3])
        sine = math.sin(roll)
        weights = np.array(
            [
                [math.sin(yaw), -math.sin(pitch)],
                [math.cos(yaw) - 1 + pose.grow, sine],
                [-sine, math.cos(pitch) - 1 + pose.grow],
                [pose.shift_right * self._unit_px, -pose.shift_up * self._unit_px],
            ],
            np.float32,
        )
        np.matmul(self._turning, weights, out=self._forward.reshape(-1, 2))

    @property
    def turned(self) -> Floats:
        """What the last turn has returned, (rows, columns, 2); the next one overwrites it."""
        return self._back

    def after_turn(self, features: Floats, out: Floats) -> Floats:
        """Return movements of the face at rest (rows, columns, 2) at the places that the last turn brings to the
        points.
        """
        return self._look_up(features, self._back, out)

    def least_area(self) -> float:
        """Return the least determinant of the last turn's Jacobian."""
        slope, determinant = _slopes(self._forward, self.grid.step_px)[2:]
        return float((1 + slope + determinant).min())

    def _look_up(self, field: Floats, moved: Floats, out: Floats) -> Floats:
        np.multiply(moved, -1 / self.grid.step_px, out=self._places)
        self._places += self._numbers
        cv2.remap(field, self._places, None, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_CONSTANT)
        return out

    def _unfold(self) -> bool:
        """Make the turn smaller where it is too much, and return whether it was. A turn moves things aside and a nod up
        and down: where one is too much, the other need not be less.
        """
        right, down, trace, determinant = _slopes(self._forward, self.grid.step_px)
        most = float(right.max()) / _MOST_CHANGE, float(down.max()) / _MOST_CHANGE
        is_too_much = max(most) > 1
        if is_too_much:
            self._forward /= np.maximum(most, 1).astype(np.float32)
            _, _, trace, determinant = _slopes(self._forward, self.grid.step_px)
        excess = 1.0
        while float((1 + trace / excess + determinant / excess**2).min()) < _LEAST_AREA:
            excess *= 1.08
        if excess > 1:
            self._forward /= excess
        return is_too_much or excess > 1


def _nearing(angle: float, most: tuple[float, float]) -> float:
    """Return an angle that is itself in the middle, grows ever less, and never is the farthest to its side."""
    farthest = most[angle > 0]
    room = (1 - _AS_ASKED) * farthest
    beyond = abs(angle) - _AS_ASKED * farthest
    if beyond <= 0 or room <= 0:
        return math.copysign(min(abs(angle), farthest), angle)
    return math.copysign(_AS_ASKED * farthest + room * beyond / math.hypot(beyond, room), angle)


def _slopes(moved: Floats, step_px: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return of a displacement the row sums of its Jacobian's absolute values, its trace and its determinant."""
    across = (moved[:-1, 1:] - moved[:-1, :-1]) / np.float32(step_px)
    along = (moved[1:, :-1] - moved[:-1, :-1]) / np.float32(step_px)
    sums = np.abs(across) + np.abs(along)
    trace = across[..., 0] + along[..., 1]
    determinant = across[..., 0] * along[..., 1] - along[..., 0] * across[..., 1]
    return sums[..., 0], sums[..., 1], trace, determinant


def _at(fields: HeadFields, field: Floats, x: Floats, y: Floats) -> Floats:
    """Return a field at points of the picture; 0 beyond its region."""
    across, along = fields.steps_px
    at_x = ((x - fields.region.left + 0.5) / across - 0.5).astype(np.float32)
    at_y = ((y - fields.region.top + 0.5) / along - 0.5).astype(np.float32)
    return np.asarray(cv2.remap(field, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)
