"""What an iris that moved has left behind: dark lines where it was and is no more."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.imaging.frame import Pixels
from realtime.portrait.engines.warp.eyes.eye_shape import EyeShape

_REACH, _SIDE = 0.5, 101
"""The patch that is looked at reaches this far from the old iris' centre, eye widths; and its side in pixels."""
_LINE = 0.14
"""What is darker than both its sides and thinner than this is a line, eye widths."""
_OLD_RIM = (0.55, 1.25)
"""Where the old iris' rim is looked for, radii: below its centre, for above it are lashes."""
_CLEAR = 1.4
"""So many radii from its centre the new iris ends for certain, soft rim and all."""


def dark_lines(picture: Pixels, shape: EyeShape, old: tuple[float, float], new: tuple[float, float]) -> float:
    """Return how dark lines are along the lower rim of an iris that was at `old` and is at `new` (places in units).

    Grey levels, the mean of the darkest tenth of what is left of the rim; 0 where the new iris still covers it. A
    picture has lines of its own there, the edge of the lid and wrinkles: compare with what it has without the motion.
    """
    steps = np.linspace(-_REACH, _REACH, _SIDE, dtype=np.float32)
    along, across = np.meshgrid(steps + np.float32(old[0]), steps + np.float32(old[1]))
    x, y = shape.picture_of(along, across)
    patch = cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.GaussianBlur(cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY).astype(np.float32), (0, 0), 1.5)
    size = round(_LINE / (2 * _REACH) * _SIDE) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    lines = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, kernel)
    from_old = np.hypot(along - old[0], across - old[1]) / shape.radius
    from_new = np.hypot(along - new[0], across - new[1]) / shape.radius
    left = (from_old > _OLD_RIM[0]) & (from_old < _OLD_RIM[1]) & (across > old[1]) & (from_new > _CLEAR)
    if np.count_nonzero(left) < 20:
        return 0.0
    values = np.sort(lines[left])
    return float(values[-max(1, len(values) // 10) :].mean())
