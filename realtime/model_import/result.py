"""What comes of bringing a model in."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.core.files import atomic_write
from realtime.imaging.frame import Pixels
from realtime.model_import.hints import Finding
from realtime.models.card import ModelCard
from realtime.style.letterbox import SizeConstraint


@dataclasses.dataclass(frozen=True, slots=True)
class Description:
    """What people shall read of a model; empty where the file or its name serves."""

    title: str = ""
    about: str = ""
    credit: str = ""
    licence: str = ""


class Speed(NamedTuple):
    """How long a model takes."""

    line: str = ""
    """For people; empty where it was not timed."""
    notes: tuple[str, ...] = ()
    """What ONNX Runtime says of it, a line each."""


@dataclasses.dataclass(frozen=True, slots=True)
class Validation:
    """What a finished model made of a real picture."""

    before: Pixels
    after: Pixels
    notes: tuple[str, ...] = ()
    """What ONNX Runtime says of the model, a line each."""
    doubts: tuple[str, ...] = ()
    """What looks odd in the picture, a line each."""
    bound: SizeConstraint | None = None
    """Of a style: the sizes it takes."""
    code: NDArray[np.float32] | None = None
    """Of an encoder: what it gives for the face, (1, size)."""
    speed: Speed = Speed()


@dataclasses.dataclass(frozen=True, slots=True)
class Imported:
    """A model in our contract, not yet kept anywhere."""

    content: bytes
    card: ModelCard
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    """What the user should know, a line each."""
    validation: Validation
    companion: Imported | None = None
    """The model it cannot be used without: a swapper's encoder."""

    def keep(self, path: Path) -> None:
        """Write it, whole or not at all. Raises OutputError."""
        with atomic_write(path) as unfinished:
            unfinished.write_bytes(self.content)
