"""A camera that is not there yet: plain grey until it is found, and then its pictures.

A gallery's computer often starts before its camera does, and nobody is there to start the program again.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable

import numpy as np

from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.core.errors import CameraError
from realtime.core.language import _
from realtime.imaging.frame import USUAL_SIZE, Frame
from realtime.imaging.pixels import RESTING_BGR

log = logging.getLogger(__name__)

LOOK_EVERY_S = 3.0
_FPS = 30.0  # a portrait that looks about meanwhile moves as smoothly as it will


class AwaitedCamera(Camera):
    """Opens a source on a thread of its own, again and again, until it can be had. Once it has been found, it is that
    camera, and fails as that one does.
    """

    def __init__(
        self,
        name: str,
        open_source: Callable[[], Camera],
        request: CameraRequest,
        *,
        found: Callable[[CameraInfo], None] = lambda info: None,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        """`name`: what is waited for, for people. `found` is called once, on the thread that reads."""
        size = request.size or USUAL_SIZE
        self.info = CameraInfo(name, size, request.fps or _FPS, live=True)
        self._open_source = open_source
        self._found = found
        self._look_every_s = look_every_s
        self._grey = np.full((size.height, size.width, 3), RESTING_BGR, np.uint8)
        self._count = 0
        self._began_s = self._due_s = time.monotonic()
        self._camera: Camera | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._opened: Camera | None = None  # guarded by _lock: found, and not yet taken over
        threading.Thread(target=self._look, name="camera-awaited", daemon=True).start()

    def read(self) -> Frame | None:
        if self._camera is None:
            with self._lock:
                self._camera, self._opened = self._opened, None
            if self._camera is not None:
                log.warning(_("%s is there"), self._camera.info.name)
                self._found(self._camera.info)
        if self._camera is not None:
            frame = self._camera.read()
            return frame and self._counted(frame)
        self._due_s = max(self._due_s + 1 / self.info.fps, time.monotonic())
        self._closing.wait(self._due_s - time.monotonic())
        return self._counted(Frame(self._grey, time.monotonic(), 0.0, 0))

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            opened, self._opened = self._opened, None
        for camera in (opened, self._camera):
            if camera is not None:
                camera.close()

    def _counted(self, frame: Frame) -> Frame:
        index, self._count = self._count, self._count + 1
        return dataclasses.replace(frame, index=index, pts_s=max(0.0, frame.captured_at_s - self._began_s))

    def _look(self) -> None:
        """[thread of its own]"""
        while not self._closing.wait(self._look_every_s):
            try:
                camera = self._open_source()
            except CameraError as error:
                log.debug("not there yet: %s", error)
                continue
            except Exception as error:  # whatever a driver raises: it may be ready the next time
                log.debug("not there yet", exc_info=error)
                continue
            with self._lock:
                if not self._closing.is_set():
                    self._opened = camera
                    return
            camera.close()
            return
