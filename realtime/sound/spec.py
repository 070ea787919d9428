"""`--sound MIC>OUT` and `--drive PARAMETER=FEATURE:…`, read."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path

from realtime.core.errors import OptionError, nearest
from realtime.core.language import N_, _
from realtime.core.paths import user_path
from realtime.core.text_limits import abbreviated, number

FEATURES = {
    "level": N_("how loud it is"),
    "onset": N_("1 where something begins, a beat or a syllable"),
    "low": N_("below 250 Hz"),
    "mid": N_("250 to 2000 Hz"),
    "high": N_("above 2000 Hz"),
    "speech": N_("how far a mouth is open that says it"),
}
"""What of a sound can move a parameter; each is 0..1."""

_LONGEST_S = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class SoundSpec:
    """Where sound comes from and where it goes."""

    source: str
    """A microphone as `devices.find` takes it, or a file's path."""
    output: str
    """A sound output, or empty: none."""
    file: Path | None = None
    """The file, where the source is one."""

    @classmethod
    def parse(cls, text: str) -> SoundSpec:
        """Read `MIC>OUT`, `MIC` or `FILE>OUT`. Raises OptionError."""
        source, arrow, output = (part.strip() for part in text.partition(">"))
        if arrow and not output:
            raise OptionError(
                _(
                    "'{text}' names no output after >; write \"MIC>OUT\", in quotes, or MIC alone",
                    text=abbreviated(text),
                )
            )
        if not source:
            raise OptionError(_('no microphone is named; write "MIC>OUT", "default>OUT" or MIC alone'))
        return cls(source, output, _file(Path(), source))

    def beside(self, folder: Path) -> SoundSpec:
        """Return the same with a file that lies in a folder named in full."""
        path = _file(folder, self.source)
        return dataclasses.replace(self, source=str(path), file=path) if path is not None else self


@dataclasses.dataclass(frozen=True, slots=True)
class DriveSpec:
    """One parameter that a sound moves."""

    path: str
    """`style.strength`."""
    feature: str
    """One of FEATURES."""
    attack_s: float = 0.02
    """How fast it rises: after so long two thirds of the way are done."""
    release_s: float = 0.3
    """How fast it falls."""
    least: float | None = None
    """The value in silence; None: the parameter's own least."""
    most: float | None = None

    @classmethod
    def parse(cls, text: str) -> DriveSpec:
        """Read `style.strength=level:attack=0.05,release=0.4,range=0.2..1`. Raises OptionError."""
        path, equals, rest = (part.strip() for part in text.partition("="))
        owner, dot, name = path.partition(".")
        if not (equals and dot and owner and name):
            raise OptionError(
                _(
                    "'{text}': write it as EFFECT.PARAMETER=FEATURE, for example style.strength=level",
                    text=abbreviated(text),
                )
            )
        feature, _unused, words = (part.strip() for part in rest.partition(":"))
        if feature not in FEATURES:
            raise OptionError(
                _(
                    "no feature '{feature}'{hint}; there are: {features}",
                    feature=feature,
                    hint=nearest(feature, FEATURES),
                    features=", ".join(FEATURES),
                )
            )
        values: dict[str, float] = {}
        for word in filter(None, words.split(",")):
            key, _unused, value = (part.strip() for part in word.partition("="))
            if key in ("attack", "release"):
                values[f"{key}_s"] = _number(value, key, 0.0, _LONGEST_S)
            elif key == "range":
                low, dots, high = value.partition("..")
                if not dots:
                    raise OptionError(_("range={value}: write it as range=0.2..1", value=abbreviated(value)))
                values["least"], values["most"] = _number(low, key, -1e9, 1e9), _number(high, key, -1e9, 1e9)
            else:
                known = ("attack", "release", "range")
                raise OptionError(
                    _(
                        "no '{key}'{hint}; there are: {known}",
                        key=abbreviated(key),
                        hint=nearest(key, known),
                        known=", ".join(known),
                    )
                )
        return cls(f"{owner}.{name.replace('-', '_')}", feature, **values)


def _file(folder: Path, name: str) -> Path | None:
    """Return the file that a name means; None: it means a microphone."""
    with contextlib.suppress(OptionError):  # it can be no path
        path = folder / user_path(name)
        if os.path.isfile(path):  # noqa: PTH113 - a name of 300 letters is no file, and no OSError
            return path
    return None


def _number(text: str, key: str, low: float, high: float) -> float:
    value = number(text, low, high)
    if value is None:
        raise OptionError(
            _(
                "{key}={text}: give a number from {low:g} to {high:g}",
                key=key,
                text=abbreviated(text),
                low=low,
                high=high,
            )
        )
    return value
