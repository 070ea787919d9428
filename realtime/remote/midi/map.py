"""What a knob or key moves: `"cc 1.20" = "style.strength 0.2..1"`, the table `[midi]` of a preset."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from realtime.control.commands import NAMED_COMMANDS, Command, named_command
from realtime.core.errors import OptionError
from realtime.core.language import N_, _
from realtime.core.text_limits import abbreviated

_CONTROL = re.compile(r"(cc|cc14|note) (\d{1,2})\.(\d{1,3})|(pitch) (\d{1,2})")
_WRITTEN = N_('"cc 1.20" (channel 1, controller 20), "cc14 1.20", "note 1.60" or "pitch 1"')
_HIGHEST = {"cc": 127, "cc14": 31, "note": 127, "pitch": 0}
_DEVICE = "device"


class Control(NamedTuple):
    """A knob, fader, wheel or key of a device."""

    kind: str
    """`cc`; `cc14`: two controllers, N and N + 32, as one of 14 bits; `note`; `pitch`."""
    channel: int
    """1..16, as devices show it."""
    number: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.channel}" if self.kind == "pitch" else f"{self.kind} {self.channel}.{self.number}"

    @classmethod
    def parse(cls, text: str) -> Control:
        """Read `cc 1.20`. Raises OptionError."""
        found = _CONTROL.fullmatch(" ".join(text.lower().split()))
        if found:
            kind = found[1] or found[4]
            control = cls(kind, int(found[2] or found[5]), int(found[3] or 0))
            if 1 <= control.channel <= 16 and control.number <= _HIGHEST[kind]:
                return control
        raise OptionError(_("'{text}' is no control; write {written}", text=abbreviated(text), written=_(_WRITTEN)))


@dataclasses.dataclass(frozen=True, slots=True)
class Binding:
    """What a control moves, and between which values."""

    target: str
    """A parameter's path, or a command's name."""
    low: float | None = None
    high: float | None = None
    """The values at the control's two ends; None: the parameter's own range. `1..0` turns it round."""
    argument: str | None = None
    """What the command is given."""

    def __str__(self) -> str:
        if self.argument is not None:
            return f"{self.target} {self.argument}"
        return self.target if self.low is None or self.high is None else f"{self.target} {self.low!r}..{self.high!r}"

    @classmethod
    def parse(cls, text: str) -> Binding:
        """Read `style.strength 0.2..1`, `next-effect` or `effect style:night`. Raises OptionError."""
        target, _unused, rest = text.strip().partition(" ")
        rest = rest.strip()
        if "." not in target:
            return cls._command(target, rest)
        if not rest:
            return cls(target)
        try:
            low, high = (float(end) for end in rest.split(".."))
        except ValueError:
            low = high = math.nan
        if not (math.isfinite(low) and math.isfinite(high)):
            raise OptionError(_("'{text}': write a range as 0.2..1", text=abbreviated(text)))
        return cls(target, low, high)

    @classmethod
    def _command(cls, name: str, rest: str) -> Binding:
        named = named_command(name)
        if rest and named.argument is None:
            raise OptionError(
                _(
                    "'{name} {rest}': {named_name} takes nothing after it",
                    name=name,
                    rest=abbreviated(rest),
                    named_name=named.name,
                )
            )
        if not rest and named.argument is not None and not named.argument.optional:
            raise OptionError(
                _('{name} takes {takes}: write it behind, "{name} …"', name=named.name, takes=named.argument.takes)
            )
        binding = cls(named.name, argument=rest or None)
        binding.command()
        return binding

    @property
    def is_command(self) -> bool:
        """Whether it is a command."""
        return self.target in NAMED_COMMANDS

    def command(self) -> Command:
        """Return the command. Raises OptionError for an argument that it does not take."""
        return named_command(self.target).command(self.argument)


def parse_binding(text: str) -> tuple[Control, Binding]:
    """Read `cc 1.20=style.strength`. Raises OptionError."""
    left, equals, right = text.partition("=")
    if not equals:
        raise OptionError(_("'{text}': write it as \"cc 1.20=style.strength\"", text=abbreviated(text)))
    return Control.parse(left), Binding.parse(right)


def parse_table(table: Mapping[str, object]) -> tuple[str | None, tuple[tuple[Control, Binding], ...]]:
    """Read a preset's table `[midi]`: return the name under `device`, or None, and the map. Raises OptionError."""
    for key, value in table.items():
        if not isinstance(value, str):
            raise OptionError(_('{key}: write a text, "cc 1.20" = "style.strength"', key=abbreviated(key)))
    texts = {key: str(value) for key, value in table.items()}
    device = texts.pop(_DEVICE, None)
    return device, tuple((Control.parse(key), Binding.parse(value)) for key, value in texts.items())


def table_of(device: str, bindings: Mapping[Control, Binding]) -> dict[str, str]:
    """Return what `parse_table` reads."""
    return {_DEVICE: device} | {str(control): str(binding) for control, binding in bindings.items()}
