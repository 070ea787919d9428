"""A folder of numbered pictures, played in the order of their numbers."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from pathlib import Path

from realtime.cameras import PICTURE_SUFFIXES, Camera, CameraInfo, CameraRequest
from realtime.core.errors import CameraError
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.disclosure import xmp
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.picture_files.reader import read_picture

_ASSUMED_FPS = 30.0
_SOME = 3  # so many names are told of many


class PictureFolder(Camera):
    """Each picture once, at the rate asked for, else at the one they tell, else at 30 fps. All must have the size of
    the first.
    """

    def __init__(self, source: str, request: CameraRequest) -> None:
        folder = user_path(source)
        self._paths = pictures_in(folder)
        self._first: Pixels | None = read_picture(self._paths[0])
        self._count = 0
        size = Size.of(self._first)
        name = f"{folder.resolve().name}/"
        fps = request.fps or xmp.frame_rate_in(xmp.found_in(self._paths[0]))
        notes = [f"{name}: {note}" for note in irregularities(self._paths)]
        if fps is None:
            fps = _ASSUMED_FPS
            notes.append(
                _(
                    "{name}: the pictures tell no rate; they play at {fps:g} fps, or say another with --fps",
                    name=name,
                    fps=fps,
                )
            )
        self.info = CameraInfo(name, size, fps, live=False, frame_count=len(self._paths), notes=tuple(notes))

    def read(self) -> Frame | None:
        index = self._count
        if index == len(self._paths):
            return None
        self._count += 1
        path = self._paths[index]
        pixels, self._first = self._first, None
        if pixels is None:
            pixels = read_picture(path)
        if Size.of(pixels) != self.info.size:
            raise CameraError(
                _(
                    "{name} is {size}, the pictures before it {info_size}; a folder's pictures must all have one size",
                    name=path.name,
                    size=Size.of(pixels),
                    info_size=self.info.size,
                )
            )
        return Frame(pixels, time.monotonic(), index / self.info.fps, index)

    def close(self) -> None:
        """Nothing to give back."""


def pictures_in(folder: Path) -> list[Path]:
    """Return a folder's pictures in natural order: 2 before 10. Raises CameraError where there are none."""
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise CameraError(
            _(
                "cannot read {folder}: {reason}; check the path and its permissions",
                folder=folder,
                reason=error.strerror,
            )
        ) from error
    paths = [p for p in entries if p.suffix.lower() in PICTURE_SUFFIXES and not p.name.startswith(".")]
    if not paths:
        kinds = ", ".join(sorted(PICTURE_SUFFIXES))
        raise CameraError(_("{folder} holds no pictures ({kinds}); choose another folder", folder=folder, kinds=kinds))
    return sorted(paths, key=natural_key)


def irregularities(paths: Sequence[Path]) -> list[str]:
    """Return what is odd in a row of pictures, in words: names of another kind among them, numbers that are missing."""
    rows: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        head, digits, tail = _last_number(path.stem)
        rows.setdefault((head, tail, path.suffix.lower() if digits else path.name), []).append(path)
    if len(rows) > 1:
        row = max(rows.values(), key=len)
        others = [path.name for path in paths if path not in row]
        if len(others) > len(row):  # no row at all: holiday pictures
            return []
        return [
            _("not of one row with the others: {others}; all play, in the order of their names", others=_some(others))
        ]
    head, first, tail = _last_number(paths[0].stem)
    if not first:  # a single picture
        return []
    numbers = [int(_last_number(path.stem)[1]) for path in paths]
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    if len(steps) <= 1:  # every picture, or every tenth
        return []
    step = min(steps) or 1
    if numbers[-1] - numbers[0] > 2 * step * len(numbers):  # half of them missing: photos, not frames
        return []
    missing = sorted(set(range(numbers[0], numbers[-1], step)) - set(numbers))
    if not missing:
        return []
    names = [f"{head}{number:0{len(first)}}{tail}{paths[0].suffix}" for number in missing]
    return [_("missing: {names}; what comes after them plays that much earlier", names=_some(names))]


def _some(names: Sequence[str]) -> str:
    more = _(" and {more} more", more=len(names) - _SOME) if len(names) > _SOME else ""
    return ", ".join(names[:_SOME]) + more


def _last_number(stem: str) -> tuple[str, str, str]:
    """Split a name around the last number in it, which is empty where there is none."""
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", stem)
    return (found[1], found[2], found[3]) if found else (stem, "", "")


def natural_key(path: Path) -> list[tuple[int, str]]:
    """Return a sort key in which numbers inside a name count as numbers."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
