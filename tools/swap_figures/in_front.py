"""How much of what stands before a face stays there, and how much of the face is taken for something: drawn things,
whose place is known, before filmed people.

They are drawn in another way than those the network learnt from (`tools/in_front`), simpler: a hand that passes, a fist
that comes up to the chin, fingers on a cheek, one finger, all in the colour of the face's own cheek.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.occlusion.detector import OcclusionDetector
from realtime.faces.landmarks.canonical import uv_points
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from tools.swap_figures.following import followed, geometries, square
from tools.swap_figures.material import Clip, to_and_fro

_FIRST_S, _THING_S, _AFTER_S = 4.5, 2.0, 0.5
"""Before anything comes: a face must be known; what comes earlier is learnt as a part of it, rather than leave holes.
Then how long it is there, and nothing after it."""
_CHEEKS = (50, 280, 151, 205, 425)
_BESIDE_PX = 8
"""Nearer to a thing than this the new face may fade."""
_LEAST_SHARE = 0.03
"""Of the face that a thing must cover to count, and that must be taken for something to be a hole."""

Bones = list[tuple[complex, complex, float]]
"""Thick lines with round ends, in half face widths from the face's middle: from, to, radius."""


def _passing_hand(share: float) -> Bones:
    x = 3.8 * share - 1.9
    fingers: Bones = [(complex(x + 0.3 * k, 0.2), complex(x + 0.33 * k, -1.1), 0.14) for k in (-1.5, -0.5, 0.5, 1.5)]
    return [(complex(x, 0.25), complex(x, 0.9), 0.55), *fingers]


def _fist(share: float) -> Bones:
    y = 0.75 + 1.2 * (1 - _there(share))
    fingers: Bones = [(complex(0.27 * k, y - 0.35), complex(0.27 * k, y + 0.1), 0.13) for k in (-1.5, -0.5, 0.5, 1.5)]
    return [(complex(0, y + 0.3), complex(0.3, y + 3), 0.4), (complex(-0.35, y), complex(0.35, y), 0.42), *fingers]


def _fingers_on_cheek(share: float) -> Bones:
    x = 0.45 + (1 - _there(share))
    fingers: Bones = [(complex(x + 0.1 * k, 0.28 * k - 0.2), complex(x + 1.1, 0.3 * k + 0.1), 0.15) for k in range(4)]
    return [(complex(x + 0.6, 0.6), complex(x + 1, 2.2), 0.5), *fingers]


def _one_finger(share: float) -> Bones:
    x = 0.15 + 1.3 * (1 - _there(share))
    return [(complex(x, 0.45), complex(x + 1.35, 1.8), 0.13)]


def _there(share: float) -> float:
    """Up to 1 in the first eighth of the way, and down in the last."""
    return min(1.0, 8 * share, 8 * (1 - share))


THINGS: Mapping[str, tuple[Callable[[float], Bones], float, bool]] = {
    "a hand passes": (_passing_hand, 1.0, True),
    "a hand passes, a quarter brighter, flat": (_passing_hand, 1.25, False),
    "a fist at the chin": (_fist, 1.0, True),
    "a fist at the chin, a quarter darker": (_fist, 0.75, True),
    "a fist at the chin, flat": (_fist, 1.0, False),
    "fingers on a cheek": (_fingers_on_cheek, 1.0, True),
    "one finger": (_one_finger, 1.05, True),
}
"""Where its bones are by its way from 0 to 1; its brightness over the cheek's; whether it is lit as round."""


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """One thing before one person."""

    clip: str
    thing: str
    """Empty: nothing."""
    frames: int
    """In which a thing covers enough of a face that is followed."""
    found: float
    """Share of the thing, within the face, that is in front of the new one too."""
    beside: float
    """Share of the rest of the face that is taken for something: the wearer is seen there."""
    holes: int
    """Frames with nothing before the face of which too much is taken for something."""


def keep_things(clip: Clip, things: Iterable[str] = THINGS) -> list[Kept]:
    """Play a clip with nothing, and with each of `things`, before the first face in it."""
    count = len(clip.pictures)
    order = [to_and_fro(index, count) for index in range(round((_FIRST_S + _THING_S + _AFTER_S) * clip.fps))]
    squares = [square(clip.pictures[index]) for index in order]
    alone = list(followed(squares, clip.fps))
    kept = [_judge(clip, "", squares, [None] * len(squares))]
    for name in things:
        shown = [drawn(name, index, clip.fps, squares, alone) for index in range(len(squares))]
        kept.append(_judge(clip, name, [picture for picture, _ in shown], [mask for _, mask in shown]))
    return kept


def _judge(clip: Clip, thing: str, pictures: Sequence[Pixels], masks: Sequence[Pixels | None]) -> Kept:
    occlusion = OcclusionDetector()
    found, beside, holes = [], [], 0
    for index, mesh, geometry in geometries(pictures, clip.fps):
        pixels, mask = pictures[index], masks[index]
        front = 1 - occlusion.visible(pixels, geometry, index / clip.fps)
        whole = np.zeros(pixels.shape[:2], np.float32)
        place = geometry.place
        whole[place.top : place.bottom, place.left : place.right] = cv2.resize(front, place.size)
        face = _inside(mesh, pixels)
        if mask is None:
            holes += bool(whole[face & (whole > 0)].sum() > _LEAST_SHARE * face.sum())
            continue
        thing_here = face & (mask > 127)
        rest = face & (cv2.dilate(mask, np.ones((2 * _BESIDE_PX + 1,) * 2, np.uint8)) == 0)
        if thing_here.sum() > _LEAST_SHARE * face.sum():
            found.append(float(whole[thing_here].mean()))
            beside.append(float(whole[rest].mean()) if rest.any() else 0.0)
    mean = [float(np.mean(shares)) if shares else float("nan") for shares in (found, beside)]
    return Kept(clip.name, thing, len(found), mean[0], mean[1], holes)


def _inside(mesh: FaceMesh, pixels: Pixels) -> NDArray[np.bool_]:
    """Return where the face is that no fringe or lock hangs over: below the brows, and not at the sides."""
    face = np.zeros(pixels.shape[:2], np.uint8)
    outline = cv2.convexHull(np.rint(mesh.points[_no_hair(), :2]).astype(np.int32))
    cv2.fillConvexPoly(face, outline, 1)
    return np.asarray(face > 0)


@functools.cache
def _no_hair() -> NDArray[np.intp]:
    flat = uv_points()
    return np.flatnonzero((flat[:, 1] > 0.4) & (np.abs(flat[:, 0] - 0.5) < 0.35))


def drawn(
    name: str, index: int, fps: float, squares: Sequence[Pixels], meshes: Sequence[tuple[FaceMesh, FaceMesh] | None]
) -> tuple[Pixels, Pixels | None]:
    """Return a picture with a thing before the face, and (height, width) 0..255 where it is; None: it is not there."""
    pixels, here = squares[index], meshes[index]
    passed = (index / fps - _FIRST_S) / _THING_S
    if here is None or not 0 <= passed <= 1:
        return pixels, None
    bones_at, brightness, is_round = THINGS[name]
    mesh = here[0]
    skin = np.clip(_skin(pixels, mesh) * brightness, 0, 255)
    middle, unit = complex(*mesh.box.centre), mesh.box.width / 2
    over, mask = pixels.astype(np.float32), np.zeros(pixels.shape[:2], np.uint8)
    for begin, end, radius in bones_at(passed):
        bone = np.zeros_like(mask)
        first, second = (middle + unit * spot for spot in (begin, end))
        ends = [(round(spot.real), round(spot.imag)) for spot in (first, second)]
        cv2.line(bone, ends[0], ends[1], 255, max(1, round(2 * radius * unit)), cv2.LINE_AA)
        light = np.ones(mask.shape, np.float32)
        if is_round:
            depth = cv2.distanceTransform((bone > 127).astype(np.uint8), cv2.DIST_L2, 5) / (radius * unit)
            light = 0.45 + 0.65 * np.sqrt(np.clip(1 - np.square(1 - np.clip(depth, 0, 1)), 0, 1))
        over[bone > 127] = (light[..., None] * skin)[bone > 127]
        mask |= bone
    grain = np.random.default_rng(index).normal(0, 1.5, pixels.shape)
    share = cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None] / 255
    return np.clip(pixels * (1 - share) + (over + grain) * share, 0, 255).astype(np.uint8), mask


def _skin(pixels: Pixels, mesh: FaceMesh) -> NDArray[np.float64]:
    places = np.rint(mesh.points[list(_CHEEKS), :2]).astype(int)
    patches = [pixels[y - 6 : y + 6, x - 6 : x + 6].reshape(-1, 3) for x, y in places.tolist() if x > 6 and y > 6]
    return np.asarray(np.median(np.concatenate(patches), axis=0))
