"""One face of a picture, moved by poses at camera rate, at the picture's own resolution."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import PortraitError
from realtime.core.language import _
from realtime.faces.landmarks import mesh as face
from realtime.faces.landmarks.measurement import FaceMeasurement
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.portrait.engines.warp.eyes import eye_shape
from realtime.portrait.engines.warp.eyes.eye import EyeGaze, EyeLayers, together
from realtime.portrait.engines.warp.supersampling import SupersampledPicture
from realtime.puppet.eyes import LiveEye
from realtime.puppet.head_warp import HeadWarp
from realtime.puppet.mouth import LipShape, LiveMouth
from realtime.puppet.pose import Pose
from realtime.puppet.sampling import sharply_sampled

T = TypeVar("T", bound=np.generic)

_LEAST_EYE_PX = 6
"""An iris is less than half as wide as its eye: of a smaller one there are not three pixels to turn."""
_LEAST_CONTRAST = 10.0
"""An iris that is darker than what lies beside it by less, grey levels, is not seen: statues have none."""
_FAR_EYE_FROM_DEGREES, _FAR_EYE_FADES_OVER_DEGREES, _FAR_EYE_LEAST = 22.0, 25.0, 0.3
"""Of a face turned away the models see the far eye worse with every degree: from the first of these on it turns less,
down to the last."""
_LID_REACH = 0.15
"""The upper lid's edge stands so far above the middle of an eye, eye widths."""
_STILL = 1e-4
_MARGIN = 1


class Figure:
    """A face that can be moved. Used by one thread."""

    has_irises: bool
    """Whether its irises are seen; eyes without turn nowhere, and still close."""

    def __init__(self, picture: Pixels, seen: FaceMeasurement) -> None:
        """`picture` is kept, and nobody writes into it. Raises PortraitError where its eyes are too small."""
        mesh = seen.mesh
        self._warp = HeadWarp(mesh, Size.of(picture))
        grid = self._warp.grid
        self.place = grid.place
        """All that a pose can change, in the picture."""
        self._own = np.ascontiguousarray(grid.place.of(picture))
        self._fine = fine = SupersampledPicture(picture, grid.place)
        width, height = grid.size
        x = np.arange(width, dtype=np.float32) + (grid.place.left - fine.left)
        y = np.arange(height, dtype=np.float32) + (grid.place.top - fine.top)
        self._base = np.stack(np.meshgrid(2 * x, 2 * y), axis=2)
        self._places = np.empty_like(self._base)
        rows, columns = grid.x.shape
        self._points = np.stack([grid.x, grid.y], axis=2)
        self._features_lower, self._upper, self._lower = (np.zeros((rows, columns, 2), np.float32) for _ in range(3))
        self._mouth = LiveMouth(picture, mesh, grid, self._warp.whole)
        self._eyes = _eyes_of(picture, seen)
        self.has_irises = all(eye.contrast >= _LEAST_CONTRAST for eye, _ in self._eyes)
        yaw = mesh.yaw_degrees
        trust = 1 - (abs(yaw) - _FAR_EYE_FROM_DEGREES) / _FAR_EYE_FADES_OVER_DEGREES
        trust = min(1.0, max(_FAR_EYE_LEAST, trust))
        self._shares = (trust, 1.0) if yaw < 0 else (1.0, trust)

    def draw(self, pose: Pose, out: Pixels) -> None:
        """Draw the face in a pose into `out`, the part of a picture at `place`; all of it is written."""
        if max(map(abs, pose)) < _STILL:
            np.copyto(out, self._own)
            return
        lips = self._mouth.shape(pose)
        is_open = self._mouth.is_open(lips)
        moved = self._moved(pose, lips, is_open=is_open)
        self._spread(moved, self._places)
        sharply_sampled(self._fine.twice, self._places[: self.place.height, : self.place.width], out)
        if is_open:
            self._draw_mouth(lips, out)
        self._draw_eyes(pose, moved, out)

    def least_area(self, pose: Pose) -> float:
        """Return a bound below the least determinant of the warp's Jacobian; 0 or less: it folds."""
        self._warp.turn(pose)
        return self._warp.least_area() * self._mouth.least_area(self._mouth.shape(pose))

    def _moved(self, pose: Pose, lips: LipShape, *, is_open: bool) -> Floats:
        """Return how far what arrives at the grid's points has moved, pixels."""
        upper = self._warp.features(pose)
        lower = self._features_lower
        by_upper, by_lower = self._mouth.movements(lips)
        part = self._mouth.part
        back = self._warp.turn(pose)
        if not is_open:
            below = self._mouth.below(self._points[part][..., 0], self._points[part][..., 1], lips)
            upper[part] += np.where(below[..., None], by_lower, by_upper)
            self._warp.after_turn(upper, self._upper)
            self._upper += back
            return self._upper
        np.copyto(lower, upper)
        upper[part] += by_upper
        lower[part] += by_lower
        for features, total in ((upper, self._upper), (lower, self._lower)):
            self._warp.after_turn(features, total)
            total += back
        at_rest = self._points - back
        below = self._mouth.below(at_rest[..., 0], at_rest[..., 1], lips)
        return np.where(below[..., None], self._lower, self._upper)

    def _spread(self, moved: Floats, out: Floats) -> None:
        """Write where in the enlarged picture all pixels of the region come from."""
        cv2.resize(moved, (out.shape[1], out.shape[0]), dst=out, interpolation=cv2.INTER_LINEAR)
        np.multiply(out, -2, out=out)
        np.add(out, self._base, out=out)

    def _draw_mouth(self, lips: LipShape, out: Pixels) -> None:
        back = self._warp.turned
        at_rest = self._points - back
        near = self._mouth.about_opening(at_rest[..., 0], at_rest[..., 1], lips)
        if (patch := self._patch(near)) is None:
            return
        sides = []
        for moved in (self._upper, self._lower):
            places = patch.of(self._base) - 2 * patch.enlarged(moved)
            sides.append(sharply_sampled(self._fine.twice, places))
        still = np.asarray(patch.of(self._base) / 2 - patch.enlarged(back), np.float32)
        x, y = still[..., 0] + np.float32(self._fine.left), still[..., 1] + np.float32(self._fine.top)
        self._mouth.paint(patch.of(out), x, y, sides[0], sides[1], lips)

    def _draw_eyes(self, pose: Pose, moved: Floats, out: Pixels) -> None:
        gaze_x, gaze_y = (pose.gaze_x_degrees, pose.gaze_y_degrees) if self.has_irises else (0.0, 0.0)
        alone = [live.most_of(gaze_x * share) for (_unused, live), share in zip(self._eyes, self._shares, strict=True)]
        closings = (pose.closing_left, pose.closing_right)
        for (_unused, live), degrees, closing in zip(self._eyes, together(alone), closings, strict=True):
            gaze = EyeGaze(degrees, gaze_y, min(1.0, max(0.0, closing)))
            if gaze.is_still:
                continue
            source = self._points - moved
            x, y = source[..., 0], source[..., 1]
            patch = self._patch((x > live.left) & (x < live.right) & (y > live.top) & (y < live.bottom))
            if patch is None:
                continue
            matrix = live.to_drawing()
            matrix[:, 2] += matrix[:, :2] @ np.array([self._fine.left, self._fine.top], np.float32)
            matrix[:, :2] /= 2
            live.paint(patch.of(out), np.asarray(cv2.transform(patch.of(self._places), matrix), np.float32), gaze)

    def _patch(self, points: NDArray[np.bool_]) -> _Patch | None:
        """Return the region's part about some of the grid's points (rows, columns)."""
        rows, columns = np.flatnonzero(points.any(axis=1)), np.flatnonzero(points.any(axis=0))
        if not len(rows):
            return None
        last_row, last_column = points.shape[0] - 1 - _MARGIN, points.shape[1] - 1 - _MARGIN
        top, bottom = max(_MARGIN, int(rows[0]) - 1), min(last_row, int(rows[-1]) + 2)
        left, right = max(_MARGIN, int(columns[0]) - 1), min(last_column, int(columns[-1]) + 2)
        if top >= bottom or left >= right:
            return None
        return _Patch(top, bottom, left, right, self._warp.grid.step_px, Size(self.place.width, self.place.height))


@dataclasses.dataclass(frozen=True, slots=True)
class _Patch:
    """A part of the head's region, by points of the grid; none of them is at its rim."""

    top: int
    bottom: int
    left: int
    right: int
    step_px: int
    size: Size
    """Of the region, pixels."""

    def of(self, pixels: NDArray[T]) -> NDArray[T]:
        """Return the part of an array over the region."""
        step = self.step_px
        return pixels[
            self.top * step : min(self.size.height, self.bottom * step),
            self.left * step : min(self.size.width, self.right * step),
        ]

    def enlarged(self, values: Floats) -> Floats:
        """Return the part of an array over the grid, enlarged to the region's pixels."""
        step = self.step_px
        few = np.ascontiguousarray(
            values[self.top - _MARGIN : self.bottom + _MARGIN, self.left - _MARGIN : self.right + _MARGIN]
        )
        many = cv2.resize(few, (few.shape[1] * step, few.shape[0] * step), interpolation=cv2.INTER_LINEAR)
        edge = _MARGIN * step
        height = min(self.size.height, self.bottom * step) - self.top * step
        width = min(self.size.width, self.right * step) - self.left * step
        return np.asarray(many[edge : edge + height, edge : edge + width], np.float32)


def _eyes_of(picture: Pixels, seen: FaceMeasurement) -> list[tuple[eye_shape.EyeShape, LiveEye]]:
    eyes = []
    shapes = eye_shape.fit(picture, seen.eyes, seen.mesh)
    for shape, brow in zip(shapes, (face.RIGHT_BROW, face.LEFT_BROW), strict=True):
        if shape.width_px < _LEAST_EYE_PX:
            raise PortraitError(_("the eyes are too small to move; use a larger picture of this face"))
        lower_edge_of_brow = float(seen.mesh.points[list(brow[5:]), 1].mean())
        lid = float(shape.middle_px[1]) - _LID_REACH * shape.width_px
        eyes.append((shape, LiveEye(EyeLayers(picture, shape, lid - lower_edge_of_brow))))
    return eyes
