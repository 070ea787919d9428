"""Where a photo shows skin: a face is cut out of its hair, cap, shadow and background.

Skin cannot be told by its colour alone: a forehead in the light is as far from a cheek as the hair beside it. GrabCut
(Rother, Kolmogorov, Blake, 2004) learns the colours of the middle of the face and of what is around the head, several
of each, and puts the edge between them where the picture has one.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import EYES, LEFT_BROW, LIDS, LIPS, OVAL, RIGHT_BROW, FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.inpainting import inpainted

_FACE_PX = 112
"""Side of the face that is cut out: 50 to 110 ms at this size, and hair's edge is softer than a pixel of it."""
_AROUND = 0.8
"""How much of the photo is looked at, up and down and to either side, in faces from the middle."""
_HEAD = 1.18
"""The mesh's outline so many times as large has no skin outside, down to the mouth; below are neck and shoulders."""
_ROUNDS = 4
MIDDLE = (
    46, 53, 52, 65, 55, 276, 283, 282, 295, 285,
    33, 263, 50, 280, 205, 425, 61, 291, 57, 287, 43, 273, 199, 208, 428,
)  # fmt: skip
"""Lower edge of the brows (a fringe may hang over the upper), eyes, cheeks, mouth, middle of the chin: always face."""
_FEATURES = (*EYES, *LIDS, LIPS, LEFT_BROW, RIGHT_BROW)
_FEATURE_GROWN = np.ones((7, 7), np.uint8)


def skin_mask(photo: Pixels, mesh: FaceMesh) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return a small mask, (height, width) uint8: 1 where the face's skin is seen; and the (2, 3) matrix from the
    photo's pixels to its.
    """
    outline = mesh.points[list(OVAL), :2]
    least, most = outline.min(axis=0), outline.max(axis=0)
    reach = _AROUND * (most - least)
    scale = _FACE_PX / max(1.0, float((most - least).max()))
    size = Size(*np.ceil(2 * reach * scale).astype(int).tolist())
    to_small = np.zeros((2, 3))
    to_small[:, :2] = scale * np.eye(2)
    to_small[:, 2] = -scale * ((least + most) / 2 - reach)
    softened = cv2.GaussianBlur(photo, (0, 0), max(0.5, 0.5 / scale))
    small = cv2.warpAffine(softened, to_small, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    points = np.asarray(mesh.points[:, :2] @ to_small[:, :2].T + to_small[:, 2], np.float32)
    middle = _filled(size, points[list(MIDDLE)])
    labels = np.full((size.height, size.width), cv2.GC_PR_BGD, np.uint8)
    on_mesh = points[list(OVAL)]
    labels[_inside(size, on_mesh) > 0] = cv2.GC_PR_FGD
    outside = _inside(size, on_mesh.mean(axis=0) + _HEAD * (on_mesh - on_mesh.mean(axis=0))) == 0
    outside[max(0, round(float(points[list(LIPS), 1].min()))) :] = False
    labels[outside] = cv2.GC_BGD
    labels[middle > 0] = cv2.GC_FGD
    if outside.any() and (labels != cv2.GC_BGD).any():
        bare = cv2.cvtColor(_without_features(np.asarray(small, np.uint8), points), cv2.COLOR_BGR2LAB)
        cv2.setRNGSeed(0)  # a photo must look the same each time it is opened
        nowhere = (0, 0, 0, 0)  # the labels say all
        cv2.grabCut(bare, labels, nowhere, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8), to_small


def _without_features(small: Pixels, points: NDArray[np.float32]) -> Pixels:
    """Return the face with skin in place of eyes, brows and lips: dark as they are, hair would pass for them."""
    features = np.zeros(small.shape[:2], np.uint8)
    for numbers in _FEATURES:
        features |= _filled(Size.of(small), points[list(numbers)])
    outside = 1 - cv2.dilate(features, _FEATURE_GROWN)
    return np.asarray(
        np.clip(np.rint(inpainted(small.astype(np.float32), outside.astype(np.float32))), 0, 255), np.uint8
    )


def _filled(size: Size, points: NDArray[np.float32]) -> NDArray[np.uint8]:
    hull = cv2.convexHull(np.rint(points).astype(np.int32))
    return np.asarray(cv2.fillConvexPoly(np.zeros((size.height, size.width), np.uint8), hull, 1), np.uint8)


def _inside(size: Size, outline: NDArray[np.float32]) -> NDArray[np.uint8]:
    loop = np.rint(outline).astype(np.int32)
    return np.asarray(cv2.fillPoly(np.zeros((size.height, size.width), np.uint8), [loop], 1), np.uint8)
