"""The irises and lids of one face, by MediaPipe's `iris_landmark.tflite`."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import (
    EYE_CORNERS,
    FaceMesh,
    sample_crop,
    square_crop,
)
from realtime.imaging.frame import Pixels

INPUT_SIDE_PX = 64
CROP_SCALE = 2.3
"""Side of the model's crop over the width of the eye; what the model was trained on."""
_CONTOUR_POINTS, _IRIS_POINTS = 71, 5
_LOWER = slice(0, 9)
"""The first nine contour points run along the lower lid, from the outer corner to the inner one."""
_UPPER = (0, 9, 10, 11, 12, 13, 14, 15, 8)
"""The upper lid between the same corners."""


@dataclasses.dataclass(frozen=True, slots=True)
class Eye:
    """One eye, in pixels of the picture."""

    centre: NDArray[np.float32]
    """(2,) the middle of the iris."""
    radius_px: float
    """Of the iris."""
    upper: NDArray[np.float32]
    """(9, 2) the upper lid's edge, from the corner at the picture's left to the one at its right."""
    lower: NDArray[np.float32]
    """(9, 2) the lower lid's edge, likewise."""

    @property
    def width_px(self) -> float:
        """Distance between the corners."""
        return float(np.linalg.norm(self.upper[-1] - self.upper[0]))

    @property
    def axis(self) -> NDArray[np.float32]:
        """(2,) unit vector from the left corner to the right one."""
        line = self.upper[-1] - self.upper[0]
        return np.asarray(line / np.linalg.norm(line), np.float32)

    @property
    def offset(self) -> tuple[float, float]:
        """Where the iris stands, in eye widths from the middle of the corners: right is positive, down is positive."""
        axis = self.axis
        from_middle = self.centre - (self.upper[0] + self.upper[-1]) / 2
        along = float(from_middle @ axis) / self.width_px
        return along, float(from_middle @ np.array([-axis[1], axis[0]])) / self.width_px

    @property
    def middle(self) -> NDArray[np.float32]:
        """(2,) half way between the corners along the eye, and between the lids across it."""
        axis = self.axis
        down = np.array([-axis[1], axis[0]], np.float32)
        corners = (self.upper[0] + self.upper[-1]) / 2
        lids = (self.upper.mean(axis=0) + self.lower.mean(axis=0)) / 2
        return np.asarray(corners + down * float((lids - corners) @ down), np.float32)

    @property
    def openness(self) -> float:
        """Largest distance between the lids over the eye's width: 0.25 to 0.4 when open. `expression.py` says when it
        is closed.
        """
        axis = self.axis
        gap = (self.lower[1:-1] - self.upper[1:-1]) @ np.array([-axis[1], axis[0]])
        return float(gap.max()) / self.width_px


@dataclasses.dataclass(frozen=True, slots=True)
class Eyes:
    """Both eyes; sides as on the picture."""

    left: Eye
    right: Eye

    @property
    def gaze(self) -> tuple[float, float]:
        """Mean offset of the two irises, eye widths: right and down are positive."""
        (left_x, left_y), (right_x, right_y) = self.left.offset, self.right.offset
        return (left_x + right_x) / 2, (left_y + right_y) / 2

    @property
    def openness(self) -> float:
        """Mean of both."""
        return (self.left.openness + self.right.openness) / 2


class IrisModel:
    """Runs the iris model. Holds a network with buffers of its own: used by one thread."""

    def __init__(self, *, step_px: float = 1.0) -> None:
        """`step_px`: how many of the picture's pixels may lie between two that are looked at.

        Raises ModelError when the model file cannot be read.
        """
        # Here: whoever only holds eyes need not load ONNX Runtime.
        from realtime.faces.landmarks.landmark_network import LandmarkNetwork

        outputs = ((1, _CONTOUR_POINTS * 3), (1, _IRIS_POINTS * 3))
        self._network = LandmarkNetwork("iris_landmark.tflite", INPUT_SIDE_PX, outputs)
        self._step_px = step_px

    def measure(self, pixels: Pixels, mesh: FaceMesh, *, scale: float = 1.0, near: Eyes | None = None) -> Eyes:
        """Return both eyes of a face whose mesh is known. `scale` lays the crops a little larger or smaller; `near`:
        the eyes as found by crops that the mesh's corners laid, which lays better ones.
        """
        near_left, near_right = (None, None) if near is None else (near.left, near.right)
        return Eyes(
            self.measure_one(pixels, mesh, 0, scale=scale, near=near_left),
            self.measure_one(pixels, mesh, 1, scale=scale, near=near_right),
        )

    def measure_one(
        self, pixels: Pixels, mesh: FaceMesh, side: int, *, scale: float = 1.0, near: Eye | None = None
    ) -> Eye:
        """Return one eye as `measure` does: that at the picture's left (0) or right (1)."""
        # Not mirrored is the eye at the picture's left: the model was trained on the one whose outer corner is left.
        return self._run(pixels, mesh.points[list(EYE_CORNERS[side])], scale, near, mirrored=side == 1)

    def _run(
        self,
        pixels: Pixels,
        corners: NDArray[np.float32],
        crop_scale: float,
        near: Eye | None,
        *,
        mirrored: bool,
    ) -> Eye:
        start, end = corners
        line = end[:2] - start[:2]
        angle = math.atan2(float(line[1]), float(line[0]))
        # As wide as in space: the far eye of a face turned away is narrower in the picture, and its iris is not.
        width = float(np.linalg.norm(line if near is None else end - start))
        centre = (start[:2] + end[:2]) / 2 if near is None else near.middle
        scale = width * CROP_SCALE * crop_scale / INPUT_SIDE_PX
        to_picture = square_crop((float(centre[0]), float(centre[1])), scale, angle, INPUT_SIDE_PX, mirrored=mirrored)
        crop = sample_crop(pixels, to_picture, INPUT_SIDE_PX, self._step_px)
        contour, iris = self._network.run(crop)

        def place(output: NDArray[np.float32], count: int) -> NDArray[np.float32]:
            flat = output.reshape(count, 3)[:, :2]
            return np.asarray(flat @ to_picture[:, :2].T + to_picture[:, 2], np.float32)

        lids, rim = place(contour, _CONTOUR_POINTS), place(iris, _IRIS_POINTS)
        lower, upper = lids[_LOWER], lids[list(_UPPER)]
        if mirrored:
            lower, upper = lower[::-1], upper[::-1]
        across, down = np.linalg.norm(rim[1] - rim[3]), np.linalg.norm(rim[2] - rim[4])
        return Eye(rim[0], float(across + down) / 4, upper.copy(), lower.copy())
