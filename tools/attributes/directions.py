"""Directions in the space of codes, [Z] each, and how well they tell an attribute."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.imaging.numerics import Doubles

_RIDGE = 0.01
"""Added to each number's variance, in parts of their mean: one that hardly varies must not decide."""


def discriminant(codes: NDArray[np.floating], has: NDArray[np.int8]) -> Doubles:
    """Return the direction that separates best where both sides are normal clouds of one shape (Fisher's linear
    discriminant), of length 1.
    """
    with_it, without = codes[has > 0].astype(np.float64), codes[has < 0].astype(np.float64)
    means = with_it.mean(0), without.mean(0)
    # Both sides count alike, however rare the attribute is.
    within = (np.cov(with_it, rowvar=False) + np.cov(without, rowvar=False)) / 2
    within = np.atleast_2d(within) + np.eye(len(means[0])) * (_RIDGE * np.trace(np.atleast_2d(within)) / len(means[0]))
    return unit(np.linalg.solve(within, means[0] - means[1]))


def held(codes: NDArray[np.floating], own: Doubles, others: Doubles, strength: float) -> Doubles:
    """Return the difference of means `own` [Z], bent so that it moves people little along those of `others` [K, Z].

    It is what makes |v − own|² + `strength` · Σ (v · Σ⁻¹ other)² least, lengths measured in people's own spread Σ: at 0
    `own` itself, without bound at right angles to all others. An attribute that tells people well holds more firmly
    than one that hardly does.
    """
    spread = np.atleast_2d(np.asarray(np.cov(codes, rowvar=False), np.float64))
    spread = spread + np.eye(len(own)) * (_RIDGE * np.trace(spread) / len(own))
    projection = np.linalg.solve(spread, others.T @ others).T if len(others) else np.zeros_like(spread)
    return unit(np.asarray(np.linalg.solve(np.eye(len(own)) + strength * projection, own), np.float64))


def difference(codes: NDArray[np.floating], has: NDArray[np.int8]) -> Doubles:
    """Return the mean of codes with an attribute, less the mean of those without, [Z]."""
    return np.asarray(codes[has > 0].mean(0, np.float64) - codes[has < 0].mean(0, np.float64), np.float64)


def apart(direction: Doubles, others: Doubles) -> Doubles:
    """Return what of a direction is at right angles to all of `others` [K, Z], of length 1."""
    if len(others) == 0:
        return unit(direction)
    basis, strength, _ = np.linalg.svd(others.T, full_matrices=False)
    basis = basis[:, strength > 1e-6 * strength.max()]
    return unit(direction - basis @ (basis.T @ direction))


def accuracy(direction: Doubles, codes: NDArray[np.floating], has: NDArray[np.int8], threshold: float) -> float:
    """Return the share told rightly by which side of `threshold` a code lies along the direction; the mean of those
    with and those without, so that 0.5 is chance however rare the attribute is.
    """
    along = codes @ direction
    return float((np.mean(along[has > 0] > threshold) + np.mean(along[has < 0] <= threshold)) / 2)


def middle(direction: Doubles, codes: NDArray[np.floating], has: NDArray[np.int8]) -> float:
    """Return the threshold half way between the means of both sides."""
    along = codes @ direction
    return float((along[has > 0].mean() + along[has < 0].mean()) / 2)


def scaled(direction: Doubles, codes: NDArray[np.floating]) -> Doubles:
    """Return it so long that a step of 1 is one standard deviation of people's codes along it."""
    return direction * float((codes @ direction).std())


def unit(direction: Doubles) -> Doubles:
    length = float(np.linalg.norm(direction))
    return direction / length if length > 0 else direction
