"""The figures of a finished portrait, what each means, and plain words where one is poor."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from realtime.portraits.measure import Irises, Measured, iris_sizes, turn

FAR_EYE_DEGREES = 28.0
"""Of a face turned away farther than this, the models see the far eye too badly to close it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure, and the bar it is held against."""

    value: float
    meaning: str
    bar: str = ""
    """For people: `at least 0.99`; empty where there is none."""
    is_met: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """What was measured on the frames of one face."""

    figures: dict[str, Figure]
    gaze: tuple[float, ...]
    """Of each frame of the middle row, eye widths."""
    yaw_degrees: tuple[float, ...]
    """Of each frame of the middle row, compared with the picture."""
    warnings: tuple[str, ...]

    def as_table(self) -> dict[str, float | str | list[float] | list[str]]:
        """Return the figures for the pack's file."""
        table: dict[str, float | str | list[float] | list[str]] = {
            name: round(figure.value, 4) for name, figure in self.figures.items()
        }
        table["gaze"] = [round(value, 4) for value in self.gaze]
        table["yaw_degrees"] = [round(value, 2) for value in self.yaw_degrees]
        table["warnings"] = list(self.warnings)
        return table

    def lines(self) -> list[str]:
        """Return the figures for the terminal."""
        width = max(len(name) for name in self.figures)
        lines = [
            f"  {name.replace('_', ' '):{width}} {figure.value:9.3f}  {figure.meaning}"
            + (f" ({figure.bar}{'' if figure.is_met else ': missed'})" if figure.bar else "")
            for name, figure in self.figures.items()
        ]
        return lines + [f"  note: {warning}" for warning in self.warnings]


@dataclasses.dataclass(frozen=True, slots=True)
class Pictures:
    """What was measured on the pixels, without any model."""

    found: int
    """In how many frames of the middle row the detector sees the face."""
    sharpness_least: float
    middle_difference: float
    outside_difference: float
    least_area: float
    seam: float


def rank_correlation(values: Sequence[float]) -> float:
    """Return Spearman's rank correlation of the values with their own order; 1: they only ever rise."""
    ranks = np.argsort(np.argsort(np.asarray(values), kind="stable"), kind="stable").astype(np.float64)
    if len(ranks) < 2:
        return 1.0
    return float(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1])


def step_ratio(values: Sequence[float]) -> float:
    """Return the largest step over the mean one; 1: even steps."""
    steps = np.diff(np.asarray(values, np.float64))
    mean = abs(float(steps.mean())) if len(steps) else 0.0
    return float(np.abs(steps).max() / mean) if mean > 0 else 0.0


def make_report(
    original: Measured,
    frames: Sequence[Measured],
    irises: Sequence[Irises],
    iris_brightness: float,
    pictures: Pictures,
) -> Report:
    """Put the figures of one face together.

    `frames`: those of the middle row, from left to right; `irises`: of each of them;
    `iris_brightness`: of the original.
    """
    gaze = [frame.gaze[0] for frame in frames]
    yaw = [turn(frame, original).yaw_degrees for frame in frames]
    size = iris_sizes(irises)
    colour = max(abs(iris.brightness - iris_brightness) for iris in irises) / 255
    figures = {
        "faces_found": Figure(
            pictures.found / len(frames),
            "share of frames the detector sees the face in",
            "1",
            pictures.found == len(frames),
        ),
        "gaze_left": Figure(gaze[0], "where the eyes look in the first frame, eye widths", "-0.12", gaze[0] <= -0.12),
        "gaze_right": Figure(gaze[-1], "and in the last", "0.12", gaze[-1] >= 0.12),
        "gaze_rank": _at_least(rank_correlation(gaze), 0.99, "rank correlation of gaze and frame number"),
        "gaze_step": _at_most(step_ratio(gaze), 1.5, "largest step of the gaze over the mean one"),
        "yaw_left": Figure(yaw[0], "turn of the head in the first frame, degrees"),
        "yaw_right": Figure(yaw[-1], "and in the last"),
        "yaw_rank": _at_least(rank_correlation(yaw), 0.99, "rank correlation of the head's turn and frame number"),
        "yaw_step": _at_most(step_ratio(yaw), 1.5, "largest step of the head's turn over the mean one"),
        "sharpness": _at_least(pictures.sharpness_least, 0.85, "sharpness of the least sharp face over the picture's"),
        "middle_difference": _at_most(
            pictures.middle_difference, 1.0, "mean difference of the middle frame from the picture, grey levels"
        ),
        "outside_difference": _at_most(
            pictures.outside_difference, 0.0, "largest difference outside the head's reach, grey levels"
        ),
        "least_area": Figure(
            pictures.least_area,
            "smallest part of its area any spot is squeezed to",
            "above 0",
            not pictures.least_area <= 0,
        ),
        "seam": _at_most(pictures.seam, 1.02, "gradient along the seam over the picture's own, 99th percentile"),
        "iris_size_least": _at_least(min(size), 0.95, "smallest iris over the picture's"),
        "iris_size_most": _at_most(max(size), 1.05, "largest iris over the picture's"),
        "iris_colour": _at_most(colour, 0.05, "largest change of the irises' brightness, of black to white"),
    }
    return Report(figures, tuple(gaze), tuple(yaw), tuple(_warnings(original, figures)))


def _at_least(value: float, bar: float, meaning: str) -> Figure:
    return Figure(value, meaning, f"at least {bar:g}", value >= bar - 1e-6)


def _at_most(value: float, bar: float, meaning: str) -> Figure:
    return Figure(value, meaning, f"at most {bar:g}", value <= bar + 1e-6)


def _warnings(original: Measured, figures: dict[str, Figure]) -> list[str]:
    warnings = []
    eyes = original.eyes
    width = min(eyes.left.width_px, eyes.right.width_px)
    if width < 20:
        warnings.append(f"the eyes are only {width:.0f} pixels wide: a larger picture would look better")
    away = abs(original.mesh.yaw_degrees)
    if away > FAR_EYE_DEGREES:
        warnings.append(f"the face is turned {away:.0f} degrees away: its far eye moves less, and it does not blink")
    if eyes.openness < 0.17:
        warnings.append("the eyes are nearly closed: there is little to see them turn")
    if not (figures["gaze_left"].is_met and figures["gaze_right"].is_met):
        warnings.append("the eyes do not turn far enough to be seen from across a room")
    if not figures["faces_found"].is_met:
        warnings.append("the detector loses the face in some frames: look at them before you use this pack")
    return warnings
