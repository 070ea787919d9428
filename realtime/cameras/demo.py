"""A built-in viewer for machines without a camera: a real photo of a face walks about in a drawn room.

The photo is Rear Admiral Grace Hopper's official portrait by the US Navy (1984, public domain), which matplotlib
carries as sample data; mediapipe installs matplotlib. It is read where it lies, without importing matplotlib.
"""

from __future__ import annotations

import importlib.util
import math
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.core.errors import CameraError
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.picture_files.reader import read_picture

_DEFAULT_SIZE = Size(1280, 720)
_DEFAULT_FPS = 30.0

_PHOTO_SIZE = Size(512, 600)
_EYES_PX = (264.0, 187.0)  # midpoint of her eyes in the photo
_BODY_HEIGHT_PX = 1000  # the jacket is drawn on below the photo's edge, so that she may stand further away
_PLAIN_JACKET = (slice(545, 598), slice(60, 200))  # rows and columns of the photo
# fmt: off
_OUTLINE_PX = (
    (218, 30), (212, 43), (197, 49), (181, 64), (176, 73), (175, 84), (160, 97), (155, 108), (149, 115), (147, 122),
    (147, 182), (155, 185), (155, 215), (161, 228), (169, 258), (177, 268), (176, 286), (190, 290), (197, 302),
    (197, 318), (183, 333), (165, 344), (129, 355), (96, 363), (70, 373), (52, 386), (40, 404), (33, 427), (29, 463),
    (24, 500), (14, 599), (8, 999), (506, 999), (508, 599), (508, 480), (503, 437), (492, 408), (481, 391), (464, 378),
    (422, 366), (365, 342), (335, 318), (336, 309), (347, 302), (354, 290), (360, 276), (362, 262), (366, 240),
    (369, 223), (371, 208), (375, 196), (373, 186), (369, 183), (371, 134), (369, 129), (368, 95), (363, 89), (352, 86),
    (347, 71), (335, 57), (313, 45), (299, 41), (294, 35), (281, 27), (270, 24), (249, 23), (237, 25), (229, 29),
)
# fmt: on


def portrait_photo() -> Path:
    """Return where the photo lies. Raises CameraError where matplotlib is not installed."""
    found = importlib.util.find_spec("matplotlib")
    if found is not None and found.origin is not None:
        path = Path(found.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"
        if path.is_file():
            return path
    raise CameraError("the demo's photo comes with matplotlib, which is missing: pip install matplotlib")


class Pose(NamedTuple):
    """Where she stands, in parts of the picture: all of it a function of time alone."""

    x: float
    """Eye midpoint across the picture: 0 left edge, 1 right edge; beyond them she has left the room."""
    y: float
    """Eye midpoint down the picture, 0 to 1."""
    scale: float
    """Her size to that of the photo in a picture 720 pixels high."""
    tilt_degrees: float
    """Her head's lean, clockwise."""


_ROUND_S = 40.0  # every so often she goes out …
_LEAVES_AT_S = 30.0
_WALK_S = 1.6
_AWAY_S = 3.0  # … for so long, the portrait meanwhile looks about
_OUT_OF_SIGHT = 0.85  # distance from the middle at which even her arm is out of the picture


def pose_at(pts_s: float) -> Pose:
    """Return where she is. She strolls from side to side and rests there, comes nearer and goes back."""
    side = math.sin(2 * math.pi * pts_s / 9.0)
    x = 0.27 * math.tanh(1.8 * side) / math.tanh(1.8) + 0.05 * math.sin(2 * math.pi * pts_s / 6.1)
    round_number, into_round_s = divmod(pts_s, _ROUND_S)
    going = _smooth((into_round_s - _LEAVES_AT_S) / _WALK_S)
    coming = _smooth((into_round_s - _LEAVES_AT_S - _WALK_S - _AWAY_S) / _WALK_S)
    away = going - coming
    exit_side = 1.0 if round_number % 2 == 0 else -1.0
    x += away * (exit_side * _OUT_OF_SIGHT - x)
    nearness = math.sin(2 * math.pi * pts_s / 13.0)
    sway = math.sin(2 * math.pi * pts_s / 3.7)
    return Pose(
        x=0.5 + x,
        y=0.415 + 0.02 * nearness + 0.004 * sway,
        scale=0.9 + 0.14 * nearness,
        tilt_degrees=2.2 * sway * math.cos(0.4 * pts_s),
    )


def _smooth(x: float) -> float:
    x = min(1.0, max(0.0, x))
    return x * x * (3 - 2 * x)


class Demo(Camera):
    """Never ends. 1280×720 at 30 fps unless asked otherwise; each frame is drawn from its presentation time alone."""

    def __init__(self, source: str, request: CameraRequest) -> None:  # noqa: ARG002 - `demo` has no other name
        size = request.size or _DEFAULT_SIZE
        self.info = CameraInfo("demo viewer", size, request.fps or _DEFAULT_FPS, live=False)
        self._figure = cut_out(read_picture(portrait_photo()))
        self._room = draw_room(size)
        self._pool = FramePool(size)
        # Narrow and upright pictures leave her room to walk; photo pixels to picture pixels at scale 1.
        self._unit = min(size.height / 720, size.width / 700)
        self._count = 0

    def read(self) -> Frame | None:
        index = self._count
        self._count += 1
        pts_s = index / self.info.fps
        pixels = self._pool.take()
        np.copyto(pixels, self._room)
        self._place_figure(pixels, pose_at(pts_s))
        return Frame(pixels, time.monotonic(), pts_s, index)

    def close(self) -> None:
        """Nothing to give back."""

    def _place_figure(self, pixels: Pixels, pose: Pose) -> None:
        """Blend her into the picture, computing only the rectangle she covers."""
        size = self.info.size
        scale = pose.scale * self._unit
        turn = math.radians(pose.tilt_degrees)
        cos, sin = scale * math.cos(turn), scale * math.sin(turn)
        lowest_y = size.height + 4 - scale * (_BODY_HEIGHT_PX - _EYES_PX[1])  # the jacket ends below the picture
        eye_x, eye_y = pose.x * size.width, max(pose.y * size.height, lowest_y)
        to_picture = np.array(
            [
                [cos, -sin, eye_x - cos * _EYES_PX[0] + sin * _EYES_PX[1]],
                [sin, cos, eye_y - sin * _EYES_PX[0] - cos * _EYES_PX[1]],
            ]
        )
        height, width = self._figure.shape[:2]
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ to_picture.T
        left, top = np.maximum(np.floor(corners.min(0)).astype(int), 0)
        right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int), size)
        if left >= right or top >= bottom:
            return
        to_picture[:, 2] -= left, top
        place = Size(int(right - left), int(bottom - top))
        # Four channels at once: one warp of colour and opacity takes half the time of a warp of colour alone.
        figure = cv2.warpAffine(self._figure, to_picture, place)
        opacity = cv2.extractChannel(figure, 3) * np.float32(1 / 255)
        behind = pixels[top:bottom, left:right]
        cv2.blendLinear(cv2.cvtColor(figure, cv2.COLOR_BGRA2BGR), behind, opacity, 1 - opacity, dst=behind)


def cut_out(photo: Pixels) -> NDArray[np.uint8]:
    """Return the figure (1000, 512, 4) uint8 BGRA, softly cut out, its jacket drawn on downwards."""
    if Size.of(photo) != _PHOTO_SIZE:
        photo = np.ascontiguousarray(cv2.resize(photo, _PHOTO_SIZE, interpolation=cv2.INTER_AREA), np.uint8)
    jacket = photo[_PLAIN_JACKET].mean((0, 1))
    figure = np.empty((_BODY_HEIGHT_PX, _PHOTO_SIZE.width, 3), np.uint8)
    figure[:] = np.rint(jacket)
    fade = np.clip((_PHOTO_SIZE.height - 2 - np.arange(_PHOTO_SIZE.height)) / 50.0, 0, 1)[:, None, None]
    figure[: _PHOTO_SIZE.height] = np.rint(photo * fade + jacket * (1 - fade))
    drawn = np.zeros(figure.shape[:2], np.uint8)
    cv2.fillPoly(drawn, [np.array(_OUTLINE_PX, np.int32)], 255, cv2.LINE_AA)
    # One pixel inside the outline, and soft over three: no rim of the photo's blue background comes along.
    drawn = cv2.erode(drawn, np.ones((3, 3), np.uint8))
    return np.dstack([figure, cv2.GaussianBlur(drawn, (0, 0), 1.3)])


def draw_room(size: Size) -> Pixels:
    """Return a softly lit room, out of focus, as large as asked. Colours are BGR, places pixels of 1280×720."""
    height, width = _DEFAULT_SIZE.height, _DEFAULT_SIZE.width
    room = np.empty((height, width, 3), np.uint8)
    room[:] = (150, 168, 180)
    _rectangle(room, (0, 560, width, 160), (96, 122, 146))  # low cupboards along the wall
    _rectangle(room, (0, 550, width, 14), (124, 150, 174))
    _rectangle(room, (30, 20, 60, 470), (140, 164, 188))  # curtains
    _rectangle(room, (282, 20, 52, 470), (134, 158, 182))
    _lamp_and_books(room)
    # Light falls in from the window on the left and fades towards the right.
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    light = 0.78 + 0.34 * np.exp(-((x - 0.25) ** 2) / 0.5 - (y - 0.25) ** 2 / 0.6) - 0.1 * y
    light += 0.22 * np.exp(-((x - 1.52) ** 2 + (y - 0.36) ** 2) / 0.06)  # and a little from the lamp
    room = np.minimum(room * light[:, :, np.newaxis], 255).astype(np.uint8)
    _rectangle(room, (70, 40, 230, 400), (214, 220, 222))
    _rectangle(room, (84, 54, 94, 372), (244, 240, 226))
    _rectangle(room, (194, 54, 94, 372), (246, 243, 232))
    room = np.asarray(cv2.GaussianBlur(room, (0, 0), 9), np.uint8)
    return _cover(room, size)


def _lamp_and_books(room: Pixels) -> None:
    shade = np.array([(1030, 330), (1160, 330), (1130, 210), (1060, 210)], np.int32)
    cv2.fillPoly(room, [shade], (196, 226, 246))
    _rectangle(room, (1088, 330, 14, 212), (70, 84, 100))
    _rectangle(room, (1056, 534, 78, 16), (70, 84, 100))
    top = 550
    for width, height, colour in ((120, 22, (96, 104, 150)), (104, 18, (140, 122, 90)), (112, 20, (84, 128, 150))):
        top -= height
        _rectangle(room, (700 - width // 2, top, width, height), colour)


def _rectangle(room: Pixels, place: tuple[int, int, int, int], colour: tuple[int, int, int]) -> None:
    left, top, width, height = place
    room[top : top + height, left : left + width] = colour


def _cover(picture: Pixels, size: Size) -> Pixels:
    """Scale a picture to fill `size`, cutting off what is too much."""
    scale = max(size.width / picture.shape[1], size.height / picture.shape[0])
    shift_x = (size.width - picture.shape[1] * scale) / 2
    shift_y = (size.height - picture.shape[0] * scale) / 2
    matrix = np.array([[scale, 0, shift_x], [0, scale, shift_y]])
    return np.asarray(cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
