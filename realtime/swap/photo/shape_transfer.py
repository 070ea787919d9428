"""A photo's proportions, worn by the viewer in part: a longer nose, lower brows, eyes farther apart.

The viewer's mesh says where everything lies, and so all of its proportions would stay the viewer's: half of what makes
a face somebody's. So both faces are laid onto each other as seen from in front, and the viewer's points are moved
towards the photo's, in the plane of the face, whatever its pose. The picture is moved with them (`compositor.py`), so
that the viewer's eyes and mouth go where the new face has its own. Each eye and the mouth moves as a whole: how far it
is open stays as it is. The outline of the face stays, and so does all that is around it: moved, too, it gains nothing
(0.405 of likeness with it and without, `tools.measure_swap`).
"""

from __future__ import annotations

import functools

import numpy as np

from realtime.faces.landmarks.canonical import uv_points
from realtime.faces.landmarks.mesh import EYES, LIDS, LIPS, MOUTH, OVAL, RIGID, FaceMesh
from realtime.faces.landmarks.smile import axes_of, in_own_frame
from realtime.imaging.numerics import Doubles, Floats, best_similarity, smoothstep
from realtime.swap.photo.neutralization import at_rest

_SHARE = 0.6
"""How far towards the photo's proportions."""
_MOUTH_SHARE = 0.3
"""How far the mouth goes of what the skin around it goes: all of it is worth no more than 0.005 of likeness."""
_MOST_PERCENT, _MOST_MOUTH_PERCENT = 2.4, 1.0
"""Of the eye distance, mean over the mesh, and of the mouth. With no bound a mesh differs from the viewer's by up to
3.3 %, and a mouth by up to 4.1 % (0.36 of likeness gained by smiling photos, 0.34 with it); with 1.5 for the mouth one
of 24 pairs is off by 2.1 %, with 1 none by 2 (1.2 costs 0.005 of likeness). The whole face moves less then: held
back alone, the mouth is as far off, for what is around it is not."""
_LEAST_SIZE, _MOST_SIZE = 0.85, 1.18
"""Times as large as the viewer's: an eye that would be larger is one that the mesh sees wrongly."""
_FADE = 0.12
"""How far inside the outline, which stays, points move as far as they are to, in sides of the flat face."""
_SMOOTH = 0.02
"""Over how much of the flat face's side moves are evened out: skin between features is stretched, never folded."""
_SURE_DEGREES, _UNSURE_DEGREES = 20.0, 30.0
"""The depth of a photo's mesh is guessed: turned so far aside, its proportions are half a guess, too."""
_FRONTAL_DEGREES = 20.0
"""A viewer turned further is not learned from, once anything is known."""
_LEARNS_EVERY, _MOVES_EVERY = 4, 32
"""Frames. Learning takes 0.1 ms."""
_REMEMBERS = 60
"""Times learned: eight seconds at 30 frames a second, so that no word said changes a face."""
_FOLLOWS = 0.1
"""Of the way to what was learned, in each frame: a face does not jump."""


class ShapeTransfer:
    """Learns one viewer's proportions. Used by one thread."""

    def __init__(self, mesh: FaceMesh) -> None:
        """`mesh`: the photo's, at rest."""
        self._photo = in_own_frame(mesh.points)
        sure = (_UNSURE_DEGREES - abs(mesh.yaw_degrees)) / (_UNSURE_DEGREES - _SURE_DEGREES)
        self._share = _SHARE * min(1.0, max(0.0, sure))
        self._viewer = np.zeros_like(self._photo)
        self._goal = self._worn = np.zeros((len(self._photo), 2))
        self._frames = self._times = 0

    def forget(self) -> None:
        """Learn somebody else's."""
        self._frames = self._times = 0

    def moves_px(self, viewer: FaceMesh) -> Floats | None:
        """Return (468, 2) by how many pixels of the picture each point of the viewer is to be moved; None: nowhere.
        Once a frame.
        """
        if self._share == 0:
            return None
        self._frames += 1
        if self._frames % _LEARNS_EVERY == 1 and (not self._times or abs(viewer.yaw_degrees) < _FRONTAL_DEGREES):
            self._times += 1
            fitted = _fitted(in_own_frame(at_rest(viewer).points), self._photo)
            self._viewer += max(1 / self._times, 1 / _REMEMBERS) * (fitted - self._viewer)
        if self._frames % _MOVES_EVERY == 1:
            self._goal = self._share * self._wanted()
            if self._frames == 1:
                self._worn = self._goal
        self._worn = self._worn + _FOLLOWS * (self._goal - self._worn)
        axes, unit_px = axes_of(viewer.points)
        return np.asarray(unit_px * self._worn @ axes[:2, :2].T, np.float32)

    def _wanted(self) -> Doubles:
        """Return (468, 2) where each point goes, to the face's left and down, in eye distances."""
        photo, viewer = self._photo[:, :2], self._viewer[:, :2]
        moves = photo - viewer
        for edge, lids in zip(EYES, LIDS, strict=True):
            eye = [*edge, *lids]
            size = np.clip(_width(photo[list(edge)]) / max(_width(viewer[list(edge)]), 1e-6), _LEAST_SIZE, _MOST_SIZE)
            middle = viewer[list(edge)].mean(axis=0)
            moves[eye] = moves[list(edge)].mean(axis=0) + (size - 1) * (viewer[eye] - middle)
        mouth = [*LIPS, *MOUTH]
        moves[mouth] = _MOUTH_SHARE * moves[mouth].mean(axis=0)
        moves = _smoothing() @ moves
        far = np.linalg.norm(self._share * moves, axis=1)
        within = min(
            1.0,
            _MOST_PERCENT / 100 / max(float(far.mean()), 1e-9),
            _MOST_MOUTH_PERCENT / 100 / max(float(far[mouth].mean()), 1e-9),
        )
        return np.asarray(within * moves, np.float64)


def _fitted(points: Doubles, onto: Doubles) -> Doubles:
    """Return a face moved, turned and scaled so that its rigid points fit another's best."""
    return best_similarity(points[list(RIGID)], onto[list(RIGID)]).place(points)


def _width(edge: Doubles) -> float:
    """Return how wide an eye is: its corners are the first point and the middle one."""
    return float(np.linalg.norm(edge[len(edge) // 2] - edge[0]))


@functools.cache
def _smoothing() -> Doubles:
    """Return (468, 468): what makes moves smooth over the flat face, and none along the outline."""
    flat = uv_points().astype(np.float64)
    apart = np.linalg.norm(flat[:, None] - flat, axis=2)
    near = np.exp(-0.5 * (apart / _SMOOTH) ** 2)
    free = smoothstep(apart[:, list(OVAL)].min(axis=1) / _FADE)
    return np.asarray(free[:, None] * near / near.sum(axis=1, keepdims=True), np.float64)
