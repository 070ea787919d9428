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
from realtime.faces.landmarks.symmetry import mouth_crookedness
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.swap.face.blending import Weighed, blended
from realtime.swap.face.proportions import mean_shape
from realtime.swap.face.registration import moved, moved_together
from realtime.swap.face.sights import Sight
from realtime.swap.face.views import View, laid_flat, unevenness
from realtime.swap.photo.flat_photo import to_bytes
from realtime.swap.photo.frontalization import FINER, MARGIN, flat_corners
from realtime.swap.photo.neutralization import lips_colour
from realtime.swap.photo.photo_face import CutFace, PhotoLevels, halvings
from realtime.swap.photo.smiling_mouth import SmilingMouth, gap_of, smiling_mouth

_LEAST_SIDE, _MOST_SIDE, _MOST_SIDE_OF_MANY = 256, 768, 512
"""Of the flat skin. Nobody before a webcam has more of it; ten photos of 768 take 6 s on one core."""
_MANY = 12
"""Photos: each of 768 takes 60 MB while it is mixed."""
_FROM_DEGREES = 15.0
"""The features of a face turned so far aside are trusted half as much."""
_ENOUGH_PX = 240.0
_UNEVEN = 0.25
"""Of `unevenness`: a lamp at one side; even light has 0.05 to 0.1."""
_MOUTH_FROM = 0.2
_SMILES, _TEETH_GAP = 0.6, 0.06
"""`smile_share`, and how far the lips are apart, in eye distances: teeth are seen."""
_REST = 0.25
"""`smile_level` of a face at rest; twice as much is half of that trust."""
_SMILING = 0.9
"""How little of a full smile's folds, or a grimace's, counts beside a face at rest."""
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
    most = _MOST_SIDE if len(sights) <= _MANY else _MOST_SIDE_OF_MANY
    side = int(np.clip(round(outline_px * FINER), _LEAST_SIDE, most))
    parts = []
    for number, (sight, cut) in enumerate(zip(sights, cuts, strict=True)):
        progress(0.7 + 0.15 * number / len(sights))
        parts.append(_Part(sight, cut, laid_flat(cut, sight.mesh, side)))
    trusts = [_trust(part) for part in parts]
    flows = moved_together([part.view for part in parts], [_counts(part, side) for part in parts], trusts)
    progress(0.9)
    for number, flow in enumerate(flows):  # one after the other: each view is 20 MB
        parts[number] = dataclasses.replace(parts[number], view=moved(parts[number].view, flow))
    return _mixed(parts, trusts, side)


def _trust(part: _Part) -> float:
    """Return how far a photo's features are trusted, 0..1: one from in front, large, evenly lit."""
    from_in_front = 1 / (1 + (part.sight.mesh.yaw_degrees / _FROM_DEGREES) ** 2)
    large = min(1.0, part.cut.outline_px / _ENOUGH_PX)
    return from_in_front * large / (1 + (unevenness(part.view) / _UNEVEN) ** 2)


def _at_rest(part: _Part) -> float:
    """Return how far a face is at rest in its photo, over 0 to 1."""
    calm = 1 / (1 + max(0.0, (smile_level(part.sight.mesh) - _REST) / _REST) ** 2)
    straight = 1 - _SMILING * mouth_crookedness(part.sight.mesh)
    return (1.0 if part.view.has_mouth else 0.5) * calm * straight


def _mixed(parts: Sequence[_Part], trusts: Sequence[float], side: int) -> PhotoLevels:
    # A mouth at rest from a photo that is poor beside the others is worse than the wearer's own.
    mouths = [
        part.view.has_mouth and trust >= _MOUTH_FROM * max(trusts) for part, trust in zip(parts, trusts, strict=True)
    ]
    has_mouth = any(mouths)
    counts = [_counts(part, side) for part in parts]
    lips = _zone("lips", side)

    def mix(pictures: Sequence[Floats], trusted: Sequence[bool]) -> Pixels:
        weighed = [
            Weighed(picture, count if trust else np.asarray(count * (1 - lips), np.float32), part.view.detail, share)
            for part, picture, count, trust, share in zip(parts, pictures, counts, trusted, trusts, strict=True)
        ]
        return to_bytes(blended(weighed))

    if has_mouth:
        skin = with_mouth = halvings(mix([part.view.with_mouth for part in parts], mouths))
        colour = None
    else:
        bare = [part.cut.lips is not None for part in parts]
        skin = halvings(mix([part.view.skin for part in parts], bare if any(bare) else [True] * len(parts)))
        key = int(np.argmax([trust * _at_rest(part) for part, trust in zip(parts, trusts, strict=True)]))
        with_mouth = halvings(
            mix([part.view.with_mouth for part in parts], [number == key for number in range(len(parts))])
        )
        colour = np.asarray(np.mean([_lips_of(part) for part in parts], axis=0), np.float32)
    key = int(np.argmax(trusts))
    _, unit = axes_of(parts[key].cut.mesh.points)
    scale_px = unit * side / (FINER * parts[key].cut.outline_px)
    mesh = mean_shape([part.cut.mesh for part in parts], scale_px)
    smile = _smile(parts, trusts, skin[0])
    return PhotoLevels(skin, with_mouth, colour, flat_corners(side), mesh, side / FINER, None, smile)


def _smile(parts: Sequence[_Part], trusts: Sequence[float], skin: Pixels) -> SmilingMouth | None:
    """Return the mouth of the photo that smiles best and shows its teeth, in the colours of the built skin."""
    fit = [
        trust * (smile_share(part.sight.mesh) > _SMILES and gap_of(part.sight.mesh) > _TEETH_GAP)
        for part, trust in zip(parts, trusts, strict=True)
    ]
    best = int(np.argmax(fit))
    if fit[best] < _MOUTH_FROM * max(trusts):
        return None
    view, side = parts[best].view, skin.shape[0]
    weights = (view.seen * _zone("folds", side) * (1 - _zone("lips", side)))[..., None]
    built_skin, own_skin = ((picture * weights).sum(axis=(0, 1)) for picture in (skin, view.skin))
    gain = np.clip(built_skin / np.maximum(own_skin, 1), 0.4, 2.5)
    cut = parts[best].cut
    return smiling_mouth(cut.with_mouth, cut.corners, parts[best].sight.mesh, gain)


def _lips_of(part: _Part) -> NDArray[np.float32]:
    return part.cut.lips if part.cut.lips is not None else lips_colour(part.sight.photo, part.sight.mesh)


def _counts(part: _Part, side: int) -> Floats:
    """Return (side, side): how much each place of a view counts, by how it is seen and what the face does there."""
    counts = part.view.seen.copy()
    moved_by = max(smile_share(part.sight.mesh), mouth_crookedness(part.sight.mesh))
    counts *= 1 - _SMILING * moved_by * _zone("folds", side)
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
