"""Following a driving clip: how a filmed face moves, compared with its first frame, as motions for a portrait.

filmed = motions_of(clip)                                # one Motion for every frame of the clip
chosen = spread(filmed.motions, 33)                      # the frames that best cover left to right
animate(picture, engine, filmed, Path("out.mp4"))        # or the whole clip, the portrait in place of the face
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.frame import Pixels
from realtime.model_store import Progress, no_progress
from realtime.portraits import Engine, Motion


@dataclasses.dataclass(frozen=True, slots=True)
class FilmedMotion:
    """How the face in a clip moves."""

    motions: tuple[Motion, ...]
    """One for each frame of the clip, compared with the first frame that shows the face."""
    times_s: tuple[float, ...]
    """Presentation times, from 0, strictly rising."""
    fps: float
    """Frames per second by the clip's own account."""
    faces_seen: float
    """Share of the frames in which the face was seen; in the others it moves evenly from one sight to the next."""
    warnings: tuple[str, ...]
    """What a user should know before using it: a clip in which the face hardly moves, or is often out of sight."""


def motions_of(clip: Path, progress: Progress = no_progress) -> FilmedMotion:
    """Measure the one face in a clip, frame by frame.

    Raises PortraitError where the clip cannot be followed (not a video, no face, two faces, shorter than half a
    second), and ModelError when a model file cannot be had.
    """
    raise NotImplementedError


def spread(motions: Sequence[Motion], count: int) -> list[int]:
    """Return `count` numbers of motions that cover left to right: ordered by gaze, evenly spaced."""
    raise NotImplementedError


def animate(
    picture: Pixels,
    engine: Engine,
    filmed: FilmedMotion,
    path: Path,
    *,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> None:
    """Write the whole picture, its face moved like the filmed one, as a video: whole, or not at all."""
    raise NotImplementedError


def look(motion: Motion) -> float:
    """Return how far to the right a motion looks, head and eyes together, degrees."""
    return motion.yaw_degrees + motion.gaze_x_degrees


def _looks(motions: Sequence[Motion]) -> NDArray[np.float64]:
    return np.array([look(motion) for motion in motions], np.float64)
