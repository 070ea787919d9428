"""From the two lists that BlazeFace computes to faces: anchors, decoding, and merging what overlaps.

It does what MediaPipe's graph does with them (SsdAnchorsCalculator, TensorsToDetectionsCalculator,
NonMaxSuppressionCalculator; https://github.com/google-ai-edge/mediapipe), in pixels of the network's input.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

VALUES = 16
"""For each anchor: centre and size of the box, then six points; x before y, counted from the anchor."""
_KEYPOINTS = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Grid:
    """Anchors that cover the input evenly."""

    cells: int
    """Along a side; anchors stand in their middles."""
    anchors: int
    """In each cell, all at the same place: the network fills them one by one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Where a network looks."""

    side_px: int
    grids: tuple[Grid, ...]

    def anchors(self) -> NDArray[np.float32]:
        """Return (count, 2): x and y of every anchor, in the order of the network's lists."""
        parts = []
        for grid in self.grids:
            middles = (np.arange(grid.cells, dtype=np.float32) + 0.5) * (self.side_px / grid.cells)
            places = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
            parts.append(places.repeat(grid.anchors, axis=0))
        return np.concatenate(parts).astype(np.float32)


SHORT_RANGE = Layout(128, (Grid(16, 2), Grid(8, 6)))
FULL_RANGE = Layout(192, (Grid(48, 1),))


@dataclasses.dataclass(frozen=True, slots=True)
class Detection:
    """A face in pixels of the network's input."""

    corners: NDArray[np.float32]
    """(4,): left, top, right, bottom."""
    keypoints: NDArray[np.float32]
    """(6, 2)."""
    score: float
    """0..1."""


def detections(
    values: NDArray[np.float32],
    logits: NDArray[np.float32],
    anchors: NDArray[np.float32],
    least_score: float,
    most_overlap: float,
) -> Iterator[Detection]:
    """Yield the faces, the surest first. `values` (count, 16) and `logits` (count,) are the network's lists.

    Boxes that overlap by more than `most_overlap` (intersection over union) are one face: their mean, weighted by
    their scores. It is calmer from frame to frame than the best of them alone.
    """
    near = np.flatnonzero(logits >= math.log(least_score / (1.0 - least_score)))
    if not near.size:
        return
    near = near[np.argsort(-logits[near], kind="stable")]
    own, places = values[near], anchors[near]
    half = own[:, 2:4] / 2
    corners = np.concatenate([own[:, :2] + places - half, own[:, :2] + places + half], axis=1)
    keypoints = own[:, 4:].reshape(-1, _KEYPOINTS, 2) + places[:, None]
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits[near], -80.0, 80.0)))
    left = np.flatnonzero((half > 0).all(axis=1))  # not so where a value is no number, either
    while left.size:
        same = _overlaps(corners[left[0]], corners[left]) > most_overlap
        same[0] = True
        group = left[same]
        left = left[~same]
        weights = scores[group] / scores[group].sum()
        yield Detection(
            weights @ corners[group], np.einsum("n,nkc->kc", weights, keypoints[group]), float(scores[group[0]])
        )


def _overlaps(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return intersection over union of one box with each of the others; corners, (4,) and (n, 4)."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = np.maximum(sides, 0.0).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(common / ((box[2:] - box[:2]).prod() + areas - common), np.float32)
