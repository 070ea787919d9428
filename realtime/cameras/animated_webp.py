"""An animated WebP picture, played once, each of its pictures as long as it says."""

from __future__ import annotations

import logging
import time

from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.core.errors import CameraError
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.picture_files import webp

log = logging.getLogger(__name__)


class MovingWebp(Camera):
    """Like a film: its pictures at their own times; the last once more at its end, where it stays for longer."""

    def __init__(self, source: str, request: CameraRequest) -> None:  # noqa: ARG002 - it keeps its own rate
        path = user_path(source)
        self._name = path.name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise CameraError(
                _("cannot read {path}: {reason}; check the path and its permissions", path=path, reason=error.strerror)
            ) from error
        self._pictures = webp.pictures(data)
        try:
            durations_s = [float(duration_s) for duration_s in webp.durations_s(data)]
            first = next(self._pictures)
        except (ValueError, StopIteration) as error:
            raise CameraError(_("{name} {reason}; save it again", name=self._name, reason=error)) from error
        self._times_s = [sum(durations_s[:number]) for number in range(len(durations_s))]
        period_s = min(durations_s)
        if durations_s[-1] > period_s * 1.01:
            self._times_s.append(sum(durations_s) - period_s)
        self._first: Pixels | None = first
        self._last = first
        self._count = 0
        self.info = CameraInfo(self._name, Size.of(first), 1 / period_s, live=False, frame_count=len(self._times_s))

    def read(self) -> Frame | None:
        index = self._count
        if index == len(self._times_s):
            return None
        self._count += 1
        try:
            self._last = self._first if self._first is not None else next(self._pictures, self._last)
        except ValueError as error:  # as of films, what can be read is shown
            log.warning("%s %s", self._name, error)
            self._count = len(self._times_s)
            return None
        self._first = None
        return Frame(self._last, time.monotonic(), self._times_s[index], index)

    def close(self) -> None:
        self._pictures.close()
