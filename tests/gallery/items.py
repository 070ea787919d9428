"""Items for tests, made short."""

from __future__ import annotations

from realtime.gallery.config import Item
from realtime.gallery.programme.hours import Hours, parse_hours


def item(name: str, hangs_s: float = 60.0, hours: str = "", *, waits: bool = False, at_most_s: float = 300.0) -> Item:
    """An item that shows an effect of its own name."""
    return Item(name, f"none:{name}", hangs_s, parse_hours(hours) if hours else Hours(), waits, at_most_s, {}, {})
