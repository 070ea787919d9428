"""Portraits made from one picture: the contract of the engines that move a face, and their table.

An engine takes a source picture with its measured face, and a motion, and gives the head region of a frame. How the
motions come about (even steps from left to right, a blink, a filmed face) is not its business: `building/` thinks them
up, and blends what an engine gives into the picture where it does not do so itself. One that learnt how faces move, and
takes more of a face than ten numbers, is handed the filmed face. An engine of ours is one new file and one line in
ENGINES; a motion model (`realtime.models.card`) is an engine by its name in the library.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, NamedTuple, TypeAlias

from realtime.core.errors import OptionError, nearest
from realtime.core.language import N_, _
from realtime.core.registry import RegistryEntry
from realtime.faces.landmarks.iris import Eyes
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Box, Pixels

BUILDER_VERSION = 13
"""Counted up whenever finished frames change: packs kept in a cache under an older number are made anew."""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A picture and the face in it that shall move."""

    picture: Pixels
    mesh: FaceMesh
    eyes: Eyes


class DrivingFace(NamedTuple):
    """A filmed face at one moment, and as it is when the source's face is as in its picture."""

    now: Source
    rest: Source


Region: TypeAlias = Box
"""A rectangle of whole pixels within the picture."""


class Engine(ABC):
    """Moves one face. Used by one thread.

    The caller promises: the source's picture is at least 16 pixels on each side and nobody writes into it.
    """

    is_exact: ClassVar[bool] = False
    """True: at rest it gives the source's own pixels, to the bit, and no motion changes the rim of the region, so that
    frames can be copied into the picture as they are. False, as of any decoder: the caller blends the rim."""
    is_driven_by_faces: ClassVar[bool] = False
    """True: `drive` looks at the filmed face and not only at its motion."""
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
        """Return the region for one motion: (height, width, 3) uint8 BGR.

        Made from the source picture every time, never from another frame. Motions beyond what a face can do, or what
        this engine can show, are brought back to what it can. All zero is the source as it is.
        """

    def drive(self, face: DrivingFace, motion: Motion) -> Pixels:  # noqa: ARG002 - most take the motion
        """Return the region as a filmed face moves it; `motion` is what was read from that face."""
        return self.render(motion)

    def least_area(self, motion: Motion) -> float:  # noqa: ARG002 - only warps have one
        """Return the smallest part of its area that any spot is squeezed to: the least determinant of the warp's
        Jacobian, from picture to frame. 0 or less: it folds. NaN for an engine that does not warp.
        """
        return math.nan


ENGINES: dict[str, RegistryEntry] = {
    "mesh": RegistryEntry(
        "realtime.portrait.engines.warp.engine",
        "MeshEngine",
        N_("turns head and eyes of the picture itself; keeps every detail"),
    ),
}


EngineMaker: TypeAlias = Callable[[Source], Engine]
"""Prepares a picture for an engine that was chosen. Raises PortraitError where its face cannot be moved, and
ModelError."""


def engine_names() -> list[str]:
    """Return the engines there are: ours, and the motion models of the library."""
    from realtime.models.card import ModelKind
    from realtime.models.library import model_names

    return [*ENGINES, *(name for name in model_names(ModelKind.MOTION) if name not in ENGINES)]


def engine_maker(name: str) -> EngineMaker:
    """Return what prepares pictures for an engine: one of ENGINES, a motion model of the library, or its file.

    One maker serves all faces of a picture: it opens a model once. Raises OptionError for a name nobody has, and
    ModelError for a file that is none.
    """
    check_engine(name)
    if name in ENGINES:
        maker: EngineMaker = ENGINES[name].load().open
        return maker
    from realtime.portrait.engines.learned.engine import ModelEngine

    return ModelEngine.maker(name)


def check_engine(name: str) -> None:
    """Raise OptionError for a name that no engine has. A file is looked into when it is opened."""
    names = engine_names()
    if name not in names and not name.lower().endswith(".onnx"):
        raise OptionError(
            _(
                "no engine '{name}'{hint}; there are: {names}",
                name=name,
                hint=nearest(name, names),
                names=", ".join(names),
            )
        )
