"""How a portrait is made."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class BuildOptions:
    """How a portrait is made."""

    columns: int = 33
    rows: int = 1
    head_share: float = 0.25
    """How far the head follows: 0 only the eyes move, 1 a turn of 32 degrees."""
    up_down_degrees: float = 14.0
    """With rows: how far the eyes look up and down; the head follows by its share."""
    blink_stages: int = 3
    """0 to 3; 0: no blink pictures."""
    mouth_stages: int = 4
    """How many pictures there are of each frame's mouth opening; 0: none."""
    idle_seconds: float = 4.0
    """Length of a breath. 0: no idle loop."""
    seam: str = "head"
    """`head`: the movement itself dies away before the region ends. `sigmoid`: the whole region is blended in by the
    sigmoid of `seam.py` besides, for comparison with frames made that way."""
    engine: str = "mesh"
    """One of `realtime.portrait.engines.engine_names`, or a motion model's file."""
