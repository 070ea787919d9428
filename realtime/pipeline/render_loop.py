"""The life of a frame: captured, looked at, remade, shown. Start reading here.

Threads: one camera thread (`capture.py`) puts frames into a one-place slot; one processing thread (here) takes the
newest, finds faces, runs the effects and offers the picture to every output; each output has a thread of its own
(`output_worker.py`), except windows, which live on the main thread, where the user's wishes are heard too
(`supervisor.py`). A thread that does nothing else sees whether one of these stands still (`watchdog.py`).
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import threading
import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from realtime.core.errors import FAULTS, HangError, OnceLogger, RealtimeError, in_one_line
from realtime.core.stats import RunStats
from realtime.faces.face_stage import FaceStage
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Face, Frame, Pixels
from realtime.imaging.pixels import RESTING_BGR
from realtime.outputs import Output
from realtime.pipeline.capture import Capture
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.output_group import OutputGroup, OutputReopening
from realtime.pipeline.output_worker import OutputWorker
from realtime.pipeline.pacing import Mailbox, MailboxClosedError
from realtime.pipeline.restarts import Patience, Restarts
from realtime.pipeline.turn import LeftBehind, Turn
from realtime.system.watchdog import END_WITHIN_S, HUNG_AFTER_S, Call, Pulse

log = logging.getLogger(__name__)

_WINDOW_WAIT_S = 0.004  # how long the main thread waits for a frame before it looks at the keyboard again
_IDLE_WAIT_S = 0.02  # the same where there is no window
_DETECTOR = "the face detector"
_TRACKER = "following the faces"

# Stages, as restarts are counted by:
_DETECTOR_STAGE = "detector"
_EFFECT = "effect"
_PROCESSING = "processing"
_IDLE_FRAME_S = 1 / 30

# How long the end waits for the processing thread, which closes the effects:
_CLOSED_WITHIN_S = 10.0
_LEFT_AFTER_S = 1.5  # where somebody waits: a picture that is being made is not worth it
_HUNG_LEFT_AFTER_S = 0.2


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


@dataclasses.dataclass
class RenderLoop:
    """Everything the way of a frame consists of, put together by `app.build`. Used once: `run`."""

    capture: Capture
    captured: Mailbox[Frame]
    face_stage: FaceStage
    chain: EffectChain
    outputs: Sequence[Output]
    stats: RunStats
    limits: Limits = Limits()
    every_frame: bool = False
    mirrored: bool = False
    """Whether left and right are exchanged. May be changed while the loop runs."""
    paused: bool = False
    """Whether the last picture stays. May be changed while the loop runs."""
    reopening: OutputReopening | None = None
    """Opens outputs anew that hang; None: none can be."""

    def __post_init__(self) -> None:
        self.interrupted = False
        """True after the user ended the run, be it while it was being closed."""
        self.is_complete = False
        """True after the source or a limit ended the run, and everything it gave has been made."""
        self.faces_in_view = 0
        self._stopping = threading.Event()
        self._outcome: RealtimeError | None = None
        self._flipped: FramePool | None = None
        self.capture.on_finished = self._source_ended
        self.pulse = Pulse()
        """What the processing thread is at."""
        self.main_pulse = Pulse()
        """What the main thread is at, while it runs the loop."""
        self.chain.pulse, self.chain.main_pulse = self.pulse, self.main_pulse
        self.is_ending = False
        """True once everything is being closed."""
        self._seen: Frame | None = None  # the newest frame of the source
        self._nobody: Pixels | None = None
        self._stages_lock = threading.Lock()
        # Guarded by _stages_lock: of one thread the place is given to one other only.
        self._turn = Turn(self.pulse)
        self._processing = threading.Thread()  # never begun
        self._fault: BaseException | None = None  # of which the processing thread died
        self._is_taken_apart = False
        self._detector_patience = Patience()
        self._restarts = Restarts(self.stats)
        self.output_group = OutputGroup(
            self.outputs, self.stats, self._restarts, self, every_frame=self.every_frame, reopening=self.reopening
        )
        self.capture.restarts = self._restarts
        self.chain.times_anew = lambda: self._restarts.recent(_EFFECT)
        self._late_call: Call | None = None
        self._late_s = 0.0
        self._hang: HangError | None = None
        self._hang_at_end: HangError | None = None
        self._faults = OnceLogger(log)

    def run(self, tick: Callable[[], None] = lambda: None) -> None:
        """Run until the source ends, a limit is reached, the user quits or `stop` is called. Main thread.

        `tick` is called some fifty times a second or more, for everything that is not the way of a frame. Raises
        the RealtimeError that ended the run, if one did, after everything has been closed.
        """
        try:
            if self.chain.uses_faces:
                self.face_stage.start(when_ready=self.capture.start_playback)
            else:
                self.capture.start_playback()
            self.output_group.start()
            self.capture.start()
            self._begin_processing()
            while not self.must_end:
                self._step(tick)
        finally:
            self.is_ending = True
            self._stopping.set()
            self._close()
        if self._outcome:
            raise self._outcome

    def _step(self, tick: Callable[[], None]) -> None:
        """Bring the windows what there is, and see to the rest."""
        windows = self.output_group.windows
        for window in windows:
            self.main_pulse.at(window.title)
            window.step(_WINDOW_WAIT_S)
        if not windows:
            self.main_pulse.rest()
            self._stopping.wait(_IDLE_WAIT_S)
        if self._time_is_up():
            self.end()
        self._look_after_stages()
        self.main_pulse.at("what is looked after beside the picture")
        try:
            tick()
        except FAULTS as error:  # what is beside the picture must not end it
            self._faults.failure("looking after the run fails", error)

    def _begin_processing(self) -> None:
        """Let a thread make the pictures from now on. Raises RuntimeError where none can be started."""
        turn = Turn(self.pulse)
        thread = threading.Thread(target=self._process, args=(turn,), name="processing", daemon=True)
        thread.start()
        self._turn, self._processing = turn, thread

    def mend(self, call: Call) -> bool:
        """[watchdog] Begin the stage anew in which the processing thread hangs, and leave that thread behind; the last
        picture stays meanwhile. False: that cannot be, or has been too often.
        """
        stage = _DETECTOR_STAGE if call.what == _DETECTOR else _EFFECT
        if stage == _EFFECT and not self.chain.is_in_effect(call.what):
            return False
        if self.must_end or not self._restarts.may(stage):
            return False
        with self._stages_lock:
            if self._turn.take_away(call):
                self._begin_anew(stage, call)
                return True
        return self.pulse.call is not call  # it has just come back

    def _begin_anew(self, stage: str, call: Call) -> None:
        self._restarts.note(stage)
        log.warning("%s does not answer; another takes its place, the last picture stays meanwhile", call.what)
        try:
            if stage == _DETECTOR_STAGE:
                self._detector_patience = self._detector_patience.of_successor()
                self.face_stage.restart()
            else:
                self.chain.leave_behind()
            self._begin_processing()
        except RuntimeError as error:  # no further thread now: whoever watches the process must begin it anew
            self.give_up_on(f"{call.what} does not answer, and no thread can be started ({error})")

    def _look_after_stages(self) -> None:
        """Begin anew what has died or did not come back. Main thread; cheap."""
        self.output_group.look_after()
        if self.every_frame or self.must_end:
            return
        with self._stages_lock:
            has_ended = not self._processing.is_alive()
            if has_ended and not self.must_end:  # in this order: it may just have ended as it should
                self._begin_processing_again()
        if self.face_stage.must_restart and self._may_restart(_DETECTOR_STAGE, "no face detector opens any more"):
            self._try(self.face_stage.restart)
        if self.chain.must_open_again and self._may_restart(_EFFECT, "the effect that hung does not open any more"):
            self._try(self.chain.open_left_again)

    def _begin_processing_again(self) -> None:
        error = self._fault
        reason = f"{type(error).__name__}: {in_one_line(error)}" if error is not None else "its thread has ended"
        if not self._restarts.may(_PROCESSING):
            self.end(RealtimeError(f"the loop failed: {reason}; --debug tells more"))
            return
        self._restarts.note(_PROCESSING)
        log.warning("making pictures failed (%s); it goes on", reason)
        self._fault = None
        self._turn.take_away_from_dead()
        self._try(self._begin_processing)

    def _may_restart(self, stage: str, otherwise: str) -> bool:
        if self._restarts.may(stage):
            self._restarts.note(stage)
            return True
        self.give_up_on(otherwise)
        return False

    def give_up_on(self, reason: str) -> None:
        """End it because something hangs that cannot be begun anew. Any thread."""
        self.give_up(HangError(f"{reason}; the run is ended, start it again"))

    def _try(self, begin: Callable[[], None]) -> None:
        try:
            begin()
        except RuntimeError as error:  # no further thread now; at the next beat there may be one
            self._faults.failure("a stage cannot be begun anew yet", error)

    def _close(self) -> None:
        """Close everything in order, and leave behind what does not answer. Main thread."""
        processing = self._processing
        self.main_pulse.rest()
        self.capture.begin_to_stop()
        if self.interrupted or self._hang:  # an output that is waited for and takes nothing must not hold up the end
            self.output_group.refuse_frames()
        wait_s = _HUNG_LEFT_AFTER_S if self._hang else _LEFT_AFTER_S if self.interrupted else _CLOSED_WITHIN_S
        give_up_at_s = time.monotonic() + wait_s
        if processing.ident is not None:
            processing.join(timeout=wait_s)
            if processing.is_alive() and not self._hang:
                log.warning("%s has not ended; left behind", self._at() or "an effect")
            if not processing.is_alive() and not self._is_taken_apart:  # it died, and no other has begun
                self._take_apart()
        self.capture.stop(within_s=max(0.0, give_up_at_s - time.monotonic()) if self.interrupted else 2.0)
        self.stats.ended_at_s = time.monotonic()
        self.output_group.refuse_frames()
        self.output_group.stop(self.main_pulse, hurried=self.interrupted or self._hang is not None)
        self.main_pulse.rest()

    def _at(self) -> str:
        call = self.pulse.call
        return call.what if call else ""

    def give_up(self, error: HangError) -> None:
        """[watchdog] End the run because a part of it hangs."""
        log.debug("%s", error)
        if self.is_ending:  # an effect or an output is left behind in its turn; only the main thread cannot be
            self._hang_at_end = error
            return
        self._hang = error
        self.end(error)

    def is_overdue(self, passed_s: float) -> bool:
        """[watchdog, `passed_s` after the last time] Whether the main thread should end and cannot, because it stands
        still in one call. A machine that is only busy lets it go on from call to call.
        """
        if not (self.is_ending or self.interrupted or self._hang):
            return False
        call = self.main_pulse.call
        if call is None or call is not self._late_call:
            self._late_call, self._late_s = call, 0.0
            return False
        self._late_s += passed_s
        if self.is_ending:
            return self._hang_at_end is not None and self._late_s >= call.patience_s
        return self._late_s > END_WITHIN_S

    def abandon(self) -> int:
        """[watchdog] Close the outputs, but for windows, because the main thread no longer can; return the exit code
        of a run that ends so.
        """
        log.warning("%s does not answer", self.main_pulse.call.what if self.main_pulse.call else "the program")
        self.capture.begin_to_stop()
        self.output_group.abandon_windows()
        self.stats.ended_at_s = self.stats.ended_at_s or time.monotonic()
        hang = self._hang or self._hang_at_end
        return hang.exit_code if hang else 0

    def _time_is_up(self) -> bool:
        """Whether a live source has fallen silent past the limit: `_process` sees the limit only when a frame comes."""
        limit_s, since_s = self.limits.seconds, self.stats.first_picture_at_s
        if limit_s is None or since_s is None or not self.capture.info.live:
            return False
        return time.monotonic() - since_s > limit_s + 1.0  # with frames coming, their own clock ends the run first

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
            is_over = self.every_frame or self.must_end
            if is_over:  # end in order, with the files closed, and say it
                reason = f"{type(error).__name__}: {in_one_line(error)}"
                self.end(RealtimeError(f"the loop failed: {reason}; --debug tells more"))
        if is_over:
            self.end()
            self._take_apart()

    def _take_apart(self) -> None:
        self._is_taken_apart = True
        self.chain.close()
        self.face_stage.close()

    def _make_all(self, turn: Turn) -> None:
        try:
            if self.chain.uses_faces and self.every_frame:
                self.face_stage.wait_until_ready()
            while not self.must_end:
                may_idle = self.capture.info.live and not self.every_frame
                frame = self.captured.take(_IDLE_FRAME_S if may_idle else None)
                if frame is None:
                    self._idle(turn)
                    continue
                self._seen = frame
                self.stats.dropped_before_processing = self.captured.dropped
                if self.limits.reached(frame, self.stats.processed):
                    self.is_complete = not self.must_end
                    break
                if not (self.paused or self.is_blank) and self._may_make():
                    self._make(frame, turn)
        except MailboxClosedError:
            self.is_complete = not self.must_end  # the source has ended, and everything it gave has been made

    def _idle(self, turn: Turn) -> None:
        """[processing thread] Go on where a live source is lost and the effects draw pictures of their own: a portrait
        looks about, as while nobody is there. Of anything else the last picture stays.
        """
        seen = self._seen
        may_idle = not (self.paused or self.is_blank or self.chain.uses_pixels) and self.capture.is_lost
        if seen is None or not may_idle or not self._may_make():
            return
        if self._nobody is None or self._nobody.shape != seen.pixels.shape:
            self._nobody = np.full_like(seen.pixels, RESTING_BGR)
        now_s = time.monotonic()
        frame = Frame(self._nobody, now_s, seen.pts_s + now_s - seen.captured_at_s, seen.index, seen.mirrored)
        self._make(frame, turn, looks=False)

    def _may_make(self) -> bool:
        """Whether a picture can be made now, while a stage is begun anew. Where people are hidden, not before there is
        somebody again to find them.
        """
        finds_nobody = self.face_stage.is_being_replaced and self.chain.uses_faces and self.chain.hides_people
        return self.chain.is_whole and not finds_nobody

    def _make(self, frame: Frame, turn: Turn, *, looks: bool = True) -> None:
        """[processing thread] From a frame to the outputs: the order of a frame's life. `looks`: False: nobody is there
        to be found.
        """
        began_s = time.perf_counter()
        detect_s = 0.0
        faces: list[Face] = []
        if self.chain.uses_faces and looks:
            doubled = self._restarts.recent(_DETECTOR_STAGE)
            turn.at(_DETECTOR, self._detector_patience.seconds(HUNG_AFTER_S, frame.size, doubled=doubled))
            faces = self.face_stage.find(frame, functools.partial(turn.at, _TRACKER))
            detect_s = self.face_stage.detect_s
            if detect_s:
                self._detector_patience.add(detect_s, frame.size)
        if self.mirrored and self.chain.uses_pixels:
            frame, faces = self._mirror(frame, faces)
        picture = self.chain.make(frame, faces, turn)
        turn.rest()
        made_s = time.perf_counter()
        if not self.output_group.offer(picture):  # black has been asked for meanwhile
            return
        if not self.every_frame:  # where outputs are waited for, their time is not ours
            made_s = time.perf_counter()
        self.faces_in_view = sum(face.confirmed for face in faces)
        self.stats.processed += 1
        self.stats.picture_size = picture.size
        self.stats.own.add(made_s - began_s - detect_s)

    def _mirror(self, frame: Frame, faces: list[Face]) -> tuple[Frame, list[Face]]:
        if self._flipped is None or self._flipped.size != frame.size:
            self._flipped = FramePool(frame.size)
        pixels = self._flipped.take()
        cv2.flip(frame.pixels, 1, dst=pixels)
        flipped = dataclasses.replace(frame, pixels=pixels, mirrored=not frame.mirrored)
        return flipped, [face.mirrored(frame.size.width) for face in faces]

    def set_blank(self, on: bool) -> None:
        """Show black on every output and suspend the source, or go on with it. Live runs only; main thread, also before
        `run`. Black stays until the source has given a picture again. Raises RuntimeError where no thread can be
        started to read.
        """
        if on and not self.is_blank:
            self.capture.suspend()
            self.output_group.show_black()
            self.faces_in_view = 0
        elif self.is_blank and not on:
            self.capture.resume()
            self.output_group.end_black()

    @property
    def newest(self) -> Frame | None:
        """The last picture made."""
        return self.output_group.newest

    @property
    def is_blank(self) -> bool:
        """Whether black is shown and the source is suspended."""
        return self.output_group.is_black

    @property
    def output_workers(self) -> Sequence[OutputWorker]:
        """The outputs that still want frames."""
        return self.output_group.workers

    def stop(self) -> None:
        """End the run, in order, because the user wants it. Any thread, signal handlers too: it takes no lock, which
        the main thread might hold when it is interrupted. The main thread looks some fifty times a second.
        """
        self.interrupted = True

    @property
    def must_end(self) -> bool:
        """Whether it is over, or the user wants it to be. Any thread."""
        return self.interrupted or self._stopping.is_set()

    def wait_for_end(self, timeout_s: float) -> bool:
        """Wait, and return whether it is over. Any thread but the main one."""
        return self._stopping.wait(timeout_s) or self.interrupted

    def end(self, outcome: RealtimeError | None = None) -> None:
        """End it in order. Any thread."""
        self._outcome = self._outcome or outcome
        self._stopping.set()

    def _source_ended(self, error: RealtimeError | None) -> None:
        """[camera thread] Its slot is closed next: processing makes what is inside and ends the run."""
        self._outcome = self._outcome or error

    def add(self, output: Output) -> None:
        """Show what is made on one more output, from now on. Main thread."""
        self.output_group.add(output)

    def remove(self, output: Output) -> None:
        """Take an output out of the run and close it. Main thread."""
        self.output_group.remove(output)
