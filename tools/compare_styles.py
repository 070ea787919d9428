"""Compare networks trained alike: `python -m tools.compare_styles runs/brush runs/fast_neural_style -o sheet.png`.

Every run's network paints the pictures it has not learnt from; how far the Gram matrices of what it painted are from
the painting's (style, at full size, half and a quarter), and its features from the picture's (content), is measured and
averaged, by `--features` that no run has learnt by, or else by the runs' own. The runs must have been given the same
pictures, painting, features and seed; the others are measured by the first one.
`--sheet FILE` shows what becomes of the two portraits of docs/styles (`pip install scikit-image`, for the astronaut).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from realtime.core.errors import OptionError, OutputError, RealtimeError
from realtime.core.files import atomic_write
from realtime.imaging.frame import Pixels
from tools.exporting.checkpoint import read_checkpoint
from tools.make_styles import photos
from tools.networks import layout_of
from tools.networks.features import PictureFeatures, features_from
from tools.train_style import load_paintings, part_held_out
from tools.training.data import painted_by, to_pixels, to_tensor
from tools.training.losses import StyleTarget, content_distance, reduced, style_distance, style_targets
from tools.training.perceptual import layer_shares
from tools.training.pictures import prepare

SIDE_PX = 320
SHOWN = 6
LEVELS = 3
ALIKE = ("pictures", "style", "style_size_px", "features", "crop_px", "seed", "held_out", "steps", "batch")


def main() -> int:
    """Measure, print a table, write a sheet; 2 for an error the user can mend."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of tools.train_style; the first is the measure")
    parser.add_argument("-o", "--output", type=Path, help="a picture: some of the pictures, and what becomes of them")
    parser.add_argument(
        "--sheet", type=Path, help="a picture: two portraits in the public domain, and as each run paints"
    )
    parser.add_argument("--features", type=Path, help="whose features measure; best a file that no run has learnt by")
    parser.add_argument("--cache", type=Path, required=True, help="where prepared pictures are kept")
    arguments = parser.parse_args()
    try:
        settings = [json.loads((run / "run.json").read_text(encoding="utf-8")) for run in arguments.runs]
        for key in ALIKE:
            if len({json.dumps(each[key]) for each in settings}) > 1:
                raise OptionError(f"the runs differ in {key}; compare runs that were trained alike")
        compare(arguments.runs, settings[0], arguments.features, arguments.cache, arguments.output)
        if arguments.sheet is not None:
            write_painted(arguments.sheet, photos(), arguments.runs)
    except (OSError, ValueError, KeyError) as error:
        print(f"compare_styles: a run's folder is incomplete ({error}); train it first", file=sys.stderr)
        return 2
    except RealtimeError as error:
        print(f"compare_styles: {error}", file=sys.stderr)
        return 2
    return 0


def compare(
    runs: Sequence[Path], settings: dict[str, Any], measured_by: Path | None, cache: Path, output: Path | None
) -> None:
    pictures = unseen(settings, cache)
    measured_by = measured_by or Path(settings["features"])
    features = features_from(read_checkpoint(measured_by), str(measured_by))
    paintings = load_paintings(
        [Path(path) for path in settings["style"]], settings["style_size_px"], torch.device("cpu")
    )
    widths = features.widths()
    style, content = layer_shares(features.STYLE_LAYERS, widths), layer_shares(features.CONTENT_LAYERS, widths)
    targets = [
        style_targets(features, [reduced(painting, level) for painting in paintings], style) for level in range(LEVELS)
    ]

    print(f"{len(pictures)} pictures no run has learnt from, {SIDE_PX}×{SIDE_PX}; {settings['steps']} steps each\n")
    print("| run | style | × the first's | content | × the first's |\n| --- | --- | --- | --- | --- |")
    rows, first = [pictures[:SHOWN]], (0.0, 0.0)
    for run in runs:
        painted = paint(run, pictures)
        now = distances(painted, pictures, features, targets, style, content)
        first = first if any(first) else now
        print(f"| {run.name} | {now[0]:.4f} | {now[0] / first[0]:.2f} | {now[1]:.4f} | {now[1] / first[1]:.2f} |")
        rows.append(painted[:SHOWN])
    if output is not None:
        cv2.imwrite(str(output), np.vstack([np.hstack(list(to_pixels(torch.cat(row)))) for row in rows]))


def write_painted(path: Path, portraits: Sequence[Pixels], runs: Sequence[Path]) -> None:
    """Write one row for each BGR picture, all of one size: as it is, and as every run's network paints it."""
    inputs = [to_tensor(portrait[np.newaxis, :, :, ::-1].copy(), torch.device("cpu")) for portrait in portraits]
    columns = [[to_pixels(painted)[0] for painted in paint(run, inputs)] for run in runs]
    sheet = np.vstack([np.hstack(row) for row in zip(portraits, *columns, strict=True)])
    written, data = cv2.imencode(path.suffix, sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not written:
        raise OutputError(f"cannot make {path}")
    with atomic_write(path) as file:
        file.write_bytes(data.tobytes())


def unseen(settings: dict[str, Any], cache: Path) -> list[Tensor]:
    """Return the middles of the pictures that were held out, RGB float [1, 3, S, S]."""
    store = prepare([Path(path) for path in settings["pictures"]], settings["crop_px"] * 5 // 3, cache, lambda *_: None)
    _, held_out = part_held_out(len(store), settings["held_out"], settings["seed"])
    pictures = []
    for index in held_out:
        pixels = store.picture(index)
        scale = SIDE_PX / min(pixels.shape[:2])
        pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        top, left = ((side - SIDE_PX) // 2 for side in pixels.shape[:2])
        pictures.append(to_tensor(pixels[np.newaxis, top : top + SIDE_PX, left : left + SIDE_PX], torch.device("cpu")))
    return pictures


def paint(run: Path, pictures: Sequence[Tensor]) -> list[Tensor]:
    """Return the pictures as the run's network paints them, clipped as the exported model clips."""
    weights = read_checkpoint(run / "checkpoint.pth")
    layout = layout_of(weights)
    if layout is None:
        raise OptionError(f"{run} holds no network whose layout is known")
    (part,) = layout.parts(weights)
    with torch.inference_mode():
        return [painted_by(part.network, part.picture, picture).clamp(0, 1) for picture in pictures]


def distances(
    painted: Sequence[Tensor],
    pictures: Sequence[Tensor],
    features: PictureFeatures,
    targets: Sequence[dict[str, StyleTarget]],
    style: dict[str, float],
    content: dict[str, float],
) -> tuple[float, float]:
    """Return style and content distance, each the mean over the pictures."""
    each = []
    with torch.inference_mode():
        for output, picture in zip(painted, pictures, strict=True):
            strokes = [
                style_distance(features(reduced(output, level), style), target, style)
                for level, target in enumerate(targets)
            ]
            shown = content_distance(features(output, content), features(picture, content), content)
            each.append([float(torch.stack(strokes).mean()), float(shown)])
    mean = np.mean(each, 0)
    return float(mean[0]), float(mean[1])


if __name__ == "__main__":
    sys.exit(main())
