"""A face in a photo laid flat, and how well the photo shows each of its places."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import triangles_with_rim
from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import ONE_MAP
from realtime.swap.photo.frontalization import FINER, MARGIN, flat_corners, seen_area, seen_on_flat
from realtime.swap.photo.photo_face import CutFace

_GRID = 128
"""Points across a face on which it is told what of it hides behind the nose."""
_SAME_PLACE = 0.04
"""Of the flat face's side: what lies farther from where it should be is hidden by something else."""
_HALVES_SIDE = 64
_EDGE_ON = 0.15
"""Seen under less than this share of its area from in front, a place is a smear."""


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """One photo's face, laid flat. All pictures are (side, side[, 3])."""

    skin: Floats
    """BGR 0..255, its mouth taken out where it is not at rest."""
    with_mouth: Floats
    seen: Floats
    """How well each place is seen, 0..1: from in front, and not hidden by nose or hair; 0 where what stands there is
    a guess.
    """
    detail: Floats
    """Pixels of the photo for each one here, at most 1."""
    has_mouth: bool


def laid_flat(cut: CutFace, mesh: FaceMesh, side: int) -> View:
    """Lay a face flat. `mesh`: as it lies in the photo, smile and all; only depths and order are read of it."""
    places = seen_on_flat(cut.corners, side)
    fine = max(1.0, cut.outline_px * FINER / side)

    def flat(picture: NDArray[np.uint8]) -> Floats:
        smooth = cv2.GaussianBlur(picture, (0, 0), 0.4 * fine) if fine > 1 else picture
        found = cv2.remap(smooth, places, ONE_MAP, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(np.clip(found.astype(np.float32), 0, 255), np.float32)

    skin = flat(cut.skin)
    with_mouth = skin if cut.lips is None else flat(cut.with_mouth)
    area = np.maximum(seen_area(places), 0)
    inside = (places != 0).any(axis=2)
    seen = np.clip((area / _usual_area(cut, side) - _EDGE_ON) / (1 - _EDGE_ON), 0, 1) * inside
    seen *= _not_hidden(cut.corners, mesh, places, side) * _on_margin(cut.wearable, side)
    guessed = cv2.remap(cut.taken_off.astype(np.float32), places, ONE_MAP, cv2.INTER_LINEAR)
    guessed = cv2.GaussianBlur(cv2.dilate(guessed, np.ones((3, 3))), (0, 0), 0.006 * side)
    seen *= 1 - 0.95 * np.clip(guessed / 12, 0, 1)
    detail = np.clip(np.sqrt(area), 0.02, 1)
    return View(skin, with_mouth, np.asarray(seen, np.float32), np.asarray(detail, np.float32), cut.lips is None)


def unevenness(view: View) -> float:
    """Return by how much the two halves of a face differ in brightness, of the logarithm: light from one side."""
    size = (_HALVES_SIDE, _HALVES_SIDE)
    log = np.log(cv2.resize(view.skin, size, interpolation=cv2.INTER_AREA).mean(axis=2) + 8)
    broad = cv2.GaussianBlur(log, (0, 0), 0.04 * _HALVES_SIDE)
    seen = cv2.resize(view.seen, size, interpolation=cv2.INTER_AREA)
    both = seen * seen[:, ::-1]
    return float((np.abs(broad - broad[:, ::-1]) * both).sum() / (both.sum() + 1e-3))


def _usual_area(cut: CutFace, side: int) -> float:
    """Return how many pixels of the photo a place of the flat face has where the face is seen from in front."""
    return (cut.outline_px * FINER / side) ** 2


def _on_margin(wearable: Floats, side: int) -> Floats:
    """Return what is known of the unrolled face, (96, 96), on a flat picture with its margin."""
    inner = side / (1 + 2 * MARGIN)
    at = (np.arange(side, dtype=np.float32) + 0.5 - MARGIN * inner) * (wearable.shape[0] / inner) - 0.5
    across, down = np.meshgrid(at, at)
    return np.asarray(cv2.remap(wearable, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)


def _not_hidden(corners: Floats, mesh: FaceMesh, places: Floats, side: int) -> Floats:
    """Return (side, side), 0 where another part of the face stands before a place in the photo: a nose before the cheek
    behind it.
    """
    least, most = corners.min(axis=0), corners.max(axis=0)
    scale = (_GRID - 1) / float(max(1.0, (most - least).max()))
    on_flat = flat_corners(side) / side
    painted = np.zeros((_GRID, _GRID, 2), np.float32)
    depths = np.concatenate([mesh.points[:, 2], np.full(len(corners) - len(mesh.points), mesh.points[:, 2].max() + 1)])
    rasterizer = Rasterizer(triangles_with_rim(), _GRID, _GRID)
    rasterizer.paint((corners - least) * scale, depths.astype(np.float32), on_flat.astype(np.float32), painted)
    at = np.asarray((places - least) * scale, np.float32)
    found = cv2.remap(painted, at, ONE_MAP, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    own = (np.arange(side, dtype=np.float32) + 0.5) / side
    off = np.hypot(found[..., 0] - own[None], found[..., 1] - own[:, None])
    hidden = ((off > _SAME_PLACE) & (found != 0).any(axis=2)).astype(np.float32)
    grown = cv2.dilate(hidden, np.ones((5, 5)))
    return np.asarray(1 - cv2.GaussianBlur(grown, (0, 0), 0.008 * side), np.float32)
