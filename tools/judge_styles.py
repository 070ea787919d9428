"""How much of a painting a style has, and what it leaves of the picture, judged by features it was not trained by.

    python -m tools.judge_styles night=starry_night.jpg wave=wave.jpg --features lite0.pth --pictures photos/ clip.mp4

Each style is NAME=PAINTING or FILE.onnx=PAINTING; several of one painting stand side by side. Prints Markdown for
docs/benchmarks.md: everything is relative, and the same for every style of a run.

style     how far what each channel answers is from what it answers to the painting (the Wasserstein distance of its
          values, in deviations of the painting's, mean over four layers), at full size, half and a quarter
content   distance of deep features to the picture's
faces     of those BlazeFace finds in the picture, the share it finds in the painted one, and the share of these whose
          landmarks moved by at most 4 % of the distance between the eyes
strokes   on a plain wall, the contrast in the bands of 8 to 64 pixels over the painting's in the same bands
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from torch import Tensor

from realtime.core.errors import RealtimeError
from realtime.faces.detection.blazeface import StillBlazeFace, open_still
from realtime.imaging.frame import Face, Pixels
from realtime.models.card import ModelKind
from realtime.models.library import find_model
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.picture_files.reader import read_picture
from tools.exporting.checkpoint import read_checkpoint
from tools.networks.features import PictureFeatures, features_from
from tools.training.data import to_tensor
from tools.training.losses import content_distance, reduced
from tools.training.perceptual import layer_shares

SIDE_PX = 512
LEVELS = 3
FRAMES = 4
"""Of each film, evenly spread."""
MOST_MOVED = 0.04
QUANTILES = 64
BANDS_PX = ((8, 16), (16, 32), (32, 64))
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


@dataclasses.dataclass(frozen=True)
class Judged:
    """What is said of one style, each the mean over the pictures."""

    style: tuple[float, ...]
    content: float
    found: float
    in_place: float
    strokes: tuple[float, ...]


def main() -> int:
    """Print a table; 2 for an error the user can mend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("styles", nargs="+", metavar="STYLE=PAINTING", help="a style's name or file, and its painting")
    parser.add_argument("--features", type=Path, required=True, help="whose features judge")
    parser.add_argument("--pictures", type=Path, nargs="+", required=True, help="pictures, films, folders of them")
    parser.add_argument("--style-size-px", type=int, default=SIDE_PX, help="the painting's shorter side (512)")
    arguments = parser.parse_args()
    try:
        pictures = list(_pictures(arguments.pictures))
        features = features_from(read_checkpoint(arguments.features), str(arguments.features))
        print(f"{len(pictures)} pictures, {SIDE_PX}×{SIDE_PX}\n")
        print("| style | style at 1, 1/2, 1/4 | content | faces found | in place | strokes at 8, 16, 32 px |")
        print("| --- | --- | --- | --- | --- | --- |")
        for words in arguments.styles:
            name, _, painting = words.rpartition("=")
            judged = judge(
                find_model(name, ModelKind.STYLE), Path(painting), arguments.style_size_px, pictures, features
            )
            style, strokes = (" ".join(f"{value:.2f}" for value in values) for values in (judged.style, judged.strokes))
            print(
                f"| {Path(name).stem} | {style} | {judged.content:.2f} | {judged.found:.0%} | {judged.in_place:.0%} "
                f"| {strokes} |",
                flush=True,
            )
    except RealtimeError as error:
        print(f"judge_styles: {error}", file=sys.stderr)
        return 2
    return 0


def judge(
    path: Path, painting: Path, style_size_px: int, pictures: Sequence[Pixels], features: PictureFeatures
) -> Judged:
    """Return what is said of the model at `path`, which was taught by `painting`."""
    original = _scaled(read_picture(painting), style_size_px)
    widths = features.widths()
    style, content = layer_shares(features.STYLE_LAYERS, widths), layer_shares(features.CONTENT_LAYERS, widths)
    with torch.inference_mode():
        targets = [features(reduced(_tensor(original), level), style) for level in range(LEVELS)]
    model = OnnxModel.open(path, SessionPolicy(provider="cpu"))
    distances, faces = [], []
    detector = open_still("short")
    try:
        for picture in pictures:
            painted = _painted(model, picture)
            distances.append(_distances(painted, picture, features, targets, style, content))
            faces += _faces(detector, picture, painted)
        strokes = [_strokes(_painted(model, wall), original) for wall in _walls()]
    finally:
        detector.close()
        model.close()
    mean = np.mean(distances, 0)
    found = [moved for moved in faces if moved is not None]
    return Judged(
        style=tuple(float(value) for value in mean[:LEVELS]),
        content=float(mean[LEVELS]),
        found=len(found) / max(len(faces), 1),
        in_place=sum(moved <= MOST_MOVED for moved in found) / max(len(found), 1),
        strokes=tuple(float(value) for value in np.mean(strokes, 0)),
    )


def _distances(
    painted: Pixels,
    picture: Pixels,
    features: PictureFeatures,
    targets: Sequence[dict[str, Tensor]],
    style: dict[str, float],
    content: dict[str, float],
) -> list[float]:
    """Return the style's distance at each level, then the content's."""
    with torch.inference_mode():
        seen = _tensor(painted)
        strokes = [
            float(np.mean([_apart(found[layer], target[layer]) for layer in style]))
            for found, target in ((features(reduced(seen, level), style), targets[level]) for level in range(LEVELS))
        ]
        shown = content_distance(features(seen, content), features(_tensor(picture), content), content)
    return [*strokes, float(shown)]


def _apart(found: Tensor, wanted: Tensor) -> float:
    """Return the mean over channels of the Wasserstein distance between two layers' values, in deviations.

    Not of Gram matrices: in features that training did not see a channel may hardly answer to the painting, and its
    products in another picture then outweigh all others.
    """
    shares = torch.linspace(0.5 / QUANTILES, 1 - 0.5 / QUANTILES, QUANTILES)
    ours, theirs = (_drawn(layer).quantile(shares, 1) for layer in (found, wanted))
    return float((ours - theirs).abs().mean() / wanted.flatten(2).std(2).mean())


def _drawn(layer: Tensor) -> Tensor:
    """Return up to 16,000 values of each channel [C, N], evenly picked: more is more than `quantile` takes."""
    values = layer[0].flatten(1)
    return values[:, :: -(-values.shape[1] // 16_000)]


def _faces(detector: StillBlazeFace, picture: Pixels, painted: Pixels) -> list[float | None]:
    """Return how far the landmarks of each face have moved, of the distance between the eyes; None: it is lost."""
    after = detector.find(painted)
    return [_moved(before, after) for before in detector.find(picture)]


def _moved(before: Face, after: Sequence[Face]) -> float | None:
    same = [face for face in after if face.box.overlap(before.box) > 0.4]
    if not same:
        return None
    distances = np.linalg.norm(same[0].keypoints[:4] - before.keypoints[:4], axis=1)  # eyes, nose, mouth
    return float(distances.mean()) / max(before.eye_distance, 1)


def _walls() -> Iterator[Pixels]:
    """Yield plain walls, darker and lighter, with a broad light and a camera's noise."""
    random = np.random.default_rng(1)
    across = np.linspace(-12, 12, SIDE_PX)[None, :, None]
    for grey in (90, 140, 190):
        wall = grey + across + random.normal(0, 2, (SIDE_PX, SIDE_PX, 3))
        yield np.clip(wall, 0, 255).astype(np.uint8)


def _strokes(painted: Pixels, painting: Pixels) -> list[float]:
    """Return the contrast of what is painted over the painting's, in each band of wavelengths."""
    return [_contrast(painted, *band) / _contrast(painting, *band) for band in BANDS_PX]


def _contrast(picture: Pixels, shortest_px: float, longest_px: float) -> float:
    """Return the deviation of light between two wavelengths: a Gaussian passes half of a wavelength of 5.3 sigma."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), wave / 5.3) for wave in (shortest_px, longest_px))
    return float((fine - coarse).std())


def _painted(model: OnnxModel, picture: Pixels) -> Pixels:
    out = np.empty_like(picture[np.newaxis])
    model.run({"frame": picture[np.newaxis]}, {"frame_out": out})
    return np.asarray(out[0], np.uint8)


def _pictures(paths: Sequence[Path]) -> Iterator[Pixels]:
    """Yield the middle square of every picture, and of some frames of every film."""
    for path in paths:
        if path.is_dir():
            yield from _pictures(sorted(child for child in path.iterdir() if child.is_file()))
        elif path.suffix.lower() in PICTURES:
            yield _square(read_picture(path))
        else:
            yield from (_square(frame) for frame in _frames(path))


def _frames(path: Path) -> list[Pixels]:
    with av.open(str(path)) as film:
        frames = [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in film.decode(video=0)]
    return [frames[len(frames) * (2 * number + 1) // (2 * FRAMES)] for number in range(FRAMES)]


def _square(picture: Pixels) -> Pixels:
    scaled = _scaled(picture, SIDE_PX, enlarges=True)
    top, left = ((side - SIDE_PX) // 2 for side in scaled.shape[:2])
    return np.ascontiguousarray(scaled[top : top + SIDE_PX, left : left + SIDE_PX])


def _scaled(picture: Pixels, shorter_px: int, *, enlarges: bool = False) -> Pixels:
    scale = shorter_px / min(picture.shape[:2])
    if scale >= 1 and not enlarges:
        return picture
    size = (max(shorter_px, round(picture.shape[1] * scale)), max(shorter_px, round(picture.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


def _tensor(picture: Pixels) -> Tensor:
    return to_tensor(picture[np.newaxis, :, :, ::-1].copy(), torch.device("cpu"))


if __name__ == "__main__":
    sys.exit(main())
