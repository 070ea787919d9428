"""The crop of one face that a network takes: cut in one way by extraction, training and the live loop.

A network that was trained on faces lying in one way in their square wants them to lie in that way for ever. How they
lie is its card's `alignment`, a short text (`realtime.model_card`):

| text                            | the crop                                                                         |
| ------------------------------- | -------------------------------------------------------------------------------- |
| `face`                          | ours: `mesh coverage=1.2 y=-0.04`                                                |
| `mesh coverage=2.2 x=0 y=-0.08` | the mesh laid on its flat self; side and shift in sides of the flat face's square |
| `arcface_112`, `arcface_128`    | five points (eyes, nose, corners of the mouth) laid on ArcFace's                 |

The mesh is laid by what neither speech nor blinking moves (brows to cheeks), so that a crop does not bob with the jaw.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.errors import ModelError, nearest
from realtime.faces.canonical import flat_points
from realtime.faces.mesh import (
    LEFT_EYE_INNER,
    LEFT_EYE_OUTER,
    MOUTH_LEFT,
    MOUTH_RIGHT,
    NOSE_TIP,
    RIGHT_EYE_INNER,
    RIGHT_EYE_OUTER,
    FaceMesh,
)
from realtime.frame import Pixels

_ARCFACE_112 = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
"""Eye and eye, nose, corner and corner of the mouth, left to right on the picture; pixels of a 112 px crop.
InsightFace's `arcface_dst`."""
_LOWEST_CALM = 0.6
"""Flat points above this height (the mouth begins at 0.64) are not moved by the jaw."""


@dataclasses.dataclass(frozen=True, slots=True)
class Alignment:
    """How faces lie in their square. `points` and `places` fit one another; both are read only."""

    text: str
    """As it stands in a card."""
    points: NDArray[np.float64]
    """(K, 468): each row makes one point of the mesh's, as a weighted mean."""
    places: NDArray[np.float64]
    """(K, 2) where they shall lie: x right, y down, 0..1 across the crop."""

    @classmethod
    def parse(cls, text: str) -> Alignment:
        """Read a card's text. Raises ModelError for one that this version does not know."""
        name, _, rest = text.strip().partition(" ")
        if name == "face" and not rest:
            return _on_flat_face(1.2, 0.0, -0.04, text)
        if name in ("arcface_112", "arcface_128") and not rest:
            return _on_five_points(name)
        if name == "mesh":
            return cls._parse_mesh(rest, text)
        names = ("face", "mesh", "arcface_112", "arcface_128")
        raise ModelError(f"no face crop is called '{text}'{nearest(name, names)}; there are: {', '.join(names)}")

    @classmethod
    def _parse_mesh(cls, rest: str, text: str) -> Alignment:
        values = {"coverage": float("nan"), "x": 0.0, "y": 0.0}
        for word in rest.split():
            match = re.fullmatch(r"(coverage|x|y)=(-?\d+(?:\.\d+)?)", word)
            if match is None:
                raise ModelError(
                    f"'{word}' in the face crop '{text}' is unknown; write it as 'mesh coverage=2.2 y=-0.08'"
                )
            values[match[1]] = float(match[2])
        if not (0.5 <= values["coverage"] <= 5 and abs(values["x"]) <= 1 and abs(values["y"]) <= 1):
            raise ModelError(f"the face crop '{text}' cannot be: its coverage is 0.5 to 5, x and y -1 to 1")
        return _on_flat_face(values["coverage"], values["x"], values["y"], text)

    def to_picture(self, mesh: FaceMesh, side_px: int) -> NDArray[np.float32]:
        """Return the (2, 3) matrix from pixels of the crop to pixels of the picture.

        It turns, scales and moves, and does nothing else: the best of those in the sense of least squares (Umeyama,
        "Least-squares estimation of transformation parameters between two point patterns", 1991).
        """
        seen = self.points @ mesh.points[:, :2].astype(np.float64)
        wanted = self.places * side_px - 0.5  # pixel 0 has its middle at 0
        seen_middle, wanted_middle = seen.mean(axis=0), wanted.mean(axis=0)
        # In the plane the best turn and scale are one complex number.
        away = (seen - seen_middle) @ (1, 1j)
        placed = (wanted - wanted_middle) @ (1, 1j)
        turn = complex(np.vdot(placed, away) / np.vdot(placed, placed).real)
        matrix = np.array([[turn.real, -turn.imag, 0], [turn.imag, turn.real, 0]])
        matrix[:, 2] = seen_middle - matrix[:, :2] @ wanted_middle
        return matrix.astype(np.float32)


FACE = "face"
"""The alignment of the networks trained here."""


def cut_face(pixels: Pixels, mesh: FaceMesh, alignment: Alignment, side_px: int) -> tuple[Pixels, NDArray[np.float32]]:
    """Return the crop of one face, (side, side, 3) uint8 BGR, and the (2, 3) matrix from its pixels to the picture's.

    What lies beyond the picture's edge repeats the edge; a face much larger than the crop is averaged down.
    """
    to_picture = alignment.to_picture(mesh, side_px)
    return sample(pixels, to_picture, side_px), to_picture


def sample(pixels: Pixels, to_picture: NDArray[np.float32], side_px: int) -> Pixels:
    """Return the (side, side, 3) pixels of a crop whose matrix is known."""
    scale = math.hypot(float(to_picture[0, 0]), float(to_picture[1, 0]))
    finer = max(1, min(8, round(scale)))
    matrix = to_picture.copy()
    matrix[:, :2] /= finer
    # A pixel's middle is the middle of the finer ones it is the mean of, not the first of them.
    matrix[:, 2] += to_picture[:, :2] @ np.full(2, 0.5 / finer - 0.5, np.float32)
    crop = cv2.warpAffine(
        pixels,
        matrix,
        (side_px * finer, side_px * finer),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if finer > 1:
        crop = cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(crop, np.uint8)


@functools.lru_cache(maxsize=64)  # sliders ask for many
def _on_flat_face(coverage: float, x: float, y: float, text: str) -> Alignment:
    flat = flat_points().astype(np.float64)
    calm = np.flatnonzero(flat[:, 1] < _LOWEST_CALM)
    # The crop's middle lies on the flat square's middle, moved by x and y; its side is `coverage` of that square.
    places = (flat[calm] - 0.5 - (x, y)) / coverage + 0.5
    return Alignment(text, _read_only(np.eye(len(flat))[calm]), _read_only(places))


@functools.cache
def _on_five_points(name: str) -> Alignment:
    points = np.zeros((5, len(flat_points())))
    points[0, [RIGHT_EYE_OUTER, RIGHT_EYE_INNER]] = 0.5
    points[1, [LEFT_EYE_INNER, LEFT_EYE_OUTER]] = 0.5
    points[2, NOSE_TIP] = points[3, MOUTH_RIGHT] = points[4, MOUTH_LEFT] = 1.0
    # ArcFace's own crops are 112 px; those of 128 px have 8 px more at either side and 16 below.
    moved, side = (0, 112) if name == "arcface_112" else (8, 128)
    places = (np.array(_ARCFACE_112) + np.array([moved, 0]) + 0.5) / side
    return Alignment(name, _read_only(points), _read_only(places))


def _read_only(array: NDArray[np.float64]) -> NDArray[np.float64]:
    array.flags.writeable = False
    return array
