"""Where the program's pictures go, for the README: a call, a stream, a wall. What is in them the program has made; the
places are drawn.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.__main__ import main as realtime_main
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import Place, cover_into
from realtime.picture_files.samples import sample_photo
from realtime.portrait.building.default import open_default_portrait

Bgr = tuple[int, int, int]
_QUALITY = 84
_HEAD = Place(100, 24, 312, 388)
"""The part of the default portrait that hangs on the wall: where it looks is to be seen from afar."""
_DARK: Bgr = (36, 33, 32)
_RED: Bgr = (67, 67, 234)
_GREY: Bgr = (92, 86, 84)
_WALL: Bgr = (196, 204, 208)
_WOOD: Bgr = (34, 52, 78)
_WOOD_LIT: Bgr = (46, 70, 105)
_MOUNT: Bgr = (232, 238, 240)


def write_call(path: Path, astronaut: Path) -> None:
    """Write the picture of a call: you with another room behind you, and somebody who sees you so."""
    you = _made(sample_photo(), ("style:night", "background:blur"))
    canvas = _filled(Size(960, 452), _DARK)
    for left, picture in ((20, you), (490, _read(astronaut))):
        _lay(canvas, _covering(picture, Size(450, 338)), Place(left, 20, 450, 338), radius=14)
    for number, colour in enumerate((_GREY, _GREY, _GREY, _RED)):
        centre = 480 + round((number - 1.5) * 66), 406
        cv2.circle(canvas, centre, 24, colour, -1, cv2.LINE_AA)
        _draw_sign(canvas, number, centre)
    _write(path, canvas)


def write_stream(path: Path, astronaut: Path) -> None:
    """Write the picture of a stream: somebody without a room, before what is shown."""
    size = Size(960, 540)
    shown = _made(astronaut, ("style:oil",))
    canvas = _gradient(size, (74, 44, 28), (38, 20, 44))
    _lay(canvas, _covering(shown, Size(560, 430)), Place(40, 55, 560, 430), radius=12)
    cut_out = _made(sample_photo(), ("background:transparent",), ending=".png")
    person = _scaled(cut_out, 500)
    _over(canvas, person, size.width - person.shape[1] + 10, size.height - person.shape[0])
    _write(path, canvas)


def write_wall(path: Path) -> None:
    """Write the picture of a gallery's wall: two portraits that look at one visitor between them."""
    portrait = open_default_portrait()
    size = Size(960, 540)
    canvas = _lit(_filled(size, _WALL))
    for left, frame in ((110, portrait.count - 1), (560, 0)):
        painting = portrait.painting.copy()
        portrait.place.of(painting)[:] = portrait.frame(frame)
        _hang(canvas, np.ascontiguousarray(_HEAD.of(painting)), Place(left, 70, 290, 350))
    _write(path, canvas)


def _made(source: Path, effects: tuple[str, ...], ending: str = ".png") -> NDArray[np.uint8]:
    """Return a photo as the program shows it; with a fourth channel where it is transparent."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"out{ending}"
        words = ["render", str(source), str(out)]
        for effect in effects:
            words += ["--effect", effect]
        if realtime_main(words):
            raise SystemExit(f"{effects} failed")
        pixels = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def _scaled(pixels: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    size = round(pixels.shape[1] * height / pixels.shape[0]), height
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _read(path: Path) -> Pixels:
    pixels = cv2.imread(str(path))
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def _covering(pixels: Pixels, size: Size) -> Pixels:
    """Return a picture cut to fill a size, its upper part kept: faces are there."""
    height = min(pixels.shape[0], round(pixels.shape[1] * size.height / size.width))
    out = np.empty((size.height, size.width, 3), np.uint8)
    cover_into(np.ascontiguousarray(pixels[:height]), out)
    return out


def _filled(size: Size, colour: Bgr) -> Pixels:
    canvas = np.empty((size.height, size.width, 3), np.uint8)
    canvas[:] = colour
    return canvas


def _gradient(size: Size, above: Bgr, below: Bgr) -> Pixels:
    share = np.linspace(0, 1, size.height)[:, np.newaxis, np.newaxis]
    rows = (1 - share) * np.array(above) + share * np.array(below)
    return np.ascontiguousarray(np.broadcast_to(rows.astype(np.uint8), (size.height, size.width, 3)))


def _lit(canvas: Pixels) -> Pixels:
    """Return a wall under a lamp."""
    height, width = canvas.shape[:2]
    down, across = np.mgrid[:height, :width]
    distance = np.hypot((across - width / 2) / width, (down - height * 0.3) / height)
    light = np.clip(1.08 - 0.55 * distance**2, 0, 1.1)[..., np.newaxis]
    return np.asarray(np.clip(canvas * light, 0, 255), np.uint8)


def _lay(canvas: Pixels, picture: Pixels, place: Place, radius: int) -> None:
    """Lay a picture with round corners."""
    mask = np.zeros((place.height, place.width), np.uint8)
    cv2.rectangle(mask, (radius, 0), (place.width - radius - 1, place.height), 255, -1)
    cv2.rectangle(mask, (0, radius), (place.width, place.height - radius - 1), 255, -1)
    for x in (radius, place.width - radius - 1):
        for y in (radius, place.height - radius - 1):
            cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
    _over(canvas, np.dstack([picture, mask]), place.left, place.top)


def _over(canvas: Pixels, picture: NDArray[np.uint8], left: int, top: int) -> None:
    """Lay a BGRA picture over another, where both are."""
    part = canvas[top : top + picture.shape[0], left : left + picture.shape[1]]
    picture = picture[: part.shape[0], : part.shape[1]]
    share = picture[..., 3:].astype(np.float32) / 255
    part[:] = np.rint(picture[..., :3] * share + part * (1 - share)).astype(np.uint8)


def _hang(canvas: Pixels, painting: Pixels, place: Place) -> None:
    """Hang a painting in a frame, with its shadow."""
    frame, mount = 16, 22
    shadow = np.zeros(canvas.shape[:2], np.float32)
    _fill(shadow, Place(place.left - frame + 8, place.top - frame + 14, place.width + 32, place.height + 36), 0, 1)
    shadow = np.asarray(cv2.GaussianBlur(shadow, (0, 0), 14), np.float32)
    canvas[:] = (canvas * (1 - 0.42 * shadow[..., np.newaxis])).astype(np.uint8)
    for grown, colour in ((frame, _WOOD), (frame - 4, _WOOD_LIT), (0, _MOUNT)):
        _fill(canvas, place, grown, colour)
    inside = Place(place.left + mount, place.top + mount, place.width - 2 * mount, place.height - 2 * mount)
    out = np.empty((inside.height, inside.width, 3), np.uint8)
    cover_into(painting, out)
    inside.of(canvas)[:] = out


def _fill(onto: NDArray[Any], place: Place, grown: int, colour: Bgr | float) -> None:
    onto[place.top - grown : place.bottom + grown, place.left - grown : place.right + grown] = colour


def _draw_sign(canvas: Pixels, number: int, centre: tuple[int, int]) -> None:
    """Draw what stands on a call's buttons: microphone, camera, people, and the receiver laid down."""
    white, (x, y) = (240, 240, 240), centre
    if number == 0:
        cv2.ellipse(canvas, (x, y - 4), (5, 9), 0, 0, 360, white, -1, cv2.LINE_AA)
        cv2.ellipse(canvas, (x, y - 2), (10, 11), 0, 10, 170, white, 2, cv2.LINE_AA)
        cv2.line(canvas, (x, y + 9), (x, y + 13), white, 2, cv2.LINE_AA)
    elif number == 1:
        cv2.rectangle(canvas, (x - 12, y - 7), (x + 4, y + 7), white, -1)
        cv2.fillPoly(canvas, [np.array([(x + 6, y), (x + 13, y - 7), (x + 13, y + 7)])], white, cv2.LINE_AA)
    elif number == 2:
        for across in (-7, 7):
            cv2.circle(canvas, (x + across, y - 5), 5, white, -1, cv2.LINE_AA)
            cv2.ellipse(canvas, (x + across, y + 10), (7, 8), 0, 180, 360, white, -1, cv2.LINE_AA)
    else:
        cv2.ellipse(canvas, (x, y + 6), (14, 9), 0, 200, 340, white, 7, cv2.LINE_AA)


def _write(path: Path, pixels: Pixels) -> None:
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
