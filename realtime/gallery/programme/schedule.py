"""Which item hangs, which comes next, and when: a pure function of two clocks and the faces in view.

Items change by a clock that only runs on (`at_s`, monotonic); hours go by what clocks on walls show (`now_s`, Unix
time), which may be set right at any moment.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from realtime.control.channel import ProgrammeStatus
from realtime.core.errors import OptionError, nearest
from realtime.core.language import _
from realtime.core.text_limits import abbreviated
from realtime.gallery.config import Item, Order
from realtime.gallery.programme.hours import Hours, local_time

NOBODY_FOR_S = 3.0
"""How long nobody must have been seen before nobody counts as looking: somebody who blinks or turns is still there."""


class Programme:
    """What hangs. One thread: the one that calls `look`."""

    def __init__(
        self,
        items: Sequence[Item],
        hours: Hours = Hours(),  # noqa: B008 - immutable
        order: Order = "in turn",
        *,
        pause_s: float = 0.0,
        chance: random.Random | None = None,
    ) -> None:
        """`items`: at least one. `pause_s`: how long an item's last picture stands still before the next. `chance`
        decides the order where that is random.
        """
        self.current: Item | None = None
        """What hangs; None: nothing does, because it is closed or no item may hang at this hour."""
        self.following: Item | None = None
        """What comes next; None: not known yet, or nothing else may."""
        self.is_standing = False
        """Whether the last picture of `current` stands still, for the pause."""
        self.is_closed = False
        """Whether nothing hangs because of the hours."""
        self._items = list(items)
        self._hours, self._order, self._pause_s = hours, order, pause_s
        self._chance = chance or random.Random()  # noqa: S311 - nothing is secret about it
        self._last = self._items[-1]  # of those that hung or were to hang: the next one is counted from it
        self._is_first = True
        self._until_s = 0.0
        self._is_by_hand = False
        self._over_since_s: float | None = None
        self._stands_until_s = 0.0
        self._nobody_since_s: float | None = None
        self._wanted: Item | None = None
        self._left_out: set[str] = set()
        self._hung_this_round = 0

    def resume(self, name: str, hung_for_s: float, at_s: float) -> None:
        """Begin with the item that hung before, where there still is one of that name, for the rest of its time."""
        for item in self._items:
            if item.name == name:
                self._hang(item, at_s)
                if 0 < hung_for_s < item.hangs_s:
                    self._until_s -= hung_for_s

    def choose(self, name: str, now_s: float) -> None:
        """Hang an item from the next look on; empty: the next one. Raises OptionError for one that there is not, and
        where it is closed.
        """
        if not self._hours.is_open(now_s):
            raise OptionError(_("it is closed; the programme goes on with the opening hours"))
        if not name:
            wanted = self.following or self._next(now_s)
            if wanted is None or wanted is self.current:
                raise OptionError(_("no other item may hang now; its hours are in the gallery's file"))
        else:
            by_name = {item.name: item for item in self._items}
            if name not in by_name:
                hint = nearest(name, by_name) or _("; there are: {by_name}", by_name=", ".join(by_name))
                raise OptionError(_("no item '{name}' in the programme{hint}", name=abbreviated(name), hint=hint))
            wanted = by_name[name]
        self._left_out.discard(wanted.name)
        self._wanted = wanted

    def leave_out(self, item: Item, at_s: float) -> None:
        """Leave an item that cannot be shown out of this round, and hang the next at the next look."""
        self._left_out.add(item.name)
        if self.current is item:
            self._until_s = at_s
            self._is_by_hand = False
            self.current = None
            self.following = None

    def look(self, now_s: float, at_s: float, faces: int) -> None:
        """Look what is to hang: `now_s` Unix time, `at_s` a clock that only runs on, `faces` how many are in view."""
        if faces:
            self._nobody_since_s = None
        elif self._nobody_since_s is None:
            self._nobody_since_s = at_s
        wanted, self._wanted = self._wanted, None
        if not self._hours.is_open(now_s):
            self._take_down()
        elif wanted is not None:
            self._hang(wanted, at_s)
            self._is_by_hand = True
        elif self.current is None:
            self._hang_next(now_s, at_s)
        else:
            self._look_at_current(self.current, now_s, at_s)
        self._plan(now_s)

    def status(self, now_s: float, at_s: float) -> ProgrammeStatus:
        """Where the programme is."""
        names = tuple(item.name for item in self._items)
        change_s = self._hours.next_change(now_s)
        if self.current is None:
            following = "" if self.following is None else self.following.name
            return ProgrammeStatus(names, "", following, self._text(change_s, now_s))
        due_s = None if self.following is None else now_s + max(0.0, self._until_s - at_s)
        if change_s is not None and (due_s is None or change_s < due_s):
            return ProgrammeStatus(names, self.current.name, "", self._text(change_s, now_s))
        following = "" if self.following is None else self.following.name
        return ProgrammeStatus(names, self.current.name, following, self._text(due_s, now_s))

    def _text(self, at_s: float | None, now_s: float) -> str:
        if at_s is None:
            return ""
        local = local_time(at_s, self._hours.zone)
        is_soon = at_s - now_s < 86_400.0
        return local.strftime("%H:%M" if is_soon else "%a %H:%M")

    def _look_at_current(self, current: Item, now_s: float, at_s: float) -> None:
        is_allowed = self._is_by_hand or current.hours.is_open(now_s)
        if at_s < self._until_s and is_allowed:
            return
        self._over_since_s = at_s if self._over_since_s is None else self._over_since_s
        following = self._next(now_s)
        if following is None and not is_allowed:
            self._take_down()
        elif following is None or following is current:  # nothing else may hang: it stays for another time
            self._left_out.clear()
            self._until_s, self._over_since_s = at_s + current.hangs_s, None
        elif self._may_change(current, at_s):
            if self._pause_s and not self.is_standing:
                self.is_standing, self._stands_until_s = True, at_s + self._pause_s
            if not self.is_standing or at_s >= self._stands_until_s:
                self._hang_next(now_s, at_s)

    def _may_change(self, current: Item, at_s: float) -> bool:
        if self.is_standing or not current.waits_for_nobody:
            return True
        waited_s = at_s - (self._over_since_s or at_s)
        nobody_s = 0.0 if self._nobody_since_s is None else at_s - self._nobody_since_s
        return nobody_s >= NOBODY_FOR_S or waited_s >= current.waits_at_most_s

    def _hang_next(self, now_s: float, at_s: float) -> None:
        item = self._next(now_s)
        if item is None:
            if self._left_out:  # none of them could be shown: another round
                self._left_out.clear()
            self._take_down()
            return
        self._hang(item, at_s)

    def _hang(self, item: Item, at_s: float) -> None:
        self._hung_this_round += 1
        is_new_round = self._place(item) <= self._place(self._last) and not self._is_first
        if is_new_round if self._order == "in turn" else self._hung_this_round >= len(self._items):
            self._left_out.clear()
            self._hung_this_round = 0
        self.current = self._last = item
        self._is_first = self.is_closed = False
        self._until_s, self._over_since_s = at_s + item.hangs_s, None
        self._is_by_hand = self.is_standing = False
        self.following = None

    def _take_down(self) -> None:
        self.current = self.following = None
        self.is_standing, self.is_closed = False, True
        self._over_since_s = None

    def _plan(self, now_s: float) -> None:
        following = self._next(now_s)
        self.following = None if following is self.current else following

    def _next(self, now_s: float) -> Item | None:
        """Return what hangs next: another item where one may, else the same; None: none may."""
        allowed = [item for item in self._items if item.name not in self._left_out and item.hours.is_open(now_s)]
        if not allowed:
            return None
        others = [item for item in allowed if item is not self._last] or allowed
        if self._order == "random":
            if self.following not in others:
                return self._chance.choice(others)
            return self.following
        start = -1 if self._is_first else self._place(self._last)
        return min(others, key=lambda item: (self._place(item) - start - 1) % len(self._items))

    def _place(self, item: Item) -> int:
        return self._items.index(item)
