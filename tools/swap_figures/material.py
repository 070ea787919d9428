"""What swaps are measured on: real clips, the same in bad light, held still, moved by a known motion."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.cameras import CameraRequest, open_camera
from realtime.imaging.frame import Frame, Pixels
from realtime.picture_files.samples import sample_photo

SHARED_DATA = Path(os.environ.get("REALTIME_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
DEMO = "demo"
"""The built-in viewer: the clip that is there on every machine."""


@dataclasses.dataclass(frozen=True, slots=True)
class Clip:
    """A short film in memory."""

    name: str
    fps: float
    pictures: Sequence[Pixels]

    def frames(self) -> Iterator[Frame]:
        """The film as a camera delivers it."""
        for index, pixels in enumerate(self.pictures):
            yield Frame(pixels, index / self.fps, index / self.fps, index)

    def changed(self, how: str, change: Callable[[Pixels], Pixels]) -> Clip:
        """The same film with each picture changed."""
        return Clip(f"{self.name}, {how}", self.fps, [change(pixels) for pixels in self.pictures])


def read_clip(source: str, most: int) -> Clip:
    """Read the first frames of a film. Raises CameraError."""
    camera = open_camera(source, CameraRequest())
    try:
        pictures: list[Pixels] = []
        while len(pictures) < most and (frame := camera.read()) is not None:
            pictures.append(frame.pixels.copy())
        return Clip(Path(source).stem, camera.info.fps, pictures)
    finally:
        camera.close()


def to_and_fro(index: int, count: int) -> int:
    """Return which of `count` pictures comes at a place of a film that runs forwards and backwards for ever."""
    place = index % max(1, 2 * count - 2)
    return place if place < count else 2 * count - 2 - place


def usual_clips() -> list[str]:
    """The talking people of the shared data, where they are, and the demo."""
    return [*(str(path) for path in sorted((SHARED_DATA / "videos").glob("talking_*.mp4"))), DEMO]


def usual_photos() -> list[Path]:
    """The shared portraits and scikit-image's astronaut, where they are, and the Navy photo that matplotlib carries."""
    photos = [sample_photo()]
    spec = importlib.util.find_spec("skimage")
    if spec is not None and spec.origin is not None:
        photos.extend((Path(spec.origin).parent / "data").glob("astronaut.png"))
    shared = sorted(path for path in (SHARED_DATA / "portraits").glob("*") if path.suffix in (".jpg", ".png"))
    names = {path.name for path in photos}
    return [*photos, *(path for path in shared if path.name not in names)]


# Bad light, made from good ------------------------------------------------------------------------------------------


def darkened(pixels: Pixels) -> Pixels:
    """A fifth of the light, and the grain of a camera that turned its gain up (sigma 6)."""
    rng = np.random.default_rng(int(pixels[::64, ::64].sum()))
    return _bytes(_linear(pixels) * np.float32(0.2), rng.normal(0, 6, pixels.shape).astype(np.float32))


def lit_from_the_side(pixels: Pixels) -> Pixels:
    """A lamp at the left: full light there, a sixth of it at the right edge, steepest in the middle."""
    x = np.linspace(-1, 1, pixels.shape[1], dtype=np.float32)
    share = np.asarray(1.3 * (1 - (5 / 6) / (1 + np.exp(-5 * x))), np.float32)
    return _bytes(_linear(pixels) * share[None, :, None])


def warm(pixels: Pixels) -> Pixels:
    """A candle's cast: blue to 35 %, green to 75 %."""
    return _bytes(_linear(pixels) * np.array([0.35, 0.75, 1.05], np.float32))


LIGHTS = {"dark": darkened, "lit from the side": lit_from_the_side, "warm": warm}


def _linear(pixels: Pixels) -> NDArray[np.float32]:
    """Light as a lamp adds it, 0..1: a camera's bytes are about its root."""
    table = ((np.arange(256) / 255.0) ** 2.2).astype(np.float32)
    return table[pixels]


def _bytes(light: NDArray[np.float32], grain: NDArray[np.float32] | float = 0.0) -> Pixels:
    return np.asarray(np.clip(255 * np.clip(light, 0, 1) ** (1 / 2.2) + grain + 0.5, 0, 255), np.uint8)


# A still person ------------------------------------------------------------------------------------------------------


def held(clip: Clip, number: int, count: int, sigma: float, drift_px: float = 0.0) -> Clip:
    """One picture of a clip again and again, with a camera's noise of so many grey levels; `drift_px`: how far it
    also sways, along an ellipse, once in 1.7 s.
    """
    rng = np.random.default_rng(7)
    still = clip.pictures[number]
    pictures = []
    for index in range(count):
        turn = 2 * np.pi * index / (1.7 * clip.fps)
        moved = shifted(still, drift_px * np.sin(turn), 0.6 * drift_px * np.cos(turn)) if drift_px else still
        noise = rng.standard_normal(still.shape, np.float32) * np.float32(sigma)
        pictures.append(np.clip(moved + noise + 0.5, 0, 255).astype(np.uint8))
    name = f"{clip.name} held, noise {sigma:g}" + (f", sway {drift_px:g} px" if drift_px else "")
    return Clip(name, clip.fps, pictures)


def shifted(pixels: Pixels, right_px: float, down_px: float) -> Pixels:
    """The picture moved; its edge is repeated. Whole pixels are moved as they are."""
    matrix = np.array([[1, 0, right_px], [0, 1, down_px]], np.float32)
    flags = cv2.INTER_CUBIC
    return np.asarray(
        cv2.warpAffine(
            pixels, matrix, (pixels.shape[1], pixels.shape[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )
