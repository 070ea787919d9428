"""How far a filmed eye is closed, though its models see closed lids differently on every face."""

from __future__ import annotations

from realtime.faces.landmarks.expression import CLOSED

_CLOSED_OF_OPEN = 0.45
"""Before the first blink, lids this far from open are taken for closed: on six filmed people they ended at 0.07 to 0.20
of an eye's width, of 0.28 to 0.38."""
_LEAST_ROOM = 0.05
"""Between closed and open, eye widths."""
_FELL, _ROSE = 0.5, 0.75
"""A blink begins where lids fall below the first of these shares of their openness, and is over above the second."""
_BLINK_S = 0.6
"""What lasts longer is a squint, or closed eyes, and tells nothing of how far lids can fall."""
_LEARNS = 0.4
"""What a blink counts beside all before it."""
_RESTS = 0.12
"""Lids that are lower by no more than this part are at rest: they wander so far."""
_SHUT = 0.88
"""And from here on they are shut: a slit of two pixels reads as an eye that will not close."""


class LidReader:
    """Of one eye of one viewer. Used by one thread."""

    def __init__(self) -> None:
        self._closed: float | None = None
        self._lowest = 1.0
        self._fell_at_s: float | None = None

    def closing(self, openness: float, opened: float, pts_s: float) -> float:
        """Return how far the eye is closed, 0..1. `opened`: its openness at rest, with this gaze."""
        closed = max(CLOSED, _CLOSED_OF_OPEN * opened) if self._closed is None else self._closed
        closed = min(closed, opened - _LEAST_ROOM)
        self._watch(openness, opened, pts_s)
        lowered = (opened - openness) / (opened - closed)
        return min(1.0, max(0.0, (lowered - _RESTS) / (_SHUT - _RESTS)))

    def _watch(self, openness: float, opened: float, pts_s: float) -> None:
        """Learn from blinks how far these lids fall."""
        if self._fell_at_s is None:
            if openness < _FELL * opened:
                self._fell_at_s, self._lowest = pts_s, openness
            return
        self._lowest = min(self._lowest, openness)
        if openness > _ROSE * opened:
            if pts_s - self._fell_at_s <= _BLINK_S:
                lowest = max(CLOSED, self._lowest)
                self._closed = lowest if self._closed is None else self._closed + _LEARNS * (lowest - self._closed)
            self._fell_at_s = None
