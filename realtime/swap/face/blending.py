"""One skin out of all views, without seams.

All is done in the logarithm of brightness, where light is a sum. Each view is first given the common exposure and
colour: one number for each channel, least squares over the places that two views share. Then the views are mixed in
bands (Burt and Adelson, "A multiresolution spline with application to image mosaics", 1983): what is broad, shading and
colour, as a mean over all that see a place, in which one photo's shadow or shine counts little; what is fine from
those that see it sharpest and most from in front, where they agree with each other; where they do not, from the key
view alone, for two brows are worse than one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from realtime.imaging.inpainting import inpainted
from realtime.imaging.numerics import Floats
from realtime.swap.face.views import View

_BANDS = 6
_MIRRORED = 0.08
"""How much a place of a view counts for the same place of the other half, which may be seen by none."""
_NONE = 1e-4
_KNOWN_FROM = 0.05
"""What counts for less than this in all views, and in their mirror images, is hair or a smear: skin goes on there."""
_SHADED = 0.2
"""Of the logarithm: broad shading that differs by so much from what all views have there counts half."""
_DISAGREES = 0.1
"""Of the logarithm, in the finer bands: what differs by so much from the key view counts a fifth."""
_KEY = 6.0


@dataclasses.dataclass(frozen=True, slots=True)
class Weighed:
    """A view and what it counts for."""

    view: View
    picture: Floats
    """(side, side, 3) BGR 0..255: the one of its pictures that is mixed."""
    counts: Floats
    """(side, side), 0..1."""


def blended(weighed: Sequence[Weighed], key: int) -> Floats:
    """Return (side, side, 3), 0..255. `key`: the number of the view whose features are trusted."""
    logs = [np.log(np.maximum(each.picture, 0) + 4).astype(np.float32) for each in weighed]
    counts = [np.maximum(each.counts, _NONE).astype(np.float32) for each in weighed]
    gains = _gains(logs, counts)
    logs = [log + gain for log, gain in zip(logs, gains, strict=True)]
    details = [each.view.detail for each in weighed]
    # The other half of each face stands in where nothing else is known.
    logs += [np.ascontiguousarray(log[:, ::-1]) for log in logs]
    counts += [np.ascontiguousarray(_MIRRORED * count[:, ::-1] ** 2) for count in counts]
    details += [np.ascontiguousarray(detail[:, ::-1]) for detail in details]
    pyramids = [_pyramid(log) for log in logs]
    shares = [
        _sharp(pyramid, count, detail, pyramids[key])
        for pyramid, count, detail in zip(pyramids, counts, details, strict=True)
    ]
    for number, share in enumerate(shares):
        if number == key:
            shares[number] = [_KEY * level for level in share]
    mixed: list[Floats] = []
    for level in range(_BANDS):
        total = np.sum([share[level] for share in shares], axis=0)
        summed = np.sum(
            [share[level][..., None] * pyramid[level] for share, pyramid in zip(shares, pyramids, strict=True)], axis=0
        )
        mixed.append(np.asarray(summed / total[..., None], np.float32))
    mixed.append(
        _broad([pyramid[-1] for pyramid in pyramids], [_shrunk(count, pyramids[0][-1].shape) for count in counts])
    )
    whole = np.asarray(np.clip(np.exp(_together(mixed)) - 4, 0, 255), np.float32)
    known = np.clip(np.max(counts, axis=0) / _KNOWN_FROM, 0, 1)
    return np.clip(inpainted(whole, np.asarray(known, np.float32)), 0, 255).astype(np.float32)


def _gains(logs: Sequence[Floats], counts: Sequence[Floats]) -> list[Floats]:
    """Return for each view (3,) what to add, so that views are alike where both see the face; their mean stays."""
    small = [cv2.resize(log, (64, 64), interpolation=cv2.INTER_AREA) for log in logs]
    weights = [cv2.resize(count, (64, 64), interpolation=cv2.INTER_AREA) for count in counts]
    number = len(logs)
    matrix, right = np.zeros((number, number)), np.zeros((number, 3))
    for one in range(number):
        for other in range(one + 1, number):
            both = weights[one] * weights[other]
            away = small[other] - small[one]
            for _ in range(2):  # what is shaded otherwise counts little
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


def _pyramid(picture: Floats) -> list[Floats]:
    levels = [picture]
    for _ in range(_BANDS):
        levels.append(np.asarray(cv2.pyrDown(levels[-1]), np.float32))
    return [
        *(
            np.asarray(fine - cv2.pyrUp(coarse, dstsize=fine.shape[1::-1]), np.float32)
            for fine, coarse in pairwise(levels)
        ),
        levels[-1],
    ]


def _together(bands: Sequence[Floats]) -> Floats:
    whole = bands[-1]
    for band in reversed(bands[:-1]):
        whole = np.asarray(cv2.pyrUp(whole, dstsize=band.shape[1::-1]) + band, np.float32)
    return whole


def _shrunk(share: Floats, shape: tuple[int, ...]) -> Floats:
    while share.shape[0] > shape[0]:
        share = np.asarray(cv2.pyrDown(share), np.float32)
    return share


def _sharp(pyramid: Sequence[Floats], counts: Floats, detail: Floats, key: Sequence[Floats]) -> list[Floats]:
    """Return how much a view counts in each of the finer bands."""
    shares, level_counts, level_detail = [], counts, detail
    for level in range(_BANDS):
        if level:
            level_counts = np.asarray(cv2.pyrDown(level_counts), np.float32)
            level_detail = np.asarray(cv2.pyrDown(level_detail), np.float32)
        # A photo with half the pixels has nothing in the finest band, and all of the third.
        resolved = np.clip(level_detail * 2**level, 0, 1) ** 2
        off = np.abs(pyramid[level] - key[level]).mean(axis=2)
        off = cv2.GaussianBlur(off, (0, 0), 2.0 + 6 / (1 + level))
        agrees = 1 / (1 + 4 * np.square(off / _DISAGREES))
        shares.append(np.asarray(np.maximum(level_counts, _NONE) ** 2 * resolved * agrees + 1e-12, np.float32))
    return shares


def _broad(levels: Sequence[Floats], counts: Sequence[Floats]) -> Floats:
    """Return the mean shading of all views, (small, small, 3), what strays from it counting little."""
    stack, weights = np.stack(levels), np.stack([np.maximum(count, _NONE) for count in counts])[..., None]
    mean = (stack * weights).sum(axis=0) / weights.sum(axis=0)
    for _ in range(3):
        robust = weights / (1 + np.square((stack - mean).mean(axis=3, keepdims=True) / _SHADED))
        mean = (stack * robust).sum(axis=0) / robust.sum(axis=0)
    return np.asarray(mean, np.float32)
