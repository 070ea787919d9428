"""One shape of all meshes: the photos differ by pose, lens and expression, whose face it is does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from realtime.faces.landmarks.mesh import EYES, RIGID, FaceMesh
from realtime.faces.landmarks.smile import in_own_frame
from realtime.imaging.numerics import Doubles, best_similarity

_ASIDE_DEGREES = 15.0
"""The depth of a mesh is guessed: turned so far aside, a photo counts half for the shape seen from in front."""
_STRAYS = 0.03
"""Of the eye distance: a point that strays so far from the others' counts half."""

_TELLING = sorted({*RIGID, *EYES[0], *EYES[1]})
_ENOUGH = 4


def mean_shape(meshes: Sequence[FaceMesh], scale_px: float) -> FaceMesh:
    """Return one mesh that looks at the camera, its eyes `scale_px` apart."""
    own = [in_own_frame(mesh.points) for mesh in meshes]
    weights = np.array([1 / (1 + (mesh.yaw_degrees / _ASIDE_DEGREES) ** 2) for mesh in meshes])
    mean = np.asarray(np.average(own, axis=0, weights=weights))
    for _ in range(3):
        laid = np.stack([best_similarity(points, mean).place(points) for points in own])
        robust = weights[:, None] / (1 + np.square(np.linalg.norm(laid - mean, axis=2) / _STRAYS))
        mean = (laid * robust[..., None]).sum(axis=0) / robust.sum(axis=0)[:, None]
    return FaceMesh(np.asarray(mean * scale_px, np.float32), float(np.mean([mesh.score for mesh in meshes])))


def strangeness(meshes: Sequence[FaceMesh]) -> list[float]:
    """Return how far each face's proportions are from the median of the others', in eye distances; by the points that
    expressions hardly move. 0 where there are too few to tell.
    """
    own: list[Doubles] = [in_own_frame(mesh.points)[_TELLING] for mesh in meshes]
    if len(own) < _ENOUGH:
        return [0.0] * len(own)
    found = []
    for number, points in enumerate(own):
        others = np.asarray(np.median([each for at, each in enumerate(own) if at != number], axis=0))
        off = best_similarity(points, others).place(points) - others
        found.append(float(np.linalg.norm(off[:, :2], axis=1).mean()))
    return found
