"""What front-ends ask of a run: parameters, effects and sources by value, taken up while the picture goes on."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.control.commands import (
    ChooseEffect,
    ChooseSource,
    NextParameter,
    Quit,
    SetMirrored,
    SetParameter,
    SetPaused,
    StepParameter,
)
from realtime.control.parameters import Parameters
from realtime.core.errors import CameraError, EffectError
from realtime.core.settings import setting
from realtime.core.stats import RunStats
from realtime.effects import EFFECTS, Effect, EffectContext, effect_class
from realtime.effects.plain import Plain
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame, Size
from realtime.pipeline.capture import CapturePolicy
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot
from realtime.pipeline.pacing import DropPolicy
from realtime.pipeline.processing import Limits
from realtime.session.snapshots import Snapshots
from realtime.session.supervisor import Supervisor
from tests import test_capture
from tests.doubles import DrawnCamera, KeepingOutput, draw_number
from tests.test_loop import make_loop


class Grey(Effect):
    """One grey level, and a warmth that does nothing."""

    @dataclasses.dataclass(frozen=True)
    class Settings:
        level: int = field(default=10, metadata=setting("how light", least=0, most=255, step=5, live=True))
        warmth: float = field(default=0.5, metadata=setting("how warm", least=0, most=1, step=0.1, unit="%", live=True))

    def __init__(self, settings: Settings) -> None:
        self.parameters = Parameters(settings)

    @classmethod
    def open(cls, argument: str, settings: Any, context: EffectContext) -> Grey:
        return cls(settings)

    def make(self, scene: Scene) -> Frame:
        return scene.frame.with_pixels(np.full_like(scene.frame.pixels, self.parameters.values.level))


def until(condition: Callable[[], object], supervisor: Supervisor | None = None) -> None:
    deadline_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline_s, "it does not come about"
        if supervisor is not None:
            supervisor.tick()
        time.sleep(0.005)


def test_a_value_that_is_set_is_in_the_next_picture_and_in_the_statistics() -> None:
    effect = Grey(Grey.Settings())
    stats = RunStats()
    chain = EffectChain([EffectSlot("grey", effect)], stats)
    frame = Frame(draw_number(1), 0.0, 0.0, 0)
    assert chain.make(frame, []).pixels[0, 0, 0] == 10
    chain.parameters.set("grey.level", 99)
    assert chain.make(frame, []).pixels[0, 0, 0] == 99
    chain.describe()
    assert stats.effect_reports["grey"] == {"parameters": {"level": 99, "warmth": 0.5}}


def test_two_of_one_name_have_parameters_of_their_own_and_keys_begin_with_the_last() -> None:
    chain = EffectChain([EffectSlot("grey:a", Grey(Grey.Settings())), EffectSlot("grey:b", Grey(Grey.Settings(7)))],
                        RunStats())  # fmt: skip
    assert [path for path, _, _ in chain.parameters.list()][::2] == ["grey.level", "grey2.level"]
    assert chain.parameters.get("grey2.level") == 7
    assert chain.stepped == ["grey2.level", "grey2.warmth", "grey.level", "grey.warmth"]


def test_who_comes_back_has_what_was_set_and_who_goes_leaves_nothing() -> None:
    chain = EffectChain([EffectSlot("grey", Grey(Grey.Settings()))], RunStats())
    frame = Frame(draw_number(1), 0.0, 0.0, 0)
    chain.parameters.set("grey.level", 99)
    chain.replace(EffectSlot("none", Plain()))
    chain.make(frame, [])
    assert chain.parameters.list() == []
    chain.replace(EffectSlot("grey", Grey(Grey.Settings())))
    chain.make(frame, [])
    assert chain.parameters.get("grey.level") == 99
    assert chain.parameters.get("grey.warmth") == 0.5


def test_commands_are_carried_out_and_answered() -> None:
    controls = ControlChannel()
    made = make_loop(DrawnCamera(live=True), [KeepingOutput()], [Grey(Grey.Settings())], controls=controls)
    said: list[str] = []
    controls.say = lambda message, for_s=4.0: said.append(message)  # type: ignore[method-assign]
    supervisor = made.supervisor
    for command in (
        SetParameter("Grey.level", 300),
        SetParameter("Grey.levl", 3),
        StepParameter(-3),
        NextParameter(),
        StepParameter(2),
        SetMirrored(on=True),
        SetMirrored(on=True),
        SetPaused(on=True),
    ):
        controls.send(command)
        supervisor.tick()
    assert controls.parameters.get("Grey.level") == 240
    assert controls.parameters.get("Grey.warmth") == 0.7
    assert made.loop.maker.mirrored
    assert made.loop.maker.paused
    assert said == [
        "no parameter 'levl' (did you mean 'level'?)",
        "level 240", "up and down: warmth 50%", "warmth 70%", "mirrored", "mirrored",
    ]  # fmt: skip
    supervisor.look_after()
    assert ("warmth", "70%") in controls.status.facts
    made.loop.capture.stop()


def test_an_effect_is_chosen_by_its_spec() -> None:
    controls = ControlChannel()
    made = make_loop(
        DrawnCamera(live=True, fps=60), [KeepingOutput()], every_frame=False, controls=controls, limits=Limits(None, 20)
    )
    chosen: list[list[str]] = []

    def watch(processed: int) -> None:
        if processed > 3 and not chosen:
            controls.send(ChooseEffect("inverted"))
            chosen.append(made.loop.chain.titles)
        if made.loop.chain.titles == ["inverted"]:
            controls.send(Quit())

    made.supervisor.on_processed = watch
    made.go()
    assert chosen == [["none"]]
    assert made.loop.stats.effects == ["inverted"]


def test_another_source_takes_over_when_it_is_open_and_the_clock_goes_on() -> None:
    first, second = DrawnCamera(live=True, fps=100), DrawnCamera(live=True, fps=100)
    run = test_capture.Run(lambda: first, CapturePolicy(), DropPolicy.NEWEST)  # or the former may wait for room
    before = run.take(3)
    said: list[str] = []
    run.capture.choose("second", lambda: second, said.append)
    until(lambda: said == ["source: drawn"])
    run.capture.watch()
    until(lambda: first.is_closed)
    after = run.take(5)
    run.capture.stop()
    assert second.is_closed
    assert after[-1].pts_s > before[-1].pts_s
    assert [frame.index for frame in after] == sorted(frame.index for frame in after)
    assert run.ends == [None]


def test_a_source_that_does_not_open_changes_nothing() -> None:
    camera = DrawnCamera(live=True, fps=100)
    run = test_capture.Run(lambda: camera, CapturePolicy())
    said: list[str] = []

    def none_there() -> DrawnCamera:
        raise CameraError("no camera 7; plug one in")

    run.capture.choose("7", none_there, said.append)
    until(lambda: said == ["no camera 7; plug one in"])
    run.capture.watch()
    assert len(run.take(3)) == 3
    assert not camera.is_closed
    run.capture.stop()


def test_the_supervisor_opens_the_source_that_a_command_names(tmp_path: Path) -> None:
    controls = ControlChannel()
    first, second = DrawnCamera(live=True, fps=60), DrawnCamera(live=True, fps=60)
    made = make_loop(first, [KeepingOutput()], every_frame=False, controls=controls, limits=Limits(None, 20))
    opened: list[str] = []

    def open_source(spec: str) -> DrawnCamera:
        opened.append(spec)
        return second

    snapshots = Snapshots(tmp_path, lambda path: KeepingOutput(), controls.say)
    supervisor = Supervisor(made.loop, controls, made.supervisor.menu, snapshots, open_source)

    def watch(processed: int) -> None:
        if processed > 3 and not opened:
            controls.send(ChooseSource("clip.mp4"))
        if first.is_closed:
            controls.send(Quit())

    supervisor.on_processed = watch
    made._replace(supervisor=supervisor).go()
    assert opened == ["clip.mp4"]
    assert first.is_closed
    assert second.is_closed


def test_what_is_costly_is_found_once_however_many_ask() -> None:
    found: list[int] = []

    class Mask:
        def __init__(self, frame: Frame) -> None:
            found.append(frame.index)

    class Asking(Plain):
        def make(self, scene: Scene) -> Frame:
            scene.once(Mask, lambda: Mask(scene.captured))
            return scene.frame.with_pixels(scene.frame.pixels.copy())

    chain = EffectChain([EffectSlot("one", Asking()), EffectSlot("two", Asking())], RunStats())
    for index in range(3):
        chain.make(Frame(draw_number(index), 0.0, 0.0, index), [])
    assert found == [0, 1, 2]


def test_of_a_picture_that_is_drawn_what_is_found_is_found_anew() -> None:
    found: list[Size] = []

    class Mask:
        def __init__(self, frame: Frame) -> None:
            found.append(frame.size)

    class Asking(Plain):
        def make(self, scene: Scene) -> Frame:
            scene.once(Mask, lambda: Mask(scene.captured))
            return scene.frame

    class Drawing(Plain):
        uses_pixels = False

        def make(self, scene: Scene) -> Frame:
            return scene.frame.with_pixels(np.zeros((9, 16, 3), np.uint8))

    effects = [Asking(), Drawing(), Asking(), Asking()]
    chain = EffectChain([EffectSlot(str(number), one) for number, one in enumerate(effects)], RunStats())
    chain.make(Frame(draw_number(0), 0.0, 0.0, 0), [])
    assert found == [Size.of(draw_number(0)), Size(16, 9)]


def test_an_effect_written_against_the_former_contract_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Former(Plain):
        def make(self, frame: Frame, faces: object) -> Frame:  # type: ignore[override]
            return frame

    class Entry:
        def load(self) -> type[Effect]:
            return Former

    monkeypatch.setitem(EFFECTS, "former", Entry())
    with pytest.raises(
        EffectError, match=r"'former' is written for an earlier version: make\(scene\) has taken"
    ) as caught:
        effect_class("former")
    assert "\n" not in str(caught.value)
