"""One skin out of all views, without seams.

All is done in the logarithm of brightness, where light is a sum. Each view is first given the common exposure and
colour: one number for each channel, least squares over the places that two views share. Where a view's shading strays
from what all have there, it is in a cast shadow, overexposed, or behind dark glasses, and counts little. Then the views
are mixed in bands (Burt and Adelson, "A multiresolution spline with application to image mosaics", 1983): what is broad
as a mean over all that see a place, what is fine from those that see it sharpest and most from in front, and that agree
with each other there: a brow that lies elsewhere than all others do would be a second one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.inpainting import inpainted
from realtime.imaging.numerics import Floats

_BANDS = 6
_MIRRORED = 0.08
"""How much a place of a view counts for the same place of the other half, which may be seen by none."""
_NONE = 1e-4
_KNOWN_FROM = 0.05
"""What counts for less than this in all views, and in their mirror images, is hair or a smear: skin goes on there."""
_DARK = 4.0
"""Grey levels added before the logarithm: differences in black are noise."""
_SHADED = 0.25
"""Of the logarithm: shading that differs by so much from what all views have there counts half."""
_SHADING_SIDE, _SHADING_OVER = 96, 0.025
"""Shading is compared on so many points, blurred over such a part of the side: a cast shadow is wider."""
_DISAGREES = 0.7
"""Of a band's own strength: detail that differs by so much from the common one counts half …"""
_FAINT = 0.025
"""… or by so much of the logarithm, where there is hardly any."""
_ROUNDS = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Weighed:
    """A flat face and what it counts for."""

    picture: Floats
    """(side, side, 3) BGR 0..255."""
    counts: Floats
    """(side, side), 0..1: how far each place is to be believed."""
    detail: Floats
    """(side, side): pixels of its photo for each one here, at most 1."""
    trust: float
    """How far its features are, over the others'."""


def blended(weighed: Sequence[Weighed]) -> Floats:
    """Return (side, side, 3), 0..255."""
    logs, counts = common_light(weighed)
    details = [each.detail for each in weighed]
    trusts = [each.trust for each in weighed] * 2
    # The other half of each face stands in where nothing else is known.
    logs += [np.ascontiguousarray(log[:, ::-1]) for log in logs]
    counts += [np.ascontiguousarray(_MIRRORED * count[:, ::-1] ** 2) for count in counts]
    details += [np.ascontiguousarray(detail[:, ::-1]) for detail in details]
    mixed: list[Floats] = []
    level_counts, level_details = counts, details
    for level in range(_BANDS):
        if level:
            level_counts, level_details = (
                [_halved(each) for each in several] for several in (level_counts, level_details)
            )
        # A photo with half the pixels has nothing in the finest band, and all of the third.
        shares = [
            trust * np.maximum(count, _NONE) ** 2 * np.clip(detail * 2**level, 0, 1) ** 2 + 1e-9
            for trust, count, detail in zip(trusts, level_counts, level_details, strict=True)
        ]
        coarser = [_halved(log) for log in logs]
        for log, coarse in zip(logs, coarser, strict=True):  # band by band, in place: ten photos are half a gigabyte
            log -= cv2.pyrUp(coarse, dstsize=log.shape[1::-1])
        mixed.append(_agreed(logs, shares))
        logs = coarser
    broad = [np.maximum(_halved(count), _NONE)[..., None] for count in level_counts]
    mixed.append(_mean(logs, broad))
    whole = np.asarray(np.clip(np.exp(_together(mixed)) - _DARK, 0, 255), np.float32)
    known = np.clip(np.max(counts, axis=0) / _KNOWN_FROM, 0, 1)
    return np.clip(inpainted(whole, np.asarray(known, np.float32)), 0, 255).astype(np.float32)


def common_light(weighed: Sequence[Weighed]) -> tuple[list[Floats], list[Floats]]:
    """Return the logarithms of all faces in one exposure and colour, and what each place counts for beside the others'
    shading.
    """
    logs = [np.log(np.maximum(each.picture, 0) + _DARK).astype(np.float32) for each in weighed]
    counts = [np.maximum(each.counts, _NONE).astype(np.float32) for each in weighed]
    size = (_SHADING_SIDE, _SHADING_SIDE)
    small = [_resized(log, size, blurred=_SHADING_OVER * _SHADING_SIDE) for log in logs]
    weights = [_resized(count, size) for count in counts]
    gains = _gains(small, weights)
    logs = [log + gain for log, gain in zip(logs, gains, strict=True)]
    even = np.stack([log + gain for log, gain in zip(small, gains, strict=True)])
    trusts = np.array([each.trust for each in weighed], np.float32)
    shares = np.stack(weights) * trusts[:, None, None] + 1e-6
    strays = np.ones_like(shares)
    for _ in range(5):
        usual = np.average(even, axis=0, weights=np.broadcast_to((shares * strays)[..., None], even.shape))
        strays = 1 / (1 + np.square(np.abs(even - usual).mean(axis=3) / _SHADED))
    side = logs[0].shape[0]
    shaded = [cv2.resize(np.asarray(each, np.float32), (side, side), interpolation=cv2.INTER_LINEAR) for each in strays]
    return logs, [np.asarray(count * each, np.float32) for count, each in zip(counts, shaded, strict=True)]


def _resized(picture: Floats, size: tuple[int, int], blurred: float = 0.0) -> Floats:
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), blurred) if blurred else small, np.float32)


def _gains(small: Sequence[Floats], weights: Sequence[Floats]) -> list[Floats]:
    """Return for each view (3,) what to add, so that views are alike where both see the face; their mean stays."""
    number = len(small)
    matrix, right = np.zeros((number, number)), np.zeros((number, 3))
    for one in range(number):
        for other in range(one + 1, number):
            both = weights[one] * weights[other]
            away = small[other] - small[one]
            for _ in range(3):  # what is shaded otherwise counts little
                mean = np.tensordot(both, away, axes=2) / (both.sum() + 1e-6)
                both = weights[one] * weights[other] / (1 + np.square((away - mean).mean(axis=2) / _SHADED))
            total = float(both.sum()) + 1e-3
            mean = np.tensordot(both, away, axes=2) / total
            matrix[one, one] += total
            matrix[other, other] += total
            matrix[one, other] -= total
            matrix[other, one] -= total
            right[one] += total * mean
            right[other] -= total * mean
    matrix += 1.0  # their sum is 0
    return [np.asarray(gain, np.float32) for gain in np.linalg.solve(matrix, right)]


def _agreed(bands: Sequence[Floats], shares: Sequence[NDArray[np.floating]]) -> Floats:
    """Return the mean of one band over all views, what strays from it counting little. `shares`: (side, side) each."""
    weights = [share[..., None] for share in shares]
    common = _mean(bands, weights)
    for _ in range(_ROUNDS):
        strength = _DISAGREES * _spread(np.abs(common).mean(axis=2)) + _FAINT
        robust = []
        for band, weight in zip(bands, weights, strict=True):
            off = _spread(np.abs(band - common).mean(axis=2)) / strength
            robust.append(weight / (1 + np.square(off))[..., None])
        common = _mean(bands, robust)
    return common


def _spread(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), 2.5))


def _mean(pictures: Sequence[Floats], weights: Sequence[NDArray[np.floating]]) -> Floats:
    total, summed = np.zeros_like(weights[0]), np.zeros_like(pictures[0])
    for picture, weight in zip(pictures, weights, strict=True):
        total = total + weight
        summed = summed + weight * picture
    return np.asarray(summed / total, np.float32)


def _halved(picture: Floats) -> Floats:
    return np.asarray(cv2.pyrDown(picture), np.float32)


def _together(bands: Sequence[Floats]) -> Floats:
    whole = bands[-1]
    for band in reversed(bands[:-1]):
        whole = np.asarray(cv2.pyrUp(whole, dstsize=band.shape[1::-1]) + band, np.float32)
    return whole
