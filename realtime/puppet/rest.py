"""A face at rest: learnt in the first second that it is seen, and corrected slowly from then on."""

from __future__ import annotations

import numpy as np

from realtime.imaging.numerics import Doubles
from realtime.puppet.reading import Reading

LEARNT_IN_S = 1.0
_LEAST_READINGS = 6
"""As few may be learnt from: a second of a source with six pictures in it."""
_SLOWLY_S = 60.0
"""What differs from rest becomes rest in this time: someone who sits down differently is straight again after a minute
or two, and a long smile is no rest yet."""
_BANDS = Reading(
    8.0,
    8.0,
    6.0,
    0.03,
    0.03,
    0.02,
    0.04,
    0.04,
    0.01,
    0.01,
    0.008,
    0.008,
    0.008,
    0.008,
    0.006,
    0.006,
    0.008,
    1.0,
    1.0,
    0.3,
)
"""What differs by more counts as so much: a mouth wide open draws its rest no faster than one that is hardly open."""
_SHARES = Reading(*(50.0,) * 6, 70.0, 70.0, 40.0, 40.0, *(50.0,) * 4, 60.0, 30.0, 40.0, *(50.0,) * 3)
"""Percentiles: who blinks or speaks in that second has open eyes and closed lips at rest all the same."""
_NEARER = 0.004
"""Lips that are nearer to each other than at rest by more than this were no rest: closed, they move by less."""
_CLOSES_S = 0.15
"""In this time rest becomes what they show then: lips that close in the middle of a word stay so for a tenth of a
second, and whoever talks through the whole first second has closed lips at rest soon after."""
_LIPS = (Reading._fields.index("upper_y"), Reading._fields.index("lower_y"), Reading._fields.index("chin_y"))


class RestLearner:
    """Of one viewer. Used by one thread."""

    def __init__(self) -> None:
        self._readings: list[Reading] = []
        self._began_s = 0.0
        self._at_s = 0.0
        self._rest: Doubles | None = None

    @property
    def rest(self) -> Reading | None:
        """None until it is learnt."""
        return None if self._rest is None else Reading(*self._rest.tolist())

    def add(self, reading: Reading, pts_s: float) -> None:
        """Take in what is seen at a moment."""
        if self._rest is not None:
            share = min(1.0, max(0.0, pts_s - self._at_s) / _SLOWLY_S)
            away = np.array(reading) - self._rest
            self._rest = self._rest + np.clip(away, -np.array(_BANDS), _BANDS) * share
            self._close_lips(reading, max(0.0, pts_s - self._at_s))
            self._at_s = pts_s
            return
        if not self._readings:
            self._began_s = pts_s
        self._readings.append(reading)
        self._at_s = pts_s
        if pts_s - self._began_s >= LEARNT_IN_S and len(self._readings) >= _LEAST_READINGS:
            columns = np.array(self._readings, np.float64).T
            self._rest = np.array(
                [np.percentile(column, share) for column, share in zip(columns, _SHARES, strict=True)], np.float64
            )
            self._readings = []

    def _close_lips(self, reading: Reading, step_s: float) -> None:
        """Rest has closed lips as soon as closed lips are seen."""
        if self._rest is None:
            return
        upper, lower, _ = _LIPS
        nearer = float(self._rest[lower] - self._rest[upper]) - (reading.lower_y - reading.upper_y)
        if nearer <= _NEARER:
            return
        share = min(1.0, step_s / _CLOSES_S) * (1 - _NEARER / nearer)
        for number in _LIPS:
            self._rest[number] += (reading[number] - self._rest[number]) * share

    def learn_anew(self) -> None:
        """Forget what rest is."""
        self._rest = None
        self._readings = []
