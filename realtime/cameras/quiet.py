"""OpenCV's own messages, held back where our one line says the same for people."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import cv2


@contextlib.contextmanager
def opencv_silenced() -> Iterator[None]:
    """Keep OpenCV from writing to standard error, which may be the user's terminal under a progress bar."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(0)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
