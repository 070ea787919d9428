"""A folder of numbered pictures, played in the order of their numbers."""

from __future__ import annotations

import re
import time
from pathlib import Path

from realtime.cameras import PICTURE_SUFFIXES, Camera, CameraInfo, CameraRequest
from realtime.cameras.pictures import read_picture
from realtime.errors import CameraError
from realtime.frame import Frame, Pixels, Size


class PictureFolder(Camera):
    """Each picture once, at the rate asked for (30 fps). All must have the size of the first."""

    def __init__(self, source: str, request: CameraRequest) -> None:
        folder = Path(source).expanduser()
        self._paths = pictures_in(folder)
        self._first: Pixels | None = read_picture(self._paths[0])
        self._count = 0
        size = Size.of(self._first)
        fps = request.fps or 30.0
        self.info = CameraInfo(f"{folder.name}/", size, fps, live=False, frame_count=len(self._paths))

    def read(self) -> Frame | None:
        index = self._count
        if index == len(self._paths):
            return None
        self._count += 1
        path = self._paths[index]
        pixels, self._first = self._first, None
        if pixels is None:
            pixels = read_picture(path)
        if Size.of(pixels) != self.info.size:
            raise CameraError(
                f"{path.name} is {Size.of(pixels)}, the pictures before it {self.info.size}; "
                "a folder's pictures must all have one size"
            )
        return Frame(pixels, time.monotonic(), index / self.info.fps, index)

    def close(self) -> None:
        """Nothing to give back."""


def pictures_in(folder: Path) -> list[Path]:
    """Return a folder's pictures in natural order: 2 before 10. Raises CameraError where there are none."""
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise CameraError(f"cannot read {folder}: {error.strerror}; check the path and its permissions") from error
    paths = [p for p in entries if p.suffix.lower() in PICTURE_SUFFIXES and not p.name.startswith(".")]
    if not paths:
        kinds = ", ".join(sorted(PICTURE_SUFFIXES))
        raise CameraError(f"{folder} holds no pictures ({kinds}); choose another folder")
    return sorted(paths, key=natural_key)


def natural_key(path: Path) -> list[tuple[int, str]]:
    """Return a sort key in which numbers inside a name count as numbers."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
