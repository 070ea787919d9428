"""Portrait packs, good and hostile: archives, folders packed as one, manifests, headers of pictures."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from tools.fuzzing import Seed, Target

_MANIFEST = """\
format = 1
title = "Somebody"
painting = "painting.png"
[frames]
folder = "frames"
columns = 3
left = 20
top = 10
[blink]
folder = "blink"
stages = 2
left = 24
top = 14
[mouth]
folder = "mouth"
stages = 2
left = 24
top = 34
[idle]
folder = "idle"
fps = 15.0
[report]
seams = 0.5
"""


def seeds(folder: Path) -> Sequence[Seed]:
    """Write packs as the builder does, as other programs do, and such as nobody should."""
    plain = {f"{number:03d}.png": _png(64, 48, number) for number in range(3)}
    full = {"portrait.toml": _MANIFEST.encode(), "painting.png": _png(160, 120, 9)}
    for number in range(3):
        full |= {f"frames/{number:03d}.png": _png(64, 48, number), f"blink/{number:03d}.png": _png(32, 24, number)}
        full |= {f"idle/{number:03d}.png": _png(64, 48, number), f"mouth/{number:03d}.png": _png(32, 24, number)}
    _pack(folder / "plain.portrait", plain)
    _pack(folder / "full.portrait", full)
    _pack(folder / "wrapped.zip", {f"pack/{name}": data for name, data in full.items()})
    _pack(folder / "deep.portrait", {**full, "portrait.toml": b"a = " + b"[" * 5000})
    _pack(folder / "digits.portrait", {**full, "portrait.toml": b"format = " + b"9" * 5000})
    _pack(folder / "climbing.portrait", {**plain, "../mark.png": b"x", "/tmp/mark.png": b"x"})  # noqa: S108 - a name only
    zeros = cv2.imencode(".png", np.zeros((8_880, 8_900), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
    _pack(folder / "heavy.portrait", {f"{number:03d}.png": zeros for number in range(33)})
    return sorted(folder.iterdir())


def _png(width: int, height: int, number: int) -> bytes:
    noise = np.random.default_rng(number).integers(0, 255, (4, 4, 3), np.uint8)
    return cv2.imencode(".png", cv2.resize(noise, (width, height)))[1].tobytes()


def _pack(path: Path, files: Mapping[str, bytes]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    path.write_bytes(packed.getvalue())


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - nothing is written
    return ["realtime", "portrait", "show", str(seed)]


TARGET = Target(seeds, command, preload=("cv2",))
