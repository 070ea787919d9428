"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with a short text and a share 0..1 while something takes long."""


def no_progress(what: str, share: float) -> None:
    """Tell nobody."""
