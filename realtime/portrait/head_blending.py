"""A head between the frames of its pack: those next to where it looks, mixed, with its mouth, lids and breath."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from realtime.imaging.frame import Pixels
from realtime.imaging.pixels import Place
from realtime.portrait.frame_cache import FrameCache
from realtime.portrait.gaze_controller import GazeTarget
from realtime.portrait.pack import Portrait

_FADE_STEPS = 32
"""Between two frames: a step of 1/32 changes no pixel of a head by more than a few grey levels."""


class ShownHead(NamedTuple):
    """All that decides the picture; equal ones are the same picture. Weights count up to _FADE_STEPS."""

    column: int
    across: int
    """How much of the next column is mixed in."""
    row: int
    down: int
    lids: int
    """Stage of the blink; 0: open."""
    idle_number: int
    idle_weight: int
    mouth: int
    """Stage of the mouth; 0: as it is in the picture."""
    opened: int
    """How much of its next stage is mixed in."""


class HeadBlender:
    """Used by one thread."""

    def __init__(self, portrait: Portrait, frames: FrameCache) -> None:
        """`frames`: the portrait's; they stay the caller's, who closes them."""
        self._frames = frames
        self._columns, self._rows = portrait.columns, portrait.rows
        self._blink_stages = portrait.blink_stages
        self._mouth_stages = portrait.mouth_stages if frames.mouth_part is not None else 0
        self._second_row = np.empty((frames.part.height, frames.part.width, 3), np.uint8)

    @property
    def has_mouths(self) -> bool:
        """Whether there are pictures of its mouth opening."""
        return self._mouth_stages > 0

    def choose(self, look: GazeTarget, opening: float) -> ShownHead:
        """Return what is shown of a head that looks there, its mouth open by `opening`, 0..1."""
        column, across = _split(look.column, self._columns - 1)
        row, down = _split(look.row, self._rows - 1)
        stage = math.floor(look.lids * self._blink_stages + 0.5)
        idle = round(look.idle_weight * _FADE_STEPS)
        mouth, opened = _split(opening * self._mouth_stages, self._mouth_stages)
        return ShownHead(column, across, row, down, stage, look.idle_number if idle else 0, idle, mouth, opened)

    def draw(self, shown: ShownHead, out: Pixels) -> None:
        """Draw it into `out`, all of `FrameCache.part` of the canvas, (height, width, 3)."""
        if shown.idle_weight == _FADE_STEPS:
            np.copyto(out, self._frames.idle(shown.idle_number))
        else:
            self._draw_row(out, shown.row, shown.column, shown.across)
            if shown.down:
                self._draw_row(self._second_row, shown.row + 1, shown.column, shown.across)
                _fade(out, self._second_row, shown.down, out)
            if shown.idle_weight:
                _fade(out, self._frames.idle(shown.idle_number), shown.idle_weight, out)
        if shown.mouth or shown.opened:
            self._draw_mouth(out, shown)
        lids_part = self._frames.lids_part
        if shown.lids and lids_part is not None:
            # Lids belong to one frame: while moving, to the nearest. A blink is too short to tell.
            column = shown.column + (shown.across > _FADE_STEPS // 2)
            row = shown.row + (shown.down > _FADE_STEPS // 2)
            lids = self._frames.head(row * self._columns + column).lids
            np.copyto(lids_part.seen_from(self._frames.part).of(out), lids[shown.lids - 1])

    def _draw_mouth(self, out: Pixels, shown: ShownHead) -> None:
        part = self._frames.mouth_part
        assert part is not None  # noqa: S101 - no stage is chosen of a portrait without mouths
        rows = [self._mouth_between(shown.row, shown, part)]
        if shown.down:
            rows.append(self._mouth_between(shown.row + 1, shown, part))
            _fade(rows[0], rows[1], shown.down, rows[0])
        np.copyto(part.seen_from(self._frames.part).of(out), rows[0])

    def _mouth_between(self, row: int, shown: ShownHead, part: Place) -> Pixels:
        """Return the mouth as open as it is between two columns of a row."""
        index = row * self._columns + shown.column
        mouth = self._mouth_of(index, shown, part)
        if shown.across:
            _fade(mouth, self._mouth_of(index + 1, shown, part), shown.across, mouth)
        return mouth

    def _mouth_of(self, index: int, shown: ShownHead, part: Place) -> Pixels:
        """Return the mouth of a gaze frame as open as it is, a new array."""
        stages = self._frames.mouth(index)
        if shown.mouth == 0:
            less = part.seen_from(self._frames.part).of(self._frames.head(index).pixels)
        else:
            less = stages[shown.mouth - 1]
        if not shown.opened:
            return less.copy()
        mouth = np.empty_like(less)
        _fade(less, stages[shown.mouth], shown.opened, mouth)
        return mouth

    def _draw_row(self, out: Pixels, row: int, column: int, across: int) -> None:
        index = row * self._columns + column
        head = self._frames.head(index).pixels
        if across:
            _fade(head, self._frames.head(index + 1).pixels, across, out)
        else:
            np.copyto(out, head)


def _split(position: float, last: int) -> tuple[int, int]:
    """Split a position among frames into the frame before it and the weight of the next one."""
    steps = round(min(max(position, 0.0), last) * _FADE_STEPS)
    return divmod(steps, _FADE_STEPS)


def _fade(one: Pixels, other: Pixels, weight: int, out: Pixels) -> None:
    cv2.addWeighted(one, 1 - weight / _FADE_STEPS, other, weight / _FADE_STEPS, 0, dst=out)
