"""portrait.toml, what a pack says about itself: read with care, and written."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from realtime.core.errors import UNREADABLE, PortraitError, why_unreadable
from realtime.core.language import _
from realtime.picture_files.header import MAX_SIDE_PX
from realtime.portrait.pack.archive import PackFiles, climbs_out
from realtime.portrait.pack.toml_tables import Table, toml_of

FORMAT = 1
MANIFEST = "portrait.toml"
MAX_PICTURES = 9_999


class Corner(NamedTuple):
    """Where the top-left corner of a picture goes in the painting, pixels."""

    left: int
    top: int


class StagesSection(NamedTuple):
    """`[blink]`, `[mouth]`: a part of every frame, in stages."""

    stages: int
    corner: Corner
    folder: str


class IdleSection(NamedTuple):
    """`[idle]`."""

    fps: float
    folder: str = "idle"


@dataclass(frozen=True)
class Manifest:
    """All of `portrait.toml`; folders and files are names in the pack."""

    title: str
    columns: int
    rows: int = 1
    credit: str = ""
    painting: str = ""
    """Empty: there is none."""
    folder: str = "frames"
    """Of the frames; empty: the top level."""
    corner: Corner | None = None
    """Of the frames; None: they show the whole painting, or their place is to be found."""
    blink: StagesSection | None = None
    mouth: StagesSection | None = None
    idle: IdleSection | None = None
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many frames there are."""
        return self.columns * self.rows

    @property
    def middle(self) -> int:
        """The index of the frame that looks straight ahead."""
        return self.rows // 2 * self.columns + self.columns // 2


def read_manifest(files: PackFiles) -> Manifest:
    """Read a pack's `portrait.toml`. Raises PortraitError for whatever is missing, unknown or out of range."""
    where = f"{files.path}: {MANIFEST}"
    try:
        document = tomllib.loads(files.read(MANIFEST).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise PortraitError(_("{where} is no UTF-8 text; save it as UTF-8", where=where)) from error
    except UNREADABLE as error:
        raise PortraitError(
            _("{where} is no valid TOML: {reason}", where=where, reason=why_unreadable(error))
        ) from error
    top = Table(where, document)
    version = top.whole("format", 1, 10**6)
    if version != FORMAT:
        raise PortraitError(
            _(
                "{where}: format {version} is newer than this program (format {format}); update realtime",
                where=where,
                version=version,
                format=FORMAT,
            )
        )
    title = top.text("title", files.path.stem)
    credit = top.text("credit", "")
    painting = _name_inside(where, top.text("painting", ""))

    frames = top.table("frames")
    folder = _name_inside(where, frames.text("folder", "frames"))
    columns = frames.whole("columns", 1, MAX_PICTURES)
    rows = frames.whole("rows", 1, MAX_PICTURES // columns, 1)
    corner = _corner(frames) if frames.has("left") or frames.has("top") else None
    frames.done()
    if corner is not None and not painting:
        raise PortraitError(
            _('{where}: [frames] has left and top but no painting is named; add painting = "FILE"', where=where)
        )

    blink, mouth = (_stages(where, name, top.table(name)) if top.has(name) else None for name in ("blink", "mouth"))
    idle = _idle(where, top.table("idle")) if top.has("idle") else None
    report = top.table("report", {}).values
    top.done()
    return Manifest(title, columns, rows, credit, painting, folder, corner, blink, mouth, idle, report)


def manifest_text(manifest: Manifest) -> str:
    """Write a `portrait.toml`."""
    frames = {"folder": manifest.folder, "columns": manifest.columns, "rows": manifest.rows}
    sections: dict[str, object] = {"format": FORMAT, "title": manifest.title}
    sections |= {name: text for name in ("credit", "painting") if (text := getattr(manifest, name))}
    sections["frames"] = frames | (manifest.corner._asdict() if manifest.corner else {})
    for name, section in (("blink", manifest.blink), ("mouth", manifest.mouth)):
        if section is not None:
            sections[name] = {"folder": section.folder, "stages": section.stages} | section.corner._asdict()
    if manifest.idle is not None:
        sections["idle"] = {"folder": manifest.idle.folder, "fps": manifest.idle.fps}
    if manifest.report:
        sections["report"] = manifest.report
    return toml_of(sections)


def _corner(table: Table) -> Corner:
    return Corner(table.whole("left", 0, MAX_SIDE_PX), table.whole("top", 0, MAX_SIDE_PX))


def _stages(where: str, name: str, table: Table) -> StagesSection:
    folder = _name_inside(where, table.text("folder", name))
    section = StagesSection(table.whole("stages", 1, 60), _corner(table), folder)
    table.done()
    return section


def _idle(where: str, table: Table) -> IdleSection:
    folder = _name_inside(where, table.text("folder", "idle"))
    section = IdleSection(table.number("fps", 0.1, 120), folder)
    table.done()
    return section


def _name_inside(where: str, name: str) -> str:
    """Return a name as it stands in the pack. Raises PortraitError when it points elsewhere."""
    if climbs_out(name):
        raise PortraitError(
            _("{where}: '{name}' lies outside the pack; write a name inside it", where=where, name=name)
        )
    path = PurePosixPath(name)
    return "" if path == PurePosixPath() else str(path)
