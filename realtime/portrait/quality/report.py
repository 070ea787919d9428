"""The report of a portrait: figures with what each means, as they are shown and as they stand in a pack."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from realtime.core.language import N_, _
from realtime.imaging.frame import Box
from realtime.portrait.pack import ReportValue


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
    box: Box
    """The face in the picture."""
    look_degrees: tuple[float, ...] = ()
    """Where head and eyes together look in each frame, where they follow a clip."""

    @property
    def face_line(self) -> str:
        """Which face this is about, where there are several."""
        left, top, width, _unused = (round(side) for side in self.box)
        return _("the face at {left},{top}, {width} pixels wide:", left=left, top=top, width=width)

    def as_table(self) -> dict[str, ReportValue]:
        """Return the figures for the pack's file."""
        table: dict[str, ReportValue] = {name: round(figure.value, 4) for name, figure in self.figures.items()}
        table["box"] = [round(side) for side in self.box]
        table["gaze"] = [round(value, 4) for value in self.gaze]
        table["yaw_degrees"] = [round(value, 2) for value in self.yaw_degrees]
        if self.look_degrees:
            table["look_degrees"] = [round(value, 2) for value in self.look_degrees]
        table["warnings"] = list(self.warnings)
        return table

    def verdict(self) -> list[str]:
        """Return what somebody wants to know who has just made it: whether it is good, and if not, why."""
        missed = [figure for figure in self.figures.values() if not figure.is_met]
        if not (missed or self.warnings):
            return [_("Good. Nothing to mend.")]
        short = [
            _("  {meaning}: {value:.3g}, where {bar} is good", meaning=one.meaning, value=one.value, bar=one.bar)
            for one in missed
            if one.bar
        ]
        return [_("It can be used; look at this first:"), *(f"  {warning}" for warning in self.warnings), *short]


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """Something measured on every frame of the middle row."""

    title: str
    """Marked for translation; so is `unit`."""
    unit: str
    values: tuple[float, ...]


_CURVES = (
    ("look_degrees", N_("head and eyes together"), N_("degrees")),
    ("gaze", N_("gaze"), N_("eye widths")),
    ("yaw_degrees", N_("turn of the head"), N_("degrees")),
)


def curves_of(report: Mapping[str, Any]) -> list[Curve]:
    """Return the curves in a face's report as it stands in a pack, which may be anybody's."""
    curves = []
    for key, title, unit in _CURVES:
        values = report.get(key)
        if isinstance(values, list) and len(values) > 1 and all(isinstance(value, int | float) for value in values):
            curves.append(Curve(title, unit, tuple(float(value) for value in values)))
    return curves


def name_of(reports: Sequence[Mapping[str, Any]], number: int) -> str:
    """Return what to call the face of report `number`; nothing where there is only one."""
    if len(reports) < 2:
        return ""
    box = reports[number].get("box")
    at = f" at {box[0]},{box[1]}" if isinstance(box, list) and len(box) == 4 else ""
    return f"face {number + 1}{at}"  # in English: the sheet's letters are OpenCV's, which are ASCII


def warnings_of(report: Mapping[str, Any]) -> list[str]:
    """Return the warnings in a face's report as it stands in a pack."""
    warnings = report.get("warnings")
    return [str(warning) for warning in warnings] if isinstance(warnings, list) else []


def figures_of(report: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return the single figures in a face's report as it stands in a pack, by their names in words."""
    return [(name.replace("_", " "), value) for name, value in report.items() if isinstance(value, float)]


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


def off_even(values: Sequence[float]) -> float:
    """Return how far any value lies off its place on even steps from the middle one to each end, over the whole way."""
    sizes = np.asarray(values, np.float64)
    numbers, middle = np.arange(len(sizes)), len(sizes) // 2
    ends = [0, middle, len(sizes) - 1]
    whole_way = abs(float(sizes[-1] - sizes[0]))
    return float(np.abs(sizes - np.interp(numbers, ends, sizes[ends])).max()) / max(whole_way, 1e-9)


def turned_back(values: Sequence[float]) -> float:
    """Return how far the values fall at most below the highest before them; 0: they never fall."""
    sizes = np.asarray(values, np.float64)
    return float((np.maximum.accumulate(sizes) - sizes).max())
