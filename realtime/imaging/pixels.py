"""Pure functions on BGR pictures, each into a buffer the caller owns."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.language import _
from realtime.imaging.frame import Pixels, Size

Values = TypeVar("Values", bound=np.generic)

ONE_MAP: Any = None
"""In the place of `cv2.remap`'s second map where x and y lie side by side in the first: some versions of OpenCV's type
stubs do not know that there may be none."""

RESTING_BGR = (38, 34, 32)
"""A quiet dark grey: what is shown where there is no picture yet, or a face that must not be."""


class Place(NamedTuple):
    """A rectangle of whole pixels inside a picture."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column beyond it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row beyond it."""
        return self.top + self.height

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)

    def of(self, pixels: NDArray[Values]) -> NDArray[Values]:
        """Return that part of a picture, or of what else has a value for each pixel, as a view."""
        return pixels[self.top : self.bottom, self.left : self.right]

    def shared_with(self, other: Place) -> Place:
        """Return the part that both have; of width or height 0 where they have none."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Place(left, top, max(0, right - left), max(0, bottom - top))

    def seen_from(self, outer: Place) -> Place:
        """Return the same rectangle, counted from the corner of another."""
        return Place(self.left - outer.left, self.top - outer.top, self.width, self.height)

    def lies_in(self, other: Place) -> bool:
        """Tell whether no part of it is outside another."""
        return (
            other.left <= self.left
            and other.top <= self.top
            and self.right <= other.right
            and self.bottom <= other.bottom
        )


def as_picture(pixels: object) -> Pixels:
    """Return what somebody else's code gave as a picture; the very same array where it is one.

    Grey, a fourth channel, 16 bits and rows that lie apart are brought into our form. Raises ValueError, which says
    what it is, for anything else: nobody knows whether 0.7 means nearly white or nearly black.
    """
    if not isinstance(pixels, np.ndarray):
        raise ValueError(_("{kind}, no array of pixels", kind=type(pixels).__name__))  # noqa: TRY004 - a wrong value, not a wrong call
    if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.flags.c_contiguous:
        if pixels.size == 0:
            raise ValueError(_("an empty picture"))
        return pixels
    description = _("{shape} values of {dtype}", shape="x".join(map(str, pixels.shape)), dtype=pixels.dtype)
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or pixels.size == 0:
        raise ValueError(description)
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels[:, :, :3])


def place_inside(picture: Size, canvas: Size) -> Place:
    """Return where a picture goes on a canvas: as large as fits, aspect kept, in the middle."""
    scale = min(canvas.width / picture.width, canvas.height / picture.height)
    width = min(canvas.width, max(1, round(picture.width * scale)))
    height = min(canvas.height, max(1, round(picture.height * scale)))
    return Place((canvas.width - width) // 2, (canvas.height - height) // 2, width, height)


def scale_into(pixels: Pixels, out: Pixels) -> None:
    """Scale a picture to fill `out`, another array or a part of one.

    Shrinking averages (INTER_AREA), so that fine detail does not glitter. Enlarging up to twice is linear; beyond
    that cubic would be sharper, but takes 4 times as long for a difference nobody sees on a moving picture.
    """
    size = Size.of(out)
    if Size.of(pixels) == size:
        np.copyto(out, pixels)
        return
    shrinks = size.width < pixels.shape[1] or size.height < pixels.shape[0]
    cv2.resize(pixels, size, dst=out, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def halved(pixels: Pixels, times: int) -> Pixels:
    """Return a picture halved some times, each pixel the mean of four; an odd last row or column is left out."""
    for _unused in range(times):
        half = np.empty((max(1, pixels.shape[0] // 2), max(1, pixels.shape[1] // 2), *pixels.shape[2:]), np.uint8)
        halve_into(pixels, half)
        pixels = half
    return pixels


def halve_into(pixels: Pixels, out: Pixels) -> None:
    """Fill `out`, half as wide and high, with the means of four pixels each. What is odd is left out: only an exact
    factor of two takes OpenCV's fast way.
    """
    height, width = out.shape[:2]
    cv2.resize(pixels[: 2 * height, : 2 * width], (width, height), dst=out, interpolation=cv2.INTER_AREA)


def four_channels(pixels: Pixels) -> Pixels:
    """Return a BGR picture with a fourth channel: OpenCV samples those in half of the time (400×470 pixels by a map:
    0.63 ms, and 1.35 of three channels).
    """
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA), np.uint8)


def cut_square(pixels: Pixels, to_picture: NDArray[np.floating], side_px: int) -> Pixels:
    """Return the (side, side, 3) pixels of a crop, sampled linearly; beyond the picture's edge that goes on.

    `to_picture` is the (2, 3) matrix from pixels of the crop to pixels of the picture.
    """
    crop = cv2.warpAffine(
        pixels,
        to_picture,
        (side_px, side_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(crop, np.uint8)


def cover_into(pixels: Pixels, out: Pixels) -> None:
    """Scale a picture to fill `out`, aspect kept; what is too much is cut off on both sides alike."""
    scale_into(place_inside(Size.of(out), Size.of(pixels)).of(pixels), out)


def letterbox_into(pixels: Pixels, out: Pixels, bars: tuple[int, int, int] = (0, 0, 0)) -> Place:
    """Scale a picture into the middle of `out`, aspect kept, the rest in `bars` (BGR). Returns where it went."""
    place = place_inside(Size.of(pixels), Size.of(out))
    scale_into(pixels, place.of(out))
    right, bottom = place.left + place.width, place.top + place.height
    for rest in (out[: place.top], out[bottom:], out[:, : place.left], out[:, right:]):
        rest[:] = bars
    return place


def rotated_size(size: Size, clockwise_degrees: int) -> Size:
    """Return the size of a picture turned by 0, 90, 180 or 270 degrees."""
    return Size(size.height, size.width) if clockwise_degrees in (90, 270) else size


def rotate_into(pixels: Pixels, clockwise_degrees: int, out: Pixels) -> None:
    """Turn a picture by 90, 180 or 270 degrees into `out`, of `rotated_size`."""
    codes = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    cv2.rotate(pixels, codes[clockwise_degrees], dst=out)


class Fitter:
    """Fits pictures of any size to one size: those that have it pass as they are, others are letterboxed.

    The same array as last time is answered with the picture already prepared. What `fit` returned is valid until the
    next call. Used by one thread.
    """

    def __init__(self, size: Size, bars: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.size = size
        self._bars = bars
        self._prepared: Pixels | None = None
        self._prepared_from: Pixels | None = None

    def fit(self, pixels: Pixels) -> Pixels:
        """Return the picture in this size, C-contiguous."""
        if Size.of(pixels) == self.size and pixels.flags.c_contiguous:
            self._prepared_from = None
            return pixels
        if self._prepared is None:
            self._prepared = np.empty((self.size.height, self.size.width, 3), np.uint8)
        if pixels is not self._prepared_from:
            letterbox_into(pixels, self._prepared, self._bars)
            self._prepared_from = pixels
        return self._prepared

    def forget(self) -> None:
        """Let go of the last picture."""
        self._prepared_from = None
