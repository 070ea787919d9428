"""A photo's proportions, brought into the viewer's face in part: a longer nose, lower brows, a narrower face.

The viewer's mesh says where everything lies, and so all of its proportions would stay the viewer's: half of what makes
a face somebody's. Instead of the mesh, which carries expression and pose, the places in the photo are moved: both faces
are laid onto each other as seen from in front, and each point of the viewer's shows what a face between the two has
there. That depends on no pose, and costs nothing from frame to frame. Eyes, lips and outline stay where they are.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np

from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.canonical import triangles, uv_points
from realtime.faces.landmarks.mesh import (
    CHIN,
    EYES,
    FOREHEAD_TOP,
    LEFT_CHEEK,
    LEFT_EYE_INNER,
    LEFT_EYE_OUTER,
    LIPS,
    MOUTH,
    OVAL,
    RIGHT_CHEEK,
    RIGHT_EYE_INNER,
    RIGHT_EYE_OUTER,
    RIGID,
    FaceMesh,
)
from realtime.imaging.numerics import Doubles, Floats, best_similarity, smoothstep
from realtime.imaging.pixels import ONE_MAP

_SHARE = 0.5
"""How far towards the photo's proportions: likeness grows up to there and falls beyond."""
_MOST_PERCENT = 0.7
"""Of the eye distance, mean over the mesh: a new face keeps the expression within 3 %, of which this is part."""
_FADE = 0.05
"""How far from what stays the way to moving is, in sides of the flat face."""
_SURE_DEGREES, _UNSURE_DEGREES = 20.0, 30.0
"""The depth of a photo's mesh is guessed: turned so far aside, its proportions are half a guess, too."""
_FRONTAL_DEGREES = 20.0
"""A viewer turned further is not learned from, once anything is known."""
_LEARNS_EVERY, _MOVES_EVERY = 4, 32
"""Frames. Learning takes 0.1 ms, moving 0.7 ms."""
_REMEMBERS = 60
"""Times learned: eight seconds at 30 frames a second, so that no word said changes a face."""
_GRID = 96
_ROOM = 0.1
"""Around the face on that grid, in faces."""

_LEFT_EYE, _RIGHT_EYE = (LEFT_EYE_INNER, LEFT_EYE_OUTER), (RIGHT_EYE_INNER, RIGHT_EYE_OUTER)


class ShapeTransfer:
    """Learns one viewer's proportions. Used by one thread."""

    def __init__(self, mesh: FaceMesh, corners: Floats) -> None:
        """`mesh`: the photo's; `corners`: (504, 2), where its corners (`field.with_rim`) lie in the picture that is
        drawn from.
        """
        self._photo = _from_in_front(mesh.points.astype(np.float64))
        sure = (_UNSURE_DEGREES - abs(mesh.yaw_degrees)) / (_UNSURE_DEGREES - _SURE_DEGREES)
        self._share = _SHARE * min(1.0, max(0.0, sure))
        self._corners = corners
        self._viewer = np.zeros_like(self._photo)
        self._frames = self._times = 0
        least, most = self._photo[:, :2].min(axis=0), self._photo[:, :2].max(axis=0)
        self._scale = _GRID / ((1 + 2 * _ROOM) * (most - least))
        self._origin = least - _ROOM * (most - least)
        self._rasterizer = Rasterizer(triangles(), _GRID, _GRID)
        self._seen = np.zeros((_GRID, _GRID, 3), np.float32)

    def forget(self) -> None:
        """Learn somebody else's."""
        self._frames = self._times = 0

    def corners(self, viewer: FaceMesh) -> Floats | None:
        """Return (504, 2) where the corners are to be drawn from, from now on; None: as before. Once a frame."""
        if self._share == 0:
            return None
        self._frames += 1
        if self._frames % _LEARNS_EVERY == 1 and (not self._times or abs(viewer.yaw_degrees) < _FRONTAL_DEGREES):
            self._times += 1
            fitted = _fitted(viewer.points.astype(np.float64), self._photo)
            self._viewer += max(1 / self._times, 1 / _REMEMBERS) * (fitted - self._viewer)
        return self._moved() if self._frames % _MOVES_EVERY == 1 else None

    def _moved(self) -> Floats:
        offsets = (self._photo - self._viewer)[:, :2] * _free()[:, None]
        left, right = (self._viewer[list(eye)].mean(axis=0) for eye in (_LEFT_EYE, _RIGHT_EYE))
        percent = 100 * float(np.linalg.norm(offsets, axis=1).mean() / np.linalg.norm(left - right))
        between = self._viewer[:, :2] + min(self._share, _MOST_PERCENT / max(percent, 1e-6)) * offsets
        values = np.column_stack([self._corners[: len(between)], np.ones(len(between))]).astype(np.float32)
        self._rasterizer.paint(self._on_grid(between), self._photo[:, 2].astype(np.float32), values, self._seen)
        places = self._on_grid(self._viewer[:, :2])
        found = cv2.remap(self._seen, places[:, None], ONE_MAP, cv2.INTER_LINEAR)[:, 0]
        moves = (_free() > 0) & (found[:, 2] > 0.999)
        corners = self._corners.copy()
        corners[: len(between)][moves] = found[moves, :2]
        return corners

    def _on_grid(self, places: Doubles) -> Floats:
        return np.asarray((places - self._origin) * self._scale - 0.5, np.float32)


def _from_in_front(points: Doubles) -> Doubles:
    """Return (468, 3): a face turned to the viewer, around the middle of its rigid points."""
    across = points[LEFT_CHEEK] - points[RIGHT_CHEEK]
    across /= np.linalg.norm(across)
    down = points[CHIN] - points[FOREHEAD_TOP]
    down -= across * (across @ down)
    down /= np.linalg.norm(down)
    axes = np.stack([across, down, np.cross(across, down)], axis=1)
    return np.asarray((points - points[list(RIGID)].mean(axis=0)) @ axes, np.float64)


def _fitted(points: Doubles, onto: Doubles) -> Doubles:
    """Return a face moved, turned and scaled so that its rigid points fit another's best."""
    return best_similarity(points[list(RIGID)], onto[list(RIGID)]).place(points)


@functools.cache
def _free() -> Floats:
    """Return (468,): how far each point may move, 0..1."""
    flat = uv_points()
    fixed = flat[[number for loop in (*EYES, LIPS, MOUTH, OVAL) for number in loop]]
    distances = np.linalg.norm(flat[:, None] - fixed, axis=2).min(axis=1)
    return smoothstep(distances / _FADE)
