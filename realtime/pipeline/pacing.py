"""Time between stages: the mailbox of one place that hands frames over, and the beat a device is fed on."""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class DropPolicy(enum.Enum):
    """What a full mailbox does with the next item."""

    NEWEST = "newest"
    """Replace what was not taken yet, and count it as dropped: live."""
    EVERY = "every"
    """Wait until there is room: recorded material, nothing may be lost."""


class MailboxClosedError(Exception):
    """The mailbox was closed."""


class Mailbox(Generic[T]):
    """A one-place hand-over between two threads that can be shut down from either side. All methods: any thread."""

    def __init__(self, keep: DropPolicy = DropPolicy.NEWEST) -> None:
        self.keep = keep
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._items: list[T] = []
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many items were replaced before anybody took them."""
        return self._dropped

    @property
    def is_closed(self) -> bool:
        """Whether nothing more comes in."""
        return self._closed

    def put(self, item: T) -> None:
        """Place an item. With DropPolicy.EVERY, waits for room. Raises Closed once it is closed."""
        with self._changed:
            if self.keep is DropPolicy.EVERY:
                while self._items and not self._closed:
                    self._changed.wait()
            if self._closed:
                raise MailboxClosedError
            if self._items:
                self._items[0] = item
                self._dropped += 1
            else:
                self._items.append(item)
            self._changed.notify_all()

    def take(self, timeout_s: float | None = None) -> T | None:
        """Take the item; None when none came within `timeout_s`. Raises Closed when closed and empty."""
        with self._changed:
            if not self._items and not self._closed:
                self._changed.wait_for(lambda: bool(self._items) or self._closed, timeout_s)
            if self._items:
                item = self._items.pop()
                self._changed.notify_all()
                return item
            if self._closed:
                raise MailboxClosedError
            return None

    def close(self, *, discard: bool = False) -> None:
        """Let nothing more in. What is inside can still be taken unless `discard`. Wakes everybody who waits."""
        with self._changed:
            self._closed = True
            if discard:
                self._items.clear()
            self._changed.notify_all()


class Pacer:
    """When a device that must be fed at a steady rate gets its next frame. Used by one thread.

    It locks onto the rhythm of the frames that come: a fresh one is sent at once from half a period before the beat
    on, so that it does not age while it waits, and the old one is sent again a quarter of a period after the beat.
    A fixed timer beside a source of the same rate would add half a period of age, and drop and repeat frames
    whenever the two drift past each other.
    """

    def __init__(self, fps: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self.period_s = 1.0 / fps
        self._now_s = now_s
        self._due_s = now_s()

    def early_s(self) -> float:
        """Seconds until a fresh frame may be sent."""
        return max(0.0, self._due_s - self.period_s / 2 - self._now_s())

    def patience_s(self) -> float:
        """Seconds until the old frame is due again."""
        return max(0.0, self._due_s + self.period_s / 4 - self._now_s())

    def sent(self, *, fresh: bool, dropped: bool) -> None:
        """Say that a frame has been sent: the beat goes on from it. `dropped`: others were replaced before it, so
        frames come faster than the beat. A debt of over a period is forgiven.
        """
        now_s = self._now_s()
        if now_s - self._due_s > self.period_s or (fresh and now_s > self._due_s):
            self._due_s = now_s
        elif fresh and not dropped:
            # Towards the frames' rhythm, a tenth of a period at a time: a source somewhat faster than the device
            # must not drive it at its own rate.
            self._due_s = max(now_s, self._due_s - self.period_s / 10)
        self._due_s += self.period_s
