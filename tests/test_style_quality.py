from __future__ import annotations

import math

import numpy as np
import pytest

from realtime.imaging.frame import Size
from realtime.style.resolution_governor import ResolutionGovernor, first_step, working_sizes

FULL = Size(1280, 720)
PERIOD_S = 1 / 30


class Loop:
    """A loop at 30 fps on a fake clock: a model that takes `ns_per_px`, exchanged half a second after it was asked."""

    def __init__(self, ns_per_px: float, step: int = 0, fps: float = 30.0) -> None:
        self.sizes = working_sizes(FULL)
        self.governor = ResolutionGovernor(self.sizes, 1 / fps, step)
        self.ns_per_px, self.rest_s, self.jitter = ns_per_px, 0.004, 0.0
        self.now_s, self.exchanges = 0.0, 0
        self._fps = fps
        self._due_s: float | None = None
        self._rng = np.random.default_rng(1)

    def run(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            size = self.sizes[self.governor.step]
            scaling_s = self.ns_per_px * 1e-9 * size.width * size.height
            scaling_s *= 1 + self.jitter * float(self._rng.exponential())
            wanted = self.governor.count(scaling_s, self.rest_s, self.now_s)
            if wanted == self.governor.step:
                self._due_s = None
            elif self._due_s is None:
                self._due_s = self.now_s + 0.5
            elif self.now_s >= self._due_s:
                self.governor.exchanged(wanted)
                self.exchanges += 1
            self.now_s += max(1 / self._fps, scaling_s + self.rest_s)

    @property
    def size(self) -> Size:
        return self.sizes[self.governor.step]

    @property
    def frame_s(self) -> float:
        return self.ns_per_px * 1e-9 * self.size.width * self.size.height + self.rest_s


def test_sizes_begin_with_the_full_one_and_shrink() -> None:
    sizes = working_sizes(FULL)
    assert sizes[0] == FULL
    areas = [size.width * size.height for size in sizes]
    assert areas == sorted(set(areas), reverse=True)
    assert all(side % 16 == 0 for size in sizes[1:] for side in size)
    assert all(math.isclose(size.width / size.height, 16 / 9, rel_tol=0.06) for size in sizes)
    assert min(sizes[-1]) >= 240
    assert working_sizes(Size(480, 480))[-1] == Size(240, 240)


@pytest.mark.parametrize("frame", [Size(1, 1), Size(17, 333), Size(64, 48), Size(8192, 16), Size(1920, 1081)])
def test_any_frame_has_sizes(frame: Size) -> None:
    sizes = working_sizes(frame)
    assert min(sizes[0]) >= 32, "no model takes less"
    assert max(sizes[0]) <= 8192
    assert sizes[0] == frame or min(frame) < 32
    assert all(size.width <= sizes[0].width and size.height <= sizes[0].height for size in sizes)


def test_no_side_below_what_the_network_takes() -> None:
    assert working_sizes(Size(100, 50), least_px=256) == (Size(512, 256),)
    assert min(min(size) for size in working_sizes(FULL, least_px=400)) >= 400


def test_a_quick_model_keeps_the_full_size() -> None:
    loop = Loop(ns_per_px=10)
    loop.run(60)
    assert loop.size == FULL
    assert loop.exchanges == 0


@pytest.mark.parametrize("ns_per_px", [30, 60, 150])
def test_a_slow_model_comes_to_rest_at_a_size_that_holds_the_rate(ns_per_px: float) -> None:
    loop = Loop(ns_per_px)
    loop.run(5)
    assert loop.frame_s < 0.75 * PERIOD_S
    settled, exchanges = loop.size, loop.exchanges
    assert exchanges <= 2, "straight to the size that fits, not step by step"
    loop.run(300)
    assert loop.size == settled
    assert loop.exchanges == exchanges


def test_the_largest_size_that_fits_is_chosen() -> None:
    loop = Loop(ns_per_px=60)
    loop.run(5)
    larger = loop.sizes[loop.governor.step - 1]
    assert 60e-9 * larger.width * larger.height + loop.rest_s > 0.6 * PERIOD_S


def test_a_model_that_is_slow_at_any_size_stays_at_the_smallest() -> None:
    loop = Loop(ns_per_px=5000)
    loop.run(30)
    assert loop.governor.step == len(loop.sizes) - 1


def test_it_goes_up_again_when_there_is_time_to_spare_but_not_at_once() -> None:
    loop = Loop(ns_per_px=60)
    loop.run(5)
    lowered = loop.size
    loop.ns_per_px = 12  # another program has ended
    loop.run(2)
    assert loop.size == lowered
    loop.run(10)
    assert loop.size == FULL


def test_it_does_not_swing_where_raising_is_in_vain() -> None:
    loop = Loop(ns_per_px=60)
    loop.run(5)
    loop.exchanges = 0

    # Larger sizes cost more than their pixels (they leave the processor's cache): what was foretold never comes true.
    base = loop.ns_per_px
    for _ in range(600):
        loop.ns_per_px = base * (0.4 if loop.governor.step >= 4 else 1.6)
        loop.run(1)
    assert loop.exchanges < 40, "600 s: about every half minute at the most"


def test_hiccups_change_nothing() -> None:
    loop = Loop(ns_per_px=15)
    loop.governor.count(0.02, 0.004, 0.0)
    for index in range(3000):
        scaling_s = 0.2 if index % 5 == 4 else 0.012  # every fifth frame held up by the system
        assert loop.governor.count(scaling_s, 0.004, index / 30) == 0


def test_noisy_times_settle() -> None:
    loop = Loop(ns_per_px=35)
    loop.jitter = 0.3
    loop.run(600)
    assert loop.exchanges <= 12


def test_nothing_is_learnt_while_another_is_being_opened() -> None:
    governor = ResolutionGovernor(working_sizes(FULL), PERIOD_S)
    for index in range(40):
        governor.count(0.05, 0.004, index / 30)
    wanted = governor.wanted
    assert wanted > 0
    for index in range(40, 80):
        assert governor.count(0.5, 0.004, index / 30) == wanted


def test_the_first_step_follows_from_a_measured_pixel() -> None:
    sizes = working_sizes(FULL)
    assert first_step(sizes, 1e-9, 0.004, PERIOD_S) == 0
    assert first_step(sizes, 1e-3, 0.004, PERIOD_S) == len(sizes) - 1
    step = first_step(sizes, 30e-9, 0.004, PERIOD_S)
    assert 30e-9 * sizes[step].width * sizes[step].height + 0.004 <= 0.6 * PERIOD_S
    assert 30e-9 * sizes[step - 1].width * sizes[step - 1].height + 0.004 > 0.6 * PERIOD_S
