"""Small numeric tools that every part of the program needs the same way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def eased(share: float) -> float:
    """Return 0 up to 0, 1 from 1, and a smooth step between (3s² − 2s³)."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


def smoothstep(share: NDArray[np.floating] | np.floating) -> Floats:
    """Return the same as `eased` of each value, in the array's shape."""
    share = np.clip(share, 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def smoothstep_between(start: float, end: float, value: Floats) -> Floats:
    """Return 0 up to `start`, 1 from `end`, and a smooth step between, in the shape of `value`."""
    return smoothstep((value - start) / (end - start))


class Similarity(NamedTuple):
    """A turn, a change of size and a move in space. Points are rows."""

    rotation: Doubles
    """(3, 3), applied from the right."""
    scale: float
    origin: Doubles
    """(3,), which comes to lie on `target`."""
    target: Doubles

    def place(self, points: NDArray[np.floating]) -> Doubles:
        """Return points (n, 3) as they lie afterwards."""
        return np.asarray((points - self.origin) @ (self.rotation * self.scale) + self.target, np.float64)


def best_similarity(points: Doubles, onto: Doubles) -> Similarity:
    """Return what lays points (n, 3) onto others best, in the sense of least squares, without mirroring them.

    Kabsch, "A solution for the best rotation to relate two sets of vectors", 1976; the scale by Umeyama, 1991.
    """
    origin, target = points.mean(axis=0), onto.mean(axis=0)
    source_centred, target_centred = points - origin, onto - target
    left, sizes, right = np.linalg.svd(source_centred.T @ target_centred)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return Similarity(left * signs @ right, float((sizes * signs).sum() / (source_centred**2).sum()), origin, target)
