"""What a step is given: crops of pictures, a function of the seed and the step's number alone.

Nothing is remembered between steps, so that a run that was interrupted goes on with the very crops it would have seen,
and so that the number of devices changes nothing but who computes which of them.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
from collections.abc import Callable, Iterator
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from realtime.imaging.frame import Pixels
from realtime.model_import.hints import ColourOrder
from tools.networks import PictureFormat
from tools.training.pictures import PictureStore


@dataclasses.dataclass(frozen=True)
class Batch:
    """What one step is made from."""

    step: int
    pictures: Tensor
    """RGB float32 [N, 3, S, S], 0..1, on the device."""
    others: Tensor | None
    """Answers to `pictures`, or pictures of the other kind, where the recipe asks for them; as `pictures`."""
    noise: torch.Generator
    """For everything drawn in this step, on the device. Seeded by the step, as the crops are."""


class Source(Protocol):
    """Draws the crops of one device for one step."""

    def draw(self, step: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Return pictures and, where there are any, others: RGB uint8 [N, S, S, 3]. Any thread, any order."""
        ...


@dataclasses.dataclass(frozen=True)
class CropSettings:
    """How crops are taken."""

    crop_px: int
    least_scale: float
    most_scale: float
    """The part of a picture's shorter side a crop shows; 1 shows all of it."""
    flip: bool
    light: float
    """How far exposure and white balance may stray: 0.25 makes a picture up to 25 % darker or lighter."""


@dataclasses.dataclass(frozen=True)
class Share:
    """Which of a step's crops one device draws."""

    batch: int
    rank: int = 0
    world: int = 1

    def numbers(self, step: int) -> range:
        """Return the running numbers of the crops, counted over all steps and devices."""
        first = (step * self.world + self.rank) * self.batch
        return range(first, first + self.batch)


class Shuffled:
    """Which picture crop number so many is taken from: in a shuffled order, each once before any comes again."""

    def __init__(self, indices: NDArray[np.int64], *seed: int) -> None:
        self._indices, self._seed = indices, seed
        self._order: tuple[int, NDArray[np.int64]] = (-1, indices)

    def picture_of(self, number: int) -> int:
        """Return which of the indices crop `number` of the run is taken from."""
        round_number, place = divmod(number, len(self._indices))
        known, order = self._order  # one attribute, so that another thread never sees half of a new one
        if known != round_number:
            order = np.random.default_rng((*self._seed, 1, round_number)).permutation(self._indices)
            self._order = (round_number, order)
        return int(order[place])

    def chance(self, number: int) -> np.random.Generator:
        """Return what draws all that is by chance in crop `number`."""
        return np.random.default_rng((*self._seed, 2, number))


class RandomCrops:
    """Crops at random places and scales of pictures taken in a shuffled order."""

    def __init__(self, store: PictureStore, indices: NDArray[np.int64], settings: CropSettings, seed: int) -> None:
        self._store, self._settings = store, settings
        self._shuffled = Shuffled(indices, seed)

    def crop(self, number: int) -> Pixels:
        """Return crop `number` of the run."""
        return _crop(self._store.picture(self.picture_of(number)), self._settings, self._shuffled.chance(number))

    def picture_of(self, number: int) -> int:
        """Return which picture crop `number` is taken from."""
        return self._shuffled.picture_of(number)


class Crops:
    """The source of recipes that need pictures alone."""

    def __init__(self, crops: RandomCrops, share: Share) -> None:
        self._crops, self._share = crops, share

    def draw(self, step: int) -> tuple[NDArray[np.uint8], None]:
        return np.stack([self._crops.crop(number) for number in self._share.numbers(step)]), None


class UnpairedCrops:
    """The source of recipes that learn from two folders whose pictures have nothing to do with each other."""

    def __init__(self, crops: RandomCrops, others: RandomCrops, share: Share) -> None:
        self._crops, self._others, self._share = crops, others, share

    def draw(self, step: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        numbers = self._share.numbers(step)
        pictures = np.stack([self._crops.crop(number) for number in numbers])
        return pictures, np.stack([self._others.crop(number) for number in numbers])


class AnsweredCrops:
    """The source of recipes that learn from answers: the same place of a picture and of what a teacher made of it."""

    def __init__(
        self,
        store: PictureStore,
        answers: PictureStore,
        indices: NDArray[np.int64],
        crop_px: int,
        seed: int,
        share: Share,
    ) -> None:
        self._store, self._answers, self._shuffled = store, answers, Shuffled(indices, seed)
        self._crop_px, self._share = crop_px, share

    def draw(self, step: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        pictures, answers = zip(*(self._pair(number) for number in self._share.numbers(step)), strict=True)
        return np.stack(pictures), np.stack(answers)

    def _pair(self, number: int) -> tuple[Pixels, Pixels]:
        index = self._shuffled.picture_of(number)
        picture, answer = self._store.picture(index), self._answers.picture(index)
        rng = self._shuffled.chance(number)
        size = self._crop_px
        top = int(rng.integers(picture.shape[0] - size + 1))
        left = int(rng.integers(picture.shape[1] - size + 1))
        window = np.s_[top : top + size, left : left + size]
        # No flip, no scale, no light: a teacher would have answered another picture with other strokes.
        return picture[window], answer[window]


def batches(
    source: Source, first: int, last: int, device: torch.device, memory_format: torch.memory_format, seed: int
) -> Iterator[Batch]:
    """Yield the batches of steps `first` to `last` − 1. The next ones are drawn while a step is being computed."""
    ahead = 3
    with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="crops") as thread:
        waiting = [thread.submit(source.draw, step) for step in range(first, min(first + ahead, last))]
        try:
            for step in range(first, last):
                pictures, others = waiting.pop(0).result()
                if step + ahead < last:
                    waiting.append(thread.submit(source.draw, step + ahead))
                noise = torch.Generator(device).manual_seed(seed * 1_000_003 + step)
                sent = to_tensor(pictures, device, memory_format)
                yield Batch(step, sent, None if others is None else to_tensor(others, device, memory_format), noise)
        finally:
            for future in waiting:
                future.cancel()


def to_tensor(
    pictures: NDArray[np.uint8], device: torch.device, memory_format: torch.memory_format = torch.contiguous_format
) -> Tensor:
    """Turn RGB uint8 [N, H, W, 3] into float32 [N, 3, H, W], 0..1. A GPU is sent the bytes, a quarter of the floats."""
    sent = torch.from_numpy(pictures).to(device, non_blocking=True)
    return sent.permute(0, 3, 1, 2).contiguous(memory_format=memory_format).float().div_(255)


def to_pixels(pictures: Tensor) -> NDArray[np.uint8]:
    """Turn RGB float [N, 3, H, W], 0..1, into BGR uint8 [N, H, W, 3], clipped and rounded as exported models do."""
    bytes_ = pictures.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(bytes_.flip(1).permute(0, 2, 3, 1).cpu().numpy())


def painted_by(network: Callable[[Tensor], Tensor], picture: PictureFormat, rgb: Tensor) -> Tensor:
    """Let a network with its own idea of black, white and the order of colours paint RGB float 0..1."""
    scale = picture.white - picture.black
    ordered = rgb.flip(1) if picture.order is ColourOrder.BGR else rgb
    painted = (network(ordered * scale + picture.black).float() - picture.black) / scale
    return painted.flip(1) if picture.order is ColourOrder.BGR else painted


def _crop(picture: Pixels, settings: CropSettings, rng: np.random.Generator) -> Pixels:
    height, width = picture.shape[:2]
    shorter = min(height, width)
    side = round(shorter * rng.uniform(settings.least_scale, settings.most_scale))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    window = picture[top : top + side, left : left + side]
    size = (settings.crop_px, settings.crop_px)
    interpolation = cv2.INTER_AREA if side > settings.crop_px else cv2.INTER_CUBIC
    crop = np.asarray(cv2.resize(window, size, interpolation=interpolation), np.uint8)
    if settings.flip and rng.random() < 0.5:
        crop = crop[:, ::-1]
    return relit(crop, settings.light, rng)


def relit(picture: Pixels, light: float, rng: np.random.Generator) -> Pixels:
    """Return the picture under another light: exposure, contrast and each channel a little, as webcams differ."""
    if light <= 0:
        return np.ascontiguousarray(picture)
    exposure = rng.uniform(1 - light, 1 + light)
    gamma = np.exp(rng.uniform(-light, light))
    balance = rng.uniform(1 - light / 4, 1 + light / 4, 3)
    levels = np.linspace(0, 1, 256)[:, np.newaxis] ** gamma * exposure * balance
    table = np.rint(np.clip(levels, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.LUT(np.ascontiguousarray(picture), table[:, np.newaxis]), np.uint8)
