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

from realtime.imaging.frame import Box

VALUES = 16
"""For each anchor: centre and size of the box, then six points; x before y, counted from the anchor."""


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
        """Return (count, 16), in the order of the network's lists: what must be added to the values of each anchor, its
        x and y to all but the size.
        """
        parts = []
        for grid in self.grids:
            middles = (np.arange(grid.cells, dtype=np.float32) + 0.5) * (self.side_px / grid.cells)
            places = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
            parts.append(places.repeat(grid.anchors, axis=0))
        places = np.concatenate(parts)
        added = np.tile(places, VALUES // 2)
        added[:, 2:4] = 0.0
        return np.asarray(added, np.float32)


SHORT_RANGE = Layout(128, (Grid(16, 2), Grid(8, 6)))
FULL_RANGE = Layout(192, (Grid(48, 1),))


@dataclasses.dataclass(frozen=True, slots=True)
class Detection:
    """A face in pixels of the network's input."""

    box: Box
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
    likely = np.flatnonzero(logits >= math.log(least_score / (1.0 - least_score)))
    if not likely.size:
        return
    likely = likely[np.argsort(-logits[likely], kind="stable")]
    rows = values[likely] + anchors[likely]
    is_valid = (rows[:, 2:4] > 0).all(axis=1)  # not so where a value is no number, either
    rows, scores = rows[is_valid], 1.0 / (1.0 + np.exp(-logits[likely[is_valid]]))
    while len(rows):
        is_same = _overlaps(rows) > most_overlap
        is_same[0] = True
        weights = scores[is_same]
        mean = (weights / weights.sum()) @ rows[is_same]
        x, y, width, height = mean[:4].tolist()
        yield Detection(Box(x - width / 2, y - height / 2, width, height), mean[4:].reshape(-1, 2), float(weights[0]))
        rows, scores = rows[~is_same], scores[~is_same]


def _overlaps(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return intersection over union of the first box with each, itself among them."""
    centres, sizes = rows[:, :2], rows[:, 2:4]
    # Two intervals have in common: half of both lengths, less the distance of their middles, at most the shorter one.
    shared_sides = np.minimum((sizes + sizes[0]) / 2 - np.abs(centres - centres[0]), np.minimum(sizes, sizes[0]))
    np.maximum(shared_sides, 0.0, out=shared_sides)
    intersections = shared_sides[:, 0] * shared_sides[:, 1]
    areas = sizes[:, 0] * sizes[:, 1]
    return np.asarray(intersections / (areas + areas[0] - intersections), np.float32)
