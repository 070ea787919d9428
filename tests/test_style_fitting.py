"""Styles bound to one size: where frames lie in their picture, what is painted, and what people are told."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime import cameras
from realtime.__main__ import main
from realtime.core.stats import RunStats
from realtime.effects import EffectContext
from realtime.effects.scene import Scene
from realtime.effects.style import StyleEffect, StyleSettings
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.models.file_safety import read_header
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.session import assembly
from realtime.session.options import Options
from realtime.style.letterbox import LetterboxPlace, SizeConstraint, letterbox_place
from realtime.style.renderer import SizedModel, StyleRenderer
from realtime.style.resolution_governor import ResolutionGovernor
from tests.doubles import DrawnCamera
from tests.tiny_models import blurred_style, negative_style

CPU = SessionPolicy(provider="cpu")


@pytest.mark.parametrize(
    ("frame", "within", "place"),
    [
        (Size(1280, 720), Size(256, 256), LetterboxPlace(0, 56, Size(256, 144))),
        (Size(720, 1280), Size(256, 256), LetterboxPlace(56, 0, Size(144, 256))),
        (Size(640, 480), Size(1024, 1024), LetterboxPlace(0, 128, Size(1024, 768))),
        (Size(1280, 720), Size(640, 352), LetterboxPlace(0, 0, Size(640, 352))),
        (Size(640, 360), Size(640, 360), LetterboxPlace(0, 0, Size(640, 360))),
        (Size(8192, 16), Size(32, 32), LetterboxPlace(0, 15, Size(32, 1))),
    ],
)
def test_the_whole_frame_lies_in_the_middle_in_its_own_proportions(
    frame: Size, within: Size, place: LetterboxPlace
) -> None:
    assert letterbox_place(frame, within) == place


@pytest.mark.parametrize(
    ("bound", "frame", "size"),
    [
        (SizeConstraint(256, 224), Size(1280, 720), Size(256, 224)),
        (SizeConstraint(None, 360), Size(1280, 720), Size(640, 360)),
        (SizeConstraint(640, None), Size(1280, 720), Size(640, 360)),
        (SizeConstraint(640, None), Size(8192, 16), Size(640, 32)),
        (SizeConstraint(None, 4000), Size(8192, 16), Size(8192, 4000)),
    ],
)
def test_a_free_side_follows_the_bound_one(bound: SizeConstraint, frame: Size, size: Size) -> None:
    assert bound.size_for(frame) == size


def test_the_file_says_what_it_is_bound_to(tmp_path: Path) -> None:
    """Also where it was asked for the very size: what the session says cannot tell then."""
    free = SizedModel(negative_style(tmp_path / "free.onnx"), CPU, Size(96, 64))
    bound = SizedModel(negative_style(tmp_path / "bound.onnx", height=64, width=96), CPU, Size(96, 64))
    other = SizedModel(tmp_path / "bound.onnx", CPU, Size(1280, 720))
    assert free.bound.is_free
    assert bound.bound == other.bound == SizeConstraint(96, 64)
    assert free.size == bound.size == other.size == Size(96, 64)
    assert read_header(tmp_path / "bound.onnx").inputs == {"frame": (1, 64, 96, 3)}
    for model in (free, bound, other):
        model.close()


def photo_of(path: Path, size: Size) -> Pixels:
    pixels = cv2.imread(str(path))
    assert pixels is not None
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize("steady", [True, False])
@pytest.mark.parametrize("frame", [Size(640, 360), Size(360, 640), Size(128, 72), Size(100, 128), Size(128, 128)])
@pytest.mark.parametrize("side", [32, 128, 512])
def test_every_part_of_any_frame_is_painted(
    tmp_path: Path, navy_photo: Path, frame: Size, side: int, *, steady: bool
) -> None:
    model = SizedModel(negative_style(tmp_path / "bound.onnx", height=side, width=side), CPU, frame)
    renderer = StyleRenderer(model, frame, steady=steady)
    pixels = photo_of(navy_photo, frame)
    out = np.full_like(pixels, 128)
    for index in range(3):
        renderer.paint(pixels, index / 30, out)
    small = Size(8, 8)  # what a model of 32 pixels can hold of the proportions tried
    expected, made = (cv2.resize(p, small, interpolation=cv2.INTER_AREA).astype(int) for p in (255 - pixels, out))
    assert np.abs(made - expected).max() <= 20
    renderer.close()


def test_margins_go_on_where_the_frame_ends(tmp_path: Path, navy_photo: Path) -> None:
    """A network that looks at its neighbours must not find black there: edges would darken."""
    frame = Size(256, 144)
    model = SizedModel(blurred_style(tmp_path / "bound.onnx", height=256, width=256), CPU, frame)
    renderer = StyleRenderer(model, frame, steady=False)
    pixels, out = photo_of(navy_photo, frame), np.zeros((144, 256, 3), np.uint8)
    renderer.paint(pixels, 0.0, out)
    continued = cv2.blur(pixels, (3, 3), borderType=cv2.BORDER_REFLECT_101)
    inside = (slice(0, 144), slice(1, 255))  # the width is the model's own edge
    assert np.abs(out[inside].astype(int) - continued[inside]).max() <= 1
    renderer.close()


def context(frame: Size, *, every_frame: bool = False) -> EffectContext:
    return EffectContext(frame=frame, fps=30.0, provider="cpu", every_frame=every_frame)


def test_nothing_else_is_tried(tmp_path: Path, navy_photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    begin = SizedModel.__init__

    def note(self: SizedModel, path: Path, policy: SessionPolicy, size: Size) -> None:
        opened.append(size)
        begin(self, path, policy, size)

    def count_slow(self: ResolutionGovernor, scaling_s: float, rest_s: float, now_s: float) -> int:
        return count(self, 0.2, rest_s, now_s)

    monkeypatch.setattr(SizedModel, "__init__", note)
    count = ResolutionGovernor.count
    monkeypatch.setattr(ResolutionGovernor, "count", count_slow)  # as slow as may be: there is no smaller one
    path = negative_style(tmp_path / "bound.onnx", height=256, width=256)
    effect = StyleEffect.open(str(path), StyleSettings(), context(Size(640, 360)))
    for index, size in enumerate([Size(640, 360)] * 30 + [Size(360, 640), Size(256, 256)]):
        pixels = photo_of(navy_photo, size)
        painted = effect.make(Scene(Frame(pixels, 0.0, index * 0.9, index), [])).pixels
        assert np.abs(painted.astype(int) - (255 - pixels)).mean() < 8
    assert len(opened) == 1
    assert effect.facts()["works at"] == "256x256"
    effect.close()


@pytest.mark.parametrize("every_frame", [True, False])
def test_people_are_told(
    tmp_path: Path, navy_photo: Path, caplog: pytest.LogCaptureFixture, *, every_frame: bool
) -> None:
    path = negative_style(tmp_path / "bound.onnx", height=256, width=256)
    frame = Size(1280, 720)
    with caplog.at_level(logging.WARNING):
        effect = StyleEffect.open(str(path), StyleSettings(quality="fixed"), context(frame, every_frame=every_frame))
    assert caplog.messages == []
    effect.make(Scene(Frame(photo_of(navy_photo, frame), 0.0, 0.0, 0), []))
    facts = effect.facts()
    assert facts["works at"] == "256x144 of 1280x720"
    assert facts["bound to"] == "256x256"
    report = effect.report()
    assert report["bound"] is True
    assert report["working_size"] == [256, 256]
    assert report["frames_by_working_size"] == {"256x256": 1}
    effect.close()


def test_one_line_where_it_makes_little_sense(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = negative_style(tmp_path / "tiny.onnx", height=32, width=32)
    with caplog.at_level(logging.WARNING):
        StyleEffect.open(str(path), StyleSettings(), context(Size(1280, 720))).close()
        StyleEffect.open(str(path), StyleSettings(), context(Size(48, 32))).close()
    assert caplog.messages == [
        "tiny is bound to 32x32: frames of 1280x720 are painted as 32x18, too small for a face; "
        "export it with free sides"
    ]


def test_a_model_bound_in_height_alone_keeps_the_frames_proportions(tmp_path: Path, navy_photo: Path) -> None:
    path = negative_style(tmp_path / "bound.onnx", height=180)
    effect = StyleEffect.open(str(path), StyleSettings(), context(Size(640, 360), every_frame=True))
    for index, size in enumerate([Size(640, 360), Size(480, 480)]):
        effect.make(Scene(Frame(photo_of(navy_photo, size), 0.0, 0.0, index), []))
    assert effect.report()["frames_by_working_size"] == {"320x180": 1, "180x180": 1}
    assert effect.facts()["bound to"] == "a height of 180"
    effect.close()


def test_render(tmp_path: Path, navy_photo: Path) -> None:
    source, result, stats = tmp_path / "in", tmp_path / "out", tmp_path / "stats.json"
    source.mkdir()
    pixels = photo_of(navy_photo, Size(320, 180))
    for number in range(3):
        cv2.imwrite(str(source / f"{number:03}.png"), pixels)
    style = f"style:{negative_style(tmp_path / 'bound.onnx', height=160, width=128)}"
    words = ["render", str(source), f"{result}/", "--effect", style, "--stats", str(stats), "--provider", "cpu"]
    assert main(words) == 0
    for path in sorted(result.iterdir()):
        made = cv2.imread(str(path))
        assert made is not None
        assert np.abs(made.astype(int) - (255 - pixels)).mean() < 12
    report = json.loads(stats.read_text(encoding="utf-8"))["effect_reports"]["style:bound.onnx"]
    assert report["frames_by_working_size"] == {"128x160": 3}


def test_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cameras, "open_camera", lambda source, request: DrawnCamera(live=True, fps=60))
    style = f"style:{negative_style(tmp_path / 'bound.onnx', height=64, width=64)}"
    options = Options(source="0", effect=(style,), output=("none",), frames=40, provider="cpu")
    run = assembly.build(options, lambda what, share: None, RunStats())
    run.go()
    newest = run.loop.newest
    assert newest is not None
    assert newest.pixels[40, 40, 0] == 255 - 90
    report = run.loop.stats.as_json()["effect_reports"]["style:bound.onnx"]
    assert list(report["frames_by_working_size"]) == ["64x64"]
    assert ("bound to", "64x64") in run.supervisor.controls.status.facts
