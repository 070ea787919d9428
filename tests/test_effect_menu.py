"""The keys for next and previous effect, where somebody wears a face: it is not taken off by one key."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from realtime.core.stats import RunStats
from realtime.effects import Effect
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_menu import EffectMenu
from realtime.pipeline.effect_slot import EffectSlot

AGAIN = "press again: your own face will be seen"


class Bare(Effect):
    """Shows people as they are."""

    def __init__(self, spec: str = "") -> None:
        self.spec = spec
        self.strength = 1.0

    @classmethod
    def open(cls, argument: str, settings: object, context: object) -> Effect:
        raise NotImplementedError

    def make(self, scene: Scene) -> Frame:
        return scene.frame


class Painting(Bare):
    """Shows nobody."""

    uses_pixels = False


class Mask(Bare):
    """Hides them, with a strength."""

    hides_identity = True

    def save_state(self) -> object:
        return self.strength

    def restore_state(self, state: object) -> None:
        assert isinstance(state, float)
        self.strength = state


class Room(Bare):
    """Shows people, and nothing behind them."""

    hides_surroundings = True


KINDS = {"none": Bare, "style": Bare, "painting": Painting, "mask": Mask, "room": Room}
SPECS = ["none", "painting", "style", "mask"]


class Stage:
    """A menu and its chain, with the keys pressed one after the other."""

    def __init__(
        self, *specs: str, listed: Sequence[str] = SPECS, may_list: Callable[[], object] = lambda: None
    ) -> None:
        """`may_list` returns once the menu may know what there is."""

        def list_specs() -> Sequence[str]:
            may_list()
            return listed

        self.said: list[str] = []
        self.chain = EffectChain([EffectSlot(spec, KINDS[spec](spec)) for spec in specs], RunStats())
        self.menu = EffectMenu(
            list_specs,
            specs[-1],
            lambda spec: KINDS[spec](spec),
            self.chain,
            self.said.append,
            lambda spec: KINDS[spec] in (Bare, Room),
            lambda spec: KINDS[spec] in (Bare, Mask),
        )

    def press(self, by: int) -> str:
        """Press a key, wait for what it opens, show a frame; return the effect that is shown."""
        self.menu.step(by)
        return self.shown()

    def shown(self) -> str:
        """Wait for what is being opened, show a frame; return the effect that is shown."""
        self.menu.close()
        pixels = np.zeros((4, 4, 3), np.uint8)
        self.chain.make(Frame(pixels, 0.0, 0.0, 0), [])
        return self.chain.slots[-1].spec


def test_one_key_does_not_bare_a_face() -> None:
    stage = Stage("mask")
    assert stage.press(1) == "mask"
    assert stage.said == [AGAIN]
    assert stage.press(1) == "none"
    assert stage.said == [AGAIN, "effect: none"]


def test_nor_a_room_that_is_hidden() -> None:
    question = "press again: the room behind you will be seen"
    stage = Stage("room", listed=["none", "painting", "room", "mask"])
    assert stage.press(1) == "room"
    assert stage.press(-1) == "painting", "of which nothing is seen"
    assert stage.press(-1) == "painting"
    assert stage.press(-1) == "none"
    assert stage.said == [question, "effect: painting", question, "effect: none"]


def test_from_a_face_to_a_room_the_face_is_asked_about_and_nothing_else() -> None:
    stage = Stage("mask", listed=["none", "mask", "room"])
    assert stage.press(1) == "mask"
    assert stage.press(1) == "room"
    assert stage.said == [AGAIN, "effect: room"]


def test_a_room_that_is_hidden_before_the_last_effect_stays_so() -> None:
    stage = Stage("room", "style", listed=["style", "none"])
    assert stage.press(1) == "none"
    assert stage.said == ["effect: none"]


@pytest.mark.parametrize("later", [2.1, 3600.0])
def test_nor_do_two_that_have_nothing_to_do_with_each_other(later: float, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage("mask")
    assert stage.press(1) == "mask"
    now_s = time.monotonic() + later
    monkeypatch.setattr("realtime.pipeline.effect_chain.time.monotonic", lambda: now_s)
    assert stage.press(1) == "mask"
    assert stage.press(-1) == "mask", "the other way is asked about too"
    assert stage.said == [AGAIN] * 3


def test_nor_many_before_it_is_known_what_there_is() -> None:
    is_known = threading.Event()
    stage = Stage("mask", may_list=is_known.wait)
    for _ in range(5):
        stage.menu.step(1)
    is_known.set()
    assert stage.shown() == "mask"
    assert stage.said == [AGAIN]


def test_a_painting_on_the_way_is_no_answer() -> None:
    stage = Stage("painting", listed=["mask", "painting", "none"])
    assert stage.press(-1) == "mask"
    assert stage.press(1) == "painting", "nobody is seen in it"
    assert stage.press(1) == "painting"
    assert stage.said[-1] == AGAIN
    assert stage.press(1) == "none"
    assert stage.press(1) == "mask"
    assert stage.press(-1) == "mask", "and again from the next face on"
    assert stage.said[-1] == AGAIN


def test_whoever_wore_nothing_is_not_asked() -> None:
    stage = Stage("painting")
    assert [stage.press(-1), stage.press(1), stage.press(1)] == ["none", "painting", "style"]
    assert AGAIN not in stage.said


def test_nor_is_anybody_whom_another_effect_of_the_chain_hides() -> None:
    stage = Stage("mask", "style")
    assert [stage.press(-1), stage.press(-1)] == ["painting", "none"]
    assert AGAIN not in stage.said


def test_a_face_comes_back_with_the_strength_that_was_set() -> None:
    stage = Stage("mask")
    worn = stage.chain.slots[0].effect
    assert isinstance(worn, Mask)
    worn.strength = 0.7
    for by in (1, 1, -1):
        stage.press(by)
    back = stage.chain.slots[0].effect
    assert isinstance(back, Mask)
    assert back is not worn
    assert back.strength == 0.7


def test_an_effect_that_fails_to_close_does_not_take_the_keys_with_it() -> None:
    stage = Stage("none")

    class Overtaken(Painting):
        def close(self) -> None:
            raise OSError("a library's end")

    def open_effect(spec: str) -> Effect:
        if spec == "painting":
            stage.menu.step(1)  # pressed while it is opened: it is not wanted any more
            return Overtaken(spec)
        return KINDS[spec](spec)

    stage.menu = EffectMenu(lambda: SPECS, "none", open_effect, stage.chain, stage.said.append, lambda spec: False)
    assert stage.press(1) == "style"
    assert stage.press(1) == "mask"


def test_effects_that_cannot_be_listed_are_asked_again() -> None:
    stage = Stage("none")
    answers: list[Exception | Sequence[str]] = [ImportError("not now"), SPECS]

    def listed() -> Sequence[str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    stage.menu = EffectMenu(listed, "none", KINDS["painting"], stage.chain, stage.said.append, lambda spec: False)
    assert stage.press(1) == "none"
    assert stage.press(1) == "painting"
