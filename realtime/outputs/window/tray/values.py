"""What a slider, a wheel or a press makes of a parameter's value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from realtime.core.language import _
from realtime.core.settings import Kind, Parameter, Value

_STEPS = 20
"""From one end to the other by the wheel, where a parameter names no step of its own."""
_FINE = 100


class Setting(NamedTuple):
    """A parameter that can be set now, and its value."""

    path: str
    about: Parameter
    value: Value

    @property
    def is_slider(self) -> bool:
        """Whether it is a number between two ends."""
        one = self.about
        return one.kind in (Kind.NUMBER, Kind.WHOLE_NUMBER) and one.least is not None and one.most is not None

    @property
    def share(self) -> float:
        """Where its value lies between the ends, 0..1; of none, at the beginning."""
        least, most = self._ends
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float) or most <= least:
            return 0.0
        return min(1.0, max(0.0, (value - least) / (most - least)))

    @property
    def origin(self) -> float:
        """Where zero lies between the ends, 0..1."""
        return self._replace(value=0.0).share

    def at_share(self, share: float) -> Value:
        """Return the value at a place between the ends, on the nearest whole step."""
        least, most = self._ends
        grain = self.about.step or (most - least) / _FINE
        value = least + round(min(1.0, max(0.0, share)) * (most - least) / grain) * grain
        return self._typed(value)

    def stepped(self, steps: int) -> Value:
        """Return the value so many steps on: of a number by its own step, of a choice by one, of a switch turned."""
        one = self.about
        if one.kind is Kind.SWITCH:
            return not self.value
        if one.kind is Kind.CHOICE:
            at = one.choices.index(str(self.value)) if self.value in one.choices else 0
            return one.choices[(at + steps) % len(one.choices)]
        value = self.value if isinstance(self.value, int | float) else self._ends[0]
        return self._typed(value + steps * self.step)

    @property
    def step(self) -> float:
        """What one notch of the wheel changes."""
        least, most = self._ends
        if self.about.step is not None:
            return self.about.step
        span = (most - least) / _STEPS if self.is_slider else 1.0
        return max(1.0, span) if self.about.kind is Kind.WHOLE_NUMBER else span

    @property
    def text(self) -> str:
        """Its value, as people read it."""
        value = self.value
        if value is None:
            return _("automatic")
        if isinstance(value, float) and self.about.unit != "%":
            return f"{value:.{self._digits}f} {self.about.unit}".rstrip()
        return self.about.text(value)

    @property
    def title(self) -> str:
        """Its name, as people read it."""
        owner = self.path.partition(".")[0]
        title = _("label {title}", title=self.about.title) if owner == "label" else self.about.title
        return title[:1].upper() + title[1:]

    def default(self, opened_with: Mapping[str, Value]) -> Value:
        """Return what a right click sets: what it is where nobody says anything, else what it was to begin with."""
        if self.about.default is None and not self.about.optional:
            return opened_with.get(self.path)
        return opened_with.get(self.path) if self.about.default is None else self.about.default

    @property
    def _ends(self) -> tuple[float, float]:
        one = self.about
        return (one.least if one.least is not None else 0.0), (one.most if one.most is not None else 1.0)

    @property
    def _digits(self) -> int:
        return min(4, max(0, math.ceil(-math.log10(self.step) - 1e-9))) if self.step < 1 else 0

    def _typed(self, value: float) -> Value:
        typed = round(value) if self.about.kind is Kind.WHOLE_NUMBER else round(float(value), 6)
        return self.about.clipped(typed)
