"""What a run shows of itself: a curve of its losses, and a sheet of pictures it has not learnt from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from realtime.core.errors import OutputError
from realtime.core.files import atomic_write
from realtime.imaging.frame import Pixels
from tools.training import Recipe
from tools.training.data import to_pixels, to_tensor

_GAP_PX = 8
_MOST_PX = 512
_WHITE = 255


def write_curve(path: Path, steps: Sequence[int], terms: Mapping[str, Sequence[float]], title: str) -> None:
    """Draw every term over the steps, smoothed over a fiftieth of the run, on a logarithmic scale."""
    # The figure is made without pyplot: no global state, no window system looked for.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Laid out once and for all, and losses fall: looking for the best margins and place takes as long as all the rest.
    figure = Figure(figsize=(9, 5))
    axes = figure.add_subplot()
    window = max(1, len(steps) // 50)
    for name, values in terms.items():
        is_there = np.asarray(values, np.float64) > 0  # nothing where a term was not asked for
        known, at = np.asarray(values, np.float64)[is_there], np.asarray(steps)[is_there]
        if len(known) < window:
            continue
        smooth = np.convolve(known, np.full(window, 1 / window), "valid")
        width = 2.0 if name == next(iter(terms)) else 1.2
        axes.plot(at[window - 1 :], smooth, label=f"{name}: {smooth[-1]:.3g}", linewidth=width)
    axes.set(title=title, xlabel="step", ylabel="weighted loss")
    if axes.get_lines():
        axes.set_yscale("log")
        axes.legend(loc="upper right")
    axes.grid(alpha=0.3)
    FigureCanvasAgg(figure)
    with atomic_write(path) as file:
        figure.savefig(file, format="png")


def write_sheet(path: Path, columns: Sequence[Sequence[Pixels]]) -> None:
    """Lay BGR pictures side by side, one row for each picture, on white. Columns may be of different lengths."""
    height = min(_MOST_PX, max(picture.shape[0] for column in columns for picture in column))
    tiles = [[_fitted(picture, height) for picture in column] for column in columns]
    widths = [max(tile.shape[1] for tile in column) for column in tiles]
    rows = max(map(len, tiles))
    sheet = np.full(
        (rows * (height + _GAP_PX) + _GAP_PX, sum(widths) + _GAP_PX * (len(widths) + 1), 3), _WHITE, np.uint8
    )
    left = _GAP_PX
    for column, width in zip(tiles, widths, strict=True):
        for row, tile in enumerate(column):
            top = _GAP_PX + row * (height + _GAP_PX)
            sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
        left += width + _GAP_PX
    written, data = cv2.imencode(".png", sheet)
    if not written:
        raise OutputError(f"cannot make {path}")
    with atomic_write(path) as file:
        file.write_bytes(data.tobytes())


def keep_sheet(folder: Path, columns: Sequence[Sequence[Pixels]], step: int) -> None:
    """Write a run's sheet, and keep it among those of earlier steps."""
    write_sheet(folder / "sheet.png", columns)
    shutil.copyfile(folder / "sheet.png", folder / "previews" / f"{step:06d}.png")


def paint_all(recipe: Recipe, pictures: Sequence[Pixels], device: torch.device) -> list[Pixels]:
    """Paint RGB pictures of any sizes, one after another, and return them as BGR."""
    return [to_pixels(recipe_paints(recipe, picture, device))[0] for picture in pictures]


def recipe_paints(recipe: Recipe, picture: Pixels, device: torch.device) -> Tensor:
    """Return [1, 3, H, W] for an RGB picture whose sides are multiples of what the network wants."""
    generators = recipe.generators().values()
    training = [network.training for network in generators]
    for network in generators:
        network.eval()
    with torch.no_grad():
        painted = recipe.paint(to_tensor(np.ascontiguousarray(picture)[np.newaxis].copy(), device))
    for network, was_training in zip(generators, training, strict=True):
        network.train(was_training)
    return painted


def cut_to_multiple(picture: Pixels, multiple: int) -> Pixels:
    """Return the middle of a picture, its sides multiples of `multiple`."""
    height, width = (side - side % multiple for side in picture.shape[:2])
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return picture[top : top + height, left : left + width]


def _fitted(picture: Pixels, height: int) -> Pixels:
    if picture.shape[0] == height:
        return picture
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
