"""The processing thread: a picture of every frame that comes, and another thread where this one hangs or dies."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable

from realtime.core.errors import OnceLogger, RealtimeError, in_one_line
from realtime.core.language import _
from realtime.imaging.frame import Frame
from realtime.pipeline.frame_maker import DETECTOR, DETECTOR_STAGE, FrameMaker
from realtime.pipeline.pacing import Mailbox, MailboxClosedError
from realtime.pipeline.restarts import Restarts
from realtime.pipeline.run_end import RunEnd
from realtime.pipeline.turn import LeftBehind, Turn
from realtime.system.watchdog import Call, Pulse

log = logging.getLogger(__name__)

EFFECT_STAGE = "effect"
"""As restarts are counted by; so is the next one."""
_PROCESSING_STAGE = "processing"
_IDLE_FRAME_S = 1 / 30


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """When a run ends by itself; None: never."""

    frames: int | None = None
    seconds: float | None = None
    """Of the source's own clock (`Frame.pts_s`), so that ten seconds of a video are ten seconds of it at any speed."""

    def reached(self, frame: Frame, processed: int) -> bool:
        """Whether this frame is one too many."""
        too_many = self.frames is not None and processed >= self.frames
        return too_many or (self.seconds is not None and frame.pts_s >= self.seconds)


class Processing:
    """The thread that makes pictures. Where nothing is said: main thread."""

    def __init__(
        self, maker: FrameMaker, captured: Mailbox[Frame], limits: Limits, restarts: Restarts, run_end: RunEnd
    ) -> None:
        self.pulse = Pulse()
        """What the thread is at."""
        self.is_complete = False
        """True after the source or a limit ended the run, and everything it gave has been made."""
        self._maker, self._captured, self.limits = maker, captured, limits
        self._restarts, self._run_end = restarts, run_end
        self._lock = threading.Lock()
        # Guarded by _lock: of one thread the place is given to one other only.
        self._turn = Turn(self.pulse)
        self._thread = threading.Thread()  # never begun
        self._fault: BaseException | None = None  # of which the thread died
        self._is_taken_apart = False
        self._faults = OnceLogger(log)

    def begin(self) -> None:
        """Let a thread make the pictures from now on. Raises RuntimeError where none can be started."""
        turn = Turn(self.pulse)
        thread = threading.Thread(target=self._process, args=(turn,), name="processing", daemon=True)
        thread.start()
        self._turn, self._thread = turn, thread

    def join(self, within_s: float) -> None:
        """Wait for its end, and take apart what it made pictures with where it died."""
        thread = self._thread
        if thread.ident is None:  # it never began
            return
        thread.join(timeout=within_s)
        if thread.is_alive():
            if not self._run_end.hang:
                call = self.pulse.call
                log.warning(_("%s has not ended; left behind"), call.what if call else _("an effect"))
        elif not self._is_taken_apart:  # it died, and no other has begun
            self._take_apart()

    def mend(self, call: Call) -> bool:
        """[watchdog] Begin the stage anew in which the thread hangs, and leave that thread behind; the last picture
        stays meanwhile. False: that cannot be, or has been too often.
        """
        stage = DETECTOR_STAGE if call.what == DETECTOR else EFFECT_STAGE
        if stage == EFFECT_STAGE and not self._maker.chain.is_in_effect(call.what):
            return False
        if self._run_end.must_end or not self._restarts.may(stage):
            return False
        with self._lock:
            if self._turn.take_away(call):
                self._begin_stage_anew(stage, call)
                return True
        return self.pulse.call is not call  # it has just come back

    def look_after(self) -> None:
        """Begin anew what has died or did not come back. Cheap."""
        face_stage, chain = self._maker.face_stage, self._maker.chain
        if self._maker.every_frame or self._run_end.must_end:
            return
        with self._lock:
            has_ended = not self._thread.is_alive()
            if has_ended and not self._run_end.must_end:  # in this order: it may just have ended as it should
                self._begin_again()
        if face_stage.must_restart and self._may_restart(DETECTOR_STAGE, _("no face detector opens any more")):
            self._try(face_stage.restart)
        if chain.exchange.must_open_again and self._may_restart(
            EFFECT_STAGE, _("the effect that hung does not open any more")
        ):
            self._try(chain.exchange.open_hung_again)

    def _begin_stage_anew(self, stage: str, call: Call) -> None:
        self._restarts.note(stage)
        log.warning(_("%s does not answer; another takes its place, the last picture stays meanwhile"), call.what)
        try:
            if stage == DETECTOR_STAGE:
                self._maker.detector_patience = self._maker.detector_patience.of_successor()
                self._maker.face_stage.restart()
            else:
                self._maker.chain.leave_behind()
            self.begin()
        except RuntimeError as error:  # no further thread now: whoever watches the process must begin it anew
            self._run_end.give_up_on(
                _("{what} does not answer, and no thread can be started ({reason})", what=call.what, reason=error)
            )

    def _begin_again(self) -> None:
        error = self._fault
        reason = f"{type(error).__name__}: {in_one_line(error)}" if error is not None else _("its thread has ended")
        if not self._restarts.may(_PROCESSING_STAGE):
            self._run_end.end(RealtimeError(_("the loop failed: {reason}; --debug tells more", reason=reason)))
            return
        self._restarts.note(_PROCESSING_STAGE)
        log.warning(_("making pictures failed (%s); it goes on"), reason)
        self._fault = None
        self._turn.take_away_from_dead()
        self._try(self.begin)

    def _may_restart(self, stage: str, otherwise: str) -> bool:
        if self._restarts.may(stage):
            self._restarts.note(stage)
            return True
        self._run_end.give_up_on(otherwise)
        return False

    def _try(self, begin: Callable[[], None]) -> None:
        try:
            begin()
        except RuntimeError as error:  # no further thread now; at the next beat there may be one
            self._faults.failure(_("a stage cannot be begun anew yet"), error)

    def _process(self, turn: Turn) -> None:
        """[processing thread] Make a picture of every frame that comes, and take everything apart at the end. A thread
        that was left behind ends; live, one that fails leaves it to the main thread to begin another.
        """
        is_over = True
        try:
            self._make_all(turn)
        except LeftBehind:
            is_over = False
        except BaseException as error:  # a fault of ours, or somebody has killed this thread
            log.debug("processing", exc_info=error)
            self._fault = error
            is_over = self._maker.every_frame or self._run_end.must_end
            if is_over:  # end in order, with the files closed, and say it
                reason = f"{type(error).__name__}: {in_one_line(error)}"
                self._run_end.end(RealtimeError(_("the loop failed: {reason}; --debug tells more", reason=reason)))
        if is_over:
            self._run_end.end()
            self._take_apart()

    def _make_all(self, turn: Turn) -> None:
        maker, run_end = self._maker, self._run_end
        try:
            if maker.chain.uses_faces and maker.every_frame:
                maker.face_stage.wait_until_ready()
            while not run_end.must_end:
                may_idle = maker.capture.info.live and not maker.every_frame
                frame = self._captured.take(_IDLE_FRAME_S if may_idle else None)
                if frame is None:
                    maker.idle(turn)
                    continue
                maker.stats.dropped_before_processing = self._captured.dropped
                if self.limits.reached(frame, maker.stats.processed):
                    self.is_complete = not run_end.must_end
                    break
                maker.take(frame, turn)
        except MailboxClosedError:
            self.is_complete = not run_end.must_end  # the source has ended, and everything it gave has been made

    def _take_apart(self) -> None:
        self._is_taken_apart = True
        self._maker.close()
