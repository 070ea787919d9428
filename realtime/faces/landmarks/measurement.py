"""Measures a finished picture of a face with the program's own models: where it looks, how it is turned."""

from __future__ import annotations

import dataclasses

import numpy as np

from realtime.faces.landmarks.iris import Eye, Eyes, IrisModel
from realtime.faces.landmarks.mesh import EYE_CORNERS, FaceMesh, MeshModel, Turn, compare
from realtime.imaging.frame import Face, Pixels

_CROPS = ((1.0, 0.0, 0.0), (1.05, 0.015, -0.01), (0.96, -0.015, 0.01))
"""Scale and shift of the crops that are measured and averaged. One run on one crop wanders by ±0.3° of yaw and ±0.01
eye widths of gaze from frame to frame, as much as a step between two of 33 frames; the mean of three by a half."""
_EYE_CROPS = (0.93, 1.0, 1.07)
"""Scales of the eyes' crops, averaged likewise."""

SAME_PLACE = 0.04
"""Farther apart than this, in eye widths, mesh and iris model have the eyes at different places: up to 0.03 on six of
nine pictures, 0.06 on two, 0.15 on one."""


@dataclasses.dataclass(frozen=True, slots=True)
class FaceMeasurement:
    """One face in one picture."""

    mesh: FaceMesh
    eyes: Eyes
    gaze: tuple[float, float]
    """Where the irises stand: from the middle between the corners of their eyes, in eye widths, mean of both eyes;
    right and down are positive."""


class FaceMeasurer:
    """Runs mesh and iris models on pictures. Used by one thread."""

    def __init__(self) -> None:
        """Raises ModelError when a model file cannot be read."""
        self.meshes = MeshModel()
        self.irises = IrisModel()

    def find(self, pixels: Pixels, face: Face) -> FaceMeasurement:
        """Measure a face that a detector found."""
        measured = self.measure(pixels, self.meshes.measure(pixels, face))
        return self._by_the_lids(pixels, measured) if _is_off(measured) else measured

    def again(self, pixels: Pixels, rest: FaceMeasurement) -> FaceMeasurement:
        """Measure a face in a frame made of the picture that `find` found it in."""
        measured = self.measure(pixels, rest.mesh)
        return self._by_the_lids(pixels, measured) if _is_off(rest) else measured

    def measure(self, pixels: Pixels, near: FaceMesh) -> FaceMeasurement:
        """Measure the face that lies about where `near` says."""
        meshes = [self.meshes.again(pixels, near, scale=scale, shift=(right, down)) for scale, right, down in _CROPS]
        points = np.mean([mesh.points for mesh in meshes], axis=0).astype(np.float32)
        mesh = FaceMesh(points, float(np.mean([mesh.score for mesh in meshes])))
        return self._with_eyes(pixels, mesh, None)

    def _by_the_lids(self, pixels: Pixels, measured: FaceMeasurement) -> FaceMeasurement:
        """Return a face whose eyes are measured once more: crops laid by a mesh that is off cut off a part of them."""
        return self._with_eyes(pixels, measured.mesh, measured.eyes)

    def _with_eyes(self, pixels: Pixels, mesh: FaceMesh, near: Eyes | None) -> FaceMeasurement:
        eyes = _mean_eyes([self.irises.measure(pixels, mesh, scale=scale, near=near) for scale in _EYE_CROPS])
        return FaceMeasurement(mesh, eyes, gaze(mesh, eyes))


def _is_off(measured: FaceMeasurement) -> bool:
    """Return whether the mesh has both eyes off to one side."""
    return abs(middle_of_lids(measured.eyes, measured.mesh)) > SAME_PLACE


def gaze(mesh: FaceMesh, eyes: Eyes) -> tuple[float, float]:
    """Return where the irises stand along and across their eyes (see `FaceMeasurement.gaze`).

    The corners are the mesh's: the iris model's own wander with the iris, by about half its movement.
    """
    offsets = []
    for eye, (start, end) in zip((eyes.left, eyes.right), EYE_CORNERS, strict=True):
        first, last = mesh.points[start, :2], mesh.points[end, :2]
        width = float(np.linalg.norm(last - first))
        axis = (last - first) / width
        from_corners = eye.centre - (first + last) / 2
        offsets.append(
            (float(from_corners @ axis) / width, float(from_corners @ np.array([-axis[1], axis[0]])) / width)
        )
    return float(np.mean([x for x, _ in offsets])), float(np.mean([y for _, y in offsets]))


def gaze_from(measured: FaceMeasurement, rest: FaceMeasurement) -> float:
    """Return how far to the right the irises stand from the middle of their eyes, eye widths, mean of both.

    `rest`: the same face in the picture that frames are made of. How far irises move is told by the mesh's corners,
    which stay where they are; where the middle is, by the lids that the iris model sees at rest
    (`middle_of_lids`).
    """
    return measured.gaze[0] - middle_of_lids(rest.eyes, rest.mesh)


def middle_of_lids(eyes: Eyes, mesh: FaceMesh) -> float:
    """Return where the middle of the eyes is by the iris model's lids, right of that between the mesh's corners; eye
    widths, mean of both eyes.

    The mesh lays outer corners of eyes too far out, by a tenth of an eye's width, and both eyes of a face turned by 30
    degrees too far to one side: held against corners marked by hand on nine faces, its middles are off by 0.07 (root
    mean square, 0.15 at the most), those of the lids by 0.025 (0.06).
    """
    middles = []
    for eye, (start, end) in zip((eyes.left, eyes.right), EYE_CORNERS, strict=True):
        first, last = mesh.points[start, :2], mesh.points[end, :2]
        from_corners = (eye.upper[0] + eye.upper[-1] - first - last) / 2
        middles.append(float(from_corners @ (last - first)) / float(np.square(last - first).sum()))
    return float(np.mean(middles))


def turn(measured: FaceMeasurement, reference: FaceMeasurement) -> Turn:
    """Return how the head is turned, compared with another picture of it."""
    return compare(measured.mesh, reference.mesh)


def _mean_eyes(several: list[Eyes]) -> Eyes:
    def mean(eyes: list[Eye]) -> Eye:
        return Eye(
            np.mean([eye.centre for eye in eyes], axis=0).astype(np.float32),
            float(np.mean([eye.radius_px for eye in eyes])),
            np.mean([eye.upper for eye in eyes], axis=0).astype(np.float32),
            np.mean([eye.lower for eye in eyes], axis=0).astype(np.float32),
        )

    return Eyes(mean([eyes.left for eyes in several]), mean([eyes.right for eyes in several]))
