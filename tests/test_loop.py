from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.control.commands import Quit, SaveSnapshot, SetMirrored, SetPaused, SetRecording, StepEffect
from realtime.core.errors import CameraError, EffectError, OutputError
from realtime.core.stats import RunStats
from realtime.disclosure.label import Label
from realtime.effects import Effect, EffectContext
from realtime.effects.plain import Plain
from realtime.effects.scene import Scene
from realtime.faces.face_stage import FaceStage
from realtime.imaging.frame import Face, Frame
from realtime.outputs import Output, OutputFinished
from realtime.pipeline.capture import Capture, CapturePolicy
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_menu import EffectMenu
from realtime.pipeline.effect_slot import EffectSlot
from realtime.pipeline.output_worker import OutputWorker
from realtime.pipeline.pacing import DropPolicy, Mailbox
from realtime.pipeline.processing import Limits
from realtime.pipeline.render_loop import RenderLoop
from realtime.session.assembly import Run
from realtime.session.snapshots import Snapshots
from realtime.session.supervisor import Supervisor
from tests.doubles import DrawnCamera, KeepingOutput, ScriptedDetector, read_number

ENDLESS = Limits()


class Inverted(Effect):
    """Turns every picture to its negative; fails or hides who is there where a test wants it."""

    uses_faces = True

    @dataclasses.dataclass(frozen=True)
    class Settings:
        pass

    def __init__(self, fail_from: int | None = None) -> None:
        self.seen: list[Sequence[Face]] = []
        self.was_mirrored: list[bool] = []
        self.is_closed = False
        self._fail_from = fail_from

    @classmethod
    def open(cls, argument: str, settings: Any, context: EffectContext) -> Inverted:
        return cls()

    def make(self, scene: Scene) -> Frame:
        frame, faces = scene.frame, scene.faces
        self.seen.append(faces)
        self.was_mirrored.append(frame.mirrored)
        if self._fail_from is not None and len(self.seen) > self._fail_from:
            raise RuntimeError("a bug in an effect")
        return frame.with_pixels(~frame.pixels)

    def close(self) -> None:
        self.is_closed = True


class Hiding(Inverted):
    hides_identity = True


def make_loop(
    camera: DrawnCamera,
    outputs: list[Output],
    effects: Sequence[Effect] = (),
    *,
    every_frame: bool = True,
    limits: Limits = ENDLESS,
    mirrored: bool = False,
    folder: Path = Path(),
    controls: ControlChannel | None = None,
    label: Label | None = None,
) -> Run:
    stats = RunStats()
    controls = controls or ControlChannel()
    mailbox: Mailbox[Frame] = Mailbox(DropPolicy.EVERY if every_frame else DropPolicy.NEWEST)
    links = [EffectSlot(type(effect).__name__, effect) for effect in effects] or [EffectSlot("none", Plain())]
    chain = EffectChain(links, stats, label, parameters=controls.parameters)

    def open_effect(spec: str) -> Effect:
        if spec == "broken":
            raise EffectError("no effect 'broken'")
        return Inverted() if spec == "inverted" else Plain()

    loop = RenderLoop(
        capture=Capture(camera, lambda: camera, mailbox, stats, CapturePolicy(every_frame=every_frame)),
        captured=mailbox,
        face_stage=FaceStage(lambda: ScriptedDetector(lambda pts_s: 0.25), stats),
        chain=chain,
        outputs=outputs,
        stats=stats,
        limits=limits,
        every_frame=every_frame,
        mirrored=mirrored,
    )
    menu = EffectMenu(lambda: ["none", "inverted", "broken"], links[-1].spec, open_effect, chain, controls.say)
    snapshots = Snapshots(folder, lambda path: KeepingOutput(), controls.say)
    return Run(loop, Supervisor(loop, controls, menu, snapshots, lambda source: camera))


def wait_for(condition: Callable[[], object], give_up_after_s: float = 20) -> bool:
    """Return whether it came true."""
    deadline_s = time.monotonic() + give_up_after_s
    while not (reached := bool(condition())) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return reached


def run(made: Run) -> RunStats:
    made.go()
    return made.loop.stats


def test_every_frame_arrives_once_in_order_and_everything_is_closed() -> None:
    camera, output, effect = DrawnCamera(60), KeepingOutput(every=True), Inverted()
    stats = run(make_loop(camera, [output], [effect]))
    assert [read_number(~frame.pixels) for frame in output.frames] == list(range(60))
    assert [frame.index for frame in output.frames] == list(range(60))
    assert camera.is_closed
    assert output.is_closed
    assert effect.is_closed
    assert stats.processed == 60
    assert stats.outputs[0].shown == 60
    assert stats.first_picture_at_s is not None


def test_faces_are_found_from_the_first_frame_on_when_every_frame_counts() -> None:
    effect = Inverted()
    run(make_loop(DrawnCamera(5), [KeepingOutput(every=True)], [effect]))
    assert all(len(faces) == 1 for faces in effect.seen)
    assert effect.seen[0][0].eye_midpoint[0] == pytest.approx(16, abs=0.5)


def test_mirroring_moves_picture_and_faces_alike() -> None:
    effect, output = Inverted(), KeepingOutput(every=True)
    run(make_loop(DrawnCamera(3), [output], [effect], mirrored=True))
    assert effect.was_mirrored == [True] * 3
    assert effect.seen[0][0].eye_midpoint[0] == pytest.approx(48, abs=0.5)
    assert [read_number(~frame.pixels[:, ::-1]) for frame in output.frames] == [0, 1, 2]


def test_a_slow_output_does_not_slow_the_others() -> None:
    class Slow(KeepingOutput):
        def show(self, frame: Frame) -> None:
            super().show(frame)
            if len(self.numbers) == 3:
                reached.append(wait_for(lambda: len(quick.numbers) >= 30))
                made.loop.stop()

    reached: list[bool] = []
    quick, slow = KeepingOutput(), Slow()
    made = make_loop(DrawnCamera(live=True, fps=200), [slow, quick], every_frame=False)
    stats = run(made)
    assert reached == [True], "while the slow one takes its third picture, the other is shown many"
    assert stats.outputs[0].dropped >= 20
    assert slow.numbers == sorted(slow.numbers), "what it does show is in order"


def test_every_frame_that_is_not_shown_is_counted() -> None:
    output = KeepingOutput(takes_s=0.01)
    stats = run(make_loop(DrawnCamera(60, fps=200), [output], every_frame=False))
    assert len(output.numbers) + stats.outputs[0].dropped + stats.dropped_before_processing == 60


def test_an_output_that_fails_is_closed_and_the_others_go_on() -> None:
    failing, fine = KeepingOutput(fail_at=3, every=True), KeepingOutput(every=True)
    stats = run(make_loop(DrawnCamera(20), [failing, fine]))
    assert failing.numbers == [0, 1, 2]
    assert failing.is_closed
    assert fine.numbers == list(range(20))
    assert "disk is full" in stats.outputs[0].failure


def test_the_last_output_that_fails_ends_the_run_with_its_reason() -> None:
    output, camera = KeepingOutput(fail_at=3, every=True), DrawnCamera()
    with pytest.raises(OutputError, match="disk is full"):
        run(make_loop(camera, [output]))
    assert camera.is_closed
    assert output.is_closed


def test_a_reader_that_leaves_ends_the_run_well() -> None:
    class Left(KeepingOutput):
        def show(self, frame: Frame) -> None:
            super().show(frame)
            if len(self.numbers) == 3:
                raise OutputFinished

    output, camera = Left(every=True), DrawnCamera()
    run(make_loop(camera, [output]))
    assert output.numbers == [0, 1, 2]
    assert output.is_closed
    assert camera.is_closed


@pytest.mark.parametrize("how", [OutputFinished(), OutputError("the display is gone")])
def test_a_window_that_ends_is_closed_once_and_the_others_go_on(how: Exception) -> None:
    class Window(KeepingOutput):
        on_main_thread = True
        shown_on: threading.Thread | None = None

        def show(self, frame: Frame) -> None:
            super().show(frame)
            self.shown_on = threading.current_thread()
            raise how

    window, file = Window(), KeepingOutput(every=True)
    run(make_loop(DrawnCamera(30), [window, file]))
    assert window.shown_on is threading.main_thread()
    assert window.is_closed
    assert file.numbers == list(range(30))


def test_a_source_that_breaks_is_shown_to_its_last_good_frame() -> None:
    output = KeepingOutput(every=True)
    with pytest.raises(CameraError, match="unplugged"):
        run(make_loop(DrawnCamera(20, fail_at=9), [output]))
    assert output.numbers == list(range(9))
    assert output.is_closed


def test_a_failing_effect_lets_the_picture_through() -> None:
    output = KeepingOutput(every=True)
    stats = run(make_loop(DrawnCamera(6), [output], [Inverted(fail_from=3)]))
    assert len(output.frames) == 6
    assert [frame.pixels[40, 40, 0] for frame in output.frames] == [165] * 3 + [90] * 3
    assert stats.effect_failures == 3


def test_a_failing_effect_that_hides_a_face_never_shows_it() -> None:
    output = KeepingOutput(every=True)
    run(make_loop(DrawnCamera(6), [output], [Hiding(fail_from=3)]))
    assert [frame.pixels[40, 40, 0] for frame in output.frames] == [165] * 6, "the last good picture"
    assert [frame.index for frame in output.frames] == list(range(6)), "at the new moments"
    output = KeepingOutput(every=True)
    run(make_loop(DrawnCamera(3), [output], [Hiding(fail_from=0)]))
    assert {int(frame.pixels[40, 40, 0]) for frame in output.frames} == {38}, "a neutral one where there was none"


@pytest.mark.parametrize(("limits", "expected"), [(Limits(frames=7), 7), (Limits(seconds=0.5), 15)])
def test_limits(limits: Limits, expected: int) -> None:
    output = KeepingOutput(every=True)
    run(make_loop(DrawnCamera(), [output], limits=limits))
    assert len(output.numbers) == expected


def test_a_limit_in_seconds_holds_for_a_live_source_that_falls_silent() -> None:
    camera = DrawnCamera(live=True, fps=60, stall_at=5)
    made = make_loop(camera, [KeepingOutput()], every_frame=False, limits=Limits(seconds=0.5))
    began_s = time.monotonic()
    run(made)
    assert time.monotonic() - began_s < 10
    assert not made.loop.interrupted
    camera.released.set()


def test_stopping_from_outside() -> None:
    made = make_loop(DrawnCamera(live=True), [KeepingOutput()], every_frame=False)
    threading.Timer(0.3, made.loop.stop).start()
    run(made)
    assert made.loop.interrupted


def test_commands(tmp_path: Path) -> None:
    output = KeepingOutput()
    controls = ControlChannel()
    made = make_loop(DrawnCamera(live=True, fps=60), [output], every_frame=False, folder=tmp_path, controls=controls)
    seen: dict[str, bool] = {}

    def user() -> None:
        def wait(what: str, condition: Callable[[], object]) -> None:
            seen[what] = wait_for(condition)

        wait("shown", lambda: output.frames)
        controls.send(SetMirrored())
        wait("mirror", lambda: output.frames[-1].mirrored)
        controls.send(StepEffect(1))
        wait("effect", lambda: output.frames[-1].pixels[40, 40, 0] == 165)
        controls.send(StepEffect(1))
        wait("broken effect is told", lambda: "broken" in controls.message)
        wait("and the old one goes on", lambda: output.frames[-1].pixels[40, 40, 0] == 165)
        controls.send(SaveSnapshot())
        wait("snapshot", lambda: list(tmp_path.glob("realtime-*.png")))
        controls.send(SetRecording())
        wait("recording", lambda: controls.status.recording)
        controls.send(SetRecording())
        wait("recorded", lambda: not controls.status.recording)
        controls.send(SetPaused())
        wait("paused", lambda: controls.status.paused)
        shown = len(output.frames)
        time.sleep(0.1)
        seen["nothing new while paused"] = len(output.frames) <= shown + 1
        controls.send(Quit())

    person = threading.Thread(target=user)
    person.start()
    run(made)
    person.join()
    assert [what for what, happened in seen.items() if not happened] == []
    picture = cv2.imread(str(next(tmp_path.glob("*.png"))))
    assert picture is not None
    assert np.array_equal(np.unique(picture[40:44]), [165])


def test_a_recording_that_fails_is_told_and_the_next_one_can_begin(tmp_path: Path) -> None:
    controls = ControlChannel()
    made = make_loop(DrawnCamera(live=True, fps=60), [KeepingOutput()], every_frame=False, controls=controls)
    recorders: list[Output] = [KeepingOutput(fail_at=2), KeepingOutput()]
    snapshots = Snapshots(tmp_path, lambda path: recorders.pop(0), controls.say)
    made = made._replace(supervisor=Supervisor(made.loop, controls, None, snapshots, None))  # type: ignore[arg-type]
    seen: list[bool] = []

    def user() -> None:
        def wait(condition: Callable[[], object]) -> None:
            seen.append(wait_for(condition))

        controls.send(SetRecording())
        wait(lambda: len(recorders) == 1)
        wait(lambda: not controls.status.recording and "full" in controls.message)
        controls.send(SetRecording())
        wait(lambda: controls.status.recording)
        controls.send(Quit())

    person = threading.Thread(target=user)
    person.start()
    made.loop.run(made.supervisor.tick)
    person.join()
    assert seen == [True] * 3


def test_an_effect_chosen_before_the_last_choice_was_shown_is_closed() -> None:
    chain = EffectChain([EffectSlot("none", Plain())], RunStats())
    overtaken, newest = Inverted(), Inverted()
    chain.replace(EffectSlot("one", overtaken))
    chain.replace(EffectSlot("two", newest))
    assert overtaken.is_closed
    assert chain.make(Frame(np.zeros((4, 4, 3), np.uint8), 0.0, 0.0, 0), []).pixels.all()
    chain.close()
    assert newest.is_closed


@pytest.mark.parametrize("every_frame", [True, False])
def test_an_output_that_is_stuck_does_not_keep_the_others_from_being_finished(every_frame: bool) -> None:
    class Stuck(KeepingOutput):
        def show(self, frame: Frame) -> None:
            never.wait()

    never = threading.Event()
    other = KeepingOutput(every=every_frame)
    made = make_loop(DrawnCamera(fps=100), [Stuck(every=every_frame), other], every_frame=every_frame)
    threading.Timer(0.5, made.loop.stop).start()
    began_s = time.monotonic()
    run(made)
    assert time.monotonic() - began_s < 9
    assert other.is_closed
    never.set()


def test_any_fault_of_an_effect_that_opens_is_told() -> None:
    said: list[str] = []

    def open_effect(spec: str) -> Effect:
        if spec == "faulty":
            raise ZeroDivisionError("somebody's bug")
        return Plain()

    chain = EffectChain([EffectSlot("none", Plain())], RunStats())
    menu = EffectMenu(lambda: ["none", "faulty"], "none", open_effect, chain, said.append)
    menu.step(1)
    menu.close()
    assert said[-1] == "effect faulty does not open: somebody's bug"


def test_opening_and_closing_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    for _ in range(5):
        run(make_loop(DrawnCamera(3), [KeepingOutput(every=True)], [Inverted()]))
    assert set(threading.enumerate()) <= before


def test_an_output_that_takes_no_repeated_picture_is_stuck_too() -> None:
    class Stuck(KeepingOutput):
        repeat_fps = 100.0

        def show(self, frame: Frame) -> None:
            self.frames.append(frame)
            if len(self.frames) == 2:
                is_at_it.set()
                never.wait()

    is_at_it, never = threading.Event(), threading.Event()
    output_worker = OutputWorker(Stuck(), every_frame=False, ended=lambda output_worker: None)
    output_worker.start()
    output_worker.offer(Frame(np.zeros((4, 4, 3), np.uint8), 0.0, 0.0, 0))
    assert is_at_it.wait(10)
    time.sleep(0.01)
    assert output_worker.stuck_for_s() > 0
    never.set()
    output_worker.stop()


def test_outputs_for_which_no_thread_can_be_started_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    outputs: list[Output] = [KeepingOutput(), KeepingOutput()]
    made = make_loop(DrawnCamera(fps=100), outputs)
    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="new thread"):
            made.loop.run()
    assert [isinstance(output, KeepingOutput) and output.is_closed for output in outputs] == [True, True]
