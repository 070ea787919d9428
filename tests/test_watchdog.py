"""What stands still is named, and ended. Time is told to the watchdog here, it is not waited for."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from realtime.core.errors import HangError
from realtime.core.stats import RunStats
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame
from realtime.outputs import Output
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot
from realtime.system.processor_share import CountedTime, ProcessorShare
from realtime.system.watchdog import Pulse, Watchdog
from tests.doubles import DrawnCamera, KeepingOutput
from tests.test_loop import Inverted, make_loop

BEAT_S = 0.25


class Watched:
    """A watchdog, one pulse, and what was done about it."""

    def __init__(self, *, hurried: bool = True) -> None:
        self.pulse = Pulse()
        self.hangs: list[HangError] = []
        self.dog = Watchdog(
            [self.pulse],
            hung=self.hangs.append,
            overdue=lambda passed_s: False,
            last_resort=lambda: pytest.fail("nothing is overdue"),
            hurried=hurried,
        )

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / BEAT_S)):
            self.dog.look(BEAT_S)


def test_what_stands_still_is_said_once_by_name_and_then_given_up_once(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    watched.pulse.at("effect swap:anna.jpg")
    watched.wait(5.0)
    assert not caplog.messages
    watched.wait(1.0)
    assert caplog.messages == ["effect swap:anna.jpg has not answered for 5 s; the last picture stays"]
    watched.wait(8.0)
    assert not watched.hangs
    watched.wait(20.0)
    assert [str(hang) for hang in watched.hangs] == [
        "effect swap:anna.jpg does not answer; the run is ended, start it again"
    ]
    assert watched.hangs[0].exit_code == 75
    assert len(caplog.messages) == 1


def test_what_comes_back_is_said_and_a_new_call_is_counted_anew(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    for _ in range(10):
        watched.pulse.at("the face detector")
        watched.wait(4.0)
    assert not caplog.messages
    watched.wait(4.0)
    watched.pulse.rest()
    watched.wait(30.0)
    assert caplog.messages[-1] == "the face detector goes on"
    assert not watched.hangs


def test_a_part_that_is_known_to_be_slow_has_its_own_patience() -> None:
    watched = Watched()
    watched.pulse.at("effect style:slow", 60.0)
    watched.wait(59.0)
    assert not watched.hangs
    watched.wait(3.0)
    assert len(watched.hangs) == 1


def test_where_nothing_hurries_a_picture_takes_as_long_as_it_takes(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(hurried=False)
    watched.pulse.at("effect style:slow")
    watched.wait(29.0)
    assert not caplog.messages
    watched.wait(3600.0)
    assert len(caplog.messages) == 1
    assert not watched.hangs


class Hanging(Inverted):
    """Stands still from a picture on."""

    patience_s = 0.2

    def __init__(self, after: int) -> None:
        super().__init__()
        self.released = threading.Event()
        self._after = after

    def make(self, scene: Scene) -> Frame:
        frame, faces = scene.frame, scene.faces
        if len(self.seen) >= self._after:
            self.released.wait()
        return super().make(Scene(frame, faces))


def test_an_effect_that_never_returns_ends_the_run_with_its_outputs_closed() -> None:
    effect, outputs = Hanging(3), [KeepingOutput(), KeepingOutput()]
    made = make_loop(DrawnCamera(live=True, fps=60), list[Output](outputs), [effect], every_frame=False)
    with pytest.raises(HangError, match="effect Hanging does not answer"):
        made.go()
    assert all(output.is_closed for output in outputs)
    assert outputs[0].numbers, "what was made before was shown"
    effect.released.set()


@pytest.mark.parametrize("every_frame", [True, False])
def test_ctrl_c_does_not_wait_for_an_effect_that_never_returns(every_frame: bool) -> None:
    effect, output = Hanging(3), KeepingOutput(every=every_frame)
    effect.patience_s = 1000.0
    made = make_loop(DrawnCamera(fps=60), [output], [effect], every_frame=every_frame)

    def press() -> None:
        while len(effect.seen) < 3:
            time.sleep(0.01)
        made.loop.stop()

    threading.Thread(target=press).start()
    made.go()
    assert made.loop.interrupted
    assert output.is_closed
    effect.released.set()


def test_a_main_thread_that_stands_still_does_not_keep_the_outputs_open() -> None:
    class Telling(Inverted):
        released = threading.Event()

        def facts(self) -> Any:
            self.released.wait()

    left: list[int] = []

    def leave(code: int) -> None:
        left.append(code)
        assert output.is_closed
        Telling.released.set()  # so that this test can end; a program is ended here

    output = KeepingOutput()
    made = make_loop(DrawnCamera(live=True, fps=60), [output], [Telling()], every_frame=False)
    threading.Timer(0.3, made.loop.stop).start()
    made.go(leave)
    assert left == [0]


def test_looking_after_the_run_may_fail_and_the_picture_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def tick() -> None:
        raise RuntimeError("a bug beside the picture")

    output = KeepingOutput(every=True)
    make_loop(DrawnCamera(20), [output]).loop.run(tick)
    assert output.numbers == list(range(20))
    assert [line for line in caplog.messages if "a bug beside" in line] == [
        "looking after the run fails: a bug beside the picture"
    ]


def test_an_output_that_stands_still_is_said_once_and_when_it_is_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released, shown = threading.Event(), threading.Event(), threading.Event()

    class Standing(KeepingOutput):
        def show(self, frame: Frame) -> None:
            begun.set()
            released.wait()

    now_s = 100.0
    monkeypatch.setattr("realtime.pipeline.output_worker.time", SimpleNamespace(monotonic=lambda: now_s))
    made = make_loop(DrawnCamera(1), [Standing()])
    (output_worker,) = made.loop.output_workers
    output_worker.on_first_shown = shown.set
    caplog.set_level(logging.WARNING)
    output_worker.start()
    output_worker.offer(Frame(np.zeros((4, 4, 3), np.uint8), 0.0, 0.0, 0))
    assert begun.wait(10)
    now_s += 6
    for _ in range(3):
        made.supervisor.look_after()
    released.set()
    assert shown.wait(10)
    for _ in range(3):
        made.supervisor.look_after()
    output_worker.stop()
    assert caplog.messages == [
        "output keeping has taken no picture for 6 s",
        "output keeping takes pictures again",
    ]


def test_a_main_thread_that_is_only_slow_is_left_to_end_in_order() -> None:
    loop = make_loop(DrawnCamera(1), [KeepingOutput()]).loop
    for _ in range(100):
        loop.main_pulse.at("the window")
        assert not loop.run_end.is_overdue(1.0), "nobody has asked for the end"
    loop.stop()
    for _ in range(100):
        loop.main_pulse.at("the window")
        assert not loop.run_end.is_overdue(1.0), "it goes from call to call"
    loop.main_pulse.rest()
    assert not any(loop.run_end.is_overdue(1.0) for _ in range(100)), "it waits for what has a limit of its own"
    loop.main_pulse.at("the window")
    assert [loop.run_end.is_overdue(1.0) for _ in range(3)] == [False, False, True]


def test_at_the_end_only_a_main_thread_that_stands_still_is_not_waited_for() -> None:
    loop = make_loop(DrawnCamera(1), [KeepingOutput()]).loop
    loop.run_end.begin_closing()
    loop.main_pulse.at("closing output out.mp4", patience_s=60.0)
    loop.run_end.give_up(HangError("closing effect x does not answer; the run is ended, start it again"))
    assert not any(loop.run_end.is_overdue(1.0) for _ in range(60)), "it closes the outputs"
    loop.main_pulse.at("what is being saved", patience_s=60.0)
    assert not any(loop.run_end.is_overdue(1.0) for _ in range(60)), "and what is saved beside, both in order"
    assert loop.run_end.is_overdue(1.0)
    assert loop.abandon() == 75


def test_an_effect_that_is_opened_too_late_is_closed() -> None:
    chain = EffectChain([EffectSlot("none", Inverted())], RunStats())
    chain.close()
    late = Inverted()
    chain.replace(EffectSlot("late", late))
    assert late.is_closed


def tasks(folder: Path, **times: str) -> Path:
    for name, text in times.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "schedstat").write_text(text)
    return folder


def test_the_share_of_the_processor_is_what_was_had_of_what_was_wanted(tmp_path: Path) -> None:
    share = ProcessorShare(tasks(tmp_path, t1="1000 500 3", t2="100 0 1"))
    share.begin()
    tasks(tmp_path, t1="1100 800 4", t2="200 0 2", t3="7 9999 1")  # one that has just begun tells nothing yet
    assert share.since() == pytest.approx(200 / 500)
    assert share.since() == 1.0, "nobody wanted any since"
    tasks(tmp_path, t1="gone")
    assert share.since() == 1.0
    assert ProcessorShare(tmp_path / "another system").since() == 1.0


def test_only_who_is_late_is_looked_at_closely(tmp_path: Path) -> None:
    counted = CountedTime(tasks(tmp_path, t1="1000 500 3"))
    tasks(tmp_path, t1="1100 1400 4")
    assert counted.of(1.0) == 1.0
    counted.look(is_late=True)
    tasks(tmp_path, t1="1200 2300 4")
    assert counted.of(1.0) == pytest.approx(0.1)
    counted.look(is_late=False)
    assert counted.of(1.0) == 1.0


def test_a_process_that_is_starved_is_not_taken_for_hung(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    monkeypatch.setattr(ProcessorShare, "since", lambda share: 0.1)
    watched.pulse.at("effect swap:anna.jpg", 2.0)
    watched.wait(5.0)
    assert not watched.hangs
    monkeypatch.setattr(ProcessorShare, "since", lambda share: 1.0)
    watched.wait(2.0)
    assert len(watched.hangs) == 1
