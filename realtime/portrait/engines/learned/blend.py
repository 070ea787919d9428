"""Where a face that a network drew is shown, and where the picture's own pixels stay."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.portrait.building.seam import seam_weights
from realtime.portrait.pack import Place

_SAME_LEVELS, _CHANGED_LEVELS = 2.0, 8.0
"""Grey levels by which a drawn pixel differs from the one drawn at rest: up to the first it has not changed (a network
answers the same question within one), from the second on it has."""
_SPREAD = 1 / 64
"""Sides of the crop by which what counts as changed is widened and softened: an edge that moved is drawn whole."""
_SURE_LEVELS, _UNSURE_LEVELS = 12.0, 48.0
"""Grey levels by which a drawn pixel differs from the one at rest that it is taken to come from: up to the first it is
that one, moved, and brings the painting's detail along; from the second on it is something new."""
_FLOW_PX = 256
_BORDER = 1 / 32
"""Sides of the crop over which all movement dies away towards the picture's own border."""


class CropBlend:
    """Lays drawn crops of one size into the part of a picture that they were cut from."""

    def __init__(self, picture: Pixels, to_picture: NDArray[np.float32], side_px: int) -> None:
        """`to_picture`: the (2, 3) matrix from pixels of a drawn crop to the picture's. Raises ValueError where the
        crop lies outside of the picture.
        """
        corners = np.array([(x, y, 1) for x in (-0.5, side_px - 0.5) for y in (-0.5, side_px - 0.5)]) @ to_picture.T
        least = np.floor(corners.min(axis=0) + 0.5).astype(int)
        most = np.ceil(corners.max(axis=0) + 0.5).astype(int)
        height, width = picture.shape[:2]
        left, top = max(0, int(least[0])), max(0, int(least[1]))
        right, bottom = min(width, int(most[0])), min(height, int(most[1]))
        if right <= left or bottom <= top:
            raise ValueError
        self.place = Place(left, top, right - left, bottom - top)
        self._own = np.ascontiguousarray(self.place.of(picture))
        self._rest: tuple[Pixels, Pixels, NDArray[np.int16]] | None = None
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        matrix = to_picture.astype(np.float64)
        matrix[:, 2] -= (left, top)
        self._to_place, self._side_px = matrix, side_px
        scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        # Enlarged smoothly, shrunk without glitter: crops are seldom much larger than where they lie.
        self._interpolation = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
        # What the sigmoid leaves at the very edge is taken off: nothing beyond the crop knows of it.
        seam = seam_weights(side_px, side_px)
        seam = np.maximum(0, (seam - seam[0, 0]) / (1 - seam[0, 0])).astype(np.float32)
        reach = max(1.0, _BORDER * side_px * scale)
        border = np.minimum(_from_border(self.place.width, reach), _from_border(self.place.height, reach)[:, None])
        self._most = np.asarray(self._laid(seam, cv2.INTER_LINEAR) * border, np.float32)
        self._blur_px = max(1, round(_SPREAD * side_px))

    def laid(self, drawn: Pixels, at_rest: Pixels, new: NDArray[np.uint8]) -> Pixels:
        """Return the place with a crop in it, (height, width, 3): where it differs from the one drawn at rest and is
        new, and less and less towards the crop's edges; its own pixels elsewhere, to the bit.
        """
        shown = self._laid(self._shown(drawn, at_rest, new), cv2.INTER_LINEAR) * self._most
        moved = self._with_detail(drawn, at_rest)
        frame = np.asarray(cv2.blendLinear(moved, self._own, shown, 1 - shown), np.uint8)
        own = shown < 1 / 512  # less than half a level of 255
        frame[own] = self._own[own]
        return frame

    def _with_detail(self, drawn: Pixels, at_rest: Pixels) -> Pixels:
        """Return a crop as it lies in the place, with what the painting is finer in, and otherwise coloured, than the
        crop at rest: that goes where what it belongs to has gone.
        """
        if self._rest is None or self._rest[0] is not at_rest:
            own = self._own.astype(np.int16) - self._laid(at_rest, self._interpolation)
            self._rest = (at_rest, _for_flow(at_rest), np.asarray(own, np.int16))
        _, grey_at_rest, detail = self._rest
        moved = self._laid(drawn, self._interpolation)
        flow, sure = self._came_from(drawn, at_rest, grey_at_rest)
        away = self._laid(flow, cv2.INTER_LINEAR) @ self._to_place[:, :2].T.astype(np.float32)
        rows, columns = np.mgrid[: self.place.height, : self.place.width].astype(np.float32)
        carried = cv2.remap(detail, away[..., 0] + columns, away[..., 1] + rows, cv2.INTER_LINEAR)
        share = self._laid(sure, cv2.INTER_LINEAR)[..., np.newaxis]
        return np.asarray(np.clip(np.rint(moved + carried * share), 0, 255), np.uint8)

    def _came_from(self, drawn: Pixels, at_rest: Pixels, grey_at_rest: Pixels) -> tuple[Floats, Floats]:
        """Return how far from each pixel it was at rest, (side, side, 2), and how sure that is, (side, side) 0..1."""
        grey = _for_flow(drawn)
        found = self._flow.calc(grey, grey_at_rest, np.zeros((*grey.shape, 2), np.float32))
        times = self._side_px / len(grey)
        flow = found if times == 1 else cv2.resize(found, (self._side_px, self._side_px)) * np.float32(times)
        rows, columns = np.mgrid[: self._side_px, : self._side_px].astype(np.float32)
        from_rest = cv2.remap(at_rest, flow[..., 0] + columns, flow[..., 1] + rows, cv2.INTER_LINEAR)
        missed = cv2.blur(cv2.absdiff(drawn, from_rest).max(axis=2).astype(np.float32), (5, 5))
        sure = np.clip((_UNSURE_LEVELS - missed) / (_UNSURE_LEVELS - _SURE_LEVELS), 0, 1)
        return np.asarray(flow, np.float32), np.asarray(sure, np.float32)

    def _shown(self, drawn: Pixels, at_rest: Pixels, new: NDArray[np.uint8]) -> Floats:
        """Return how much of each pixel of a crop is shown, (side, side) 0..1, before its edges are thought of."""
        change = cv2.absdiff(drawn, at_rest).max(axis=2).astype(np.float32)
        share = np.clip((change - _SAME_LEVELS) / (_CHANGED_LEVELS - _SAME_LEVELS), 0, 1)
        wide = cv2.dilate(share, np.ones((2 * self._blur_px + 1,) * 2, np.uint8))
        soft = cv2.blur(wide, (2 * self._blur_px + 1,) * 2)
        return np.asarray(soft * (new.astype(np.float32) / 255), np.float32)

    def _laid(self, crop: Pixels | Floats, interpolation: int) -> Floats:
        """Return a crop, or weights of one, as it lies in the place, of its type; what lies outside of it is 0."""
        return np.asarray(cv2.warpAffine(crop, self._to_place, self.place.size, flags=interpolation))


def _for_flow(crop: Pixels) -> Pixels:
    """Return a crop in grey, no larger than is needed to see where things have gone."""
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    if len(grey) > _FLOW_PX:
        grey = cv2.resize(grey, (_FLOW_PX, _FLOW_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)


def _from_border(count: int, reach_px: float) -> Floats:
    """Return for each of `count` pixels how far it is from both ends, 0 at the last and 1 from `reach_px` on."""
    along = np.arange(count, dtype=np.float32)
    return np.asarray(np.clip(np.minimum(along, count - 1 - along) / reach_px, 0, 1), np.float32)
