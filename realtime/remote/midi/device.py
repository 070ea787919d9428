"""One MIDI device: found by its name, opened, told values, and found again when it was unplugged."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from realtime.core.errors import FAULTS, in_one_line
from realtime.core.language import _
from realtime.remote.midi.ports import InputPort, OutputPort, Ports, Receive

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
"""A hand takes longer than this to pull a plug and put it in again: one that is back with its old name must have been
missed once, or it would be taken for the one that is open."""
_NUMBERS = re.compile(r"\s+\d+(:\d+)?$")
"""What systems put behind a name, not the same for both directions: ALSA `24:0`, Windows `1`."""


class Device:
    """The first device whose name has these words in it. One thread; `name` any."""

    def __init__(self, wanted: str, ports: Ports, receive: Receive) -> None:
        """`wanted`: its name or a part of it, in any case."""
        self._wanted, self._ports, self._receive = wanted, ports, receive
        self.name = ""
        """Of the one that is open; empty: none is."""
        self._input: InputPort | None = None
        self._output: OutputPort | None = None
        self._next_look_s = 0.0
        self._last_said = ""

    @property
    def due_in_s(self) -> float:
        """How long until it has to be looked for again."""
        return max(0.0, self._next_look_s - time.monotonic())

    def look(self) -> bool:
        """Look, where that is due, whether it is there; return whether that has changed. Never raises."""
        if self.due_in_s > 0:
            return False
        self._next_look_s = time.monotonic() + LOOK_EVERY_S
        before = self._input
        try:
            self._find()
        except FAULTS as error:  # a driver's, in the moment in which the device goes
            self.close()
            self._say(
                _(
                    "{reason}; it is tried again every {look_every_s:g} s",
                    reason=in_one_line(error),
                    look_every_s=LOOK_EVERY_S,
                )
            )
        return self._input is not before

    def send(self, message: Any) -> None:
        """Tell it something, where it can be told anything. Never raises."""
        if self._output is None:
            return
        try:
            self._output.send(message)
        except FAULTS as error:
            self._say(_("{name} cannot be told values: {reason}", name=self.name, reason=in_one_line(error)))
            _close(self._output)
            self._output = None

    def close(self) -> None:
        """Let go of it. Never raises."""
        ports, self._input, self._output, self.name = (self._input, self._output), None, None, ""
        for port in ports:
            if port is not None:
                _close(port)

    def _find(self) -> None:
        names = self._ports.input_names()
        if self._input is not None:
            if self.name in names:
                return
            self._say(_("{name} is gone; it is taken again as soon as it is back", name=self.name))
            self.close()
        found = _chosen(self._wanted, names)
        if found is None:
            hint = _("there are: {names}", names=", ".join(names)) if names else _("none is there")
            self._say(
                _(
                    "no device '{wanted}'; {hint}; plug it in: it is taken as soon as it is there",
                    wanted=self._wanted,
                    hint=hint,
                )
            )
            return
        self._input, self.name = self._ports.open_input(found, self._receive), found
        log.info(_("MIDI: %s"), found)
        self._last_said = ""
        self._open_output(found)

    def _open_output(self, name: str) -> None:
        names = self._ports.output_names()
        same = [other for other in names if _NUMBERS.sub("", other) == _NUMBERS.sub("", name)]
        if same:
            try:
                self._output = self._ports.open_output(name if name in same else same[0])
            except FAULTS as error:  # Windows gives an output to one program only
                self._say(_("{name} cannot be told values: {reason}", name=name, reason=in_one_line(error)))

    def _say(self, what: str) -> None:
        """Say what is new: a device that stays away is told once."""
        if what != self._last_said:
            self._last_said = what
            log.warning(_("MIDI: %s"), what)


def _chosen(wanted: str, names: list[str]) -> str | None:
    exact = [name for name in names if name.lower() == wanted.lower()]
    return next(iter(exact or [name for name in names if wanted.lower() in name.lower()]), None)


def _close(port: InputPort | OutputPort) -> None:
    try:
        port.close()
    except FAULTS as error:
        log.debug("closing a MIDI port", exc_info=error)
