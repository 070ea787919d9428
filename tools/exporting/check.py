"""Running a written model beside the PyTorch network it came from, on real pictures."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from realtime.cameras.demo import portrait_photo
from realtime.cameras.pictures import read_picture
from realtime.errors import ModelError
from realtime.frame import Pixels, Size
from tools.networks import ColourOrder, Part, PictureFormat

SIZES = (Size(512, 512), Size(641, 359), Size(301, 450))
"""The usual working size; one with odd sides; one upright, neither side a multiple of 4."""
_PATIENCE_S = 1.5  # how long one figure may take: a slow network is timed once, a fast one many times
_MOST_RUNS = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """One row of the table that an export prints."""

    size: Size
    torch_ms: float
    onnx_ms: float
    largest: int
    """Largest difference of any pixel's colour, in grey levels of 255."""
    mean: float
    psnr_db: float
    """Infinite where nothing differs."""

    @classmethod
    def of(cls, size: Size, torch_ms: float, onnx_ms: float, expected: Pixels, got: Pixels) -> Comparison:
        difference = np.abs(expected.astype(np.int16) - got)
        squared = float(np.square(difference.astype(np.float64)).mean())
        psnr_db = 10 * math.log10(255**2 / squared) if squared else math.inf
        return cls(size, torch_ms, onnx_ms, int(difference.max()), float(difference.mean()), psnr_db)


def sample_frames(sizes: Sequence[Size] = SIZES, photo: Path | None = None) -> list[Pixels]:
    """Return a photo of a person in these sizes, scaled to cover them and cut: uint8 (h, w, 3) BGR."""
    picture = read_picture(photo or portrait_photo())[:, :, :3]
    return [_cover(picture, size) for size in sizes]


def reference(part: Part, frame: Pixels) -> Pixels:
    """Return what the network makes of `frame`, worked out in PyTorch without anything that the exported graph uses."""
    height, width = frame.shape[:2]
    padded = functional.pad(
        to_network(frame, part.picture),
        (0, -width % part.picture.multiple, 0, -height % part.picture.multiple),
        mode="replicate",
    )
    return from_network(part.network(padded)[:, :, :height, :width], part.picture)


def to_network(pixels: Pixels, picture: PictureFormat) -> Tensor:
    """From (h, w, 3) uint8 BGR to the network's [1, 3, h, w] float32."""
    ordered = pixels if picture.order is ColourOrder.BGR else pixels[:, :, ::-1]
    numbers = torch.from_numpy(ordered.astype(np.float32)).permute(2, 0, 1)[np.newaxis]
    return numbers / 255 * (picture.white - picture.black) + picture.black


def from_network(numbers: Tensor, picture: PictureFormat) -> Pixels:
    """Return the way back: (h, w, 3) uint8 BGR, rounded and clipped. Raises ModelError where there is NaN."""
    if not torch.isfinite(numbers).all():
        raise ModelError("the network gives NaN on a photo; its weights are damaged or for another format of pictures")
    grey = (numbers[0].permute(1, 2, 0) - picture.black) * (255 / (picture.white - picture.black))
    pixels = grey.round().clamp(0, 255).to(torch.uint8).numpy()
    return np.ascontiguousarray(pixels if picture.order is ColourOrder.BGR else pixels[:, :, ::-1])


def compare(part: Part, run: Callable[[Pixels], Pixels], frames: Sequence[Pixels]) -> list[Comparison]:
    """Run a style model and its network on every frame. `run` gives what the written file makes of a frame."""
    rows = []
    for frame in frames:
        with torch.inference_mode():
            expected, torch_ms = _timed(lambda frame=frame: reference(part, frame))  # type: ignore[misc]
        got, onnx_ms = _timed(lambda frame=frame: run(frame))  # type: ignore[misc]
        if got.shape != expected.shape:
            raise ModelError(f"the written model gives {got.shape} where the network gives {expected.shape}")
        rows.append(Comparison.of(Size.of(frame), torch_ms, onnx_ms, expected, got))
    return rows


def table(rows: Sequence[Comparison]) -> str:
    """Return the rows as text, widths aligned."""
    lines = ["      size   PyTorch ms   ONNX ms   ratio   max |Δ|   mean |Δ|"]
    for row in rows:
        ratio = row.torch_ms / row.onnx_ms
        lines.append(
            f"{row.size!s:>10}   {row.torch_ms:10.1f}   {row.onnx_ms:7.2f}   {ratio:4.1f}×   {row.largest:7d}"
            f"   {row.mean:8.4f}"
        )
    return "\n".join(lines)


def _timed(work: Callable[[], Pixels]) -> tuple[Pixels, float]:
    """Return the result and the best time of several, after one that is not counted."""
    result = work()
    best_s, spent_s = math.inf, 0.0
    for _ in range(_MOST_RUNS):
        began_s = time.perf_counter()
        work()
        took_s = time.perf_counter() - began_s
        best_s, spent_s = min(best_s, took_s), spent_s + took_s
        if spent_s > _PATIENCE_S:
            break
    return result, best_s * 1000


def _cover(picture: NDArray[np.uint8], size: Size) -> Pixels:
    height, width = picture.shape[:2]
    scale = max(size.width / width, size.height / height)
    grown = cv2.resize(picture, (math.ceil(width * scale), math.ceil(height * scale)), interpolation=cv2.INTER_AREA)
    top, left = (grown.shape[0] - size.height) // 2, (grown.shape[1] - size.width) // 2
    return np.ascontiguousarray(grown[top : top + size.height, left : left + size.width], np.uint8)
