"""The columns of a portrait pack, chosen from a filmed face: from left to right, evenly spaced."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import PortraitError
from realtime.core.language import _
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.numerics import Doubles

_MOST_CLOSING = 0.3
"""Frames with lids farther down are not chosen for a pack: it has blinks of its own."""
_CANDIDATES = 24
_MISS = 20.0
"""What it costs to look one column's step beside the goal, in degrees that neighbours may differ by."""
_BACKWARDS = 1e3
_DEGREES_EACH = Motion(
    yaw_degrees=1.0,
    pitch_degrees=1.0,
    roll_degrees=1.0,
    gaze_x_degrees=0.0,
    gaze_y_degrees=1.0,
    closing=10.0,
    brows=150.0,
    mouth_open=80.0,
    mouth_wide=120.0,
)
"""How unlike two neighbours in a pack look: what a difference of one weighs, in degrees of turn. The eyes follow from
the head, for together they look where the column does."""
_LEAST_REACH_DEGREES = 4.0
_MOUTH_LEFT = 0.15
"""Share of the mouth's movement that is left in a pack: frames shown by where a visitor stands would have it gape at
one place and close at the next."""
_FIELDS = [field.name for field in dataclasses.fields(Motion)]
_YAW, _EYES = _FIELDS.index("yaw_degrees"), _FIELDS.index("gaze_x_degrees")


def look(motion: Motion) -> float:
    """Return how far to the right a motion looks, head and eyes together, degrees."""
    return motion.yaw_degrees + motion.gaze_x_degrees


def spread(motions: Sequence[Motion], count: int) -> list[int]:
    """Return the numbers of `count` motions that cover left to right: ordered by gaze, as evenly spaced as there are.

    Blinks are left out where they can be. Of several frames that look about where one is needed, those are taken that
    make neighbours most alike (the cheapest path through the candidates), so that a gaze that wanders from column to
    column meets no twitching mouth. A number comes twice only where nothing lies between.
    """
    table = np.array([dataclasses.astuple(motion) for motion in motions]) * dataclasses.astuple(_DEGREES_EACH)
    looks = np.array([look(motion) for motion in motions])
    usable = np.flatnonzero([motion.closing <= _MOST_CLOSING for motion in motions])
    if len(usable) < 2:
        usable = np.arange(len(motions))
    goals = np.linspace(looks[usable].min(), looks[usable].max(), count)
    step = max(1e-9, float(goals[-1] - goals[0]) / max(1, count - 1))
    # The cheapest path through the columns (Viterbi); `came_from`: where the best way to each candidate comes from.
    candidates: list[NDArray[np.int64]] = []
    came_from: list[NDArray[np.int64]] = []
    costs = np.zeros(1)
    for column, goal in enumerate(goals):
        nearest = 1 if column in (0, count - 1) else _CANDIDATES
        nearby = usable[np.argsort(np.abs(looks[usable] - goal), kind="stable")[:nearest]]
        if column:
            last = candidates[-1]
            differences = np.linalg.norm(table[nearby][:, None] - table[last][None], axis=2)
            total = costs + differences + _BACKWARDS * (looks[nearby][:, None] < looks[last][None])
            came_from.append(total.argmin(axis=1))
            costs = total.min(axis=1)
        else:
            costs = np.zeros(len(nearby))
        costs = costs + _MISS * ((looks[nearby] - goal) / step) ** 2
        candidates.append(nearby)
    place = int(costs.argmin())
    chosen = [int(candidates[-1][place])]
    for column in range(count - 1, 0, -1):
        place = int(came_from[column - 1][place])
        chosen.append(int(candidates[column - 1][place]))
    return chosen[::-1]


def choose(motions: Sequence[Motion], columns: int) -> list[Motion]:
    """Return motions for the columns of a pack: from left to right, evenly spaced, the middle one at rest.

    They lead through the frames of the clip that `spread` names, calmed from column to column: a visitor who takes a
    step shall not see a head nod, nor a mouth speak. A clip that looks farther to one side than to the other is
    centred: its middle becomes the portrait's own gaze. Raises PortraitError where the face hardly looks from side to
    side.
    """
    looks = np.array([look(motion) for motion in motions])
    anchors = sorted(set(spread(motions, columns)), key=lambda number: looks[number])
    places = looks[anchors]
    reach = float(places[-1] - places[0])
    if reach < _LEAST_REACH_DEGREES:
        raise PortraitError(
            _(
                "the face in the clip looks only {reach:.1f} degrees from side to side; film one that "
                "looks far to the left and to the right",
                reach=reach,
            )
        )
    goals = np.linspace(places[0], places[-1], columns)
    table = np.array([dataclasses.astuple(motions[number]) for number in anchors])
    calmed = _blurred(np.stack([np.interp(goals, places, column) for column in table.T], axis=1), columns / 16)
    # In the clip a head may turn back while its eyes go on; in a pack, neither goes back.
    yaw = _never_falling(calmed[:, _YAW])
    eyes = _never_falling(goals - yaw)
    calmed[:, _YAW], calmed[:, _EYES] = goals - eyes, eyes
    chosen = [Motion(*row) for row in (calmed - calmed[columns // 2]).tolist()]
    return [
        dataclasses.replace(
            motion,
            closing=0.0,
            mouth_open=_MOUTH_LEFT * max(0.0, motion.mouth_open),
            mouth_wide=_MOUTH_LEFT * motion.mouth_wide,
        )
        for motion in chosen
    ]


def _never_falling(values: Doubles) -> Doubles:
    """Return the values with their falls evened out, as much above as below; no rise becomes steeper."""
    above = np.maximum.accumulate(values)
    below = np.minimum.accumulate(values[::-1])[::-1]
    return np.asarray((above + below) / 2, np.float64)


def _blurred(table: Doubles, spread_rows: float) -> Doubles:
    """Return a table blurred along its columns by a Gaussian; its ends go on as straight lines."""
    reach = min(len(table) - 1, int(np.ceil(3 * spread_rows)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / spread_rows) ** 2)
    padded = np.pad(table, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    blurred = [np.convolve(column, weights / weights.sum(), mode="valid") for column in padded.T]
    return np.stack(blurred, axis=1)
