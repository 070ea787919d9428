"""The pictures of a pack: found by their numbers, checked before they are decoded."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from realtime.core.errors import PortraitError
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.imaging.frame import Pixels, Size
from realtime.picture_files.header import MAX_PICTURE_PX, MAX_SIDE_PX, check_whole, read_header
from realtime.picture_files.reader import decode_opaque
from realtime.portrait.pack.archive import MAX_FILE_BYTES, PackFiles
from realtime.portrait.pack.manifest import MANIFEST, MAX_PICTURES

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})


class NumberedPictures(NamedTuple):
    """Numbered pictures of one size."""

    files: PackFiles
    names: tuple[str, ...]
    size: Size

    @classmethod
    def find(cls, files: PackFiles, folder: str, count: int | None = None) -> NumberedPictures:
        """Find the pictures of a folder of the pack, and check every file.

        With `count`: those from 0 to `count` − 1, and no others; else as many as there are, from the least number on.
        Raises PortraitError.
        """
        by_number = numbered_names(files, folder)
        if not by_number:
            shown = f"{folder}/" if folder else "it"
            raise PortraitError(
                _("{path} has no pictures in {shown}; they are named 000.png, 001.png …", path=files.path, shown=shown)
            )
        first = min(by_number) if count is None else 0
        numbers = range(first, first + (len(by_number) if count is None else count))
        missing = next((number for number in numbers if number not in by_number), None)
        if missing is not None:
            name = _renumbered(next(iter(by_number.values())), missing)
            last = max(numbers[-1], *by_number)
            raise PortraitError(
                _(
                    "{path} lacks {name}; there must be one for each of {first} to {last}",
                    path=files.path,
                    name=name,
                    first=first,
                    last=last,
                )
            )
        extra = sorted(set(by_number) - set(numbers))
        if extra:
            raise PortraitError(
                _(
                    "{path}: {by_number} is more than the {count} that columns × rows in {manifest} say",
                    path=files.path,
                    by_number=by_number[extra[0]],
                    count=len(numbers),
                    manifest=MANIFEST,
                )
            )
        names = tuple(by_number[number] for number in numbers)
        size = _checked_size(files, names[0])
        for name in names[1:]:
            other = _checked_size(files, name)
            if other != size:
                raise PortraitError(
                    _(
                        "{path}: {name} is {other}, but {names} is {size}; all must be of one size",
                        path=files.path,
                        name=name,
                        other=other,
                        names=names[0],
                        size=size,
                    )
                )
        return cls(files, names, size)

    def decode(self, index: int, size: Size | None = None) -> Pixels:
        """Decode a picture, counted from 0. Raises PortraitError when it is damaged, or not of the `size` asked for:
        only EXIF data that turn one picture and not the next get so far.
        """
        if not 0 <= index < len(self.names):
            raise IndexError(f"picture {index} of {len(self.names)}")
        name = self.names[index]
        pixels = read_picture(self.files, name)
        if size is not None and Size.of(pixels) != size:
            raise PortraitError(
                _(
                    "{path}: {name} is {size}, not {others_size} like the others",
                    path=self.files.path,
                    name=name,
                    size=Size.of(pixels),
                    others_size=size,
                )
            )
        return pixels


def numbered_names(files: PackFiles, folder: str) -> dict[int, str]:
    """Return the pictures of a folder of the pack by the last number in their names. Raises PortraitError."""
    by_number: dict[int, str] = {}
    for name in sorted(files.names):
        path = PurePosixPath(name)
        if str(path.parent) != (folder or ".") or path.suffix.lower() not in _SUFFIXES:
            continue
        digits = re.findall(r"\d+", path.stem)
        if not digits or path.name.startswith("."):
            continue
        number = int(digits[-1])
        if number in by_number:
            raise PortraitError(
                _(
                    "{path}: {by_number} and {name} have the same number",
                    path=files.path,
                    by_number=by_number[number],
                    name=name,
                )
            )
        by_number[number] = name
    if len(by_number) > MAX_PICTURES:
        raise PortraitError(
            _(
                "{path} has {count} pictures; a portrait has at most {most}",
                path=files.path,
                count=len(by_number),
                most=MAX_PICTURES,
            )
        )
    return by_number


def read_picture(files: PackFiles, name: str) -> Pixels:
    """Read a picture of the pack. Raises PortraitError."""
    return _decode(f"{files.path}: {name}", files.read(name))


def read_painting_file(path: Path) -> Pixels:
    """Read a painting from a file of its own. Raises PortraitError."""
    path = user_path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise PortraitError(
            _("cannot read the painting {path}: {reason}", path=path, reason=error.strerror or error)
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise PortraitError(
            _("the painting {path} is larger than {most_mib} MiB", path=path, most_mib=MAX_FILE_BYTES // 2**20)
        )
    return _decode(_("the painting {path}", path=path), data)


def _renumbered(name: str, number: int) -> str:
    """Return a picture's name with another number, in as many digits: `frames/000.png`, 12 → `frames/012.png`."""
    path = PurePosixPath(name)
    digits = list(re.finditer(r"\d+", path.stem))[-1]
    stem = f"{path.stem[: digits.start()]}{number:0{len(digits[0])}d}{path.stem[digits.end() :]}"
    return str(path.with_name(stem + path.suffix))


def _checked_size(files: PackFiles, name: str) -> Size:
    return _check(f"{files.path}: {name}", files.read(name))


def _check(where: str, data: bytes) -> Size:
    """Return the size a file's header claims. Raises PortraitError when it is absurd or the file is not whole."""
    try:
        size = read_header(data).size
        check_whole(data)
    except ValueError as error:
        raise PortraitError(f"{where} {error}") from None
    if min(size) < 1 or max(size) > MAX_SIDE_PX or size.width * size.height > MAX_PICTURE_PX:
        raise PortraitError(
            _(
                "{where} says it is {size}; pictures may have {most_px} pixels a side and {most_megapixels} megapixels",
                where=where,
                size=size,
                most_px=MAX_SIDE_PX,
                most_megapixels=MAX_PICTURE_PX // 10**6,
            )
        )
    return size


def _decode(where: str, data: bytes) -> Pixels:
    """Decode a picture of a pack. Opacity is ignored: heads are blended into their painting by their rims alone, and
    what lies under a transparent part is the painting's to say.
    """
    _check(where, data)
    try:
        return decode_opaque(data)
    except ValueError:
        raise PortraitError(_("{where} is damaged: it cannot be decoded", where=where)) from None
