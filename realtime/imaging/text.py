"""Letters and the shapes that carry them: for the overlay of a window, and for the label in the picture itself.

All are drawn four times as large and averaged: at 14 pixels, letters set on whole pixels stand unevenly, and pygame's
round corners are jagged.

A window's texts come from SDL_ttf, as surfaces; those of the picture from FreeType by itself, as opacities: that needs
no display, and any thread may do it. The two set the same glyphs, but for a pixel here and there in what lies between
them, at the fourfold size.
"""

from __future__ import annotations

import functools
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.language import _, spoken, use
from realtime.imaging.fonts import font_search
from realtime.imaging.frame import Size
from realtime.imaging.sdl import pygame

if TYPE_CHECKING:
    from pygame import freetype

log = logging.getLogger(__name__)

Colour = tuple[int, int, int]

_OVERSIZE = 4
_LEAST_FONT_PX = 8
_OTHERS_SHARE = 0.69  # pygame takes its own font smaller than it is asked for, so much
_SAMPLES = ("Keys", "In my calls", "Record", "where the picture comes from", "more settings")
"""Texts that tell which letters a language has; a window has them all."""
_CAPITALS = 0.72  # height of a capital letter, by the font's


class Font:
    """pygame's own font, which is there on every system, in one size; letters that it has not come from a font of this
    system that has them, as soon as one is found. Main thread, once `pygame.font` is initialised.

    Have it from `font`, which keeps what was opened.
    """

    def __init__(self, height_px: int) -> None:
        self._height_px = max(_LEAST_FONT_PX, height_px)
        self._large = pygame.font.Font(None, self._height_px * _OVERSIZE)
        self._others: dict[Path, pygame.font.Font] = {}
        self.line_height = round(self._large.get_linesize() / _OVERSIZE)
        self.ascent = round(self._large.get_ascent() / _OVERSIZE)

    def width(self, text: str) -> int:
        """Return how wide a text is, pixels."""
        return -(-sum(face.size(part)[0] for face, part in self._parts(text)) // _OVERSIZE)

    def text(self, text: str, colour: Colour) -> pygame.Surface:
        """Return a text on a transparent surface of its size. A display must be open."""
        parts = [(face, face.render(part, True, colour).convert_alpha()) for face, part in self._parts(text)]
        large = parts[0][1] if len(parts) == 1 else self._side_by_side(parts)
        size = (max(1, -(-large.get_width() // _OVERSIZE)), max(1, -(-large.get_height() // _OVERSIZE)))
        return pygame.transform.smoothscale(large, size)

    def _parts(self, text: str) -> list[tuple[pygame.font.Font, str]]:
        """Split a text into what one font has the letters of. At least one part."""
        if text.isascii():
            return [(self._large, text)]
        missing = "".join(letter for letter in text if _is_missing(letter))
        others = font_search().fonts_for(missing) if missing else {}
        parts: list[tuple[pygame.font.Font, str]] = []
        for letter in text:
            face = self._other(others.get(letter))
            if parts and parts[-1][0] is face:
                parts[-1] = (face, parts[-1][1] + letter)
            else:
                parts.append((face, letter))
        return parts or [(self._large, text)]

    def _other(self, path: Path | None) -> pygame.font.Font:
        if path is None:
            return self._large  # of a letter that it has not, a box, until one is found
        if path not in self._others:
            try:
                self._others[path] = pygame.font.Font(str(path), round(_OTHERS_SHARE * self._height_px * _OVERSIZE))
            except (pygame.error, OSError):  # gone meanwhile
                self._others[path] = self._large
        return self._others[path]

    def _side_by_side(self, parts: Sequence[tuple[pygame.font.Font, pygame.Surface]]) -> pygame.Surface:
        """Set parts on one line, as high as our own font's where all of them have room there."""
        # A letter that rises above its font's ascent makes the part higher, and its bottom stays below the baseline.
        baselines = [part.get_height() - (face.get_height() - face.get_ascent()) for face, part in parts]
        drawn = [part.get_bounding_rect() for _, part in parts]
        above = max(self._large.get_ascent(), *(base - rect.top for base, rect in zip(baselines, drawn, strict=True)))
        below = self._large.get_height() - self._large.get_ascent()
        width = sum(part.get_width() for _, part in parts)
        joined = pygame.Surface((width, above + below), pygame.SRCALPHA)
        left = 0
        for (_face, part), base in zip(parts, baselines, strict=True):
            joined.blit(part, (left, above - base))
            left += part.get_width()
        return joined

    def shortened(self, text: str, width: int) -> str:
        """Return the text, its middle left out where it is wider than `width`: names differ at both ends."""
        if self.width(text) <= width:
            return text
        for kept in range(len(text) - 1, 1, -1):
            short = without_middle(text, kept)
            if self.width(short) <= width:
                return short
        return "…"


def speak_what_can_be_drawn() -> None:
    """Go on in English where no font here has the letters of the language in use. Looks for one, 50 ms."""
    letters = "".join(dict.fromkeys(filter(_is_missing, "".join(map(_, _SAMPLES)))))
    if letters and not font_search().look_now(letters):
        log.warning(
            _("no font here has the letters of %s, so all is told in English; install one, fonts-noto-cjk for example"),
            spoken(),
        )
        use("en")


@functools.lru_cache(maxsize=32)
def font(height_px: int) -> Font:
    """Return the font in one size, opened once."""
    return Font(height_px)


def without_middle(text: str, kept: int) -> str:
    """Return the text where it has at most `kept` characters, else so many of them around what was left out."""
    if len(text) <= kept:
        return text
    head = (kept + 1) // 2
    return f"{text[:head].rstrip()}…{text[len(text) - (kept - head) :].lstrip()}"


def wrapped(text: str, font: Font, width: int) -> list[str]:
    """Return a text in lines no wider than `width` pixels, where words allow it; a longer word loses its middle."""
    lines: list[str] = []
    for word in text.split():
        if font.width(word) > width and not word.isascii():  # scripts without spaces
            lines.append("")
            for letter in word:
                if font.width(lines[-1] + letter) > width and lines[-1]:
                    lines.append("")
                lines[-1] += letter
            continue
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(font.shortened(word, width))
    return lines or [""]


def rounded(size: tuple[int, int], radius: int, colour: tuple[int, int, int, int]) -> pygame.Surface:
    """Return a rectangle with round corners, to be drawn on. `colour` is RGB and opacity."""
    return _rounded_template(size, radius, colour).copy()


@functools.lru_cache(maxsize=64)
def _rounded_template(size: tuple[int, int], radius: int, colour: tuple[int, int, int, int]) -> pygame.Surface:
    large = pygame.Surface((size[0] * _OVERSIZE, size[1] * _OVERSIZE), pygame.SRCALPHA)
    large.fill((*colour[:3], 0))
    pygame.draw.rect(large, colour, large.get_rect(), border_radius=radius * _OVERSIZE)
    return pygame.transform.smoothscale(large, size)


def fit(panel: pygame.Surface, canvas: Size, edge: int) -> pygame.Surface:
    """Return the panel, made smaller where the canvas, less `edge` on each side, is smaller than it."""
    share = min(
        1.0,
        (canvas.width - 2 * edge) / panel.get_width(),
        (canvas.height - 2 * edge) / panel.get_height(),
    )
    if share >= 1.0:
        return panel
    size = (max(1, round(panel.get_width() * share)), max(1, round(panel.get_height() * share)))
    return pygame.transform.smoothscale(panel, size)


def centred(panel: pygame.Surface, canvas: Size) -> tuple[int, int]:
    """Return the top-left corner of a panel in the middle of a canvas."""
    return (canvas.width - panel.get_width()) // 2, (canvas.height - panel.get_height()) // 2


def forget_fonts() -> None:
    """Let go of fonts and surfaces before pygame's font module is closed."""
    font.cache_clear()
    _rounded_template.cache_clear()


def opacity(text: str, font_file: bytes | None, font_px: float, height: int) -> NDArray[np.float32]:
    """Return a text's opacity, (`height`, width) 0..1, its capitals in the middle. Any thread; no display is needed.

    `font_file`: what a TrueType or OpenType file holds; None: the font of `font`.
    """
    large_px = font_px * _OVERSIZE
    face = typeface(font_file, large_px)
    box = face.get_rect(text)
    data, (width, drawn_height) = face.render_raw(text)
    drawn = np.frombuffer(data, np.uint8).reshape(drawn_height, width)
    rows = height * _OVERSIZE
    columns = -(-width // _OVERSIZE) * _OVERSIZE
    large = np.zeros((rows, columns), np.uint8)
    top = round(rows / 2 + _CAPITALS / 2 * large_px) - box.y
    source = drawn[max(0, -top) : max(0, rows - top)]
    begin = max(0, top)
    large[begin : begin + source.shape[0], :width] = source
    small = cv2.resize(large, (columns // _OVERSIZE, height), interpolation=cv2.INTER_AREA)
    return (small / 255).astype(np.float32)


def missing_letters(text: str, font_file: bytes | None) -> str:
    """Return the letters of a text that a font lacks, each once. Raises OSError or RuntimeError for what is none."""
    metrics = typeface(font_file, 16).get_metrics(text)
    return "".join(dict.fromkeys(letter for letter, metric in zip(text, metrics, strict=True) if metric is None))


@functools.lru_cache(maxsize=4096)
def _is_missing(letter: str) -> bool:
    """Whether our own font lacks a letter. SDL_ttf gives the box's measures for those."""
    return not (letter.isascii() or letter.isspace()) and bool(missing_letters(letter, None))


def typeface(font_file: bytes | None, height_px: float) -> freetype.Font:
    """Open a font without a display. Raises OSError or RuntimeError for what is none."""
    from pygame import freetype  # a library of its own, which a window does not need

    freetype.init()
    return freetype.Font(None if font_file is None else io.BytesIO(font_file), height_px)
