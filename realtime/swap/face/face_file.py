"""The `.face` file: a face made ready to be worn, in one ZIP archive of stored entries.

    face.json     format, title, and what each photo gave, in words
    skin.png      the face, (height, width, 3), with closed lips where no photo has a mouth at rest
    mouth.png     the same with a photo's mouth; left out where `skin.png` has one at rest
    smile.png     a mouth that smiles, where a photo has one; with smile.f32: 40 × 2 points of its lips, and how far
                  it is open, in eye distances
    points.f32    little-endian floats: 504 × 2 corners in the pictures, 468 × 3 points of the mesh, the outline's
                  size, and three of the lips' colour where there is a mouth.png

Nothing in it is compressed but the pictures, whose size is known before they are decoded; every number is looked at.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from realtime.core.errors import EffectError, OutputError
from realtime.core.files import atomic_write
from realtime.core.language import _
from realtime.faces.landmarks.mesh import POINT_COUNT, FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.picture_files.header import read_header
from realtime.picture_files.reader import decode_picture
from realtime.swap.photo.photo_face import PhotoLevels, halvings
from realtime.swap.photo.smiling_mouth import LIP_POINTS, SmilingMouth

FORMAT = 2
_ABOUT, _SKIN, _MOUTH, _POINTS = "face.json", "skin.png", "mouth.png", "points.f32"
_SMILE, _SMILE_POINTS = "smile.png", "smile.f32"
_CORNERS = POINT_COUNT + 36
_NUMBERS = _CORNERS * 2 + POINT_COUNT * 3 + 1
_MOST_BYTES = 64 * 2**20
_MOST_ABOUT_BYTES = 256 * 2**10
_LEAST_SIDE_PX, _MOST_SIDE_PX = 64, 4096
_FARTHEST = 4.0
"""Sides of the picture from its corner: a photo's face may reach beyond it, by less than that."""
_WIDEST = 3.0
"""Of a mouth, in eye distances."""
_MOST_WORDS, _MOST_LINES = 300, 100


@dataclasses.dataclass(frozen=True, slots=True)
class FaceFile:
    """A face as it is kept."""

    title: str
    levels: PhotoLevels
    report: tuple[str, ...]
    """What each photo gave, and what none of them shows; a line each."""


def write_face(face: FaceFile, path: Path, *, overwrite: bool = True) -> None:
    """Write a `.face` file, whole or not at all; only its owner may read it. Raises OutputError."""
    levels = face.levels
    with atomic_write(path, overwrite=overwrite) as unfinished:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
            about = {"format": FORMAT, "title": face.title, "report": list(face.report)}
            _add(archive, _ABOUT, json.dumps(about, indent=1, ensure_ascii=False).encode())
            _add(archive, _SKIN, _png(levels.levels[0], path))
            if levels.lips is not None:
                _add(archive, _MOUTH, _png(levels.with_mouth[0], path))
            if levels.smile is not None:
                _add(archive, _SMILE, _png(levels.smile.picture, path))
                _add(
                    archive, _SMILE_POINTS, np.array([*levels.smile.corners.ravel(), levels.smile.gap], "<f4").tobytes()
                )
            numbers = [*levels.corners.ravel(), *levels.mesh.points.ravel(), levels.outline_px]
            numbers += [] if levels.lips is None else [*levels.lips]
            _add(archive, _POINTS, np.array(numbers, "<f4").tobytes())
        with contextlib.suppress(OSError):  # file systems that know no owners
            unfinished.chmod(0o600)


def read_face(path: Path) -> FaceFile:
    """Read a `.face` file. Raises EffectError, one line, for one that is none, is damaged, or claims what cannot be."""
    try:
        with path.open("rb") as file:
            entries = _entries(file, path)
    except FileNotFoundError:
        raise EffectError(_("no such face: {path}; check the path", path=path)) from None
    except OSError as error:
        raise EffectError(
            _("cannot read {path}: {reason}; check the file", path=path, reason=error.strerror or error)
        ) from error
    try:
        title, report = _about(entries[_ABOUT], path)
        skin = _picture(entries[_SKIN], _SKIN)
        mouth = _picture(entries[_MOUTH], _MOUTH) if _MOUTH in entries else None
        smile = _smile(entries[_SMILE], entries[_SMILE_POINTS]) if _SMILE in entries else None
        levels = dataclasses.replace(_levels(skin, mouth, entries[_POINTS]), smile=smile)
    except KeyError as error:
        raise EffectError(_("{path} lacks {args}; build it again", path=path, args=error.args[0])) from error
    except ValueError as error:
        raise EffectError(
            _("{path} is no face that can be worn: {reason}; build it again", path=path, reason=error)
        ) from error
    return FaceFile(title, levels, report)


def _entries(file: Any, path: Path) -> dict[str, bytes]:
    """Return the files of the archive that are known here, none of them larger than it may be."""
    found: dict[str, bytes] = {}
    try:
        if os.fstat(file.fileno()).st_size > 2 * _MOST_BYTES:
            raise EffectError(_("{path} is larger than any face; build it again", path=path))
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist()[:16]:
                if entry.filename not in (_ABOUT, _SKIN, _MOUTH, _POINTS, _SMILE, _SMILE_POINTS):
                    continue
                most = _MOST_ABOUT_BYTES if entry.filename == _ABOUT else _MOST_BYTES
                if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > most or entry.filename in found:
                    raise EffectError(
                        _(
                            "{path}: {filename} is not as this program packs it; build it again",
                            path=path,
                            filename=entry.filename,
                        )
                    )
                found[entry.filename] = archive.read(entry)
    except (zipfile.BadZipFile, struct.error, ValueError, EOFError, RuntimeError, NotImplementedError) as error:
        raise EffectError(_("{path} is no .face file, or is cut short; build it again", path=path)) from error
    return found


def _about(data: bytes, path: Path) -> tuple[str, tuple[str, ...]]:
    try:
        about = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(_("face.json is no JSON")) from error
    version = about.get("format") if isinstance(about, Mapping) else None
    if version != FORMAT:
        known = (
            _("format {version:d} is not of this program", version=version)
            if isinstance(version, int)
            else _("it says no format")
        )
        raise EffectError(
            _(
                "{path}: {known} (format {format}); update realtime, or build it again",
                path=path,
                known=known,
                format=FORMAT,
            )
        )
    title, report = about.get("title"), about.get("report")
    lines = [line for line in report[:_MOST_LINES] if isinstance(line, str)] if isinstance(report, list) else []
    return (_line(title) if isinstance(title, str) else "") or path.stem, tuple(map(_line, lines))


def _line(text: str) -> str:
    """Return words of a stranger's as they may be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:_MOST_WORDS]).strip()


def _smile(picture: bytes, data: bytes) -> SmilingMouth:
    pixels = _picture(picture, _SMILE, least=8)
    expected = 2 * len(LIP_POINTS) + 1
    if len(data) != 4 * expected:
        raise ValueError(
            _(
                "{smile_points} has {count} bytes instead of {expected}",
                smile_points=_SMILE_POINTS,
                count=len(data),
                expected=4 * expected,
            )
        )
    numbers = np.frombuffer(data, "<f4").astype(np.float32)
    if not np.isfinite(numbers).all() or not 0 <= numbers[-1] <= _WIDEST:
        raise ValueError(_("{smile_points} holds what is no mouth's", smile_points=_SMILE_POINTS))
    corners: Floats = numbers[:-1].reshape(-1, 2).copy()
    if corners.min() < -1 or (corners.max(axis=0) > Size.of(pixels)).any():
        raise ValueError(_("{smile_points} lies outside of its picture", smile_points=_SMILE_POINTS))
    return SmilingMouth(pixels, corners, float(numbers[-1]))


def _picture(data: bytes, name: str, least: int = _LEAST_SIDE_PX) -> Pixels:
    try:
        kind, size = read_header(data)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from error
    if kind != "PNG" or not all(least <= side <= _MOST_SIDE_PX for side in size):
        raise ValueError(_("{name} is a {kind} picture of {size}", name=name, kind=kind, size=size))
    try:
        return decode_picture(data)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from error


def _levels(skin: Pixels, mouth: Pixels | None, data: bytes) -> PhotoLevels:
    expected = _NUMBERS + (3 if mouth is not None else 0)
    if len(data) != 4 * expected:
        raise ValueError(
            _("points.f32 has {count} bytes instead of {expected}", count=len(data), expected=4 * expected)
        )
    numbers = np.frombuffer(data, "<f4").astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError(_("points.f32 holds what is no number"))
    if mouth is not None and mouth.shape != skin.shape:
        raise ValueError(_("its two pictures differ in size"))
    corners: Floats = numbers[: 2 * _CORNERS].reshape(_CORNERS, 2).copy()
    points = numbers[2 * _CORNERS : _NUMBERS - 1].reshape(POINT_COUNT, 3).copy()
    outline_px = float(numbers[_NUMBERS - 1])
    size = Size.of(skin)
    if np.abs(corners).max() > _FARTHEST * max(size) or np.abs(points).max() > 100 * _MOST_SIDE_PX:
        raise ValueError(_("points.f32 lies far outside of its picture"))
    mesh = FaceMesh(points, 1.0)
    if not 8 <= outline_px <= _MOST_SIDE_PX or mesh.width_px < 8 or not _is_a_face(points):
        raise ValueError(_("points.f32 is the mesh of no face"))
    lips = np.clip(numbers[_NUMBERS:], 0, 255) if mouth is not None else None
    levels = halvings(skin)
    with_mouth = levels if mouth is None else halvings(mouth)
    return PhotoLevels(levels, with_mouth, lips, corners, mesh, outline_px, None)


def _is_a_face(points: Floats) -> bool:
    """Whether a mesh spans what a face does: not all of it in one place or on one line."""
    spread = np.linalg.svd((points - points.mean(axis=0)).astype(np.float64), compute_uv=False)
    return bool(spread[1] > 0.1 * spread[0])


def _png(pixels: Pixels, path: Path) -> bytes:
    done, data = cv2.imencode(".png", pixels)
    if not done:
        raise OutputError(_("cannot write {path}: its pictures cannot be encoded; try again", path=path))
    return bytes(data)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name)  # dated 1980, so that the same face gives the same file
    entry.external_attr = 0o600 << 16
    archive.writestr(entry, data)
