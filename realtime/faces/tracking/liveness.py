"""Whether a face lives: it blinks, or opens its mouth. No picture does, however its wall or the camera shakes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import FaceMesh

_OPENINGS = np.array([(159, 145, 33, 133), (386, 374, 362, 263), (13, 14, 61, 291)])
"""Upper and lower edge, one end and the other: right eye, left eye, mouth."""
_LIVES = 0.1
"""Change of an opening's height, in its own widths. In four seconds, of 10 people who talk or just look on 0.13 and
more; of eight portraits, small and with noise of 6 grey levels, 0.05 at most."""
_RESTS = 0.02
"""Face widths: a picture's mesh wavers by a quarter of that, a person who stands moves as far in half a second."""
_LEAST_SCORE, _MOST_YAW_DEGREES = 0.8, 35.0
_LEAK = 0.002
"""Of the range in each frame: a picture's slow drift is no blink."""


class MeshLiveness:
    """Watches one mesh. Used by one thread."""

    def __init__(self) -> None:
        self.is_alive = False
        self.rests_since_s = math.inf
        """Since when the face has not moved; of a picture it is the moment it came."""
        self._place: NDArray[np.float32] | None = None
        self._recent: list[NDArray[np.float32]] = []
        self._least = np.full(3, np.inf, np.float32)
        self._most = np.full(3, -np.inf, np.float32)

    def watch(self, mesh: FaceMesh, pts_s: float, *, near_others: bool) -> None:
        """Take in the mesh of one frame, not calmed. `near_others`: somebody may cover a part of it, which bends it."""
        if self.is_alive:
            return
        middle = mesh.points[:, :2].mean(axis=0)
        if self._place is None or float(np.linalg.norm(middle - self._place)) > _RESTS * mesh.width_px:
            self._place, self.rests_since_s = middle, pts_s
        if near_others or mesh.score < _LEAST_SCORE or abs(mesh.yaw_degrees) > _MOST_YAW_DEGREES:
            self._recent.clear()
            return
        points = mesh.points[_OPENINGS]
        heights = np.linalg.norm(points[:, 0] - points[:, 1], axis=1)
        widths = np.linalg.norm(points[:, 2] - points[:, 3], axis=1)
        self._recent = [*self._recent[-2:], (heights / np.maximum(1.0, widths)).astype(np.float32)]
        if len(self._recent) < 3:
            return
        opened = np.median(self._recent, axis=0)  # one frame's slip of the mesh is no movement
        leak = _LEAK * np.maximum(0, self._most - self._least) if np.isfinite(self._least).all() else 0
        self._least = np.minimum(self._least + leak, opened)
        self._most = np.maximum(self._most - leak, opened)
        self.is_alive = bool((self._most - self._least > _LIVES).any())
