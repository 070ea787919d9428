"""Which of several faces is the viewer: the nearest one, but a gaze is not torn away, and pictures are not
people.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Box, Face

_MOVED = 0.035
_MOVED_PER_NOISE = 8.0
# How far eyes, nose and mouth must be from where they rested (root mean square, in face widths) to have moved.
# Measured with BlazeFace on a photo that hangs still: it strays by at most 0.006 under camera noise (σ 5 to 10 of 255)
# or JPEG at quality 40 where its face is at least 7 % of the picture's width, by 0.03 when half the light goes out;
# where it is 5 % wide, by 0.044 with a jitter of 0.011, hence the second figure. (Light that pulses by a third, or a
# focus that hunts, can still bring a photo of 7 % to life; one of 11 % stays still.) People who sit and talk stray by
# 0.03 to 0.2 and are told from photos after 0.7 to 5.2 s, people who come walking after 0.7 to 1.4 s.
_MOVED_FOR_S = 0.3
_MOVED_LEAK = 0.02
# For so long in sum, while each second at rest takes back a little: what brushes past a poster is no movement of it.
_REST_S = 8.0
# The resting place follows so slowly: daylight that wanders over a poster does not move it, a shifted chair is seen.
_SETTLE_S = 0.4
_STILL_AFTER_S = 3.0
# Watched for so long without a movement, a face is taken for a picture until it moves.
_HIDDEN_S = 0.6
# A face hidden for longer is watched anew: the detector's first guesses after that are no movement.
_NEARER = 1.3
_NEARER_FOR_S = 1.0
_PASSING_PER_S = 1.0
# Face widths a second, about 0.16 m/s: whoever goes across the picture faster than this is on their way somewhere. A
# walk takes 1.5 to 3 s from edge to edge, so time alone would not tell a passer-by from a viewer.


class Liveness(enum.IntEnum):
    """What is known of a face; the greater, the better its claim to the gaze."""

    STILL = 0
    """Watched for a while, and never moved by itself: a painting, a poster, or somebody who sits very still."""
    UNKNOWN = 1
    """Not watched for long enough."""
    ALIVE = 2
    """Has moved by itself, and so is a person for as long as it is known, however still they sit."""


class LivenessWatch:
    """Watches one face for movements of its own. Used by one thread."""

    def __init__(self) -> None:
        self.life = Liveness.UNKNOWN
        self._seen_at_s = -math.inf
        self._watched_s = 0.0
        self._moved_s = 0.0
        self._noise = 0.0
        self._raw: NDArray[np.float64] = np.zeros(8)
        self._step: NDArray[np.float64] = np.zeros(8)
        self._rest: NDArray[np.float64] = np.zeros(8)

    def watch(
        self, raw: NDArray[np.float64], calm: NDArray[np.float64], width: float, pts_s: float, *, shadowed: bool
    ) -> None:
        """Take in the next place of eyes, nose and mouth (8 numbers, pixels), as detected and calmed.

        `shadowed`: somebody nearer may be covering a part of it, which shifts what the detector sees; what
        happens meanwhile says nothing.
        """
        if self.life is Liveness.ALIVE:
            return
        step_s = pts_s - self._seen_at_s
        self._seen_at_s = pts_s
        if shadowed or step_s > _HIDDEN_S or step_s <= 0.0:
            self._watched_s = self._moved_s = 0.0
            self._raw, self._rest = raw, calm
            return
        self._watched_s += step_s
        step = raw - self._raw
        # the second difference is noise and hardly movement; of white noise it has √6 times the deviation
        noise = float(np.abs(step - self._step).mean()) / (0.798 * math.sqrt(6) * width)
        self._raw, self._step = raw, step
        settling = self._watched_s < _SETTLE_S
        self._noise += min(1.0, 2.0 * step_s) * (noise - self._noise)
        from_rest = calm - self._rest
        self._rest = self._rest + min(1.0, step_s / (_SETTLE_S / 3 if settling else _REST_S)) * from_rest
        if settling:
            return
        distance = math.sqrt(float(from_rest @ from_rest) / 4) / width
        if distance > max(_MOVED, _MOVED_PER_NOISE * self._noise):
            self._moved_s += step_s
            if self._moved_s >= _MOVED_FOR_S:
                self.life = Liveness.ALIVE
        else:
            self._moved_s = max(0.0, self._moved_s - _MOVED_LEAK * step_s)
            if self._watched_s >= _STILL_AFTER_S:
                self.life = Liveness.STILL


def occludes(nearer: Box, box: Box) -> bool:
    """Return True where the person whose face is `nearer` may cover some of `box`, by head or shoulders."""
    return (
        nearer.width > box.width
        and nearer.left - nearer.width < box.left + box.width
        and box.left < nearer.left + 2 * nearer.width
        and nearer.top - 0.3 * nearer.height < box.top + box.height
        and box.top < nearer.top + 4 * nearer.height
    )


class Candidate(NamedTuple):
    """A calmed, tracked face, and what is known of it."""

    face: Face
    life: Liveness
    speed: float = 0.0
    """Across the picture, in face widths a second."""


class ViewerSelection:
    """Chooses whom to follow, picture after picture. Used by one thread.

    - Nobody is followed yet, or the one who was has left: people who move come first, then the nearest.
    - Somebody else takes over only when clearly nearer (1.3 times as wide) for a second.
    - A face that has never moved by itself takes over from nobody who has; once it has been watched for 3 s, it
      yields at once to anybody who has. Alone, it is followed all the same.
    """

    def __init__(self) -> None:
        self._viewer = -1
        self._nearer_since_s: dict[int, float] = {}

    def choose(self, candidates: Sequence[Candidate], pts_s: float) -> int:
        """Return the `track_id` of the viewer; -1 where there is nobody."""
        if len(candidates) < 2:  # the usual case
            self._nearer_since_s.clear()
            self._viewer = candidates[0].face.track_id if candidates else -1
            return self._viewer
        for candidate in candidates:
            if candidate.face.track_id == self._viewer:
                return self._challenge(candidate, candidates, pts_s)
        self._nearer_since_s.clear()
        self._viewer = max(candidates, key=_claim).face.track_id
        return self._viewer

    def reset(self) -> None:
        """Forget who was followed."""
        self._viewer = -1
        self._nearer_since_s.clear()

    def _challenge(self, holder: Candidate, candidates: Sequence[Candidate], pts_s: float) -> int:
        """Return who holds the gaze now: the holder, or somebody with a better claim to it."""
        winners = []
        nearer_since_s: dict[int, float] = {}
        for candidate in candidates:
            face, life, speed = candidate
            if (
                candidate is holder
                or face.lost_for_s > 0.0
                or (holder.life is Liveness.ALIVE and life is not Liveness.ALIVE)
            ):
                continue
            if holder.life is Liveness.STILL and life is Liveness.ALIVE:
                winners.append(candidate)
            elif face.box.width >= _NEARER * holder.face.box.width and speed <= _PASSING_PER_S:
                since_s = nearer_since_s[face.track_id] = self._nearer_since_s.get(face.track_id, pts_s)
                if pts_s - since_s >= _NEARER_FOR_S:
                    winners.append(candidate)
        self._nearer_since_s = nearer_since_s
        if winners:
            self._viewer = max(winners, key=_claim).face.track_id
            self._nearer_since_s = {}
        return self._viewer


def _claim(candidate: Candidate) -> tuple[Liveness, bool, float]:
    return candidate.life, candidate.face.lost_for_s == 0.0, candidate.face.box.width
