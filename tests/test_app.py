from __future__ import annotations

import dataclasses
import time
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime import cameras, effects
from realtime.cameras import Camera, CameraRequest
from realtime.control.commands import StepEffect
from realtime.core.errors import CameraError, OptionError, OutputError
from realtime.core.stats import RunStats
from realtime.effects.plain import Plain
from realtime.imaging.frame import Size
from realtime.session import assembly, effect_opening
from realtime.session.options import Options
from tests.doubles import DrawnCamera, KeepingOutput

NOTHING_SHOWN = Options(effect=("none",), output=("none",))


def build(options: Options) -> assembly.Run:
    return assembly.build(options, lambda what, share: None, RunStats())


def test_a_default_camera_that_is_unplugged_comes_back_and_never_becomes_the_demo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    devices: list[Camera | CameraError] = [
        DrawnCamera(live=True, fps=100, fail_at=5),
        CameraError("no camera 0"),
        DrawnCamera(live=True, fps=100),
    ]

    def open_camera(source: str, request: CameraRequest) -> Camera:
        opened.append(source)
        device = devices.pop(0)
        if isinstance(device, CameraError):
            raise device
        return device

    monkeypatch.setattr(cameras, "open_camera", open_camera)
    run = build(dataclasses.replace(NOTHING_SHOWN, frames=12))
    began_s = time.monotonic()
    run.go()
    assert opened == [opened[0]] * 3
    assert opened[0] != "demo"
    assert run.loop.stats.processed == 12
    assert time.monotonic() - began_s < 30


def test_no_camera_at_all_is_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    real = cameras.open_camera

    def open_camera(source: str, request: CameraRequest) -> Camera:
        if source != "demo":
            raise CameraError("no camera 0; plug one in")
        return real(source, request)

    monkeypatch.setattr(cameras, "open_camera", open_camera)
    run = build(dataclasses.replace(NOTHING_SHOWN, frames=2, every_frame=True))
    run.go()
    assert run.loop.capture.info.name == "demo viewer"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"effect": ("none", "none:x")}, OptionError),
        ({"output": ("none", "missing/out.mp4")}, OutputError),
        ({"output": ("window", "fullscreen")}, OutputError),
        ({"output": ("kiosk", "kiosk:0")}, OutputError),
        ({"set": ("portrait.wander=perhaps",)}, OptionError),
    ],
)
def test_what_was_opened_is_closed_when_the_rest_cannot_be(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], error: type[Exception]
) -> None:
    camera = DrawnCamera()
    monkeypatch.setattr(cameras, "open_camera", lambda source, request: camera)
    with pytest.raises(error):
        build(dataclasses.replace(NOTHING_SHOWN, source="demo", **changes))
    assert camera.is_closed


def test_what_fails_to_close_keeps_nothing_else_open(monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty(Plain):
        def close(self) -> None:
            raise SystemExit("a library's end")

    def open_output(spec: str, request: object) -> KeepingOutput:
        if spec == "-":
            raise OutputError("no such output")
        return output

    camera, output = DrawnCamera(), KeepingOutput()
    monkeypatch.setattr(cameras, "open_camera", lambda source, request: camera)
    monkeypatch.setattr("realtime.outputs.open_output", open_output)
    monkeypatch.setattr(effect_opening, "open_effect", lambda spec, options, context: Faulty())
    with pytest.raises(OutputError, match="no such output"):
        build(dataclasses.replace(NOTHING_SHOWN, source="demo", output=("none", "-")))
    assert camera.is_closed
    assert output.is_closed


def test_a_live_source_does_not_queue_old_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cameras, "open_camera", lambda source, request: DrawnCamera(live=True, fps=60))
    run = build(dataclasses.replace(NOTHING_SHOWN, source="0", every_frame=True, frames=5))
    assert not run.loop.every_frame
    run.go()


@pytest.mark.parametrize(
    ("output", "live", "mirrored"),
    [("none", True, True), ("none", False, False), ("out.mp4", True, False), ("-", True, False)],
)
def test_only_what_nobody_else_sees_is_mirrored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: str, live: bool, mirrored: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cameras, "open_camera", lambda source, request: DrawnCamera(3, live=live))
    run = build(dataclasses.replace(NOTHING_SHOWN, source="0", output=(output,), frames=1))
    assert run.loop.maker.mirrored is mirrored
    for given in run.loop.outputs:
        given.close()
    explicit = build(dataclasses.replace(NOTHING_SHOWN, source="0", mirror=not mirrored, frames=1))
    assert explicit.loop.maker.mirrored is not mirrored


def test_a_size_is_the_canvas_of_what_is_drawn() -> None:
    run = build(
        Options(source="demo", effect=("portrait",), output=("none",), frames=1, every_frame=True, size=Size(320, 240))
    )
    run.go()
    assert run.loop.newest is not None
    assert run.loop.newest.size == (320, 240)
    assert np.ptp(run.loop.newest.pixels) > 100


def test_an_effect_that_does_not_load_does_not_end_the_show(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("broken", "no_such_module:Effect", "realtime.effects")
    monkeypatch.setattr(effects, "entry_points", lambda group: [broken])
    camera = DrawnCamera(live=True, fps=100)
    monkeypatch.setattr(cameras, "open_camera", lambda source, request: camera)
    run = build(dataclasses.replace(NOTHING_SHOWN, frames=60))
    run.supervisor.controls.send(StepEffect(-1))  # the broken one, named last
    run.go()
    assert run.loop.stats.processed == 60
    assert "does not load" in run.supervisor.controls.message
