"""The line a second in which a screen tells its supervisor what it shows; and the first line, in which it is told what
hung there before.
"""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, Literal, get_args

from realtime.core.errors import UNREADABLE
from realtime.gallery.programme.overrides import Plain, read_overrides

Doing = Literal["shows", "blank", "stands", "waits", "rests"]
"""`stands`: paused, by the programme or somebody; `waits`: for a camera that was lost, and nothing moves meanwhile."""

NO_SCREEN = 69
"""The exit code of a process whose screen is not there, or went (EX_UNAVAILABLE of BSD's sysexits)."""

_LONGEST_LINE = 200_000
_LONGEST_NAME = 200


@dataclasses.dataclass(frozen=True, slots=True)
class ScreenReport:
    """What a screen shows."""

    doing: Doing = "shows"
    frames: int = 0
    """Pictures made since it was started."""
    item: str = ""
    """What hangs; empty: nothing does."""
    since_s: float = 0.0
    """Since when, Unix time."""
    following: str = ""
    changes_at: str = ""
    """When that comes, as people read it."""
    faces: int = 0
    """How many people are looking, a number and no more."""
    fps: float = 0.0
    restarts: dict[str, int] = dataclasses.field(default_factory=dict)
    """What was begun anew within the process, by name."""
    overrides: dict[str, dict[str, Plain]] = dataclasses.field(default_factory=dict)
    """What people set, by item and path."""

    def line(self) -> bytes:
        """Return it as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":")).encode() + b"\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """What hung on a screen, for the process that goes on there."""

    item: str = ""
    since_s: float = 0.0
    overrides: dict[str, dict[str, Plain]] = dataclasses.field(default_factory=dict)

    def line(self) -> bytes:
        """Return it as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":")).encode() + b"\n"


def read_report(line: bytes) -> ScreenReport | None:
    """Read a line of a screen's standard output; None: it is none of ours."""
    content = _object(line)
    if content is None or content.get("doing") not in get_args(Doing):
        return None
    restarts = content.get("restarts")
    return ScreenReport(
        doing=content["doing"],
        frames=int(_number(content.get("frames"))),
        item=_text(content.get("item")),
        since_s=_number(content.get("since_s")),
        following=_text(content.get("following")),
        changes_at=_text(content.get("changes_at")),
        faces=int(_number(content.get("faces"))),
        fps=_number(content.get("fps")),
        restarts={_text(name): int(_number(count)) for name, count in restarts.items()}
        if isinstance(restarts, dict)
        else {},
        overrides=read_overrides(content.get("overrides")),
    )


def read_memory(content: bytes | Any) -> Memory:
    """Read what a screen is told, or what was written of one; whatever cannot be read is forgotten."""
    read = _object(content) if isinstance(content, bytes) else content
    if not isinstance(read, dict):
        return Memory()
    return Memory(_text(read.get("item")), _number(read.get("since_s")), read_overrides(read.get("overrides")))


def _object(line: bytes) -> dict[str, Any] | None:
    if len(line) > _LONGEST_LINE:
        return None
    try:
        content = json.loads(line)
    except UNREADABLE:
        return None
    return content if isinstance(content, dict) else None


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def _text(value: object) -> str:
    return value[:_LONGEST_NAME] if isinstance(value, str) else ""
