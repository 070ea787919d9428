"""`.face` files, good and hostile: archives, what they claim, numbers, headers of pictures."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from realtime.faces.landmarks.canonical import uv_points
from realtime.faces.landmarks.mesh import POINT_COUNT
from tools.fuzzing import Seed, Target

_SIDE = 96
_CORNERS = POINT_COUNT + 36


def seeds(folder: Path) -> Sequence[Seed]:
    """Write faces as the builder does, and such as nobody should."""
    flat = np.column_stack([uv_points(), np.hypot(*(uv_points() - 0.5).T)])
    corners = np.full((_CORNERS, 2), 5.0)
    corners[:POINT_COUNT] = flat[:, :2] * _SIDE
    numbers = [*corners.ravel(), *(flat * 100).ravel(), 60.0]
    lips = [90.0, 80.0, 150.0]
    good = {
        "face.json": json.dumps({"format": 1, "title": "Somebody", "report": ["a.jpg: at rest"]}).encode(),
        "skin.png": _png(_SIDE, _SIDE),
        "points.f32": _floats(numbers),
    }
    smile = {"smile.png": _png(40, 24), "smile.f32": _floats([*np.linspace(2, 20, 80), 0.12])}
    mouth = {"mouth.png": _png(_SIDE, _SIDE), "points.f32": _floats([*numbers, *lips])}
    _pack(folder / "plain.face", good)
    _pack(folder / "full.face", {**good, **mouth, **smile})
    _pack(folder / "nan.face", {**good, "points.f32": _floats([*numbers[:-1], np.nan])})
    _pack(folder / "nested.face", {**good, "face.json": b"[" * 100_000})
    _pack(folder / "digits.face", {**good, "face.json": b'{"format": ' + b"1" * 5000 + b"}"})
    zeros = cv2.imencode(".png", np.zeros((8_880, 8_900), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
    _pack(folder / "heavy.face", {**good, "skin.png": zeros})
    _pack(folder / "bomb.face", {**good, "skin.png": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    return sorted(folder.iterdir())


def _floats(numbers: Sequence[float]) -> bytes:
    return np.array(numbers, "<f4").tobytes()


def _png(width: int, height: int) -> bytes:
    noise = np.random.default_rng(width).integers(0, 255, (4, 4, 3), np.uint8)
    return cv2.imencode(".png", cv2.resize(noise, (width, height)))[1].tobytes()


def _pack(path: Path, files: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    path.write_bytes(packed.getvalue())


def command(seed: Seed, out: Path) -> Sequence[str]:
    return ["realtime", "face", "show", str(seed), "--preview", str(out / "page.html"), "--overwrite"]


TARGET = Target(seeds, command, preload=("cv2",))
