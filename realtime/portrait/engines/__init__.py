"""Portraits made from one picture: the contract of the engines that move a face, and their table.

An engine takes a source picture with its measured face, and a motion, and gives the head region of a frame. How the
motions come about (even steps from left to right, a blink, a filmed face) is not its business: `builder.py` and
`driving_clip.py` think them up. So a learned engine is one new file and one line in ENGINES.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from typing import TypeAlias

from realtime.core.registry import RegistryEntry
from realtime.faces.landmarks.iris import Eyes
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Box, Pixels

BUILDER_VERSION = 11
"""Counted up whenever finished frames change: packs kept in a cache under an older number are made anew."""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A picture and the face in it that shall move."""

    picture: Pixels
    mesh: FaceMesh
    eyes: Eyes


Region: TypeAlias = Box
"""A rectangle of whole pixels within the picture."""


class Engine(ABC):
    """Moves one face. Used by one thread.

    The caller promises: the source's picture is at least 16 pixels on each side and nobody writes into it.
    """

    region: Region
    """The part of the picture that frames replace. No motion changes anything outside it."""

    @classmethod
    @abstractmethod
    def open(cls, source: Source) -> Engine:
        """Prepare a picture; everything that is the same for all motions is computed here.

        Raises PortraitError where this face cannot be moved.
        """

    @abstractmethod
    def render(self, motion: Motion) -> Pixels:
        """Return the region for one motion, blended so that it can be copied into the picture as it is.

        Made from the source picture every time, never from another frame. Motions beyond what a face can do, or what
        this engine can show, are brought back to what it can. All zero gives the source's own pixels exactly.
        """

    def least_area(self, motion: Motion) -> float:  # noqa: ARG002 - only warps have one
        """Return the smallest part of its area that any spot is squeezed to: the least determinant of the warp's
        Jacobian, from picture to frame. 0 or less: it folds. NaN for an engine that does not warp.
        """
        return math.nan


ENGINES: dict[str, RegistryEntry] = {
    "mesh": RegistryEntry(
        "realtime.portrait.engines.warp.engine",
        "MeshEngine",
        "turns head and eyes of the picture itself; keeps every detail",
    ),
}
