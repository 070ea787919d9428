"""A film's first face, followed as the program follows it, for measures that look at single parts of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from realtime.face_compositing.face_geometry import FaceGeometry, with_rim
from realtime.faces.landmarks.mesh import FaceMesh, MeshModel
from realtime.faces.tracking.mesh_tracker import WornMeshTracker
from realtime.faces.tracking.tracker import FaceTracker
from realtime.imaging.frame import Frame, Pixels, Size
from tools.swap_figures.wearing import open_detector

_SIDE_PX = 480


def followed(pictures: Sequence[Pixels], fps: float) -> Iterator[tuple[FaceMesh, FaceMesh] | None]:
    """The mesh as the program has it, calmed and as measured; None where nobody can be followed."""
    mesh_tracker = WornMeshTracker(MeshModel(step_px=2.0))
    detector, tracker = open_detector(), FaceTracker()
    try:
        for index, pixels in enumerate(pictures):
            frame = Frame(pixels, index / fps, index / fps, index)
            faces = tracker.update(detector.find(frame), frame.pts_s)
            mesh = mesh_tracker.follow(pixels, faces[0], frame.pts_s) if faces else None
            measured = mesh_tracker.measured
            yield None if mesh is None or measured is None else (mesh, measured)
    finally:
        detector.close()


def geometries(pictures: Sequence[Pixels], fps: float) -> Iterator[tuple[int, FaceMesh, FaceGeometry]]:
    """The first face of each picture in which one can be followed: the picture's number, the mesh, and where it lies;
    the geometry is the same object each time.
    """
    geometry = FaceGeometry()
    for index, meshes in enumerate(followed(pictures, fps)):
        if meshes is None:
            continue
        geometry.update(meshes[0], Size.of(pictures[index]), with_rim(meshes[0].points[:, :2]), meshes[1])
        if not geometry.is_empty:
            yield index, meshes[0], geometry


def square(pixels: Pixels) -> Pixels:
    """Return the middle of a picture, (480, 480, 3)."""
    side = min(pixels.shape[:2])
    left = (pixels.shape[1] - side) // 2
    middle = pixels[:side, left : left + side]
    return np.asarray(cv2.resize(middle, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)
