"""Frames through the swap as the program does it, and the same faces measured before and after."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.effects import EffectContext
from realtime.effects.scene import Scene
from realtime.effects.swap import SwapEffect, SwapSettings
from realtime.faces import DETECTORS, FaceDetector
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import OVAL, FaceMesh
from realtime.faces.tracking.tracker import FaceTracker
from realtime.imaging.frame import Face, Frame, Pixels
from realtime.swap.photo.loading import read_source
from tools.extraction.likeness import Embedding
from tools.swap_figures.material import Clip
from tools.swap_figures.smiles import SmileJudges


class Eyes:
    """Detector, mesh, face embedding and classifiers: what figures are read off with."""

    def __init__(self, embedding: Path, judges: Sequence[Path] = ()) -> None:
        """`judges`: classifiers that know a smile. Raises ModelError."""
        self.meter = FaceMeasurer()
        self.embedding = Embedding(embedding)
        self.smiles = SmileJudges(judges)

    def photo(self, path: Path) -> NDArray[np.float32]:
        """Who is in a photo. Raises EffectError where nobody is."""
        source = read_source(path, self.meter)
        return self.embedding.of(source.photo, source.mesh)


@dataclasses.dataclass(slots=True)
class Seen:
    """One frame of a clip, looked at before any swap."""

    frame: Frame
    faces: list[Face]
    """As the program's tracker gives them, the viewer first."""
    near: FaceMesh | None
    """About where the viewer's face lies; None: nobody is seen."""
    mesh: FaceMesh | None
    """The same, measured on the crop that `near` lays: the finished frame is measured on the very same crop."""


def watch(clip: Clip, eyes: Eyes) -> list[Seen]:
    """Find and measure the viewer in every frame."""
    detector, tracker = open_detector(), FaceTracker()
    seen: list[Seen] = []
    try:
        for frame in clip.frames():
            faces = tracker.update(detector.find(frame), frame.pts_s)
            in_picture = [face for face in faces if face.lost_for_s == 0]
            if not in_picture:
                seen.append(Seen(frame, faces, None, None))
                continue
            near = eyes.meter.meshes.measure(frame.pixels, in_picture[0])
            mesh = eyes.meter.meshes.again(frame.pixels, near)
            seen.append(Seen(frame, faces, near, mesh))
    finally:
        detector.close()
    return seen


def render(seen: Sequence[Seen], argument: str, settings: SwapSettings | None = None) -> Iterator[Pixels]:
    """The frames with another face in them. A picture is valid until two more were made. Raises a RealtimeError."""
    effect = open_swap(argument, settings)
    try:
        for each in seen:
            yield effect.make(Scene(each.frame, each.faces)).pixels
    finally:
        effect.close()


def open_swap(argument: str, settings: SwapSettings | None = None) -> SwapEffect:
    """The effect as `--effect swap:ARGUMENT` opens it, for every frame of recorded material."""
    return SwapEffect.open(argument, settings or SwapSettings(), EffectContext(every_frame=True, provider="cpu"))


def open_detector() -> FaceDetector:
    """The detector that the program takes where nobody names another."""
    detector = DETECTORS["full"].load()()
    assert isinstance(detector, FaceDetector)
    return detector


def outline(mesh: FaceMesh) -> NDArray[np.float32]:
    """(36, 2) the outline of a face, pixels."""
    return np.asarray(mesh.points[list(OVAL), :2], np.float32)


def region(mesh: FaceMesh, shape: tuple[int, ...], share: float = 1.0) -> NDArray[np.uint8]:
    """(height, width) uint8: 255 inside the face's outline, drawn together to `share` of its size."""
    mask = np.zeros(shape[:2], np.uint8)
    points = outline(mesh)
    middle = points.mean(axis=0)
    hull = cv2.convexHull(np.rint(middle + share * (points - middle)).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 255)
    return mask
