"""What is known of every crop: one line of JSON each, added as crops are written, so that nothing is ever lost.

The first line says how crops were cut. Then, in any order:

    {"file": "000123.jpg", "source": …, "frame": 17, "time_s": 0.68, "mesh": …}    a crop
    {"file": "000123.jpg", "group": "person-1"}                                   more about it: later lines add
    {"source": …, "stamp": …, "frames": 120, "done": false}                       how far a source was looked through

A crop's number is its name for ever; the folder it lies in says whose face it is, and belongs to the user, who may
move and delete crops. `mesh` is base64 of int16 (468, 3), little-endian: x and y from the crop's corner, and depth, in
8192nds of its side.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from realtime import __version__
from realtime.core.errors import UNREADABLE, OptionError, OutputError
from realtime.faces.landmarks.mesh import POINT_COUNT
from realtime.imaging.frame import Pixels
from realtime.picture_files.header import MAX_SIDE_PX

NAME = "manifest.jsonl"
CROP_SUFFIXES = frozenset({".jpg", ".png"})
_FORMAT = 1
_MESH_UNIT = 8192
_LOOK_SIDE = 16
_MOST_WIDER = 16.0


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """How all crops of a folder were cut."""

    alignment: str
    wider: float
    """Side of a crop over the side of what `alignment` cuts, which lies in its middle."""
    side_px: int
    format: int = _FORMAT
    made_by: str = f"realtime {__version__}"


@dataclasses.dataclass(frozen=True, slots=True)
class CropLine:
    """One crop."""

    file: str
    source: str
    frame: int
    time_s: float
    track: str
    """The same for all crops that following a face from frame to frame says are one person's."""
    box: tuple[float, ...]
    """Left, top, width, height of the detected face, pixels of the picture."""
    face_px: float
    yaw_degrees: float
    pitch_degrees: float
    sharpness: float
    score: float
    mesh: str
    look: str
    """16×16 grey levels of the face, to know nearly equal ones by; base64."""
    group: str = ""

    def points(self, side_px: int) -> NDArray[np.float32]:
        """Return the mesh (468, 3) in pixels of the crop scaled to `side_px`: pixel 0 has its middle at 0."""
        return in_pixels(self.units(), side_px)

    def units(self) -> NDArray[np.int16]:
        """Return the mesh (468, 3) as it is written."""
        return np.frombuffer(base64.b64decode(self.mesh), "<i2").reshape(POINT_COUNT, 3)


def packed_mesh(points: NDArray[np.float32], side_px: int) -> str:
    """Return a mesh in pixels of the crop as text."""
    return base64.b64encode(in_units(points, side_px).astype("<i2").tobytes()).decode()


def in_units(points: NDArray[np.float32], side_px: int) -> NDArray[np.int16]:
    """Return a mesh in pixels of the crop as it is written. Points further than four sides away are drawn nearer."""
    from_corner = points + np.array([0.5, 0.5, 0], np.float32)
    units = np.rint(from_corner * (_MESH_UNIT / side_px))
    return np.asarray(np.clip(units, -32768, 32767), np.int16)


def in_pixels(units: NDArray[np.int16], side_px: int) -> NDArray[np.float32]:
    """Return points of a mesh, (468, 3) as they are written, in pixels of a crop of that side."""
    return units.astype(np.float32) * np.float32(side_px / _MESH_UNIT) - np.array([0.5, 0.5, 0], np.float32)


def packed_look(look: Pixels) -> str:
    return base64.b64encode(look.astype(np.uint8).tobytes()).decode()


def unpacked_look(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(_LOOK_SIDE, _LOOK_SIDE)


@dataclasses.dataclass
class Manifest:
    """What a manifest says."""

    header: Header
    crops: dict[str, CropLine]
    """By file name."""
    sources: dict[str, Mapping[str, Any]]
    """The last word on each source: `stamp`, `frames`, `done`."""

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read it. A last line that was cut off is passed over. Raises OptionError where it is no manifest."""
        header: Header | None = None
        crops: dict[str, CropLine] = {}
        sources: dict[str, Mapping[str, Any]] = {}
        try:
            for line in _whole_lines(path):
                if header is None:
                    header = Header(**_checked(Header, line))
                elif "file" not in line:
                    sources[line["source"]] = line
                elif line["file"] in crops:
                    crops[line["file"]] = dataclasses.replace(crops[line["file"]], **_checked(CropLine, line))
                elif "mesh" in line:
                    crops[line["file"]] = CropLine(**_checked(CropLine, line))
        except (*UNREADABLE, KeyError, TypeError) as error:
            raise OptionError(f"{path} is damaged or of another version; extract into another folder") from error
        if header is None or header.format != _FORMAT:
            raise OptionError(f"{path} is damaged or of another version; extract into another folder")
        return cls(header, crops, sources)


class ManifestWriter:
    """Adds lines. Each is on its way to the disk when `add` returns. Used by one thread."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin the file, or go on behind its last whole line. Raises OutputError."""
        self._path = path
        try:
            if path.is_file():
                _cut_last_line(path)
            new = not path.is_file() or path.stat().st_size == 0
            self._file: IO[str] = path.open("a", encoding="utf-8", newline="\n")
        except OSError as error:
            raise self._failure(error) from error
        if new:
            self.add(dataclasses.asdict(header))

    def add(self, line: Mapping[str, Any]) -> None:
        """Raises OutputError where the disk is full."""
        try:
            self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            self._file.flush()
        except OSError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:  # what could not be written has been told
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self._path}: {error.strerror}; make room, and the same command goes on")


def crop_files(folder: Path) -> dict[str, Path]:
    """Return where the crops of an extraction lie now, by name, in whichever of its folders."""
    return {
        file.name: file
        for place in sorted(folder.iterdir())
        if place.is_dir()
        for file in place.iterdir()
        if file.suffix in CROP_SUFFIXES and not file.name.startswith(".")
    }


def _checked(kind: type[Header | CropLine], line: dict[str, Any]) -> dict[str, Any]:
    """Return a line, each of whose values is what `kind` says. Raises ValueError: anybody may have written it."""
    types = typing.get_type_hints(kind)
    for name, value in line.items():
        if name not in types or not _fits(value, types[name]):
            raise ValueError(name)
    if not (0 < line.get("wider", 1) <= _MOST_WIDER and 0 < line.get("side_px", 1) <= MAX_SIDE_PX):
        raise ValueError("size")
    for name, length in (("mesh", POINT_COUNT * 3 * 2), ("look", _LOOK_SIDE**2)):
        if name in line and len(base64.b64decode(line[name], validate=True)) != length:
            raise ValueError(name)
    return line


def _fits(value: object, wanted: Any) -> bool:
    if wanted is str:
        return isinstance(value, str)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, list | tuple) and len(value) == 4 and all(_fits(number, float) for number in value)


def _whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield dict(json.loads(line))


def _cut_last_line(path: Path) -> None:
    """Cut off what stands behind the last end of a line: it was being written when the power or the disk ended."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        kept = size
        while kept:
            start = max(0, kept - 4096)
            file.seek(start)
            found = file.read(kept - start).rfind(b"\n")
            if found >= 0:
                kept = start + found + 1
                break
            kept = start
        if kept != size:
            file.truncate(kept)
