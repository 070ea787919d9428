"""Where a portrait looks: at the viewer, and elsewhere when nobody is there. Time in, numbers out; no pictures.

Everything depends on the times given and nothing else, chance included, so that the same recording always gives the
same looks.
"""

from __future__ import annotations

import dataclasses
import math
import random

from realtime.imaging.numerics import eased

SETTLED_AFTER_S = 0.25
"""A viewer who has not moved for so long is at rest. Between two steps of someone walking slowly it is less."""
FULL_TURN_S = 0.6
"""No turn from edge to edge is faster: heads of people take 0.4 to 0.7 s for it."""
WANDERING_FULL_TURN_S = 2.2
WANDERING_TURN_S = 0.9
"""Who looks about for nothing in particular does so at leisure."""
FORGOTTEN_AFTER_S = 2.0
"""Where it does not wander, the gaze leaves the place of the last viewer after this time."""
IDLE_FADE_S = 0.3
BLINK_S = 0.18
BLINK_INTERVAL_S = (2.0, 6.0)

_STICKY_COLUMNS = 0.75  # at rest, the gaze stays on its frame until the viewer is clearly nearer to the next
_SEED = 20


@dataclasses.dataclass(frozen=True, slots=True)
class GazeOptions:
    """How a portrait behaves. Parts of the picture: 0 is the left or top edge of the mirrored camera picture, 1 the
    right or bottom one; values beyond lie outside the picture.
    """

    columns: int
    rows: int = 1
    view_left: float = 0.0
    """A viewer here is looked at with the first column; at `view_right`, with the last."""
    view_right: float = 1.0
    view_top: float = 0.0
    view_bottom: float = 1.0
    smoothing_s: float = 0.3
    """After a jump of the viewer, nine tenths of the way are covered in this time; 0: at once."""
    rest: float = 0.01
    """A viewer who stays within this share of the view, to either side, is not followed."""
    wander_after_s: float | None = 2.0
    """How long after the last viewer the gaze begins to wander; None: it goes back to the middle."""
    blinks: bool = True
    idle_count: int = 0
    """Pictures of the idle loop; 0: there is none."""
    idle_fps: float = 15.0
    seed: int = 0
    """Of what happens by chance: those that stand beside each other need different ones, or they blink in step."""


@dataclasses.dataclass(frozen=True, slots=True)
class GazeTarget:
    """What to show at one moment."""

    column: float
    """0..columns − 1; between two columns while moving, a whole number at rest."""
    row: float
    lids: float
    """0 open, 1 closed."""
    idle_number: int = 0
    """Picture of the idle loop, of which `idle_weight`, 0..1, is to be seen over the gaze frame."""
    idle_weight: float = 0.0


class GazeController:
    """Follows a viewer, rests, wanders and blinks. Used by one thread."""

    def __init__(self, options: GazeOptions) -> None:
        self._options = options
        self._across = _Axis(options.columns, options.view_left, options.view_right, options)
        self._down = _Axis(options.rows, options.view_top, options.view_bottom, options)
        self._eyelids = _Eyelids(options.seed)
        self._wandering = _Wandering(options, self._across, self._down)
        self._now_s: float | None = None
        self._seen_at_s = 0.0
        self._is_away = False  # nobody has been there for a while

    def adapt(self, options: GazeOptions) -> None:
        """Behave by these from the next moment on. `columns`, `rows` and the idle loop stay as they are."""
        self._options = self._wandering.options = options
        self._across.adapt(options.view_left, options.view_right, options.rest)
        self._down.adapt(options.view_top, options.view_bottom, options.rest)

    def update(self, pts_s: float, viewer: tuple[float, float] | None) -> GazeTarget:
        """Return the look for this moment. `viewer`: the midpoint of the eyes in the mirrored picture, 0..1 across
        and down (beyond where the head is cut off), or None. `pts_s` never decreases.
        """
        if self._now_s is None:
            self._now_s = self._seen_at_s = pts_s
            self._eyelids.begin(pts_s)
        step_s = pts_s - self._now_s
        self._now_s = pts_s

        if viewer is not None:
            self._across.see(viewer[0], pts_s, is_new=self._is_away)
            self._down.see(viewer[1], pts_s, is_new=self._is_away)
            self._seen_at_s = pts_s
            self._is_away = False
        elif not self._is_away and pts_s - self._seen_at_s >= self._patience_s:
            self._is_away = True
            self._wandering.begin()

        if self._is_away:
            if self._wandering.update(pts_s) and self._options.blinks:
                self._eyelids.hurry(pts_s)
            turn_s, full_turn_s = WANDERING_TURN_S, WANDERING_FULL_TURN_S
        else:
            self._across.settle(pts_s)
            self._down.settle(pts_s)
            turn_s, full_turn_s = self._options.smoothing_s, FULL_TURN_S
        self._across.move(step_s, turn_s, full_turn_s)
        self._down.move(step_s, turn_s, full_turn_s)

        wants_blink = self._options.blinks and self._eyelids.is_due(pts_s)
        idle_number, idle_weight = self._wandering.idle(pts_s, step_s, stays=self._is_away and not wants_blink)
        # The idle loop moves the head a little under the lids, which belong to a gaze frame: it is left first.
        lids = self._eyelids.closing(pts_s, may_begin=idle_weight == 0) if self._options.blinks else 0.0
        return GazeTarget(self._across.position, self._down.position, lids, idle_number, idle_weight)

    @property
    def _patience_s(self) -> float:
        after_s = self._options.wander_after_s
        return FORGOTTEN_AFTER_S if after_s is None else after_s


class _Axis:
    """One direction of the gaze: what it is drawn to, and where it is on its way there, in frames."""

    def __init__(self, count: int, view_from: float, view_to: float, options: GazeOptions) -> None:
        self.last = count - 1
        self.position = self.goal = float(self.middle)
        self.adapt(view_from, view_to, options.rest)
        self._speed = 0.0
        self._followed: float | None = None  # where the viewer is, less the play of `rest`, as a share of the view
        self._is_following = False
        self._pushed_at_s = 0.0

    def adapt(self, view_from: float, view_to: float, rest: float) -> None:
        """Take this part of the picture for the view."""
        self._view_from = view_from
        self._view_span = view_to - view_from
        self._rest = rest

    @property
    def middle(self) -> int:
        return (self.last + 1) // 2

    @property
    def is_at_rest(self) -> bool:
        return self._speed == 0 and self.position == self.goal

    def see(self, place: float, pts_s: float, *, is_new: bool) -> None:
        """Take in where the viewer is."""
        # The ends have play too, so that it does not keep anybody from reaching the last frame.
        share = min(max((place - self._view_from) / self._view_span, -self._rest), 1 + self._rest)
        if self._followed is None or is_new:
            self._followed = share
            self._is_following = True
            self._pushed_at_s = pts_s
        pushed = min(max(self._followed, share - self._rest), share + self._rest)
        if pushed != self._followed:
            self._followed = pushed
            self._pushed_at_s = pts_s

    def settle(self, pts_s: float) -> None:
        """Choose the goal from what was seen: the very place of a viewer who moves, a whole frame for one who rests."""
        if self._followed is None:
            return
        target = min(max(self._followed, 0.0), 1.0) * self.last
        if self._is_following and pts_s - self._pushed_at_s >= SETTLED_AFTER_S:
            self._is_following = False
            self.goal = float(round(target))
        elif not self._is_following and abs(target - self.goal) > _STICKY_COLUMNS:
            self._is_following = True
        if self._is_following:
            self.goal = target

    def look_at(self, goal: float) -> None:
        """Be drawn to a frame, whoever is there."""
        self.goal = float(goal)
        self._followed = None

    def move(self, step_s: float, turn_s: float, full_turn_s: float) -> None:
        """Go on towards the goal: a critically damped spring, solved exactly, so that the rate of frames does not
        matter and a late one cannot make it swing.
        """
        if turn_s < 0.001:
            self.position, self._speed = self.goal, 0.0
            return
        if step_s <= 0 or self.is_at_rest:
            return
        stiffness = 3.89 / turn_s  # (1 + 3.89)·exp(−3.89) = 0.1: nine tenths of the way after turn_s
        # Pulled by a distance d, the spring settles at a speed of stiffness·d / 2: this bounds it.
        reach = 2 * (self.last / full_turn_s) / stiffness
        distance = min(max(self.position - self.goal, -reach), reach)
        goal = self.position - distance
        pull = self._speed + stiffness * distance
        fade = math.exp(-stiffness * step_s)
        self.position = goal + (distance + pull * step_s) * fade
        self._speed = (self._speed - stiffness * pull * step_s) * fade
        # The last thirtieth of a frame is not seen, and the exact frame is the sharpest picture.
        if abs(self.position - self.goal) < 0.03 and abs(self._speed) < 0.3:
            self.position, self._speed = self.goal, 0.0


class _Eyelids:
    """When the eyes close, and how far."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(_SEED + 2 * seed)  # noqa: S311 - for looks, not for secrets
        self._due_s = 0.0
        self._began_s: float | None = None
        self._last_s = 0.0

    def begin(self, pts_s: float) -> None:
        self._last_s = pts_s
        self._due_s = pts_s + self._interval_s()

    def hurry(self, pts_s: float) -> None:
        """People often blink as they look elsewhere: now is a good moment, if the last blink is not too near."""
        if pts_s - self._last_s >= BLINK_INTERVAL_S[0]:
            self._due_s = pts_s

    def is_due(self, pts_s: float) -> bool:
        return self._began_s is not None or pts_s >= self._due_s

    def closing(self, pts_s: float, *, may_begin: bool) -> float:
        """Return how far the lids are closed, 0..1."""
        if self._began_s is None:
            if pts_s < self._due_s or not may_begin:
                return 0.0
            self._began_s = pts_s
        since_s = pts_s - self._began_s
        if since_s >= BLINK_S:
            self._began_s = None
            self._last_s = pts_s
            self._due_s = pts_s + self._interval_s()
            return 0.0
        # Down in 70 ms, closed for 30, up in 80: lids fall faster than they rise.
        if since_s < 0.07:
            return eased(since_s / 0.07)
        return eased((BLINK_S - since_s) / 0.08)

    def _interval_s(self) -> float:
        least_s, most_s = BLINK_INTERVAL_S
        return self._chance.triangular(least_s, most_s, 3.2)


class _Wandering:
    """Looks about: from one place to another, with rests between; in the middle the idle loop plays."""

    def __init__(self, options: GazeOptions, across: _Axis, down: _Axis) -> None:
        self.options = options
        self._across = across
        self._down = down
        self._chance = random.Random(_SEED + 2 * options.seed + 1)  # noqa: S311 - for looks, not for secrets
        self._rests_until_s: float | None = None
        self._rest_s = 0.0
        self._idle_began_s: float | None = None
        self._idle_weight = 0.0
        self._idle_length_s = options.idle_count / options.idle_fps

    def begin(self) -> None:
        """Start from wherever the gaze was left."""
        self._look_elsewhere()

    def update(self, pts_s: float) -> bool:
        """Choose where to look. True when the gaze has just gone a long way."""
        if not (self._across.is_at_rest and self._down.is_at_rest):
            return False
        if self._rests_until_s is None:
            self._rests_until_s = pts_s + self._rest_s
            if self._idle_length_s and self._is_in_the_middle:
                loops = max(1, round(self._rest_s / self._idle_length_s))
                self._rests_until_s = pts_s + loops * self._idle_length_s
                self._idle_began_s = pts_s
        if pts_s < self._rests_until_s:
            return False
        before = self._across.goal
        self._look_elsewhere()
        return abs(self._across.goal - before) > 0.2 * self._across.last

    def idle(self, pts_s: float, step_s: float, *, stays: bool) -> tuple[int, float]:
        """Return the picture of the idle loop and how much of it is to be seen, 0..1. Not `stays`: it is left."""
        if self._idle_began_s is None:
            return 0, 0.0
        playing = stays and self._rests_until_s is not None and pts_s < self._rests_until_s - IDLE_FADE_S
        change = step_s / IDLE_FADE_S
        self._idle_weight = min(max(self._idle_weight + (change if playing else -change), 0.0), 1.0)
        number = int((pts_s - self._idle_began_s) * self.options.idle_fps) % self.options.idle_count
        if self._idle_weight == 0 and self._rests_until_s is None:
            self._idle_began_s = None
        return number, self._idle_weight

    @property
    def _is_in_the_middle(self) -> bool:
        return self._across.position == self._across.middle and self._down.position == self._down.middle

    def _look_elsewhere(self) -> None:
        chance = self._chance
        across = self._across.position / max(1, self._across.last)
        down = 0.5
        self._rests_until_s = None
        # Most rests take one to three seconds, a few much longer, as with people who wait.
        self._rest_s = min(max(chance.lognormvariate(math.log(1.8), 0.5), 0.7), 6.0)
        kind = chance.random()
        if self.options.wander_after_s is None or kind < (0.45 if self._idle_length_s else 0.2):
            self._across.look_at(self._across.middle)
            self._down.look_at(self._down.middle)
            return
        if kind < 0.65:  # a glance beside what it looks at
            across += math.copysign(chance.uniform(0.05, 0.12), 0.5 - across + chance.gauss(0, 0.3))
        else:
            across = 0.5 + chance.gauss(0, 0.24)
            down = 0.5 + chance.gauss(0, 0.2)
        # A whole frame, so that the resting picture is one; never quite to the edges, where nobody is expected.
        self._across.look_at(float(round(min(max(across, 0.06), 0.94) * self._across.last)))
        self._down.look_at(float(round(min(max(down, 0.2), 0.8) * self._down.last)))
