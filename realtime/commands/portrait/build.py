"""`realtime portrait build`: everything that can be refused is refused before any work begins."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import time
from pathlib import Path

from realtime.core.errors import OptionError, PortraitError
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.core.progress import Progress
from realtime.faces.detection.still_pictures import face_at
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.imaging.frame import Box, Face, Pixels
from realtime.picture_files.painting import read_picture
from realtime.portrait.building.builder import build
from realtime.portrait.building.column_selection import choose
from realtime.portrait.building.driving_clip import FilmedMotion, animate, motions_of
from realtime.portrait.building.moving_faces import prepare, usable_faces
from realtime.portrait.building.options import BuildOptions
from realtime.portrait.engines import check_engine
from realtime.portrait.pack import MAX_PICTURES, Portrait, check_target
from realtime.portrait.preview.film import check_film
from realtime.portrait.preview.preview import check_preview, write_preview
from realtime.system.console import progress_line

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class _Order:
    """What was asked for, checked."""

    source: Path
    longest_side_px: int
    pointed: Box | None
    """Where the user says the face is."""
    clip: Path | None
    is_film: bool
    """The whole clip as a film, instead of a pack."""
    target: Path
    preview: Path | None
    overwrite: bool
    title: str
    credit: str
    options: BuildOptions


def build_or_film(arguments: argparse.Namespace) -> int:
    """Make a pack, or a film by `--all-frames`. Raises RealtimeError."""
    order = _checked(arguments)
    started_s = time.monotonic()
    picture, note = read_picture(order.source, order.longest_side_px)
    if note:
        log.info("%s", note)
    meter = FaceMeasurer()
    faces = usable_faces(picture, meter) if order.pointed is None else [face_at(picture, order.pointed, meter)]
    with progress_line() as progress:
        filmed = motions_of(order.clip, progress) if order.clip is not None else None
        report = (
            _make_film(order, picture, faces, meter, filmed, progress)
            if order.is_film and filmed is not None
            else _make_pack(order, picture, faces, meter, filmed, progress)
        )
    for line in report.lines:
        print(line)
    for warning in filmed.warnings if filmed is not None else ():
        log.warning("%s", warning)
    log.info(_("%s: %s in %.0f s"), order.target, report.made, time.monotonic() - started_s)
    if not order.is_film:
        log.info(_("see it: realtime run --effect portrait:%s"), order.target)
        log.info(_("what was measured: realtime portrait show %s"), order.target)
    return 0


@dataclasses.dataclass(frozen=True, slots=True)
class _Told:
    """What the user is told at the end."""

    made: str
    lines: tuple[str, ...] = ()


def _make_film(
    order: _Order, picture: Pixels, faces: list[Face], meter: FaceMeasurer, filmed: FilmedMotion, progress: Progress
) -> _Told:
    moving, _unused = prepare(picture, faces, meter, order.options)
    animate(moving, filmed, order.target, overwrite=order.overwrite, progress=progress)
    return _Told(_("{count} frames", count=len(filmed.motions)))


def _make_pack(
    order: _Order,
    picture: Pixels,
    faces: list[Face],
    meter: FaceMeasurer,
    filmed: FilmedMotion | None,
    progress: Progress,
) -> _Told:
    built = build(
        picture,
        faces,
        order.target,
        meter,
        title=order.title,
        credit=order.credit,
        options=order.options,
        overwrite=order.overwrite,
        driven=choose(filmed.motions, order.options.columns) if filmed is not None else None,
        progress=progress,
    )
    if order.preview is not None:
        with Portrait.open(order.target) as portrait:
            write_preview(portrait, order.preview, overwrite=order.overwrite, progress=progress)
    lines: list[str] = []
    for report in built.reports:
        lines += [*([report.face_line] if len(built.reports) > 1 else []), *report.verdict()]
    return _Told(
        _("{frames} frames of {size}", frames=order.options.columns * order.options.rows, size=built.place.size),
        tuple(lines),
    )


def _checked(arguments: argparse.Namespace) -> _Order:
    """Return what is asked for. Raises OptionError, OutputError or PortraitError for whatever cannot be."""
    source = user_path(arguments.picture)
    order = _Order(
        source=source,
        longest_side_px=arguments.longest_side,
        pointed=_box(arguments.face) if arguments.face else None,
        clip=user_path(arguments.driving) if arguments.driving else None,
        is_film=arguments.all_frames,
        target=user_path(arguments.output) if arguments.output else source.with_suffix(".portrait"),
        preview=user_path(arguments.preview) if arguments.preview else None,
        overwrite=arguments.overwrite,
        title=arguments.title or source.stem.replace("_", " ").replace("-", " "),
        credit=arguments.credit,
        options=_options(arguments),
    )
    if not 256 <= order.longest_side_px <= 8192:
        raise OptionError(
            _("--longest-side {longest_side_px} is out of range: 256 to 8192", longest_side_px=order.longest_side_px)
        )
    if order.is_film:
        if order.clip is None:
            raise OptionError(_("--all-frames needs --driving CLIP, the film whose movement is taken"))
        if not arguments.output:
            raise OptionError(_("--all-frames needs -o NAME.mp4"))
        if order.preview is not None:
            raise OptionError(_("--all-frames writes a film, which needs no --preview; leave one of them out"))
    _spare_sources(order)
    if order.clip is not None and not order.clip.is_file():
        raise PortraitError(_("no such clip: {clip}; check the path", clip=order.clip))
    if order.is_film:
        check_film(order.target, overwrite=order.overwrite)
    else:
        check_target(order.target, overwrite=order.overwrite)
    if order.preview is not None:
        check_preview(order.preview, overwrite=order.overwrite)
    return order


def _options(arguments: argparse.Namespace) -> BuildOptions:
    if not 3 <= arguments.frames <= 999:
        raise OptionError(_("--frames {frames} is out of range: 3 to 999", frames=arguments.frames))
    if not 1 <= arguments.rows <= 33:
        raise OptionError(_("--rows {rows} is out of range: 1 to 33", rows=arguments.rows))
    if arguments.frames * arguments.rows > MAX_PICTURES:
        raise OptionError(
            _(
                "--frames {frames} times --rows {rows} is more than {most}",
                frames=arguments.frames,
                rows=arguments.rows,
                most=MAX_PICTURES,
            )
        )
    if not 0 <= arguments.head <= 1:
        raise OptionError(_("--head {head:g} is out of range: 0 (the eyes alone) to 1", head=arguments.head))
    check_engine(arguments.engine)
    usual = BuildOptions()
    return BuildOptions(
        columns=arguments.frames,
        rows=arguments.rows,
        head_share=arguments.head,
        blink_stages=0 if arguments.no_blink else usual.blink_stages,
        mouth_stages=0 if arguments.no_mouth else usual.mouth_stages,
        idle_seconds=0.0 if arguments.no_idle else usual.idle_seconds,
        seam=arguments.seam,
        engine=arguments.engine,
    )


def _box(text: str) -> Box:
    try:
        left, top, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(
            _("--face '{text}' is no box; write X,Y,WIDTH,HEIGHT, as in 310,120,180,220", text=text)
        ) from None
    return Box(left, top, width, height)


def _spare_sources(order: _Order) -> None:
    """Refuse, --overwrite or not, to write over what the portrait is made from, or the preview over the portrait."""
    sources = [path for path in (order.source, order.clip) if path is not None and path.exists()]
    for written in (order.target, order.preview):
        if written is not None and written.exists() and any(written.samefile(source) for source in sources):
            raise PortraitError(
                _("{written} is what the portrait is made from; choose another name to write to", written=written)
            )
    if order.preview is not None and order.preview.absolute() == order.target.absolute():
        raise OptionError(
            _("-o and --preview both name {target}; choose another name for one of them", target=order.target)
        )
