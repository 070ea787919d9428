"""Sound as it was some time ago, without a click however that time changes: the heart of sound in step.

Two clocks, the one that fills the ring and the one that empties it, drift apart; and the delay asked for changes with
the picture. A `Servo` turns what the place in the ring is off into a bend of pitch too small to be heard. What would
take it too long, a picture that became 60 ms older at a stroke, is crossed over to in one fade.
"""

from __future__ import annotations

import math

import numpy as np

from realtime.sound.interpolation import Interpolator
from realtime.sound.ring import Ring, Samples
from realtime.sound.sample_clock import SampleClock

MOST_BEND = 0.0029
"""Of the speed: 5 cents, which hardly anybody hears in a tone that stands and nobody in a voice. 2.9 ms a second."""
JUMP_S = 0.025
"""More than this off is faded over; bent, it would be within the 20 ms that people notice only after seconds."""
_FIRST_S = 5.0
_FIRST_JUMP_S = 0.008  # so soon after the beginning, while the clocks are being learnt
_FADE_S = 0.030
_RISE_S = 0.010
"""From silence, and to it."""

# What is off is halved every 1.4 s: an age that sways by 8 ms in a minute is followed to 1.3 ms; to 4.3 ms by gains of
# 0.2 and 0.01. The two clocks are known to 0.3 ms, which bends by 0.3 cents.
_PROPORTIONAL_PER_S = 0.5
_INTEGRAL_PER_S2 = 0.0625  # critically damped: drift leaves nothing off after ten seconds
_MOST_DRIFT = 0.002
_SLEW_PER_S = 0.01


class Servo:
    """A PI controller from seconds off to a bend of the speed. One thread."""

    def __init__(self) -> None:
        self._drift = 0.0
        self._bend = 0.0

    def bend(self, off_s: float, passed_s: float) -> float:
        """Return by which share to read faster (positive) than the rates ask for. `off_s`: how far the place lags
        behind where it should be; `passed_s`: since the last time.
        """
        wanted = _PROPORTIONAL_PER_S * off_s + self._drift
        bend = max(-MOST_BEND, min(MOST_BEND, wanted))
        if bend == wanted:  # at its limit it must not go on adding up
            drift = self._drift + _INTEGRAL_PER_S2 * off_s * passed_s
            self._drift = max(-_MOST_DRIFT, min(_MOST_DRIFT, drift))
        step = _SLEW_PER_S * passed_s
        self._bend = max(self._bend - step, min(self._bend + step, bend))
        return self._bend


class DelayedReader:
    """Reads a ring block by block, each as it was at a moment asked for. One thread; it allocates no arrays."""

    def __init__(self, ring: Ring, clock: SampleClock, rate: float, most_frames: int = 4096) -> None:
        """`clock`: the ring's. `rate`: of what is given out. Longer blocks are read in parts of
        `most_frames`.
        """
        self.off_s = 0.0
        """How far the last block was from the moment asked for; positive: too old."""
        self.spare_s = 0.0
        """How much sound the ring had beyond the last block; negative: so much was missing."""
        self.fades = 0
        """How often it was faded over to another moment."""
        self.gaps = 0
        """How often sound was missing."""
        self.is_silent = True
        """Whether there is nothing to give out."""
        self._ring = ring
        self._clock = clock
        self._rate = rate
        self._ratio = clock.nominal_rate / rate
        self._interpolator = Interpolator(ring.channels, self._ratio, most_frames)
        self._servo = Servo()
        self.position_before = 0.0
        """Where in the ring the last block began."""
        self._position = 0.0
        self._fade_from: float | None = None
        self._faded = 0
        self._fade_frames = round(_FADE_S * rate)
        self._rise_frames = round(_RISE_S * rate)
        ramp = (np.arange(self._fade_frames, dtype=np.float32) + 0.5) / self._fade_frames
        # Equal power: two moments of a voice have nothing in common.
        self._fade_in = np.sin(ramp * math.pi / 2)[:, None]
        self._fade_out = np.cos(ramp * math.pi / 2)[:, None]
        rise = (np.arange(self._rise_frames, dtype=np.float32) + 0.5) / self._rise_frames
        self._rise = (0.5 - 0.5 * np.cos(rise * math.pi))[:, None].astype(np.float32)
        self._risen = 0
        self._played = 0
        self._new = np.zeros((most_frames, ring.channels), np.float32)
        self._old = np.zeros((most_frames, ring.channels), np.float32)

    def read(self, out: Samples, heard_at_s: float) -> None:
        """Fill `out`, (frames, 1 or 2), with what was heard from `heard_at_s` on; silence where there is nothing."""
        done = 0
        while done < len(out):
            part = out[done : done + self._interpolator.most_frames]
            self._read(part, heard_at_s + done / self._rate)
            done += len(part)

    def _read(self, out: Samples, heard_at_s: float) -> None:
        frames, clock = len(out), self._clock
        if not clock.is_running:
            self._fall_silent(out)
            return
        wanted = clock.position_at(heard_at_s)
        is_past = self._position < self._ring.oldest + self._interpolator.end_of(0.0, self._ratio, 0)
        if (self.is_silent or is_past) and not self._begins(wanted, frames):
            self._fall_silent(out)
            return
        self.off_s = (wanted - self._position) / clock.nominal_rate
        if abs(self.off_s) > self._jump_s and self._fade_from is None:
            self._fade_from, self._faded = self._position, 0
            self._position, self.off_s = wanted, 0.0
            self.fades += 1
        ratio = self._ratio * (1.0 + self._servo.bend(self.off_s, frames / self._rate))
        end = self._interpolator.end_of(self._position, ratio, frames)
        self.spare_s = (self._ring.written - end) / clock.nominal_rate
        new = self._new[:frames]
        self.position_before = self._position
        self._position = self._interpolator.read(self._ring, self._position, ratio, new)
        if self._fade_from is not None:
            self._cross_over(new, ratio)
        if self._risen < self._rise_frames:
            count = min(frames, self._rise_frames - self._risen)
            new[:count] *= self._rise[self._risen : self._risen + count]
            self._risen += count
        if self.spare_s < 0:
            self._end_before_the_gap(new, round(-self.spare_s * self._rate))
        self._played += frames
        self._give(new, out)

    @property
    def _jump_s(self) -> float:
        return _FIRST_JUMP_S if self._played < _FIRST_S * self._rate else JUMP_S

    def _begins(self, wanted: float, frames: int) -> bool:
        """Go to where sound should be now, if it is there. False: it is not."""
        end = self._interpolator.end_of(wanted, self._ratio * (1 + MOST_BEND), frames)
        self.spare_s = (self._ring.written - end) / self._clock.nominal_rate
        if self.spare_s < 0 or wanted - self._interpolator.end_of(0.0, 1.0, 0) < self._ring.oldest:
            return False
        self._position, self._risen, self._played, self._fade_from = wanted, 0, 0, None
        self.is_silent = False
        return True

    def _cross_over(self, new: Samples, ratio: float) -> None:
        """Fade from the place before to the new one."""
        assert self._fade_from is not None  # noqa: S101 - the caller has looked
        count = min(len(new), self._fade_frames - self._faded)
        old = self._old[: len(new)]
        self._fade_from = self._interpolator.read(self._ring, self._fade_from, ratio, old)
        new[:count] *= self._fade_in[self._faded : self._faded + count]
        old[:count] *= self._fade_out[self._faded : self._faded + count]
        new[:count] += old[:count]
        self._faded += count
        if self._faded >= self._fade_frames:
            self._fade_from = None

    def _end_before_the_gap(self, new: Samples, missing: int) -> None:
        """Sound ends within this block: fade it out before, and be silent until there is some again."""
        available = max(0, len(new) - missing)
        count = min(available, self._rise_frames)
        if count:
            new[available - count : available] *= self._rise[
                np.linspace(self._rise_frames - 1, 0, count).astype(np.intp)
            ]
        new[available:] = 0
        self.is_silent = True
        self.gaps += 1

    def _fall_silent(self, out: Samples) -> None:
        out[:] = 0
        self.off_s = 0.0
        self.is_silent = True

    def _give(self, new: Samples, out: Samples) -> None:
        """Give out as many channels as are wanted: one for both ears, or their mean."""
        if new.shape[1] == 2 and out.shape[1] == 1:
            np.add(new[:, 0], new[:, 1], out=out[:, 0])
            out *= 0.5
        else:
            out[:] = new
