"""A film that is opened again and again leaves nothing behind."""

from __future__ import annotations

import gc
from pathlib import Path

import av

from realtime.cameras import CameraRequest
from realtime.cameras.video_file import VideoFile
from tests.videos import write_video


def decoded_frames() -> int:
    # By the type alone: `isinstance` asks objects for their class, and some of PyTorch's answer with a warning.
    return sum(issubclass(type(one), av.VideoFrame) for one in gc.get_objects())


def test_a_film_that_is_opened_again_leaves_no_frame_behind(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", 5)
    gc.collect()
    gc.disable()  # what waits for Python to look through everything, as it hardly ever does, counts as left behind
    try:
        before = decoded_frames()
        for _ in range(3):
            film = VideoFile(str(path), CameraRequest())
            while film.read() is not None:
                pass
            film.close()
            del film
        assert decoded_frames() == before
    finally:
        gc.enable()
