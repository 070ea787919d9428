"""Likeness and expression: whose face it is, and whether it does what the viewer's does."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import (
    LEFT_EYE_INNER,
    LEFT_EYE_OUTER,
    RIGHT_EYE_INNER,
    RIGHT_EYE_OUTER,
    RIGID,
    FaceMesh,
)
from realtime.imaging.numerics import Doubles

_LIPS = (13, 14)
_LIDS = ((159, 145, RIGHT_EYE_OUTER, RIGHT_EYE_INNER), (386, 374, LEFT_EYE_INNER, LEFT_EYE_OUTER))
"""Middle of the upper and of the lower lid, and the corners of the eye."""
PARTS = {
    "brows": (70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285),
    "eyes": (33, 160, 159, 158, 133, 153, 145, 144, 362, 385, 386, 387, 263, 373, 374, 380),
    "nose": (1, 2, 4, 5, 6, 94, 98, 168, 195, 197, 327),
    "mouth": (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91, 78, 81, 13, 311, 308, 402, 14, 178),
    "jaw": (323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93),
}


def eye_distance_px(mesh: FaceMesh) -> float:
    """From the middle of one eye to that of the other, in depth too: it does not shrink when the head turns."""
    right = mesh.points[[RIGHT_EYE_OUTER, RIGHT_EYE_INNER]].mean(axis=0)
    left = mesh.points[[LEFT_EYE_INNER, LEFT_EYE_OUTER]].mean(axis=0)
    return float(np.linalg.norm(left - right))


def differences(swapped: FaceMesh, original: FaceMesh) -> Doubles:
    """(468,) how far each point of `swapped` lies from that of `original`, in the picture's plane, as a share of the
    eye distance, after `swapped` was moved, turned and scaled onto `original` as well as it goes (least squares).
    """
    return np.asarray(np.abs(_residual(swapped, original)) / eye_distance_px(original), np.float64)


def _residual(swapped: FaceMesh, original: FaceMesh) -> NDArray[np.complex128]:
    source, target = (mesh.points[:, :2].astype(np.float64) @ (1, 1j) for mesh in (swapped, original))
    source, target = source - source.mean(), target - target.mean()
    turn = np.vdot(source, target) / np.vdot(source, source)  # a similarity is one complex factor
    return np.asarray(turn * source - target, np.complex128)


def mouth_opening(mesh: FaceMesh) -> float:
    """Between the inner edges of the lips, as a share of the eye distance."""
    upper, lower = mesh.points[list(_LIPS)]
    return float(np.linalg.norm(upper - lower)) / eye_distance_px(mesh)


def eye_opening(mesh: FaceMesh) -> float:
    """Between the lids as a share of the eye's width, mean of both."""
    openings = []
    for upper, lower, one, other in _LIDS:
        points = mesh.points[:, :2]
        openings.append(np.linalg.norm(points[upper] - points[lower]) / np.linalg.norm(points[one] - points[other]))
    return float(np.mean(openings))


_TELLING = 0.01
"""Standard deviation of an opening below which there is nothing to follow but the models' own wavering."""


def correlation(swapped: Sequence[float], original: Sequence[float]) -> float:
    """Pearson's; nan where `original` hardly changes."""
    if len(original) < 2 or np.std(original) < _TELLING or np.std(swapped) == 0:
        return float("nan")
    return float(np.corrcoef(swapped, original)[0, 1])


@dataclasses.dataclass(frozen=True, slots=True)
class Expression:
    """What is left of a face's own doing, over a clip."""

    percent: float
    """Mean difference of the meshes, % of the eye distance."""
    worst_percent: float
    """95th percentile over the frames."""
    parts_percent: dict[str, float]
    mouth: float
    """Correlation of the mouth's opening."""
    eyes: float
    """Correlation of the eyes' opening."""
    eyes_off: float
    """Mean difference of the eyes' opening, shares of their width."""


def expression(swapped: Sequence[FaceMesh], original: Sequence[FaceMesh]) -> Expression:
    """Compare the faces of finished frames with those of the frames as they came."""
    by_frame = 100 * np.array([differences(one, other) for one, other in zip(swapped, original, strict=True)])
    eyes, original_eyes = ([eye_opening(mesh) for mesh in meshes] for meshes in (swapped, original))
    return Expression(
        float(by_frame.mean()),
        float(np.percentile(by_frame.mean(axis=1), 95)),
        {name: float(by_frame[:, list(points)].mean()) for name, points in PARTS.items()},
        correlation([mouth_opening(mesh) for mesh in swapped], [mouth_opening(mesh) for mesh in original]),
        correlation(eyes, original_eyes),
        float(np.mean(np.abs(np.subtract(eyes, original_eyes)))),
    )


def place_of(mesh: FaceMesh) -> Doubles:
    """(2,) where a head is, by what neither speech nor blinking moves."""
    return np.asarray(mesh.points[list(RIGID), :2].mean(axis=0), np.float64)
