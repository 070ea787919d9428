"""A stage that hangs or dies is begun anew alone; what is left behind touches nothing when it wakes."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from dataclasses import field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.cameras import Camera
from realtime.control.channel import ControlChannel
from realtime.control.commands import ChooseEffect
from realtime.control.parameters import Parameters
from realtime.core.errors import CameraError, EffectError, HangError, OutputError
from realtime.core.settings import setting
from realtime.core.stats import RunStats
from realtime.effects import Effect, EffectContext
from realtime.effects.plain import Plain
from realtime.effects.scene import Scene
from realtime.faces.face_stage import FaceStage
from realtime.imaging.frame import Face, Frame
from realtime.outputs import Output, OutputRequest
from realtime.pipeline import effect_chain
from realtime.pipeline.effect_slot import EffectSlot
from realtime.pipeline.restarts import MOST_RESTARTS, WITHIN_S, Patience, Restarts
from realtime.pipeline.turn import LeftBehind, Turn
from realtime.session.assembly import Run
from realtime.session.output_opener import OutputOpener
from realtime.system.processor_share import ProcessorShare
from realtime.system.watchdog import Call, Pulse
from tests.doubles import DrawnCamera, KeepingOutput, ScriptedDetector, read_number
from tests.test_loop import Inverted, make_loop, wait_for

LEARNT = 40
"""Answers after which a stage is known: then it hangs."""


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.pipeline.restarts._LEAST_S", 0.25)
    monkeypatch.setattr("realtime.pipeline.restarts._TIMES_SLOWEST", 0.0)  # of a busy machine
    monkeypatch.setattr("realtime.pipeline.output_group._AGAIN_AFTER_S", 0.01)
    monkeypatch.setattr("realtime.pipeline.effect_exchange._AGAIN_AFTER_S", 0.01)
    monkeypatch.setattr("realtime.faces.face_stage._AGAIN_AFTER_S", 0.01)


class Gate:
    """Where parts hang until the test is over, and what their threads did after that."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._threads: list[threading.Thread] = []

    def hang(self) -> None:
        self._threads.append(threading.current_thread())
        self._open.wait()

    def open(self) -> None:
        """Let them wake, and wait until they have ended."""
        self._open.set()
        for thread in self._threads:
            thread.join(timeout=20)
            assert not thread.is_alive()


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open()


class HangingDetector(ScriptedDetector):
    """Finds a face some times and hangs then."""

    def __init__(self, gate: Gate, after: int | None = LEARNT) -> None:
        super().__init__(lambda pts_s: 0.25)
        self.found = 0
        self.closed = 0
        self._gate, self._after = gate, after

    def find(self, frame: Frame) -> list[Face]:
        if self.found == self._after:
            self._gate.hang()
        self.found += 1
        return super().find(frame)

    def close(self) -> None:
        self.closed += 1


class Dial(Inverted):
    """A picture of one grey, which can be set; hangs after some pictures."""

    uses_faces = False

    @dataclasses.dataclass(frozen=True)
    class Settings:
        grey: int = field(default=10, metadata=setting("how light", least=0, most=255, step=5, live=True))

    def __init__(self, gate: Gate, after: int | None = LEARNT) -> None:
        super().__init__()
        self.parameters = Parameters(self.Settings())
        self.calls = 0
        self._gate, self._after = gate, after

    @classmethod
    def open(cls, argument: str, settings: Any, context: EffectContext) -> Dial:
        raise NotImplementedError

    def make(self, scene: Scene) -> Frame:
        self.calls += 1
        if self.calls - 1 == self._after:
            self._gate.hang()
        return scene.frame.with_pixels(np.full_like(scene.frame.pixels, self.parameters.values.grey))


class Mask(Dial):
    hides_identity = True


class Reopening:
    """Opens outputs anew from a list; an error in it is raised."""

    def __init__(self, *others: Output | OutputError, can: bool = True) -> None:
        self._others = list(others)
        self._can = can

    def can_open_again(self, output: Output) -> bool:
        return self._can

    def open_again(self, output: Output) -> Output:
        other = self._others.pop(0) if self._others else OutputError("the device is busy")
        if isinstance(other, OutputError):
            raise other
        return other


class HangingOutput(KeepingOutput):
    def __init__(self, gate: Gate, after: int = LEARNT) -> None:
        super().__init__()
        self._gate, self._after = gate, after

    def show(self, frame: Frame) -> None:
        if len(self.numbers) == self._after:
            self._gate.hang()
        super().show(frame)


def closed(part: Inverted | KeepingOutput) -> bool:
    return part.is_closed


def told(pulse: Pulse) -> str:
    return pulse.call.what if pulse.call else ""


def live(outputs: list[Output], effects: list[Effect] | None = None, controls: ControlChannel | None = None) -> Run:
    camera = DrawnCamera(live=True, fps=200)
    return make_loop(camera, outputs, effects or [], every_frame=False, controls=controls)


def go_until(made: Run, condition: Callable[[], object]) -> bool:
    """Run until it comes true; False where that was waited for in vain."""
    came: list[bool] = []

    def watch() -> None:
        came.append(wait_for(condition))
        made.loop.stop()

    person = threading.Thread(target=watch)
    person.start()
    made.go()
    person.join()
    return came[0]


def detecting(made: Run, detectors: list[Any]) -> None:
    left = list(detectors)

    def open_next() -> Any:
        detector = left.pop(0)
        if isinstance(detector, Exception):
            raise detector
        return detector

    made.loop.maker.face_stage = FaceStage(open_next, made.loop.stats)


def test_a_detector_that_hangs_is_left_behind_and_faces_are_found_again(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, fresh, effect, output = HangingDetector(gate), HangingDetector(gate, None), Inverted(), KeepingOutput()
    made = live([output], [effect])
    detecting(made, [stuck, fresh])
    assert go_until(made, lambda: fresh.found > 20)
    assert made.loop.stats.restarts == {"detector": 1}
    numbers = [read_number(~frame.pixels) for frame in output.frames]
    assert numbers == sorted(set(numbers))
    assert effect.seen[-1], "who was followed is found"
    processed, shown, seen = made.loop.stats.processed, len(output.frames), len(effect.seen)
    assert stuck.closed == 0
    gate.open()
    assert stuck.closed == 1, "by the thread that was left in it"
    assert (made.loop.stats.processed, len(output.frames), len(effect.seen)) == (processed, shown, seen)
    assert [line for line in caplog.messages if "detector" in line] == [
        "the face detector does not answer; another takes its place, the last picture stays meanwhile"
    ]


def test_nobody_who_is_hidden_is_shown_before_there_is_a_detector_again(gate: Gate) -> None:
    may_open = threading.Event()
    fresh, output = HangingDetector(gate, None), KeepingOutput()

    class Hiding(Inverted):
        hides_identity = True

        def make(self, scene: Scene) -> Frame:
            if len(self.seen) > LEARNT:
                assert scene.faces, "a picture was made while nobody could be found"
            return super().make(scene)

    made = live([output], [Hiding()])
    opened = iter((HangingDetector(gate), fresh))

    def open_next() -> ScriptedDetector:
        detector = next(opened)
        if detector is fresh:
            may_open.wait()
        return detector

    made.loop.maker.face_stage = FaceStage(open_next, made.loop.stats)
    held: list[int] = []

    def watch() -> bool:
        if made.loop.maker.face_stage.is_being_replaced and not held:
            held.append(made.loop.stats.processed)
            threading.Timer(0.3, may_open.set).start()
        if held and not may_open.is_set():
            assert made.loop.stats.processed <= held[0] + 1
        return fresh.found > 20

    assert go_until(made, watch)
    assert held
    assert made.loop.stats.effect_failures == 0


def test_a_detector_that_does_not_open_again_is_tried_until_the_limit_and_ends_the_run(gate: Gate) -> None:
    made = live([KeepingOutput()], [Inverted()])
    detecting(made, [HangingDetector(gate), *[RuntimeError("no device")] * 10])
    with pytest.raises(HangError, match=r"no face detector opens any more; the run is ended, start it again"):
        made.go()
    assert made.loop.stats.restarts == {"detector": MOST_RESTARTS}


def test_a_detector_that_hangs_again_and_again_ends_the_run_as_one_that_cannot_be_left(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.pipeline.restarts._LEAST_S", 0.01)
    detectors = [HangingDetector(gate) for _ in range(MOST_RESTARTS + 1)]
    output = KeepingOutput()
    made = live([output], [Inverted()])
    detecting(made, detectors)
    with pytest.raises(HangError, match="the face detector does not answer"):
        made.go()
    assert made.loop.stats.restarts == {"detector": MOST_RESTARTS}
    assert output.is_closed


def test_an_effect_that_hangs_is_opened_anew_with_what_was_set(gate: Gate) -> None:
    stuck, fresh, output, controls = Dial(gate), Dial(gate, None), KeepingOutput(), ControlChannel()
    made = live([output], [stuck], controls)
    opened: list[str] = []

    def open_again(spec: str) -> Effect:
        opened.append(spec)
        return fresh

    made.loop.chain.exchange.open_again = open_again
    controls.parameters.set("Dial.grey", 99)
    assert go_until(made, lambda: fresh.calls > 20 and "effect" in dict(controls.status.restarts))
    assert opened == ["Dial"]
    assert {int(frame.pixels[0, 0, 0]) for frame in output.frames} == {99}
    assert made.loop.stats.restarts == {"effect": 1}
    assert dict(controls.status.restarts)["effect"] == 1
    assert fresh.is_closed
    assert not closed(stuck)
    shown, timed = len(output.frames), made.loop.stats.stage("effect Dial").count
    gate.open()
    assert closed(stuck), "by the thread that was left in it"
    assert stuck.calls == LEARNT + 1
    assert (len(output.frames), made.loop.stats.stage("effect Dial").count) == (shown, timed)


def test_no_picture_is_bare_while_an_effect_that_hides_is_opened_anew(gate: Gate) -> None:
    fresh, output = Mask(gate, None), KeepingOutput()
    made = live([output], [Plain(), Mask(gate), Plain()])
    failing = [EffectError("the model is gone"), EffectError("the model is gone")]

    def open_again(spec: str) -> Effect:
        assert spec == "Mask"
        if failing:
            raise failing.pop()
        return fresh

    made.loop.chain.exchange.open_again = open_again
    assert go_until(made, lambda: fresh.calls > 20)
    assert {int(frame.pixels[40, 40, 0]) for frame in output.frames} == {10}
    assert made.loop.chain.exchange._is_closed
    assert made.loop.stats.restarts == {"effect": 3}
    assert made.loop.stats.effects == ["Plain", "Mask", "Plain"]


def test_an_effect_that_is_chosen_takes_the_place_of_one_that_hangs(gate: Gate) -> None:
    controls, output = ControlChannel(), KeepingOutput()
    made = live([output], [Dial(gate)], controls)
    never = threading.Event()

    def open_again(spec: str) -> Effect:
        controls.send(ChooseEffect("inverted"))
        never.wait()
        return Plain()

    made.loop.chain.exchange.open_again = open_again
    assert go_until(made, lambda: output.frames and output.frames[-1].pixels[40, 40, 0] == 165)
    never.set()


def test_an_effect_that_cannot_be_opened_anew_ends_the_run(gate: Gate) -> None:
    made = live([KeepingOutput()], [Dial(gate)])

    def open_again(spec: str) -> Effect:
        raise EffectError("the model is gone")

    made.loop.chain.exchange.open_again = open_again
    with pytest.raises(HangError, match="the effect that hung does not open any more"):
        made.go()


@pytest.mark.parametrize("where", ["save_state", "restore_state", "close"])
def test_an_effect_that_hangs_at_the_exchange_is_left_behind_too(
    gate: Gate, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = KeepingOutput()

    class Stuck(Dial):
        patience_s = 0.3

    def hang(*_: object) -> None:
        gate.hang()

    first, second = Stuck(gate, None), Stuck(gate, None)
    setattr(second if where == "restore_state" else first, where, hang)
    made = live([output], [first])
    chain = made.loop.chain
    chain.exchange.open_again = lambda spec: Dial(gate, None)
    second.parameters.set("grey", 200)
    if where == "restore_state":
        chain._saved["second"] = effect_chain._SavedState({}, 1)
    replaced: list[bool] = []

    def watch() -> bool:
        if len(output.frames) > 5 and not replaced:
            replaced.append(True)
            chain.replace(EffectSlot("second", second))
        if not replaced or not made.loop.stats.restarts:
            return False
        after = 10 if where == "restore_state" else 200
        return bool(output.frames[-1].pixels[0, 0, 0] == after)

    monkeypatch.setattr("realtime.pipeline.turn.Turn.at.__defaults__", (0.3,))
    assert go_until(made, watch)
    assert made.loop.stats.restarts == {"effect": 1}


def test_an_output_that_hangs_is_opened_anew_and_the_one_left_behind_counts_nothing(gate: Gate) -> None:
    stuck, fresh, other = HangingOutput(gate), KeepingOutput(), KeepingOutput()
    made = live([stuck, other])
    made.loop.output_group.reopening = Reopening(OutputError("the device is busy"), fresh)
    assert go_until(made, lambda: len(fresh.frames) > 20)
    assert made.loop.stats.restarts == {"keeping": 2}
    assert len(made.loop.stats.outputs) == 2, "what takes a place counts on there"
    assert fresh.is_closed
    shown = made.loop.stats.outputs[0].shown
    assert shown == LEARNT + len(fresh.frames)
    assert not closed(stuck)
    gate.open()
    assert closed(stuck)
    assert made.loop.stats.outputs[0].shown == shown
    assert made.loop.stats.outputs[0].failure == ""


def test_an_output_that_is_starved_is_not_taken_for_hung(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def since(share: ProcessorShare) -> float:
        asked.append(0.0 if len(asked) < 30 else 1.0)
        return asked[-1]

    monkeypatch.setattr(ProcessorShare, "since", since)
    made, fresh = live([HangingOutput(gate)]), KeepingOutput()
    made.loop.output_group.reopening = Reopening(fresh)
    assert go_until(made, lambda: fresh.frames)
    assert 1.0 in asked, "not before the machine let it run again"


def test_an_output_that_cannot_be_opened_anew_is_only_said(gate: Gate) -> None:
    stuck, other = HangingOutput(gate), KeepingOutput()
    made = live([stuck, other])
    made.loop.output_group.reopening = Reopening(can=False)
    assert go_until(made, lambda: len(other.frames) > 150)
    assert made.loop.stats.restarts == {}


def test_an_output_that_never_opens_again_ends_the_run(gate: Gate) -> None:
    made = live([HangingOutput(gate)])
    made.loop.output_group.reopening = Reopening()
    with pytest.raises(HangError, match="output keeping cannot be opened again"):
        made.go()


class Killed(BaseException):
    """What no guard for faults takes for one."""


def test_an_output_whose_thread_dies_is_opened_anew() -> None:
    class Dying(KeepingOutput):
        def show(self, frame: Frame) -> None:
            super().show(frame)
            if len(self.numbers) == 3:
                raise Killed

    dying, fresh = Dying(), KeepingOutput()
    made = live([dying])
    made.loop.output_group.reopening = Reopening(fresh)
    assert go_until(made, lambda: len(fresh.frames) > 5)
    assert dying.is_closed
    assert made.loop.stats.restarts == {"keeping": 1}
    dying = Dying()
    made = live([dying])
    with pytest.raises(OutputError, match=r"output keeping failed \(Killed\)"):
        made.go()
    assert dying.is_closed


def test_a_render_whose_output_dies_ends_with_the_reason() -> None:
    class Dying(KeepingOutput):
        def show(self, frame: Frame) -> None:
            if len(self.numbers) == 3:
                raise Killed
            super().show(frame)

    dying = Dying(every=True)
    made = make_loop(DrawnCamera(60), [dying])
    made.loop.output_group.reopening = Reopening(KeepingOutput(every=True))
    with pytest.raises(OutputError, match=r"output keeping failed \(Killed\)"):
        made.go()
    assert dying.is_closed
    assert dying.numbers == [0, 1, 2]


def test_a_camera_thread_that_is_killed_is_begun_anew() -> None:
    class Dying(DrawnCamera):
        def read(self) -> Frame | None:
            if self._next == 10:
                raise Killed
            return super().read()

    cameras: list[Camera] = [Dying(live=True, fps=200), DrawnCamera(live=True, fps=200)]
    output = KeepingOutput()
    made = make_loop(cameras[0], [output], every_frame=False)  # type: ignore[arg-type]
    made.loop.capture._open_source = lambda: cameras[1]
    assert go_until(made, lambda: len(output.frames) > 40)
    assert made.loop.stats.restarts == {"camera": 1}
    assert all(isinstance(camera, DrawnCamera) and camera.is_closed for camera in cameras)
    made = make_loop(Dying(live=True, fps=200), [KeepingOutput()], every_frame=False)
    made.loop.capture._open_source = lambda: Dying(live=True, fps=500)
    with pytest.raises(CameraError, match="drawn failed: Killed"):
        made.go()
    assert made.loop.stats.restarts == {"camera": MOST_RESTARTS}


class Painting(Inverted):
    """Shows nobody, and keeps when its pictures are of and what it was shown of the camera."""

    uses_pixels = False

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[Frame] = []

    def make(self, scene: Scene) -> Frame:
        self.moments.append(scene.frame)
        return super().make(scene)


@pytest.mark.parametrize(("effect", "goes_on"), [(Painting(), True), (Inverted(), False)])
def test_while_a_camera_is_lost_only_who_needs_none_goes_on(
    effect: Inverted, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.pipeline.capture._SILENT_AFTER_S", 0.2)
    camera, output = DrawnCamera(live=True, fps=60, stall_at=5), KeepingOutput()
    made = make_loop(camera, [output], [effect], every_frame=False, controls=ControlChannel())
    if goes_on:
        assert go_until(made, lambda: len(effect.seen) > 15)
        assert made.supervisor.controls.status.source_lost
    else:
        assert go_until(made, lambda: made.loop.capture.is_lost)
        assert len(effect.seen) <= 5
    if isinstance(effect, Painting):
        times_s = [moment.pts_s for moment in effect.moments]
        assert times_s == sorted(times_s)
        assert times_s[-1] - times_s[0] > 0.3, "its clock goes on"
        assert {int(moment.pixels[40, 40, 0]) for moment in effect.moments[6:]} == {38}, "the last face does not stay"
        assert not any(effect.seen[6:])
    camera.released.set()


@pytest.mark.parametrize("fault", [Killed, ValueError])
def test_processing_that_dies_goes_on_with_the_same_effects(fault: type[BaseException]) -> None:
    class Fallible(FaceStage):
        calls = 0

        def find(self, frame: Frame, came_back: Callable[[], None] = lambda: None) -> list[Face]:
            self.calls += 1
            if self.calls == self.fails_at:
                raise fault("a fault of ours")
            return super().find(frame, came_back)

        fails_at = 10

    effect, output = Inverted(), KeepingOutput()
    made = live([output], [effect])
    made.loop.maker.face_stage = Fallible(lambda: ScriptedDetector(lambda pts_s: 0.25), made.loop.stats)
    assert go_until(made, lambda: len(effect.seen) > 40)
    assert made.loop.stats.restarts == {"processing": 1}
    assert effect.is_closed


def test_recorded_material_without_hurry_is_waited_for_as_before(gate: Gate) -> None:
    detector = HangingDetector(gate)
    made = make_loop(DrawnCamera(60), [KeepingOutput(every=True)], [Inverted()])
    detecting(made, [detector])
    threading.Timer(1.5, gate._open.set).start()
    made.go()
    assert made.loop.stats.restarts == {}
    assert made.loop.stats.processed == 60
    assert detector.found == 60


def test_patience_is_learnt_and_begins_anew_with_another_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.pipeline.restarts._LEAST_S", 1.0)
    monkeypatch.setattr("realtime.pipeline.restarts._TIMES_SLOWEST", 5.0)
    patience = Patience()
    for _ in range(29):
        patience.add(0.01, "small")
    assert patience.seconds(15.0, "small") == 15.0
    patience.add(0.01, "small")
    assert patience.seconds(15.0, "small") == 1.0
    assert patience.seconds(15.0, "small", doubled=2) == 4.0
    assert patience.seconds(0.5, "small") == 0.5, "never more than it says of itself"
    assert patience.seconds(15.0, "large") == 15.0
    patience.add(0.4, "small")
    assert patience.seconds(15.0, "small") == 2.0
    patience.add(0.01, "large")
    assert patience.seconds(15.0, "small") == 15.0


def test_the_first_answers_of_a_successor_may_take_as_long_as_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.pipeline.restarts._LEAST_S", 1.0)
    monkeypatch.setattr("realtime.pipeline.restarts._TIMES_SLOWEST", 5.0)
    patience = Patience()
    assert patience.of_successor().seconds(15.0, "small") == 15.0, "nothing is known of it"
    patience.add(0.5, "small")
    for _ in range(3000):
        patience.add(0.01, "small")
    assert patience.seconds(15.0, "small") == 1.0
    successor = patience.of_successor()
    assert successor.seconds(15.0, "small") == pytest.approx(2.5, rel=0.05)
    for _ in range(60):
        successor.add(0.01, "small")
    assert successor.seconds(15.0, "small") == 1.0


def test_of_many_restarts_only_those_of_late_count() -> None:
    now_s = 0.0
    stats = RunStats()
    restarts = Restarts(stats, lambda: now_s)
    for _ in range(MOST_RESTARTS):
        assert restarts.may("effect")
        restarts.note("effect")
        now_s += 1.0
    assert not restarts.may("effect")
    assert restarts.may("detector")
    now_s = WITHIN_S + 0.5
    assert restarts.may("effect")
    assert restarts.recent("effect") == MOST_RESTARTS - 1
    assert stats.restarts == {"effect": MOST_RESTARTS}


def test_a_turn_is_taken_away_in_the_very_call_only() -> None:
    pulse = Pulse()
    turn = Turn(pulse)
    turn.at("effect one")
    first = pulse.call
    assert first is not None
    turn.at("effect one")
    assert not turn.take_away(first), "it has come back meanwhile"
    assert not turn.take_away(Call("effect one", 15.0))
    call = pulse.call
    assert call is not None
    assert turn.take_away(call)
    assert told(pulse) == ""
    another = Turn(pulse)
    another.at("effect one")
    for says in (turn.rest, lambda: turn.at("effect two")):
        with pytest.raises(LeftBehind):
            says()
    assert told(pulse) == "effect one"


def test_what_keeps_what_was_made_is_opened_anew_under_another_name(tmp_path: Path) -> None:
    opener = OutputOpener(OutputRequest(controls=ControlChannel(), overwrite=True))
    film, none = opener.open(str(tmp_path / "out.mp4")), opener.open("none")
    folder = opener.open(f"{tmp_path}/pictures/")
    frame = Frame(np.zeros((48, 64, 3), np.uint8), 0.0, 0.0, 0)
    for output in (film, folder):
        output.show(frame)
    others = [opener.open_again(output) for output in (film, none, folder)]
    assert [output.name for output in others] == ["out-2.mp4", "none", "pictures-2/"]
    assert all(opener.can_open_again(output) for output in others)
    assert not opener.can_open_again(KeepingOutput())
    for output in (film, none, folder, *others):
        output.close()
    assert (tmp_path / "pictures" / "000000.png").exists()
