"""How one face usually looks, laid flat, and how far it strays from that while its owner speaks and moves."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.occlusion.uv_view import SIDE
from realtime.imaging.numerics import Floats

_AROUND = np.ones((5, 5), np.uint8)
"""A point may look like any of its neighbours this near: a mesh sits that exactly, some 10 px on a face of 300."""
_REMEMBERS_S, GETS_USED_S = 3.0, 20.0
"""Time constants: of the face, and of what stands in front of it."""
_SEEN_S = 0.5
_IN_FRONT = 0.25
FIRST_FRAMES = 10
"""A memory is too young before to say what is new."""


class AppearanceModel:
    """Remembers one viewer's face, laid flat. Used by one thread."""

    def __init__(self) -> None:
        self.frames = 0
        self.usual: Floats = np.zeros((SIDE, SIDE, 3), np.float32)
        """8-bit CIELAB, as in `uv_view.UVView`."""
        self.strays: Floats = np.zeros((SIDE, SIDE, 3), np.float32)
        """Squared: by how much the face was off from all that is usual thereabouts, on average."""
        self.known: Floats = np.zeros((SIDE, SIDE), np.float32)
        """0..1: how well a point was ever seen."""

    @property
    def is_new(self) -> bool:
        return self.frames < FIRST_FRAMES

    def forget(self) -> None:
        """Somebody else comes."""
        self.frames = 0

    def begin(self, lab: Floats, seen: Floats) -> None:
        """Take one view (`uv_view.UVView`: lab (SIDE, SIDE, 3), seen (SIDE, SIDE)) for all that is known."""
        self.frames = 1
        self.usual, self.known = lab.copy(), seen.copy()
        self.strays = np.zeros_like(lab)

    def learn(
        self, lab: Floats, seen: Floats, in_front: Floats, passed_s: float, gets_used_s: float = GETS_USED_S
    ) -> None:
        """Take a view, as `begin` does, `passed_s` after the last one. `in_front`, (SIDE, SIDE), 0..1: where something
        else is seen, which is learnt slowly (`gets_used_s`), in case it stays there for good.
        """
        beyond_usual = np.maximum(lab - cv2.dilate(self.usual, _AROUND), cv2.erode(self.usual, _AROUND) - lab)
        np.maximum(beyond_usual, 0, out=beyond_usual)
        self.frames += 1
        share = self._share(passed_s)
        used = share if self.frames <= FIRST_FRAMES else 1 - math.exp(-passed_s / gets_used_s)
        is_face = in_front <= _IN_FRONT
        shares = np.where(is_face, share, used).astype(np.float32)
        shares = np.where(self.known < 0.1, np.maximum(shares, 0.3), shares) * seen
        self.strays += (shares * is_face)[..., None] * (np.square(beyond_usual) - self.strays)
        self.usual += shares[..., None] * (lab - self.usual)
        self.known += (1 - math.exp(-passed_s / _SEEN_S)) * np.maximum(seen - self.known, 0)

    def doubt(self, where: NDArray[np.bool_]) -> None:
        """Forget some points, (SIDE, SIDE): what they show next is learnt at once."""
        self.known[where] = 0

    def hurry(self, lab: Floats, share: float) -> None:
        """Move all that is usual by `share`, 0..1, of the way to a view's lab (SIDE, SIDE, 3)."""
        self.usual += share * (lab - self.usual)

    def _share(self, passed_s: float) -> float:
        """Return how far a view moves the memory."""
        return max(1 / max(1, self.frames), 1 - math.exp(-passed_s / _REMEMBERS_S))
