"""Tiny real videos whose every frame tells its number and whose colour is known."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from realtime.imaging.frame import Pixels, Size

SIZE = Size(128, 96)
COLOUR_BGR = (40, 120, 210)
_BIT_PX = 8


def numbered(number: int, size: Size = SIZE) -> Pixels:
    """A picture of the known colour; along its top, eight blocks spell the number, black and white."""
    pixels = np.empty((size.height, size.width, 3), np.uint8)
    pixels[:] = COLOUR_BGR
    for bit in range(8):
        pixels[:_BIT_PX, bit * _BIT_PX : (bit + 1) * _BIT_PX] = 255 * (number >> bit & 1)
    return pixels


def number_of(pixels: Pixels) -> int:
    """Read back what `numbered` wrote."""
    row = pixels[_BIT_PX // 2, _BIT_PX // 2 :: _BIT_PX, 1]
    return sum(1 << bit for bit in range(8) if row[bit] > 128)


def colour_of(pixels: Pixels) -> Pixels:
    """The colour in the lower right quarter, the mean of it."""
    height, width = pixels.shape[:2]
    return np.asarray(np.rint(pixels[height // 2 + 8 : -8, width // 2 + 8 : -8].mean((0, 1))), np.uint8)


def write_video(
    path: Path,
    count: int = 10,
    *,
    size: Size = SIZE,
    times_ms: Sequence[int] | None = None,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    matrix: str | None = "ITU709",
    full_range: bool = False,
    rotation_degrees: int = 0,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write `count` numbered frames at 25 fps, or at `times_ms`; colour labelled as `matrix` says, None: unlabelled.

    `rotation_degrees`: how far a player is told to turn the picture, counterclockwise.
    """
    with av.open(path, "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, pixel_format
        stream.codec_context.time_base = Fraction(1, 1000)
        if codec == "libx264":
            stream.codec_context.options = {"crf": "4", "bf": "2"}
            if matrix is not None:
                stream.codec_context.colorspace = {"ITU709": 1, "ITU601": 6}[matrix]
                stream.codec_context.color_range = 2 if full_range else 1
        if rotation_degrees:
            stream.set_display_rotation(rotation_degrees)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(number, size), "bgr24")
            if not pixel_format.startswith(("bgr", "rgb")):
                frame = frame.reformat(
                    format=pixel_format,
                    dst_colorspace=matrix or "ITU601",
                    dst_color_range="JPEG" if full_range else "MPEG",
                )
            frame.pts = times_ms[number] if times_ms is not None else number * 40
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
