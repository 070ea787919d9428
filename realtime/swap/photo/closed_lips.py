"""A photo's lips, closed over the teeth that it shows, so that they can be worn by whoever does not smile.

The rows of a lip beside its inner edge are where a mesh that is off by a pixel has teeth, or the dark between them.
They are left out, and what lies further out goes on in their place, as it does over the opening. So nothing white is
drawn wherever the wearer's lips meet.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import LIPS, MOUTH, FaceMesh
from realtime.imaging.inpainting import inpainted
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import Place
from realtime.swap.photo.flat_photo import LUMA

_FROM, _TO = 0.08, 0.6
"""On the way from the outer edge of a lip to the inner one: there it is lip, and no skin or tooth."""
_BRIGHTER, _PALER = 0.22, 0.12
"""Of the logarithms of brightness, and of red over blue, against the lips' median: teeth, and what shines."""
_LINE, _LINE_WIDE = 0.3, 0.35
"""Where lips meet they are darker by so much, in the logarithm, over such a share of a lip's height."""
_SOFT = 0.012
"""Half the width of the way to the skin around, in widths of the face."""
_SUBPIXEL_BITS = 4


def with_closed_lips(skin: Floats, photo: Floats, mesh: FaceMesh) -> Floats:
    """Return `skin`, a face without a mouth, with the lips of `photo`: closed when a closed mouth draws them.

    Both are (height, width, 3) BGR; `mesh` lies in them.
    """
    outer, inner = mesh.points[list(LIPS), :2], mesh.points[list(MOUTH), :2]
    soft = max(1.0, _SOFT * mesh.width_px)
    box = _box(outer, round(3 * soft) + 1, photo.shape)
    if box.width < 8 or box.height < 4:
        return skin
    corner = np.array([box.left, box.top], np.float32)
    outer, inner = outer - corner, inner - corner
    seen = photo[box.top : box.bottom, box.left : box.right]
    lip = _filled(outer + _FROM * (inner - outer), box) - _filled(outer + _TO * (inner - outer), box)
    lip *= 1 - _teeth(seen, lip > 0.5)
    closed = inpainted(seen, np.asarray(lip, np.float32))
    meet = _filled(outer + (1 - _LINE_WIDE) * (inner - outer), box)
    height = float(np.linalg.norm(outer - inner, axis=1).max())
    closed *= np.exp(-_LINE * cv2.GaussianBlur(meet, (0, 0), max(0.5, _LINE_WIDE * height / 2)))[..., None]
    share = cv2.GaussianBlur(_filled(outer, box), (0, 0), soft / 2)[..., None]
    made = skin.copy()
    part = made[box.top : box.bottom, box.left : box.right]
    part += share * (closed - part)
    return made


def _teeth(seen: Floats, lip: NDArray[np.bool_]) -> Floats:
    """Return (height, width), 1 where it is too bright and pale for a lip."""
    log = np.log(seen + 4)
    brightness, redness = log @ LUMA, log[..., 2] - log[..., 0]
    if not lip.any():
        return np.zeros(lip.shape, np.float32)
    bright = brightness > np.median(brightness[lip]) + _BRIGHTER
    pale = redness < np.median(redness[lip]) - _PALER
    return cv2.dilate((bright & pale).astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.float32)


def _filled(loop: NDArray[np.floating], box: Place) -> Floats:
    mask = np.zeros((box.height, box.width), np.uint8)
    fixed = np.rint(loop * 2**_SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return np.asarray(mask / np.float32(255), np.float32)


def _box(loop: NDArray[np.floating], room: int, shape: tuple[int, ...]) -> Place:
    least, most = np.floor(loop.min(axis=0)).astype(int) - room, np.ceil(loop.max(axis=0)).astype(int) + room
    whole = Place(int(least[0]), int(least[1]), int(most[0] - least[0]), int(most[1] - least[1]))
    return whole.shared_with(Place(0, 0, shape[1], shape[0]))
