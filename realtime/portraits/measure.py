"""Measures a finished picture of a face with the program's own models: where it looks, how it is turned."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from realtime.faces import mesh as face
from realtime.faces.iris import Eye, Eyes, IrisModel
from realtime.faces.mesh import FaceMesh, MeshModel, Turn, compare
from realtime.frame import Face, Pixels
from realtime.model_store import Progress, model_file, no_progress
from realtime.portraits import eye_shape
from realtime.portraits.eye_shape import EyeShape

_CROPS = ((1.0, 0.0, 0.0), (1.05, 0.015, 0.0), (0.96, -0.015, 0.01), (1.02, 0.0, -0.015), (1.08, -0.01, 0.0))
"""Scale and shift of the crops that are measured and averaged. One run on one crop wanders by ±0.3° of yaw and ±0.01
eye widths of gaze from frame to frame, as much as a step between two of 33 frames; the mean of five by a third."""


_EYE_CROPS = (0.92, 0.96, 1.0, 1.04, 1.09)
"""Scales of the eyes' crops, averaged likewise."""


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """One face in one picture."""

    mesh: FaceMesh
    eyes: Eyes
    gaze: tuple[float, float]
    """Where the irises stand: from the middle between the corners of their eyes, in eye widths, mean of both eyes;
    right and down are positive."""


@dataclasses.dataclass(frozen=True, slots=True)
class Irises:
    """What both irises of one face look like."""

    radius_px: float
    """Of both, by the circles that fit the picture best."""
    brightness: float
    """Mean of their middles, highlights left out, 0..255."""


class Meter:
    """Runs mesh and iris models on pictures. Used by one thread."""

    def __init__(self, progress: Progress = no_progress) -> None:
        """Raises ModelError when a model file cannot be had."""
        self.meshes = MeshModel(model_file("face_landmark.tflite", progress))
        self.irises = IrisModel(model_file("iris_landmark.tflite", progress))

    def find(self, pixels: Pixels, found: Face) -> Measured:
        """Measure a face that a detector found."""
        return self.measure(pixels, self.meshes.measure(pixels, found))

    def measure(self, pixels: Pixels, near: FaceMesh) -> Measured:
        """Measure the face that lies about where `near` says."""
        meshes = [self.meshes.again(pixels, near, scale=scale, shift=(right, down)) for scale, right, down in _CROPS]
        points = np.mean([mesh.points for mesh in meshes], axis=0).astype(np.float32)
        mesh = FaceMesh(points, float(np.mean([mesh.score for mesh in meshes])))
        eyes = _mean_eyes([self.irises.measure(pixels, mesh, scale=scale) for scale in _EYE_CROPS])
        return Measured(mesh, eyes, gaze(mesh, eyes))


def look_at_irises(pixels: Pixels, measured: Measured) -> Irises:
    """Return what the irises of a measured face look like."""
    shapes = eye_shape.fit(pixels, measured.eyes, measured.mesh)
    brightness = float(np.mean([_iris_brightness(pixels, shape) for shape in shapes]))
    return Irises(shapes[0].radius * shapes[0].width_px, brightness)


def gaze(mesh: FaceMesh, eyes: Eyes) -> tuple[float, float]:
    """Return where the irises stand along and across their eyes (see `Measured.gaze`).

    The corners are the mesh's: the iris model's own wander with the iris, by about half its movement.
    """
    corners = (
        (eyes.left, face.RIGHT_EYE_OUTER, face.RIGHT_EYE_INNER),
        (eyes.right, face.LEFT_EYE_INNER, face.LEFT_EYE_OUTER),
    )
    offsets = []
    for eye, start, end in corners:
        first, last = mesh.points[start, :2], mesh.points[end, :2]
        width = float(np.linalg.norm(last - first))
        axis = (last - first) / width
        away = eye.centre - (first + last) / 2
        offsets.append((float(away @ axis) / width, float(away @ np.array([-axis[1], axis[0]])) / width))
    return float(np.mean([x for x, _ in offsets])), float(np.mean([y for _, y in offsets]))


def _iris_brightness(pixels: Pixels, shape: EyeShape) -> float:
    steps = np.linspace(-0.7, 0.7, 15, dtype=np.float32) * shape.radius
    along, across = np.meshgrid(steps + shape.iris[0], steps + shape.iris[1])
    upper, lower = shape.lids(along)
    inside = np.hypot(along - shape.iris[0], across - shape.iris[1]) < 0.7 * shape.radius
    inside &= (across > upper + 0.06) & (across < lower - 0.03)
    x, y = shape.picture_of(along, across)
    sampled = cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).mean(axis=2)
    return float(np.median(sampled[inside])) if inside.any() else float(np.median(sampled))


def turn(here: Measured, reference: Measured) -> Turn:
    """Return how the head is turned, compared with another picture of it."""
    return compare(here.mesh, reference.mesh)


def _mean_eyes(several: list[Eyes]) -> Eyes:
    def mean(eyes: list[Eye]) -> Eye:
        return Eye(
            np.mean([eye.centre for eye in eyes], axis=0).astype(np.float32),
            float(np.mean([eye.radius_px for eye in eyes])),
            np.mean([eye.upper for eye in eyes], axis=0).astype(np.float32),
            np.mean([eye.lower for eye in eyes], axis=0).astype(np.float32),
        )

    return Eyes(mean([eyes.left for eyes in several]), mean([eyes.right for eyes in several]))


def sharpness(pixels: Pixels) -> float:
    """Return the variance of the Laplacian of the picture's brightness."""
    return float(cv2.Laplacian(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())
