"""Heads that somebody else cut out of a painting: where they belong in it, and how their rim fades into it."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import PortraitError
from realtime.core.language import _
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import Place


def find_place(pack: Path, head: Pixels, painting: Pixels) -> Place:
    """Find where a head picture belongs in its painting. Raises PortraitError, naming the pack, when nowhere."""
    head_size, painting_size = Size.of(head), Size.of(painting)
    if head_size.width > painting_size.width or head_size.height > painting_size.height:
        raise PortraitError(
            _(
                "{pack}: its frames are {head_size}, larger than the painting, {painting_size}",
                pack=pack,
                head_size=head_size,
                painting_size=painting_size,
            )
        )
    # First on small grey copies, then among the few places around in full. A correlation of 0.8 leaves room
    # for another encoder, for colour and for eyes that look elsewhere; a wrong picture reaches 0.5 at most.
    scale = max(1.0, math.sqrt(painting_size.width * painting_size.height / 250_000))
    scale = min(scale, max(1.0, min(head_size) / 24))
    _unused, x, y = _best_match(_small_grey(painting, scale), _small_grey(head, scale))
    reach = math.ceil(scale) * 2
    left = min(max(round(x * scale) - reach, 0), painting_size.width - head_size.width)
    top = min(max(round(y * scale) - reach, 0), painting_size.height - head_size.height)
    around = painting[top : top + head_size.height + 2 * reach, left : left + head_size.width + 2 * reach]
    score, x, y = _best_match(around, head)
    if score < 0.8:
        raise PortraitError(
            _(
                "{pack}: its frames ({head_size}) are not found in the painting ({painting_size}); they "
                "must be cut from it at the same scale",
                pack=pack,
                head_size=head_size,
                painting_size=painting_size,
            )
        )
    return Place(left + x, top + y, *head_size)


def rim_weights(size: Size) -> NDArray[np.float32]:
    """Return how much of a head picture counts at each pixel, 0..1, so that its rim fades into the painting.

    The sigmoid for a square of 2m = 512: 1 / (1 + exp(0.06·(max(|x − m|, |y − m|) − 180))), its distances
    scaled to the shorter side.
    """
    half = min(size) / 2
    x = np.abs(np.arange(size.width, dtype=np.float32) + 0.5 - size.width / 2) - size.width / 2
    y = np.abs(np.arange(size.height, dtype=np.float32) + 0.5 - size.height / 2) - size.height / 2
    from_rim = np.maximum(x[None, :], y[:, None])  # 0 at the rim, negative inside
    beyond = from_rim * (256 / half) + (256 - 180)
    return np.asarray(1 / (1 + np.exp(0.06 * beyond)), np.float32)


def _small_grey(pixels: Pixels, scale: float) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _best_match(picture: NDArray[np.uint8], part: NDArray[np.uint8]) -> tuple[float, int, int]:
    """Return the highest correlation, −1..1, and the place (x, y) that has it."""
    _, score, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(picture, part, cv2.TM_CCOEFF_NORMED))
    return score, x, y
