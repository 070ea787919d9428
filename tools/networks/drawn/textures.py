"""Tiles of grain, of bristles, of hatching and of a press's dots, which repeat over a frame of any size without a seam.

All are drawn once, by the same seed everywhere, and stand still: paper must not crawl.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from realtime.imaging.numerics import Floats


class Tiled(nn.Module):
    """A texture [1, C, T, T] that is laid out over the size of other planes."""

    tile: Tensor

    def __init__(self, tile: Floats) -> None:
        """`tile`: (T, T) or (C, T, T)."""
        super().__init__()
        planes = torch.from_numpy(np.ascontiguousarray(tile, np.float32))
        self.register_buffer("tile", planes.reshape(1, -1, *planes.shape[-2:]), persistent=False)

    def on_cells(self) -> Tiled:
        """Return it for cells of half the size: four channels for each of its planes."""
        self.tile = functional.pixel_unshuffle(self.tile, 2)
        return self

    def forward(self, like: Tensor) -> Tensor:
        height, width = like.shape[2:]
        side = self.tile.shape[2]
        return self.tile.repeat(1, 1, height // side + 1, width // side + 1)[:, :, :height, :width]


def grain(side_px: int, across_px: float, down_px: float, seed: int, angle: float = 0.0) -> Floats:
    """Return noise (T, T) of mean 0 and deviation 1, smoothed by so much along and across `angle` (radians)."""
    draw = np.random.default_rng(seed)
    waves = np.fft.fft2(draw.standard_normal((side_px, side_px)))
    down, across = np.fft.fftfreq(side_px)[:, None], np.fft.fftfreq(side_px)[None]
    along = across * math.cos(angle) + down * math.sin(angle)
    beside = down * math.cos(angle) - across * math.sin(angle)
    waves *= np.exp(-2 * np.pi**2 * ((along * across_px) ** 2 + (beside * down_px) ** 2))
    waves[0, 0] = 0
    smooth = np.fft.ifft2(waves).real
    return np.asarray(smooth / smooth.std(), np.float32)


def bristles(side_px: int, length_px: float, width_px: float, angles: int, seed: int) -> Floats:
    """Return (A, T, T): grain drawn out along each of `angles` directions of half a turn."""
    turned = [grain(side_px, length_px, width_px, seed + number, math.pi * number / angles) for number in range(angles)]
    return np.stack(turned)


def screen(side_px: int, turns: tuple[int, int]) -> Floats:
    """Return a press's screen of dots (T, T), 0..1, of which any share lies below that share: ink stands where the
    screen lies below how much of it is wanted.

    `turns`: how often the dots' raster goes across a tile, along it and beside: (32, 0) is upright, (26, 7) turned by
    15 degrees. Whole numbers, so that tiles meet.
    """
    place = np.arange(side_px, dtype=np.float64) * (2 * np.pi / side_px)
    first = np.cos(turns[0] * place[None] + turns[1] * place[:, None])
    second = np.cos(turns[0] * place[:, None] - turns[1] * place[None])
    return _ranked(first + second)


def lines(side_px: int, turns: tuple[int, int]) -> Floats:
    """Return the phase of parallel lines (T, T), in lines: `turns[0]` across a tile and `turns[1]` down it."""
    place = np.arange(side_px, dtype=np.float64) / side_px
    phase = turns[0] * place[None] + turns[1] * place[:, None]
    return np.asarray(phase % 1, np.float32)


def hatching(side_px: int, tones: Sequence[float], seed: int) -> Floats:
    """Return (A, T, T), tones 0..1: pencil strokes one over the other until each tone is reached; what is in a lighter
    one is in all darker ones (Praun et al., "Real-time hatching", 2001).
    """
    draw, finer = np.random.default_rng(seed), 2
    side = side_px * finer
    sheet, reached = np.ones((side, side), np.float32), []
    for number, tone in enumerate(tones):
        while sheet.mean() > tone:
            slant = 38 if number >= len(tones) // 2 and draw.random() < 0.55 else -48
            _stroke(sheet, math.radians(slant + draw.normal() * 4), draw)
        reached.append(cv2.resize(sheet, (side_px, side_px), interpolation=cv2.INTER_AREA))
    return np.asarray(np.stack(reached), np.float32)


def _stroke(sheet: Floats, angle: float, draw: np.random.Generator) -> None:
    """Draw one, a little bent, over the edges of the tile where it leaves it."""
    side = len(sheet)
    along = np.linspace(-0.5, 0.5, 12) * draw.uniform(0.12, 0.33) * side
    bent = draw.normal() * 0.16 * along**2 / side
    middle = draw.uniform(0, side, 2)
    x = middle[0] + math.cos(angle) * along - math.sin(angle) * bent
    y = middle[1] + math.sin(angle) * along + math.cos(angle) * bent
    marked, thickness = np.zeros_like(sheet), int(draw.integers(2, 4))
    for right in (-side, 0, side):
        for down in (-side, 0, side):
            points: NDArray[np.int32] = np.round(np.stack([x + right, y + down], 1) * 8).astype(np.int32)
            cv2.polylines(marked, [points], False, 1.0, thickness, cv2.LINE_AA, 3)
    sheet *= 1 - draw.uniform(0.25, 0.5) * marked


def _ranked(values: NDArray[np.float64]) -> Floats:
    """Return each value's rank among all, 0..1: the middle of those that are equal to it, as close as a float tells."""
    ordered = np.sort(values, axis=None)
    low, high = (np.searchsorted(ordered, values + shift) for shift in (-1e-9, 1e-9))
    return np.asarray((low + high) / (2 * values.size), np.float32)


def dabs(side_px: int, radius_px: float, shifts: Floats, seed: int) -> Floats:
    """Return round dabs of paint over one another, (3, T, T): by how much each is redder, greener and bluer than what
    it stands for, one of `shifts` (S, 3), some lighter, some darker.
    """
    draw, finer = np.random.default_rng(seed), 2
    side = side_px * finer
    sheet = np.zeros((side, side, 3), np.float32)
    count = round(4 * (side_px / (2 * radius_px)) ** 2)  # nothing shows through four layers
    places = draw.uniform(0, side, (count, 2))
    for (x, y), number in zip(places, draw.integers(len(shifts), size=count), strict=True):
        colour = [float(value) for value in shifts[number] + draw.normal() * 0.04]
        radius = radius_px * finer * draw.uniform(0.75, 1.15)
        for right in (-side, 0, side):
            for down in (-side, 0, side):
                middle = (round((x + right) * 8), round((y + down) * 8))
                cv2.circle(sheet, middle, round(radius * 8), colour, cv2.FILLED, cv2.LINE_AA, 3)
    small = cv2.resize(sheet, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small.transpose(2, 0, 1), np.float32)
