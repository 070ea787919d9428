"""Whether a new face smiles when its wearer does, by classifiers that had no part in making it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from tools.attributes.judges import framed, open_judge
from tools.swap_figures.material import SHARED_DATA

_SMILING = "Smiling"
_HALF = 0.5


class Smiles(NamedTuple):
    """What a classifier says over a clip."""

    viewer: float
    """Share of frames in which the viewer smiles …"""
    worn: float
    """… and in which the finished face does."""
    agrees: float
    """Share of frames in which both do, or neither."""
    forced: float
    """Share of those in which the viewer does not smile, but the finished face does."""


def usual_judges() -> list[Path]:
    """The shared classifiers that know a smile, where they are: a network's and a linear one."""
    folder = SHARED_DATA / "classifiers"
    return [path for name in ("faceapi_expression.onnx", "celeba40_linear.npz") if (path := folder / name).is_file()]


class SmileJudges:
    """Asks classifiers whether faces smile."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Raises ModelError."""
        judges = [open_judge(path) for path in paths]
        self._judges = [(judge, judge.attributes.index(_SMILING)) for judge in judges if _SMILING in judge.attributes]

    def of(self, pixels: Pixels, mesh: FaceMesh) -> list[float]:
        """Return how probably a face smiles, by each judge."""
        face = framed(pixels, mesh)
        return [float(judge.probabilities([face])[0, place]) for judge, place in self._judges]

    def summed_up(self, viewer: Sequence[Sequence[float]], worn: Sequence[Sequence[float]]) -> dict[str, Smiles]:
        """Return what each judge says of frames: (frames, judges) probabilities."""
        found = {}
        for place, (judge, _) in enumerate(self._judges):
            own = np.array([each[place] for each in viewer]) > _HALF
            made = np.array([each[place] for each in worn]) > _HALF
            forced = float(made[~own].mean()) if (~own).any() else 0.0
            found[judge.name] = Smiles(float(own.mean()), float(made.mean()), float((own == made).mean()), forced)
        return found
