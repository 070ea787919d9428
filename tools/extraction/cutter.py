"""The faces of one picture: found, followed, measured, judged and cut by `realtime.faces.landmarks.alignment`, as
live.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.settings import setting
from realtime.faces import FaceDetector
from realtime.faces.detection.blazeface import StillBlazeFace, open_short_range, open_still
from realtime.faces.landmarks.alignment import FACE, Alignment, cut_face
from realtime.faces.landmarks.mesh import CHIN, FOREHEAD_TOP, FaceMesh, MeshModel
from realtime.faces.tracking.mesh_tracker import LEARNED_FROM, MeshTracker
from realtime.faces.tracking.tracker import FaceTracker
from realtime.imaging.frame import Box, Face, Frame, Pixels
from tools.extraction import CROP_WIDER

JUDGED_SIDE_PX = 128
"""Sharpness is judged at this size, whatever the face's: a network sees no more of it."""
_CUT_DIFFERENCE = 20.0
# Mean difference in grey levels between two frames beyond which there is a cut: three cuts had 26 to 29, people who
# move 13 at most. A face that follows in the same place is somebody else.
_UPRIGHT_DEGREES = 5.0
# The line from forehead to chin slopes away from the viewer by so much on a face that looks straight ahead: the median
# of six clips of people who talk to their camera.


@dataclasses.dataclass(frozen=True)
class Limits:
    """Which faces are kept."""

    least_px: int = dataclasses.field(
        default=80, metadata=setting("a face's side in the picture at least", least=16, unit="px")
    )
    least_sharpness: float = dataclasses.field(
        default=0.015,
        metadata=setting("against blur: variance of the Laplacian over the brightness', at 128 px", least=0),
    )
    most_yaw: float = dataclasses.field(
        default=50.0, metadata=setting("turned aside at most", least=0, most=90, unit="degrees")
    )
    most_pitch: float = dataclasses.field(
        default=30.0, metadata=setting("turned up or down at most", least=0, most=90, unit="degrees")
    )


class Fault(enum.Enum):
    """Why a face is not kept, in the order in which it is asked."""

    NO_FACE = "no face to the mesh model"
    SMALL = "too small"
    TURNED = "turned too far"
    BLURRED = "blurred"
    SAME = "nearly the same as another"


@dataclasses.dataclass(frozen=True, slots=True)
class Cut:
    """One face, measured; `crop`, `inner` and `points` are there where it was worth cutting."""

    track: str
    """The same for one person from frame to frame of a shot; for photos the number, largest face first."""
    face: Face
    fault: Fault | None
    mesh: FaceMesh
    """In pixels of the picture."""
    face_px: float
    """Side of the `face` square in the picture."""
    yaw_degrees: float
    pitch_degrees: float
    """Positive: up."""
    sharpness: float
    inner: Pixels | None
    """The `face` crop, JUDGED_SIDE_PX: what a network would see."""
    crop: Pixels | None
    """What is kept: `face` and CROP_WIDER times as much, side as asked."""
    points: NDArray[np.float32] | None
    """The mesh in pixels of `crop`, (468, 3)."""


class Cutter:
    """Finds and cuts. Used by one thread; a context manager."""

    def __init__(self, limits: Limits, side_px: int) -> None:
        """Raises ModelError when a face model cannot be read."""
        self._limits, self._side_px = limits, side_px
        self._meshes = MeshModel()
        self._inner = Alignment.parse(FACE)
        self._kept = wider(self._inner, CROP_WIDER)
        self._video: FaceDetector = open_short_range()
        self._still: dict[str, StillBlazeFace] = {}
        self._tracker = FaceTracker()
        self._trackers: dict[int, MeshTracker[FaceMesh]] = {}
        self._glance: NDArray[np.int16] = np.zeros((0, 0), np.int16)
        self._shot = 0

    def __enter__(self) -> Cutter:
        return self

    def __exit__(self, *_: object) -> None:
        self._video.close()
        for detector in self._still.values():
            detector.close()

    def begin_clip(self) -> None:
        """Forget everybody: the next frame has nothing to do with the last."""
        self._tracker = FaceTracker()
        self._trackers.clear()
        self._glance = np.zeros((0, 0), np.int16)

    def of_frame(self, frame: Frame) -> Iterator[Cut]:
        """Yield the faces seen in the next frame of a clip, with the identity the tracker gives them."""
        glance = _glance(frame.pixels)
        if glance.shape != self._glance.shape or np.abs(glance - self._glance).mean() > _CUT_DIFFERENCE:
            self.begin_clip()
            self._shot = frame.index
        self._glance = glance
        seen = [face for face in self._tracker.update(self._video.find(frame), frame.pts_s) if face.lost_for_s == 0]
        self._trackers = {face.track_id: self._trackers.get(face.track_id) or self._new_tracker() for face in seen}
        for face in seen:
            tracker = self._trackers[face.track_id]
            mesh = tracker.update(frame.pixels, face) or tracker.rejected
            if mesh is not None:
                yield self._judged(frame.pixels, face, mesh, f"{self._shot}.{face.track_id}")

    def of_photo(self, pixels: Pixels) -> Iterator[Cut]:
        """Yield the faces of a photo, largest first, numbered in that order; far ones too where no near one is."""
        for kind in ("short", "full"):
            if kind not in self._still:
                self._still[kind] = open_still(kind)
            faces = self._still[kind].find(pixels)
            if faces:
                break
        for number, face in enumerate(faces):
            yield self._judged(pixels, face, self._meshes.measure(pixels, face), str(number))

    def _new_tracker(self) -> MeshTracker[FaceMesh]:
        return MeshTracker(self._meshes.measure, self._meshes.again, lambda mesh: mesh, LEARNED_FROM)

    def _judged(self, pixels: Pixels, face: Face, mesh: FaceMesh, track: str) -> Cut:
        limits = self._limits
        to_picture = self._inner.to_picture(mesh, 1)
        face_px = math.hypot(float(to_picture[0, 0]), float(to_picture[1, 0]))
        yaw_degrees, pitch_degrees = mesh.yaw_degrees, pitch_of(mesh)
        sharpness = 0.0
        inner = crop = points = None
        fault: Fault | None = None
        if mesh.score < LEARNED_FROM.least_score:
            fault = Fault.NO_FACE
        elif face_px < limits.least_px:
            fault = Fault.SMALL
        elif abs(yaw_degrees) > limits.most_yaw or abs(pitch_degrees) > limits.most_pitch:
            fault = Fault.TURNED
        else:
            crop, crop_to_picture = cut_face(pixels, mesh, self._kept, self._side_px)
            points = into_crop(mesh, crop_to_picture)
            # Out of the crop, as training will: what a network is going to see.
            inner, _ = cut_face(crop, FaceMesh(points, mesh.score), self._inner, JUDGED_SIDE_PX)
            sharpness = sharpness_of(inner)
            fault = Fault.BLURRED if sharpness < limits.least_sharpness else None
        return Cut(track, face, fault, mesh, face_px, yaw_degrees, pitch_degrees, sharpness, inner, crop, points)


def wider(alignment: Alignment, times: float) -> Alignment:
    """Return the alignment of crops with the same middle and a side so many times as long."""
    return dataclasses.replace(alignment, places=(alignment.places - 0.5) / times + 0.5)


def pitch_of(mesh: FaceMesh) -> float:
    """Return how far a head is turned up, in degrees."""
    down = mesh.points[CHIN] - mesh.points[FOREHEAD_TOP]
    return _UPRIGHT_DEGREES - math.degrees(math.atan2(float(down[2]), float(np.hypot(down[0], down[1]))))


def sharpness_of(face: Pixels) -> float:
    """Return the variance of the Laplacian over the variance of the brightness: the same in dim and in bright light.

    At JUDGED_SIDE_PX, faces of talking people have 0.05 to 0.25; blurred by 1 px 0.01 to 0.03, by 2 px 0.003 to 0.008.
    """
    grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_32F)[2:-2, 2:-2]
    return float(edges.var() / max(1.0, float(grey.astype(np.float32).var())))


def into_crop(mesh: FaceMesh, to_picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mesh's points (468, 3) in pixels of the crop that `to_picture` was made for."""
    to_crop = cv2.invertAffineTransform(to_picture)
    points = np.empty((len(mesh.points), 3), np.float32)
    points[:, :2] = mesh.points[:, :2] @ to_crop[:, :2].T + to_crop[:, 2]
    points[:, 2] = mesh.points[:, 2] * math.hypot(float(to_crop[0, 0]), float(to_crop[1, 0]))
    return points


def _glance(pixels: Pixels) -> NDArray[np.int16]:
    """Return some 600 pixels of a frame, to see a cut by."""
    height, width = pixels.shape[:2]
    return pixels[height // 36 :: max(1, height // 18), width // 64 :: max(1, width // 32), 1].astype(np.int16)


def rounded(box: Box) -> list[float]:
    return [round(side, 1) for side in box]
