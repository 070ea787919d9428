"""How sharp a picture is."""

from __future__ import annotations

import cv2

from realtime.imaging.frame import Pixels


def sharpness(pixels: Pixels) -> float:
    """Return the variance of the Laplacian of the picture's brightness."""
    return float(cv2.Laplacian(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())
