"""Pictures and portrait packs by their names, as faces that move on a canvas."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from realtime.cameras import PICTURE_SUFFIXES
from realtime.core.errors import PortraitError, first_clause
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.faces.landmarks.iris import Eye, Eyes
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer, gaze
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import Place, place_inside
from realtime.picture_files.painting import read_picture
from realtime.portrait.building.default import default_picture
from realtime.portrait.building.moving_faces import measured_face, usable_faces
from realtime.portrait.canvas import Fit, RegionResampler, draw_painting, painting_area
from realtime.portrait.engines import EngineMaker, Source, engine_maker
from realtime.portrait.pack import Portrait, find_pack
from realtime.puppet.engine_figure import EngineFigure
from realtime.puppet.figure import Figure

log = logging.getLogger(__name__)

LIVE = "mesh"
"""The engine that moves the picture itself, at camera rate."""


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """A face that moves on a canvas."""

    figure: Figure | EngineFigure
    place: Place
    """What the figure changes of the canvas."""

    def close(self) -> None:
        """End what an engine does on a thread of its own."""
        if isinstance(self.figure, EngineFigure):
            self.figure.close()


@dataclasses.dataclass(frozen=True, slots=True)
class Staged:
    """Pictures side by side on a canvas, in each a face that moves."""

    title: str
    canvas: Pixels
    """The whole canvas with the faces as they are in their pictures."""
    heads: tuple[Head, ...]
    """From left to right."""

    def close(self) -> None:
        for head in self.heads:
            head.close()


@dataclasses.dataclass(frozen=True, slots=True)
class _Opened:
    """A picture, and what is known of the face in it that is to be moved."""

    title: str
    painting: Pixels
    seen: FaceMeasurement

    @property
    def size(self) -> Size:
        return Size.of(self.painting)


def named_picture(name: str) -> tuple[str, Pixels]:
    """Return the title and pixels of a picture file, of a pack's painting, or of the default portrait's (empty).

    Raises PortraitError.
    """
    if not name:
        path = default_picture()
        return path.stem.replace("_", " "), read_picture(path)[0]
    path = user_path(name)
    if path.suffix.lower() in PICTURE_SUFFIXES or (path.is_file() and not _is_pack(path)):
        pixels, note = read_picture(path)
        if note:
            log.debug("%s", note)
        return path.stem, pixels
    portrait = Portrait.open(find_pack(name))
    try:
        return portrait.title, portrait.painting
    finally:
        portrait.close()


def stage(
    names: Sequence[str], number: int, fit: Fit, canvas: Size | None, largest: Size, engine: str = LIVE
) -> Staged:
    """Open pictures by their names (none: the default portrait's) with one of the faces of each (1: the largest) to be
    moved. `canvas`: None: the size that the pictures have, or the `largest` that may be. Several stand side by side.
    `engine`: what moves the faces, the picture itself (`LIVE`) or a motion model by its name or file, opened once for
    all.

    Raises PortraitError: no such picture, no face in it, none with that number, or one that cannot be moved;
    OptionError and ModelError: no such engine.
    """
    maker = None if engine == LIVE else engine_maker(engine)
    meter = FaceMeasurer()
    opened = [_open(name, number, meter) for name in names or ("",)]
    if canvas is None:
        canvas = _size_of_all([each.size for each in opened], largest)
    ends = [round(canvas.width * count / len(opened)) for count in range(len(opened) + 1)]
    drawn: list[Pixels] = []
    heads: list[Head] = []
    try:
        for each, left, right in zip(opened, ends, ends[1:], strict=False):
            pixels, head = _put_on(each, fit, Size(right - left, canvas.height), maker)
            drawn.append(pixels)
            heads.append(Head(head.figure, head.place._replace(left=head.place.left + left)))
    except BaseException:
        for head in heads:
            head.close()
        raise
    whole = drawn[0] if len(drawn) == 1 else np.ascontiguousarray(np.hstack(drawn))
    return Staged(", ".join(each.title for each in opened), whole, tuple(heads))


def _size_of_all(sizes: Sequence[Size], largest: Size) -> Size:
    """Return the size of as many places beside each other, in each of which a picture fits as it is."""
    whole = Size(len(sizes) * max(size.width for size in sizes), max(size.height for size in sizes))
    if whole.width <= largest.width and whole.height <= largest.height:
        return whole
    return place_inside(whole, largest).size


def _open(name: str, number: int, meter: FaceMeasurer) -> _Opened:
    title, painting = named_picture(name)
    try:
        faces = usable_faces(painting, meter)
    except PortraitError as error:
        reason = first_clause(error)
        raise PortraitError(
            _("{title}: {reason}; name a picture of a face that looks out of it", title=title, reason=reason)
        ) from None
    if number > len(faces):
        there = (
            _("one face that can be moved")
            if len(faces) == 1
            else _("{count} faces that can be moved", count=len(faces))
        )
        raise PortraitError(
            _(
                "{title} has {there}; set puppet.face to no more than {count}",
                title=title,
                there=there,
                count=len(faces),
            )
        )
    if len(faces) > 1 and number == 1:
        log.info(_("%s has %d faces; the largest one moves, set puppet.face for another"), title, len(faces))
    return _Opened(title, painting, measured_face(painting, faces[number - 1], meter))


def _put_on(opened: _Opened, fit: Fit, canvas: Size, maker: EngineMaker | None) -> tuple[Pixels, Head]:
    """Draw a picture on a canvas of its own."""
    size, seen = opened.size, opened.seen
    box = seen.mesh.box
    head = Place(round(box.left), round(box.top), round(box.width), round(box.height))
    area = painting_area(size, head, canvas, fit)
    scaler = RegionResampler(size, area, canvas)
    drawn = draw_painting(opened.painting, scaler, canvas)
    visible = scaler.visible
    picture = np.ascontiguousarray(visible.of(drawn))
    scale = (area.width / size.width, area.height / size.height)
    placed = _placed(seen, scale, (area.left - visible.left, area.top - visible.top))
    figure: Figure | EngineFigure
    if maker is not None:
        figure = EngineFigure(picture, maker(Source(picture, placed.mesh, placed.eyes)))
    else:
        figure = Figure(picture, placed)
        if not figure.has_irises:
            log.info(_("%s has no irises that are seen: its eyes close, and look nowhere else"), opened.title)
    inside = figure.place
    place = Place(visible.left + inside.left, visible.top + inside.top, inside.width, inside.height)
    return drawn, Head(figure, place)


def _is_pack(path: Path) -> bool:
    from realtime.portrait.pack.archive import ARCHIVE_SUFFIXES

    return path.suffix.lower() in ARCHIVE_SUFFIXES


def _placed(seen: FaceMeasurement, scale: tuple[float, float], begin: tuple[int, int]) -> FaceMeasurement:
    """Return a measured face as it lies in the picture scaled and moved."""
    mean = (scale[0] * scale[1]) ** 0.5

    def moved(points: Floats) -> Floats:
        return np.asarray((points + 0.5) * np.array(scale) - 0.5 + np.array(begin), np.float32)

    def eye(one: Eye) -> Eye:
        return Eye(moved(one.centre), one.radius_px * mean, moved(one.upper), moved(one.lower))

    points = np.hstack([moved(seen.mesh.points[:, :2]), seen.mesh.points[:, 2:] * np.float32(mean)])
    mesh = FaceMesh(points.astype(np.float32), seen.mesh.score)
    eyes = Eyes(eye(seen.eyes.left), eye(seen.eyes.right))
    return FaceMeasurement(mesh, eyes, gaze(mesh, eyes))
