"""What a row of frames is held to: even steps of its own, or the way of a clip."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Pixels
from realtime.portrait.building.column_selection import look
from realtime.portrait.building.gaze_row import along, driven_row
from realtime.portrait.building.moving_faces import MovingFaces
from realtime.portrait.building.options import BuildOptions
from realtime.portrait.engines.warp.engine import MeshEngine
from realtime.portrait.quality.iris_match import IrisWatch
from realtime.portrait.quality.judge import Pictures, make_report, seen_look
from realtime.portrait.quality.report import Report, off_even, turned_back

FLAWLESS = Pictures(
    found=9, sharpness_least=0.9, middle_difference=0.0, outside_difference=0.0, least_area=0.5, seam=1.0
)


def report_of(
    motions: list[Motion],
    engine: MeshEngine,
    navy_picture: Pixels,
    navy: FaceMeasurement,
    meter: FaceMeasurer,
    *,
    even: bool = True,
) -> Report:
    """Follow a clip with the Navy photo; with `even` False, without looking at what comes of it."""
    moving = MovingFaces(navy_picture, [engine])
    if even:
        row = driven_row(moving, [navy], meter, motions, BuildOptions(columns=9), lambda what, share: None)
        measured, irises = row.measured[0], row.irises[0]
    else:
        wholes = [moving.whole(moving.render([motion])) for motion in motions]
        measured = [meter.measure(whole, navy.mesh) for whole in wholes]
        watch = IrisWatch(navy_picture, navy)
        irises = [watch.see(whole, seen) for whole, seen in zip(wholes, measured, strict=True)]
    brightness = IrisWatch(navy_picture, navy).brightness
    return make_report(navy, measured, irises, brightness, FLAWLESS, motions)


def swept(eyes_degrees: float, head_degrees: float) -> list[Motion]:
    """A clip whose eyes dwell in the middle and hurry at the sides."""
    places = np.sign(np.linspace(-1, 1, 9)) * np.abs(np.linspace(-1, 1, 9)) ** 3
    return [Motion(yaw_degrees=head_degrees * place, gaze_x_degrees=eyes_degrees * place) for place in places]


def test_a_row_that_follows_a_clip_is_seen_to_move_evenly(
    engine: MeshEngine, navy_picture: Pixels, navy: FaceMeasurement, meter: FaceMeasurer
) -> None:
    clip = swept(30, 8)
    as_filmed = report_of(clip, engine, navy_picture, navy, meter, even=False)
    followed = report_of(clip, engine, navy_picture, navy, meter)
    assert not as_filmed.figures["look_place"].is_met
    for name in ("look_rank", "look_place", "yaw_back"):
        assert followed.figures[name].is_met, followed.figures[name]
    assert followed.figures["look_place"].value < 0.5 * as_filmed.figures["look_place"].value
    assert followed.figures["look_left"].value < -15
    assert followed.figures["look_right"].value > 15
    assert 0.4 < followed.figures["look_kept"].value < 1.1
    assert "gaze_step" not in followed.figures, "the eyes alone promise no even steps"
    assert not followed.figures["gaze_left"].bar


def test_what_a_clip_did_not_offer_is_said(
    engine: MeshEngine, navy_picture: Pixels, navy: FaceMeasurement, meter: FaceMeasurer
) -> None:
    little = report_of(swept(4, 1), engine, navy_picture, navy, meter)
    assert any("the clip looks only 10 degrees from side to side" in warning for warning in little.warnings)
    still = report_of(swept(20, 0.5), engine, navy_picture, navy, meter)
    assert any("the head in the clip turns only 1.0 degrees" in warning for warning in still.warnings)
    assert any("degrees to the left" in warning and "41 degrees" in warning for warning in still.warnings)
    far = report_of(swept(34, 8), engine, navy_picture, navy, meter)
    assert not far.warnings


def test_a_row_that_goes_back_is_noticed(
    engine: MeshEngine, navy_picture: Pixels, navy: FaceMeasurement, meter: FaceMeasurer
) -> None:
    clip = swept(25, 8)
    clip[2] = dataclasses.replace(clip[2], yaw_degrees=8.0)
    report = report_of(clip, engine, navy_picture, navy, meter, even=False)
    assert not report.figures["yaw_back"].is_met
    assert not report.figures["look_rank"].is_met


def test_a_seen_look_is_head_and_eyes_together(
    engine: MeshEngine, navy_picture: Pixels, navy: FaceMeasurement, meter: FaceMeasurer
) -> None:
    moving = MovingFaces(navy_picture, [engine])

    def seen(motion: Motion) -> float:
        return seen_look(meter.measure(moving.whole(moving.render([motion])), navy.mesh), navy)

    assert abs(seen(Motion())) < 0.5
    eyes, head = seen(Motion(gaze_x_degrees=20)), seen(Motion(yaw_degrees=8))
    assert eyes > 5
    assert head > 4
    assert seen(Motion(gaze_x_degrees=20, yaw_degrees=8)) > max(eyes, head) + 2


def test_along_a_way() -> None:
    way = [Motion(), Motion(yaw_degrees=2.0, mouth_open=0.1), Motion(yaw_degrees=6.0)]
    met = along(way, np.array([0.0, 0.5, 1.0, 1.25, 2.0]))
    assert met[0] == way[0]
    assert met[2] == way[1]
    assert met[4] == way[2]
    assert met[1].mouth_open == pytest.approx(0.05)
    assert look(met[3]) == pytest.approx(3.0)


def test_figures_of_a_curve() -> None:
    assert off_even([-2, -1, 0, 3, 6]) == 0, "each side has steps of its own"
    assert off_even([-2, -2, 0, 2, 2]) == pytest.approx(0.25)
    assert turned_back([1, 2, 3]) == 0
    assert turned_back([1, 3, 0.5, 2]) == 2.5
