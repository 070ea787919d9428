"""Styles exchanged while the picture goes on: what is shown meanwhile, and who does the work."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from realtime import cameras
from realtime.core.errors import ModelError
from realtime.core.stats import RunStats
from realtime.effects import EffectContext
from realtime.effects.style import StyleEffect, StyleSettings
from realtime.imaging.frame import Frame, Size
from realtime.models.runtime import ort_session
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.outputs import Output
from realtime.session import assembly
from realtime.session.options import Options
from realtime.style.renderer import SizedModel
from realtime.style.throttle import Throttle
from tests.doubles import SIZE, DrawnCamera, draw_number, read_number
from tests.tiny_models import blurred_style, brighter_style, negative_style

CPU = SessionPolicy(provider="cpu")
Engines = Sequence[tuple[str, Mapping[str, str]]]
FRAME = Size(640, 360)


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def run_and_close(path: str) -> None:
    """[a process of its own] Print how many MB a run takes, and how many are left once the model is closed."""
    side, sessions = 2048, []
    new_session = ort_session.new_session

    def new_held_session(model: str | bytes, options: Any, engines: Engines) -> Any:
        sessions.append(new_session(model, options, engines))
        return sessions[-1]

    ort_session.new_session = new_held_session  # the session's end would give back all of it
    model = OnnxModel.open(Path(path), CPU, dimensions={"height": side, "width": side})
    frame = np.zeros((1, side, side, 3), np.uint8)
    out = np.ones_like(frame)
    before_mb = resident_mb()
    model.run({"frame": frame}, {"frame_out": out})
    taken_mb = resident_mb() - before_mb
    frame[:], out[:] = 200, 7
    model.close()
    left_mb = resident_mb() - before_mb
    assert len(sessions) == 1
    assert (out == 7).all(), "no run was made for it"
    print(taken_mb, left_mb)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process's size from /proc")
def test_a_models_memory_is_given_back_before_its_session_ends(tmp_path: Path) -> None:
    """The session's end holds Python's lock: whatever is left to it holds up the picture. In a process that has done
    nothing else: in one that has run a thousand tests, others' memory comes and goes meanwhile.
    """
    path = blurred_style(tmp_path / "b.onnx")
    code = f"from tests.test_style_switching import run_and_close; run_and_close({str(path)!r})"
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True, timeout=120
    )
    taken_mb, left_mb = map(float, done.stdout.split())
    assert taken_mb > 90, "two copies in single precision, 50 MB each"
    assert left_mb < 0.5 * taken_mb, "but for the arena's first piece, which ends with the session"


def test_a_model_that_never_ran_is_closed_too(tmp_path: Path) -> None:
    model = OnnxModel.open(negative_style(tmp_path / "n.onnx"), CPU, dimensions={"height": 32, "width": 32})
    frame = np.zeros((1, 32, 32, 3), np.uint8)
    for _ in range(2):
        model.close()
        with pytest.raises(ModelError, match="is closed"):
            model.run({"frame": frame}, {"frame_out": np.empty_like(frame)})


def context(*, alongside: bool) -> EffectContext:
    return EffectContext(frame=FRAME, fps=25.0, provider="cpu", alongside=alongside)


def test_the_painting_thread_opens_and_closes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    closed = threading.Event()
    close = SizedModel.close

    def note(self: SizedModel) -> None:
        threads.append(threading.current_thread().name)
        close(self)
        closed.set()

    path = negative_style(tmp_path / "n.onnx")
    effect = StyleEffect.open(str(path), StyleSettings(quality="fixed"), context(alongside=False))
    monkeypatch.setattr(SizedModel, "close", note)
    effect.close()
    assert closed.wait(10)
    assert threads == ["style-closing"]


def test_beside_a_picture_it_rests_between_pieces_and_else_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    clock = SimpleNamespace(perf_counter=time.perf_counter, sleep=rests.append)
    monkeypatch.setattr("realtime.style.throttle.time", clock)
    path = negative_style(tmp_path / "n.onnx")
    StyleEffect.open(str(path), StyleSettings(), context(alongside=False)).close()
    assert rests == []
    StyleEffect.open(str(path), StyleSettings(), context(alongside=True)).close()
    assert len(rests) >= 6, "opened, tried, opened again, and painted with twice"
    assert min(rests) >= 1 / 25


def test_a_long_piece_earns_a_long_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    rests: list[float] = []
    clock = SimpleNamespace(perf_counter=lambda: now_s[0], sleep=rests.append)
    monkeypatch.setattr("realtime.style.throttle.time", clock)
    beside = Throttle(0.04)
    for worked_s in (0.01, 0.1, 20.0):
        now_s[0] += worked_s
        beside.rest()
    assert rests == pytest.approx([0.04, 0.2, 0.5])


class Kept(Output):
    """Keeps what it was shown."""

    name = "kept"

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def show(self, frame: Frame) -> None:
        self.frames.append(frame)

    def close(self) -> None:
        pass


def test_every_picture_shown_is_one_style_or_the_other_and_of_its_own_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No black one, none twice, none half painted, none of the bare camera, and no way back."""
    monkeypatch.setattr(cameras, "open_camera", lambda source, request: DrawnCamera(live=True, fps=60))
    bright, dark = brighter_style(tmp_path / "brighter.onnx", step=30), negative_style(tmp_path / "negative.onnx")
    settings = ("style.steady=no", "style.quality=fixed")
    options = Options(
        source="0", effect=(f"style:{bright}",), output=("none",), mirror=False, provider="cpu", set=settings
    )
    run = assembly.build(options, lambda what, share: None, RunStats())
    kept = Kept()
    chosen: list[str] = []
    give_up_s = time.monotonic() + 15

    def tick() -> None:
        if kept not in [output_worker.output for output_worker in run.loop.output_workers]:
            run.loop.add(kept)
        elif len(kept.frames) >= 10 and not chosen:
            chosen.append(f"style:{dark}")
            run.supervisor.menu.choose(chosen[0])
        shown_dark = sum(int(frame.pixels[40, 40, 0]) == 255 - 90 for frame in kept.frames)
        if shown_dark >= 10 or time.monotonic() > give_up_s:
            run.loop.stop()

    run.loop.run(tick)
    run.supervisor.close()
    indices = [frame.index for frame in kept.frames]
    assert indices == sorted(set(indices))
    styles = []
    for frame in kept.frames:
        drawn = draw_number(frame.index)
        assert frame.pixels.shape == (SIZE.height, SIZE.width, 3)
        if np.array_equal(frame.pixels, 255 - drawn):
            styles.append("negative")
            continue
        assert np.array_equal(frame.pixels, np.minimum(drawn.astype(int) + 30, 255))
        assert read_number(frame.pixels) == frame.index
        styles.append("brighter")
    assert styles == sorted(styles), "brighter, then negative"
    assert set(styles) == {"brighter", "negative"}
