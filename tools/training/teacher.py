"""A slow good network's pictures, or those of a filter that draws, as answers for a fast network to learn.

The teacher is asked once for each picture, whole, before training begins: a crop would be painted otherwise than the
same place of the whole picture by any network with instance norm, and asking in every step would cost more than all
else. What varies crops otherwise (mirroring, light) is drawn before the teacher looks, once for each picture.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import nn

from realtime.core.errors import ModelError, nearest
from realtime.imaging.frame import Pixels
from realtime.models.card import ModelKind
from tools.exporting.checkpoint import read_checkpoint
from tools.networks import PictureFormat, layout_of, unknown
from tools.teacher_filters import FILTERS, Filter, fingerprint
from tools.training.data import painted_by, relit, to_pixels, to_tensor
from tools.training.pictures import PictureStore, open_store, write_store


class Teacher(Protocol):
    """Who makes answers out of pictures."""

    @property
    def multiple(self) -> int:
        """Of what the sides of a picture are."""
        ...

    @property
    def name(self) -> str:
        """Another one for whoever would answer otherwise."""
        ...

    def answer(self, picture: Pixels) -> Pixels:
        """Return what becomes of a picture (h, w, 3) uint8 RGB, of the same size."""
        ...


@dataclasses.dataclass(frozen=True)
class NetworkTeacher:
    """A style's network."""

    network: nn.Module
    picture: PictureFormat
    name: str
    device: torch.device

    @property
    def multiple(self) -> int:
        return self.picture.multiple

    def answer(self, picture: Pixels) -> Pixels:
        with torch.no_grad():
            rgb = to_tensor(np.array(picture)[np.newaxis], self.device)
            painted = to_pixels(painted_by(self.network, self.picture, rgb))[0]
        return np.ascontiguousarray(painted[:, :, ::-1])


@dataclasses.dataclass(frozen=True)
class FilterTeacher:
    """A filter that draws."""

    draw: Filter
    name: str
    multiple: int = 1

    def answer(self, picture: Pixels) -> Pixels:
        return self.draw(np.ascontiguousarray(picture))


def load_teacher(asked: str, device: torch.device) -> Teacher:
    """Return a teacher: a style's checkpoint by its file, or a filter by its name. Raises ModelError for any other
    file or name.
    """
    path = Path(asked)
    if asked in FILTERS and not path.exists():
        return FilterTeacher(FILTERS[asked], f"{asked} {fingerprint()}")
    if path.suffix == "" and not path.exists():
        raise ModelError(f"no teacher {asked!r}{nearest(asked, FILTERS)}; a checkpoint's file, or {', '.join(FILTERS)}")
    weights = read_checkpoint(path)
    layout = layout_of(weights)
    if layout is None:
        raise unknown(weights)
    parts = layout.parts(weights)
    if len(parts) != 1 or parts[0].kind is not ModelKind.STYLE:
        raise ModelError(f"{path} paints no pictures; name a style's checkpoint as --teacher")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return NetworkTeacher(parts[0].network.to(device), parts[0].picture, digest, device)


def ask(
    teacher: Teacher,
    store: PictureStore,
    least_px: int,
    light: float,
    flip: bool,
    seed: int,
    cache: Path,
    progress: Callable[[str, float], None],
) -> tuple[PictureStore, PictureStore]:
    """Return the pictures as the teacher saw them, shorter side at least `least_px`, and what it answered.

    Kept in `cache` under a name made of all that went in.
    """
    went_in = f"{teacher.name} {store.file} {least_px} {light} {flip} {seed}"
    digest = hashlib.sha256(went_in.encode()).hexdigest()[:24]
    files = [cache / f"{digest}-{name}" for name in ("asked", "answered")]
    indices, data = ([file.with_suffix(suffix) for file in files] for suffix in (".json", ".pixels"))
    if not all(file.is_file() for file in (*indices, *data)):

        def asked() -> Iterator[tuple[str, Pixels]]:
            for number in range(len(store)):
                yield store.names[number], _varied(store, number, least_px, teacher.multiple, light, flip, seed)

        pictures = write_store(asked(), indices[0], data[0])

        def answered() -> Iterator[tuple[str, Pixels]]:
            for number in range(len(pictures)):
                progress("asking the teacher", (number + 1) / len(pictures))
                yield pictures.names[number], teacher.answer(pictures.picture(number))

        write_store(answered(), indices[1], data[1])
    return open_store(indices[0], data[0]), open_store(indices[1], data[1])


def _varied(
    store: PictureStore, number: int, least_px: int, multiple: int, light: float, flip: bool, seed: int
) -> Pixels:
    rng = np.random.default_rng((seed, 3, number))
    picture = store.picture(number)
    scale = max(1.0, least_px / min(picture.shape[:2]))
    height, width = (-(-round(side * scale) // multiple) * multiple for side in picture.shape[:2])
    picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    if flip and rng.random() < 0.5:
        picture = picture[:, ::-1]
    return relit(picture, light, rng)
