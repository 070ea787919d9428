"""The life of a frame: captured, looked at, remade, shown. Start reading here.

Threads: one camera thread (`capture.py`) puts frames into a one-place slot; one processing thread (here) takes the
newest, finds faces, runs the effects and offers the picture to every output; each output has a thread of its own
(`feed.py`), except windows, which live on the main thread together with the housekeeping below.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable

import cv2

from realtime.buffers import FramePool
from realtime.capture import Capture
from realtime.controls import Command, Controls, Status
from realtime.effects.chain import EffectChain, EffectMenu
from realtime.errors import OutputError, RealtimeError
from realtime.faces.finder import FaceFinder
from realtime.feed import Feed
from realtime.frame import Face, Frame
from realtime.keepsakes import Keepsakes
from realtime.outputs import Output
from realtime.pacing import Closed, Slot
from realtime.stats import RunStats

log = logging.getLogger(__name__)

_WINDOW_WAIT_S = 0.004  # how long the main thread waits for a frame before it looks at the keyboard again
_IDLE_WAIT_S = 0.02  # the same where there is no window
_STATUS_EVERY_S = 0.25


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """When a run ends by itself; None: never."""

    frames: int | None = None
    seconds: float | None = None
    """Of the source's own clock (`Frame.pts_s`), so that ten seconds of a video are ten seconds of it at any speed."""


@dataclasses.dataclass
class RenderLoop:
    """Everything a run consists of, put together by `app.build`. Used once: `run`."""

    capture: Capture
    captured: Slot[Frame]
    finder: FaceFinder | None
    chain: EffectChain
    menu: EffectMenu | None
    outputs: list[Output]
    controls: Controls
    keepsakes: Keepsakes
    stats: RunStats
    limits: Limits
    every_frame: bool = False
    mirrored: bool = False
    tick: Callable[[int], None] = lambda processed: None
    """Called about four times a second with the number of frames made: a progress bar."""

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._outcome: RealtimeError | None = None
        self.interrupted = False
        """True after the user ended the run before the source or a limit did."""
        self._paused = False
        self._faces_in_view = 0
        self._newest: Frame | None = None
        self._flipped: FramePool | None = None
        self._feeds_lock = threading.Lock()  # for replacing the list; whoever only walks through it needs none
        self._all_feeds: list[Feed] = []
        self._feeds = [self._feed(output) for output in self.outputs]  # those that still want frames
        self.capture.on_finished = self._source_ended

    def run(self) -> None:
        """Run until the source ends, a limit is reached, the user quits or `stop` is called. Main thread.

        Raises the RealtimeError that ended it, if one did, after everything has been closed.
        """
        processing = threading.Thread(target=self._process, name="processing", daemon=True)
        try:
            if self.finder and self.chain.uses_faces:
                self.finder.start(when_ready=self.capture.let_clock_run)
            else:
                self.capture.let_clock_run()
            for feed in self._feeds:
                feed.start()
            self.capture.start()
            processing.start()
            self._attend()
        finally:
            self._stopping.set()
            self.capture.stop()
            if processing.ident is not None:
                processing.join(timeout=10.0)
            self.stats.ended_at_s = time.monotonic()
            for feed in self._all_feeds:  # one that ended early may still be finishing its file
                feed.stop()
            if self.menu:
                self.menu.close()
            self.keepsakes.close()
        if self._outcome:
            raise self._outcome

    def stop(self) -> None:
        """End the run, in order, because the user wants it. Any thread, signal handlers too."""
        self.interrupted = True
        self._stopping.set()

    def _end(self, outcome: RealtimeError | None = None) -> None:
        self._outcome = self._outcome or outcome
        self._stopping.set()

    # The way of a frame, on the processing thread --------------------------------------------------------------

    def _process(self) -> None:
        try:
            if self.finder and self.chain.uses_faces and self.every_frame:
                self.finder.wait_until_ready()
            while not self._stopping.is_set():
                frame = self.captured.take()
                assert frame is not None  # noqa: S101 - without a timeout, take waits
                self.stats.dropped_before_processing = self.captured.dropped
                if self._limit_reached(frame):
                    break
                if not self._paused:
                    self._make(frame)
        except Closed:
            pass  # the source has ended, and everything it gave has been made
        except Exception as error:  # a fault of ours: end in order, with the files closed, and say it
            log.debug("processing", exc_info=error)
            self._end(RealtimeError(f"the loop failed: {type(error).__name__}: {error}; --debug tells more"))
        finally:
            self._end()
            self.chain.close()
            if self.finder:
                self.finder.close()

    def _make(self, frame: Frame) -> None:
        began_s = time.perf_counter()
        detect_s = 0.0
        faces: list[Face] = []
        if self.finder and self.chain.uses_faces:
            faces = self.finder.find(frame)
            detect_s = self.finder.detect_s
            self._faces_in_view = len(faces)
        if self.mirrored and self.chain.uses_pixels:
            frame, faces = self._mirror(frame, faces)
        picture = self.chain.make(frame, faces)
        self._newest = picture
        made_s = time.perf_counter()
        self.stats.processed += 1
        self.stats.picture_size = picture.size
        for feed in self._feeds:
            feed.offer(picture)
        if not self.every_frame:  # where outputs are waited for, their time is not ours
            made_s = time.perf_counter()
        self.stats.own.add(made_s - began_s - detect_s)

    def _mirror(self, frame: Frame, faces: list[Face]) -> tuple[Frame, list[Face]]:
        if self._flipped is None or self._flipped.size != frame.size:
            self._flipped = FramePool(frame.size)
        pixels = self._flipped.take()
        cv2.flip(frame.pixels, 1, dst=pixels)
        flipped = dataclasses.replace(frame, pixels=pixels, mirrored=not frame.mirrored)
        return flipped, [face.mirrored(frame.size.width) for face in faces]

    def _limit_reached(self, frame: Frame) -> bool:
        frames, seconds = self.limits.frames, self.limits.seconds
        return (frames is not None and self.stats.processed >= frames) or (
            seconds is not None and frame.pts_s >= seconds
        )

    # The main thread: windows, wishes, housekeeping ------------------------------------------------------------

    def _attend(self) -> None:
        next_status_s = 0.0
        while not self._stopping.is_set():
            windows = [feed for feed in self._feeds if feed.output.on_main_thread]
            for feed in windows:
                feed.step(_WINDOW_WAIT_S)
            if not windows:
                self._stopping.wait(_IDLE_WAIT_S)
            command = self.controls.next_command()
            if command is not None:
                self._obey(command)
            now_s = time.monotonic()
            if now_s >= next_status_s:
                next_status_s = now_s + _STATUS_EVERY_S
                self._keep_house()

    def _keep_house(self) -> None:
        self.capture.watch()
        self.tick(self.stats.processed)
        stats = self.stats
        first = next((feed.stats for feed in self._feeds if feed.output.on_main_thread), None) or (
            self._feeds[0].stats if self._feeds else None
        )
        drops = [("before", stats.dropped_before_processing)]
        drops += [(output.name, output.dropped) for output in stats.outputs]
        specs = self.chain.specs
        running = {"read", *(f"effect {spec}" for spec in specs)}
        if self.chain.uses_faces:
            running |= {"detect", "track"}
        self.controls.status = Status(
            effect=" + ".join(specs) or "none",
            source=str(stats.source.get("name", "")),
            provider=", ".join(dict.fromkeys(stats.providers.values())),
            fps=stats.recent_fps(),
            age_ms=first.age.recent_ms() if first else 0.0,
            stage_ms=tuple((name, times.recent_ms()) for name, times in list(stats.stages.items()) if name in running),
            dropped=tuple(drops),
            faces=self._faces_in_view,
            mirrored=self.mirrored,
            paused=self._paused,
            recording=self.keepsakes.recording,
        )

    def _obey(self, command: Command) -> None:
        say = self.controls.say
        match command:
            case Command.QUIT:
                self.stop()
            case Command.MIRROR:
                self.mirrored = not self.mirrored
                say("mirrored" if self.mirrored else "not mirrored")
            case Command.PAUSE:
                self._paused = not self._paused
            case Command.NEXT_EFFECT | Command.PREVIOUS_EFFECT if self.menu:
                self.menu.step(1 if command is Command.NEXT_EFFECT else -1)
            case Command.SNAPSHOT if self._newest:
                self.keepsakes.save_picture(self._newest)
            case Command.RECORD:
                self._toggle_recording()
            case _:
                say(f"{command.value}: not possible now")

    def _toggle_recording(self) -> None:
        recording = next((feed for feed in self._feeds if feed.output is self.keepsakes.recorder), None)
        if recording:
            self._remove(recording)
            recording.stop()
            self.keepsakes.recording_stopped()
            return
        try:
            output = self.keepsakes.start_recording()
        except OutputError as error:
            self.controls.say(str(error))
            return
        feed = self._feed(output)
        feed.start()
        with self._feeds_lock:
            self._feeds = [
                *self._feeds,
                feed,
            ]  # a new list: the processing thread may be walking through the old one

    def _feed(self, output: Output) -> Feed:
        feed = Feed(output, every_frame=self.every_frame, ended=self._output_ended)
        feed.on_first_shown = self._first_picture
        self._all_feeds.append(feed)
        self.stats.outputs.append(feed.stats)
        return feed

    def _first_picture(self) -> None:
        self.stats.first_picture_at_s = self.stats.first_picture_at_s or time.monotonic()

    def _output_ended(self, ended: Feed) -> None:
        """[the output's thread] An output can no longer work, or its reader has gone: the others go on."""
        others = self._remove(ended)
        if ended.error and others:
            log.warning("%s; the other outputs go on", ended.error)
            self.controls.say(str(ended.error))
        if not others:
            self._end(ended.error)

    def _remove(self, gone: Feed) -> list[Feed]:
        with self._feeds_lock:
            self._feeds = [feed for feed in self._feeds if feed is not gone]
            return self._feeds

    def _source_ended(self, error: RealtimeError | None) -> None:
        """[camera thread] Its slot is closed next: processing makes what is inside and ends the run."""
        self._outcome = self._outcome or error
