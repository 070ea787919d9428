"""How a picture was made, in words and in the terms that news agencies, platforms and C2PA share.

The effect chain gives every frame its provenance; whatever is kept on a disk (snapshots, numbered pictures, recordings)
carries it on. What the terms mean and why each was chosen: docs/honesty.md.
"""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

from realtime import __version__

PROGRAM = f"realtime {__version__}"

_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
ALTERED = f"{_VOCABULARY}algorithmicallyEnhanced"
"""What the camera saw, altered by a program, a style for example: scene, people and moment stay."""
SYNTHETIC = f"{_VOCABULARY}compositeSynthetic"
"""Put together of several things of which one at least is no capture: a face that is not the camera's."""

_MORE_OR_LESS = ("", ALTERED, SYNTHETIC)
"""Every term from saying nothing to saying most: of two the later one holds for both pictures together."""
_TELLTALE = re.compile(rb"digitalsourcetype/(?:compositeSynthetic|\w*trainedAlgorithmicMedia)", re.IGNORECASE)
"""IPTC's terms for what no camera saw, whoever wrote them."""
_SEARCHED_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True, slots=True)
class Provenance:
    """What is told of a picture or a recording. The same object for all frames made in one way."""

    effects: tuple[str, ...]
    """The effects in order, as `EffectSpec.public_name` writes them."""
    source_type: str = ""
    """The term of IPTC's Digital Source Type vocabulary, a URI; empty: there is nothing that we could vouch for."""

    @property
    def title(self) -> str:
        """The effects in one line."""
        return " + ".join(self.effects)

    def told(self) -> str:
        """Return the line for people, with the term in it for programs that read nothing else."""
        line = f"Made with {PROGRAM}; effect: {self.title}"
        return f"{line}; {self.source_type}" if self.source_type else line

    def together_with(self, other: Provenance) -> Provenance:
        """Return what holds for a recording of which a part was made in either way."""
        effects = tuple(dict.fromkeys((*self.effects, *other.effects)))
        return Provenance(effects, max(self.source_type, other.source_type, key=_MORE_OR_LESS.index))


def stated_by(path: Path) -> str:
    """Return what a picture or film says of its own making, as `Provenance.source_type`: SYNTHETIC or nothing.

    It is looked for as text where all formats keep their metadata, at the file's beginning and end; empty also where
    the file cannot be read, which whoever plays it will tell.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(_SEARCHED_BYTES)
            file.seek(max(0, file.seek(0, os.SEEK_END) - _SEARCHED_BYTES))
            found = _TELLTALE.search(begin) or _TELLTALE.search(file.read(_SEARCHED_BYTES))
    except OSError:
        return ""
    return SYNTHETIC if found else ""
