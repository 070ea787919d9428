"""A face built of photos: each laid flat, moved onto the best of them, mixed; and what each of them gave."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.folds import CREASES, FOLDS, hull, lines
from realtime.faces.landmarks.expression import SHUT_IN_PHOTO
from realtime.faces.landmarks.mesh import EYES, LIPS
from realtime.faces.landmarks.smile import axes_of, smile_level, smile_share
from realtime.imaging.numerics import Floats
from realtime.swap.face.blending import Weighed, blended
from realtime.swap.face.proportions import mean_shape
from realtime.swap.face.registration import moved_onto
from realtime.swap.face.sights import Sight
from realtime.swap.face.views import View, laid_flat
from realtime.swap.photo.flat_photo import to_bytes
from realtime.swap.photo.frontalization import FINER, MARGIN, flat_corners
from realtime.swap.photo.photo_face import CutFace, PhotoLevels, halvings

_LEAST_SIDE, _MOST_SIDE = 256, 768
"""Of the flat skin. Nobody before a webcam has more of it; ten photos of 768 take 6 s on one core."""
_KEY_FROM_DEGREES = 12.0
"""A photo turned so far aside is half as good as the one whose features are trusted."""
_KEY_ENOUGH_PX = 240.0
_REST = 0.25
"""`smile_level` of a face at rest; twice as much is half of that trust."""
_SMILING = 0.9
"""How little of a full smile's folds counts beside a face at rest."""
_SHUT = 0.95


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """One photo on its way."""

    sight: Sight
    cut: CutFace
    view: View


def built(
    sights: Sequence[Sight], *, with_glasses: bool = False, progress: Callable[[float], None] = lambda share: None
) -> PhotoLevels:
    """Return the face that some photos show. One photo: exactly what is worn of it alone."""
    if len(sights) == 1:
        return PhotoLevels.of(sights[0].photo, sights[0].mesh, with_glasses=with_glasses)
    cuts = []
    for number, sight in enumerate(sights):
        progress(0.7 * number / len(sights))
        cuts.append(CutFace.of(sight.photo, sight.mesh, with_glasses=with_glasses))
    outline_px = max(cut.outline_px for cut in cuts)
    side = int(np.clip(round(outline_px * FINER), _LEAST_SIDE, _MOST_SIDE))
    parts = []
    for number, (sight, cut) in enumerate(zip(sights, cuts, strict=True)):
        progress(0.7 + 0.15 * number / len(sights))
        parts.append(_Part(sight, cut, laid_flat(cut, sight.mesh, side)))
    key = int(np.argmax([_trust(part) for part in parts]))
    moved = [
        part if number == key else dataclasses.replace(part, view=moved_onto(part.view, parts[key].view))
        for number, part in enumerate(parts)
    ]
    progress(0.85)
    return _mixed(moved, key, side)


def _trust(part: _Part) -> float:
    """Return how far a photo's features are trusted: one from in front, large, at rest, its eyes open."""
    sight = part.sight
    from_in_front = 1 / (1 + (sight.mesh.yaw_degrees / _KEY_FROM_DEGREES) ** 2)
    large = min(1.0, part.cut.outline_px / _KEY_ENOUGH_PX)
    at_rest = (1.0 if part.view.has_mouth else 0.4) / (1 + max(0.0, (smile_level(sight.mesh) - _REST) / _REST) ** 2)
    return from_in_front * large * at_rest * (0.3 if sight.openness < SHUT_IN_PHOTO else 1.0)


def _mixed(parts: Sequence[_Part], key: int, side: int) -> PhotoLevels:
    has_mouth = any(part.view.has_mouth for part in parts)
    counts = [_counts(part, side) for part in parts]
    lips = _zone("lips", side)

    def mix(*, with_mouth: bool) -> Floats:
        pictures = [part.view.with_mouth if with_mouth else part.view.skin for part in parts]
        trusted = [with_mouth or part.view.has_mouth or not has_mouth for part in parts]
        weighed = [
            Weighed(part.view, picture, np.asarray(count if trust else count * (1 - lips), np.float32))
            for part, picture, count, trust in zip(parts, pictures, counts, trusted, strict=True)
        ]
        return blended(weighed, key)

    skin = halvings(to_bytes(mix(with_mouth=False)))
    with_mouth = skin if has_mouth else halvings(to_bytes(mix(with_mouth=True)))
    colours = [part.cut.lips for part in parts if part.cut.lips is not None]
    _, unit = axes_of(parts[key].cut.mesh.points)
    scale_px = unit * side / (FINER * parts[key].cut.outline_px)
    mesh = mean_shape([part.cut.mesh for part in parts], scale_px)
    colour = None if has_mouth else np.asarray(np.mean(colours, axis=0), np.float32)
    return PhotoLevels(skin, with_mouth, colour, flat_corners(side), mesh, side / FINER, None)


def _counts(part: _Part, side: int) -> Floats:
    """Return (side, side): how much each place of a view counts, by how it is seen and what the face does there."""
    counts = part.view.seen.copy()
    counts *= 1 - _SMILING * smile_share(part.sight.mesh) * _zone("folds", side)
    if part.sight.openness < SHUT_IN_PHOTO:
        counts *= 1 - _SHUT * _zone("eyes", side)
    return counts


@functools.cache
def _zone(name: str, side: int) -> Floats:
    """Return (side, side) 0..1: a part of the flat face, with its margin."""
    inner = round(side / (1 + 2 * MARGIN))
    masks: dict[str, NDArray[np.uint8]] = {
        "lips": hull(LIPS, 0.03, inner),
        "folds": lines(FOLDS + CREASES, inner) | hull(LIPS, 0.03, inner),
        "eyes": hull(EYES[0], 0.03, inner),
    }
    whole = np.zeros((side, side), np.float32)
    margin = (side - inner) // 2
    whole[margin : margin + inner, margin : margin + inner] = masks[name] / 255
    return np.asarray(cv2.GaussianBlur(whole, (0, 0), 0.01 * side), np.float32)
