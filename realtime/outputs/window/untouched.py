"""The picture without the effects, while a key is held: all of it, or what lies left of a line that can be dragged."""

from __future__ import annotations

import math

from realtime.control.channel import ControlChannel
from realtime.core.language import _
from realtime.imaging.frame import Frame

_AGAIN_WITHIN_S = 2.0


class Untouched:
    """Whether it is wanted, and where the line is. Main thread.

    Only the window shows it. Whoever wears a face, or hides the room, is not bared by one key even there: others may
    see the screen. The key must be pressed again.
    """

    def __init__(self, controls: ControlChannel) -> None:
        self._controls = controls
        self._asked_at_s = -math.inf
        self.is_held = False
        """Whether it is to be seen."""
        self.line: float | None = None
        """Where it ends, as a share of the picture's width from the left; None: it is all there is."""

    def press(self, now_s: float) -> None:
        """The key went down."""
        status = self._controls.status
        is_hidden = status.hides_people or status.hides_surroundings
        if is_hidden and now_s - self._asked_at_s > _AGAIN_WITHIN_S:
            self._asked_at_s = now_s
            what = _("your own face") if status.hides_people else _("the room behind you")
            self._controls.say(_("press again: {what} will be seen, in this window", what=what))
            return
        self.is_held = True

    def release(self) -> None:
        """The key went up."""
        self.is_held, self.line = False, None

    def frame(self) -> Frame | None:
        """Return the newest one; None where it is not wanted, or there is none."""
        return self._controls.untouched_picture() if self.is_held else None
