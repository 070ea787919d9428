"""The virtual camera, opened and closed while the picture goes on: the switch "in my calls"."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from realtime.core.errors import FAULTS, in_one_line
from realtime.core.language import _
from realtime.outputs import Output
from realtime.pipeline.render_loop import RenderLoop

log = logging.getLogger(__name__)

_SAID_FOR_S = 12.0  # why there is none, with a command to type


class InCalls:
    """Main thread, except opening: a driver may take its time."""

    def __init__(
        self, loop: RenderLoop, open_camera: Callable[[], Output], say: Callable[[str, float], None], *, mirrors: bool
    ) -> None:
        """`open_camera` opens a virtual camera; any thread; raises OutputError. `mirrors`: whether the picture may be
        turned as others expect it, because nobody has said how it is to be.
        """
        self._loop, self._open_camera, self._say, self._mirrors = loop, open_camera, say, mirrors
        self._was_mirrored = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._is_wanted = self._camera is not None
        self._opened: Output | None = None

    @property
    def device(self) -> str:
        """What calls know the camera by, or empty while there is none."""
        camera = self._camera
        return "" if camera is None else camera.name.removeprefix("camera ")

    def set(self, on: bool | None) -> None:
        """Send the picture to a virtual camera, or stop; None: the other way from what was wanted last."""
        with self._lock:
            on = not self._is_wanted if on is None else on
            self._is_wanted = on
        if not on:
            self._stop()
        elif self._camera is None and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._open, name="virtual-camera-opening", daemon=True)
            try:
                self._thread.start()
            except RuntimeError as error:  # no further thread now
                self._give_up(_("no virtual camera can be opened now: {reason}", reason=error))

    def look_after(self) -> None:
        """Let a camera that has been opened show what is made, and notice one that has ended by itself."""
        with self._lock:
            opened, self._opened = self._opened, None
            is_wanted, is_opening = self._is_wanted, self._thread is not None and self._thread.is_alive()
        if opened is not None and not is_wanted:
            opened.close()
        elif opened is not None:
            self._loop.add(opened)
            self._was_mirrored = self._loop.maker.mirrored
            if self._mirrors:  # letters are read in a call
                self._loop.maker.mirrored = False
            self._say(_("in your calls: choose “{device}” as the camera there", device=self.device), _SAID_FOR_S)
        elif is_wanted and not is_opening and self._camera is None:
            self._give_up(self._why_ended())

    def close(self) -> None:
        """Close what was opened and never shown."""
        with self._lock:
            self._is_wanted = False
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    @property
    def _camera(self) -> Output | None:
        workers = self._loop.output_workers
        return next((worker.output for worker in workers if worker.output.shows_in_calls), None)

    def _stop(self) -> None:
        camera = self._camera
        if camera is None:
            return
        self._loop.remove(camera)
        if self._mirrors and self._was_mirrored:
            self._loop.maker.mirrored = True
        self._say(_("no longer in your calls"), 4.0)

    def _open(self) -> None:
        """[thread of its own]"""
        try:
            camera = self._open_camera()
        except FAULTS as error:  # a driver's or a library's as well
            log.debug("opening a virtual camera", exc_info=error)
            self._give_up(in_one_line(error))
            return
        with self._lock:
            if self._is_wanted:
                self._opened = camera
                return
        camera.close()

    def _give_up(self, reason: str) -> None:
        with self._lock:
            self._is_wanted = False
        log.warning("%s", reason)
        self._say(reason, _SAID_FOR_S)

    def _why_ended(self) -> str:
        ended = [one.failure for one in self._loop.stats.outputs if one.name.startswith("camera ") and one.failure]
        return ended[-1] if ended else _("the virtual camera has ended")
