"""A picture that goes on where something was left out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def inpainted(picture: NDArray[np.float32], part: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a picture that goes on smoothly where `part` is 0: every place takes the mean of what is near, from the
    smallest surroundings that hold anything (the pyramid of Gortler and others, "The Lumigraph", 1996: push and pull).

    `picture`: (height, width, 3); `part`: (height, width), 0..1.
    """
    weights = np.square(part)[..., None]
    if min(picture.shape[:2]) <= 2:
        mean = (picture * weights).sum(axis=(0, 1)) / max(float(weights.sum()), 1e-6)
        return np.asarray(np.broadcast_to(mean, picture.shape), np.float32)
    size = ((picture.shape[1] + 1) // 2, (picture.shape[0] + 1) // 2)
    summed = cv2.resize(picture * weights, size, interpolation=cv2.INTER_AREA)
    held = cv2.resize(weights, size, interpolation=cv2.INTER_AREA)
    mean = np.asarray(summed / np.maximum(held, 1e-6)[..., None], np.float32)
    coarse = inpainted(mean, np.asarray(np.minimum(1, 2 * held), np.float32))
    above = cv2.resize(coarse, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(weights * picture + (1 - weights) * above, np.float32)
