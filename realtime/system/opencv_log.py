"""OpenCV's own messages, held back: our one line says the same for people."""

from __future__ import annotations

import os

import cv2


def quiet_opencv() -> None:
    """Keep OpenCV from writing to standard error, which may be the user's terminal under a progress bar.

    For the whole process, as OpenCV has one level for all threads; setting OPENCV_LOG_LEVEL keeps its own say.
    """
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
