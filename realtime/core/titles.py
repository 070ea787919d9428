"""An effect as people call it: of `style:night:0.6` "Night 60%", of `swap:faces/her.jpg` "Swap: her"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PureWindowsPath

from realtime.core.language import N_, _
from realtime.core.specs import EffectSpec, model_and_rest, names_in

_TITLES = {
    "none": N_("Camera"),
    "portrait": N_("Portrait"),
    "puppet": N_("Puppet"),
    "style": N_("Style"),
    "background": N_("Background"),
    "morph": N_("Morph"),
    "walk": N_("Walk"),
    "swap": N_("Swap"),
}
_ARGUMENTS: dict[str, dict[str, str]] = {
    "style": {
        "comic": N_("Comic"),
        "composition": N_("Composition"),
        "dabs": N_("Dabs"),
        "dots": N_("Dots"),
        "engraving": N_("Engraving"),
        "fauve": N_("Fauve"),
        "ink": N_("Ink"),
        "mosaic": N_("Mosaic"),
        "night": N_("Night"),
        "oil": N_("Oil"),
        "pencil": N_("Pencil"),
        "poster": N_("Poster"),
        "scream": N_("Scream"),
        "watercolour": N_("Watercolour"),
        "woodblock": N_("Woodblock"),
    },
    "background": {"blur": N_("blur"), "none": N_("none")},
}
"""What comes with the program. Effects and styles of others keep their own names."""
_OWN_NAMES = frozenset({"style"})
"""Effects whose argument says all: nobody calls a style "Style: Night"."""
_LONGEST_SUFFIX = 9  # .portrait


def effect_title(spec: str) -> str:
    """Return what an effect is called on a tile, in a pill, in the list of scenes. Reads no file's content."""
    asked = EffectSpec.parse(spec)
    title = _(_TITLES.get(asked.name, asked.name[:1].upper() + asked.name[1:]))
    known = _ARGUMENTS.get(asked.name, {})
    names = [_name_title(name, known) for name in names_in(asked.argument)]
    if not names:
        return title
    listed = ", ".join(names)
    return listed[:1].upper() + listed[1:] if asked.name in _OWN_NAMES else f"{title}: {listed}"


def argument_title(effect: str, argument: str) -> str:
    """Return what people call an effect's argument that the program itself has named: of `style:night` "Night"; any
    other as it is.
    """
    return _(_ARGUMENTS.get(effect, {}).get(argument, argument))


def _name_title(name: str, known: Mapping[str, str]) -> str:
    words, rest = [], name
    while rest:
        first, rest = model_and_rest(rest)
        words.append(_(known[first]) if first in known else _word(first))
    return " ".join(word for word in words if word)


def _word(text: str) -> str:
    if re.fullmatch(r"0?\.\d+|[01]|1\.0+|\d{1,3}%?", text):
        number = float(text.removesuffix("%"))
        return f"{number / 100 if number > 1 or text.endswith('%') else number:.0%}"
    path = PureWindowsPath(text)  # takes both kinds of slashes
    is_file = 1 < len(path.suffix) <= _LONGEST_SUFFIX
    return (path.stem if is_file else path.name).replace("_", " ").strip()
