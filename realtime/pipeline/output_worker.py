"""One output and its own pace: a mailbox, a thread (or the main one), and what was counted."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from realtime.core.errors import FAULTS, OutputError, in_one_line
from realtime.core.language import _
from realtime.core.stats import OutputStats
from realtime.imaging.frame import Frame
from realtime.outputs import Output, OutputFinished
from realtime.pipeline.pacing import DropPolicy, Mailbox, MailboxClosedError, Pacer
from realtime.pipeline.restarts import Patience
from realtime.pipeline.turn import LeftBehind

log = logging.getLogger(__name__)

CLOSED_OUTPUT_WITHIN_S = 30.0  # an encoder may have a second or two of work left, on a slow disk more
_STUCK_AFTER_S = 5.0  # in one frame: the program that reads a pipe has stopped reading, a network drive is gone
_STUCK_AT_THE_END_AFTER_S = 1.0  # the same where somebody waits for the end


class OutputWorker:
    """Brings frames to one output. `offer`: processing thread; the rest: the thread that owns the output."""

    def __init__(
        self,
        output: Output,
        *,
        every_frame: bool,
        ended: Callable[[OutputWorker], None],
        stats: OutputStats | None = None,
    ) -> None:
        """`ended` is called once, on the output's thread, when the output ends before the run does. `stats`: of the
        output that this one takes the place of.
        """
        self.output = output
        self.error: OutputError | None = None
        self.death: BaseException | None = None
        """Of what its thread died, where it did."""
        self.on_first_shown: Callable[[], None] = lambda: None
        self.stats = OutputStats(output.name) if stats is None else stats
        self._is_awaited = every_frame and output.takes_every_frame  # nothing is live: it ends when it is done
        self._mailbox: Mailbox[Frame] = Mailbox(DropPolicy.EVERY if self._is_awaited else DropPolicy.NEWEST)
        self._ended = ended
        self._beat = Pacer(output.repeat_fps) if output.repeat_fps else None
        self._last: Frame | None = None  # only where it may have to be shown again
        self._dropped_before = 0
        self._dropped_by_former = self.stats.dropped
        self._is_closed = self._has_given_up = False
        self._showing_since_s: float | None = None
        self._patience = Patience()
        self._looked_at: float | None = None  # `_showing_since_s`, when it was last looked at
        self._at_it_s = 0.0
        self._lock = threading.Lock()
        self._is_left = False  # guarded by _lock
        self._thread: threading.Thread | None = None
        self.title = _title(output)
        """What it is called where it is in trouble: `output out.mp4`."""

    def start(self) -> None:
        """Begin to show what is offered, on a thread of its own unless the output wants the main thread. Raises
        RuntimeError where none can be started; `stop` closes the output all the same.
        """
        if not self.output.on_main_thread:
            thread = threading.Thread(target=self._run, name=f"output {self.stats.name}", daemon=True)
            thread.start()
            self._thread = thread

    def offer(self, frame: Frame) -> None:
        """Hand a frame over; waits only for outputs that must have every frame."""
        try:
            self._mailbox.put(frame)
        except MailboxClosedError:
            return
        self.stats.dropped = self._dropped_by_former + self._mailbox.dropped

    def step(self, timeout_s: float) -> bool:
        """Show the next frame if one comes within `timeout_s`, let the output handle events. False: it has ended."""
        try:
            frame = self._mailbox.take(timeout_s)
        except MailboxClosedError:
            return False
        try:
            if frame is not None:
                self._show(frame)
            elif self._last is not None:
                self._bring(self._last)
                self.stats.repeated += 1
            self.output.poll()
        except OutputFinished:
            self._give_up(None)
        except OutputError as error:
            self._give_up(error)
        except FAULTS as error:  # a driver's or a library's: this output ends, the others go on
            log.debug("output %s", self.stats.name, exc_info=error)
            reason = f"{type(error).__name__}: {in_one_line(error)}"
            self._give_up(OutputError(_("output {name} failed: {reason}", name=self.stats.name, reason=reason)))
        except LeftBehind:  # another has this one's place: nothing is told, nothing counted
            pass
        else:
            return True
        return False

    def refuse_frames(self) -> None:
        """Begin to end: whoever waits to offer a frame goes on at once. Any thread."""
        self._mailbox.close()

    def stop(self, *, hurried: bool = False) -> None:
        """Show what is still inside, then close the output; nothing happens to one that has ended. Main thread.

        `hurried`: somebody waits for the end: one that takes nothing is not waited for.
        """
        self.refuse_frames()
        if self._is_left:
            return  # its thread closes it
        if self._thread is not None:
            patience_s = _STUCK_AT_THE_END_AFTER_S if hurried else _STUCK_AFTER_S
            wait_s = math.inf if self._is_awaited and not hurried else CLOSED_OUTPUT_WITHIN_S
            give_up_at_s = time.monotonic() + wait_s
            while self._thread.is_alive() and time.monotonic() < give_up_at_s and self.stuck_for_s() < patience_s:
                self._thread.join(timeout=0.05)
            if self._thread.is_alive():
                log.warning(_("output %s does not stop; left behind"), self.stats.name)
        elif self.output.on_main_thread:
            while self.step(0.0):
                pass
            self._close()
        else:  # it never began: no thread could be started
            self._close()

    def stuck_for_s(self) -> float:
        """For how long it has been at one frame. Any thread."""
        since_s = self._showing_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    @property
    def is_stuck(self) -> bool:
        """Whether it takes nothing any more, as far as can be told. Any thread."""
        return self.stuck_for_s() > _STUCK_AFTER_S

    def look(self, passed_s: float) -> None:
        """Note for how long it has been at one frame, `passed_s` after the last look. Main thread."""
        since_s = self._showing_since_s
        self._at_it_s = self._at_it_s + passed_s if since_s is not None and since_s == self._looked_at else 0.0
        self._looked_at = since_s

    def is_hung(self, times_anew: int) -> bool:
        """Whether it does not come back. A disk or a pipe may stand still for a while, a device answers as fast as it
        has answered before. `times_anew`: how often it was opened anew of late.
        """
        return self._at_it_s >= self._most_s(times_anew)

    def is_late(self, times_anew: int) -> bool:
        """Whether half of what it may take is over."""
        return self._at_it_s > self._most_s(times_anew) / 2

    def _most_s(self, times_anew: int) -> float:
        if self._thread is None or self._is_left:
            return math.inf
        if self.output.takes_every_frame:
            return _STUCK_AFTER_S
        return self._patience.seconds(_STUCK_AFTER_S, doubled=times_anew)

    @property
    def has_died(self) -> bool:
        """Whether its thread has ended as none should: killed, or by what is no fault of the output's. Main thread."""
        has_ended = self._thread is not None and not self._thread.is_alive()
        return has_ended and not self._is_left and not self._has_given_up and not self._mailbox.is_closed

    def leave(self) -> bool:
        """Leave it behind, so that another can take its place: its thread touches nothing more and closes it when it
        wakes. False: it has just come back. Main thread.
        """
        with self._lock:
            if not self.has_died and self._showing_since_s != self._looked_at:
                return False
            self._is_left = True
        self._mailbox.close(discard=True)
        return True

    def end(self, error: OutputError) -> None:
        """End one that can neither go on nor be opened anew. Main thread."""
        self._give_up(error)
        self._close()

    def _run(self) -> None:
        try:
            while self._step_on_the_beat(self._beat) if self._beat else self.step(0.25):
                pass
        except BaseException as error:  # somebody has killed this thread, or a fault of ours
            log.debug("output %s", self.stats.name, exc_info=error)
            self.death = error
        finally:
            self._close()

    def _step_on_the_beat(self, beat: Pacer) -> bool:
        time.sleep(beat.early_s())
        shown = self.stats.shown
        goes_on = self.step(beat.patience_s())
        dropped, self._dropped_before = self._mailbox.dropped > self._dropped_before, self._mailbox.dropped
        beat.sent(fresh=self.stats.shown > shown, dropped=dropped)
        return goes_on

    def _bring(self, frame: Frame) -> None:
        """Raises LeftBehind where another has this output's place when it comes back."""
        self._showing_since_s = time.monotonic()
        try:
            self.output.show(frame)
        finally:
            with self._lock:
                if self._is_left:
                    raise LeftBehind
                self._showing_since_s = None

    def _show(self, frame: Frame) -> None:
        began_s = time.monotonic()
        self._bring(frame)
        shown_at_s = time.monotonic()
        self._patience.add(shown_at_s - began_s)
        self.stats.show.add(shown_at_s - began_s)
        self.stats.shown_at_s = shown_at_s
        self.stats.age.add(shown_at_s - frame.captured_at_s)
        self.stats.shown += 1
        if self.stats.shown == 1:
            self.on_first_shown()
        if self._beat is not None:
            self._last = frame

    def _give_up(self, error: OutputError | None) -> None:
        self._has_given_up = True
        self.error = error
        self.stats.failure = str(error) if error else ""
        self._mailbox.close(discard=True)
        if self.output.on_main_thread:  # a window that was closed must vanish now; a thread closes its own output
            self._close()
        self._ended(self)

    def _close(self) -> None:
        self._last = self._showing_since_s = None
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self.output.close()
        except Exception as error:  # the reason matters to the user, the others must still be closed
            if self._is_left:
                log.debug("closing output, which was left behind", exc_info=error)
                return
            self.stats.failure = self.stats.failure or str(error)
            log.warning(_("closing output %s: %s"), self.stats.name, error)
            log.debug("closing output", exc_info=error)


def _title(output: Output) -> str:
    return _("the {name}", name=output.name) if output.on_main_thread else _("output {name}", name=output.name)
