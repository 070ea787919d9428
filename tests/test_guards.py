"""Whatever a part that may be anybody's raises or gives, the show goes on."""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
import math
import os
import sys
import threading
from typing import Any

import numpy as np
import pytest

from realtime.core.errors import OnceLogger, in_one_line
from realtime.core.stats import RunStats
from realtime.disclosure.label import Label, LabelStyle
from realtime.effects import Effect, EffectContext
from realtime.effects.plain import Plain
from realtime.effects.scene import Scene
from realtime.faces.face_stage import MOST_FACES, FaceStage, usable
from realtime.faces.tracking.tracker import FaceTracker
from realtime.imaging.frame import Box, Face, Frame
from realtime.imaging.pixels import as_picture
from realtime.pipeline.capture import CapturePolicy
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_menu import EffectMenu
from realtime.pipeline.effect_slot import EffectSlot, Traits
from tests.doubles import DrawnCamera, KeepingOutput, ScriptedDetector, draw_number, in_turn
from tests.test_capture import Run
from tests.test_loop import Hiding, Inverted, make_loop

METHODS = ("make", "report", "facts", "inherit_state", "save_state", "restore_state", "close")
VALUES = (
    "parameters",
    "provider",
    "patience_s",
    "uses_faces",
    "uses_pixels",
    "hides_identity",
    "hides_surroundings",
    "synthetic",
    "gives_pictures_away",
    "is_background",
    "comes_last",
)
GOOD = draw_number(7)


def failing_effect(name: str, error: BaseException) -> Effect:
    """An effect whose method or value `name` raises."""

    def fail(*arguments: object) -> Any:
        raise error

    made: Effect = type("Failing", (Inverted,), {name: property(fail) if name in VALUES else fail})()
    return made


@pytest.mark.parametrize("error", [RuntimeError("a bug\nof several lines"), SystemExit(3), MemoryError()], ids=repr)
@pytest.mark.parametrize("name", [*METHODS, *VALUES])
def test_no_method_of_an_effect_can_end_the_show(name: str, error: BaseException) -> None:
    stats = RunStats()
    chain = EffectChain([EffectSlot("none", Plain()), EffectSlot("failing", failing_effect(name, error))], stats)
    frame = Frame(GOOD, 1.0, 0.0, 0)
    for _ in range(3):
        assert chain.make(frame, []).pixels.shape == GOOD.shape
    assert chain.stepped == []
    assert isinstance(chain.facts(), list)
    chain.describe()
    chain.replace(EffectSlot("failing too", failing_effect(name, error)))
    assert chain.make(frame, []).pixels.shape == GOOD.shape
    chain.replace(EffectSlot("none", Plain()))
    assert np.array_equal(chain.make(frame, []).pixels, GOOD)
    chain.close()
    json.dumps(stats.as_json())


def test_an_effect_that_cannot_say_what_it_is_is_trusted_with_nothing() -> None:
    hopeless = type("Hopeless", (Inverted,), {name: property(lambda self: 1 / 0) for name in VALUES})()
    traits = Traits.of(hopeless)
    assert traits.hides_identity
    assert traits.synthetic, "its pictures are labelled"
    assert traits.uses_pixels
    assert not traits.gives_pictures_away, "nobody writes into its pictures"


def test_what_an_effect_tells_of_itself_can_always_be_written() -> None:
    class Strange(Inverted):
        def report(self) -> Any:
            return {"path": os, "array": np.float32(3), 7: {"deep": {1, 2}}}

        def facts(self) -> Any:
            return dict.fromkeys(range(1000))

    stats = RunStats()
    chain = EffectChain([EffectSlot("strange", Strange())], stats)
    json.dumps(stats.as_json())
    assert 0 < len(chain.facts()) < 50
    assert chain.facts()[0] == ("0", "None")


def test_the_statistics_keep_what_ran_when_someone_looks_after_the_end() -> None:
    """The main thread asks for the state of the run until it ends, while the processing thread closes the effects."""
    stats = RunStats()
    chain = EffectChain([EffectSlot("none", Plain()), EffectSlot("inverted", Inverted())], stats)
    chain.close()
    chain.describe()
    assert stats.effects == ["none", "inverted"]


def test_a_face_that_is_not_confirmed_is_given_to_effects_that_hide_people_and_to_no_others() -> None:
    class Looking(Inverted):
        def make(self, scene: Scene) -> Frame:
            frame, faces = scene.frame, scene.faces
            self.given = [face.confirmed for face in faces]
            return super().make(Scene(frame, faces))

    class Hiding(Looking):
        hides_identity = True

    looking, hiding = Looking(), Hiding()
    chain = EffectChain([EffectSlot("looking", looking), EffectSlot("hiding", hiding)], RunStats())
    chain.make(Frame(GOOD, 0.0, 0.0, 0), [FINE, dataclasses.replace(FINE, confirmed=False)])
    assert looking.given == [True]
    assert hiding.given == [True, False]


class Giving(Inverted):
    """Gives something else than a frame with a picture, now and then."""

    def __init__(self, given: Any, *, whole: bool = False) -> None:
        super().__init__()
        self._given, self._whole = given, whole

    def make(self, scene: Scene) -> Frame:
        frame, faces = scene.frame, scene.faces
        made = super().make(Scene(frame, faces))
        if len(self.seen) != 3:
            return made
        return self._given if self._whole else made.with_pixels(self._given)


class GivingHidden(Giving, Hiding):
    pass


NO_PICTURES: list[Any] = [
    GOOD / 255.0,
    (GOOD / 255).astype(np.float16),
    np.zeros((0, 0, 3), np.uint8),
    np.zeros((0, 64, 3), np.uint8),
    np.zeros((48, 64, 5), np.uint8),
    np.zeros((48, 64, 2), np.uint8),
    np.zeros((1, 48, 64, 3), np.uint8),
    np.zeros(7, np.uint8),
    GOOD > 3,
    GOOD.astype(np.int64),
    GOOD.tolist(),
    None,
    "a picture",
]
OTHER_FORMS: list[Any] = [
    GOOD[:, ::-1],
    GOOD[::2],
    np.asfortranarray(GOOD),
    GOOD[:, :, 0],
    GOOD[:, :, :1],
    np.dstack([GOOD, GOOD[:, :, 0]]),
    GOOD.astype(np.uint16) * 257,
]


@pytest.mark.parametrize("given", NO_PICTURES, ids=lambda given: f"{type(given).__name__}{np.shape(given)}")
def test_one_picture_that_is_none_costs_itself_only(given: Any) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        as_picture(given)
    assert "\n" not in str(caught.value)
    for effect in (Giving(given), GivingHidden(given)):
        output = KeepingOutput(every=True)
        stats = make_loop_run(output, effect)
        assert len(output.frames) == 6
        assert all(frame.pixels.dtype == np.uint8 and frame.pixels.flags.c_contiguous for frame in output.frames)
        assert stats.effect_failures == 1


@pytest.mark.parametrize("given", ["nothing", None, GOOD, 7], ids=str)
def test_what_is_no_frame_costs_itself_only(given: Any) -> None:
    output = KeepingOutput(every=True)
    assert make_loop_run(output, Giving(given, whole=True)).effect_failures == 1
    assert len(output.frames) == 6


def make_loop_run(output: KeepingOutput, effect: Effect) -> RunStats:
    made = make_loop(DrawnCamera(6), [output], [effect])
    made.go()
    return made.loop.stats


@pytest.mark.parametrize("given", OTHER_FORMS, ids=lambda given: f"{given.dtype}{given.shape}{given.strides}")
def test_a_picture_of_another_form_is_brought_into_ours(given: Any) -> None:
    picture = as_picture(given)
    assert picture.dtype == np.uint8
    assert picture.shape == (*given.shape[:2], 3)
    assert picture.flags.c_contiguous
    expected = given >> 8 if given.dtype == np.uint16 else given
    expected = expected[:, :, np.newaxis] if expected.ndim == 2 else expected[:, :, :3]
    assert (picture == expected).all()


def test_a_picture_of_ours_is_not_copied() -> None:
    assert as_picture(GOOD) is GOOD


def test_times_and_counts_of_a_picture_stay_the_cameras() -> None:
    class Careless(Inverted):
        def make(self, scene: Scene) -> Frame:
            frame = scene.frame
            return Frame(~frame.pixels, math.nan, -5.0, 99, mirrored=True)

    made = EffectChain([EffectSlot("careless", Careless())], RunStats()).make(Frame(GOOD, 3.0, 1.5, 4), [])
    assert (made.captured_at_s, made.pts_s, made.index, made.mirrored) == (3.0, 1.5, 4, False)


def test_a_label_that_fails_never_lets_a_synthetic_picture_through_without_it(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Label):
        def put_on(self, frame: Frame, *, may_write: bool = False) -> Frame:
            raise RuntimeError("no letters")

    class Synthetic(Inverted):
        synthetic = True

    chain = EffectChain([EffectSlot("swap", Synthetic())], RunStats(), Broken(LabelStyle()))
    made = chain.make(Frame(GOOD, 0.0, 0.0, 0), [])
    assert np.unique(made.pixels.reshape(-1, 3), axis=0).tolist() == [[38, 34, 32]]
    assert "the label fails: no letters" in caplog.messages


class GivingCamera(DrawnCamera):
    """Gives something else than a picture at each second frame."""

    def __init__(self, given: Any, *, live: bool = False) -> None:
        super().__init__(20, fps=500, live=live)
        self._given = given

    def read(self) -> Frame | None:
        frame = super().read()
        return frame if frame is None or frame.index % 2 else dataclasses.replace(frame, pixels=self._given)


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("given", NO_PICTURES, ids=lambda given: f"{type(given).__name__}{np.shape(given)}")
def test_what_a_camera_gives_and_is_no_picture_is_left_out_and_told_once(
    given: Any, live: bool, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(in_turn([GivingCamera(given, live=live)]), CapturePolicy())
    frames = run.take()
    run.capture.stop()
    assert [frame.index for frame in frames] == list(range(1, 20, 2))
    assert run.stats.unusable == 10
    assert run.ends == [None]
    assert len([line for line in caplog.messages if "is no picture" in line]) == 1


@pytest.mark.parametrize("given", OTHER_FORMS, ids=lambda given: f"{given.dtype}{given.shape}{given.strides}")
def test_a_camera_may_give_other_forms(given: Any) -> None:
    run = Run(in_turn([GivingCamera(given)]), CapturePolicy())
    frames = run.take()
    run.capture.stop()
    assert len(frames) == 20
    assert all(frame.pixels.shape[2] == 3 and frame.pixels.flags.c_contiguous for frame in frames)


def face(box: Box, score: float = 0.9, points: Any = None) -> Face:
    return Face(box, np.full((6, 2), 20, np.float32) if points is None else points, score)


FINE = face(Box(10, 10, 20, 20))
NO_FACES: list[Any] = [
    face(Box(10, 10, 0, 20)),
    face(Box(10, 10, 20, 0)),
    face(Box(10, 10, -20, -20)),
    face(Box(math.nan, 10, 20, 20)),
    face(Box(10, 10, math.inf, 20)),
    face(Box(10, 10, 20, 20), math.nan),
    face(Box(10, 10, 20, 20), points=np.full((6, 2), np.nan)),
    face(Box(10, 10, 20, 20), points=np.zeros((3, 2))),
    face(Box(10, 10, 20, 20), points="points"),
    face((10, 10), 0.9),  # type: ignore[arg-type]
    "a face",
    None,
]


@pytest.mark.parametrize("given", NO_FACES, ids=str)
def test_a_face_that_lies_nowhere_is_none(given: Any) -> None:
    assert usable([given, FINE, given]) == [FINE]


def test_of_very_many_faces_the_surest_are_taken() -> None:
    crowd = [face(Box(index, 0, 20, 20), 0.5 + (index % 100) / 250) for index in range(5000)]
    taken = usable(crowd)
    assert len(taken) == MOST_FACES
    assert min(one.score for one in taken) == 0.5 + 99 / 250
    assert [one.box.left for one in taken] == sorted(one.box.left for one in taken)


@pytest.mark.parametrize("given", [None, 7, "face", *([[one]] for one in NO_FACES), [FINE] * 5000], ids=lambda _: "")
def test_whatever_a_detector_gives_the_show_goes_on(given: Any) -> None:
    class Faulty(ScriptedDetector):
        def find(self, frame: Frame) -> list[Face]:
            return given  # type: ignore[no-any-return]

        def close(self) -> None:
            raise RuntimeError("a library's end")

    face_stage = FaceStage(lambda: Faulty(lambda pts_s: 0.5), RunStats())
    face_stage.start()
    face_stage.wait_until_ready()
    for index in range(3):
        assert len(face_stage.find(Frame(GOOD, 0.0, index / 30, index))) <= MOST_FACES
    face_stage.close()


def test_following_that_fails_is_told_once_and_begins_anew(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    face_stage = FaceStage(lambda: ScriptedDetector(lambda pts_s: 0.5), RunStats())
    face_stage.start()
    face_stage.wait_until_ready()
    with monkeypatch.context() as patched:
        patched.setattr(FaceTracker, "update", lambda tracker, found, pts_s: 1 / 0)
        for index in range(3):
            assert face_stage.find(Frame(GOOD, 0.0, index / 30, index)) == []
    assert len(face_stage.find(Frame(GOOD, 0.0, 1.0, 30))) == 1
    assert [line for line in caplog.messages if "following" in line] == ["following the faces fails: division by zero"]


def test_words_that_change_are_one_failure_and_told_once_a_minute_at_most(caplog: pytest.LogCaptureFixture) -> None:
    now_s = 0.0
    failures = OnceLogger(logging.getLogger("realtime.test"), lambda: now_s)
    for number in range(10_000):
        now_s = number / 10
        failures.failure("effect x fails", ValueError(f"at {now_s}"))
        failures.failure("effect x fails", KeyError(f"at {now_s}"))
    assert caplog.messages[:2] == ["effect x fails: at 0.0", "effect x fails: 'at 0.0'"]
    assert len(caplog.messages) <= 2 * 3, "a quarter of an hour of failures"
    assert caplog.messages[-1].endswith("for the 10000th time")


def test_failures_of_several_threads_are_all_counted(caplog: pytest.LogCaptureFixture) -> None:
    minutes = itertools.count(step=100)
    failures = OnceLogger(logging.getLogger("realtime.test"), lambda: float(next(minutes)))

    def fail() -> None:
        for _ in range(1250):
            failures.failure("effect x fails", ValueError("no"))

    threads = [threading.Thread(target=fail) for _ in range(8)]
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before_s)
    # Counted under a lock and told outside of it: two threads may tell theirs in either order.
    assert sorted(caplog.messages) == sorted(
        [
            "effect x fails: no",
            *(f"effect x fails: the same failure for the {count}th time" for count in (10, 100, 1000, 10000)),
        ]
    )


def test_any_error_is_one_short_line() -> None:
    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError

    assert in_one_line(ValueError("\n\n  first words\nsecond words")) == "first words"
    assert in_one_line(MemoryError()) == "MemoryError"
    assert in_one_line(Mute()) == "Mute"
    assert len(in_one_line(ValueError("x" * 5000))) == 300


def test_an_effect_is_opened_with_its_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float]] = []

    class Slow(Inverted):
        patience_s = 90.0

        @classmethod
        def open(cls, argument: str, settings: Any, context: EffectContext) -> Slow:
            return cls()

    chain = EffectChain([EffectSlot("slow:/home/me/a.jpg", Slow())], RunStats())
    monkeypatch.setattr(chain.calls.pulse, "at", lambda what, patience_s=15.0: asked.append((what, patience_s)))
    chain.make(Frame(GOOD, 0.0, 0.0, 0), [])
    assert ("effect slow:a.jpg", 90.0) in asked


def test_a_key_for_which_no_thread_can_be_started_is_told_and_the_next_one_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    said: list[str] = []
    chain = EffectChain([EffectSlot("none", Plain())], RunStats())
    menu = EffectMenu(lambda: ["none", "inverted"], "none", lambda spec: Inverted(), chain, said.append)
    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", start)
        menu.step(1)
    assert said == ["no effect can be opened now: can't start new thread"]
    menu.step(0)
    menu.close(30)
    assert not np.array_equal(chain.make(Frame(GOOD, 0.0, 0.0, 0), []).pixels, GOOD)


def test_a_detector_for_which_no_thread_can_be_started_is_opened_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    face_stage = FaceStage(lambda: ScriptedDetector(lambda pts_s: 0.5), RunStats())
    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", start)
        assert face_stage.find(Frame(GOOD, 0.0, 0.0, 0)) == []
    assert face_stage.find(Frame(GOOD, 0.0, 0.1, 1)) == []
    face_stage.wait_until_ready()
    assert len(face_stage.find(Frame(GOOD, 0.0, 0.2, 2))) == 1
    face_stage.close()
