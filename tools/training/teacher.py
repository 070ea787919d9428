"""A slow good network's pictures as answers for a fast one to learn.

The teacher is asked once for each picture, whole, before training begins: a crop would be painted otherwise than the
same place of the whole picture by any network with instance norm, and asking in every step would cost more than all
else. What varies crops otherwise (mirroring, light) is drawn before the teacher looks, once for each picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from realtime.core.errors import ModelError
from realtime.imaging.frame import Pixels
from realtime.models.card import ModelKind
from tools.exporting.checkpoint import read_checkpoint
from tools.networks import PictureFormat, layout_of, unknown
from tools.training.data import painted_by, relit, to_pixels, to_tensor
from tools.training.pictures import PictureStore, open_store, write_store


def load_teacher(path: Path, device: torch.device) -> tuple[nn.Module, PictureFormat]:
    """Return a network that paints and the pictures it wants. Raises ModelError for any other checkpoint."""
    weights = read_checkpoint(path)
    layout = layout_of(weights)
    if layout is None:
        raise unknown(weights)
    parts = layout.parts(weights)
    if len(parts) != 1 or parts[0].kind is not ModelKind.STYLE:
        raise ModelError(f"{path} paints no pictures; name a style's checkpoint as --teacher")
    return parts[0].network.to(device), parts[0].picture


def ask(
    teacher: tuple[nn.Module, PictureFormat],
    teacher_file: Path,
    store: PictureStore,
    least_px: int,
    light: float,
    flip: bool,
    seed: int,
    cache: Path,
    device: torch.device,
    progress: Callable[[str, float], None],
) -> tuple[PictureStore, PictureStore]:
    """Return the pictures as the teacher saw them, shorter side at least `least_px`, and what it answered.

    Kept in `cache` under a name made of all that went in.
    """
    network, picture = teacher
    digest = hashlib.sha256(teacher_file.read_bytes())
    digest.update(f"{store.file} {least_px} {light} {flip} {seed}".encode())
    files = [cache / f"{digest.hexdigest()[:24]}-{name}" for name in ("asked", "answered")]
    indices, data = ([file.with_suffix(suffix) for file in files] for suffix in (".json", ".pixels"))
    if not all(file.is_file() for file in (*indices, *data)):

        def asked() -> Iterator[tuple[str, Pixels]]:
            for number in range(len(store)):
                yield store.names[number], _varied(store, number, least_px, picture.multiple, light, flip, seed)

        pictures = write_store(asked(), indices[0], data[0])

        def answered() -> Iterator[tuple[str, Pixels]]:
            for number in range(len(pictures)):
                progress("asking the teacher", (number + 1) / len(pictures))
                with torch.no_grad():
                    rgb = to_tensor(np.array(pictures.picture(number))[np.newaxis], device)
                    answer = to_pixels(painted_by(network, picture, rgb))[0]
                yield pictures.names[number], np.ascontiguousarray(answer[:, :, ::-1])

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
