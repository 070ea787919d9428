"""A picture from a file behind people, or a film, over and over, at its own pace."""

from __future__ import annotations

import logging
import math
import queue
import threading
from typing import NamedTuple

import numpy as np

from realtime.background import Background, BackgroundSettings
from realtime.cameras import Camera, CameraRequest, open_camera
from realtime.core.errors import FAULTS, CameraError, in_one_line
from realtime.core.language import _
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.pixels import cover_into, letterbox_into
from realtime.person.mask import PersonMask

log = logging.getLogger(__name__)

_AHEAD = 2  # pictures that are read before they are due
_PAUSE_S = 2.0
"""After a longer time without frames the film goes on where it was."""
_LOOKS_S = 0.2  # so often the reader looks whether it is still wanted
_CLOSED_WITHIN_S = 2.0


class Fitted(NamedTuple):
    """A picture, and the same as it is shown."""

    source: Pixels
    size: Size
    fit: str
    pixels: Pixels

    @classmethod
    def of(cls, source: Pixels, size: Size, fit: str) -> Fitted:
        if Size.of(source) == size:
            return cls(source, size, fit, source)
        pixels = np.empty((size.height, size.width, 3), np.uint8)
        (cover_into if fit == "cover" else letterbox_into)(source, pixels)
        return cls(source, size, fit, pixels)

    def fits(self, size: Size, fit: str) -> bool:
        return (self.size, self.fit) == (size, fit)


class StillBackground(Background):
    """Shows one picture."""

    takes = ("fit",)

    def __init__(self, title: str, pixels: Pixels) -> None:
        self.title = title
        self._fitted = Fitted.of(pixels, Size.of(pixels), "cover")

    def draw(self, frame: Frame, people: PersonMask | None, settings: BackgroundSettings, out: Pixels) -> None:  # noqa: ARG002
        if not self._fitted.fits(frame.size, settings.fit):
            self._fitted = Fitted.of(self._fitted.source, frame.size, settings.fit)
        np.copyto(out, self._fitted.pixels)


class _Due(NamedTuple):
    at_s: float
    """Since the film was begun for the first time."""
    fitted: Fitted


class FilmBackground(Background):
    """Plays a film on the frames' own clock. It is read and fitted on a thread of its own, a little ahead; live, a
    picture that is not there in time is not waited for.
    """

    takes = ("fit",)

    def __init__(self, title: str, source: str, frame: Size, *, waits: bool) -> None:
        """`frame`: the size it is to be shown at first. `waits`: no picture may come late. Raises CameraError."""
        self.title = title
        self._source, self._waits = source, waits
        self._wanted = frame, "cover"  # written by the processing thread, both at once
        camera = open_camera(source, CameraRequest())
        first = camera.read()
        if first is None:
            camera.close()
            raise CameraError(_("{title} holds no picture; choose another film", title=title))
        self._shown = Fitted.of(first.pixels, *self._wanted)
        self._film_s = 0.0  # what is shown
        self._pts_s = -math.inf  # of the last frame
        self._next: _Due | None = None
        self._due: queue.Queue[_Due | None] = queue.Queue(_AHEAD)  # None: it cannot be read further
        self._is_over = False
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(camera,), name="background-film", daemon=True)
        self._thread.start()

    def draw(self, frame: Frame, people: PersonMask | None, settings: BackgroundSettings, out: Pixels) -> None:  # noqa: ARG002
        self._wanted = frame.size, settings.fit
        passed_s, self._pts_s = frame.pts_s - self._pts_s, frame.pts_s
        if 0 <= passed_s <= _PAUSE_S:
            self._film_s += passed_s
        self._go_on()
        if not self._shown.fits(frame.size, settings.fit):
            self._shown = Fitted.of(self._shown.source, frame.size, settings.fit)
        np.copyto(out, self._shown.pixels)

    def close(self) -> None:
        self._is_closed.set()
        self._thread.join(_CLOSED_WITHIN_S)

    def _go_on(self) -> None:
        """Take the newest picture that is due."""
        while not self._is_over:
            if self._next is None:
                try:
                    self._next = self._due.get(block=self._waits)
                except queue.Empty:
                    return
                self._is_over = self._next is None
            if self._next is not None:
                if self._next.at_s > self._film_s:
                    return
                self._shown, self._next = self._next.fitted, None

    def _read(self, camera: Camera) -> None:
        """[thread of its own] Read the film again and again until it is not wanted any more."""
        begins_s = ends_s = 0.0
        is_new = False
        try:
            while not self._is_closed.is_set():
                frame = camera.read()
                if frame is not None:
                    at_s, ends_s = begins_s + frame.pts_s, begins_s + frame.pts_s + 1 / camera.info.fps
                    self._put(_Due(at_s, Fitted.of(frame.pixels, *self._wanted)))
                elif is_new:
                    raise CameraError(_("there is no picture in it any more"))
                else:
                    camera.close()
                    camera, begins_s = open_camera(self._source, CameraRequest()), ends_s
                is_new = frame is None
        except FAULTS as error:
            log.warning(_("%s cannot be shown further, its last picture stays: %s"), self.title, in_one_line(error))
            self._put(None)
        finally:
            camera.close()

    def _put(self, due: _Due | None) -> None:
        while not self._is_closed.is_set():
            try:
                self._due.put(due, timeout=_LOOKS_S)
            except queue.Full:
                continue
            return
