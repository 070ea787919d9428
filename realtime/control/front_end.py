"""What stands beside the loop and speaks to people or machines: a server, OSC, MIDI, sound, a programme."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence


class FrontEnd(ABC):
    """One way to see and to change a run from outside of its window.

    It is made with a `ControlChannel` and whatever else it needs, when the run is put together: what cannot work at all
    (a port that is taken, an option that says nothing) is an error there, in one line. It sends commands, sets
    parameters and reads status from threads of its own; nothing it does may hold up the picture, and whatever fails in
    it after `start` is said once and leaves the picture alone.
    """

    @abstractmethod
    def start(self) -> None:
        """[main thread] Begin, after everything else was opened and before the first frame. Raises a RealtimeError."""

    def look_after(self) -> None:  # noqa: B027 - most have nothing to look after
        """[main thread] Called some four times a second while the run lasts; returns at once."""

    def facts(self) -> Sequence[tuple[str, str]]:
        """[main thread] What it tells of itself on the HUD, label and words; called some four times a second."""
        return ()

    @abstractmethod
    def close(self) -> None:
        """[main thread] End, within a second; never raises. Also called where `start` never was."""
