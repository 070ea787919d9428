"""A run ends by checking itself against a bar, so that it can be left alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from realtime.imaging.frame import Pixels

_LEAST_FALL = 0.95
"""The watched loss of the last tenth of the run, to that of the first: at most this."""
_LEAST_CONTRAST = 4.0
"""Standard deviation of a painted picture in grey levels: below, it is one flat colour."""
_LEAST_DIFFERENCE = 2.0
"""Mean distance in grey levels between two painted pictures: below, it paints the same whatever it is shown."""


def faults(terms: Mapping[str, Sequence[float]], painted: Sequence[Pixels], *, begins_near: bool = False) -> list[str]:
    """Return what is wrong with a finished run, one line each; nothing where it passed.

    `terms`: every loss over the whole run, the one to watch first. `painted`: BGR pictures it has not learnt from.
    `begins_near`: the first step was near the end already, so that no loss need fall.
    """
    found: list[str] = []
    broken = [name for name, values in terms.items() if not all(map(math.isfinite, values))]
    if broken:
        found.append(f"the loss '{broken[0]}' became NaN or infinite; try a lower --learning-rate")
    name, all_values = next(iter(terms.items()))
    values = [value for value in all_values if value]  # a level that learns for a while only has nothing elsewhere
    tenth = max(1, len(values) // 10)
    before, after = (float(np.mean(part)) if part else math.nan for part in (values[:tenth], values[-tenth:]))
    if not (begins_near or after <= before * _LEAST_FALL):
        found.append(f"the loss '{name}' did not fall ({before:.4g} → {after:.4g}); train longer or with other weights")
    flat = [picture for picture in painted if float(picture.std()) < _LEAST_CONTRAST]
    if flat:
        found.append(f"{len(flat)} of {len(painted)} pictures came out as one flat colour; hold more of the content")
    elif len(painted) > 1:
        first, second = (_small(picture) for picture in painted[:2])
        if float(np.abs(first - second).mean()) < _LEAST_DIFFERENCE:
            found.append("different pictures came out the same; hold more of the content")
    return found


def _small(picture: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    import cv2

    small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)
