"""Whoever has made a portrait reads whether it is good, and the figures only where they ask."""

from __future__ import annotations

from realtime.imaging.frame import Box
from realtime.portrait.quality.report import Figure, Report

BOX = Box(10, 10, 100, 100)
GOOD = Figure(0.99, "sharpness of the least sharp face over the picture's", "at least 0.85")
POOR = Figure(0.7, "smallest iris over the picture's", "at least 0.95", is_met=False)


def test_a_good_one_needs_no_figures() -> None:
    assert Report({"sharpness": GOOD}, (), (), (), BOX).verdict() == ["Good. Nothing to mend."]


def test_what_falls_short_is_said_with_what_would_be_good() -> None:
    report = Report({"sharpness": GOOD, "iris": POOR}, (), (), ("the eyes are small",), BOX)
    assert report.verdict() == [
        "It can be used; look at this first:",
        "  the eyes are small",
        "  smallest iris over the picture's: 0.7, where at least 0.95 is good",
    ]
