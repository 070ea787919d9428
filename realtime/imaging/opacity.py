"""Pictures that are seen through in places, as files keep them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Opacity, Pixels, Size
from realtime.imaging.pixels import letterbox_into


def straight(pixels: Pixels, opacity: Opacity) -> NDArray[np.uint8]:
    """Return a picture that lies over black as (height, width, 4) BGRA whose colours are those of what is seen, however
    little of it is: what PNG, WebM and ProRes keep. Where nothing is seen it is black.
    """
    seen = cv2.bitwise_and(pixels, pixels, mask=opacity)
    picture = np.asarray(cv2.merge([*cv2.split(seen), opacity]), np.uint8)
    partly = np.flatnonzero(cv2.inRange(opacity, 1, 254))  # outlines alone: of all pixels some hundredths
    flat = picture.reshape(-1, 4)
    share = flat[partly, 3:].astype(np.uint16)
    flat[partly, :3] = np.minimum((flat[partly, :3].astype(np.uint16) * 255 + share // 2) // share, 255)
    return picture


def fitted(opacity: Opacity, size: Size) -> Opacity:
    """Return it for a picture that was letterboxed to a size: the bars are seen through."""
    if (size.height, size.width) == opacity.shape:
        return opacity
    onto = np.empty((size.height, size.width, 3), np.uint8)
    letterbox_into(np.asarray(cv2.merge([opacity] * 3), np.uint8), onto)
    return np.ascontiguousarray(onto[..., 0])
