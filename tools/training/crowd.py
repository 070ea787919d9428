"""Faces of many people: cut from photos by the live loop's own crop, or taken from extractions; and whose each is.

People are held out, not pictures: of somebody whose other pictures were learnt, a network knows more than it would know
live. Who is held out follows from the person's name alone, so that every tool comes to the same people.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import CameraError, OptionError
from realtime.core.files import atomic_write
from realtime.faces.landmarks.alignment import FACE, Alignment, sample
from realtime.faces.landmarks.mesh import POINT_COUNT
from realtime.imaging.frame import Pixels
from realtime.picture_files.reader import read_picture
from tools.extraction import CROP_WIDER
from tools.extraction.cutter import Cutter, Limits
from tools.extraction.groups import UNSORTED
from tools.extraction.manifest import NAME, in_units
from tools.extraction.writing import NEW
from tools.training.data import Share, Shuffled, relit
from tools.training.faces import Augmentation, FaceSet, crops_in, jittered, kept_faces, kept_px
from tools.training.pictures import LEAST_PICTURES, SUFFIXES, fingerprint, open_store, write_store

Progress = Callable[[str, float], None]

_FORMAT = 1
_LEAST_FACE = 0.4
"""Side of a face in a photo, of the network's: below, a face of 128 px would be learnt from fewer than 51."""
_LEAST_SHARPNESS = 0.008


@dataclasses.dataclass(frozen=True)
class Crowd:
    """Faces of many people, numbered through."""

    sets: tuple[FaceSet, ...]
    places: NDArray[np.int64]
    """(N, 2): for each face its set, and its number there."""
    people: tuple[str, ...]
    """Whose each is."""
    left_out: tuple[str, ...]
    """Why pictures were left out, one line each."""

    def __len__(self) -> int:
        return len(self.places)

    def name(self, index: int) -> str:
        """Return the file of face `index`, without folder and ending: what lists of attributes know it by."""
        number, place = self.places[index]
        return Path(self.sets[number].store.names[place]).stem

    def cut(self, index: int, augmentation: Augmentation, rng: np.random.Generator) -> Pixels:
        """Return face `index` as RGB [S, S, 3]: turned, moved, lit and mirrored by chance."""
        number, place = self.places[index]
        faces, side = self.sets[number], augmentation.side_px
        to_picture = jittered(Alignment.parse(FACE).to_picture(faces.mesh(place), side), augmentation, rng)
        face = relit(sample(faces.store.picture(place), to_picture, side), augmentation.light, rng)
        return np.ascontiguousarray(face[:, ::-1]) if augmentation.flip and rng.random() < 0.5 else face

    def plain(self, index: int, side_px: int) -> Pixels:
        """Return face `index` as RGB [S, S, 3], as the live loop would give it to the network."""
        number, place = self.places[index]
        faces = self.sets[number]
        to_picture = Alignment.parse(FACE).to_picture(faces.mesh(place), side_px)
        return sample(faces.store.picture(place), to_picture, side_px)


class CrowdFaces:
    """A source of faces alone, in a shuffled order."""

    def __init__(
        self, crowd: Crowd, learnt: NDArray[np.int64], augmentation: Augmentation, seed: int, share: Share
    ) -> None:
        self._crowd, self._augmentation, self._share = crowd, augmentation, share
        self._shuffled = Shuffled(learnt, seed)

    def draw(self, step: int) -> tuple[NDArray[np.uint8], None]:
        return np.stack([self._face(number) for number in self._share.numbers(step)]), None

    def _face(self, number: int) -> Pixels:
        shuffled = self._shuffled
        return self._crowd.cut(shuffled.picture_of(number), self._augmentation, shuffled.chance(number))


def load_crowd(folders: Sequence[Path], people: Path | None, face_px: int, cache: Path, progress: Progress) -> Crowd:
    """Return the faces in `folders`, each of photos or an extraction (then each of its folders is a person).

    `people` lists whose the photos are; without it everybody is seen once. Raises OptionError where nothing can be
    learnt from them, or the list knows none of them.
    """
    known = read_people(people) if people is not None else {}
    sets: list[FaceSet] = []
    whose: list[str] = []
    left_out: list[str] = []
    recognised = 0
    for folder in folders:
        if not folder.is_dir():
            raise OptionError(f"{folder} is no folder; name one of photos, or one that tools.extract_faces made")
        extracted = any((place / NAME).is_file() for place in (folder, folder.resolve().parent))
        faces = _extracted(folder, face_px, cache, progress) if extracted else _cut(folder, face_px, cache, progress)
        sets.append(faces)
        left_out += faces.store.skipped
        for name in faces.store.names:
            stem = Path(name).stem
            recognised += stem in known
            whose.append("/".join(Path(name).parts[-3:-1]) if extracted else known.get(stem, stem))
    if len(whose) < LEAST_PICTURES:
        reason = f" ({left_out[0]})" if left_out else ""
        raise OptionError(
            f"{' '.join(map(str, folders))} holds {len(whose)} faces that can be used{reason}; training needs "
            f"{LEAST_PICTURES} at least, and some thousands to draw faces it has not seen"
        )
    if known and not recognised:
        raise OptionError(f"{people} knows none of the pictures in {' '.join(map(str, folders))}")
    places = [(number, place) for number, faces in enumerate(sets) for place in range(len(faces))]
    return Crowd(tuple(sets), np.array(places, np.int64), tuple(whose), tuple(left_out))


def part_people(crowd: Crowd, share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which faces are learnt from and which are held out: all those of about `share` of the people.

    Raises OptionError where all are one person's.
    """
    lots = {person: _lot(person) for person in set(crowd.people)}
    if len(lots) < 2:
        raise OptionError("all faces are one person's; a network that is to draw anybody needs many people")
    bound = max(share, min(lots.values()))
    is_held_out = np.array([lots[person] <= bound for person in crowd.people])
    if is_held_out.all():
        raise OptionError(f"with {share:g} of {len(lots)} people held out, nobody is left to learn from")
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def read_people(path: Path) -> dict[str, str]:
    """Return whose each picture is, by its file's name without ending: two columns, picture and person, with commas
    (.csv, .csv.gz) or blanks between them, as CelebA's list has it. Raises OptionError for any other file.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise OptionError(f"cannot read {path} ({error}); name a list of pictures and whose they are") from None
    lines = [line for line in text.splitlines() if line.strip()]
    rows = [next(csv.reader([line])) if "," in line else line.split() for line in lines]
    misshapen = next((number for number, row in enumerate(rows, 1) if len(row) != 2), 0)
    if misshapen or not rows:
        raise OptionError(f"{path}, line {misshapen}: expected a picture and a person, as in '000001.jpg,2880'")
    return {Path(picture).stem: person for picture, person in rows}


def _lot(person: str) -> float:
    """Return a number 0..1 that stands for a person."""
    return int.from_bytes(hashlib.sha256(person.encode()).digest()[:8], "big") / 2**64


def _extracted(folder: Path, face_px: int, cache: Path, progress: Progress) -> FaceSet:
    people = [folder]
    if (folder / NAME).is_file():
        people = [place for place in sorted(folder.iterdir()) if place.is_dir() and place.name not in (UNSORTED, NEW)]
    found, left_out, wider = [], 0, CROP_WIDER
    for place in people:
        crops, strangers, wider = crops_in(place)
        found += crops
        left_out += strangers
    return kept_faces(found, kept_px(face_px, wider), left_out, cache, progress)


def _cut(folder: Path, face_px: int, cache: Path, progress: Progress) -> FaceSet:
    """Cut the largest face of each photo; once for each folder and size."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    side_px = kept_px(face_px, CROP_WIDER)
    index_file = cache / f"crowd-{fingerprint(files, f'{_FORMAT} {side_px}')}.json"
    data_file, points_file = index_file.with_suffix(".pixels"), index_file.with_suffix(".npy")
    if not all(file.is_file() for file in (index_file, data_file, points_file)):
        cache.mkdir(parents=True, exist_ok=True)
        points: list[NDArray[np.int16]] = []
        limits = Limits(least_px=round(face_px * _LEAST_FACE), least_sharpness=_LEAST_SHARPNESS)
        with Cutter(limits, side_px) as cutter:
            write_store(_largest(files, cutter, side_px, points, progress), index_file, data_file)
        with atomic_write(points_file) as unfinished, unfinished.open("wb") as file:
            np.save(file, np.stack(points) if points else np.empty((0, POINT_COUNT, 3), np.int16))
    return FaceSet(open_store(index_file, data_file), np.load(points_file), 0)


def _largest(
    files: Sequence[Path], cutter: Cutter, side_px: int, points: list[NDArray[np.int16]], progress: Progress
) -> Iterator[tuple[str, Pixels | str]]:
    """Yield each photo's largest face, or why there is none, and put its mesh with the others in `points`."""
    for number, path in enumerate(files):
        progress("cutting faces", (number + 1) / len(files))
        try:
            pixels = read_picture(path)
        except CameraError as error:
            yield str(path), str(error)
            continue
        cut = next(cutter.of_photo(pixels), None)
        if cut is None or cut.crop is None or cut.points is None or cut.fault is not None:
            reason = "no face" if cut is None or cut.fault is None else cut.fault.value
            yield str(path), f"{path.name}: {reason}"
            continue
        points.append(in_units(cut.points, side_px))
        yield str(path), np.ascontiguousarray(cv2.cvtColor(cut.crop, cv2.COLOR_BGR2RGB), np.uint8)
