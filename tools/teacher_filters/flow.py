"""The directions of a picture: along its edges, and how plainly it has any.

From the smoothed structure tensor (Brox et al., "Adaptive structure tensors and their applications", 2006), as Kang et
al. ("Coherent line drawing", NPAR 2007) and Kyprianidis and Kang ("Image and video abstraction by coherence-enhancing
filtering", 2011) use it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from realtime.imaging.numerics import Floats


@dataclasses.dataclass(frozen=True)
class Flow:
    """Directions along edges, (h, w) each."""

    x: Floats
    y: Floats
    """A unit vector along the edge; its sign means nothing."""
    anisotropy: Floats
    """0 where no direction is plainer than another, to 1 where there is only one."""


def flow_of(picture: Floats, blur_px: float) -> Flow:
    """Return the directions of a picture (h, w, 3), any range, each told by some `blur_px` pixels around."""
    rights = [cv2.Scharr(channel, cv2.CV_32F, 1, 0) for channel in cv2.split(picture)]
    downs = [cv2.Scharr(channel, cv2.CV_32F, 0, 1) for channel in cv2.split(picture)]
    xx, xy, yy = (
        _blurred(ones, others, blur_px) for ones, others in ((rights, rights), (rights, downs), (downs, downs))
    )
    half_trace, half_gap = (xx + yy) / 2, (xx - yy) / 2
    spread = np.sqrt(half_gap**2 + xy**2)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2  # across the edge, and a quarter turn on along it
    anisotropy = spread / (half_trace + 1e-6)
    return Flow(np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32), anisotropy.astype(np.float32))


def _blurred(ones: Sequence[cv2.typing.MatLike], others: Sequence[cv2.typing.MatLike], blur_px: float) -> Floats:
    """Return the sum of the products, smoothed."""
    products = [one * other for one, other in zip(ones, others, strict=True)]
    total = np.asarray(np.sum(products, axis=0), np.float32)
    return np.asarray(cv2.GaussianBlur(total, (0, 0), blur_px, borderType=cv2.BORDER_REPLICATE), np.float32)


def along(values: Floats, flow: Flow, deviation_px: float) -> Floats:
    """Return `values` (h, w) or (h, w, 3) averaged along streamlines, by a Gaussian of `deviation_px` pixels."""
    height, width = values.shape[:2]
    start_x, start_y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    total, weight = values.astype(np.float32).copy(), 1.0
    for sign in (1.0, -1.0):
        x, y = start_x.copy(), start_y.copy()
        before_x, before_y = flow.x * sign, flow.y * sign
        for step in range(1, round(2.5 * deviation_px) + 1):
            x += before_x
            y += before_y
            now_x, now_y = sampled(flow.x, x, y), sampled(flow.y, x, y)
            same = np.where(now_x * before_x + now_y * before_y < 0, np.float32(-1), np.float32(1))
            before_x, before_y = now_x * same, now_y * same
            share = float(np.exp(-0.5 * (step / deviation_px) ** 2))
            total += share * sampled(values, x, y)
            weight += share
    return np.asarray(total / weight, np.float32)


def sampled(values: Floats, x: Floats, y: Floats) -> Floats:
    """Return `values` at places between pixels."""
    found = cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)
