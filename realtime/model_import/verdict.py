"""Whether what a network gives for a real picture looks like a picture."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.imaging.frame import Pixels

Numbers = NDArray[np.float32]
"""(height, width, 3): 0 for black, 255 for white, not clipped, in the network's colour order."""

_FLAT = 12  # grey levels between the darkest and lightest hundredth: nobody sees a picture in it
_BEYOND_PROBLEM, _BEYOND_DOUBT = 0.3, 0.08
_STUCK_PROBLEM, _STUCK_DOUBT = 0.6, 0.35
_MASK = 0.75
_DRAWN = 0.4
"""A drawing in black and white has the photo's edges, a mask the outline alone."""
UNLIKE = 0.15
"""Of the likeness of edges: noise has 0.00 to 0.11, the shipped styles 0.78 to 0.97."""


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What a run on a real picture tells of the ranges."""

    problem: str
    """Why it is no picture, or empty."""
    doubt: str
    """What looks odd, or empty."""
    likeness: float
    """How far edges lie where the photo's lie, 0 to 1."""
    is_mask: bool = False
    """It is one channel, black and white in large areas: what somebody cuts out with, not what they look at."""


def unusable(path: Path, problem: str) -> ModelError:
    """Return the error for a model of ours whose trial shows a problem: what it does, in words that follow its name."""
    return ModelError(
        _("{name} {problem}; take another copy of it, or an earlier checkpoint", name=path.name, problem=problem)
    )


def verdict_on(numbers: Numbers, picture: Pixels, is_grey: bool = False) -> Verdict:
    """Say whether numbers look like a picture: not one colour, not stuck at black and white, not far beyond them.

    `is_grey`: the network gives one channel.
    """
    if not np.isfinite(numbers).all():
        return Verdict(_("values that are no numbers (NaN) come out for a real picture"), "", 0.0)
    low, high = (float(value) for value in np.percentile(numbers, (1, 99)))
    likeness = likeness_of(numbers, picture)
    if high - low < _FLAT:
        return Verdict(
            _("nearly one colour comes out ({low:.0f} to {high:.0f} of 0..255)", low=low, high=high), "", likeness
        )
    beyond = float(np.mean((numbers < -20) | (numbers > 275)))
    if beyond > _BEYOND_PROBLEM:
        text = _(
            "{beyond:.0%} of what comes out lies beyond black and white ({low:.0f} to {high:.0f} of 0..255)",
            beyond=beyond,
            low=low,
            high=high,
        )
        return Verdict(text, "", likeness)
    stuck = float(np.mean((numbers <= 1) | (numbers >= 254))) - float(np.mean((picture <= 1) | (picture >= 254)))
    if is_grey and stuck > _MASK and likeness < _DRAWN:
        return Verdict(_("this looks like a mask (one channel, nearly all black or white)"), "", likeness, is_mask=True)
    if stuck > _STUCK_PROBLEM and not (is_grey and likeness >= _DRAWN):
        return Verdict(_("{stuck:.0%} of what comes out is stuck at black or white", stuck=stuck), "", likeness)
    if max(beyond / _BEYOND_DOUBT, stuck / _STUCK_DOUBT) > 1:
        doubt = _(
            "{share:.0%} of what comes out is at or beyond black and white: look at the picture",
            share=max(beyond, stuck),
        )
        return Verdict("", doubt, likeness)
    if likeness < UNLIKE:
        return Verdict("", _("what comes out has little to do with the photo, it may be noise: look at it"), likeness)
    return Verdict("", "", likeness)


def likeness_of(numbers: Numbers, picture: Pixels) -> float:
    """Correlation of the strength of edges, both seen coarsely: a style may move a line by some pixels."""
    edges = []
    for image in (numbers.mean(2), picture.astype(np.float32).mean(2)):
        small = cv2.resize(np.ascontiguousarray(image, np.float32), (96, 96), interpolation=cv2.INTER_AREA)
        across, down = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
        edges.append(cv2.GaussianBlur(cv2.magnitude(across, down), (0, 0), 1.5).ravel())
    if min(float(edge.std()) for edge in edges) < 1e-6:
        return 0.0
    return max(0.0, float(np.corrcoef(edges[0], edges[1])[0, 1]))
