"""A second folder of pictures made from the first: spoilt as old films and cheap sensors spoil them.

A network that makes the spoilt folder into the clean one mends pictures it has never seen.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from realtime.imaging.frame import Pixels
from tools.training.pictures import Change


def salt_pepper_blur(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the picture with 2 to 8 % of its pixels black or white, then blurred by a Gaussian of 0.8 to 1.6 px."""
    chance = rng.random(picture.shape[:2])
    share = rng.uniform(0.02, 0.08)
    spoilt = picture.copy()
    spoilt[chance < share / 2] = 0
    spoilt[chance > 1 - share / 2] = 255
    return np.asarray(cv2.GaussianBlur(spoilt, (0, 0), rng.uniform(0.8, 1.6)), np.uint8)


DEGRADATIONS: Mapping[str, Change] = {"salt-pepper-blur": salt_pepper_blur}
