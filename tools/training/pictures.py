"""A folder of pictures, made ready once: decoded, scaled to the training size, and laid into one file on disk.

Decoding photos large cost ten times the training itself, so that it is done once for each folder and size; from then
on a crop is a view into a memory map, whichever picture it comes from.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from realtime.core.errors import CameraError, OptionError
from realtime.core.files import atomic_write
from realtime.imaging.frame import Pixels
from realtime.picture_files.reader import read_picture

T = TypeVar("T")

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
LEAST_PICTURES = 16
"""Fewer than this are learnt by heart: what comes out repaints these pictures and no others."""
Change = Callable[[Pixels, np.random.Generator], Pixels]
"""Something done to every RGB picture as it is prepared."""
_MOST_ASPECT = 2.5  # a panorama's ends are left out, so that it weighs no more than a few pictures
_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class PictureStore:
    """Pictures of different sizes in one file of raw pixels, opened as a memory map."""

    file: Path
    """Where the pixels lie; its name is made of what they were made from."""
    pixels: np.memmap[tuple[int], np.dtype[np.uint8]]
    places: tuple[tuple[int, int, int], ...]
    """For each picture: offset in bytes, height, width."""
    names: tuple[str, ...]
    skipped: tuple[str, ...]
    """Why files were left out, one line each."""

    def __len__(self) -> int:
        return len(self.places)

    def picture(self, index: int) -> Pixels:
        """Return picture `index` as (height, width, 3) uint8 **RGB**, a read-only view."""
        offset, height, width = self.places[index]
        return self.pixels[offset : offset + height * width * 3].reshape(height, width, 3)


def prepare(
    folders: Sequence[Path],
    shorter_px: int,
    cache: Path,
    progress: Callable[[str, float], None],
    change: Change | None = None,
) -> PictureStore:
    """Return the pictures of `folders` (and of folders inside them), shorter side scaled down to `shorter_px`.

    Smaller pictures stay as they are, but those whose shorter side is under half of it are left out as too small. Kept
    in `cache`, under a name made of what went in, so that a changed folder is prepared anew. Files that are no whole
    picture are left out and named in `skipped`. `change` is done to each picture, chance drawn by its number.

    Raises OptionError for a folder that is missing or holds fewer than LEAST_PICTURES pictures.
    """
    files = [path for folder in folders for path in _picture_files(folder)]
    name = fingerprint(files, f"{_FORMAT} {shorter_px}") + (f"-{change.__name__}" if change else "")
    index_file = cache / f"{name}.json"
    data_file = index_file.with_suffix(".pixels")
    if not (index_file.is_file() and data_file.is_file()):
        cache.mkdir(parents=True, exist_ok=True)
        _write_store(files, shorter_px, index_file, data_file, progress, change)
    store = open_store(index_file, data_file)
    if len(store) < LEAST_PICTURES:
        where = " ".join(map(str, folders))
        reason = f" ({store.skipped[0]})" if store.skipped else ""
        raise OptionError(
            f"{where} holds {len(store)} pictures that can be used{reason}; training needs {LEAST_PICTURES} at least, "
            "and looks good from some hundreds on"
        )
    return store


def write_store(pictures: Iterable[tuple[str, Pixels | str]], index_file: Path, data_file: Path) -> PictureStore:
    """Write RGB pictures (or, for those left out, the reason) with their names, whole or not at all, and open them."""
    places: list[tuple[int, int, int]] = []
    names: list[str] = []
    skipped: list[str] = []
    # The index comes second: where it exists, the pixels are complete.
    with atomic_write(index_file) as unfinished_index:
        with atomic_write(data_file) as unfinished, unfinished.open("wb") as file:
            for name, picture in pictures:
                if isinstance(picture, str):
                    skipped.append(picture)
                    continue
                places.append((file.tell(), picture.shape[0], picture.shape[1]))
                names.append(name)
                file.write(np.ascontiguousarray(picture).data)
            if not places:
                file.write(b"\0")  # an empty file cannot be mapped
        index = {"places": places, "names": names, "skipped": skipped}
        unfinished_index.write_text(json.dumps(index), encoding="utf-8")
    return open_store(index_file, data_file)


def open_store(index_file: Path, data_file: Path) -> PictureStore:
    """Open what `write_store` wrote."""
    index = json.loads(index_file.read_text(encoding="utf-8"))
    return PictureStore(
        file=data_file,
        pixels=np.memmap(data_file, np.uint8, "r"),
        places=tuple((offset, height, width) for offset, height, width in index["places"]),
        names=tuple(index["names"]),
        skipped=tuple(index["skipped"]),
    )


def read_ahead(read: Callable[[Path], T], paths: Sequence[Path], *, threads: int) -> Iterator[T]:
    """Yield what `read` makes of each path, in order, while the next ones are being read."""
    # OpenCV decodes outside Python's lock; a few pictures ahead are enough, all at once would fill the memory.
    ahead = 4 * threads
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        waiting = [pool.submit(read, path) for path in paths[:ahead]]
        for number in range(len(paths)):
            picture = waiting.pop(0).result()
            if number + ahead < len(paths):
                waiting.append(pool.submit(read, paths[number + ahead]))
            yield picture


def _write_store(
    files: Sequence[Path],
    shorter_px: int,
    index_file: Path,
    data_file: Path,
    progress: Callable[[str, float], None],
    change: Change | None,
) -> None:
    def one_after_another() -> Iterable[tuple[str, Pixels | str]]:
        pictures = read_ahead(lambda path: _prepared(path, shorter_px), files, threads=os.cpu_count() or 1)
        for number, (path, picture) in enumerate(zip(files, pictures, strict=True)):
            progress("preparing pictures", (number + 1) / len(files))
            if change is not None and not isinstance(picture, str):
                picture = change(picture, np.random.default_rng(number))
            yield path.name, picture

    write_store(one_after_another(), index_file, data_file)


def _prepared(path: Path, shorter_px: int) -> Pixels | str:
    """Return the picture as RGB at its training size, or the reason why it is left out."""
    try:
        pixels = read_picture(path)
    except CameraError as error:
        return str(error)
    height, width = pixels.shape[:2]
    shorter = min(height, width)
    if shorter < shorter_px / 2:
        return f"{path.name} is too small: {width}x{height}"
    most = round(shorter * _MOST_ASPECT)
    top, left = max(0, height - most) // 2, max(0, width - most) // 2
    pixels = pixels[top : top + most, left : left + most]
    if shorter > shorter_px:
        scale = shorter_px / shorter
        size = (max(shorter_px, round(pixels.shape[1] * scale)), max(shorter_px, round(pixels.shape[0] * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _picture_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise OptionError(f"{folder} is no folder; name one that holds pictures")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def fingerprint(files: Sequence[Path], how: str) -> str:
    """Return a name for what is prepared of these files `how`: another one where any of them has changed."""
    digest = hashlib.sha256(how.encode())
    for path in files:
        facts = path.stat()
        digest.update(f"\0{path.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}".encode())
    return digest.hexdigest()[:24]
