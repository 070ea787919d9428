"""What a control's position means to a parameter, and back. A position is 0..1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.core.settings import Kind, Parameter, Value
from realtime.remote.midi.map import Binding, Control

_STEPS = {"cc": 127, "cc14": 16383, "note": 127, "pitch": 16383}
_FINE = 32
"""Controller N has its lower seven bits in N + 32."""
_MIDDLE = 8192


def value_at(parameter: Parameter, binding: Binding, position: float) -> Value:
    """Return a parameter's value at a position. Raises OptionError for one that no control can move."""
    if parameter.kind is Kind.SWITCH:
        return position >= 0.5
    if parameter.kind is Kind.CHOICE:
        return parameter.choices[round(position * (len(parameter.choices) - 1))]
    low, high = _ends(parameter, binding)
    value = low + position * (high - low)
    return round(value) if parameter.kind is Kind.WHOLE_NUMBER else value


def position_of(parameter: Parameter, binding: Binding, value: Value) -> float | None:
    """Return where a control stands for a value; None: nowhere. Raises OptionError as `value_at`."""
    if isinstance(value, bool):
        return float(value)
    if parameter.kind is Kind.CHOICE and value in parameter.choices:
        return parameter.choices.index(str(value)) / max(1, len(parameter.choices) - 1)
    low, high = _ends(parameter, binding)
    if not isinstance(value, int | float) or low == high:
        return None
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _ends(parameter: Parameter, binding: Binding) -> tuple[float, float]:
    if parameter.kind in (Kind.TEXT, Kind.FILE):
        raise OptionError(_("takes {takes}; no control can give that", takes=parameter.takes))
    low = parameter.least if binding.low is None else binding.low
    high = parameter.most if binding.high is None else binding.high
    if low is None or high is None:
        raise OptionError(_('has no range of its own; write one behind it: "{target} 0..1"', target=binding.target))
    return low, high


class MessageReader:
    """Turns mido's messages into controls and their positions."""

    def __init__(self, is_wide: Callable[[Control], bool]) -> None:
        """`is_wide`: whether two controllers are taken as this one of 14 bits."""
        self._is_wide = is_wide
        self._coarse: dict[Control, int] = {}

    def read(self, message: Any) -> tuple[Control, float] | None:
        """Return what a message moves and to where; a key that is let go is at 0. None: it moves nothing."""
        match message.type:
            case "note_on" | "note_off":
                velocity = message.velocity if message.type == "note_on" else 0
                return Control("note", message.channel + 1, message.note), velocity / 127
            case "pitchwheel":
                return Control("pitch", message.channel + 1), (message.pitch + _MIDDLE) / 16383
            case "control_change":
                return self._controller(message.channel + 1, message.control, message.value)
        return None

    def _controller(self, channel: int, number: int, value: int) -> tuple[Control, float] | None:
        wide = Control("cc14", channel, number % _FINE)
        if number >= 2 * _FINE or not self._is_wide(wide):
            return Control("cc", channel, number), value / 127
        if number < _FINE:  # the upper bits: the lower ones are 0 until they come
            self._coarse[wide] = value
            return wide, (value << 7) / 16383
        if wide not in self._coarse:
            return None
        return wide, (self._coarse[wide] << 7 | value) / 16383


def halves_of(wide: Control) -> tuple[Control, Control]:
    """Return the two controllers of one of 14 bits, upper bits first."""
    return Control("cc", wide.channel, wide.number), Control("cc", wide.channel, wide.number + _FINE)


def as_told(control: Control, position: float) -> float:
    """Return the position that `messages` can tell, the nearest."""
    return round(position * _STEPS[control.kind]) / _STEPS[control.kind]


def messages(control: Control, position: float) -> list[Any]:
    """Return the mido messages that tell a device where a control stands."""
    from mido import Message

    channel, steps = control.channel - 1, round(position * _STEPS[control.kind])
    match control.kind:
        case "pitch":
            return [Message("pitchwheel", channel=channel, pitch=steps - _MIDDLE)]
        case "note":
            return [Message("note_on", channel=channel, note=control.number, velocity=steps)]
        case "cc":
            return [Message("control_change", channel=channel, control=control.number, value=steps)]
    halves = zip(halves_of(control), (steps >> 7, steps & 127), strict=True)
    return [Message("control_change", channel=channel, control=half.number, value=value) for half, value in halves]
