"""Flat faces moved onto each other: the mesh lays eyes and mouth a little elsewhere in every photo.

What the mesh is off by is a few hundredths of a face, more where it looks aside; two photos laid over each other so
would have two brows. All are moved onto their mean, which is blurred and lies where most have them, and once more onto
what comes of that. Dense optical flow (DIS: Kroeger and others, "Fast Optical Flow using Dense Inverse Search", 2016)
between contrasts, in which light and skin colour do not count, says what moves where; it is smoothed until no feature
changes its shape.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.swap.face.blending import Weighed, common_light
from realtime.swap.face.views import View

_SIDE = 192
_CONTRAST_OVER = 0.06
_SMOOTH = 0.03
"""Sides of the flat face: features are moved as wholes, an eye is 0.1 wide."""
_FARTHEST = 0.03
_ROUNDS = 2
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)


def moved_together(views: Sequence[View], counts: Sequence[Floats], trusts: Sequence[float]) -> list[Floats]:
    """Return for each view (192, 192, 2), pixels of a picture of 192: how far from each place of the common face the
    same lies in it. `counts`: (side, side), 0..1, how far each place of it is to be believed; `trusts`: of all of it.
    """
    small = [_small(view.with_mouth) for view in views]
    shares = [_small(count) for count in counts]
    ones = np.ones((_SIDE, _SIDE), np.float32)
    weighed = [Weighed(one, share, ones, trust) for one, share, trust in zip(small, shares, trusts, strict=True)]
    logs, shares = common_light(weighed)
    lights = [np.asarray(log @ _LUMA, np.float32) for log in logs]
    flows = [np.zeros((_SIDE, _SIDE, 2), np.float32) for _ in views]
    for _ in range(_ROUNDS):
        there = [
            (_moved(light, flow), _moved(share, flow)) for light, share, flow in zip(lights, shares, flows, strict=True)
        ]
        total = np.sum([trust * share for (_, share), trust in zip(there, trusts, strict=True)], axis=0)
        mean = (
            np.sum([trust * share * light for (light, share), trust in zip(there, trusts, strict=True)], axis=0) / total
        )
        target = _contrast(np.asarray(mean, np.float32))
        flows = [_flow(target, light, share) for light, share in zip(lights, shares, strict=True)]
    return flows


def moved(view: View, flow: Floats) -> View:
    """Return a view whose features lie where the common face has them; `flow`: what `moved_together` returns for it."""
    side = view.skin.shape[0]
    whole = np.asarray(cv2.resize(flow * (side / _SIDE), (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
    skin = np.clip(_moved(view.skin, whole, cv2.INTER_CUBIC), 0, 255)
    with_mouth = skin
    if view.with_mouth is not view.skin:
        with_mouth = np.clip(_moved(view.with_mouth, whole, cv2.INTER_CUBIC), 0, 255)
    seen, detail = _moved(view.seen, whole), _moved(view.detail, whole)
    return dataclasses.replace(view, skin=skin, with_mouth=with_mouth, seen=seen, detail=detail)


def _flow(target: Pixels, light: Floats, share: Floats) -> Floats:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(1)
    found = np.zeros((_SIDE, _SIDE, 2), np.float32)
    found = np.asarray(search.calc(target, _contrast(light), found), np.float32)
    found = np.clip(found, -2 * _FARTHEST * _SIDE, 2 * _FARTHEST * _SIDE)
    sigma = _SMOOTH * _SIDE
    # Where it is not known, nothing moves: the small weight of rest pulls it to none.
    held = cv2.GaussianBlur(share, (0, 0), sigma)[..., None] + 0.05
    smooth = cv2.GaussianBlur(found * share[..., None], (0, 0), sigma) / held
    return np.asarray(np.clip(smooth, -_FARTHEST * _SIDE, _FARTHEST * _SIDE), np.float32)


def _moved(picture: Floats, flow: Floats, how: int = cv2.INTER_LINEAR) -> Floats:
    side = picture.shape[0]
    own = np.arange(side, dtype=np.float32)
    across, down = flow[..., 0] + own[None], flow[..., 1] + own[:, None]
    return np.asarray(cv2.remap(picture, across, down, how, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _small(picture: NDArray[np.floating]) -> Floats:
    return np.asarray(cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.float32)


def _contrast(light: Floats) -> Pixels:
    """Return (192, 192) uint8: brightness against its surroundings, over how much that differs there."""
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), 0.8), np.float32)
    sigma = _CONTRAST_OVER * _SIDE
    away = light - cv2.GaussianBlur(light, (0, 0), sigma)
    spread = np.sqrt(cv2.GaussianBlur(away * away, (0, 0), sigma)) + 0.08
    return np.asarray(np.clip(128 + 42 * away / spread, 0, 255), np.uint8)
