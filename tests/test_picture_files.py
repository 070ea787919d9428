"""Pictures by what is in them: HEIC and AVIF, moving ones, names of every kind, and those that are bombs."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from realtime.cameras import CameraRequest, kind_of, open_camera
from realtime.cameras.still import Still
from realtime.core.errors import CameraError, PortraitError
from realtime.imaging.frame import Pixels
from realtime.picture_files import heif
from realtime.picture_files.formats import moving_kind
from realtime.picture_files.painting import read_picture as read_portrait_picture
from realtime.picture_files.reader import decode_picture, read_picture
from realtime.portrait.pack import Portrait
from realtime.video.decoding import PictureMaker
from tests.videos import number_of, numbered

TILE = 64


def box(kind: bytes, *parts: bytes, version: int | None = None, flags: int = 0) -> bytes:
    body = b"".join(parts)
    if version is not None:
        body = struct.pack(">I", version << 24 | flags) + body
    return struct.pack(">I4s", 8 + len(body), kind) + body


def coded(pixels: Pixels) -> tuple[bytes, bytes]:
    """Return a picture as HEVC: the configuration that a HEIC keeps, and the bytes."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx265", rate=1, options={"x265-params": "log-level=none:qp=4:keyint=1"})
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt = "yuv444p"
        frame = av.VideoFrame.from_ndarray(pixels, "bgr24").reformat(format="yuv444p", dst_colorspace="ITU601")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as container:
        packet = next(packet for packet in container.demux(video=0) if packet.size)
        return bytes(container.streams.video[0].codec_context.extradata or b""), bytes(packet)


def heic(
    tiles: Sequence[Pixels], columns: int, size: tuple[int, int], *, turns: Sequence[bytes] = (), exif: bytes = b""
) -> bytes:
    """Write a HEIC: tiles in a grid (or one picture), transformations, EXIF data."""
    codings = [coded(tile) for tile in tiles]
    is_grid = len(tiles) > 1
    primary = 100 if is_grid else 1
    contents = {number + 1: data for number, (_, data) in enumerate(codings)}
    kinds = dict.fromkeys(contents, b"hvc1")
    if is_grid:
        rows = len(tiles) // columns
        contents[primary] = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)
        kinds[primary] = b"grid"
    if exif:
        contents[200], kinds[200] = struct.pack(">I", 0) + exif, b"Exif"
    properties = [box(b"hvcC", codings[0][0]), box(b"ispe", struct.pack(">II", *tiles[0].shape[1::-1]), version=0)]
    properties += [box(b"ispe", struct.pack(">II", *size), version=0), *turns]
    turned = [0x80 | 4 + number for number in range(len(turns))]
    of_items = {number: [0x81, 2] + ([] if is_grid else turned) for number in range(1, len(tiles) + 1)}
    if is_grid:
        of_items[primary] = [3, *turned]
    ipma = struct.pack(">I", len(of_items))
    for number, indices in of_items.items():
        ipma += struct.pack(">HB", number, len(indices)) + bytes(indices)
    references = b""
    if is_grid:
        numbers = [*range(1, len(tiles) + 1)]
        references += box(b"dimg", struct.pack(f">HH{len(numbers)}H", primary, len(numbers), *numbers))
    if exif:
        references += box(b"cdsc", struct.pack(">HHH", 200, 1, primary))
    items = [box(b"infe", struct.pack(">HH4s", n, 0, kinds[n]) + b"\0", version=2) for n in contents]
    ftyp = box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(base: int) -> bytes:
        iloc, at = struct.pack(">BBH", 0x44, 0, len(contents)), base
        for number, data in contents.items():
            iloc += struct.pack(">HHHII", number, 0, 1, at, len(data))
            at += len(data)
        return box(
            b"meta",
            box(b"hdlr", b"\0\0\0\0pict" + bytes(13), version=0),
            box(b"pitm", struct.pack(">H", primary), version=0),
            box(b"iloc", iloc, version=0),
            box(b"iinf", struct.pack(">H", len(items)), *items, version=0),
            box(b"iprp", box(b"ipco", *properties), box(b"ipma", ipma, version=0)),
            box(b"iref", references, version=0) if references else b"",
            version=0,
        )

    base = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(base) + box(b"mdat", *contents.values())


def close(one: Pixels, other: Pixels) -> bool:
    return one.shape == other.shape and float(np.abs(one.astype(int) - other).mean()) < 4


@pytest.fixture(scope="module")
def scene() -> Pixels:
    """150×100, another colour in each of 2×3 tiles of 64."""
    picture = np.zeros((2 * TILE, 3 * TILE, 3), np.uint8)
    for row in range(2):
        for column in range(3):
            picture[row * TILE :, column * TILE :] = (60 + 90 * row, 50 + 70 * column, 200 - 60 * column)
    return picture


def test_the_tiles_of_a_photo_are_put_together_and_turned(tmp_path: Path, scene: Pixels) -> None:
    tiles = [scene[y : y + TILE, x : x + TILE] for y in (0, TILE) for x in (0, TILE, 2 * TILE)]
    shown = scene[:100, :150]
    for turns, expected in (
        ([], shown),
        ([box(b"irot", b"\1")], np.rot90(shown)),
        ([box(b"irot", b"\3")], np.rot90(shown, 3)),
        ([box(b"imir", b"\1")], shown[:, ::-1]),
        ([box(b"imir", b"\0")], shown[::-1]),
        ([box(b"irot", b"\1"), box(b"imir", b"\1")], np.rot90(shown)[:, ::-1]),
    ):
        (tmp_path / "photo.heic").write_bytes(heic(tiles, 3, (150, 100), turns=turns))
        assert close(read_picture(tmp_path / "photo.heic"), expected)
    assert kind_of(str(tmp_path / "photo.heic")) == "still"


def test_exif_turns_a_photo_only_where_its_boxes_are_silent(scene: Pixels) -> None:
    exif = b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    assert close(decode_picture(heic([scene], 1, (192, 128), exif=exif)), np.rot90(scene, 3))
    turned = heic([scene], 1, (192, 128), turns=[box(b"irot", b"\1")], exif=exif)
    assert close(decode_picture(turned), np.rot90(scene))


def test_a_photo_that_lacks_a_tile_is_refused(scene: Pixels) -> None:
    tiles = [scene[:TILE, :TILE]] * 4
    data = heic(tiles, 2, (128, 128))
    with pytest.raises(ValueError, match=r"damaged|decoded"):
        decode_picture(data.replace(b"dimg", b"dimx"))
    wide = data.replace(struct.pack(">4B2H", 0, 0, 1, 1, 128, 128), struct.pack(">4B2H", 0, 0, 1, 1, 60_000, 60_000))
    with pytest.raises(ValueError, match="says it is 60000x60000"):
        decode_picture(wide)
    for length in range(40, len(data), 997):  # cut short anywhere: one line, no crash
        with pytest.raises(ValueError, match=r"is |cannot"):
            decode_picture(data[:length])


def test_a_photo_whose_codec_calls_it_interlaced_is_one_picture(scene: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interlaced(PictureMaker):
        def __init__(self, *, upright: bool) -> None:
            super().__init__(upright=upright)
            self._interlaced = True

    monkeypatch.setattr(heif, "PictureMaker", Interlaced)
    assert decode_picture(heic([scene], 1, (192, 128))).shape == (128, 192, 3)


@pytest.mark.parametrize("name", ["p.jfif", "p.gif", "p.ppm", "p.jp2", "p.avif", "no suffix", "p.mp4", "p.JPE"])
def test_a_picture_is_known_by_what_is_in_it(tmp_path: Path, name: str) -> None:
    pixels = numbered(5)
    if name.endswith("avif"):
        with av.open(tmp_path / name, "w", format="avif") as container:
            stream = container.add_stream("libsvtav1", rate=1, options={"crf": "5", "svtav1-params": "avif=1"})
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "bgr24")))
            container.mux(stream.encode())
    else:
        suffix = {"p.gif": ".gif", "p.ppm": ".ppm", "p.jp2": ".jp2"}.get(name, ".jpg")
        (tmp_path / name).write_bytes(cv2.imencode(suffix, pixels)[1].tobytes())
    path = str(tmp_path / name)
    assert kind_of(path) == "still"
    still = open_camera(path, CameraRequest())
    frames = [still.read() for _ in range(40)]  # it stays
    assert all(frame is not None and number_of(frame.pixels) == 5 for frame in frames)
    assert read_portrait_picture(tmp_path / name)[0].shape == pixels.shape


@pytest.mark.parametrize("kind", [".gif", ".png", ".webp"])
def test_moving_pictures_are_told_from_stills(tmp_path: Path, kind: str) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow writes them")
    pictures = [image.fromarray(np.ascontiguousarray(numbered(number)[:, :, ::-1])) for number in range(3)]
    pictures[0].save(tmp_path / f"still{kind}")
    pictures[0].save(tmp_path / f"moving{kind}", save_all=True, append_images=pictures[1:], duration=80)
    assert moving_kind(tmp_path / f"still{kind}") is None
    assert moving_kind(tmp_path / f"moving{kind}") is not None
    assert kind_of(str(tmp_path / f"moving{kind}")) == "video"
    assert number_of(read_picture(tmp_path / f"moving{kind}")) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_transparent_pictures_are_turned_and_laid_on_white(tmp_path: Path, suffix: str, orientation: int) -> None:
    image, operations = pytest.importorskip("PIL.Image"), pytest.importorskip("PIL.ImageOps")
    stored = np.random.default_rng(5).integers(0, 200, (90, 120, 4), np.uint8)
    stored[:30, :, 3], stored[30:, :, 3] = 0, 255
    exif = image.Exif()
    exif[0x0112] = orientation
    image.fromarray(stored).save(tmp_path / f"p{suffix}", exif=exif, lossless=True, compression="tiff_lzw")
    with image.open(tmp_path / f"p{suffix}") as opened:
        expected = np.array(operations.exif_transpose(opened))
    expected[expected[..., 3] == 0] = 255
    np.testing.assert_array_equal(read_picture(tmp_path / f"p{suffix}"), expected[..., 2::-1])


def png_of(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


BOMBS = {
    "a.png": png_of(20_000, 20_000),
    "a.gif": b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0) + b"\x3b",
    "a.bmp": b"BM" + struct.pack("<IIIIiiHHIIIIII", 99, 0, 54, 40, 60_000, -60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "a.ppm": b"P6\n# a picture\n60000 60000\n255\n",
    "a.webp": b"RIFF" + struct.pack("<I4s4sIIHBHB", 30, b"WEBP", b"VP8X", 10, 0, 0x9C3F, 0, 0x9C3F, 0),
    "a.tif": b"II*\0" + struct.pack("<IHHHIIHHII", 8, 2, 0x100, 4, 1, 60_000, 0x101, 4, 1, 60_000),
    "a.jp2": b"\xff\x4f\xff\x51" + struct.pack(">HHIIII", 41, 0, 60_000, 60_000, 0, 0),
    "a.jpg": b"\xff\xd8\xff\xc0" + struct.pack(">HBHH", 11, 8, 60_000, 60_000) + bytes(20),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_size_is_known_before_anything_is_decoded(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BOMBS[name])
    with pytest.raises(CameraError, match=rf"{name} says it is \d+x\d+; a picture may have 80 megapixels"):
        Still(str(tmp_path / name), CameraRequest())
    with pytest.raises(PortraitError, match="80 megapixels"):
        read_portrait_picture(tmp_path / name)


def test_the_pictures_of_a_portrait_are_bounded_together(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    for number in range(33):
        (pack / f"{number:03d}.png").write_bytes(png_of(5000, 5000))
    with pytest.raises(PortraitError, match="25 megapixels each and 825 together"):
        Portrait.open(pack)


def test_a_moving_webp_that_is_cut_short_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow writes it")
    pictures = [image.fromarray(np.ascontiguousarray(numbered(number)[:, :, ::-1])) for number in range(3)]
    pictures[0].save(tmp_path / "m.webp", save_all=True, append_images=pictures[1:], duration=80, lossless=True)
    data = (tmp_path / "m.webp").read_bytes()
    for kept in range(20, len(data) - 2, 17):
        (tmp_path / "m.webp").write_bytes(data[:kept])
        caplog.clear()
        try:
            camera = open_camera(str(tmp_path / "m.webp"), CameraRequest())
        except CameraError as error:
            told = str(error)
        else:
            assert sum(camera.read() is not None for _ in range(4)) < 3  # what there is, as of films
            (told,) = (record.getMessage() for record in caplog.records)
        assert told.startswith("m.webp ")
        assert "\n" not in told
