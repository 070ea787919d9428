from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pytest

from realtime.core.errors import OutputError
from realtime.core.stats import Durations, OutputStats, RunStats, ViewersByHour, write_stats


def test_percentiles_are_right_to_a_hundredth() -> None:
    samples = np.random.default_rng(1).lognormal(-6, 0.7, 5000)
    durations = Durations()
    for sample in samples:
        durations.add(float(sample))
    for percent in (50, 95, 99):
        assert durations.percentile_ms(percent) == pytest.approx(1e3 * np.percentile(samples, percent), rel=0.03)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9, 1e9])
def test_extremes_are_counted(seconds: float) -> None:
    durations = Durations()
    durations.add(seconds)
    assert durations.count == 1
    assert durations.percentile_ms(99) >= 0


def test_nothing_measured_is_zero() -> None:
    assert Durations().as_json() == {"p50": 0.0, "p95": 0.0, "p99": 0.0}
    assert Durations().recent_ms() == 0.0


def test_documented_fields_are_written(tmp_path: Path) -> None:
    stats = RunStats()
    stats.outputs.append(OutputStats("none"))
    stats.stage("detect").add(0.001)
    path = tmp_path / "stats.json"
    write_stats(path, stats.as_json())
    written = json.loads(path.read_text(encoding="utf-8"))
    page = Path(__file__).parents[1].joinpath("docs/statistics.md").read_text(encoding="utf-8")
    names = [*written, *written["frames"], *written["outputs"][0], *written["stages_ms"]["detect"]]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_statistics_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        write_stats(tmp_path / "missing" / "stats.json", {})


def test_statistics_name_no_folders() -> None:
    """They are passed on, and a folder tells the user's name."""
    stats = RunStats()
    stats.effects = [
        "swap:/home/anna/faces/ben.jpg,clara.jpg",
        "style:/home/anna/a/woodblock.onnx",
        "style:/b/woodblock.onnx",
    ]
    for spec in stats.effects:
        stats.providers[spec] = f"runs {spec[-12:]}"
        stats.effect_reports[spec] = {"frames": 1}
        stats.stage(f"effect {spec}").add(0.001)
    for failure in (
        "/home/anna/my films/out.mp4: the disk is full; what was recorded until now is kept",
        "cannot record to C:\\Users\\anna\\out.mp4: permission denied; choose a folder that you may write to",
    ):
        output = OutputStats("out.mp4")
        output.failure = failure
        stats.outputs.append(output)
    told = stats.as_json()
    assert "anna" not in json.dumps(told)
    assert told["effects"] == ["swap:ben.jpg,clara.jpg", "style:woodblock.onnx", "style:woodblock.onnx"]
    assert list(told["providers"]) == ["swap:ben.jpg,clara.jpg", "style:woodblock.onnx", "style:woodblock.onnx (2)"]
    assert list(told["stages_ms"])[-1] == "effect style:woodblock.onnx (2)"
    assert told["outputs"][0]["failure"].startswith("out.mp4: the disk is full; what")
    assert told["outputs"][1]["failure"].startswith("cannot record to out.mp4: permission")


def test_viewers_are_numbers_by_the_hour() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    now = [datetime.datetime(2026, 5, 1, 17, 59, 59, tzinfo=zone)]
    viewers = ViewersByHour(lambda: now[0])
    viewers.add(2)
    viewers.add(1)
    now[0] += datetime.timedelta(seconds=1)
    viewers.add(4)
    assert viewers.by_hour() == (("2026-05-01T17:00+02:00", 3), ("2026-05-01T18:00+02:00", 4))
    now[0] += datetime.timedelta(hours=23)
    assert viewers.by_hour() == (("2026-05-01T18:00+02:00", 4),)
    now[0] += datetime.timedelta(hours=1)
    assert viewers.by_hour() == ()


def test_a_clock_that_was_wrong_leaves_no_viewers_in_the_future() -> None:
    now = [datetime.datetime(2036, 1, 1, tzinfo=datetime.UTC)]
    viewers = ViewersByHour(lambda: now[0])
    viewers.add(9)
    now[0] = datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)
    viewers.add(1)
    assert viewers.by_hour() == (("2026-05-01T00:00+00:00", 1),)
