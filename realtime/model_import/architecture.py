"""What is known of a network by the family it belongs to, and by the program its makers run it with."""

from __future__ import annotations

import dataclasses

from realtime.core.language import N_, _
from realtime.model_import.hints import ColourOrder, Finding, ValueRange


@dataclasses.dataclass(frozen=True, slots=True)
class Architecture:
    """What is known of all networks of one family; as it stands, of one that nothing is known of. Each kind of model
    adds its own facts in a subclass.
    """

    network: str = "unknown"
    """As the card's `network`."""
    title: str = ""
    range_in: ValueRange | None = None
    range_out: ValueRange | None = None
    order: ColourOrder = ColourOrder.RGB
    because: str = N_("nothing known of it")
    """What it was known by."""
    licence: str = ""
    """The terms its makers name; empty where each file has its own."""

    @property
    def is_known(self) -> bool:
        return bool(self.title)

    @property
    def program(self) -> str:
        """Where its facts are known from, for people."""
        return _("{title}'s own program", title=self.title)

    @property
    def finding(self) -> Finding:
        return Finding("network", self.network, self.because)
