"""A tiny world to train in: drawn pictures, a drawn painting, features of random weights, all in files."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from realtime.imaging.frame import Pixels


def drawn(seed: int, height: int = 72, width: int = 96) -> Pixels:
    """Return a picture with shapes and colours in it."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    picture = np.empty((height, width, 3), np.uint8)
    for channel in range(3):
        a, b = rng.uniform(-1, 1, 2)
        picture[:, :, channel] = np.clip(128 + 90 * np.sin(0.1 * (a * x + b * y) + seed), 0, 255)
    for _ in range(6):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(picture, centre, int(rng.integers(4, 20)), tuple(map(int, rng.integers(0, 256, 3))), -1)
    return picture


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(20):
        cv2.imwrite(str(folder / f"{number:02d}.png"), drawn(number))
    return folder


@pytest.fixture(scope="session")
def painting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("painting") / "stripes.png"
    y, x = np.mgrid[0:80, 0:80]
    stripes = np.where(((x + y) // 4) % 2 == 0, 220, 30)
    cv2.imwrite(str(path), np.dstack([stripes, 255 - stripes, np.full_like(stripes, 90)]).astype(np.uint8))
    return path


def squeezed_vgg(widths: tuple[int, ...] = (4, 6, 8, 8, 8), seed: int = 0) -> dict[str, torch.Tensor]:
    """Return random weights in the layout of the 16× squeezed VGG-19."""
    draw = torch.Generator().manual_seed(seed)
    state = {"conv0.weight": torch.eye(3)[:, :, None, None], "conv0.bias": torch.full((3,), -0.5)}
    before = 3
    for block, (width, count) in enumerate(zip(widths, (2, 2, 4, 4, 1), strict=True), 1):
        for number in range(1, count + 1):
            weight = torch.randn((width, before, 3, 3), generator=draw) * (2 / (9 * before)) ** 0.5
            state |= {f"conv{block}{number}.weight": weight, f"conv{block}{number}.bias": torch.zeros(width)}
            before = width
    return state


@pytest.fixture(scope="session")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("features") / "squeezed.pth"
    torch.save(squeezed_vgg(), path)
    return path


Words = Callable[..., list[str]]


@pytest.fixture(scope="session")
def command_in(photos: Path, painting: Path, features: Path) -> Callable[[Path], Words]:
    """Give the words of command lines for runs in a folder, small in every way."""

    def command(folder: Path) -> Words:
        return functools.partial(words, folder)

    def words(folder: Path, network: str, run: str = "run", **options: object) -> list[str]:
        settings: dict[str, object] = {"batch": 2, "crop_px": 32, "preview_every": 1000, "device": "cpu", **options}
        line = ["--network", network, "--pictures", str(photos), "-o", str(folder / run)]
        line += ["--cache", str(folder / "cache")]
        for name, value in settings.items():
            if value == ():
                continue
            line += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, tuple | list) else (value,))]
        if "style" not in settings and network != "cyclegan":
            line += ["--style", str(painting)]
        if "features" not in settings and network != "cyclegan":
            line += ["--features", str(features)]
        return line

    return command


@pytest.fixture
def command(command_in: Callable[[Path], Words], tmp_path: Path) -> Words:
    """Return the words of a command line for a run in `run` (a name)."""
    return command_in(tmp_path)
