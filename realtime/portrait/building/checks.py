"""Measures finished frames on their pixels: sharpness, seam, and what must have stayed as it was."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.detection.blazeface import open_still
from realtime.faces.detection.still_pictures import sees
from realtime.faces.landmarks.measurement import FaceMeasurement
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Box, Pixels
from realtime.portrait.building.gaze_row import Row
from realtime.portrait.building.moving_faces import MovingFaces
from realtime.portrait.pack import Place
from realtime.portrait.quality.judge import Pictures, make_report
from realtime.portrait.quality.report import Report
from realtime.portrait.quality.sharpness import sharpness


class Checks:
    """Gathers figures of frames as they are made, so that none has to be kept."""

    def __init__(self, moving: MovingFaces, originals: Sequence[FaceMeasurement], row: Row) -> None:
        self._moving = moving
        self._originals = originals
        self._row = row
        self._own = moving.place.of(moving.picture)
        self._boxes = [_within(original.mesh.box, moving.place) for original in originals]
        self._sharp = [max(1e-6, sharpness(box.of(self._own))) for box in self._boxes]
        self._least_sharp = [math.inf] * len(originals)
        self._outside = 0.0
        self._least_area = math.inf
        self._ever_changed = np.zeros(self._own.shape[:2], np.bool_)

    def add(self, frame: Pixels, motions: Sequence[Motion]) -> None:
        """Take a frame of any row."""
        for number, box in enumerate(self._boxes):
            self._least_sharp[number] = min(self._least_sharp[number], sharpness(box.of(frame)) / self._sharp[number])
        difference = cv2.absdiff(frame, self._own).max(axis=2)
        self._ever_changed |= difference > 0
        rim = (difference[0], difference[-1], difference[:, 0], difference[:, -1])
        self._outside = max(self._outside, *(float(side.max()) for side in rim))
        areas = [engine.least_area(motion) for engine, motion in zip(self._moving.engines, motions, strict=True)]
        self._least_area = min(self._least_area, *areas, math.inf)

    def reports(self) -> list[Report]:
        """Return a report for each face."""
        frames = self._row.frames
        middle = frames[len(frames) // 2]
        seam = self._seam()
        detector = open_still("short")
        try:
            found = [
                sum(sees(detector, self._moving.whole(frame), original.mesh.box) for frame in frames)
                for original in self._originals
            ]
        finally:
            detector.close()
        return [
            make_report(
                original,
                self._row.measured[number],
                self._row.irises[number],
                self._row.iris_brightness[number],
                Pictures(
                    found=found[number],
                    sharpness_least=self._least_sharp[number],
                    middle_difference=float(cv2.absdiff(middle, self._own).mean()),
                    outside_difference=self._outside,
                    least_area=self._least_area,
                    seam=seam,
                ),
                self._row.driven,
            )
            for number, original in enumerate(self._originals)
        ]

    def _seam(self) -> float:
        """Return the steepest gradients (99th percentile) along the line where frames begin to differ, over the
        picture's own there; the worst of the middle row.
        """
        changed = cv2.morphologyEx(self._ever_changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        line = (cv2.dilate(changed, np.ones((5, 5), np.uint8)) - cv2.erode(changed, np.ones((5, 5), np.uint8))) > 0
        if not line.any():
            return 1.0
        own = float(np.percentile(_gradient(self._own)[line], 99))
        return max(float(np.percentile(_gradient(frame)[line], 99)) for frame in self._row.frames) / max(1.0, own)


def _gradient(pixels: Pixels) -> NDArray[np.float32]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return np.asarray(np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)), np.float32)


def _within(box: Box, place: Place) -> Place:
    """Return a box within a place, in that place's own pixels."""
    left, top = max(0, round(box.left) - place.left), max(0, round(box.top) - place.top)
    right = min(place.width, round(box.left + box.width) - place.left)
    bottom = min(place.height, round(box.top + box.height) - place.top)
    return Place(left, top, max(1, right - left), max(1, bottom - top))
