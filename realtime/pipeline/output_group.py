"""The outputs of a run: what is made is offered to each of them, and one that hangs or dies is opened anew alone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from realtime.core.errors import FAULTS, OnceLogger, OutputError
from realtime.core.language import _
from realtime.core.stats import OutputStats, RunStats
from realtime.imaging.frame import USUAL_SIZE, Frame, Size
from realtime.outputs import Output
from realtime.pipeline.output_worker import CLOSED_OUTPUT_WITHIN_S, OutputWorker
from realtime.pipeline.restarts import Restarts
from realtime.pipeline.run_end import RunEnd
from realtime.system.processor_share import CountedTime
from realtime.system.watchdog import Pulse

log = logging.getLogger(__name__)

_LONGEST_LOOK_S = 0.5
_AGAIN_AFTER_S = 1.0
_AFTER_S = 0.001  # a recording takes no two pictures of one time


class OutputReopening(Protocol):
    """How an output that hangs is opened once more."""

    def can_open_again(self, output: Output) -> bool:
        """Whether another can be opened beside it."""

    def open_again(self, output: Output) -> Output:
        """Open it. Any thread. Raises OutputError."""


class OutputGroup:
    """Brings what is made to all outputs. `offer`: processing thread; where nothing is said: main thread."""

    def __init__(
        self,
        outputs: Sequence[Output],
        stats: RunStats,
        restarts: Restarts,
        run_end: RunEnd,
        *,
        every_frame: bool,
        reopening: OutputReopening | None,
    ) -> None:
        """`reopening`: opens outputs anew that hang; None: none can be."""
        self.newest: Frame | None = None
        """The last picture offered."""
        self.is_black = False
        """Whether black is shown, and nothing else offered."""
        self._stats, self._restarts, self._run_end = stats, restarts, run_end
        self._every_frame = every_frame
        self.reopening = reopening
        self._black_lock = threading.Lock()  # no picture may be offered after the black one
        self._list_lock = threading.Lock()  # for replacing the lists; whoever only walks through one needs none
        self._all: list[OutputWorker] = []
        self.workers: Sequence[OutputWorker] = [self._added(output) for output in outputs]
        """Those that still want frames."""
        self._looked_at_s = 0.0
        self._counted = CountedTime()
        self._faults = OnceLogger(log)

    @property
    def whole_screen(self) -> Size | None:
        """The first screen that pictures lie on whole; None: there is none. Any thread."""
        screens = (worker.output.whole_screen for worker in self.workers)
        return next((screen for screen in screens if screen is not None), None)

    @property
    def windows(self) -> list[OutputWorker]:
        """Those that live on the main thread."""
        return [worker for worker in self.workers if worker.output.on_main_thread]

    def start(self) -> None:
        """Begin to show. Raises RuntimeError where no thread can be started."""
        for worker in self.workers:
            worker.start()

    def offer(self, picture: Frame) -> bool:
        """Hand a picture to every output, which is waited for where nothing may be lost; False while black is shown."""
        with self._black_lock:
            if self.is_black:
                return False
            for worker in self.workers:
                worker.offer(picture)
            self.newest = picture
            return True

    def show_black(self) -> None:
        """Show black on all of them until `end_black`."""
        with self._black_lock:
            self.is_black = True
            newest = self.newest
            size = newest.size if newest is not None else USUAL_SIZE
            at_s, index = (newest.pts_s + _AFTER_S, newest.index) if newest is not None else (0.0, 0)
            black = np.zeros((size.height, size.width, 3), np.uint8)
            self.newest = Frame(black, time.monotonic(), at_s, index)
            for worker in self.workers:
                worker.offer(self.newest)

    def end_black(self) -> None:
        """Let the next picture be shown again."""
        self.is_black = False

    def add(self, output: Output) -> None:
        """Show what is made on one more output, from now on."""
        worker = self._added(output)
        worker.start()
        with self._list_lock:  # a new list: the processing thread may be walking through the old one
            self.workers = [*self.workers, worker]

    def remove(self, output: Output) -> None:
        """Take an output out of the run and close it."""
        for worker in self.workers:
            if worker.output is output:
                self._leave_out(worker)
                worker.stop()

    def look_after(self) -> None:
        """Leave behind outputs that hang, or whose thread has died, and open others in their place. Cheap."""
        now_s = time.monotonic()
        # Of a longer gap only so much counts: the whole process was stopped.
        passed_s, self._looked_at_s = min(now_s - self._looked_at_s, _LONGEST_LOOK_S), now_s
        passed_s = self._counted.of(passed_s)
        is_late = False
        for worker in self.workers:
            worker.look(passed_s)
            if worker.has_died and not self._run_end.must_end:
                reason = type(worker.death).__name__ if worker.death else _("its thread has ended")
                self._replace(worker, _("failed ({reason})", reason=reason))
            elif not self._every_frame:
                times_anew = self._restarts.recent(worker.stats.name)
                is_late = is_late or worker.is_late(times_anew)
                if worker.is_hung(times_anew):
                    self._replace(worker, _("does not answer"))
        self._counted.look(is_late=is_late)

    def refuse_frames(self, *, windows: bool = True) -> None:
        """Begin to end: whoever waits to offer a picture goes on at once. Any thread."""
        for worker in self._all:
            if windows or not worker.output.on_main_thread:
                worker.refuse_frames()

    def stop(self, pulse: Pulse, *, hurried: bool) -> None:
        """Show what is still inside, and close all of them; of one that ended early a file may still be finished.
        `pulse` is told which.
        """
        for worker in self._all:
            pulse.at(f"closing {worker.title}", patience_s=2 * CLOSED_OUTPUT_WITHIN_S)
            worker.stop(hurried=hurried)

    def abandon_windows(self) -> None:
        """[watchdog] Close all but windows, whose thread hangs."""
        self.refuse_frames(windows=False)
        for worker in self._all:
            if not worker.output.on_main_thread:
                worker.stop(hurried=True)

    def _replace(self, worker: OutputWorker, reason: str) -> None:
        stage = worker.stats.name
        if self._every_frame or self.reopening is None or not self.reopening.can_open_again(worker.output):
            if worker.has_died:
                worker.end(OutputError(f"{worker.title} {reason}"))
            return
        if not self._restarts.may(stage):
            self._run_end.give_up_on(f"{worker.title} {reason}")
            return
        if worker.leave():
            self._restarts.note(stage)
            log.warning(_("%s %s; another is opened in its place"), worker.title, reason)
            arguments = (worker, self.reopening)
            opening = threading.Thread(
                target=self._open_in_place_of, args=arguments, name="output-opening", daemon=True
            )
            try:
                opening.start()
            except RuntimeError as error:  # no further thread now: whoever watches the process must begin it anew
                self._run_end.give_up_on(
                    _(
                        "{title} {reason}, and no thread can be started ({problem})",
                        title=worker.title,
                        reason=reason,
                        problem=error,
                    )
                )

    def _open_in_place_of(self, former: OutputWorker, reopening: OutputReopening) -> None:
        """[thread of its own] Open an output once more, again and again, and let it show what is made."""
        while True:
            try:
                output = reopening.open_again(former.output)
                break
            except FAULTS as error:
                self._faults.failure(_("{title} cannot be opened again", title=former.title), error)
            if self._run_end.wait(_AGAIN_AFTER_S):
                return
            if not self._restarts.may(former.stats.name):
                self._run_end.give_up_on(_("{title} cannot be opened again", title=former.title))
                return
            self._restarts.note(former.stats.name)
        worker = self._new_worker(output, former.stats)
        with self._black_lock:  # what is offered first must not take the place of black
            is_wanted = self._put_in_place_of(former, worker)
            if is_wanted and self.newest is not None:
                worker.offer(self.newest)
        if not is_wanted:
            worker.stop(hurried=True)  # which closes what never began
            return
        try:
            worker.start()
        except RuntimeError as error:
            worker.end(OutputError(_("{title} cannot be begun anew: {reason}", title=worker.title, reason=error)))

    def _put_in_place_of(self, former: OutputWorker, worker: OutputWorker) -> bool:
        """Let a worker have another's place; False: the run is ending."""
        with self._list_lock:
            if self._run_end.must_end or not any(one is former for one in self.workers):
                return False
            self._all = [worker if one is former else one for one in self._all]
            self.workers = [worker if one is former else one for one in self.workers]
            return True

    def _added(self, output: Output) -> OutputWorker:
        worker = self._new_worker(output, OutputStats(output.name))
        self._all = [*self._all, worker]
        self._stats.outputs.append(worker.stats)
        return worker

    def _new_worker(self, output: Output, stats: OutputStats) -> OutputWorker:
        worker = OutputWorker(output, every_frame=self._every_frame, ended=self._ended, stats=stats)
        worker.on_first_shown = self._first_picture
        return worker

    def _first_picture(self) -> None:
        self._stats.first_picture_at_s = self._stats.first_picture_at_s or time.monotonic()

    def _ended(self, ended: OutputWorker) -> None:
        """[the output's thread] An output can no longer work, or its reader has gone: the others go on."""
        others = self._leave_out(ended)
        if ended.error and others:
            log.warning(_("%s; the other outputs go on"), ended.error)
        if not others:
            self._run_end.end(ended.error)

    def _leave_out(self, ended: OutputWorker) -> Sequence[OutputWorker]:
        with self._list_lock:
            self.workers = [worker for worker in self.workers if worker is not ended]
            return self.workers
