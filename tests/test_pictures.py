from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.cameras import CameraRequest
from realtime.cameras.picture_folder import PictureFolder, natural_key
from realtime.cameras.still import Still
from realtime.core.errors import CameraError
from realtime.picture_files.reader import read_picture
from tests.videos import COLOUR_BGR, number_of, numbered


def write(path: Path, pixels: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp", ".jpg"])
def test_kinds_of_files(tmp_path: Path, suffix: str) -> None:
    pixels = read_picture(write(tmp_path / f"p{suffix}", numbered(5)))
    assert number_of(pixels) == 5
    assert np.abs(pixels[60, 60].astype(int) - COLOUR_BGR).max() <= 4


def test_depths_and_channels(tmp_path: Path) -> None:
    grey = np.full((8, 9), 77, np.uint8)
    assert read_picture(write(tmp_path / "grey.png", grey)).tolist() == np.full((8, 9, 3), 77).tolist()
    deep = np.full((8, 9, 3), 77 * 257, np.uint16)
    for name in ("deep.png", "deep.tif"):
        pixels = read_picture(write(tmp_path / name, deep))
        assert pixels.dtype == np.uint8
        assert pixels.tolist() == np.full((8, 9, 3), 77).tolist()


def test_a_palette(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow writes the palette picture")
    rgb = image.fromarray(np.ascontiguousarray(numbered(3)[:, :, ::-1]))
    rgb.quantize(8).save(tmp_path / "palette.png")
    assert number_of(read_picture(tmp_path / "palette.png")) == 3


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:, :, 0] = 200  # blue, hidden where opacity is 0
    pixels[:, 2:, 3] = 255
    pixels[:, 1, 3] = 128
    made = read_picture(write(tmp_path / "alpha.png", pixels))
    assert made[0, 0].tolist() == [255, 255, 255]
    assert made[0, 3].tolist() == [200, 0, 0]
    assert made[0, 1].tolist() == [227, 127, 127]


def test_exif_rotation(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", numbered(1))[1].tobytes()
    # One EXIF entry: orientation (0x0112), one SHORT: 6, to be turned clockwise for viewing.
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    body = b"Exif\0\0" + tiff
    path = tmp_path / "turned.jpg"
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:])
    pixels = read_picture(path)
    assert pixels.shape == (128, 96, 3)
    assert pixels[:8, -8:].mean() > 200  # bit 0 was at the upper left


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_a_broken_picture_is_one_line(tmp_path: Path, suffix: str, kept: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    path = write(tmp_path / f"p{suffix}", noise)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(CameraError, match=path.name) as caught:
        Still(str(path), CameraRequest())
    assert "\n" not in str(caught.value)


def test_names_in_any_language(tmp_path: Path) -> None:
    (tmp_path / "Bild ä 写真.png").write_bytes(cv2.imencode(".png", numbered(9))[1].tobytes())
    assert number_of(read_picture(tmp_path / "Bild ä 写真.png")) == 9


def test_a_still_has_the_rate_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "p.png", numbered(4))
    still = Still(str(path), CameraRequest(fps=12.5))
    frames = [still.read() for _ in range(30)]
    assert [frame.pts_s for frame in frames if frame] == [number / 12.5 for number in range(30)]
    assert not still.info.live
    assert still.info.frame_count is None


def test_a_folder_is_played_in_natural_order(tmp_path: Path) -> None:
    for number in (1, 2, 10, 9, 100, 11):
        write(tmp_path / f"Frame{number}.png", numbered(number))
    write(tmp_path / ".hidden.png", numbered(50))
    (tmp_path / "notes.txt").write_text("not a picture")
    folder = PictureFolder(str(tmp_path), CameraRequest(fps=10))
    numbers: list[int] = []
    while (frame := folder.read()) is not None:
        assert frame.pts_s == len(numbers) / 10
        numbers.append(number_of(frame.pixels))
    assert numbers == [1, 2, 9, 10, 11, 100]
    assert folder.info.frame_count == 6


def test_the_first_odd_size_is_named(tmp_path: Path) -> None:
    write(tmp_path / "1.png", numbered(1))
    write(tmp_path / "2.png", numbered(2)[:50])
    write(tmp_path / "3.png", numbered(3)[:40])
    folder = PictureFolder(str(tmp_path), CameraRequest())
    folder.read()
    with pytest.raises(CameraError, match=r"2\.png is 128x50, the pictures before it 128x96"):
        folder.read()


def test_natural_keys_compare_whatever_the_names() -> None:
    names = ["a", "10", "2b", "2a10", "2a9", "", "a1", "B2"]
    ordered = sorted((Path(name) for name in names), key=natural_key)
    assert [path.name for path in ordered] == ["", "2a9", "2a10", "2b", "10", "a", "a1", "B2"]
