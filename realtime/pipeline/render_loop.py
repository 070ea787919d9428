"""The life of a frame: captured, looked at, remade, shown. Start reading here.

Threads: one camera thread (`capture.py`) puts frames into a one-place slot; one processing thread (here) takes the
newest, finds faces, runs the effects and offers the picture to every output; each output has a thread of its own
(`output_worker.py`), except windows, which live on the main thread, where the user's wishes are heard too
(`supervisor.py`). A thread that does nothing else sees whether one of these stands still (`watchdog.py`).
"""

from __future__ import annotations

import dataclasses
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
from realtime.imaging.frame import USUAL_SIZE, Face, Frame
from realtime.outputs import Output
from realtime.pipeline.capture import Capture
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.output_worker import CLOSED_OUTPUT_WITHIN_S, OutputWorker
from realtime.pipeline.pacing import Mailbox, MailboxClosedError
from realtime.system.watchdog import END_WITHIN_S, Call, Pulse

log = logging.getLogger(__name__)

_WINDOW_WAIT_S = 0.004  # how long the main thread waits for a frame before it looks at the keyboard again
_IDLE_WAIT_S = 0.02  # the same where there is no window
_DETECTOR = "the face detector"
_AFTER_S = 0.001  # a recording takes no two pictures of one time

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

    def __post_init__(self) -> None:
        self.interrupted = False
        """True after the user ended the run, be it while it was being closed."""
        self.is_complete = False
        """True after the source or a limit ended the run, and everything it gave has been made."""
        self.newest: Frame | None = None
        """The last picture made."""
        self.faces_in_view = 0
        self._stopping = threading.Event()
        self._outcome: RealtimeError | None = None
        self._flipped: FramePool | None = None
        self.is_blank = False
        """Whether black is shown and the source is suspended."""
        self._blank_lock = threading.Lock()  # no picture may be offered after the black one
        self._feeds_lock = threading.Lock()  # for replacing the list; whoever only walks through it needs none
        self._all_feeds: list[OutputWorker] = []
        self.output_workers: Sequence[OutputWorker] = [self._output_worker(output) for output in self.outputs]
        """Those that still want frames."""
        self.capture.on_finished = self._source_ended
        self.pulse = Pulse()
        """What the processing thread is at."""
        self.main_pulse = Pulse()
        """What the main thread is at, while it runs the loop."""
        self.chain.pulse, self.chain.main_pulse = self.pulse, self.main_pulse
        self.is_ending = False
        """True once everything is being closed."""
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
        processing = threading.Thread(target=self._process, name="processing", daemon=True)
        try:
            if self.chain.uses_faces:
                self.face_stage.start(when_ready=self.capture.start_playback)
            else:
                self.capture.start_playback()
            for output_worker in self.output_workers:
                output_worker.start()
            self.capture.start()
            processing.start()
            while not self._must_end():
                self._step(tick)
        finally:
            self.is_ending = True
            self._stopping.set()
            self._close(processing)
        if self._outcome:
            raise self._outcome

    def _step(self, tick: Callable[[], None]) -> None:
        """Bring the windows what there is, and see to the rest."""
        windows = [output_worker for output_worker in self.output_workers if output_worker.output.on_main_thread]
        for window in windows:
            self.main_pulse.at(window.title)
            window.step(_WINDOW_WAIT_S)
        if not windows:
            self.main_pulse.rest()
            self._stopping.wait(_IDLE_WAIT_S)
        if self._time_is_up():
            self._end()
        self.main_pulse.at("what is looked after beside the picture")
        try:
            tick()
        except FAULTS as error:  # what is beside the picture must not end it
            self._faults.failure("looking after the run fails", error)

    def _close(self, processing: threading.Thread) -> None:
        """Close everything in order, and leave behind what does not answer. Main thread."""
        self.main_pulse.rest()
        self.capture.begin_to_stop()
        if self.interrupted or self._hang:  # an output that is waited for and takes nothing must not hold up the end
            for output_worker in self._all_feeds:
                output_worker.refuse_frames()
        wait_s = _HUNG_LEFT_AFTER_S if self._hang else _LEFT_AFTER_S if self.interrupted else _CLOSED_WITHIN_S
        give_up_at_s = time.monotonic() + wait_s
        if processing.ident is not None:
            processing.join(timeout=wait_s)
            if processing.is_alive() and not self._hang:
                log.warning("%s has not ended; left behind", self._at() or "an effect")
        self.capture.stop(within_s=max(0.0, give_up_at_s - time.monotonic()) if self.interrupted else 2.0)
        self.stats.ended_at_s = time.monotonic()
        for output_worker in self._all_feeds:
            output_worker.refuse_frames()
        for output_worker in self._all_feeds:  # one that ended early may still be finishing its file
            self.main_pulse.at(f"closing {output_worker.title}", patience_s=2 * CLOSED_OUTPUT_WITHIN_S)
            output_worker.stop(hurried=self.interrupted or self._hang is not None)
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
        self._end(error)

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
        output_workers = [output_worker for output_worker in self._all_feeds if not output_worker.output.on_main_thread]
        for output_worker in output_workers:
            output_worker.refuse_frames()
        for output_worker in output_workers:
            output_worker.stop(hurried=True)
        self.stats.ended_at_s = self.stats.ended_at_s or time.monotonic()
        hang = self._hang or self._hang_at_end
        return hang.exit_code if hang else 0

    def _time_is_up(self) -> bool:
        """Whether a live source has fallen silent past the limit: `_process` sees the limit only when a frame comes."""
        limit_s, since_s = self.limits.seconds, self.stats.first_picture_at_s
        if limit_s is None or since_s is None or not self.capture.info.live:
            return False
        return time.monotonic() - since_s > limit_s + 1.0  # with frames coming, their own clock ends the run first

    def _process(self) -> None:
        """[processing thread] Make a picture of every frame that comes."""
        try:
            if self.chain.uses_faces and self.every_frame:
                self.face_stage.wait_until_ready()
            while not self._must_end():
                frame = self.captured.take()
                assert frame is not None  # noqa: S101 - without a timeout, take waits
                self.stats.dropped_before_processing = self.captured.dropped
                if self.limits.reached(frame, self.stats.processed):
                    self.is_complete = not self._must_end()
                    break
                if not (self.paused or self.is_blank):
                    self._make(frame)
        except MailboxClosedError:
            self.is_complete = not self._must_end()  # the source has ended, and everything it gave has been made
        except FAULTS as error:  # a fault of ours: end in order, with the files closed, and say it
            log.debug("processing", exc_info=error)
            reason = f"{type(error).__name__}: {in_one_line(error)}"
            self._end(RealtimeError(f"the loop failed: {reason}; --debug tells more"))
        finally:
            self._end()
            self.chain.close()
            self.face_stage.close()

    def _make(self, frame: Frame) -> None:
        """[processing thread] From a frame to the outputs: the order of a frame's life."""
        began_s = time.perf_counter()
        detect_s = 0.0
        faces: list[Face] = []
        if self.chain.uses_faces:
            self.pulse.at(_DETECTOR)
            faces = self.face_stage.find(frame)
            detect_s = self.face_stage.detect_s
        if self.mirrored and self.chain.uses_pixels:
            frame, faces = self._mirror(frame, faces)
        picture = self.chain.make(frame, faces)
        self.pulse.rest()
        made_s = time.perf_counter()
        with self._blank_lock:
            if self.is_blank:  # meanwhile
                return
            for output_worker in self.output_workers:
                output_worker.offer(picture)
            if not self.every_frame:  # where outputs are waited for, their time is not ours
                made_s = time.perf_counter()
            self.newest, self.faces_in_view = picture, sum(face.confirmed for face in faces)
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
        if on == self.is_blank:
            return
        if not on:
            self.capture.resume()
            self.is_blank = False
            return
        self.capture.suspend()
        with self._blank_lock:
            self.is_blank = True
            size = self.newest.size if self.newest is not None else USUAL_SIZE
            last_s = self.newest.pts_s if self.newest is not None else 0.0
            black = np.zeros((size.height, size.width, 3), np.uint8)
            index = self.newest.index if self.newest is not None else 0
            self.newest, self.faces_in_view = Frame(black, time.monotonic(), last_s + _AFTER_S, index), 0
            for output_worker in self.output_workers:
                output_worker.offer(self.newest)

    def stop(self) -> None:
        """End the run, in order, because the user wants it. Any thread, signal handlers too: it takes no lock, which
        the main thread might hold when it is interrupted. The main thread looks some fifty times a second.
        """
        self.interrupted = True

    def _must_end(self) -> bool:
        return self.interrupted or self._stopping.is_set()

    def _end(self, outcome: RealtimeError | None = None) -> None:
        self._outcome = self._outcome or outcome
        self._stopping.set()

    def _source_ended(self, error: RealtimeError | None) -> None:
        """[camera thread] Its slot is closed next: processing makes what is inside and ends the run."""
        self._outcome = self._outcome or error

    def add(self, output: Output) -> None:
        """Show what is made on one more output, from now on. Main thread."""
        output_worker = self._output_worker(output)
        output_worker.start()
        with self._feeds_lock:
            self.output_workers = [
                *self.output_workers,
                output_worker,
            ]  # a new list: the processing thread may be walking through the old one

    def remove(self, output: Output) -> None:
        """Take an output out of the run and close it. Main thread."""
        for output_worker in self.output_workers:
            if output_worker.output is output:
                self._leave_out(output_worker)
                output_worker.stop()

    def _output_worker(self, output: Output) -> OutputWorker:
        output_worker = OutputWorker(output, every_frame=self.every_frame, ended=self._output_ended)
        output_worker.on_first_shown = self._first_picture
        self._all_feeds.append(output_worker)
        self.stats.outputs.append(output_worker.stats)
        return output_worker

    def _first_picture(self) -> None:
        self.stats.first_picture_at_s = self.stats.first_picture_at_s or time.monotonic()

    def _output_ended(self, ended: OutputWorker) -> None:
        """[the output's thread] An output can no longer work, or its reader has gone: the others go on."""
        others = self._leave_out(ended)
        if ended.error and others:
            log.warning("%s; the other outputs go on", ended.error)
        if not others:
            self._end(ended.error)

    def _leave_out(self, ended: OutputWorker) -> Sequence[OutputWorker]:
        with self._feeds_lock:
            self.output_workers = [output_worker for output_worker in self.output_workers if output_worker is not ended]
            return self.output_workers
