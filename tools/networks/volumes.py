"""Sampling in volumes: what `grid_sample` does with five axes, also in operators of four."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def places(depth: int, height: int, width: int) -> Tensor:
    """Return x, y and z of each place, [depth, height, width, 3]: -1 the first of each, 1 the last."""
    x, y, z = (torch.linspace(-1, 1, count) for count in (width, height, depth))
    size = (depth, height, width)
    return torch.stack([x.expand(size), y[:, None].expand(size), z[:, None, None].expand(size)], dim=3)


def sampled_volume(volume: Tensor, grid: Tensor) -> Tensor:
    """Return [N, C, d, h, w] of `volume` [N, C, D, H, W] at `grid` [N, d, h, w, 3] (x, y, z, its edges at ±1), linearly
    between places and 0 beyond.
    """
    if torch.compiler.is_exporting():  # of five axes ONNX knows it from opset 20 on, and not every provider at all
        return sampled_flat(volume, grid)
    return functional.grid_sample(volume, grid, align_corners=False)


def sampled_flat(volume: Tensor, grid: Tensor) -> Tensor:
    """Return the same by two samplings of a picture: the volume's slices below one another, a row of nothing above and
    below each, so that none shows in its neighbour. The two slices around a place are mixed by how near they are.
    """
    count, channels, depth, height, width = volume.shape
    size = grid.shape[1:4]
    rows = height + 2
    picture = functional.pad(volume, (0, 0, 1, 1)).reshape(count, channels, depth * rows, width)
    x = grid[..., 0]
    row = (((grid[..., 1] + 1) * height - 1) / 2).clamp(-1, height) + 1
    slice_ = ((grid[..., 2] + 1) * depth - 1) / 2
    lower = slice_.floor()
    above = slice_ - lower
    made = torch.zeros(())
    for index, share in ((lower, 1 - above), (lower + 1, above)):
        inside = index.clamp(0, depth - 1)
        y = (2 * (inside * rows + row) + 1) / (depth * rows) - 1
        flat = torch.stack([x, y], dim=-1).reshape(count, size[0] * size[1], size[2], 2)
        found = functional.grid_sample(picture, flat, align_corners=False).reshape(count, channels, *size)
        made = made + found * torch.where(index == inside, share, 0.0)[:, None]
    return made
