"""A built-in viewer for machines without a camera: a real photo of a face walks about in a drawn room."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.core.language import _
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import USUAL_SIZE, Frame, Pixels, Size
from realtime.imaging.numerics import eased
from realtime.picture_files.reader import read_picture
from realtime.picture_files.samples import draw_room, sample_photo

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
    going = eased((into_round_s - _LEAVES_AT_S) / _WALK_S)
    coming = eased((into_round_s - _LEAVES_AT_S - _WALK_S - _AWAY_S) / _WALK_S)
    absent = going - coming
    exit_side = 1.0 if round_number % 2 == 0 else -1.0
    x += absent * (exit_side * _OUT_OF_SIGHT - x)
    nearness = math.sin(2 * math.pi * pts_s / 13.0)
    sway = math.sin(2 * math.pi * pts_s / 3.7)
    return Pose(
        x=0.5 + x,
        y=0.415 + 0.02 * nearness + 0.004 * sway,
        scale=0.9 + 0.14 * nearness,
        tilt_degrees=2.2 * sway * math.cos(0.4 * pts_s),
    )


class Demo(Camera):
    """Never ends. 1280×720 at 30 fps unless asked otherwise; each frame is drawn from its presentation time alone."""

    def __init__(self, source: str, request: CameraRequest) -> None:  # noqa: ARG002 - `demo` has no other name
        size = request.size or USUAL_SIZE
        self.info = CameraInfo(_("demo viewer"), size, request.fps or _DEFAULT_FPS, live=False)
        self._figure = cut_out(read_picture(sample_photo()))
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
