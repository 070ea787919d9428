"""The crop of one face that a network takes: cut in one way by extraction, training and the live loop.

A network that was trained on faces lying in one way in their square wants them to lie in that way for ever. How they
lie is its card's `alignment`, a short text (`realtime.models.card`):

| text                            | the crop                                                                          |
| ------------------------------- | --------------------------------------------------------------------------------- |
| `face`                          | ours: the mesh laid on its flat self, 1.2 times as wide as that, moved up by 0.04 |
| `mesh coverage=2.2 x=0 y=-0.08` | DeepFaceLive's, in its own numbers: the side and shift as its program has them    |
| `arcface_112`, `arcface_128`    | InsightFace's: five points (eyes, nose, corners of the mouth) laid on ArcFace's   |
| `arcface_112_v1`                | the same for its older, narrower face (SimSwap, Ghost)                            |
| `ffhq_512`, `mtcnn_512`         | five points as in those sets of photos (UniFace; HiFiFace)                        |

The mesh is laid by what neither speech nor blinking moves, so that a crop does not bob with the jaw: ours by brows to
cheeks, DeepFaceLive's by nose and cheeks.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import ModelError, nearest
from realtime.core.language import _
from realtime.faces.landmarks.canonical import uv_points
from realtime.faces.landmarks.mesh import (
    EYE_CORNERS,
    MOUTH_LEFT,
    MOUTH_RIGHT,
    NOSE_TIP,
    FaceMesh,
)
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import Place, cut_square, halved
from realtime.models.card import ModelCard

_Number = TypeVar("_Number", bound=np.generic)

_ARCFACE_112 = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
"""Eye and eye, nose, corner and corner of the mouth, left to right on the picture: which pixels of a 112 px crop.
InsightFace's `arcface_dst`."""
_OLDER_ARCFACE_112 = np.array([(39.73, 51.138), (72.27, 51.138), (56.0, 68.493), (42.463, 87.01), (69.537, 87.01)])
"""Its frontal `src3`."""
_FIVE_POINTS: Mapping[str, NDArray[np.float64]] = {
    "arcface_112": (_ARCFACE_112 + 0.5) / 112,  # half a pixel to its middle
    "arcface_128": (_ARCFACE_112 + np.array([8.5, 0.5])) / 128,  # 8 px more at either side, 16 below
    "arcface_112_v1": (_OLDER_ARCFACE_112 + 0.5) / 112,
    # FaceFusion's `face_helper.py`, sides of the crop
    "ffhq_512": np.array(
        [(0.376917, 0.468647), (0.622857, 0.469128), (0.501239, 0.613319), (0.393088, 0.725411), (0.611502, 0.724905)]
    ),
    "mtcnn_512": np.array(
        [(0.365629, 0.467338), (0.633054, 0.465859), (0.500191, 0.619420), (0.390330, 0.775988), (0.611790, 0.774763)]
    ),
}
_LOWEST_CALM = 0.6
"""Flat points above this height (the mouth begins at 0.64) are not moved by the jaw."""
_FLAT_TO_TEMPLATE = 1.7721 * complex(math.cos(math.radians(-0.1)), math.sin(math.radians(-0.1)))
_TEMPLATE_ORIGIN = complex(-0.397364, -0.441419)
"""DeepFaceLive's template is the flat face turned by a tenth of a degree, enlarged and moved (to 1e-7 of each of its
points), so that its unit square holds what lies between brows and mouth: coverage and shift count in that square."""
_DEEPFACELIVE_POINTS = (
    *range(1, 7), 19, 20, 36, 44, 45, *range(47, 52), 59, 60, 64, 75, 79, *range(92, 95), *range(97, 103),
    *range(114, 117), *range(119, 124), *range(125, 130), 131, 134, 137, 141, 142, 147, *range(164, 168), 174,
    *range(186, 189), *range(195, 199), 203, *range(205, 208), 209, *range(216, 221), 227, *range(234, 243), 248, 250,
    266, 274, 275, *range(277, 282), 289, 290, 294, 305, 309, 322, 323, *range(326, 332), *range(343, 346),
    *range(348, 353), *range(354, 359), 360, 363, 366, 370, 371, 376, *range(391, 394), 399, *range(410, 413), 419, 420,
    423, *range(425, 428), 429, *range(436, 441), 447, *range(454, 463),
)  # fmt: skip
"""What it does not hold for moving parts: nose and cheeks, of 468 points 152."""


@dataclasses.dataclass(frozen=True, slots=True)
class Alignment:
    """How faces lie in their square. `points` and `places` fit one another; both are read only."""

    text: str
    """As it stands in a card."""
    points: NDArray[np.intp]
    """(K, M): each row names points of the mesh whose mean is one point of the face's."""
    places: NDArray[np.float64]
    """(K, 2) where they shall lie: x right, y down, 0..1 across the crop."""
    fitted_in_crop: bool
    """Whose misfit is made small: the places' in the crop, as InsightFace and DeepFaceLive do it, or the points' in the
    picture. A face is never the template, so the first takes crops that are 2 % larger."""

    @classmethod
    def parse(cls, text: str) -> Alignment:
        """Read a card's text. Raises ModelError for one that this version does not know."""
        name, _unused, rest = text.strip().partition(" ")
        if name == "face" and not rest:
            return _on_flat_face(text)
        if name in _FIVE_POINTS and not rest:
            return _on_five_points(name)
        if name == "mesh":
            return cls._parse_mesh(rest, text)
        names = ("face", "mesh", *_FIVE_POINTS)
        raise ModelError(
            _(
                "no face crop is called '{text}'{hint}; there are: {names}",
                text=text,
                hint=nearest(name, names),
                names=", ".join(names),
            )
        )

    @classmethod
    def of_model(cls, path: Path, card: ModelCard) -> Alignment:
        """Return how the crop of a model lies. Raises ModelError where its card names one that this version does not
        know.
        """
        try:
            return cls.parse(card.alignment or FACE)
        except ModelError as error:
            raise ModelError(_("{path}: {reason}; export or add it again", path=path, reason=error)) from error

    @classmethod
    def _parse_mesh(cls, rest: str, text: str) -> Alignment:
        values = {"coverage": float("nan"), "x": 0.0, "y": 0.0}
        for word in rest.split():
            match = re.fullmatch(r"(coverage|x|y)=(-?\d+(?:\.\d+)?)", word)
            if match is None:
                raise ModelError(
                    _(
                        "'{word}' in the face crop '{text}' is unknown; write it as 'mesh coverage=2.2 y=-0.08'",
                        word=word,
                        text=text,
                    )
                )
            values[match[1]] = float(match[2])
        if not (0.5 <= values["coverage"] <= 5 and abs(values["x"]) <= 1 and abs(values["y"]) <= 1):
            raise ModelError(
                _("the face crop '{text}' cannot be: its coverage is 0.5 to 5, x and y -1 to 1", text=text)
            )
        return _as_deepfacelive(values["coverage"], values["x"], values["y"], text)

    def slid(self, name: str, value: float) -> Alignment:
        """Return it with another `coverage`, `x` or `y`. Raises ModelError where it has none, or cannot have that."""
        kind, *words = self.text.split()
        if kind != "mesh":
            raise ModelError(
                _("{name} is for faces aligned by the mesh, not for '{text}'; leave it out", name=name, text=self.text)
            )
        values = dict(word.split("=") for word in words) | {name: f"{value:.3f}"}
        return Alignment.parse(" ".join(["mesh", *(f"{key}={value}" for key, value in values.items())]))

    def slide(self, name: str) -> float | None:
        """Return its `coverage`, `x` or `y`; None where it is not aligned by the mesh."""
        kind, *words = self.text.split()
        if kind != "mesh":
            return None
        return float(dict(word.split("=") for word in words).get(name, 0.0))

    def to_picture(self, mesh: FaceMesh, side_px: int) -> NDArray[np.float32]:
        """Return the (2, 3) matrix from pixels of the crop to pixels of the picture.

        It turns, scales and moves, and does nothing else: the best of those in the sense of least squares (Umeyama,
        "Least-squares estimation of transformation parameters between two point patterns", 1991).
        """
        measured = mesh.points[self.points, :2].mean(axis=1, dtype=np.float64)
        targets = self.places * side_px - 0.5  # pixel 0 has its middle at 0
        measured_middle, target_middle = measured.mean(axis=0), targets.mean(axis=0)
        # In the plane the best turn and scale are one complex number.
        measured_plane = (measured - measured_middle) @ (1, 1j)
        target_plane = (targets - target_middle) @ (1, 1j)
        if self.fitted_in_crop:
            turn = complex(np.vdot(measured_plane, measured_plane).real / np.vdot(measured_plane, target_plane))
        else:
            turn = complex(np.vdot(target_plane, measured_plane) / np.vdot(target_plane, target_plane).real)
        matrix = np.array([[turn.real, -turn.imag, 0], [turn.imag, turn.real, 0]])
        matrix[:, 2] = measured_middle - matrix[:, :2] @ target_middle
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
    """Return the (side, side, 3) pixels of a crop whose matrix is known.

    Where two or more of the picture's pixels lie between two of the crop's, these are the mean of four samples each; of
    a picture that is halved while even those lie two pixels apart: nothing between them is left out.
    """
    scale = math.hypot(float(to_picture[0, 0]), float(to_picture[1, 0]))
    finer = 2 if 2 <= scale < math.inf else 1
    halvings = int(math.log2(scale)) - 1 if finer > 1 else 0
    matrix = to_picture.astype(np.float64)
    # A pixel's middle is the middle of those it is the mean of, not the first of them.
    matrix[:, 2] += matrix[:, :2] @ np.full(2, 0.5 / finer - 0.5)
    matrix[:, :2] /= finer
    if halvings:
        place = _around_crop(matrix, side_px * finer, Size.of(pixels), 2**halvings)
        pixels = halved(place.of(pixels), halvings)
        matrix /= 2**halvings
        matrix[:, 2] += (0.5 - np.array([place.left, place.top])) / 2**halvings - 0.5
    return halved(cut_square(pixels, matrix, side_px * finer), finer - 1)


def _around_crop(to_picture: NDArray[np.float64], side_px: int, frame: Size, grain_px: int) -> Place:
    """Return what of a picture is needed for a crop and a little more, in whole squares of `grain_px`; of a crop beyond
    the picture's edge the nearest square.
    """
    corners = np.array([(-1, -1, 1), (side_px, -1, 1), (-1, side_px, 1), (side_px, side_px, 1)]) @ to_picture.T
    spans = []
    for least, most, size in zip(corners.min(axis=0), corners.max(axis=0), frame, strict=True):
        first = min(max(0, math.floor(least) - grain_px), max(0, size - grain_px))
        last = min(max(first + grain_px, math.ceil(most) + 2 * grain_px), size)
        spans.append((first, max(1, (last - first) // grain_px) * grain_px))
    (left, width), (top, height) = spans
    return Place(left, top, width, height)


@functools.cache
def _on_flat_face(text: str) -> Alignment:
    flat = uv_points().astype(np.float64)
    calm = np.flatnonzero(flat[:, 1] < _LOWEST_CALM)
    # The crop's middle lies a little above the flat square's middle; its side is 1.2 of that square's.
    places = (flat[calm] - (0.5, 0.46)) / 1.2 + 0.5
    return Alignment(text, _read_only(calm[:, None]), _read_only(places), fitted_in_crop=False)


@functools.lru_cache(maxsize=64)  # sliders ask for many
def _as_deepfacelive(coverage: float, x: float, y: float, text: str) -> Alignment:
    flat = uv_points().astype(np.float64)
    template = _FLAT_TO_TEMPLATE * (flat @ (1, 1j)) + _TEMPLATE_ORIGIN
    calm = list(_DEEPFACELIVE_POINTS)
    # The crop's middle lies on the template square's middle, moved by x and y; its side is `coverage` of that square's.
    placed = (template[calm] - complex(0.5 + x, 0.5 + y)) / coverage
    places = np.stack([placed.real, placed.imag], axis=1) + 0.5
    return Alignment(text, _read_only(np.array(calm)[:, None]), _read_only(places), fitted_in_crop=True)


@functools.cache
def _on_five_points(name: str) -> Alignment:
    points = np.array([*EYE_CORNERS, *((number, number) for number in (NOSE_TIP, MOUTH_RIGHT, MOUTH_LEFT))])
    return Alignment(name, _read_only(points), _read_only(_FIVE_POINTS[name].copy()), fitted_in_crop=True)


def _read_only(array: NDArray[_Number]) -> NDArray[_Number]:
    array.flags.writeable = False
    return array
