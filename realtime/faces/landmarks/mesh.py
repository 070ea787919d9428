"""The face mesh: 468 points with depth on one face, by MediaPipe's `face_landmark.tflite`."""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Box, Face, Pixels
from realtime.imaging.numerics import best_similarity
from realtime.imaging.pixels import cut_square

POINT_COUNT = 468
INPUT_SIDE_PX = 192
CROP_SCALE = 1.5
"""Side of the model's crop over the side of the face's box; what the model was trained on."""

# Points by number, sides as the person's own (see the package). The numbering is that of MediaPipe's canonical face.
NOSE_TIP = 1
FOREHEAD_TOP = 10
CHIN = 152
RIGHT_CHEEK, LEFT_CHEEK = 234, 454
RIGHT_EYE_OUTER, RIGHT_EYE_INNER = 33, 133
LEFT_EYE_INNER, LEFT_EYE_OUTER = 362, 263
EYE_CORNERS = ((RIGHT_EYE_OUTER, RIGHT_EYE_INNER), (LEFT_EYE_INNER, LEFT_EYE_OUTER))
"""From the picture's left to its right: of the eye at its left (the person's right one) and of the other, each the
corner at the left and the one at the right."""
MOUTH_RIGHT, MOUTH_LEFT = 61, 291
_KEYPOINTS = np.array([*EYE_CORNERS, (NOSE_TIP, NOSE_TIP), (MOUTH_RIGHT, MOUTH_LEFT)])
"""Each of the detector's is the middle of two points."""
LIP_UPPER_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LIP_LOWER_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
RIGHT_BROW = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55)
LEFT_BROW = (300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The outline of the face, once around, from the top of the forehead to the person's left."""
EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)
LIDS = (
    (130, 247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25),
    (463, 414, 286, 258, 257, 259, 260, 467, 359, 255, 339, 254, 253, 252, 256, 341),
)
"""For each point of `EYES` the one behind it: the crease above, the bag below."""
MOUTH = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
"""Edges of the lids, inner edges of the lips: once around."""
LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)

RIGID = (
    1, 4, 5, 6, 168, 197, 195, 8, 9, 151, 10, 67, 297, 109, 338, 33, 133, 362, 263, 234, 454, 127, 356,
    98, 327, 2, 94, 117, 346, 50, 280, 205, 425,
)  # fmt: skip
"""Points that neither speech nor blinking moves much: head poses are fitted to these."""


@dataclasses.dataclass(frozen=True, slots=True)
class FaceMesh:
    """The mesh of one face."""

    points: NDArray[np.float32]
    """(468, 3): x and y in pixels of the picture; depth in the same unit, smaller is nearer to the viewer."""
    score: float
    """The model's confidence that there is a face, 0..1."""

    @property
    def width_px(self) -> float:
        """Distance between the outer ends of the cheeks, in the picture's plane and in depth."""
        return float(np.linalg.norm(self.points[LEFT_CHEEK] - self.points[RIGHT_CHEEK]))

    @property
    def yaw_degrees(self) -> float:
        """How far the head is turned about its own vertical: positive towards the right edge of the picture."""
        across = self.points[LEFT_CHEEK] - self.points[RIGHT_CHEEK]
        return math.degrees(math.atan2(float(across[2]), float(np.hypot(across[0], across[1]))))

    @property
    def roll_degrees(self) -> float:
        """The slope of the line through the outer corners of the eyes: positive clockwise on the screen."""
        line = self.points[LEFT_EYE_OUTER] - self.points[RIGHT_EYE_OUTER]
        return math.degrees(math.atan2(float(line[1]), float(line[0])))

    @property
    def keypoints(self) -> NDArray[np.float32]:
        """(4, 2): where a detector has its keypoints of this face, but for the ears (`Face.keypoints`)."""
        return np.asarray(self.points[_KEYPOINTS, :2].mean(axis=1))

    @property
    def box(self) -> Box:
        """The rectangle around all points."""
        least, most = self.points[:, :2].min(axis=0), self.points[:, :2].max(axis=0)
        return Box(float(least[0]), float(least[1]), float(most[0] - least[0]), float(most[1] - least[1]))


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """How a head stands compared with another picture of the same head."""

    yaw_degrees: float
    """Positive: turned towards the right edge of the picture."""
    pitch_degrees: float
    """Positive: turned up."""
    roll_degrees: float
    """Positive: clockwise on the screen."""
    scale: float
    """Size over the other picture's."""


class MeshModel:
    """Runs the mesh model. Holds a network with buffers of its own: used by one thread."""

    def __init__(self, *, step_px: float = 1.0) -> None:
        """`step_px`: how many of the picture's pixels may lie between two that are looked at. 2 spares half of the time
        to cut a large face out (0.7 ms of one as high as a 720p frame), and is enough for films.

        Raises ModelError when the model file cannot be read.
        """
        # Here: whoever only holds meshes need not load ONNX Runtime.
        from realtime.faces.landmarks.landmark_network import LandmarkNetwork

        outputs = ((1, 1, 1, POINT_COUNT * 3), (1, 1, 1, 1))
        self._network = LandmarkNetwork("face_landmark.tflite", INPUT_SIDE_PX, outputs)
        self._step_px = step_px

    def measure(self, pixels: Pixels, face: Face) -> FaceMesh:
        """Return the mesh of a face that a detector found.

        The model runs twice: the second time on a crop laid by the first mesh instead of by the detector's box, which
        makes the result independent of how exactly the box sat (it wanders by a few per cent from frame to frame).
        """
        eyes = face.keypoints[1] - face.keypoints[0]
        angle = math.atan2(float(eyes[1]), float(eyes[0]))
        first = self._run(pixels, face.box.centre, max(face.box.width, face.box.height), angle)
        return self.again(pixels, first)

    def again(
        self, pixels: Pixels, near: FaceMesh, *, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)
    ) -> FaceMesh:
        """Return the mesh of the face that lies about where `near` says: enough from frame to frame of a clip.

        `scale` and `shift` (shares of the crop's side) lay the crop a little differently: the mean of several such
        results is calmer than one.
        """
        line = near.points[LEFT_EYE_OUTER] - near.points[RIGHT_EYE_OUTER]
        angle = math.atan2(float(line[1]), float(line[0]))
        across = np.array([math.cos(angle), math.sin(angle)], np.float32)
        down = np.array([-across[1], across[0]], np.float32)
        x, y = near.points[:, :2] @ across, near.points[:, :2] @ down
        centre = across * (x.max() + x.min()) / 2 + down * (y.max() + y.min()) / 2
        side = max(float(x.max() - x.min()), float(y.max() - y.min()))
        moved = (float(centre[0]) + shift[0] * side, float(centre[1]) + shift[1] * side)
        return self._run(pixels, moved, side * scale, angle)

    def _run(self, pixels: Pixels, centre: tuple[float, float], side_px: float, angle: float) -> FaceMesh:
        scale = side_px * CROP_SCALE / INPUT_SIDE_PX
        to_picture = square_crop(centre, scale, angle, INPUT_SIDE_PX)
        crop = sample_crop(pixels, to_picture, INPUT_SIDE_PX, self._step_px)
        coordinates, score = self._network.run(crop)
        points, logit = coordinates.reshape(POINT_COUNT, 3), float(score.item())
        placed = np.empty((POINT_COUNT, 3), np.float32)
        placed[:, :2] = points[:, :2] @ to_picture[:, :2].T + to_picture[:, 2]
        placed[:, 2] = points[:, 2] * scale
        return FaceMesh(placed, 1 / (1 + math.exp(-max(-50.0, min(50.0, logit)))))


def square_crop(
    centre: tuple[float, float], scale: float, angle: float, side: int, *, mirrored: bool = False
) -> NDArray[np.float32]:
    """Return the (2, 3) matrix from pixels of a rotated square crop to pixels of the picture.

    `scale` is picture pixels for each crop pixel, `angle` (radians, clockwise on the screen) the direction of the
    crop's x axis. A mirrored crop runs along its x axis backwards.
    """
    cosine, sine = math.cos(angle) * scale, math.sin(angle) * scale
    flip = -1.0 if mirrored else 1.0
    matrix = np.array([[cosine * flip, -sine, 0], [sine * flip, cosine, 0]], np.float64)
    matrix[:, 2] = np.array(centre) - matrix[:, :2] @ (side / 2, side / 2)
    return matrix.astype(np.float32)


def sample_crop(pixels: Pixels, to_picture: NDArray[np.float32], side: int, step_px: float = 1.0) -> Pixels:
    """Return the crop's (side, side, 3) pixels. A picture much finer than the crop is averaged over samples that lie
    about `step_px` pixels apart.

    For the mesh and iris models: what they score, and all that is held against it, was measured on these crops. Those
    of face networks are cut by `alignment.sample`, half a sample beside them and finer.
    """
    scale = math.hypot(float(to_picture[0, 0]), float(to_picture[1, 0]))
    finer = max(1, min(8, round(scale / step_px)))
    matrix = to_picture.copy()
    matrix[:, :2] /= finer
    crop = cut_square(pixels, matrix, side * finer)
    if finer > 1:
        crop = np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    return crop


def compare(mesh: FaceMesh, reference: FaceMesh) -> Turn:
    """Return how `mesh` is turned from `reference`, by the rigid points of both."""
    rigid = list(RIGID)
    fit = best_similarity(reference.points[rigid].astype(np.float64), mesh.points[rigid].astype(np.float64))
    rotation = fit.rotation.T
    # rotation = Rz(roll) · Rx(pitch) · Ry(yaw) with x right, y down, z away from the viewer
    forward = rotation @ np.array([0.0, 0.0, -1.0])  # where a nose that pointed at the viewer points now
    yaw = math.atan2(forward[0], -forward[2])
    pitch = math.asin(max(-1.0, min(1.0, -forward[1])))
    sideways = rotation @ np.array([1.0, 0.0, 0.0])
    roll = math.atan2(sideways[1], math.hypot(sideways[0], sideways[2]))
    return Turn(math.degrees(yaw), math.degrees(pitch), math.degrees(roll), fit.scale)
