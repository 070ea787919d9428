"""The camera's side of the loop: reads a source on a thread of its own and never gives up on it.

Recorded material is played at its own rate (`source_clock.py`); a live camera that fails or stops answering is opened
again for as long as the run lasts.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from realtime.cameras import Camera
from realtime.core.errors import FAULTS, CameraError, OnceLogger, RealtimeError, in_one_line
from realtime.core.language import _
from realtime.core.stats import RunStats
from realtime.imaging.frame import Frame, Pixels
from realtime.imaging.pixels import as_picture
from realtime.pipeline.pacing import Mailbox, MailboxClosedError
from realtime.pipeline.restarts import Restarts
from realtime.pipeline.source_clock import SourceClock

log = logging.getLogger(__name__)

_TOLD_EVERY_S = 60.0
_CLOSED_WITHIN_S = 1.0  # a camera that is closed to be opened again; beyond it the driver hangs, and it is tried anyway
_NO_PICTURE_PAUSE_S = 0.01
_SILENT_AFTER_S = 2.0  # a webcam in the dark may take 1 s for a frame


@dataclasses.dataclass(frozen=True, slots=True)
class CapturePolicy:
    """How a source is read."""

    every_frame: bool = False
    """Recorded material as fast as it is taken, instead of at its own rate."""
    loop: bool = False
    """Recorded material starts again when it ends."""
    stall_s: float = 5.0
    """A live camera silent for so long is opened again. (A webcam in the dark may take 1 s for a frame.)"""
    open_s: float = 30.0
    """One that takes longer to open is tried anew beside that attempt. (Media Foundation may take 20 s.)"""
    retry_s: float = 1.0
    """Pause before an attempt to open a lost camera; it doubles, up to `longest_retry_s`, while the camera is lost
    again as soon as it is back."""
    longest_retry_s: float = 1.5
    """With it and the time that opening takes, the picture is back two seconds after the camera works again."""
    steady_s: float = 10.0
    """A camera that has delivered for so long has come back for good."""


class _Choice(NamedTuple):
    """A source that was chosen while nothing is read: as `Capture.choose` takes it."""

    name: str
    open_source: Callable[[], Camera]
    say: Callable[[str], None]


class _Opened(NamedTuple):
    """A source that was chosen and is open."""

    camera: Camera
    open_source: Callable[[], Camera]
    name: str


class Capture:
    """Owns an opened source. `start`, `watch`, `stop`: main thread; frames arrive in the mailbox."""

    def __init__(
        self,
        camera: Camera,
        open_again: Callable[[], Camera],
        mailbox: Mailbox[Frame],
        stats: RunStats,
        policy: CapturePolicy,
    ) -> None:
        """`open_again` opens the same source anew, after a loss or for a loop. Raises CameraError."""
        self.info = camera.info
        self.chosen = ""
        """What `choose` was asked for when it brought what is read now; empty: it is still the first source."""
        self.on_finished: Callable[[RealtimeError | None], None] = lambda error: None
        """Called once, on the camera thread, when the source has ended; None for a normal end."""
        self._camera = camera
        self._open_source = open_again
        self._mailbox = mailbox
        self._stats = stats
        self._policy = policy
        self._read_times = stats.stage("read")
        self._stopping = threading.Event()
        self._clock = SourceClock(self._stopping)
        self._may_read = threading.Event()
        self._may_read.set()
        self._threads: list[threading.Thread] = []
        self._generation = 0  # written by the main thread; a reader whose number is old ends by itself
        self._heard_at_s = 0.0
        self.restarts = Restarts(stats)
        """How often a reader that died may be begun anew. The loop has one for all its stages."""
        self._death: BaseException | None = None  # of what the reader died, until another has its place
        self._has_finished = False
        self._lost = False
        self._losses_in_a_row = 0
        self._opening = 0  # generation of the reader that is opening the source; 0: none
        self._spawn_failures = OnceLogger(log)
        self._bad_pictures = OnceLogger(log)
        self._told_lost_at_s = self._told_back_at_s = -math.inf
        self.is_suspended = False
        """Whether the source is closed until `resume`. Main thread."""
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._chosen: _Opened | None = None
        self._chosen_meanwhile: _Choice | None = None  # while nothing is read

    def start(self) -> None:
        """Begin to read, unless that is suspended."""
        if self.is_suspended and self.info.live:
            self._close(self._camera)
        else:
            self._spawn(self._camera)

    def start_playback(self) -> None:
        """Recorded material shows its first frame at once and then waits for this (the detector is ready), so that
        start-up costs the viewer no frames.
        """
        self._clock.may_run.set()

    def choose(self, name: str, open_source: Callable[[], Camera], say: Callable[[str], None]) -> None:
        """Read from another source from now on. It is opened beside the one in use, which stays where that fails.

        `open_source` opens it, and opens it again after a loss. Raises RealtimeError. `say`: tells the user. While
        reading is suspended, nothing is opened: it is done when that is over.
        """
        with self._lock:
            if self.is_suspended:
                self._chosen_meanwhile = _Choice(name, open_source, say)
                return

        def open_it() -> None:
            try:
                camera = open_source()
            except FAULTS as error:  # whatever a driver raises, the source in use goes on
                log.debug("opening %s", name, exc_info=error)
                say(in_one_line(error))
                return
            with self._lock:
                unused, self._chosen = self._chosen, _Opened(camera, open_source, name)
                if self.is_suspended:  # since it was asked for: its light must not be on
                    unused, self._chosen = self._chosen, None
                    self._chosen_meanwhile = _Choice(name, open_source, say)
            if unused is not None:
                self._close(unused.camera)
            if unused is not None and unused.camera is camera:
                return
            if self._stopping.is_set():
                self._close_chosen()
            say(_("source: {name}", name=camera.info.name))

        try:
            threading.Thread(target=open_it, name="source-opening", daemon=True).start()
        except RuntimeError as error:  # no further thread now
            say(_("{name} cannot be opened now: {reason}", name=name, reason=error))

    def suspend(self) -> None:
        """Read nothing until `resume`: a live source is closed, so that a camera's light goes out; recorded material
        waits where it is. Main thread, also before `start`.
        """
        if self.is_suspended:
            return
        with self._lock:
            self.is_suspended = True
            chosen, self._chosen = self._chosen, None
            if chosen is not None:
                self._chosen_meanwhile = _Choice(chosen.name, chosen.open_source, lambda line: None)
        if chosen is not None:
            self._close(chosen.camera)
        if self.info.live:
            self._generation += 1  # its reader sees that it is not wanted any more, and closes it
        else:
            self._may_read.clear()

    def resume(self) -> None:
        """Read again. A camera that cannot be opened is looked for like one that was lost. Raises RuntimeError where no
        thread can be started; it stays suspended then.
        """
        if not self.is_suspended:
            return
        if self.info.live:
            self._spawn(None, after=self._reader)
        with self._lock:
            self.is_suspended = False
            chosen, self._chosen_meanwhile = self._chosen_meanwhile, None
        self._may_read.set()
        if chosen is not None:
            self.choose(*chosen)

    def reopen(self) -> None:
        """Close a live source and open it again. Raises RuntimeError where no thread can be started."""
        if self.info.live and not self.is_suspended:
            self._spawn(None, after=self._reader)

    @property
    def _reader(self) -> threading.Thread | None:
        return self._threads[0] if self._threads else None

    def _take_chosen(self) -> None:
        with self._lock:
            chosen, self._chosen = self._chosen, None
        if chosen is None:
            return
        former = self.info, self._open_source
        camera, self._open_source, name = chosen
        self.info = camera.info
        try:
            self._spawn(camera)
        except (RuntimeError, MemoryError) as error:  # no further thread now: the source in use goes on
            self.info, self._open_source = former
            self._close(camera)
            self._spawn_failures.failure(_("{name} cannot be read yet", name=camera.info.name), error)
            return
        self._lost, self._losses_in_a_row = False, 0
        self.chosen = name
        if not camera.info.live and not self._policy.every_frame:
            # A film that somebody wants to look at in between must not end what they look at it with.
            self._policy = dataclasses.replace(self._policy, loop=True)

    def _close_chosen(self) -> None:
        with self._lock:
            chosen, self._chosen = self._chosen, None
        if chosen is not None:
            self._close(chosen.camera)

    def watch(self) -> None:
        """Look whether a live camera is still answering, and whether another source was chosen. Call about once a
        second.
        """
        if self.is_suspended:
            return
        if not self._stopping.is_set():
            self._take_chosen()
        if not self.info.live or self._stopping.is_set() or not self._threads:
            return
        if not self._threads[0].is_alive() and not self._has_finished:
            self._replace_dead_reader()
            return
        silent_s = time.monotonic() - self._heard_at_s
        patience_s = self._policy.open_s if self._opening == self._generation else self._policy.stall_s
        # Each reader left behind doubles the patience: a driver that never answers costs some threads, not thousands.
        left_behind = sum(old.is_alive() for old in self._threads[1:])
        if silent_s < patience_s * 2 ** min(left_behind, 20):
            return
        # The stuck call cannot be interrupted: leave that thread to itself (it closes its camera when it wakes).
        try:
            self._spawn(None)
        except (RuntimeError, MemoryError) as error:  # no further thread now; at the next beat there may be one
            self._spawn_failures.failure(
                _("{name} sends nothing and cannot be opened again yet", name=self.info.name), error
            )
            return
        log.warning(_("%s has sent nothing for %.0f s; opening it again"), self.info.name, silent_s)
        self._stats.reopened += 1

    @property
    def is_lost(self) -> bool:
        """Whether a live source that is wanted gives nothing now. Any thread."""
        if not self.info.live or self.is_suspended or not self._threads or self._stopping.is_set():
            return False
        return self._lost or time.monotonic() - self._heard_at_s > _SILENT_AFTER_S

    def _replace_dead_reader(self) -> None:
        """Begin anew after a thread that ended as none should: by a fault of ours, or killed."""
        error = self._death
        reason = f"{type(error).__name__}: {in_one_line(error)}" if error is not None else _("its thread has ended")
        if not self.restarts.may("camera"):
            self._finish(CameraError(_("{name} failed: {reason}", name=self.info.name, reason=reason)))
            return
        try:
            self._spawn(None)
        except (RuntimeError, MemoryError) as failure:  # no further thread now; at the next beat there may be one
            self._spawn_failures.failure(_("{name} cannot be read yet", name=self.info.name), failure)
            return
        self.restarts.note("camera")
        self._death = None
        log.warning(_("reading %s failed (%s); it is begun anew, the last picture is held"), self.info.name, reason)

    def _finish(self, outcome: RealtimeError | None) -> None:
        self._has_finished = True
        self.on_finished(outcome)
        self._mailbox.close()

    def begin_to_stop(self) -> None:
        """Let nothing more come. Any thread."""
        self._stopping.set()
        self._clock.may_run.set()
        self._may_read.set()
        self._mailbox.close(discard=True)

    def stop(self, within_s: float = 2.0) -> None:
        """End reading; a camera that is stuck inside its driver is left behind after `within_s`."""
        self.begin_to_stop()
        self._close_chosen()
        give_up_at_s = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(timeout=max(0.0, give_up_at_s - time.monotonic()))

    def _spawn(self, camera: Camera | None, *, after: threading.Thread | None = None) -> None:
        """Let another thread read from now on. Raises RuntimeError where none can be started.

        `after`: a reader that is about to close the same camera, which many drivers open once only.
        """
        generation = self._generation + 1
        name = f"camera-{generation}"
        thread = threading.Thread(target=self._run, args=(camera, generation, after), name=name, daemon=True)
        former, self._generation = self._generation, generation  # before it starts, or it would think itself outdated
        heard_at_s, self._heard_at_s = self._heard_at_s, time.monotonic()
        try:
            thread.start()
        except BaseException:
            self._generation, self._heard_at_s = former, heard_at_s
            raise
        self._threads = [thread, *(old for old in self._threads if old.is_alive())]

    def _is_current(self, generation: int) -> bool:
        return generation == self._generation and not self._stopping.is_set()

    def _run(self, camera: Camera | None, generation: int, after: threading.Thread | None) -> None:
        """[camera thread] Read until the source ends, the run stops or another reader has taken over."""
        outcome: RealtimeError | None = None
        is_over = True
        if after is not None:
            after.join(timeout=_CLOSED_WITHIN_S)
            self._heard_at_s = time.monotonic()
        try:
            while self._is_current(generation):
                if camera is None:
                    camera = self._open_again(generation)
                    continue
                ended = failed = False
                opened_at_s = time.monotonic()
                try:
                    ended = self._read_all(camera, generation)
                except MailboxClosedError:
                    raise
                except FAULTS as error:  # whatever a driver or a decoder raises, a live camera is opened again
                    if not self._worth_waiting_for():
                        raise
                    failed = True
                    if time.monotonic() - opened_at_s > self._policy.steady_s:
                        self._losses_in_a_row = 0
                    if self._is_current(generation):
                        self._report_loss(error)
                self._close(camera)
                camera = None
                if ended and not self._policy.loop:
                    break
                if failed:  # one that opens and fails at once must not be opened without end
                    pause_s = self._policy.retry_s * 2 ** min(self._losses_in_a_row, 10)
                    self._losses_in_a_row += 1
                    pause_s = min(pause_s, self._policy.longest_retry_s)
                    self._heard_at_s = time.monotonic() + pause_s  # being silent meanwhile is no stall
                    self._stopping.wait(pause_s)
        except MailboxClosedError:
            pass
        except RealtimeError as error:
            outcome = error
        except BaseException as error:  # a fault of ours or a driver's, or somebody has killed this thread
            log.debug("camera thread", exc_info=error)
            outcome = CameraError(
                _(
                    "{name} failed: {error}: {reason}",
                    name=self.info.name,
                    error=type(error).__name__,
                    reason=in_one_line(error),
                )
            )
            if self.info.live and self._is_current(generation):  # `watch` begins anew
                self._death, is_over = error, False
        finally:
            if camera is not None:
                self._close(camera)
            if is_over and generation == self._generation:  # the run ends in order, with the reason
                self._finish(outcome)

    def _worth_waiting_for(self) -> bool:
        """Whether a source that fails is taken up again: a live one, or one that has played and shall play again."""
        return self.info.live or (self._policy.loop and self._clock.next_index > 0)

    def _report_loss(self, error: BaseException) -> None:
        log.debug("reading %s", self.info.name, exc_info=error)
        self._stats.reopened += 1
        self._lost = True
        if self._losses_in_a_row and time.monotonic() - self._told_lost_at_s < _TOLD_EVERY_S:
            return  # a loose cable must not fill a log
        self._told_lost_at_s = time.monotonic()
        reason = in_one_line(error)
        if not isinstance(error, RealtimeError):
            reason = _(
                "{name} failed: {error}: {reason}", name=self.info.name, error=type(error).__name__, reason=reason
            )
        log.warning(_("%s; the last picture is held until it is back"), reason)

    def _report_return(self, camera: Camera) -> None:
        if self._losses_in_a_row and time.monotonic() - self._told_back_at_s < _TOLD_EVERY_S:
            return
        self._told_back_at_s = time.monotonic()
        log.warning(_("%s is back"), camera.info.name)

    def _close(self, camera: Camera) -> None:
        try:
            camera.close()
        except FAULTS as error:  # a device that is gone may fail to close; there is nothing left to lose
            log.debug("closing %s: %s", self.info.name, error)

    def _open_again(self, generation: int) -> Camera | None:
        if self._is_current(generation):
            self._opening = generation
        try:
            camera = self._open_source()
        except FAULTS as error:
            if not self._worth_waiting_for():
                raise
            if not self._lost:  # looped material that is gone at the end of a round; a lost camera was told before
                self._report_loss(error)
            log.debug("not back yet: %s", error)
            self._heard_at_s = time.monotonic()
            self._stopping.wait(self._policy.retry_s)
            return None
        finally:
            if self._opening == generation:
                self._opening = 0
        if self._lost and self._is_current(generation):
            self._report_return(camera)
        self._lost = False
        self._heard_at_s = time.monotonic()
        return camera

    def _read_all(self, camera: Camera, generation: int) -> bool:
        """Pass frames on. True: the source has ended; False: this reader is no longer wanted."""
        clock = self._clock.begin(camera.info, paced=not camera.info.live and not self._policy.every_frame)
        while True:
            if not self._may_read.is_set():
                self._may_read.wait()
                clock.lose_beat()
            began_s = time.monotonic()
            frame = camera.read()
            now_s = time.monotonic()
            if not self._is_current(generation):
                return False
            if frame is None:
                if not clock.has_given:
                    raise CameraError(_("{name} holds no pictures; choose another source", name=camera.info.name))
                return True
            pixels = self._pixels_of(frame)
            if pixels is None:  # not heard from: a live camera that gives no pictures at all is opened again
                self._stopping.wait(_NO_PICTURE_PAUSE_S)
                continue
            self._heard_at_s = now_s
            self._read_times.add(now_s - began_s)
            timed = clock.timed(frame, pixels, now_s)
            if not self._is_current(generation):
                return False
            self._mailbox.put(timed)
            self._stats.captured += 1
            clock.passed_on(timed)

    def _pixels_of(self, frame: Frame) -> Pixels | None:
        """Return a frame's picture as all further parts expect it, or None where there is none, which is told once."""
        try:
            return as_picture(frame.pixels)
        except (ValueError, AttributeError) as error:
            self._stats.unusable += 1
            self._bad_pictures.failure(_("{name} gives what is no picture", name=self.info.name), error)
            return None
