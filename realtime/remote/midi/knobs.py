"""Where the controls of a device stand, and whether one has hold of its value (soft take-over)."""

from __future__ import annotations

from realtime.core.settings import Kind, Parameter, Value
from realtime.remote.midi.map import Binding, Control
from realtime.remote.midi.values import as_told, position_of, value_at

_NEAR = 0.02
"""Within two of 127 steps a control catches: hands do not hit one exactly."""
_KEY_COMES_BACK_WITHIN_S, _KNOB_COMES_BACK_WITHIN_S = 0.05, 0.5
"""A motor takes its time. A key pressed twice is a second press: nobody does that within a twentieth of a second."""


class Knobs:
    """Remembers a device while it is plugged in. One thread.

    Where a control stands is known from what it sends alone. What it was told is not where it stands: most have no
    motors, and one that was believed to have followed would let the picture jump at its next touch.
    """

    def __init__(self, *, soft: bool) -> None:
        """`soft`: a control that stands elsewhere than the value has it only once it passes it."""
        self._soft = soft
        self._positions: dict[Control, float] = {}
        self._set_to: dict[Control, Value] = {}
        self._told: dict[Control, tuple[float, float]] = {}

    def moved(self, control: Control, position: float) -> float | None:
        """Take in where a control stands; return where it stood, None: not known."""
        before = self._positions.get(control)
        self._positions[control] = position
        return before

    def is_echo(self, control: Control, position: float, now_s: float, *, is_key: bool) -> bool:
        """Whether this is only what the control was told, sent back: some devices, and all loops, do so. `is_key`: it
        is pressed, not turned.
        """
        told_value, told_at_s = self._told.get(control, (None, 0.0))
        within_s = _KEY_COMES_BACK_WITHIN_S if is_key else _KNOB_COMES_BACK_WITHIN_S
        return position == told_value and now_s - told_at_s <= within_s

    def has_hold(
        self, control: Control, binding: Binding, parameter: Parameter, value: Value, before: float | None
    ) -> bool:
        """Whether a control that was just moved, and stood at `before`, may set a parameter that has this value. Raises
        OptionError for one that no control can move.
        """
        position = self._positions[control]
        if not self._soft or parameter.kind is Kind.SWITCH:
            return True
        if control in self._set_to and self._set_to[control] == value:
            return True
        stands = position_of(parameter, binding, value)
        if stands is None or value_at(parameter, binding, position) == value or abs(position - stands) <= _NEAR:
            return True
        return before is not None and (before - stands) * (position - stands) < 0

    def has_set(self, control: Control, value: Value) -> None:
        """Remember what a control set its parameter to; what it was told before is past."""
        self._set_to[control] = value
        self._told.pop(control, None)

    def stands_for(self, control: Control, value: Value) -> bool:
        """Whether the control set this very value, so that it need not be told."""
        return control in self._set_to and self._set_to[control] == value

    def tell(self, control: Control, position: float, now_s: float) -> None:
        """Remember what a control is told."""
        self._told[control] = as_told(control, position), now_s
