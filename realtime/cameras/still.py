"""One picture, again and again. The smallest source: copy this file to begin a new one."""

from __future__ import annotations

import time

from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.core.paths import user_path
from realtime.imaging.frame import Frame, Size
from realtime.picture_files.reader import read_picture


class Still(Camera):
    """Never ends; at the rate asked for (30 fps) on its own clock."""

    def __init__(self, source: str, request: CameraRequest) -> None:
        path = user_path(source)
        self._pixels = read_picture(path)
        self._count = 0
        self.info = CameraInfo(path.name, Size.of(self._pixels), request.fps or 30.0, live=False)

    def read(self) -> Frame | None:
        index = self._count
        self._count += 1
        return Frame(self._pixels, time.monotonic(), index / self.info.fps, index)

    def close(self) -> None:
        """Nothing to give back."""
