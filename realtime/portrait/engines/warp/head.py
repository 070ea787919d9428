"""How the head moves: a smooth displacement of the picture, driven by the depth of the face's mesh.

A head that turns shows each point of its surface moved sideways by its depth times the sine of the turn. The silhouette
lies about as deep as the axis the head turns about, so it hardly moves, and no background is ever uncovered: nothing
tears, there is nothing to invent. What moves by how much is `head_depth.py`; that nothing folds is `displacement.py`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from realtime.faces.landmarks import mesh as face
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Size
from realtime.imaging.numerics import Floats
from realtime.portrait.engines.warp.displacement import Displacement
from realtime.portrait.engines.warp.head_depth import solve_fields


class HeadMotion:
    """The displacement of one head. `region` is all it can reach."""

    def __init__(self, mesh: FaceMesh, size: Size) -> None:
        self._fields = solve_fields(mesh, size)
        self.region = self._fields.region
        self._height_px = mesh.box.height
        roll = math.radians(mesh.roll_degrees)
        self._along, self._down = (math.cos(roll), math.sin(roll)), (-math.sin(roll), math.cos(roll))
        self._centre = mesh.points[[face.RIGHT_CHEEK, face.LEFT_CHEEK], :2].mean(axis=0)

    def turn(self, motion: Motion) -> Displacement:
        """Return how the head's turn, tilt and rise move the points of the face at rest, as far as can be."""
        fields = self._fields
        yaw, pitch, roll = (
            math.radians(angle) for angle in (motion.yaw_degrees, motion.pitch_degrees, motion.roll_degrees)
        )
        x, y = fields.x - self._centre[0], fields.y - self._centre[1]
        right = fields.depth * math.sin(yaw) + fields.whole * (x * (math.cos(yaw) - 1) - y * math.sin(roll))
        down = -fields.depth * math.sin(pitch) + fields.whole * (y * (math.cos(pitch) - 1) + x * math.sin(roll))
        down -= fields.whole * (motion.rise * self._height_px)
        return self._displacement(right, down).gentle()

    def features(self, motion: Motion) -> Displacement:
        """Return how brows and corners of the mouth move in a face at rest; each brought back to what it can do."""
        brows = self._fields.brows * (-motion.brows * self._height_px)
        wide = self._fields.wide * (motion.mouth_wide * self._height_px)
        raised = self._displacement(brows * self._down[0], brows * self._down[1]).gentle()
        widened = self._displacement(wide * self._along[0], wide * self._along[1]).gentle()
        # The two lie apart, so that the sum is as gentle as each of them; on a face where they do not, it is made so.
        return raised.plus(widened).gentle()

    def backward(self, motion: Motion) -> tuple[Floats, Floats]:
        """Return for each pixel of the region where in the picture it comes from: x and y, (height, width) float32.

        The features move in the face at rest and the head turns afterwards: two maps that are one to one, one after the
        other. So a wide mouth takes nothing from the head's turn, as it would if both were kept gentle together.
        """
        moved = self.turn(motion).backward()
        if motion.brows or motion.mouth_wide:
            moved = moved.after(self.features(motion).backward())
        width, height = int(self.region.width), int(self.region.height)
        full_x = cv2.resize(moved.right, (width, height), interpolation=cv2.INTER_CUBIC)
        full_y = cv2.resize(moved.down, (width, height), interpolation=cv2.INTER_CUBIC)
        x = np.arange(width, dtype=np.float32) + np.float32(self.region.left)
        y = np.arange(height, dtype=np.float32) + np.float32(self.region.top)
        return x[None, :] - full_x, y[:, None] - full_y

    def least_area(self, motion: Motion) -> float:
        """Return a bound below the least determinant of the warp's Jacobian: the product of both maps' least ones."""
        area = self.turn(motion).least_area()
        return area * self.features(motion).least_area() if motion.brows or motion.mouth_wide else area

    def share_at(self, x: Floats, y: Floats) -> Floats:
        """Return how much of the head's movement reaches places (h, w) of the picture, pixels: 1 on the face, 0 from
        the rim on.
        """
        across, along = self._fields.steps_px
        at_x = ((x - self.region.left + 0.5) / across - 0.5).astype(np.float32)
        at_y = ((y - self.region.top + 0.5) / along - 0.5).astype(np.float32)
        share = cv2.remap(self._fields.whole, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return np.asarray(share, np.float32)

    def _displacement(self, right: Floats, down: Floats) -> Displacement:
        return Displacement(right.astype(np.float32), down.astype(np.float32), self._fields.steps_px)
