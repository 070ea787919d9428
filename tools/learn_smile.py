"""Learns what a smile does to a face: how the mesh moves, and how skin shades (`realtime/swap/photo/smile.npz`).

    python -m tools.learn_smile FACES -o realtime/swap/photo/smile.npz

FACES: a folder with CelebA's crops in `images/` and their `attributes.csv.gz`. Means over as many men as women, smiling
and with a closed mouth that does not, each face beside its mirror image; no single face can be told from them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.files import atomic_write
from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.canonical import mirrored_points, triangles, uv_points
from realtime.faces.landmarks.mesh import MeshModel
from realtime.faces.landmarks.smile import in_own_frame, mouth_of
from realtime.imaging.frame import Box, Face, Pixels
from realtime.imaging.pixels import ONE_MAP
from realtime.swap.photo.neutralization import SHADING_SIDE
from realtime.system.console import progress_line

_BOX = Box(46.0, 76.0, 86.0, 86.0)
_KEYPOINTS = ((69.5, 112.5), (108.0, 112.7), (89.0, 133.0), (89.0, 152.0), (50.0, 115.0), (128.0, 115.0))
"""Where CelebA's crops have faces."""
_MOST_YAW_DEGREES = 14.0
_LEAST_SCORE = 0.9
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)
_SHADING_STEPS = 250.0
"""To 1 of the logarithm of brightness, in the file."""

Measured = tuple[bool, bool, NDArray[np.float64], NDArray[np.float32]]
"""Whether somebody smiles, is a man; the mesh in its own frame, the logarithm of brightness laid flat."""


def measured(folder: Path, count: int) -> Iterator[Measured]:
    """Yield `count` faces of each of the four groups."""
    model, found = MeshModel(), Counter[tuple[bool, bool]]()
    rasterizer = Rasterizer(triangles(), SHADING_SIDE, SHADING_SIDE)
    with gzip.open(folder / "attributes.csv.gz", "rt", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    for row in rows:
        smiles, man = row["Smiling"] == "1", row["Male"] == "1"
        hidden = any(row[name] == "1" for name in ("Eyeglasses", "Wearing_Hat", "Blurry"))
        speaks = not smiles and row["Mouth_Slightly_Open"] == "1"
        if hidden or speaks or found[smiles, man] >= count:
            continue
        pixels = cv2.imread(str(folder / "images" / f"{Path(row['image']).stem}.webp"))
        if pixels is None:
            continue
        mesh = model.measure(np.asarray(pixels, np.uint8), Face(_BOX, np.array(_KEYPOINTS, np.float32), 1.0))
        if mesh.score < _LEAST_SCORE or abs(mesh.yaw_degrees) > _MOST_YAW_DEGREES:
            continue
        found[smiles, man] += 1
        places = np.zeros((SHADING_SIDE, SHADING_SIDE, 2), np.float32)
        flat = (uv_points() * SHADING_SIDE - 0.5).astype(np.float32)
        rasterizer.paint(flat, np.zeros(len(flat), np.float32), mesh.points[:, :2], places)
        yield smiles, man, in_own_frame(mesh.points), _brightness(np.asarray(pixels, np.uint8), places)


def _brightness(pixels: Pixels, places: NDArray[np.float32]) -> NDArray[np.float32]:
    flat = cv2.remap(pixels, places, ONE_MAP, cv2.INTER_LINEAR).astype(np.float32)
    logarithm = np.log(np.maximum(flat @ _LUMA, 4))
    on_face = (places != 0).any(axis=2)
    return np.asarray(np.where(on_face, logarithm - logarithm[on_face].mean(), 0), np.float32)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m tools.learn_smile", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("faces", type=Path)
    parser.add_argument("--count", type=int, default=300, help="faces of each of four groups (%(default)s)")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.npz")
    arguments = parser.parse_args(words)
    cv2.setNumThreads(1)
    faces: list[Measured] = []
    with progress_line() as progress:
        for face in measured(arguments.faces, arguments.count):
            faces.append(face)
            progress("faces", len(faces) / (4 * arguments.count))
    smiles, men = np.array([face[0] for face in faces]), np.array([face[1] for face in faces])
    points, brightness = np.stack([face[2] for face in faces]), np.stack([face[3] for face in faces])
    mouths = np.array([mouth_of(each) for each in points])
    told = np.column_stack([mouths, np.ones(len(mouths))])
    weights = np.linalg.lstsq(told, smiles.astype(np.float64), rcond=None)[0]
    right = float(((told @ weights > 0.5) == smiles).mean())
    print(f"{len(faces)} faces; a smile is told by its mouth in {right:.1%}; weights {weights.round(3).tolist()}")
    shape, shading = np.zeros((468, 3)), np.zeros((SHADING_SIDE, SHADING_SIDE))
    for man in (False, True):
        smiling, calm = smiles & (men == man), ~smiles & (men == man)
        shape += (points[smiling].mean(axis=0) - points[calm].mean(axis=0)) / 2
        shading += (np.median(brightness[smiling], axis=0) - np.median(brightness[calm], axis=0)) / 2
    shape = (shape + shape[mirrored_points()] * (-1, 1, 1)) / 2
    shading = (shading + shading[:, ::-1]) / 2
    with atomic_write(arguments.out) as unfinished, unfinished.open("wb") as file:
        np.savez_compressed(
            file,
            shape=shape.astype(np.float16),
            shading=np.clip(np.rint(shading * _SHADING_STEPS), -127, 127).astype(np.int8),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
