"""The guided filter: one picture explained by another, locally and linearly (He, Sun, Tang: "Guided Image Filtering",
2010), so that it gets the other's edges.

`cv2.ximgproc.guidedFilter` takes over 20 ms for 1280×720; on small copies this takes a part of one.
"""

from __future__ import annotations

import cv2
import numpy as np

from realtime.imaging.frame import Size
from realtime.imaging.numerics import Floats


class GuidedFilter:
    """Filters pictures of one size: (height, width) float32. All buffers are its own; used by one thread."""

    def __init__(self, size: Size, window_px: int, floor: float) -> None:
        """`window_px`: side of what counts as local; `floor`: how much the guide must vary there, squared, so that it
        is an edge and no grain.
        """
        shape = (size.height, size.width)
        self._window, self._floor = (window_px, window_px), floor
        self._guide_mean: Floats = np.empty(shape, np.float32)
        self._picture_mean: Floats = np.empty(shape, np.float32)
        self._product: Floats = np.empty(shape, np.float32)
        self._variance: Floats = np.empty(shape, np.float32)
        self._slope: Floats = np.empty(shape, np.float32)
        self._mean_slope: Floats = np.empty(shape, np.float32)
        self._level: Floats = np.empty(shape, np.float32)

    def slope(self, guide: Floats, picture: Floats, scale: float = 1.0) -> Floats:
        """Return how strongly the picture follows the guide, (height, width), times `scale`: their covariance over the
        guide's variance. The next call overwrites it.
        """
        cv2.blur(guide, self._window, dst=self._guide_mean)
        cv2.blur(picture, self._window, dst=self._picture_mean)
        cv2.multiply(guide, picture, dst=self._product)
        cv2.blur(self._product, self._window, dst=self._slope)
        cv2.multiply(self._guide_mean, self._picture_mean, dst=self._product)
        cv2.subtract(self._slope, self._product, dst=self._slope)
        cv2.multiply(guide, guide, dst=self._product)
        cv2.blur(self._product, self._window, dst=self._variance)
        cv2.multiply(self._guide_mean, self._guide_mean, dst=self._product)
        cv2.subtract(self._variance, self._product, dst=self._variance)
        self._variance += self._floor
        cv2.divide(self._slope, self._variance, dst=self._slope, scale=scale)
        return self._slope

    def coefficients(self, guide: Floats, picture: Floats) -> tuple[Floats, Floats]:
        """Return slope and level: `slope × guide + level` is the picture with the guide's edges, also those of a larger
        copy of the guide where both are enlarged to it. The next call overwrites them.
        """
        slope = self.slope(guide, picture)
        cv2.multiply(slope, self._guide_mean, dst=self._product)
        cv2.subtract(self._picture_mean, self._product, dst=self._product)
        cv2.blur(self._product, self._window, dst=self._level)
        cv2.blur(slope, self._window, dst=self._mean_slope)
        return self._mean_slope, self._level

    def apply(self, guide: Floats, picture: Floats) -> Floats:
        """Return the picture with the guide's edges, (height, width), new."""
        slope, level = self.coefficients(guide, picture)
        return np.asarray(slope * guide + level, np.float32)
