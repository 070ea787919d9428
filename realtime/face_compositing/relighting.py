"""The viewer's colour and light on another face.

Three steps. A photo is sharper than a webcam, or softer: its finest detail, pores and grain, is made as strong as the
viewer's.
Then brightness is taken for light on skin, and the photo's skin colour exchanged for the viewer's: a pixel as bright as
the photo's mean skin gets the viewer's mean skin, a darker one less of it, and what is redder or bluer than skin stays
so (one 3×4 matrix for all pixels; channel by channel, the shadows of a yellowed painting turned violet). What then
differs slowly across the face, a window from the left or a lamp above, is added as a smooth field; and what still
differs along the outline is added there and fades inwards, as in a gradient-domain blend, for some small blurs. So the
faces meet at the seam, and what is the photo's own in the middle, its eye sockets and nose, is not taken for light.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats, smoothstep

_GRID = Size(40, 48)
"""Points over the face's rectangle that light is measured at: a quarter of the field's, light is smooth."""
_SETTLES_S = 0.3
"""Time constant of both steps: a face's light changes slowly, measuring it from frame to frame is noisy."""
_EVERY_S = 0.09
"""Light is measured some 11 times a second: in every frame it would cost five times as much."""
_REACH = 0.3
"""Radius of the slow part, as a share of the face's width: smaller takes the viewer's features for light, and the
photo's; 0.16 costs 0.01 of likeness (tools/measure_swap.py)."""
_SEAM_REACH, _SEAM_DEPTH = 0.25, 0.12
"""Radius of what is added along the outline, and how far it fades inwards from where the new face is fully there."""
_LEAST_CONTRAST, _MOST_CONTRAST = 0.35, 1.05
"""Less light makes wrinkles fainter too; more of it must not make grain of them."""
_CHEEKS = (50, 280, 151)
_CHEEK_REACH = 0.09
"""Both cheeks and the forehead, where skin is plain: mesh points, and half the side of a square around them."""
_LEAST_TEXTURE, _MOST_TEXTURE = 0.3, 4.0
_MOST_GRAIN = 7
"""Grey levels."""
_SAME_TEXTURE = 0.97
_TEXTURE_SETTLES_S = 1.0
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)
"""Of BGR (ITU-R BT.601)."""
_FULLY = 0.98
_UNCHANGED = np.eye(3, 4, dtype=np.float32)
_COLOURS = 0.85
"""How much of what is redder or bluer than skin stays: next to a webcam's skin a photo's is too colourful."""
_LEAST_SKIN = 20.0
"""Grid points."""
_OUTLIER = 40.0
"""Grey levels: what differs more from the mean counts half (a beard, glasses, a hand)."""
_SEAM_OUTLIER = 200.0
"""The same along the outline: there even hair is what the new face must meet."""


class Relighting:
    """Remembers one viewer's light. Used by one thread."""

    def __init__(self, strength: float = 1.0) -> None:
        """`strength`: how far the viewer's light is taken over, 0..1."""
        self.strength = strength
        self._at_s = -math.inf
        self._matrix = _UNCHANGED.copy()
        self._texture = 1.0
        self._slow = np.zeros((_GRID.height, _GRID.width, 3), np.float32)

    def forget(self) -> None:
        """Take the next frame's light as it is."""
        self._at_s = -math.inf

    def estimate(
        self, viewer: Pixels, drawn: Pixels, geometry: FaceGeometry, pts_s: float, visible: Floats | None = None
    ) -> None:
        """Compare both faces over the field's rectangle, (height, width, 3) uint8 BGR; `drawn` in its own light, and in
        fewer pixels where it has nothing finer to show.

        `visible`: on the field's grid, 0 where something stands in front, whose colour is not the viewer's.
        """
        if self._at_s <= pts_s < self._at_s + _EVERY_S:
            return
        self._compare_texture(viewer, drawn, geometry, pts_s)
        seen = 1.0 if visible is None else visible
        self._match(
            viewer, drawn, geometry.skin * seen, geometry.alpha, 4 * geometry.alpha * (1 - geometry.alpha) * seen, pts_s
        )

    def _match(self, viewer: Pixels, drawn: Pixels, skin: Floats, cover: Floats, seam: Floats, pts_s: float) -> None:
        """`skin`, `cover`, `seam`: on the field's grid, how much each point tells of the light, is covered, is seam."""
        weights = _shrunk(skin)
        if float(weights.sum()) < _LEAST_SKIN:
            return  # almost all of the face is outside the picture: what was known stays
        viewer_small = _shrunk(viewer)
        drawn_small = _shrunk(drawn)
        weights = weights * _fit(viewer_small, weights) * _fit(drawn_small, weights)
        matrix = _matrix(_mean(viewer_small, weights), _mean(drawn_small, weights))
        remaining = viewer_small - (drawn_small @ matrix[:, :3].T + matrix[:, 3])
        slow = _spread(remaining, weights, _REACH, 0.02)
        seam_weights = _shrunk(seam) * _fit(viewer_small, weights, _SEAM_OUTLIER)
        slow += _spread(remaining - slow, seam_weights, _SEAM_REACH, 0.005) * _near_seam(
            _shrunk(np.ascontiguousarray(cover))
        )
        share = 1.0 - math.exp(-max(0.0, pts_s - self._at_s) / _SETTLES_S)
        matrix = _UNCHANGED + self.strength * (matrix - _UNCHANGED)
        slow *= self.strength
        self._matrix += share * (matrix - self._matrix)
        self._slow += share * (slow - self._slow)
        self._at_s = pts_s

    def apply(self, drawn: Pixels, geometry: FaceGeometry) -> None:
        """Light a face over the field's rectangle, in place, in as many pixels as it has."""
        size = Size(drawn.shape[1], drawn.shape[0])
        whole = geometry.bytes_like("light", 3, size)
        if self._texture < _SAME_TEXTURE:
            radius = _texture_px(drawn)
            cv2.blur(drawn, (radius, radius), dst=whole)
            cv2.addWeighted(drawn, self._texture, whole, 1 - self._texture, 0, dst=drawn)
        cv2.transform(drawn, self._matrix, dst=drawn)
        slow = np.clip(np.rint(self._slow + 128), 0, 255).astype(np.uint8)
        cv2.resize(slow, size, dst=whole, interpolation=cv2.INTER_LINEAR)
        cv2.addWeighted(drawn, 1, whole, 1, -128, dst=drawn)

    def lit(self, colour: NDArray[np.float32], across: float, down: float) -> NDArray[np.float32]:
        """Return a colour of the new face, (3,) BGR, in the viewer's light, at a place in shares of the rectangle."""
        x, y = round(across * (_GRID.width - 1)), round(down * (_GRID.height - 1))
        slow = self._slow[min(max(y, 0), _GRID.height - 1), min(max(x, 0), _GRID.width - 1)]
        return np.asarray(self._matrix[:, :3] @ colour + self._matrix[:, 3] + slow, np.float32)

    def add_grain(self, pixels: Pixels, viewer: Pixels, geometry: FaceGeometry) -> None:
        """Add what is finest in the viewer's picture, grain and pores, as far as the new face has too little of it.

        Both are all pixels of the field's rectangle, (height, width, 3) uint8 BGR.
        """
        if self._texture <= 1 / _SAME_TEXTURE:
            return
        grey, fine = geometry.bytes_like("grey"), geometry.bytes_like("fine")
        radius = _texture_px(viewer)
        cv2.cvtColor(viewer, cv2.COLOR_BGR2GRAY, dst=grey)
        cv2.blur(grey, (radius, radius), dst=fine)
        cv2.addWeighted(grey, 1, fine, -1, 128, dst=fine)
        np.clip(fine, 128 - _MOST_GRAIN, 128 + _MOST_GRAIN, out=fine)  # an edge of glasses or a brow is no grain
        whole = geometry.bytes_like("light", 3)
        cv2.cvtColor(fine, cv2.COLOR_GRAY2BGR, dst=whole)
        share = 1 - 1 / self._texture
        cv2.addWeighted(pixels, 1, whole, share, -128 * share, dst=pixels)

    def _compare_texture(self, viewer: Pixels, drawn: Pixels, geometry: FaceGeometry, pts_s: float) -> None:
        """Learn how much fainter (below 1) or stronger the finest detail of `drawn` must be."""
        seen = made = 1e-3
        for cheek in _CHEEKS:
            middle = geometry.in_place((cheek,))[0]
            skin, new_skin = (_around(face, middle / geometry.place.width) for face in (viewer, drawn))
            if skin.size >= 3 * (_CHEEK_REACH * geometry.place.width) ** 2:
                seen += _finest(skin, _texture_px(viewer))
                made += _finest(new_skin, _texture_px(drawn))
        if made > 0.1:
            share = 1.0 - math.exp(-max(0.0, pts_s - self._at_s) / _TEXTURE_SETTLES_S)
            wanted = float(np.clip(seen / made, _LEAST_TEXTURE, _MOST_TEXTURE))
            self._texture += share * (1 + self.strength * (wanted - 1) - self._texture)


def _around(face: Pixels, place: NDArray[np.float64]) -> Pixels:
    """Return the square around a place, in widths of the picture, as much of it as there is."""
    reach = max(4, round(_CHEEK_REACH * face.shape[1]))
    x, y = np.rint(place * face.shape[1]).astype(int)
    return face[max(0, y - reach) : max(0, y + reach), max(0, x - reach) : max(0, x + reach)]


def _texture_px(face: Pixels) -> int:
    """Return what counts as finest detail: smaller than a fiftieth of the face; odd."""
    return max(3, round(int(face.shape[1]) / 50) | 1)


def _finest(part: Pixels, radius: int) -> float:
    return float(cv2.norm(part, cv2.blur(part, (radius, radius)), cv2.NORM_L1) / part.size)


def _shrunk(picture: Pixels | Floats) -> Floats:
    # Four samples stand for each point: to average every pixel of a large face takes ten times as long.
    between = cv2.resize(picture, (2 * _GRID.width, 2 * _GRID.height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(between, _GRID, interpolation=cv2.INTER_AREA), np.float32)


def _fit(face: Floats, weights: Floats, outlier: float = _OUTLIER) -> Floats:
    """Return how much each point belongs to the skin, judged by its distance from the mean colour."""
    distance = np.abs(face - _mean(face, weights)).max(axis=2)
    return np.asarray(1 / (1 + np.square(distance / outlier)), np.float32)


def _matrix(seen: NDArray[np.float32], made: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (3, 4): what makes the skin of mean colour `made` that of mean colour `seen`."""
    brightness_made = max(1.0, float(_LUMA @ made))
    contrast = np.clip(float(_LUMA @ seen) / brightness_made, _LEAST_CONTRAST, _MOST_CONTRAST)
    skin = seen / max(1.0, float(_LUMA @ seen))
    matrix = np.zeros((3, 4), np.float32)
    matrix[:, :3] = np.outer(skin - _COLOURS * made / brightness_made, _LUMA) + _COLOURS * np.eye(3)
    matrix[:, :3] *= contrast
    matrix[:, 3] = seen - matrix[:, :3] @ made
    return matrix


def _mean(face: Floats, weights: Floats) -> NDArray[np.float32]:
    total = float(weights.sum()) + 1e-6
    return np.asarray(np.tensordot(weights, face, axes=2) / total, np.float32)


def _spread(differences: Floats, weights: Floats, reach: float, least_weight: float) -> Floats:
    """Return differences smoothed over `reach`, down to 0 where the weights around sum up to less than the least."""
    side = round(reach * _GRID.width) | 1
    smooth = _blurred(differences * weights[..., None], side)
    smooth /= _blurred(weights, side)[..., None] + least_weight
    return smooth


def _near_seam(cover: Floats) -> Floats:
    """Return (grid height, grid width, 1): 1 where the new face is not fully there, down to 0 further inside."""
    inside = cv2.distanceTransform((cover > _FULLY).astype(np.uint8), cv2.DIST_L2, 3) / _GRID.width
    return smoothstep(1 - inside / _SEAM_DEPTH)[..., None]


def _blurred(grid: Floats, side: int) -> Floats:
    once = cv2.blur(grid, (side, side), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(cv2.blur(once, (side, side), borderType=cv2.BORDER_CONSTANT), np.float32)
