"""The machine's MIDI devices, by mido and python-rtmidi where both are installed (the extra `midi`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, Protocol

from realtime.core.errors import FAULTS, OptionError, in_one_line
from realtime.core.language import _

_SEQUENCER = "/dev/snd/seq"

Receive = Callable[[Any], object]
"""Called with each mido message, on a thread of the driver's. It returns at once and raises nothing."""


class InputPort(Protocol):
    """A device that is listened to."""

    def close(self) -> None: ...


class OutputPort(Protocol):
    """A device that is told values."""

    def send(self, message: Any) -> None: ...
    def close(self) -> None: ...


class Ports(Protocol):
    """Devices by name. Any method may raise: a device may go at any time."""

    def input_names(self) -> list[str]: ...
    def output_names(self) -> list[str]: ...
    def open_input(self, name: str, receive: Receive) -> InputPort: ...
    def open_output(self, name: str) -> OutputPort: ...


class MachinePorts:
    """The real ones. One thread at a time."""

    def __init__(self) -> None:
        """Raises OptionError, with the next step, where the packages are missing."""
        try:
            import mido
            import rtmidi
        except ImportError:
            raise OptionError(_("MIDI needs two packages: pip install 'realtime-effects[midi]'")) from None
        self._rtmidi = rtmidi
        self._mido = mido.Backend("mido.backends.rtmidi")
        # Kept: mido's own listing joins and leaves ALSA's sequencer twice each time, and every other program sees that.
        self._lists: tuple[Any, Any] | None = None

    def input_names(self) -> list[str]:
        """Return what can be listened to. Raises OptionError, with the next step, where the system has no MIDI."""
        return list(dict.fromkeys(self._listing()[0].get_ports()))

    def output_names(self) -> list[str]:
        """Return what can be told values; as `input_names`."""
        return list(dict.fromkeys(self._listing()[1].get_ports()))

    def open_input(self, name: str, receive: Receive) -> InputPort:
        """Listen to a device from now on. Raises OSError."""
        port: InputPort = self._mido.open_input(name, callback=receive)
        return port

    def open_output(self, name: str) -> OutputPort:
        """Open a device to tell it values. Raises OSError."""
        port: OutputPort = self._mido.open_output(name)
        return port

    def _listing(self) -> tuple[Any, Any]:
        if self._lists is None:
            if sys.platform == "linux":
                _check_sequencer()
            try:
                self._lists = self._rtmidi.MidiIn(), self._rtmidi.MidiOut()
            except FAULTS as error:
                raise OptionError(
                    _("this system's MIDI does not answer: {reason}", reason=in_one_line(error))
                ) from None
        return self._lists


def _check_sequencer() -> None:
    """Raise OptionError where ALSA's sequencer cannot be had: its library would write a line of its own each time."""
    if not os.path.exists(_SEQUENCER):  # noqa: PTH110 - on Windows' Path it would be another name
        raise OptionError(
            _("there is no ALSA sequencer ({sequencer}); load it with: sudo modprobe snd-seq", sequencer=_SEQUENCER)
        )
    if not os.access(_SEQUENCER, os.R_OK | os.W_OK):
        raise OptionError(
            _("{sequencer} may not be opened; sudo usermod -aG audio $USER, and log in again", sequencer=_SEQUENCER)
        )
