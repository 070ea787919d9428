from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps  # comes with matplotlib; writes what OpenCV cannot

from realtime.core.errors import PortraitError
from realtime.imaging.frame import Pixels
from realtime.picture_files.painting import read_picture


def same(first: Pixels, second: Pixels, tolerance: float) -> bool:
    return first.shape == second.shape and float(cv2.absdiff(first, second).mean()) < tolerance


@pytest.mark.parametrize("kind", ["palette", "cmyk", "16 bit", "rgba", "exif", "tiff", "webp", "bmp"])
def test_every_kind_of_picture_looks_the_same(
    navy_photo: Path, navy_picture: Pixels, tmp_path: Path, kind: str
) -> None:
    with Image.open(navy_photo) as opened:
        image = opened.copy()
    path = tmp_path / "picture.png"
    if kind == "palette":
        image.quantize(256).save(path)
    elif kind == "cmyk":
        path = path.with_suffix(".jpg")
        image.convert("CMYK").save(path, quality=95)
    elif kind == "16 bit":
        assert cv2.imwrite(str(path), navy_picture.astype(np.uint16) * 257)
    elif kind == "rgba":
        image.convert("RGBA").save(path)
    elif kind == "exif":
        path = path.with_suffix(".jpg")
        exif = Image.Exif()
        exif[0x0112] = 6  # the camera was held upright: turn clockwise to show
        image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, quality=95)
    else:
        path = path.with_suffix(f".{kind}")
        assert cv2.imwrite(str(path), navy_picture)
    picture, note = read_picture(path)
    assert note == ""
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert same(picture, navy_picture, 9.0 if kind in ("palette", "cmyk") else 3.0)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    pixels = np.full((80, 80, 4), (10, 20, 30, 255), np.uint8)
    pixels[:40, :, 3] = 0
    cv2.imwrite(str(tmp_path / "p.png"), pixels)
    picture, _ = read_picture(tmp_path / "p.png")
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[79, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_transparent_pictures_are_turned_as_they_ask(tmp_path: Path, orientation: int, suffix: str) -> None:
    pixels = np.random.default_rng(5).integers(0, 200, (90, 120, 4), np.uint8)
    pixels[:30, :, 3], pixels[30:, :, 3] = 0, 255
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"picture{suffix}"
    image.save(path, exif=exif, lossless=True)
    with Image.open(path) as opened:
        expected = np.array(ImageOps.exif_transpose(opened))
    expected[expected[..., 3] == 0] = 255
    picture, _ = read_picture(path)
    np.testing.assert_array_equal(picture, expected[..., 2::-1])


def test_forty_megapixels_are_scaled_down_and_said_so(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    cv2.imwrite(str(path), np.full((5500, 7300, 3), 128, np.uint8))
    picture, note = read_picture(path)
    assert picture.shape == (1929, 2560, 3)
    assert "7300x5500" in note
    assert "2560x1929" in note


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a text that is called a picture\n" * 9, "is no picture that can be read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "cut short|damaged"),
    ],
)
def test_what_is_no_picture_is_said_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "painting.jpg"
    path.write_bytes(content)
    with pytest.raises(PortraitError, match=message) as caught:
        read_picture(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "words"), [(np.float32, "floating-point"), (np.float64, "floating-point"), (np.int32, "32-bit")]
)
def test_numbers_without_a_white_are_refused(
    navy_picture: Pixels, tmp_path: Path, kind: type[np.generic], words: str
) -> None:
    path = tmp_path / "developed.tif"
    assert cv2.imwrite(str(path), navy_picture.astype(kind))
    with pytest.raises(PortraitError, match=rf"developed\.tif holds {words} .*save it with 8 or 16 bits") as caught:
        read_picture(path)
    assert "\n" not in str(caught.value)


def test_half_a_download_is_noticed(navy_photo: Path, tmp_path: Path) -> None:
    (tmp_path / "half.jpg").write_bytes(navy_photo.read_bytes()[:20_000])
    with pytest.raises(PortraitError, match="cut short"):
        read_picture(tmp_path / "half.jpg")


def test_missing_folder_and_tiny(tmp_path: Path) -> None:
    with pytest.raises(PortraitError, match="no such picture"):
        read_picture(tmp_path / "nothing.png")
    with pytest.raises(PortraitError, match="cannot read"):
        read_picture(tmp_path)
    cv2.imwrite(str(tmp_path / "tiny.png"), np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(PortraitError, match="only 20x20"):
        read_picture(tmp_path / "tiny.png")
