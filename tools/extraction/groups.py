"""One folder for each person, largest first, so that a bystander can be thrown out.

What following a face through a clip says is one person stays together. Tracks are joined where they look alike enough
and are never seen at once. Crops that already lie in a person's folder are not moved: they are the user's, and what is
new joins them.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import CameraError, OutputError
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.picture_files.reader import read_picture
from tools.extraction.likeness import Likeness, unit
from tools.extraction.manifest import CropLine, ManifestWriter
from tools.extraction.writing import NEW

UNSORTED = "unsorted"
"""Where people go who were seen a few times only."""
_LEAST_CROPS = 5
_LOOKED_AT = 24
"""Crops of a track that are looked at: the mean of more of them says no more."""
_MOST_MERGED = 400
"""Beyond so many people, nobody looks whether two of them are one."""
_PERSON = re.compile(r"person-(\d+)")

Numbers = NDArray[np.float32]
Spans = dict[str, list[tuple[int, int]]]
"""For each source, the first and last frame in which somebody was seen."""


@dataclasses.dataclass
class Person:
    """A group to be."""

    folder: str
    """Empty for a new one."""
    crops: list[CropLine]
    mean: Numbers
    """Sum of what its tracks look like, each as often as it has crops."""
    spans: Spans

    def takes(self, other: Person) -> None:
        self.crops += other.crops
        self.mean = self.mean + other.mean
        for source, spans in other.spans.items():
            self.spans.setdefault(source, []).extend(spans)

    def seen_beside(self, other: Person) -> bool:
        """Tell whether both were seen at once: then they are two."""
        return any(
            first <= other_last and other_first <= last
            for source in self.spans.keys() & other.spans.keys()
            for first, last in self.spans[source]
            for other_first, other_last in other.spans[source]
        )


def sort_new_crops(
    folder: Path,
    crops: Mapping[str, CropLine],
    files: Mapping[str, Path],
    likeness: Likeness,
    manifest: ManifestWriter,
    progress: Callable[[str, float], None],
) -> list[Path]:
    """Move the crops in `new` to a folder for each person and return the folders that changed.

    Raises OutputError where they cannot be moved.
    """
    fresh, known = _tracks(crops, files)
    total = len(fresh) + len(known) or 1
    people: list[Person] = []
    for number, (group, lines) in enumerate(sorted(known.items())):
        progress("who is who", number / total)
        people.append(_person(lines, files, likeness, group))
    for number, lines in enumerate(sorted(fresh.values(), key=len, reverse=True)):
        progress("who is who", (len(known) + number) / total)
        _join(people, _person(lines, files, likeness, ""), likeness.least)
    _merge(people, likeness.least)
    _name(people, folder)
    changed = _move(people, folder, files, manifest)
    progress("who is who", 1.0)
    return changed


def _tracks(
    crops: Mapping[str, CropLine], files: Mapping[str, Path]
) -> tuple[dict[str, list[CropLine]], dict[str, list[CropLine]]]:
    """Return the new crops by track, and those of people who have a folder by its name."""
    fresh: dict[str, list[CropLine]] = defaultdict(list)
    known: dict[str, list[CropLine]] = defaultdict(list)
    for name, line in crops.items():
        if name in files:
            place = files[name].parent.name
            if place == NEW:
                fresh[line.track].append(line)
            elif place != UNSORTED:
                known[place].append(line)
    return fresh, known


def _person(lines: list[CropLine], files: Mapping[str, Path], likeness: Likeness, folder: str) -> Person:
    spans: Spans = {}
    for line in lines if not folder else []:  # a folder is the user's: whoever lies in it is one person
        first, last = spans.get(line.source, [(line.frame, line.frame)])[0]
        spans[line.source] = [(min(first, line.frame), max(last, line.frame))]
    seen: list[Numbers] = []
    for place in np.unique(np.linspace(0, len(lines) - 1, min(len(lines), _LOOKED_AT)).round().astype(int)):
        try:
            crop = read_picture(files[lines[place].file])
        except CameraError:  # the user's own damage; training will say so
            continue
        seen.append(likeness.of(crop, FaceMesh(lines[place].points(crop.shape[0]), 1.0)))
    mean = unit(np.asarray(np.mean(seen, axis=0), np.float32)) if seen else np.zeros(1, np.float32)
    return Person(folder, lines, mean * np.float32(len(lines)), spans)


def _alike(people: Sequence[Person], person: Person) -> Numbers:
    if person.mean.size == 1:  # nothing of it could be read
        return np.full(len(people), -1.0, np.float32)
    embedding = unit(person.mean)
    return np.array(
        [float(unit(each.mean) @ embedding) if each.mean.size == embedding.size else -1.0 for each in people]
    )


def _join(people: list[Person], person: Person, least: float) -> None:
    """Let a track join the person it looks like most, or be a new one."""
    alike = _alike(people, person)
    for place in np.argsort(-alike):
        if alike[place] < least:
            break
        if not people[place].seen_beside(person):
            people[place].takes(person)
            return
    people.append(person)


def _merge(people: list[Person], least: float) -> None:
    """Join people who turned out to be one: means of more tracks say more. Folders of the user's stay apart."""
    again = len(people) <= _MOST_MERGED
    while again:
        again = False
        for one in [person for person in people if not person.folder]:
            others = [person for person in people if person is not one]
            alike = _alike(others, one)
            best = int(alike.argmax()) if others else -1
            if others and alike[best] >= least and not others[best].seen_beside(one):
                others[best].takes(one)
                people[:] = others
                again = True
                break


def _name(people: Sequence[Person], folder: Path) -> None:
    """Give new people a folder: by size, those seen a few times only together."""
    fresh = sorted((person for person in people if not person.folder), key=lambda person: -len(person.crops))
    largest = max((len(person.crops) for person in people), default=0)
    numbers = [int(match[1]) for place in folder.iterdir() if (match := _PERSON.fullmatch(place.name))]
    number = max(numbers, default=0)
    for person in fresh:
        if len(person.crops) < min(_LEAST_CROPS, largest):
            person.folder = UNSORTED
        else:
            number += 1
            person.folder = f"person-{number}"


def _move(people: Sequence[Person], folder: Path, files: Mapping[str, Path], manifest: ManifestWriter) -> list[Path]:
    changed: dict[str, Path] = {}
    try:
        for person in people:
            place = folder / person.folder
            for line in person.crops:
                file = files[line.file]
                if file.parent.name == NEW:
                    place.mkdir(exist_ok=True)
                    file.replace(place / line.file)
                    manifest.add({"file": line.file, "group": person.folder})
                    changed[person.folder] = place
        if not any((folder / NEW).iterdir()):
            (folder / NEW).rmdir()
    except OSError as error:
        raise OutputError(
            f"cannot move crops in {folder}: {error.strerror}; nothing is lost, the same command goes on"
        ) from error
    return list(changed.values())
