"""What a person may choose while a run goes on, as a window lays it out: looks, faces, cameras, files that are dropped.

Values, and the two-way seam between a window that shows them and whoever knows what there is (`session.offers`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from realtime.control.commands import Command
from realtime.imaging.frame import Pixels

if TYPE_CHECKING:
    from realtime.control.channel import Status


@dataclasses.dataclass(frozen=True, slots=True)
class Offer:
    """One thing that can be chosen: a tile."""

    spec: str
    """What it is known by: an effect as `--effect` writes it, a scene by its name."""
    title: str
    command: Command | None
    """What choosing it asks the loop for; None: it is still being made."""
    is_bare: bool = False
    """Whether people are seen in it as the camera sees them: no small picture of it is shown while they are hidden."""
    made: float | None = None
    """How far it has been made, 0..1; None: it is there."""
    number: int | None = None
    """The digit that chooses it, where it has one of its own; None: its place on the category."""
    bares_room: bool = False
    """Whether the room behind people is seen in it."""
    has_thumbnail: bool = True
    """Whether the newest frame can be shown through it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Category:
    """What lies together under one tab."""

    name: str
    """What people read: `Looks`."""
    offers: tuple[Offer, ...] = ()
    takes: str = ""
    """What may be dropped here, in words: `a photo of a face`; empty: nothing."""
    folder: Path | None = None
    """Where what lies here is kept, where people may look and put more."""
    is_background: bool = False
    """Whether what lies here is seen behind people: it is chosen beside what the other categories hold."""
    keeps: Command | None = None
    """What asks that what is shown now be kept here; None: nothing can be."""


@dataclasses.dataclass(frozen=True, slots=True)
class OfferedSource:
    """One source that can be chosen."""

    spec: str
    """As `--source` writes it."""
    title: str
    detail: str = ""
    """Sizes, rates: a second, quieter line."""
    known_as: str = ""
    """What a run calls it that reads it."""

    def is_read(self, status: Status) -> bool:
        """Whether it is what is read now."""
        if status.source_spec:
            return self.spec == status.source_spec
        return bool(status.source) and status.source in (self.title, self.known_as)


class Offers(Protocol):
    """Knows what can be chosen. All methods: any thread, and they return at once."""

    @property
    def categories(self) -> tuple[Category, ...]:
        """What there is now, the very same value while nothing has changed; empty while it is being looked for."""

    @property
    def sources(self) -> tuple[OfferedSource, ...]:
        """The cameras that were there when `look_for_sources` was last asked, and what else can be a source."""

    def look_for_sources(self) -> None:
        """Look again which cameras there are."""

    def thumbnail(self, spec: str) -> Pixels | None:
        """The newest frame through an offer, (h, w, 3) BGR, the very same array until there is a newer one."""

    def watch(self, category: str | None) -> None:
        """Somebody sees this category now, and its thumbnails are wanted; None: nobody sees any."""

    def take(self, paths: Sequence[Path], category: str) -> None:
        """Use what was dropped, or chosen in a file dialogue, while this category was seen. What becomes of it, and
        what cannot be used and why, is told through `ControlChannel.say`.
        """

    def choose_file(self, category: str) -> bool:
        """Open the system's file dialogue and `take` what is chosen. False: this system has none."""

    def choose_file_for(self, path: str) -> bool:
        """The same for a parameter that is a file, by its path in the tree."""

    def open_folder(self, category: str) -> None:
        """Show a category's folder in the system's file manager."""


def scene_spec(name: str) -> str:
    """Return what the offer of a scene is known by; empty for no scene."""
    return f"scene:{name}" if name else ""
