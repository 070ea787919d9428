"""The line a second in which a screen tells its supervisor what it shows; and the first line, in which it is told what
hangs and what hung there before.
"""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, Literal, get_args

from realtime.core.errors import UNREADABLE
from realtime.gallery.programme.overrides import Plain, read_overrides

Doing = Literal["starts", "shows", "blank", "stands", "waits", "rests"]
"""`starts`: nothing yet, what it needs is being opened or made; `stands`: paused, by the programme or somebody;
`waits`: for a camera that was lost, and nothing moves meanwhile.
"""

NO_SCREEN = 69
"""The exit code of a process whose screen is not there, or went (EX_UNAVAILABLE of BSD's sysexits)."""

_LONGEST_LINE = 200_000
_LONGEST_FIRST_LINE = 1_000_000
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

    @property
    def is_before_first_picture(self) -> bool:
        """Whether there has been nothing to see yet."""
        return self.doing == "starts" or (self.doing == "shows" and not self.frames)

    def line(self) -> bytes:
        """Return it as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":")).encode() + b"\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """What hung on a screen, for the process that goes on there."""

    item: str = ""
    since_s: float = 0.0
    overrides: dict[str, dict[str, Plain]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Beginning:
    """What a screen's process is told in its first line."""

    file: str | None = None
    """The text of gallery.toml that counts; None: it reads the file itself. What was hung is not to depend on what
    somebody is writing into the file meanwhile."""
    memory: Memory = Memory()

    def line(self) -> bytes:
        """Return it as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


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


def read_beginning(line: bytes) -> Beginning:
    """Read the first line that a screen's process is told; what cannot be read of it is left out."""
    content = _object(line, _LONGEST_FIRST_LINE) or {}
    file = content.get("file")
    return Beginning(file if isinstance(file, str) else None, read_memory(content.get("memory")))


def read_memory(read: object) -> Memory:
    """Read what is known of a screen, out of JSON; whatever cannot be read is forgotten."""
    if not isinstance(read, dict):
        return Memory()
    return Memory(_text(read.get("item")), _number(read.get("since_s")), read_overrides(read.get("overrides")))


def _object(line: bytes, longest: int = _LONGEST_LINE) -> dict[str, Any] | None:
    if len(line) > longest:
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
