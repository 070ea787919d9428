"""Pictures of every kind, still and moving, good and hostile, as a source."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

from tools.fuzzing import Seed, Target


def seeds(folder: Path) -> Sequence[Seed]:
    """Write one of each kind, and such as claim to be larger than anything."""
    rng = np.random.default_rng(1)
    colour = cv2.resize(rng.integers(0, 255, (9, 12, 3), np.uint8), (96, 72))
    clear = np.dstack([colour, cv2.resize(rng.integers(0, 255, (3, 4), np.uint8), (96, 72))])
    for suffix in (".png", ".jpg", ".webp", ".bmp", ".tif", ".ppm", ".jp2", ".gif"):
        cv2.imwrite(str(folder / f"colour{suffix}"), colour)
    for suffix in (".png", ".webp", ".tif"):
        cv2.imwrite(str(folder / f"clear{suffix}"), clear)
    for suffix in (".png", ".tif"):
        cv2.imwrite(str(folder / f"deep{suffix}"), clear.astype(np.uint16) * 257)
    pictures = [Image.fromarray(np.ascontiguousarray(np.roll(clear, 9 * number, 1))) for number in range(3)]
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures[0].save(folder / "turned.png", exif=exif)
    pictures[0].save(folder / "turned.webp", exif=exif, lossless=True)
    for name in ("moving.gif", "moving.png", "moving.webp"):
        pictures[0].save(folder / name, save_all=True, append_images=pictures[1:], duration=[50, 90, 70])
    pictures[0].convert("RGB").save(folder / "still.avif")
    pictures[0].save(folder / "moving.avif", save_all=True, append_images=pictures[1:], duration=50)
    (folder / "grid.heic").write_bytes(_heic(np.asarray(colour, np.uint8)))
    for name, data in _bombs().items():
        (folder / name).write_bytes(data)
    return sorted(folder.iterdir())


def _heic(colour: np.typing.NDArray[np.uint8]) -> bytes:
    """Return a picture in a grid of two tiles, whose boxes are all there."""
    with av.open("tile.mp4", "w", format="null") as nowhere:
        stream = nowhere.add_stream("libx265", rate=1, options={"x265-params": "log-level=none:annexb=0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 72, "yuv420p"
        packets = stream.encode(av.VideoFrame.from_ndarray(colour, "bgr24"))
        coded = b"".join(bytes(packet) for packet in (*packets, *stream.encode()))
        setup = bytes(stream.codec_context.extradata or b"")

    def box(kind: bytes, *parts: bytes) -> bytes:
        return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)

    full = bytes(4)
    kinds = {1: b"hvc1", 2: b"hvc1", 3: b"grid"}
    grid = struct.pack(">4B2H", 0, 0, 0, 1, 180, 70)
    items = [box(b"infe", b"\2\0\0\0", struct.pack(">HH4s", n, 0, kind), b"\0") for n, kind in kinds.items()]
    sizes = [box(b"ispe", full, struct.pack(">II", *size)) for size in ((96, 72), (180, 70))]
    ipco = box(b"ipco", box(b"hvcC", setup), *sizes, box(b"irot", b"\1"), box(b"imir", b"\1"))
    ipma = struct.pack(">I", 3)
    for number, properties in ((1, (1, 2)), (2, (1, 2)), (3, (3, 4, 5))):
        ipma += struct.pack(">HB", number, len(properties)) + bytes(properties)
    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(at: int) -> bytes:
        places = ((1, at, len(coded)), (2, at, len(coded)), (3, at + len(coded), len(grid)))
        iloc = struct.pack(">BBH", 0x44, 0, 3)
        iloc += b"".join(struct.pack(">HHHII", number, 0, 1, begin, length) for number, begin, length in places)
        references = box(b"dimg", struct.pack(">HHHH", 3, 2, 1, 2))
        parts = (
            box(b"hdlr", full, b"\0\0\0\0pict", bytes(13)),
            box(b"pitm", full, struct.pack(">H", 3)),
            box(b"iloc", full, iloc),
            box(b"iinf", full, struct.pack(">H", 3), *items),
            box(b"iprp", ipco, box(b"ipma", full, ipma)),
            box(b"iref", full, references),
        )
        return box(b"meta", full, *parts)

    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", coded, grid)


def _bombs() -> dict[str, bytes]:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    def png(width: int, height: int, kind: int, depth: int, row_bytes: int) -> bytes:
        packed = zlib.compressobj(9)
        body = b"".join(packed.compress(bytes(row_bytes + 1)) for _ in range(height)) + packed.flush()
        head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")

    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x44\x01\0"
    gif = b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6)
    return {
        "wide.png": png(20_000, 20_000, 0, 8, 20_000),
        "largest.png": png(8_900, 8_900, 6, 16, 71_200),
        "bomb.gif": gif + frame + b"\x3b",
        "bombs.gif": gif + frame * 2 + b"\x3b",
        "bomb.ppm": b"P6\n60000 60000\n255\n",
        "bomb.bmp": b"BM" + struct.pack("<IIIIiiHHIIIIII", 99, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    }


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - nothing is written
    return ["realtime", "run", "--source", str(seed), "--effect", "none", "--output", "none", "--frames", "3"]


TARGET = Target(seeds, command, preload=("cv2", "av"))
