"""Compares the irises of finished frames with those of the picture they were made from: size, brightness, remains."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.measurement import FaceMeasurement
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.portrait.engines.warp.eyes import eye_shape
from realtime.portrait.engines.warp.eyes.eye_shape import EyeShape
from realtime.portrait.quality.residue import dark_lines

_WHITE_FROM = 0.6
"""Share of the way from the iris' brightness to the white's, from where on all counts as white."""
_GREY_REACH = 1.5
"""Eye widths from an eye's middle: farther than any iris is looked for."""
_FITTING = 0.85
"""Share of an iris' places that must be like the original's."""
IRIS_SCALES = np.linspace(0.8, 1.2, 17, dtype=np.float32)


def _moves(reach_u: float, count_u: int, reach_v: float, count_v: int) -> Floats:
    across, down = np.meshgrid(np.linspace(-reach_u, reach_u, count_u), np.linspace(-reach_v, reach_v, count_v))
    return np.stack([across.ravel(), down.ravel()], axis=1).astype(np.float32)


_WIDE_MOVES = _moves(0.16, 17, 0.06, 5)
"""Places an iris is first looked for around where the model has it, eye widths; then, at every scale, nearer by."""
_NEAR_MOVES = _moves(0.02, 5, 0.015, 3)
_FINE_MOVES = _moves(0.008, 5, 0.008, 5)
"""And nearer still: an iris that is missed by a tenth of its radius is not the size it seems. Pictures shifted by parts
of a pixel and scaled by a known factor are seen within 0.005 of it so, within 0.015 without."""


@dataclasses.dataclass(frozen=True, slots=True)
class Irises:
    """What both irises of one face look like, compared with those of the original picture."""

    matches: NDArray[np.float64]
    """How well the original's irises match these at each of IRIS_SCALES: minus grey levels, sum of both eyes."""
    brightness: float
    """Mean of their middles, highlights left out, 0..255."""
    left_behind: float
    """How much darker than in the picture the lines are where they were and are no more, grey levels (`residue.py`)."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Grey:
    """The mean of the three colours around an eye: what is matched is looked up some twelve thousand times."""

    pixels: Floats
    left: int
    top: int

    @classmethod
    def around(cls, picture: Pixels, shape: EyeShape) -> _Grey:
        height, width = picture.shape[:2]
        reach = _GREY_REACH * shape.width_px
        (left, top), (right, bottom) = (
            np.clip(np.rint(shape.middle_px + sign * reach), 0, (width - 1, height - 1)).astype(int).tolist()
            for sign in (-1, 1)
        )
        return cls(picture[top : bottom + 1, left : right + 1].mean(axis=-1, dtype=np.float32), left, top)

    def at(self, x: Floats, y: Floats) -> Floats:
        """Return brightness at places of the picture."""
        at_x, at_y = x - np.float32(self.left), y - np.float32(self.top)
        found = cv2.remap(self.pixels, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, np.float32)


class IrisWatch:
    """Compares the irises of finished frames with those of the picture they were made from."""

    _SIDE = 19
    _REACH = 1.25
    """The patch that is matched reaches a little over the rim: an edge shows its size best."""

    def __init__(self, picture: Pixels, original: FaceMeasurement) -> None:
        self._picture = picture
        self._shapes = eye_shape.fit(picture, original.eyes, original.mesh)
        steps = np.linspace(-self._REACH, self._REACH, self._SIDE, dtype=np.float32)
        self._u, self._v = (grid.ravel() for grid in np.meshgrid(steps, steps))
        self._templates = []
        for shape in self._shapes:
            grey = _Grey.around(picture, shape)
            values, open_ = self._sample(grey, shape, self._u[None], self._v[None], shape.iris, shape.radius)
            self._templates.append(self._template(values[0], open_[0]))
        self.brightness = float(np.mean([_iris_brightness(picture, shape) for shape in self._shapes]))

    def see(self, frame: Pixels, measured: FaceMeasurement) -> Irises:
        """Return how the irises of a whole picture with a frame in it look (brute force, 4 ms)."""
        score_by_scale = np.zeros(len(IRIS_SCALES))
        places = []
        left_behind = 0.0
        for number, seen in enumerate(eye_shape.from_models(measured.eyes, measured.mesh)):
            # The size of an eye in the frame is that of the mesh; the iris' own is what is asked for.
            own = self._shapes[number]
            shape = dataclasses.replace(seen, radius=own.radius * own.width_px / seen.width_px)
            grey = _Grey.around(frame, shape)
            place = _WIDE_MOVES[int(np.argmax(self._match(grey, number, shape, _WIDE_MOVES, 1.0)))]
            near = (place + _NEAR_MOVES).astype(np.float32)
            found = [self._nearest(grey, number, shape, near, float(scale)) for scale in IRIS_SCALES]
            scores = np.array([score for score, _ in found])
            score_by_scale += scores
            best = found[int(np.argmax(scores))][1]
            iris = (shape.iris[0] + float(best[0]), shape.iris[1] + float(best[1]))
            places.append(dataclasses.replace(shape, iris=iris))
            lines = dark_lines(frame, shape, own.iris, iris) - dark_lines(self._picture, own, own.iris, iris)
            left_behind = max(left_behind, lines)
        brightness = float(np.mean([_iris_brightness(frame, shape) for shape in places]))
        return Irises(score_by_scale, brightness, left_behind)

    def _nearest(self, grey: _Grey, number: int, shape: EyeShape, near: Floats, scale: float) -> tuple[float, Floats]:
        """Return how like the original's iris the frame is at one scale, and by which move (2,) that is found."""
        coarse = near[int(np.argmax(self._match(grey, number, shape, near, scale)))]
        fine = (coarse + _FINE_MOVES).astype(np.float32)
        scores = self._match(grey, number, shape, fine, scale)
        best = int(np.argmax(scores))
        return float(scores[best]), fine[best]

    def _match(self, grey: _Grey, number: int, shape: EyeShape, moves: Floats, scale: float) -> NDArray[np.float64]:
        """Return how like the original's iris the frame is, for moves (n, 2) of its place, in eye widths."""
        template, mask, white = self._templates[number]
        at_u = moves[:, :1] / shape.radius + self._u[None] * scale
        at_v = moves[:, 1:] / shape.radius + self._v[None] * scale
        values, open_ = self._sample(grey, shape, at_u, at_v, shape.iris, shape.radius)
        return _likeness(np.minimum(values, white), template[None], open_ & mask[None])

    def _template(self, values: Floats, is_open: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_], float]:
        """Return the brightness of an iris and of the white around it, where it counts, and from where on it is white.

        A turned iris has other surroundings: white in another light, or the dark of a corner. So all that is bright
        counts as one white, and what is dark around the iris of the picture does not count. Nor do highlights on the
        iris: they stay with the lamp when it moves, and irises of four pixels' radius drawn in their own size were seen
        1.05 times as large by them.
        """
        from_centre = np.hypot(self._u, self._v)
        beside, core = is_open & (from_centre > 1.1) & (from_centre <= self._REACH), is_open & (from_centre < 0.8)
        dark, bright = float(np.median(values[core])), float(np.percentile(values[beside], 70))
        white = max(dark + 5.0, dark + _WHITE_FROM * (bright - dark))
        counts = is_open & (from_centre <= self._REACH) & ((from_centre < 0.95) != (values > (dark + white) / 2))
        return np.minimum(values, white).astype(np.float32), counts, white

    @staticmethod
    def _sample(
        grey: _Grey,
        shape: EyeShape,
        u: Floats,
        v: Floats,
        iris: tuple[float, float],
        radius: float,
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Return brightness at places given in iris radii from the iris, and which of them the lids leave open."""
        along, across = iris[0] + u * radius, iris[1] + v * radius
        x, y = shape.picture_of(along, across)
        upper, lower = shape.lids(along)
        return grey.at(x, y), (across > upper + 0.04) & (across < lower - 0.02)


def _likeness(values: Floats, template: Floats, counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how like the template each row is over the places that count in it: 0 is the same, less is less.

    Differences, not correlation: brightness has to stay too, and a correlation hardly tells scales of a dark disc
    apart. The places that fit worst do not count: there a corner's shadow has come up to a turned iris.
    """
    errors = np.sort(np.where(counts, (values - template) ** 2, np.inf), axis=1)
    count = counts.sum(axis=1)
    counted = np.maximum((_FITTING * count).astype(np.int64), 1)
    sums = np.cumsum(np.where(np.isfinite(errors), errors, 0), axis=1)
    error = sums[np.arange(len(counted)), counted - 1] / counted
    return np.where(count > 35, -np.sqrt(error), -255.0).astype(np.float64)


def iris_sizes(irises: Sequence[Irises]) -> list[float]:
    """Return the scale at which the original's irises match those of each frame best; 1: the same size.

    Of five neighbours together: a dark iris under a dark lid says little about its size in one frame alone.
    """
    curves = np.stack([each.matches for each in irises])
    return [_peak(IRIS_SCALES, curves[max(0, number - 2) : number + 3].sum(axis=0)) for number in range(len(curves))]


def _peak(places: Floats, values: NDArray[np.float64]) -> float:
    """Return where a sampled curve is highest, by the parabola through its top three samples."""
    top = int(np.argmax(values))
    if not 0 < top < len(values) - 1:
        return float(places[top])
    before, peak, after = values[top - 1 : top + 2]
    curvature = before - 2 * peak + after
    shift = 0.0 if curvature >= 0 else 0.5 * (before - after) / curvature
    return float(places[top] + shift * (places[1] - places[0]))


def _iris_brightness(pixels: Pixels, shape: EyeShape) -> float:
    steps = np.linspace(-0.7, 0.7, 15, dtype=np.float32) * shape.radius
    along, across = np.meshgrid(steps + shape.iris[0], steps + shape.iris[1])
    upper, lower = shape.lids(along)
    inside = np.hypot(along - shape.iris[0], across - shape.iris[1]) < 0.7 * shape.radius
    inside &= (across > upper + 0.06) & (across < lower - 0.03)
    x, y = shape.picture_of(along, across)
    sampled = cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).mean(axis=2)
    return float(np.median(sampled[inside])) if inside.any() else float(np.median(sampled))
