from __future__ import annotations

import errno
import os
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.core.errors import OutputError
from realtime.imaging.frame import Frame
from realtime.outputs.recorder import Recorder
from realtime.portrait.preview.film import film

PICTURE = np.full((48, 64, 3), 90, np.uint8)


def test_a_film_is_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with film(path, 25, "try") as recorder:
        for index in range(5):
            recorder.show(Frame(PICTURE, 0.0, index / 25, index))
        assert not path.exists()
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_older_film_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"an older film")
    show = Recorder.show

    def fill_up(recorder: Recorder, frame: Frame) -> None:
        if frame.index == 3:
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise OutputError("the disk is full; what was recorded until now is kept") from full
        show(recorder, frame)

    monkeypatch.setattr(Recorder, "show", fill_up)

    def shoot() -> None:
        with film(path, 25, "try") as recorder:
            for index in range(5):
                recorder.show(Frame(PICTURE, 0.0, index / 25, index))

    with pytest.raises(OutputError, match=f"cannot write {path}: No space left") as caught:
        shoot()
    assert "kept" not in str(caught.value)
    assert path.read_bytes() == b"an older film"
    assert list(tmp_path.iterdir()) == [path]
