"""The words all parts speak: a picture with its time, a size, a box, a face."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.imaging.provenance import Provenance

Pixels: TypeAlias = NDArray[np.uint8]
"""A picture: (height, width, 3) uint8, BGR, C-contiguous. OpenCV, pygame, pyvirtualcam and PyAV take it as is."""

Opacity: TypeAlias = NDArray[np.uint8]
"""How much is seen of each pixel of a picture: (height, width) uint8."""

_NAMED_SIZES = {
    "360p": (640, 360),
    "480p": (854, 480),
    "540p": (960, 540),
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "1440p": (2560, 1440),
    "2160p": (3840, 2160),
    "4k": (3840, 2160),
}


class Size(NamedTuple):
    """Width and height in pixels, in the order people say them."""

    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read `1280x720`, `1280*720` or `720p`. Raises OptionError for anything else or a side outside 16..8192."""
        if (named := _NAMED_SIZES.get(text.strip().lower())) is not None:
            return cls(*named)
        match = re.fullmatch(r"(\d{1,9})\s*[xX×*]\s*(\d{1,9})", text.strip())
        if match is None:
            raise OptionError(
                _("'{text}' is no size: write it as WIDTHxHEIGHT, for example 1280x720, or 720p", text=text[:40])
            )
        size = cls(int(match[1]), int(match[2]))
        if not all(16 <= side <= 8192 for side in size):
            raise OptionError(_("size {size} is out of range: each side may be 16 to 8192 pixels", size=size))
        return size

    @classmethod
    def of(cls, pixels: Pixels) -> Size:
        """Return the size of a picture."""
        return cls(pixels.shape[1], pixels.shape[0])

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


USUAL_SIZE = Size(1280, 720)
"""What most cameras give, where nobody knows yet."""


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """One picture on its way from the camera to the outputs. Nobody writes into the pixels of a frame."""

    pixels: Pixels
    captured_at_s: float
    """When the camera delivered it, on `time.monotonic`'s clock: ages and latencies are computed from it."""
    pts_s: float
    """Presentation time in seconds on the source's own clock, from 0, never decreasing. Filters, animation and
    recordings use it, so that a video processed faster or slower than real time gives the same pictures."""
    index: int
    """The camera's count, from 0, gaps where the camera dropped."""
    mirrored: bool = False
    """True where the camera's left and right have been exchanged, as in a looking glass."""
    provenance: Provenance | None = None
    """What the effects made of it, for whoever keeps it on a disk; None before they have seen it."""
    opacity: Opacity | None = None
    """Where the picture is seen through: `pixels` are what is seen of it over black, and outputs that know of nothing
    else show that. None: nowhere."""

    @property
    def size(self) -> Size:
        return Size(self.pixels.shape[1], self.pixels.shape[0])

    def with_pixels(self, pixels: Pixels) -> Frame:
        """Return the same moment with another picture. Of the same size, it is seen through where this one is."""
        opacity = self.opacity
        if opacity is not None and opacity.shape != pixels.shape[:2]:
            opacity = None
        return Frame(pixels, self.captured_at_s, self.pts_s, self.index, self.mirrored, self.provenance, opacity)


class Box(NamedTuple):
    """A rectangle in pixels of the frame it belongs to; it may reach beyond the picture's edge."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def area(self) -> float:
        return self.width * self.height

    def overlap(self, other: Box) -> float:
        """Return intersection over union, 0..1."""
        width = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        height = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)


@dataclasses.dataclass(frozen=True, slots=True)
class Face:
    """A face found in a frame."""

    box: Box
    keypoints: NDArray[np.float32]
    """(6, 2) pixels, BlazeFace's order, sides as the person's own: right eye, left eye, nose tip, mouth centre,
    right ear, left ear."""
    score: float
    """The detector's confidence, 0..1."""
    track_id: int = -1
    """The same number for the same person from frame to frame; -1 before tracking."""
    lost_for_s: float = 0.0
    """0 while the detector sees it; else for how long the last position has been held."""
    alive: bool = True
    """False: followed, and it has not moved by itself yet, so that it may be a picture on a wall."""
    confirmed: bool = True
    """False: detected for the first time, perhaps by mistake. Only effects that hide people are given such a face."""

    @property
    def eye_midpoint(self) -> tuple[float, float]:
        """Midpoint of the two eyes, pixels."""
        x, y = (self.keypoints[0] + self.keypoints[1]) / 2
        return float(x), float(y)

    @property
    def eye_distance(self) -> float:
        """Distance of the two eyes, pixels."""
        (right_x, right_y), (left_x, left_y) = self.keypoints[:2]
        return math.hypot(left_x - right_x, left_y - right_y)

    def mirrored(self, picture_width: int) -> Face:
        """Return the face as it lies in the picture with left and right exchanged; the person's own right stays
        their right, so the keypoints keep their order.
        """
        box = self.box._replace(left=picture_width - self.box.left - self.box.width)
        keypoints = self.keypoints.copy()
        keypoints[:, 0] = picture_width - keypoints[:, 0]
        return dataclasses.replace(self, box=box, keypoints=keypoints)
