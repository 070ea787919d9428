"""The small mark that says a picture is synthetic: a half-transparent pill with a word in it.

It is drawn once for each size of picture, as a patch of a few thousand pixels, and blended into its corner of every
frame: 0.02 ms at 1280×720, and 0.05 ms more where the frame has to be copied because it is not ours to write into.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from dataclasses import field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.control.parameters import Parameters
from realtime.core.errors import OptionError
from realtime.core.language import N_, _
from realtime.core.settings import setting
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.pixels import Place

CORNERS = ("top-left", "top-right", "bottom-left", "bottom-right")
TEXT = "synthetic"

_LONGEST_TEXT = 60
_LEAST_PX = 14  # lower, its letters are a blur; a picture that has no room for it gets it smaller nevertheless
_FONT_SHARE = 0.60  # of the pill's height
_MARGIN_SHARE = 0.55
_ENDS_SHARE = 0.9  # what the round ends add to the width of the text
_PANEL_BGR = (18.0, 14.0, 14.0)
_PANEL_ALPHA = 0.58
_RIM_ALPHA = 0.16  # white: the pill is seen before black too
_INK_BGR = (232.0, 240.0, 244.0)
_INK_ALPHA = 0.94


@dataclasses.dataclass(frozen=True, slots=True)
class LabelStyle:
    """What the label says, and where."""

    text: str = TEXT
    corner: str = "bottom-right"
    """One of CORNERS. Not bottom left: that is where video calls write the name."""
    height_share: float = 0.042
    """Of the picture's height."""
    font: Path | None = None
    """A TrueType or OpenType file; None: the HUD's own font, or one of this system that has the letters."""


@dataclasses.dataclass(frozen=True)
class LabelPlacement:
    """What can be set about the label while it is shown."""

    corner: Literal["top-left", "top-right", "bottom-left", "bottom-right"] = field(
        default="bottom-right", metadata=setting(N_("where the label stands"), live=True)
    )
    size: float = field(
        default=0.042,
        metadata=setting(N_("its height as a share of the picture's"), least=0.02, most=0.25, step=0.002, live=True),
    )


class _Patch(NamedTuple):
    """The pill at one size, ready to be blended: picture = (picture · keep + add) / 256."""

    place: Place
    keep: NDArray[np.uint16]
    """(height, width, 1), 0..256."""
    add: NDArray[np.uint16]
    """(height, width, 3): colour times opacity, 0..255·256, rounding included."""


class Label:
    """Puts the label onto pictures. Used by one thread, but for `prepare`."""

    def __init__(self, style: LabelStyle) -> None:
        """Raises OptionError where the text cannot be drawn."""
        self.style = dataclasses.replace(style, text=unicodedata.normalize("NFC", style.text.strip()))
        # Kept in memory: a picture of another size, hours later, needs it again, and its file may be gone by then.
        self._font_data = _read(style.font) if style.font is not None else _found_for(self.style.text)
        _check(self.style, self._font_data)
        self.parameters = Parameters(LabelPlacement(style.corner, style.height_share))  # type: ignore[arg-type]
        self._placement = self.parameters.values
        self._size: Size | None = None
        self._patch: _Patch | None = None
        self._pool = FramePool(Size(1, 1))
        self._last: tuple[Pixels, Pixels] | None = None  # unmarked and marked

    @property
    def text(self) -> str:
        return self.style.text

    def prepare(self) -> None:
        """Do now what takes some 50 ms the first time, so that no picture waits for it. Any thread."""
        from realtime.imaging.text import typeface

        typeface(self._font_data, _LEAST_PX)

    def put_on(self, frame: Frame, *, may_write: bool = False) -> Frame:
        """Return the frame with the label on it. The array given last time, or made of it, is answered with the very
        same marked one.

        `may_write`: its pixels are nobody else's, and may be drawn into. Nobody may write into a frame otherwise.
        """
        pixels = frame.pixels
        if self._placement is not self.parameters.values:
            self._placement, self._patch, self._last = self.parameters.values, None, None
        if self._last is not None and (pixels is self._last[0] or pixels is self._last[1]):
            return self._seen(frame, self._last[1])
        if self._patch is None or frame.size != self._size:
            placed = dataclasses.replace(self.style, corner=self._placement.corner, height_share=self._placement.size)
            self._size, self._patch = frame.size, _draw(placed, self._font_data, frame.size)
            self._pool = FramePool(frame.size)
        marked = pixels
        if not (may_write and pixels.flags.writeable):
            marked = self._pool.take()
            np.copyto(marked, pixels)
        _blend(self._patch, marked)
        self._last = (pixels, marked)
        return self._seen(frame, marked)

    def _seen(self, frame: Frame, marked: Pixels) -> Frame:
        """Return the frame with its label, which is seen where the picture itself is seen through, too."""
        if frame.opacity is None or self._patch is None:
            return frame.with_pixels(marked)
        opacity = frame.opacity.copy()
        part = self._patch.place.of(opacity)
        part[:] = 255 - (((255 - part) * self._patch.keep[..., 0]) >> 8)
        return dataclasses.replace(frame, pixels=marked, opacity=opacity)


def _blend(patch: _Patch, pixels: Pixels) -> None:
    part = patch.place.of(pixels)
    mixed = part * patch.keep
    mixed += patch.add
    mixed >>= 8
    part[:] = mixed


def _draw(style: LabelStyle, font_data: bytes | None, picture: Size) -> _Patch:
    """Draw the pill for pictures of one size."""
    from realtime.imaging.text import opacity  # pygame, 50 ms: most runs have no label

    height = min(max(_LEAST_PX, round(style.height_share * picture.height)), picture.height)
    letters = opacity(style.text, font_data, max(1.0, _FONT_SHARE * height), height)
    needed_px = letters.shape[1] + (_ENDS_SHARE + 2 * _MARGIN_SHARE) * height
    if needed_px > picture.width:
        height = max(1, int(height * picture.width / needed_px))
        letters = opacity(style.text, font_data, max(1.0, _FONT_SHARE * height), height)
    margin = round(_MARGIN_SHARE * height)
    width = min(letters.shape[1] + round(_ENDS_SHARE * height), picture.width)
    margin = max(0, min(margin, (picture.width - width) // 2, (picture.height - height) // 2))
    vertical, horizontal = style.corner.split("-")
    left = margin if horizontal == "left" else picture.width - margin - width
    top = margin if vertical == "top" else picture.height - margin - height

    ink = np.zeros((height, width), np.float32)
    across = min(width, letters.shape[1])
    begin = (width - across) // 2
    ink[:, begin : begin + across] = letters[:height, :across]
    ink *= _INK_ALPHA
    inside, rim = _pill(width, height)
    alpha = inside * _PANEL_ALPHA
    colour = alpha[..., np.newaxis] * np.array(_PANEL_BGR, np.float32)
    for layer, bgr in ((rim * _RIM_ALPHA, (255.0, 255.0, 255.0)), (ink, _INK_BGR)):
        colour = colour * (1 - layer)[..., np.newaxis] + layer[..., np.newaxis] * np.array(bgr, np.float32)
        alpha = alpha * (1 - layer) + layer
    keep = np.rint(256 * (1 - alpha)).astype(np.uint16)[..., np.newaxis]
    # 255 · keep + add stays below 2**16, so that 16 bits hold every sum.
    add = np.minimum(np.rint(256 * colour) + 128, 65535 - 255.0 * keep).astype(np.uint16)
    return _Patch(Place(left, top, width, height), keep, add)


def _pill(width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how far each pixel lies inside the pill, and how far on its rim, 0..1: smooth at the edges."""
    radius = height / 2
    across = np.abs(np.arange(width, dtype=np.float32) + 0.5 - width / 2) - max(0.0, width / 2 - radius)
    down = np.abs(np.arange(height, dtype=np.float32) + 0.5 - height / 2)
    distance = np.hypot(np.maximum(across, 0)[np.newaxis], down[:, np.newaxis]) - radius  # below 0 inside
    thickness = max(1.0, height / 28)
    inside = np.clip(0.5 - distance, 0, 1).astype(np.float32)
    core = np.clip(0.5 - distance - thickness, 0, 1)
    return inside, (inside - core).astype(np.float32)


def _check(style: LabelStyle, font_data: bytes | None) -> None:
    """Raise OptionError with what cannot be drawn and what to do about it."""
    text = style.text
    if not text:
        raise OptionError(_("--label: the text is empty; write one, or leave the label out with --no-label"))
    if len(text) > _LONGEST_TEXT:
        raise OptionError(
            _(
                "--label: {letters} letters are too long for a label; write {most} at most",
                letters=len(text),
                most=_LONGEST_TEXT,
            )
        )
    if not text.isprintable():
        raise OptionError(_("--label: the text holds a line break or something else that cannot be seen; leave it out"))
    # FreeType draws letters one after the other, left to right: what a script needs beyond that it does not know.
    joined = [c for c in text if unicodedata.bidirectional(c) in ("R", "AL") or unicodedata.category(c).startswith("M")]
    if joined:
        name = unicodedata.name(joined[0], "?").split()[0].capitalize()
        raise OptionError(
            _("--label: {name} script cannot be set here (right to left, or joined); write another text", name=name)
        )
    if style.font is None and text.isascii():
        return  # without loading a font: most runs never draw a label
    from realtime.imaging.text import missing_letters

    try:
        missing = missing_letters(text, font_data)
    except (OSError, RuntimeError) as error:
        raise OptionError(
            _(
                "--label-font: {font} cannot be read as a font: {reason}; name a .ttf or .otf",
                font=style.font,
                reason=error,
            )
        ) from error
    if missing:
        which = _("{name} has no letters", name=style.font.name) if style.font else _("no font here has letters")
        hint = _("name a font that has them with --label-font FILE.ttf")
        raise OptionError(_("--label: {which} for '{missing}'; {hint}", which=which, missing=missing, hint=hint))


def _found_for(text: str) -> bytes | None:
    """Return a font of this system for a text that our own has not all letters of; None: our own has, or none does."""
    if text.isascii():
        return None
    from realtime.imaging.fonts import find_font
    from realtime.imaging.text import missing_letters

    path = find_font(text) if missing_letters(text, None) else None
    return None if path is None else _read(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OptionError(
            _("--label-font: {path} cannot be read: {reason}; check the path", path=path, reason=error.strerror)
        ) from error
