"""One flat face moved onto another: the mesh lays eyes and mouth a little elsewhere in every photo.

What the mesh is off by is a few hundredths of a face, more where it looks aside; two photos laid over each other so
would have two brows. Dense optical flow (DIS: Kroeger and others, "Fast Optical Flow using Dense Inverse Search", 2016)
between contrasts, in which light and skin colour do not count, says what moves where; it is smoothed until no feature
changes its shape.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.swap.face.views import View

_SIDE = 192
_CONTRAST_OVER = 0.06
_SMOOTH = 0.03
"""Sides of the flat face: features are moved as wholes, an eye is 0.1 wide."""
_FARTHEST = 0.03
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)


def moved_onto(view: View, target: View) -> View:
    """Return a view whose features lie where the target's do."""
    flow = _flow(target, view)
    side = view.skin.shape[0]
    scale = side / _SIDE
    whole = cv2.resize(flow * scale, (side, side), interpolation=cv2.INTER_CUBIC)
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=2).astype(np.float32)
    places = np.asarray(grid + whole, np.float32)

    def moved(picture: Floats) -> Floats:
        found = cv2.remap(picture, places[..., 0], places[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(np.clip(found, 0, 255), np.float32)

    def moved_share(share: Floats) -> Floats:
        return np.asarray(
            cv2.remap(share, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
            np.float32,
        )

    skin = moved(view.skin)
    with_mouth = skin if view.with_mouth is view.skin else moved(view.with_mouth)
    return dataclasses.replace(
        view, skin=skin, with_mouth=with_mouth, seen=moved_share(view.seen), detail=moved_share(view.detail)
    )


def _flow(target: View, view: View) -> Floats:
    """Return (192, 192, 2), pixels: how far from each place of the target's the same lies in the view."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setFinestScale(1)
    found = np.zeros((_SIDE, _SIDE, 2), np.float32)
    found = np.asarray(flow.calc(_contrast(target), _contrast(view), found), np.float32)
    weights = _small(target.seen) * _small(view.seen) + 1e-3
    found = np.clip(found, -2 * _FARTHEST * _SIDE, 2 * _FARTHEST * _SIDE)
    sigma = _SMOOTH * _SIDE
    # Where neither knows, nothing moves: the small weight of rest pulls it to none.
    held = cv2.GaussianBlur(weights, (0, 0), sigma)[..., None] + 0.05
    smooth = cv2.GaussianBlur(found * weights[..., None], (0, 0), sigma) / held
    return np.asarray(np.clip(smooth, -_FARTHEST * _SIDE, _FARTHEST * _SIDE), np.float32)


def _small(share: Floats) -> Floats:
    return np.asarray(cv2.resize(share, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.float32)


def _contrast(view: View) -> Pixels:
    """Return (192, 192) uint8: brightness against its surroundings, over how much that differs there."""
    small = cv2.resize(view.with_mouth, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    light = np.log(np.maximum(small @ _LUMA, 4)).astype(np.float32)
    light = cv2.GaussianBlur(light, (0, 0), 0.8)
    sigma = _CONTRAST_OVER * _SIDE
    away = light - cv2.GaussianBlur(light, (0, 0), sigma)
    spread = np.sqrt(cv2.GaussianBlur(away * away, (0, 0), sigma)) + 0.08
    return np.asarray(np.clip(128 + 42 * away / spread, 0, 255), np.uint8)
