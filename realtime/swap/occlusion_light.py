"""The light on a face now, compared with the light it is remembered in: a lamp, a window beside a head that turns."""

from __future__ import annotations

import numpy as np

from realtime.swap.field import Floats
from realtime.swap.occlusion_flat import SIDE, on_face, plane

_FEW = slice(1, None, 3)
"""Every third point each way is enough for what is smooth."""
_LEAST_POINTS = 30
_ROUNDS = 3
_STIFF = np.diag(np.array([1e-3, 1, 1, 8], np.float32))
"""Slopes and contrast need some points that ask for them. Slopes eight times as stiff take a window's light that moves
from one side to the other, ± 35 %, for things in front."""


class LightFit:
    """Fits level, slopes and contrast in L, a and b. Used by one thread."""

    def __init__(self) -> None:
        self._change = np.zeros((4, 3), np.float32)

    def forget(self) -> None:
        """The memory begins anew."""
        self._change[:] = 0

    def take_off(self, lab: Floats, usual: Floats, weights: Floats, spread: Floats) -> Floats:
        """Return a face laid flat, (SIDE, SIDE, 3), in the light of the memory `usual`.

        `weights`: (SIDE, SIDE), how far each point counts; `spread`: (SIDE, SIDE, 3), squared, how far it strays.
        """
        contrast = (usual[..., 0] - float(usual[..., 0][on_face()].mean())) / SIDE
        basis = np.concatenate([plane(), contrast[..., None]], axis=2)
        rows = basis[_FEW, _FEW].reshape(-1, 4)
        apart = (lab - usual)[_FEW, _FEW].reshape(-1, 3)
        weight = weights[_FEW, _FEW].ravel()
        counted = weight > 0.5
        if counted.sum() < _LEAST_POINTS:
            return lab
        few_spread = spread[_FEW, _FEW].reshape(-1, 3)
        change = self._change.copy()  # it was much the same a moment ago
        change[0] += np.median((apart - rows @ change)[counted], axis=0)
        for _ in range(_ROUNDS):  # least squares, and what does not fit counts less each time
            misfit = (np.square(apart - rows @ change) / few_spread).sum(axis=1)
            scaled = rows * (weight / (1 + misfit))[:, None]
            change = np.linalg.solve(rows.T @ scaled + _STIFF, scaled.T @ apart)
        self._change = np.asarray(change, np.float32)
        return np.asarray(lab - basis @ self._change, np.float32)
