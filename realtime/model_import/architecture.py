"""What is known of a network by the family it belongs to, and by the program its makers run it with."""

from __future__ import annotations

import dataclasses

from realtime.model_import.hints import ColourOrder, Finding, ValueRange


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What is known of all networks of one family. Each kind of model adds its own facts in a subclass."""

    network: str
    """As the card's `network`."""
    title: str
    range_in: ValueRange
    range_out: ValueRange
    order: ColourOrder = ColourOrder.RGB
    licence: str = ""
    """The terms its makers name; empty where each file has its own."""
    because: str = ""
    """What it was known by."""

    @property
    def program(self) -> str:
        """Where its facts are known from, for people."""
        return f"{self.title}'s own program"


def network_of(architecture: Architecture | None) -> str:
    """Return the card's `network`."""
    return architecture.network if architecture is not None else "unknown"


def network_finding(architecture: Architecture | None) -> Finding:
    """Return the row that says which family it is."""
    because = architecture.because if architecture is not None else "nothing known of it"
    return Finding("network", network_of(architecture), because)
