"""A face of several photos beside each of them alone: who is more like photos that neither has seen."""

from __future__ import annotations

import csv
import dataclasses
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import RealtimeError
from realtime.swap.face.face_file import write_face
from realtime.swap.face.opening import build_face
from realtime.swap.photo.loading import MOST_YAW_DEGREES, read_source
from tools.swap_figures.material import SHARED_DATA, Clip
from tools.swap_figures.talking import talk
from tools.swap_figures.wearing import Eyes, Seen

_SOURCES = 5
_LEAST_HELD_OUT = 2
_OF_FILM = 6
"""Frames of a film that stand for single photos of it, and for photos that were not used."""


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Pictures of one person."""

    name: str
    sources: tuple[Path, ...]
    """What the face is built of: photos, or a film."""
    alone: tuple[Path, ...]
    """Single photos to compare it with."""
    held_out: tuple[Path, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """One person's face on one clip. Likenesses are cosines with the mean of photos that were held out."""

    person: str
    clip: str
    viewer: float
    one: float
    """The mean over single photos …"""
    best: float
    """… and the best of them."""
    several: float
    one_aside: float
    """Where the viewer is turned by 30° and more; NaN: nowhere."""
    several_aside: float
    seam_one: float
    seam: float
    steady_one: float
    steady: float
    expression_one: float
    expression: float


def several_photos(most: int) -> Iterator[Person]:
    """Yield people of whom the shared data have the most photos: the first five are the face, the rest held out."""
    table = SHARED_DATA / "faces" / "identities.csv.gz"
    if not table.is_file():
        return
    by_person: dict[str, list[Path]] = {}
    with gzip.open(table, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            image = (SHARED_DATA / "faces" / "images" / row["image"]).with_suffix(".webp")
            by_person.setdefault(row["person"], []).append(image)
    names = sorted(by_person, key=lambda name: (-len(by_person[name]), name))
    for name in names[:most]:
        photos = tuple(by_person[name])
        if len(photos) >= _SOURCES + _LEAST_HELD_OUT:
            yield Person(name, photos[:_SOURCES], photos[:_SOURCES], photos[_SOURCES:])


def halved_films(films: Sequence[str], folder: Path) -> Iterator[Person]:
    """Yield the people of films: the first half is the face, frames of it the single photos, the second is held out."""
    for name in films:
        film = cv2.VideoCapture(name)
        frames: list[NDArray[np.uint8]] = []
        while (read := film.read())[0]:
            frames.append(np.asarray(read[1], np.uint8))
        rate = film.get(cv2.CAP_PROP_FPS) or 30.0
        film.release()
        half = len(frames) // 2
        stem = Path(name).stem
        target = folder / f"{stem}.mp4"
        height, width = frames[0].shape[:2]
        writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), rate, (width, height))
        for frame in frames[:half]:
            writer.write(frame)
        writer.release()
        alone = tuple(_written(frames, number, folder, stem) for number in _spread(0, half))
        yield Person(
            stem, (target,), alone, tuple(_written(frames, n, folder, stem) for n in _spread(half, len(frames)))
        )


def compared(
    person: Person, clip: Clip, sightings: Sequence[Seen], eyes: Eyes, every: int, folder: Path
) -> Compared | None:
    """Dress a clip in a person's single photos and in the face of all. None where it is not to be measured: the clip
    is of that person, or too few photos show a face.
    """
    if person.name == clip.name:
        return None
    held = [found for photo in person.held_out if (found := _who(photo, eyes)) is not None]
    alone = [photo for photo in person.alone if _is_wearable(photo, eyes)]
    if len(held) < _LEAST_HELD_OUT or not alone:
        return None
    target = np.asarray(np.mean(held, axis=0) / np.linalg.norm(np.mean(held, axis=0)), np.float32)
    face = folder / f"{person.name}.face"
    if not face.exists():
        write_face(build_face(person.sources, eyes.meter).face, face)
    ones = [talk(clip, sightings, photo, eyes, every, 0, target)[0] for photo in alone]
    several, _ = talk(clip, sightings, face, eyes, every, 0, target)
    return Compared(
        person.name,
        clip.name,
        several.before,
        *(float(np.mean([one.after for one in ones])), max(one.after for one in ones), several.after),
        *(float(np.mean([one.after_aside for one in ones])), several.after_aside),
        *(float(np.mean([one.seam for one in ones])), several.seam),
        *(float(np.mean([one.steady for one in ones])), several.steady),
        *(float(np.mean([one.expression.percent for one in ones])), several.expression.percent),
    )


FACES_HEAD = (
    "| person | clip | like held-out photos: viewer | one photo (best) | several | gain "
    "| from 30° on: one, several, gain "
    "| seam: one, several | steady: one, several | expression, %: one, several |\n" + "|---" * 10 + "|"
)


def faces_row(row: Compared) -> str:
    """One line of the table."""
    aside = (
        f"{row.one_aside:.2f}, {row.several_aside:.2f}, {row.several_aside - row.one_aside:+.2f}"
        if np.isfinite(row.several_aside)
        else ""
    )
    return (
        f"| {row.person} | {row.clip} | {row.viewer:.2f} | {row.one:.2f} ({row.best:.2f}) | {row.several:.2f} "
        f"| {row.several - row.one:+.2f} | {aside} | {row.seam_one:.0f}, {row.seam:.0f} "
        f"| {row.steady_one:.2f}, {row.steady:.2f} | {row.expression_one:.1f}, {row.expression:.1f} |"
    )


def mean_of(rows: Sequence[Compared]) -> Compared:
    """Return the mean of all lines; of what is measured in some of them only, the mean over those."""
    numbers = [dataclasses.astuple(row)[2:] for row in rows]
    means = [float(np.nanmean(column)) if np.isfinite(column).any() else float("nan") for column in np.array(numbers).T]
    return Compared("mean", f"{len(rows)} pairs", *means)


def _spread(first: int, end: int) -> list[int]:
    return [round(float(number)) for number in np.linspace(first, end - 1, _OF_FILM)]


def _written(frames: Sequence[NDArray[np.uint8]], number: int, folder: Path, stem: str) -> Path:
    path = folder / f"{stem}-{number}.png"
    cv2.imwrite(str(path), frames[number])
    return path


def _who(photo: Path, eyes: Eyes) -> NDArray[np.float32] | None:
    try:
        return eyes.photo(photo)
    except RealtimeError:
        return None


def _is_wearable(photo: Path, eyes: Eyes) -> bool:
    try:
        return abs(read_source(photo, eyes.meter).mesh.yaw_degrees) <= MOST_YAW_DEGREES
    except RealtimeError:
        return False
