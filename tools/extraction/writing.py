"""Crops and their lines, written on a thread of their own beside the looking: first the crop, then its line."""

from __future__ import annotations

import concurrent.futures
import dataclasses
from collections import deque
from collections.abc import Callable
from pathlib import Path

import cv2

from realtime.core.errors import OutputError
from realtime.core.files import atomic_write
from realtime.imaging.frame import Pixels
from tools.extraction.manifest import CropLine, ManifestWriter
from tools.extraction.sources import Source

NEW = "new"
"""Where crops lie until it is known whose they are."""
_JPEG_QUALITY = 95
_WAITING = 16


class Store:
    """Takes crops. A context manager; used by one thread."""

    def __init__(self, folder: Path, manifest: ManifestWriter, next_number: int, suffix: str) -> None:
        """Raises OutputError where the folder for new crops cannot be made."""
        self._folder, self._manifest, self._suffix = folder / NEW, manifest, suffix
        self._next_number = next_number
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="crops")
        self._waiting: deque[concurrent.futures.Future[None]] = deque()
        self._failed = False
        self.kept = 0
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make {self._folder}: {error.strerror}; choose another folder") from error

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._thread.shutdown()
        if kind is None:
            self._take_results(0)

    def next_name(self) -> str:
        name = f"{self._next_number:06d}{self._suffix}"
        self._next_number += 1
        return name

    def add(self, line: CropLine, crop: Pixels) -> None:
        """Write a crop and its line. Raises OutputError where an earlier one could not be written."""
        self._take_results(_WAITING)
        self._waiting.append(self._thread.submit(self._in_turn, lambda: self._write(line, crop)))

    def looked(self, source: Source, frames: int, *, done: bool) -> None:
        """Write that all faces before number `frames` of a source have been dealt with."""
        self._take_results(_WAITING)
        line = {"source": source.text, "stamp": source.stamp, "frames": frames, "done": done}
        self._waiting.append(self._thread.submit(self._in_turn, lambda: self._manifest.add(line)))

    def _in_turn(self, work: Callable[[], None]) -> None:
        """Do what is next; nothing any more where something before it failed: a source whose crop could not be written
        must not be called looked through.
        """
        if not self._failed:
            try:
                work()
            except OutputError:
                self._failed = True
                raise

    def _write(self, line: CropLine, crop: Pixels) -> None:
        options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if self._suffix == ".jpg" else []
        written, data = cv2.imencode(self._suffix, crop, options)
        if not written:
            raise OutputError(f"cannot make {line.file}")
        try:
            with atomic_write(self._folder / line.file) as file:
                file.write_bytes(data.data)
        except OutputError as error:
            reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else str(error)
            raise OutputError(
                f"cannot write to {self._folder}: {reason}; make room, and the same command goes on"
            ) from error
        self._manifest.add(dataclasses.asdict(line))
        self.kept += 1

    def _take_results(self, most_waiting: int) -> None:
        while len(self._waiting) > most_waiting:
            self._waiting.popleft().result()
