"""How the values of options are read from text: each returns a value, or raises OptionError, one line for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from realtime import effects, outputs
from realtime.core.errors import OptionError, nearest
from realtime.core.language import _
from realtime.core.registry import RegistryEntry
from realtime.core.specs import EffectSpec
from realtime.core.text_limits import abbreviated, number, whole_number


def one_number(low: float, high: float, unit: str = "") -> Callable[[str], float]:
    """Return what reads a number between two; `unit` is said where it is none."""

    def read(text: str) -> float:
        value = number(text, low, high)
        if value is None and not _is_number(text):
            raise OptionError(
                _(
                    "'{text}' is no number: give one from {low:g} to {high:g}{unit}",
                    text=abbreviated(text),
                    low=low,
                    high=high,
                    unit=_(unit),
                )
            )
        if value is None:
            raise OptionError(
                _(
                    "'{text}' is out of range: give a number from {low:g} to {high:g}{unit}",
                    text=abbreviated(text),
                    low=low,
                    high=high,
                    unit=_(unit),
                )
            )
        return value

    return read


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def one_whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return what reads a whole number between two."""

    def read(text: str) -> int:
        value = whole_number(text, high)
        if value is None and not _is_number(text):
            raise OptionError(
                _(
                    "'{text}' is no number: give a whole number from {low} to {high}",
                    text=abbreviated(text),
                    low=low,
                    high=high,
                )
            )
        if value is None or value < low:
            raise OptionError(
                _(
                    "'{text}' is out of range: give a whole number from {low} to {high}",
                    text=abbreviated(text),
                    low=low,
                    high=high,
                )
            )
        return value

    return read


def one_of(*choices: str) -> Callable[[str], str]:
    """Return what reads one of some words."""

    def read(text: str) -> str:
        if text not in choices:
            raise OptionError(
                _(
                    "'{text}' is not one of {choices}{hint}",
                    text=text,
                    choices=", ".join(choices),
                    hint=nearest(text, choices),
                )
            )
        return text

    return read


def effect_spec(text: str) -> str:
    """Read `NAME` or `NAME:ARGUMENT` of an effect that there is, its name in whatever case."""
    name = EffectSpec.parse(text).name
    names = effects.effect_names()
    if name not in names and name.lower() in names:  # `STYLE:night`
        return name.lower() + text.strip()[len(name) :]
    if name not in names:
        raise OptionError(
            _(
                "no effect '{name}'{hint}; there are: {names}",
                name=name,
                hint=nearest(name, names),
                names=", ".join(names),
            )
        )
    return text


def output_spec(text: str) -> str:
    """Read what `outputs.split_spec` understands. Raises OutputError."""
    outputs.split_spec(text)
    return text


def summaries(parts: Mapping[str, RegistryEntry]) -> str:
    """Return what the parts of a table are, `NAME: …; NAME: …`."""
    return "; ".join(f"{name}: {_(part.summary)}" for name, part in parts.items())
