"""Styles in the real loop: from options to pictures, keys, figures and statistics."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from realtime import cameras
from realtime.__main__ import main
from realtime.control.commands import StepParameter
from realtime.control.parameters import ParameterTree
from realtime.core.errors import OptionError
from realtime.core.specs import EffectSpec
from realtime.core.stats import RunStats
from realtime.session import assembly
from realtime.session.options import Options
from tests.doubles import DrawnCamera
from tests.tiny_models import brighter_style, negative_style


@pytest.fixture
def style(tmp_path: Path) -> str:
    return f"style:{negative_style(tmp_path / 'negative.onnx')}"


def live_run(monkeypatch: pytest.MonkeyPatch, options: Options) -> assembly.Run:
    monkeypatch.setattr(cameras, "open_camera", lambda source, request: DrawnCamera(live=True, fps=60))
    return assembly.build(dataclasses.replace(options, source="0"), lambda what, share: None, RunStats())


def test_keys_turn_the_strength_while_it_runs(monkeypatch: pytest.MonkeyPatch, style: str) -> None:
    run = live_run(monkeypatch, Options(effect=(style,), output=("none",), frames=90, provider="cpu"))
    controls = run.supervisor.controls
    for command in (StepParameter(-1), StepParameter(-1), StepParameter(-1), StepParameter(1)):
        controls.send(command)
    run.go()
    assert controls.message == "strength 80%"
    run.supervisor.look_after()  # the main thread may look once more after the effects were closed
    assert ("strength", "80%") in controls.status.facts
    assert controls.status.provider == "CPU"
    newest = run.loop.newest
    assert newest is not None
    assert abs(int(newest.pixels[40, 40, 0]) - (0.2 * 90 + 0.8 * 165)) <= 1
    written = run.loop.stats.as_json()["effect_reports"]["style:negative.onnx"]
    assert written["title"] == "Negative"
    assert written["parameters"]["strength"] == 0.8
    assert sum(written["frames_by_working_size"].values()) <= 90


def test_an_effect_without_a_dial_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    run = live_run(monkeypatch, Options(effect=("none",), output=("none",), frames=30))
    run.supervisor.controls.send(StepParameter(1))
    run.go()
    assert run.supervisor.controls.message == "Camera has no strength to change"


def test_every_recorded_picture_is_painted_whole(
    tmp_path: Path, navy_photo: Path, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = cv2.imread(str(navy_photo))
    assert pixels is not None
    source, result = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    pictures = [np.roll(pixels, 20 * number, 1) for number in range(4)]
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(source / f"{number:03}.png"), picture)
    stats = tmp_path / "stats.json"
    words = ["render", str(source), f"{result}/", "--effect", style, "--set", "style.steady=no"]
    assert main([*words, "--stats", str(stats)]) == 0
    made = [cv2.imread(str(path)) for path in sorted(result.iterdir())]
    assert len(made) == 4
    for picture, painted in zip(pictures, made, strict=True):
        assert painted is not None
        np.testing.assert_array_equal(painted, 255 - picture)
    report: dict[str, Any] = json.loads(stats.read_text(encoding="utf-8"))["effect_reports"]["style:negative.onnx"]
    height, width = pixels.shape[:2]
    assert report["frames_by_working_size"] == {f"{width}x{height}": 4}


def test_two_styles_one_after_the_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, style: str) -> None:
    bright = f"style:{brighter_style(tmp_path / 'brighter.onnx', step=30)}:1"
    run = live_run(monkeypatch, Options(effect=(bright, style), output=("none",), frames=20))
    run.go()
    newest = run.loop.newest
    assert newest is not None
    assert newest.pixels[40, 40, 0] == 255 - (90 + 30)


def test_options_reach_the_effect(style: str) -> None:
    options = Options(effect=(style,), quality="fixed", set=("style.strength=0.5",))
    assert options.effect_settings() == {"style": {"quality": "fixed", "strength": "0.5"}}


def brought_by_a_key(monkeypatch: pytest.MonkeyPatch, options: Options, style: str) -> ParameterTree:
    """Run to the end after somebody chose a style; return what was set about it."""
    run = live_run(monkeypatch, options)
    run.supervisor.menu.choose(style)
    run.supervisor.menu.close(within_s=20)
    run.go()
    assert run.loop.stats.effects == [EffectSpec.parse(style).title]
    return run.supervisor.controls.parameters


def test_quality_waits_for_a_style_that_a_key_brings(monkeypatch: pytest.MonkeyPatch, style: str) -> None:
    """It names no effect: people keep it in a preset, begin with a portrait and go on to styles."""
    options = Options(effect=("none",), output=("none",), frames=5, quality="fixed", provider="cpu")
    assert brought_by_a_key(monkeypatch, options, style).get("style.quality") == "fixed"


def test_settings_wait_for_an_effect_that_a_key_brings(monkeypatch: pytest.MonkeyPatch, style: str) -> None:
    options = Options(effect=("none",), output=("none",), frames=5, provider="cpu", set=("style.strength=0.5",))
    assert brought_by_a_key(monkeypatch, options, style).get("style.strength") == 0.5


def test_what_such_an_effect_could_not_be_opened_with_is_refused_at_the_start() -> None:
    options = Options(source="demo", effect=("none",), output=("none",), set=("style.strength=5",))
    with pytest.raises(OptionError, match=r"style\.strength takes a number from 0 to 1, not 5"):
        assembly.build(options, lambda what, share: None, RunStats())
