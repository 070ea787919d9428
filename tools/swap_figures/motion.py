"""Steadiness and lag: whether a still face stays still, and whether a moving one is followed at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import EYES, LIPS, FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Doubles
from tools.swap_figures.faces import eye_distance_px
from tools.swap_figures.material import Clip, shifted
from tools.swap_figures.wearing import region


def change(before: Pixels, after: Pixels, mask: NDArray[np.uint8]) -> float:
    """Mean |after − before| where the mask is set, grey levels."""
    return float(np.mean(cv2.mean(cv2.absdiff(before, after), mask)[:3]))


def restlessness(mesh: FaceMesh, before: FaceMesh) -> float:
    """How far the mesh moved from one frame to the next, as a share of the eye distance."""
    moved = np.linalg.norm(mesh.points[:, :2] - before.points[:, :2], axis=1)
    return float(moved.mean()) / eye_distance_px(mesh)


def stillest(moved: Sequence[float], length: int) -> slice:
    """The run of `length` steps with the least motion. `nan` is a step nobody saw."""
    values = np.nan_to_num(np.asarray(moved, np.float64), nan=np.inf)
    length = min(length, len(values))
    sums = [values[start : start + length].sum() for start in range(len(values) - length + 1)]
    start = int(np.argmin(sums))
    return slice(start, start + length)


# Lag -----------------------------------------------------------------------------------------------------------------

REST = 20
"""Frames before the motion begins: filters and light settle."""


def sine(fps: float, reach_px: int, hertz: float, count: int) -> list[tuple[int, int]]:
    """A sideways sway in whole pixels, after a rest; each frame's place."""
    turns = 2 * np.pi * hertz * np.maximum(np.arange(count) - REST, 0) / fps
    return [(int(x), 0) for x in np.rint(reach_px * np.sin(turns))]


def step(reach_px: int, count: int) -> list[tuple[int, int]]:
    """A jump downwards, after a rest."""
    return [(0, reach_px if index >= REST else 0) for index in range(count)]


def moved_clip(name: str, still: Pixels, fps: float, path: Sequence[tuple[int, int]]) -> Clip:
    """A still picture moved along a path of whole pixels."""
    return Clip(name, fps, [shifted(still, right, down) for right, down in path])


@dataclasses.dataclass(frozen=True, slots=True)
class Follower:
    """Says how far a finished frame's face lies from where the motion put it. Only what is the new face's own is
    looked at: not the eyes and the inside of the mouth, which are the viewer's.
    """

    reference: NDArray[np.float32]
    mask: NDArray[np.uint8]
    top_left: tuple[int, int]

    @classmethod
    def on(cls, at_rest: Sequence[Pixels], mesh: FaceMesh) -> Follower:
        """`at_rest`: finished frames before the motion begins; `mesh`: the face in them."""
        mask = region(mesh, at_rest[0].shape, 0.8)
        for numbers in (*EYES, LIPS):
            cv2.fillPoly(mask, [np.rint(mesh.points[list(numbers), :2]).astype(np.int32)], 0)
        wide = max(3, round(eye_distance_px(mesh) / 8)) | 1
        mask = np.asarray(cv2.erode(mask, np.ones((wide, wide), np.uint8)), np.uint8)
        left, top, width, height = cv2.boundingRect(mask)
        inside = np.s_[top : top + height, left : left + width]
        mean = np.mean([_grey(pixels)[inside] for pixels in at_rest], axis=0)
        return cls(np.asarray(mean, np.float32), np.ascontiguousarray(mask[inside]), (left, top))

    def off_px(self, pixels: Pixels, moved: tuple[int, int]) -> Doubles:
        """(2,) where the face is, counted from where it should be, having been moved by `moved` whole pixels."""
        height, width = self.mask.shape
        left, top = self.top_left
        # The motion is undone first: what is left is small, and there is no mistaking one wrinkle for the next.
        back = _grey(shifted(pixels, -moved[0], -moved[1]))[top : top + height, left : left + width]
        return small_shift(self.reference, back, self.mask)


def _grey(pixels: Pixels) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.float32)


def small_shift(reference: NDArray[np.float32], picture: NDArray[np.float32], mask: NDArray[np.uint8]) -> Doubles:
    """(2,) how far `picture` lies from `reference`, right and down, px: Lucas and Kanade's least squares, coarse to
    fine, with a gain and an offset of the light left free.
    """
    found = np.zeros(2)
    counts = mask > 0
    for sigma in (6.0, 3.0, 1.5, 1.5):
        reference_blurred = cv2.GaussianBlur(reference, (0, 0), sigma)
        moved = cv2.warpAffine(
            picture,
            np.array([[1, 0, -found[0]], [0, 1, -found[1]]], np.float32),
            (picture.shape[1], picture.shape[0]),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        moved_blurred = cv2.GaussianBlur(moved, (0, 0), sigma)
        across = (np.gradient(moved_blurred, axis=1) + np.gradient(reference_blurred, axis=1)) / 2
        down = (np.gradient(moved_blurred, axis=0) + np.gradient(reference_blurred, axis=0)) / 2
        columns = np.stack(
            [-across[counts], -down[counts], reference_blurred[counts], np.ones(int(counts.sum()))], axis=1
        )
        answer, *_ = np.linalg.lstsq(columns, (moved_blurred - reference_blurred)[counts], rcond=None)
        found += answer[:2]
    return found


def lag_frames(off_px: Doubles, path_px: Doubles) -> float:
    """How many frames late something follows a path: what it is off, laid along how fast the path runs. Both (n, 2),
    frame by frame. 0: at once; 1: it is where the path was a frame ago.
    """
    speed = np.gradient(path_px, axis=0)
    return float(-(off_px * speed).sum() / (speed**2).sum())


def arrived(off_px: Doubles, reach_px: float, after: int = REST) -> list[float]:
    """The share of a jump made in the frame of the jump and in the three after it."""
    length = np.asarray(off_px)[after : after + 4, 1]
    return [float(1 + off / reach_px) for off in length]
