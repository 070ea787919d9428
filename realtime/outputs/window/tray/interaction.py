"""Where somebody is in the tray, and what was drawn of it last: what its parts share."""

from __future__ import annotations

import dataclasses

from realtime.outputs.window.tray.layout import Layout
from realtime.outputs.window.tray.state import SOURCES, Hand, TrayState


class Interaction:
    """Main thread. Whoever changes something that is seen through `hold` has it drawn anew."""

    def __init__(self, category: str) -> None:
        self.hand = Hand(category=category)
        self.state: TrayState | None = None
        """As it was drawn last; None: it was not yet."""
        self.layout = Layout()
        """Where it was drawn."""
        self.is_stale = True
        """Whether something may have changed since."""

    def hold(self, **changes: object) -> None:
        """Change fields of `hand`."""
        if any(getattr(self.hand, name) != value for name, value in changes.items()):
            self.hand = dataclasses.replace(self.hand, **changes)  # type: ignore[arg-type]
            self.is_stale = True

    def is_typed_into(self, key: str) -> bool:
        """Whether a widget is the field that somebody types into."""
        return self.hand.entry is not None and key == f"set:{self.hand.entry.path}"

    def turn_tiles(self, by: int) -> bool:
        """Move along the row of tiles. Return whether there was more."""
        state = self.state
        if state is None or state.category is None:
            return False
        count = len(state.category.offers) + bool(state.category.takes or state.category.keeps)
        last = max(0, count - self.layout.tiles_shown)
        first = min(last, max(0, self.hand.first_tile + by))
        if first == min(last, self.hand.first_tile):
            return False
        self.hold(first_tile=first)
        return True

    def turn_to(self, place: int) -> None:
        """Let the tile at a place of the category be seen."""
        shown = self.layout.tiles_shown
        if shown and not self.hand.first_tile <= place < self.hand.first_tile + shown:
            self.hold(first_tile=max(0, place - shown // 2))

    def limit_items(self) -> None:
        """Let an open list not be moved beyond its ends."""
        state = self.state
        if state is not None:
            count = len(state.sources) + 2 if self.hand.menu == SOURCES else 99
            self.hold(first_item=max(0, min(self.hand.first_item, count - self.layout.items_shown)))
