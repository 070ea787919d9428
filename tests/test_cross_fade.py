"""One effect goes over into another: softly, from end to end, and never by way of a face that asked to be hidden."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.control.commands import ChooseEffect, Quit
from realtime.core.stats import RunStats
from realtime.effects import Effect, EffectContext
from realtime.effects.plain import Plain
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame, Size
from realtime.pipeline.cross_fade import CrossFade
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot
from tests.doubles import SIZE, DrawnCamera, KeepingOutput, draw_number
from tests.test_loop import make_loop, run, wait_for


class Flat(Effect):
    """One grey everywhere, in a size of its own."""

    Settings = Plain.Settings

    def __init__(self, grey: int, size: Size = SIZE) -> None:
        self._pixels = np.full((size.height, size.width, 3), grey, np.uint8)
        self.is_closed = False

    @classmethod
    def open(cls, argument: str, settings: Any, context: EffectContext) -> Flat:
        return cls(int(argument))

    def make(self, scene: Scene) -> Frame:
        return scene.frame.with_pixels(self._pixels)

    def close(self) -> None:
        assert not self.is_closed, "close comes once"
        self.is_closed = True


class Hider(Flat):
    hides_identity = True


class Portrait(Flat):
    uses_pixels = False


def chain_of(effect: Effect) -> EffectChain:
    return EffectChain([EffectSlot("former", effect)], RunStats())


def is_closed(effect: Flat) -> bool:
    return effect.is_closed


def frame_at(pts_s: float) -> Frame:
    return Frame(draw_number(7), time.monotonic(), pts_s, round(pts_s * 30))


def greys(chain: EffectChain, times: list[float]) -> list[int]:
    return [int(chain.make(frame_at(pts_s), ()).pixels[20, 20, 0]) for pts_s in times]


def test_it_goes_from_one_picture_to_the_other_and_closes_the_first() -> None:
    former = Flat(40)
    chain = chain_of(former)
    assert greys(chain, [0.0]) == [40]
    chain.replace(EffectSlot("new", Flat(240)), fade_s=1.0)
    shown = greys(chain, [1 + step / 10 for step in range(10)])
    assert shown[0] == 40, "the first picture is the former one to the bit"
    assert shown == sorted(shown)
    assert shown[5] == 140
    assert not is_closed(former)
    assert greys(chain, [2.0]) == [240]
    assert is_closed(former)
    chain.close()


def test_without_a_time_it_is_a_cut() -> None:
    former = Flat(40)
    chain = chain_of(former)
    chain.replace(EffectSlot("new", Flat(240)))
    assert greys(chain, [1.0]) == [240]
    assert former.is_closed
    chain.close()


def test_the_picture_has_the_new_size_at_once_and_fills_it() -> None:
    chain = chain_of(Flat(40, Size(300, 48)))
    chain.replace(EffectSlot("new", Flat(240, Size(32, 64))), fade_s=1.0)
    picture = chain.make(frame_at(1.0), ()).pixels
    assert picture.shape == (64, 32, 3)
    assert np.unique(picture).tolist() == [40]
    chain.close()


@pytest.mark.parametrize("former_first", [True, False])
def test_on_a_whole_screen_no_picture_jumps_to_another_place(former_first: bool) -> None:
    """A tall picture and a wide one, on a screen that is wide: the tall one has black bars beside it, also while one
    goes over into the other.
    """
    tall, wide, screen = Flat(200, Size(60, 80)), Flat(100, Size(160, 90)), Size(1920, 1080)
    former, new = (tall, wide) if former_first else (wide, tall)
    chain = chain_of(former)
    chain.whole_screen = lambda: screen
    chain.replace(EffectSlot("new", new), fade_s=1.0)
    first, later = (chain.make(frame_at(pts_s), ()).pixels for pts_s in (1.0, 1.5))
    for picture in (first, later):
        assert picture.shape[1] / picture.shape[0] == pytest.approx(16 / 9, abs=0.02)
    middle, beside = (slice(None), first.shape[1] // 2), (slice(None), first.shape[1] // 20)
    assert np.unique(first[middle]).tolist() == [200 if former_first else 100]
    assert np.unique(first[beside]).tolist() == [0 if former_first else 100]
    assert np.unique(later[middle]).tolist() == [150]
    assert np.unique(later[beside]).tolist() == [50]
    assert chain.make(frame_at(2.0), ()).pixels.shape[:2] == ((90, 160) if former_first else (80, 60))
    chain.close()


@pytest.mark.parametrize(
    ("former", "new", "fades"),
    [
        (Flat(40), Hider(240), False),  # who asks to be hidden is not shown for another second
        (Hider(40), Hider(240), True),
        (Hider(40), Flat(240), True),
        (Portrait(40), Hider(240), True),
    ],
)
def test_nobody_shines_through_who_asked_to_be_hidden(former: Flat, new: Flat, fades: bool) -> None:
    chain = chain_of(former)
    greys(chain, [0.0])
    chain.replace(EffectSlot("new", new), fade_s=1.0)
    assert greys(chain, [1.0]) == [40 if fades else 240]
    assert former.is_closed is not fades
    chain.close()


def test_a_failing_effect_that_goes_does_not_end_the_picture() -> None:
    class Failing(Hider):
        def make(self, scene: Scene) -> Frame:
            raise RuntimeError("gone wrong")

    chain = chain_of(Failing(0))
    chain.replace(EffectSlot("new", Hider(240)), fade_s=1.0)
    shown = greys(chain, [1 + step / 10 for step in range(12)])
    assert shown == sorted(shown)
    assert shown[-1] == 240
    chain.close()


def test_the_next_exchange_ends_the_one_before() -> None:
    first, second = Flat(40), Flat(240)
    chain = chain_of(first)
    chain.replace(EffectSlot("second", second), fade_s=1.0)
    greys(chain, [1.0, 1.5])
    chain.replace(EffectSlot("third", Flat(100)), fade_s=1.0)
    assert greys(chain, [1.6]) == [240]
    assert first.is_closed
    assert greys(chain, [3.0]) == [100]
    assert second.is_closed
    chain.close()


def test_a_run_that_ends_in_the_middle_closes_both() -> None:
    former, new = Flat(40), Flat(240)
    chain = chain_of(former)
    chain.replace(EffectSlot("new", new), fade_s=1.0)
    greys(chain, [1.0])
    chain.close()
    assert former.is_closed
    assert new.is_closed


def test_a_pair_that_is_too_slow_is_cut_short() -> None:
    fade = CrossFade(0.0, 100.0)
    for took_s in (0.1, 0.1, 0.01, 0.1, 0.1):
        fade.took(took_s)
    assert not fade.is_over(1.0)
    fade.took(0.1)
    assert fade.is_over(1.0)


def test_a_clock_that_begins_anew_ends_it() -> None:
    fade = CrossFade(5.0, 1.0)
    assert not fade.is_over(5.5)
    assert fade.is_over(0.0)


def test_live_by_command_no_picture_is_black() -> None:
    output, controls = KeepingOutput(), ControlChannel()
    made = make_loop(DrawnCamera(live=True, fps=60), [output], every_frame=False, controls=controls)

    def user() -> None:
        wait_for(lambda: output.frames)
        controls.send(ChooseEffect("inverted", fade_s=0.3))
        wait_for(lambda: output.frames[-1].pixels[40, 40, 0] == 165)
        controls.send(Quit())

    person = threading.Thread(target=user)
    person.start()
    run(made)
    person.join()
    shown = [int(frame.pixels[40, 40, 0]) for frame in output.frames]
    assert shown == sorted(shown)
    assert shown[0] == 90
    assert shown[-1] == 165
    assert len({*shown}) > 3, "between the two there is something"
