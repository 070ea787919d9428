"""The installed program on a real video, its output decoded and looked at."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels, Size
from realtime.portrait.pack import PackWriter, Place
from tests.doubles import draw_number, read_number

FPS = 25
ROOM = Size(1280, 720)


def realtime_command() -> list[str]:
    """The command that installing put beside this Python; its module where it did not."""
    name = shutil.which("realtime", path=str(Path(sys.executable).parent))
    return [name] if name else [sys.executable, "-m", "realtime"]


def write_pack(path: Path, columns: int = 33) -> None:
    """A portrait whose every frame carries its own number, in blocks that survive compression."""
    size = Size(640, 480)
    with PackWriter(path, title="Numbers", columns=columns, place=Place(0, 0, *size)) as pack:
        pack.add_painting(_big_number(columns // 2, size))
        for number in range(columns):
            pack.add_frame(number, _big_number(number, size))


def _big_number(number: int, size: Size) -> Pixels:
    small = draw_number(number, Size(64, 48))
    return cv2.resize(small, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def write_video(path: Path, photo: Pixels, centres: list[float], seconds_each: float) -> None:
    """The photo's face at one share of the width after another, as a camera would see somebody stand there."""
    height = 420
    face = cv2.resize(photo, (height * photo.shape[1] // photo.shape[0], height), interpolation=cv2.INTER_AREA)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = ROOM.width, ROOM.height, "yuv420p"
        for centre in centres:
            room = np.full((ROOM.height, ROOM.width, 3), (120, 130, 125), np.uint8)
            left = round(centre * ROOM.width - face.shape[1] / 2)
            room[200 : 200 + height, left : left + face.shape[1]] = face
            for _ in range(round(seconds_each * FPS)):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(room, format="bgr24")))
        container.mux(stream.encode(None))


def _small(pixels: NDArray[Any]) -> Pixels:
    return cv2.resize(pixels, (64, 48), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def decoded_numbers(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [read_number(_small(frame.to_ndarray(format="bgr24"))) for frame in container.decode(video=0)]


def run_program(folder: Path, *words: str) -> dict[str, object]:
    done = subprocess.run(
        [*realtime_command(), "run", *words, "--stats", "stats.json"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stats: dict[str, object] = json.loads((folder / "stats.json").read_text(encoding="utf-8"))
    return stats


def test_the_portrait_looks_where_the_viewer_stands(tmp_path: Path, navy_photo: Path) -> None:
    photo = cv2.imread(str(navy_photo))
    assert photo is not None
    centres = [0.25, 0.5, 0.75]
    write_video(tmp_path / "viewer.mp4", photo.astype(np.uint8, copy=False), centres, seconds_each=2.4)
    write_pack(tmp_path / "numbers.portrait")
    stats = run_program(
        tmp_path,
        *("--source", "viewer.mp4", "--effect", "portrait:numbers.portrait", "--output", "out.mp4", "--every-frame"),
        *("--set", "portrait.blink=off"),
    )
    numbers = decoded_numbers(tmp_path / "out.mp4")
    assert len(numbers) == 3 * 60
    rests = [numbers[60 * part + 57] for part in range(3)]
    # The eyes of this photo lie within 2 % of its middle. Mirrored: who stands at the camera's left is followed to
    # the screen's right.
    assert rests == pytest.approx([(1 - centre) * 32 for centre in centres], abs=1.0)
    for part in range(3):
        assert len(set(numbers[60 * part + 48 : 60 * part + 60])) == 1, "rests when the viewer rests"
    between = numbers[60:75]
    assert len(set(between)) >= 4, "moves through the frames between, does not jump"
    assert stats["providers"]["faces"]  # type: ignore[index]


def test_the_same_video_gives_the_same_pictures(tmp_path: Path, navy_photo: Path) -> None:
    photo = cv2.imread(str(navy_photo))
    assert photo is not None
    write_video(tmp_path / "viewer.mp4", photo.astype(np.uint8, copy=False), [0.3, 0.6], seconds_each=0.8)
    write_pack(tmp_path / "numbers.portrait")
    words = ["--source", "viewer.mp4", "--effect", "portrait:numbers.portrait", "--every-frame"]
    run_program(tmp_path, *words, "--output", "one.mp4")
    run_program(tmp_path, *words, "--output", "two.mp4")
    assert decoded_numbers(tmp_path / "one.mp4") == decoded_numbers(tmp_path / "two.mp4")


def test_a_video_plays_at_its_own_rate_and_drops_nothing(tmp_path: Path, navy_photo: Path) -> None:
    photo = cv2.imread(str(navy_photo))
    assert photo is not None
    write_video(tmp_path / "viewer.mp4", photo.astype(np.uint8, copy=False), [0.5], seconds_each=2.0)
    write_pack(tmp_path / "numbers.portrait")
    stats = run_program(tmp_path, "--source", "viewer.mp4", "--effect", "portrait:numbers.portrait", "--output", "none")
    frames = stats["frames"]
    assert isinstance(frames, dict)
    assert frames["captured"] == 50
    assert float(str(stats["seconds"])) >= 49 / FPS * 0.95
