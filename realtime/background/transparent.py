"""Nothing behind people: what is no people is seen through, wherever a picture can say so."""

from __future__ import annotations

from realtime.background import Background, BackgroundSettings
from realtime.imaging.frame import Frame, Pixels
from realtime.person.mask import PersonMask


class NoBackground(Background):
    """Black, so that nothing of the room lies below what is seen through, and people stand before it elsewhere."""

    title = "transparent"
    is_keyed = True
    is_seen_through = True

    def draw(self, frame: Frame, people: PersonMask | None, settings: BackgroundSettings, out: Pixels) -> None:  # noqa: ARG002
        out.fill(0)
