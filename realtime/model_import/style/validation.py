"""Runs a network on a real picture before it is believed: which sizes work, which ranges give a picture."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import cv2
import numpy as np
import onnx

from realtime.core.errors import ModelError, RealtimeError
from realtime.core.language import _
from realtime.imaging.frame import Pixels, Size
from realtime.model_import.hints import ColourOrder, ValueRange
from realtime.model_import.style.adapter import AdapterSpec, adapted
from realtime.model_import.verdict import Numbers, verdict_on
from realtime.models.runtime.onnx_model import NeedsMemoryError, RawSession
from realtime.picture_files.reader import read_picture
from realtime.picture_files.samples import draw_room, sample_photo

MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""A U-Net halves a picture as often as it is deep: pix2pix' seven or eight times."""
_TRIED_PX = (200, 264)  # height and width, about; unequal, so that exchanged axes show
_SMALLEST_PX = (16, 32, 64, 128, 256)

RangePair = tuple[ValueRange, ValueRange]
"""Of the input and of the output."""
_SAME = 3.0
"""Grey levels on average."""


class AdaptedNetwork:
    """One network behind one adapter, run for its numbers."""

    def __init__(self, model: onnx.ModelProto, spec: AdapterSpec, where: str) -> None:
        """Raises ModelError where ONNX Runtime cannot open it."""
        self._where = where
        self._graph = RawSession(adapted(model, spec, as_numbers=True).SerializeToString(), where)

    def numbers(self, picture: Pixels) -> Numbers:
        """Run it. Raises ModelError where it fails or gives no picture."""
        with np.errstate(all="ignore"):
            output = self._graph.run({"frame": np.ascontiguousarray(picture[np.newaxis])})["numbers"]
        if output.ndim != 4 or output.shape[:2] != (1, 3):
            raise ModelError(
                _(
                    "{where} gives {shape} (as NCHW) for a picture of {size}, which is no picture: "
                    "--output-layout says how its axes lie",
                    where=self._where,
                    shape=list(output.shape),
                    size=Size.of(picture),
                )
            )
        return np.ascontiguousarray(output[0].transpose(1, 2, 0))

    def size_for(self, picture: Pixels) -> Size:
        """Return the size of what it gives for a picture. Raises ModelError."""
        output = self.numbers(picture)
        return Size(output.shape[1], output.shape[0])


def usual_photo(room: Size) -> Pixels:
    """Return the demo's photo, or its room of this size where that is missing."""
    try:
        return read_picture(sample_photo())
    except RealtimeError:
        return draw_room(room)


def scaled(photo: Pixels, size: Size) -> Pixels:
    """Return the middle of a photo, at a size."""
    height, width = photo.shape[:2]
    scale = min(height / size.height, width / size.width)
    rows, columns = round(size.height * scale), round(size.width * scale)
    top, left = (height - rows) // 2, (width - columns) // 2
    cut = photo[top : top + rows, left : left + columns]
    return np.ascontiguousarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)


def validation_size(multiple: int) -> Size:
    """Return a size whose sides are odd multiples, so that it is a multiple of nothing larger."""
    height, width = (_odd_multiple(side, multiple) for side in _TRIED_PX)
    return Size(width, height)


def _odd_multiple(side: int, multiple: int) -> int:
    times = max(1, round(side / multiple))
    return multiple * (times if times % 2 else times + 1)


def find_multiple(network: AdaptedNetwork, photo: Pixels, where: str, among: tuple[int, ...] = MULTIPLES) -> int:
    """Return the smallest number that both sides must be a multiple of for the answer to be of the same size.

    Raises ModelError where no size works, with what happened.
    """
    seen = ""
    for multiple in among:
        size = validation_size(multiple)
        try:
            output = network.size_for(scaled(photo, size))
        except NeedsMemoryError:
            raise
        except ModelError as error:
            seen = str(error)
            continue
        if output == size:
            return multiple
        seen = _(
            "{where} gives {output} for a picture of {size}; a style model gives back the size it takes",
            where=where,
            output=output,
            size=size,
        )
        times = output.width / size.width
        if times >= 1.5 and output == Size(round(times * size.width), round(times * size.height)):
            raise ModelError(
                _(
                    "{where} enlarges pictures {times:g} times; a style model gives back the size it takes",
                    where=where,
                    times=times,
                )
            )
    hint = "" if among == MULTIPLES else _("; leave --multiple away, or say another")
    if among == MULTIPLES:
        hint = _(" (sides were multiples of 1 to {most}; --multiple N says what they must be)", most=MULTIPLES[-1])
    raise ModelError(f"{seen}{hint}")


def find_least_px(network: AdaptedNetwork, photo: Pixels, multiple: int) -> int:
    """Return the smallest side, among some, with which it runs and gives back what it takes."""
    for about in _SMALLEST_PX:
        side = -(-about // multiple) * multiple
        size = Size(side, side)
        try:
            if network.size_for(scaled(photo, size)) == size:
                return side
        except ModelError:
            continue
    return -(-_TRIED_PX[1] // multiple) * multiple


class DynamicProof(NamedTuple):
    """How a network that was made to take any size compares with the original."""

    own_difference: float
    """The largest at the original size, in parts of the picture's own contrast."""
    tile_difference: float
    """The mean over the middle of a picture laid twice, side by side and above each other, in the same parts."""

    @property
    def holds(self) -> bool:
        # Own size: the same operators on the same numbers, so rounding only. Laid twice: normalisation over the whole
        # picture sees the seam as well. Measured: 0 without such norms, 0.7 to 1.3 % for fast-neural-style and
        # CycleGAN, 39 % for a mean that is right at one size only.
        return self.own_difference <= 0.004 and self.tile_difference <= 0.06


def compare_dynamic(original: AdaptedNetwork, dynamic: AdaptedNetwork, photo: Pixels, own_size: Size) -> DynamicProof:
    """Compare both at the original size, and the rewritten one on the picture laid twice. Raises ModelError."""
    picture = scaled(photo, own_size)
    wanted = original.numbers(picture)
    contrast = max(1e-6, float(np.percentile(wanted, 99) - np.percentile(wanted, 1)))
    own = float(np.abs(dynamic.numbers(picture) - wanted).max()) / contrast
    height, width = own_size.height, own_size.width
    inner = (slice(height // 8, height - height // 8), slice(width // 8, width - width // 8))
    tiles: list[float] = []
    for laid, axis in (
        (np.concatenate([picture, picture], axis=1), 1),
        (np.concatenate([picture, picture], axis=0), 0),
    ):
        output = dynamic.numbers(np.ascontiguousarray(laid))
        if output.shape != laid.shape:
            return DynamicProof(own, float("inf"))
        tiles += [float(np.abs(half[inner] - wanted[inner]).mean()) for half in np.split(output, 2, axis=axis)]
    return DynamicProof(own, max(tiles) / contrast)


def _strangeness(numbers: Numbers, picture: Pixels, order: ColourOrder) -> float:
    """How far brightness, contrast and colours lie from the photo's, about 0 to 2.

    A style may change each of them. But a range that is wrong changes them more: what was meant for 0..1 sees 0..255 as
    glaring, and what was meant for -1..1 sees 0..1 as pale and bright.
    """
    seen = np.clip(numbers, 0, 255)
    own = (picture[..., ::-1] if order is ColourOrder.RGB else picture).astype(np.float32)
    bright, bright_own = float(seen.mean()), float(own.mean())
    contrast, contrast_own = float(seen.std()) + 1, float(own.std()) + 1
    cast = float(np.abs((seen.mean((0, 1)) - bright) - (own.mean((0, 1)) - bright_own)).max())
    beyond = float(np.mean((numbers < -2) | (numbers > 257)))
    return (
        abs(bright - bright_own) / 128
        + min(1.0, abs(float(np.log2(contrast / contrast_own))) / 3)
        + min(1.0, cast / 64)
        + beyond
    ) / 2


class Candidate(NamedTuple):
    """A pair of ranges with which a picture comes out."""

    pair: RangePair
    score: float
    """The higher, the likelier; differences under 0.05 tell nothing."""
    numbers: Numbers


def candidates(
    model: onnx.ModelProto, spec: AdapterSpec, pairs: list[RangePair], picture: Pixels, where: str
) -> list[Candidate]:
    """Return those pairs of ranges, in and out, with which a picture comes out, the likeliest first.

    The size of `picture` must work as it is, with these `spec`.
    """
    found: list[Candidate] = []
    for pair in dict.fromkeys(pairs):
        tried = dataclasses.replace(spec, range_in=pair[0], range_out=pair[1])
        try:
            numbers = AdaptedNetwork(model, tried, where).numbers(picture)
        except ModelError:
            continue
        verdict = verdict_on(numbers, picture, spec.output.channels == 1)
        if not verdict.problem:
            score = verdict.likeness - (0.5 if verdict.doubt else 0) - _strangeness(numbers, picture, spec.order)
            found.append(Candidate(pair, score, numbers))
    return sorted(found, key=lambda candidate: -candidate.score)


def look_alike(first: Candidate, second: Candidate) -> bool:
    """Whether two pairs of ranges give the same picture, as where a network is linear."""
    difference = np.abs(np.clip(first.numbers, 0, 255) - np.clip(second.numbers, 0, 255))
    return float(difference.mean()) < _SAME
