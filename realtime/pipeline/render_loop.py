"""The life of a run: everything on the way of a frame is begun, looked after and closed. Start reading here.

Threads: one camera thread (`capture.py`) puts frames into a one-place mailbox; one processing thread (`processing.py`)
takes the newest, finds faces, runs the effects and offers the picture to every output (`frame_maker.py`); each output
has a thread of its own (`output_worker.py`), except windows, which live on the main thread (here), where commands are
obeyed too (`supervisor.py`). A thread that does nothing else sees whether one of these stands still (`watchdog.py`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from realtime.core.errors import FAULTS, OnceLogger
from realtime.core.language import _
from realtime.core.stats import RunStats
from realtime.faces.face_stage import FaceStage
from realtime.imaging.frame import Frame
from realtime.outputs import Output
from realtime.pipeline.capture import Capture
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.frame_maker import FrameMaker
from realtime.pipeline.output_group import OutputGroup, OutputReopening
from realtime.pipeline.output_worker import OutputWorker
from realtime.pipeline.pacing import Mailbox
from realtime.pipeline.processing import EFFECT_STAGE, Limits, Processing
from realtime.pipeline.restarts import Restarts
from realtime.pipeline.run_end import RunEnd
from realtime.system.watchdog import Pulse

log = logging.getLogger(__name__)

_WINDOW_WAIT_S = 0.004  # how long the main thread waits for a frame before it looks at the keyboard again
_IDLE_WAIT_S = 0.02  # the same where there is no window

# How long the end waits for the processing thread, which closes the effects:
_CLOSED_WITHIN_S = 10.0
_LEFT_AFTER_S = 1.5  # where somebody waits: a picture that is being made is not worth it
_HUNG_LEFT_AFTER_S = 0.2


class RenderLoop:
    """Everything the way of a frame consists of, put together by `session.assembly`. Used once: `run`.

    Where nothing is said: main thread.
    """

    def __init__(
        self,
        capture: Capture,
        captured: Mailbox[Frame],
        face_stage: FaceStage,
        chain: EffectChain,
        outputs: Sequence[Output],
        stats: RunStats,
        limits: Limits,
        *,
        every_frame: bool = False,
        mirrored: bool = False,
        reopening: OutputReopening | None = None,
    ) -> None:
        """`captured`: where `capture` puts its frames. `mirrored`: as `FrameMaker` has it, to begin with. `reopening`:
        opens outputs anew that hang; None: none can be.
        """
        self.capture, self.chain, self.outputs, self.stats = capture, chain, outputs, stats
        self.every_frame = every_frame
        self.main_pulse = Pulse()
        """What the main thread is at, while it runs the loop."""
        self.run_end = RunEnd(self.main_pulse)
        restarts = Restarts(stats)
        self.output_group = OutputGroup(
            outputs, stats, restarts, self.run_end, every_frame=every_frame, reopening=reopening
        )
        self.maker = FrameMaker(
            capture, face_stage, chain, self.output_group, stats, restarts, every_frame=every_frame, mirrored=mirrored
        )
        self.processing = Processing(self.maker, captured, limits, restarts, self.run_end)
        capture.on_finished = self.run_end.note  # its mailbox is closed next: what is inside is made, and the run ends
        capture.restarts = restarts
        chain.calls.pulse, chain.calls.main_pulse = self.processing.pulse, self.main_pulse
        chain.whole_screen = lambda: self.output_group.whole_screen
        chain.calls.times_anew = lambda: restarts.recent(EFFECT_STAGE)
        self._faults = OnceLogger(log)

    def run(self, tick: Callable[[], None] = lambda: None) -> None:
        """Run until the source ends, a limit is reached, the user quits or `stop` is called.

        `tick` is called some fifty times a second or more, for everything that is not the way of a frame. Raises
        the RealtimeError that ended the run, if one did, after everything has been closed.
        """
        try:
            if self.chain.uses_faces:
                self.maker.face_stage.start(when_ready=self.capture.start_playback)
            else:
                self.capture.start_playback()
            self.output_group.start()
            self.capture.start()
            self.processing.begin()
            while not self.run_end.must_end:
                self._step(tick)
        finally:
            self.run_end.begin_closing()
            self._close()
        if self.run_end.outcome:
            raise self.run_end.outcome

    def _step(self, tick: Callable[[], None]) -> None:
        """Bring the windows what there is, and see to the rest."""
        windows = self.output_group.windows
        for window in windows:
            self.main_pulse.at(window.title)
            window.step(_WINDOW_WAIT_S)
        if not windows:
            self.main_pulse.rest()
            self.run_end.wait(_IDLE_WAIT_S)
        if self._time_is_up():
            self.run_end.end()
        self.output_group.look_after()
        self.processing.look_after()
        self.main_pulse.at("what is looked after beside the picture")
        try:
            tick()
        except FAULTS as error:  # what is beside the picture must not end it
            self._faults.failure(_("looking after the run fails"), error)

    def _time_is_up(self) -> bool:
        """Whether a live source has fallen silent past the limit: processing sees the limit only when a frame comes."""
        limit_s, since_s = self.processing.limits.seconds, self.stats.first_picture_at_s
        if limit_s is None or since_s is None or not self.capture.info.live:
            return False
        return time.monotonic() - since_s > limit_s + 1.0  # with frames coming, their own clock ends the run first

    def _close(self) -> None:
        """Close everything in order, and leave behind what does not answer."""
        hurried, hangs = self.run_end.interrupted, self.run_end.hang is not None
        self.main_pulse.rest()
        self.capture.begin_to_stop()
        if hurried or hangs:  # an output that is waited for and takes nothing must not hold up the end
            self.output_group.refuse_frames()
        wait_s = _HUNG_LEFT_AFTER_S if hangs else _LEFT_AFTER_S if hurried else _CLOSED_WITHIN_S
        give_up_at_s = time.monotonic() + wait_s
        self.processing.join(wait_s)
        self.capture.stop(within_s=max(0.0, give_up_at_s - time.monotonic()) if self.run_end.interrupted else 2.0)
        self.stats.ended_at_s = time.monotonic()
        self.output_group.refuse_frames()
        self.output_group.stop(self.main_pulse, hurried=self.run_end.interrupted or self.run_end.hang is not None)
        self.main_pulse.rest()

    def abandon(self) -> int:
        """[watchdog] Close the outputs, but for windows, because the main thread no longer can; return the exit code
        of a run that ends so.
        """
        log.warning(_("%s does not answer"), self.main_pulse.call.what if self.main_pulse.call else _("the program"))
        self.capture.begin_to_stop()
        self.output_group.abandon_windows()
        self.stats.ended_at_s = self.stats.ended_at_s or time.monotonic()
        return self.run_end.exit_code

    def set_blank(self, on: bool) -> None:
        """Show black on every output and suspend the source, or go on with it. Live runs only; also before `run`. Black
        stays until the source has given a picture again. Raises RuntimeError where no thread can be started to read.
        """
        if on and not self.is_blank:
            self.capture.suspend()
            self.output_group.show_black()
            self.maker.faces_in_view = 0
        elif self.is_blank and not on:
            self.capture.resume()
            self.output_group.end_black()

    @property
    def newest(self) -> Frame | None:
        """The last picture made. Any thread."""
        return self.output_group.newest

    @property
    def is_blank(self) -> bool:
        """Whether black is shown and the source is suspended."""
        return self.output_group.is_black

    @property
    def output_workers(self) -> Sequence[OutputWorker]:
        """The outputs that still want frames."""
        return self.output_group.workers

    @property
    def interrupted(self) -> bool:
        """Whether the user ended the run, be it while it was being closed."""
        return self.run_end.interrupted

    def stop(self) -> None:
        """End the run because the user wants it. Any thread, signal handlers too."""
        self.run_end.stop()

    def add(self, output: Output) -> None:
        """Show what is made on one more output, from now on."""
        self.output_group.add(output)

    def remove(self, output: Output) -> None:
        """Take an output out of the run and close it."""
        self.output_group.remove(output)
