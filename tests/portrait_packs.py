"""Packs whose pictures say by their colour what they are, so that a test can read it from a canvas."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from realtime.imaging.frame import Box, Face, Frame, Pixels, Size
from realtime.portrait.pack import PackWriter, Place

PAINTING = Size(240, 320)
CAMERA = Size(64, 48)
HEAD = Place(60, 40, 120, 100)
EYES = Place(80, 60, 80, 30)
MOUTH = Place(90, 96, 60, 24)
IDLE_GREEN = 250


def paint() -> Pixels:
    """A painting with something different at every pixel."""
    return np.random.default_rng(1).integers(0, 255, (PAINTING.height, PAINTING.width, 3), np.uint8)


def head_colour(column: int, row: int = 0) -> tuple[int, int, int]:
    """BGR: blue tells the column, green the row, red the stage of a blink or a mouth."""
    return 20 + 6 * column, 20 + 40 * row, 0


def filled(place: Place, colour: tuple[int, int, int]) -> Pixels:
    """One colour at a place's size."""
    return np.full((place.height, place.width, 3), colour, np.uint8)


def write_pack(
    path: Path,
    *,
    columns: int = 33,
    rows: int = 1,
    stages: int = 0,
    mouths: int = 0,
    idles: int = 0,
    compact: bool = False,
) -> Path:
    """Write a pack; `mouths`: stages of a mouth; `idles` pictures of an idle loop at 10 fps, their number in red."""
    with PackWriter(
        path, title="Colours", credit="a test", columns=columns, rows=rows, place=HEAD, compact=compact
    ) as pack:
        pack.add_painting(paint())
        if stages:
            pack.set_blink(EYES, stages)
        if mouths:
            pack.set_mouth(MOUTH, mouths)
        for index in range(columns * rows):
            blue, green, _ = head_colour(index % columns, index // columns)
            pack.add_frame(index, filled(HEAD, (blue, green, 0)))
            if stages:
                pack.add_blink(index, [filled(EYES, (blue, green, 60 * stage)) for stage in range(1, stages + 1)])
            if mouths:
                pack.add_mouth(index, [filled(MOUTH, (blue, green, 60 * stage)) for stage in range(1, mouths + 1)])
        if idles:
            pack.set_idle(10)
        for number in range(idles):
            pack.add_idle(number, filled(HEAD, (20 + 6 * (columns // 2), IDLE_GREEN, number)))
    return path


def seen_column(picture: Pixels, head: Place = HEAD) -> float:
    """Which column a canvas shows; between two while one fades into the other."""
    return (float(picture[head.bottom - head.height // 8, head.left + head.width // 2, 0]) - 20) / 6


def seen_row(picture: Pixels, head: Place = HEAD) -> float:
    """Which row a canvas shows."""
    return (float(picture[head.bottom - head.height // 8, head.left + head.width // 2, 1]) - 20) / 40


def seen_stage(picture: Pixels, eyes: Place = EYES) -> int:
    """Which stage of a blink a canvas shows; 0: open."""
    return int(picture[eyes.top + eyes.height // 2, eyes.left + eyes.width // 2, 2]) // 60


def seen_mouth(picture: Pixels, mouth: Place = MOUTH) -> float:
    """Which stage of a mouth a canvas shows; 0: as in the picture, between two while it fades."""
    return int(picture[mouth.top + mouth.height // 2, mouth.left + mouth.width // 2, 2]) / 60


def viewer_at(across: float, down: float = 0.5, size: Size = CAMERA) -> Face:
    """A face whose eyes are at a share of the camera's picture, as the camera sees it."""
    x, y = across * size.width, down * size.height
    points = [(x - 4, y), (x + 4, y), (x, y + 4), (x, y + 8), (x - 8, y), (x + 8, y)]
    return Face(Box(x - 10, y - 10, 20, 24), np.array(points, np.float32), 0.9)


def camera_frame(pts_s: float, *, size: Size = CAMERA, mirrored: bool = False) -> Frame:
    """A grey camera picture at a moment."""
    pixels = np.full((size.height, size.width, 3), 90, np.uint8)
    return Frame(pixels, 1000 + pts_s, pts_s, round(pts_s * 30), mirrored)
