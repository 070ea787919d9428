"""Filters that draw a photo as a hand would: slow, made for a network to learn, which is what runs live.

Each takes and gives a picture (h, w, 3) uint8 RGB of the same size. Marks follow the picture's own directions
(`flow.py`): brush strokes along them (`kuwahara.py`), lines where two tones meet (`lines.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from realtime.imaging.frame import Pixels
from tools.teacher_filters.filters import ink, poster

Filter = Callable[[Pixels], Pixels]

FILTERS: Mapping[str, Filter] = {"ink": ink, "poster": poster}


def fingerprint() -> str:
    """Return a name for how filters draw: another one once their code has changed."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
