"""A photo that smiles, made into one at rest: what the smile did to mouth, skin and shape is not whose face it is.

How far it smiles is told by its mesh (`realtime/faces/landmarks/smile.py`). What a smile does on average is known from
many faces (`smile.npz`, `tools/learn_smile.py`): how each point moves, and how skin shades, an expression ratio image
(Liu, Shan, Zhang, 2001). Both are taken back. What is left are the folds that are this face's own, beside nose and
mouth and around the eyes. There the broad shading of the skin goes on from beside them, and the finest detail stays.
The mouth is taken out, skin in its place, and its lips are laid there, closed over what was between them
(`closed_lips.py`). The viewer's own, in the colour of the photo's, are seen through them.
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.folds import CREASES, FOLDS, NOSE, hull, lines
from realtime.faces.landmarks.canonical import uv_points
from realtime.faces.landmarks.mesh import EYES, LIPS, MOUTH, OVAL, FaceMesh
from realtime.faces.landmarks.smile import axes_of, smile_share, smile_strength
from realtime.imaging.frame import Pixels
from realtime.imaging.inpainting import inpainted
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import ONE_MAP
from realtime.swap.photo.closed_lips import with_closed_lips
from realtime.swap.photo.flat_photo import FLAT_SIDE, LUMA, flattened, places_on_flat, soft_mask, to_bytes

SHADING_SIDE = 96
"""Of the flat face that a smile's shading is kept on."""
_SHADING_STEPS = 250.0
"""To 1 of the logarithm of brightness, in the file."""
_FILE = Path(__file__).with_name("smile.npz")
_NOSE_ROOM, _LIPS_ROOM, _EYES_ROOM = 0.008, 0.022, 0.02
_MOUTH_ROOM = 0.028
"""Around the lips, in sides of the flat face, where skin becomes what a smile shades at a mouth's corners: with 0 three
frames in a hundred more smile unasked."""
_SHADING_SHARE, _FOLD_SHARE, _CREASE_SHARE, _FOLD_CREASE_SHARE = 0.55, 0.8, 0.5, 0.9
"""How far what a smile shades on average, folds and creases are evened out: all of it costs 0.05 of likeness more, and
no classifier sees less of a smile (`python -m tools.measure_swap`)."""
_CREASE = 0.05
"""Dark lines thinner than this, in sides of the flat face, are creases."""
_AROUND = 0.03
"""In sides of the flat face: a crease becomes no brighter than skin is about it on average. Beside a cheek that shines
it became a pale line (0.009 of likeness less, mean of 18 pairs)."""
_STRONGER, _GRAIN, _BROWS = 0.3, 0.006, 0.03
"""How much stronger features become whose size, in widths of the face, lies between the latter two. A face loses
contrast with its smile; so much gives 0.02 of likeness back."""
_THIN = 0.025
"""In widths of the face in its photo: what is left of a crease once the flat face's is filled."""
_DEEPEST = 1.6
"""Times as bright: what is darker than that is a beard, or a nostril."""
_MOST_CHANGE = 0.9
"""Of the logarithm: a fold is made no more than two and a half times as bright."""
_REDDER, _COLOUR_REACH = 0.06, 0.05
"""Of the logarithm of red over blue, above the skin beside it: from where on a line is as red as a fold; and how far
around, in sides of the flat face, that skin lies."""
_APART, _WIDE_APART = 0.07, 0.16
"""Between the lips' inner edges, in eye distances: from where on a mouth is not closed, and surely shows teeth."""
_SAMPLES = (0.35, 0.5, 0.65)
"""On the way from the outer edge of a lip to the inner one: there it is lip."""


class Neutral(NamedTuple):
    """A photo's face at rest."""

    skin: Pixels
    """Without folds, the lips closed over the teeth."""
    with_mouth: Pixels
    """Without folds, the mouth as it was."""
    mesh: FaceMesh
    """At rest. Where things lie in the photo its own mesh tells; this one tells whose they are."""
    lips: NDArray[np.float32]
    """(3,) their mean colour, BGR."""


def mouth_differs(mesh: FaceMesh) -> float:
    """Return how far a photo's mouth is not one at rest, 0..1: it smiles, or is open."""
    _, unit = axes_of(mesh.points)
    gap = float(np.linalg.norm(mesh.points[13] - mesh.points[14])) / unit
    return max(smile_share(mesh), float(np.clip((gap - _APART) / (_WIDE_APART - _APART), 0, 1)))


def neutralized(photo: Pixels, mesh: FaceMesh) -> Neutral | None:
    """Return the face of a photo at rest; None where it is. `mesh` lies in the photo, which holds little beside it.

    Some 60 ms for a face of 400 px.
    """
    share = smile_share(mesh)
    if mouth_differs(mesh) <= 0:
        return None
    flat = flattened(photo, mesh)
    change = _unfolded(flat, share, smile_strength(mesh))
    soft = np.asarray(cv2.GaussianBlur(flat * np.exp(change), (0, 0), 1.0), np.float32)
    bare = inpainted(soft, (cv2.dilate(_mouth(), np.ones((3, 3), np.uint8)) == 0).astype(np.float32))
    places = places_on_flat(photo, mesh)

    def on_photo(values: Floats) -> Floats:
        return np.asarray(cv2.remap(values, places, ONE_MAP, cv2.INTER_LINEAR), np.float32)

    unfolded = np.asarray(photo * np.exp(on_photo(change.astype(np.float32))), np.float32)
    with_mouth = _stronger(unfolded, on_photo(_inner()), mesh.width_px)
    lined = on_photo(share * soft_mask(_folds(), 0.008)) * _thin_lines(with_mouth, mesh.width_px)
    with_mouth *= np.exp(lined)[..., None]
    covered = on_photo(soft_mask(_mouth(), 0.006))[..., None]
    skin = with_mouth + covered * (on_photo(bare) - with_mouth)
    skin = with_closed_lips(np.asarray(skin, np.float32), with_mouth, mesh)
    return Neutral(to_bytes(skin), to_bytes(with_mouth), at_rest(mesh), lips_colour(photo, mesh))


def at_rest(mesh: FaceMesh) -> FaceMesh:
    """Return a mesh without its smile."""
    axes, unit = axes_of(mesh.points)
    moved = smile_strength(mesh) * unit * (_smile()[0] @ axes.T)
    return dataclasses.replace(mesh, points=(mesh.points - moved).astype(np.float32))


def lips_colour(photo: Pixels, mesh: FaceMesh) -> NDArray[np.float32]:
    """Return (3,) BGR, the median over both lips."""
    outer, inner = mesh.points[list(LIPS), :2], mesh.points[list(MOUTH), :2]
    places = np.concatenate([outer + share * (inner - outer) for share in _SAMPLES])
    colours = cv2.remap(
        photo, places[:, None].astype(np.float32), ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(np.median(colours.reshape(-1, 3), axis=0), np.float32)


def _unfolded(flat: Floats, share: float, strength: float) -> Floats:
    """Return (side, side, 3) what to add to the logarithm of a flat face."""
    features = np.maximum(soft_mask(_lips(), 0.01), soft_mask(_eyes(), 0.012))
    shading = -strength * _SHADING_SHARE * _smile()[1] * (1 - features) * _inner()
    change = np.repeat(shading[..., None], 3, axis=2)
    # Folds: what is broad in them goes on from beside them.
    base = np.asarray(cv2.GaussianBlur(flat * np.exp(change), (0, 0), 0.8), np.float32)
    outside = np.asarray(1 - np.maximum(_folds(), _lips()) / 255, np.float32)
    smooth = np.maximum(inpainted(base, outside), 1)
    ratio = np.clip(np.log(smooth / np.maximum(base, 1)), -_MOST_CHANGE, _MOST_CHANGE)
    change += share * _FOLD_SHARE * soft_mask(_folds(), 0.012)[..., None] * ratio
    # Creases: thin dark lines are filled up to what is on both sides of them.
    grey = cv2.cvtColor(flat * np.exp(change).astype(np.float32), cv2.COLOR_BGR2GRAY)
    where = np.maximum(_CREASE_SHARE * soft_mask(_creases(), 0.012), _FOLD_CREASE_SHARE * soft_mask(_folds(), 0.012))
    where = where * (1 - soft_mask(_eyes(), 0.008))
    change = change + (share * where * _depth_of_lines(grey))[..., None]
    return np.asarray(change + share * _paler(flat, change), np.float32)


def _paler(flat: Floats, change: Floats) -> Floats:
    """Return (side, side, 3) what to add to `change`, to give folds and creases the colour of the skin beside them:
    a dark line is redder than skin, and made as bright it would be a bright red one.
    """
    colour = np.log(flat) + change
    colour = np.asarray(colour - (colour @ LUMA)[..., None], np.float32)
    lined = soft_mask(np.maximum(_folds(), _creases()), 0.008)
    plain = (1 - np.maximum(lined, np.maximum(soft_mask(_lips(), 0.01), soft_mask(_eyes(), 0.012))))[..., None]
    weights = np.clip(plain, 0, 1)
    beside = _spread(colour * weights) / (_spread(weights[..., 0])[..., None] + 1e-3)
    seen = np.asarray(cv2.GaussianBlur(colour, (0, 0), 0.8), np.float32)
    redder = np.clip((seen - beside)[..., 2] - (seen - beside)[..., 0], 0, None)
    where = lined * (1 - soft_mask(_eyes(), 0.008)) * np.clip(redder / _REDDER, 0, 1)
    return np.asarray(where[..., None] * (beside - seen), np.float32)


def _spread(values: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), _COLOUR_REACH * FLAT_SIDE), np.float32)


def _depth_of_lines(grey: NDArray[np.floating]) -> Floats:
    """Return by how much dark lines must become brighter, in the logarithm: wide ones softly, thin ones as they are."""
    around = cv2.GaussianBlur(grey, (0, 0), _AROUND * FLAT_SIDE)
    size = round(_CREASE * FLAT_SIDE) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    depth = np.zeros(grey.shape, np.float32)
    for fine, softened in ((1.0, 1.5), (0.4, 0.8)):
        seen = np.maximum(cv2.GaussianBlur(grey, (0, 0), fine) * np.exp(depth), 1)
        closed = cv2.GaussianBlur(cv2.morphologyEx(seen, cv2.MORPH_CLOSE, kernel), (0, 0), softened)
        filled = np.minimum(closed, around)
        depth = depth + np.log(np.clip(filled / seen, 1, _DEEPEST)).astype(np.float32)
    return depth


def _stronger(photo: Floats, where: Floats, width_px: float) -> Floats:
    """Return a face with what is as large as a brow or a nostril in more contrast."""
    broad, fine = (cv2.GaussianBlur(photo, (0, 0), max(0.3, size * width_px)) for size in (_BROWS, _GRAIN))
    return np.asarray(np.clip(photo + (_STRONGER * where)[..., None] * (fine - broad), 0, 255), np.float32)


def _thin_lines(photo: NDArray[np.floating], width_px: float) -> Floats:
    """Return (height, width) by how much lines finer than a point of the flat face must become brighter, in the
    logarithm.
    """
    grey = cv2.GaussianBlur(np.asarray(photo @ LUMA, np.float32) + 1, (0, 0), 0.5)
    size = max(3, round(_THIN * width_px) | 1)
    closed = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return np.asarray(np.log(np.clip(cv2.GaussianBlur(closed, (0, 0), 0.7) / grey, 1, _DEEPEST)), np.float32)


@functools.cache
def _smile() -> tuple[NDArray[np.float64], Floats]:
    """Return (468, 3) how points move in a smile, in eye distances of the face's own axes; (side, side) how the
    logarithm of brightness changes.
    """
    with np.load(_FILE, allow_pickle=False) as parts:
        shading = parts["shading"].astype(np.float32) / _SHADING_STEPS
        large = cv2.resize(shading, (FLAT_SIDE, FLAT_SIDE), interpolation=cv2.INTER_CUBIC)
        return parts["shape"].astype(np.float64), np.asarray(cv2.GaussianBlur(large, (0, 0), 2.0), np.float32)


@functools.cache
def _folds() -> NDArray[np.uint8]:
    return np.asarray(np.where(hull(NOSE, _NOSE_ROOM, FLAT_SIDE) > 0, 0, lines(FOLDS, FLAT_SIDE)), np.uint8)


@functools.cache
def _creases() -> NDArray[np.uint8]:
    return lines(CREASES, FLAT_SIDE)


@functools.cache
def _lips() -> NDArray[np.uint8]:
    return hull(LIPS, _LIPS_ROOM, FLAT_SIDE)


@functools.cache
def _mouth() -> NDArray[np.uint8]:
    return hull(LIPS, _MOUTH_ROOM, FLAT_SIDE)


@functools.cache
def _inner() -> Floats:
    """Return (side, side), 1 inside the face, down to 0 at its outline, where it must meet the wearer's."""
    outline = np.rint(uv_points()[list(OVAL)] * FLAT_SIDE - 0.5).astype(np.int32)
    filled = cv2.fillPoly(np.zeros((FLAT_SIDE, FLAT_SIDE), np.uint8), [outline], 255)
    depth = cv2.distanceTransform(filled, cv2.DIST_L2, 5) / FLAT_SIDE
    return np.asarray(np.clip((depth - 0.05) / 0.12, 0, 1), np.float32)


@functools.cache
def _eyes() -> NDArray[np.uint8]:
    return hull(EYES[0], _EYES_ROOM, FLAT_SIDE)
