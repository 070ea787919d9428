"""The exact shape of an eye in a picture: both lids as curves, and the iris as a circle.

Two models say where the lids are, the mesh and the iris model, and each errs in its own way on paintings; so their mean
is taken where they agree about, and else more of the iris model's, which errs less. Then what the picture itself shows
counts: the upper lid moves to where the white begins, the iris to where a dark disc ends.

Places are given in units: eye widths along and across the line between the corners, from its middle, right and down.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from realtime.faces.landmarks.iris import Eye, Eyes
from realtime.faces.landmarks.measurement import SAME_PLACE, middle_of_lids
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats

# The mesh's lids, each from the picture's left to its right; sides as the person's own.
_RIGHT_UPPER = (33, 246, 161, 160, 159, 158, 157, 173, 133)
_RIGHT_LOWER = (33, 7, 163, 144, 145, 153, 154, 155, 133)
_LEFT_UPPER = (362, 398, 384, 385, 386, 387, 388, 466, 263)
_LEFT_LOWER = (362, 382, 381, 380, 374, 373, 390, 249, 263)

_MESH_SHARE, _LEAST_MESH_SHARE = 0.5, 0.2
"""How much the mesh's lids count where both models have the eyes at about the same place, and where the mesh has both
of them off to one side, as in a face turned by 30 degrees: with half there, too, the iris of the girl with the pearl
earring was taken for one a fifth of its eye away."""
_OTHER_PLACE = 0.06
"""And from this distance of both middles on, eye widths, the mesh has the eyes at another place."""
_GRID = np.linspace(-0.8, 0.8, 321, dtype=np.float32)
_PATCH_SIDE = 160
_PATCH_REACH = 0.85
"""The patch that is searched reaches this far from the middle to each side, units."""
_STEP = 0.035
"""Brightness is compared this far inside and outside of an edge, units."""
SOFT_EDGE = 0.05
"""Width of the soft edge between lid and eye, units: about one pixel of a small face, as in the pictures."""
_DARKNESS_ENDS = 0.6
"""Share of the way from the iris' brightness to the lower lid's at which the iris has ended."""
_GAP = 51
"""Narrower than so many places of `_GRID`, what interrupts an iris below the lid's line is no end of it."""
_MOST_OVERHANG = 0.12
"""No iris is seen farther below the models' lower lid than this, its soft edge included, units."""
_OTHER_SIZE = 8.0
"""What another size than the model's costs, for the square of the change's share: 20 per cent, the most, cost 0.3."""
_SEARCH_RIGHT, _SEARCH_DOWN = 0.12, 0.06
"""How far from the model's place an iris is looked for, units: the models err along the eye (see `SAME_PLACE`)."""
_PLACE_RIGHT, _PLACE_DOWN = 20, 30
"""What another place costs, for the square of the way in units: at the search's ends 0.3 and 0.1."""
_OFF_LID = 0.02
"""Nearer to a lid than this, units, its edge would be taken for the rim's."""
_BOTH_SIDES = 0.5
"""What the clearer side of a rim counts beside the fainter one, from which most is to be expected."""
_LEAST_RIM_PLACES = 4
"""Of 19 on each side of the rim: fewer between the lids are too few to tell."""
_LID_PART = 0.42
"""The upper lid is looked for between these places, units from the middle: in the corners there is no white."""
_BESIDE_IRIS = 0.9
"""And beside the iris, in radii: above it, dark is no sign."""
_MOST_LIFTED, _LIFTING, _TILTING = 0.10, 30, 10
"""So far the lid is raised at its middle or tilted, units, and what that costs, for its square: at most 0.3 and 0.1."""
_DARK_ABOVE = 0.02
"""An iris' own darkness is what is darkest so far above the lower lid's line, units; skin begins as far below it."""
_SKIN_BELOW_CIRCLE = 0.06
"""Skin is looked for down to here below the fitted circle, units."""
_BEYOND_CIRCLE = 0.02
"""An iris is not seen beyond its circle by more, units."""
_DARK_LID = 0.3
"""A lid that is brighter than the iris by less than this share of what the white is, is as dark as the iris."""


@dataclasses.dataclass(frozen=True, slots=True)
class EyeShape:
    """One eye. All lengths but those named px are units: widths of the eye, along it (right) and across it (down), from
    the middle between its corners. Places go in and come out in arrays of any one shape, float32.
    """

    middle_px: Floats
    """(2,) between the corners."""
    axis: Floats
    """(2,) unit vector from the left corner to the right one, in the picture."""
    width_px: float
    upper: Floats
    """The upper lid's edge at each place of `_GRID`."""
    lower: Floats
    overhang: Floats
    """How far below the models' lower lid an eye must be open to show the iris as it is seen, soft edge included, at
    each place of `_GRID`; 0 or more."""
    iris: tuple[float, float]
    radius: float
    contrast: float
    """How much darker the iris is than what lies beside it, grey levels; under 10 it is hardly to be seen."""

    @property
    def down(self) -> Floats:
        """(2,) unit vector across the eye, towards the chin."""
        return np.array([-self.axis[1], self.axis[0]], np.float32)

    def units_of(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return places of the picture (pixels) in units, along and across."""
        return _units(self, x, y)

    def picture_of(self, along: Floats, across: Floats) -> tuple[Floats, Floats]:
        """Return places in units as pixels of the picture."""
        down = self.down
        x = self.middle_px[0] + (along * self.axis[0] + across * down[0]) * self.width_px
        y = self.middle_px[1] + (along * self.axis[1] + across * down[1]) * self.width_px
        return np.asarray(x, np.float32), np.asarray(y, np.float32)

    def lids(self, along: Floats) -> tuple[Floats, Floats]:
        """Return the upper and the lower lid's edge at places along the eye; beyond the corners they have met."""
        return (
            np.interp(along, _GRID, self.upper).astype(np.float32),
            np.interp(along, _GRID, self.lower).astype(np.float32),
        )

    def overhang_at(self, along: Floats) -> Floats:
        """Return `overhang` at places along the eye."""
        return np.interp(along, _GRID, self.overhang).astype(np.float32)


def fit(picture: Pixels, eyes: Eyes, mesh: FaceMesh) -> tuple[EyeShape, EyeShape]:
    """Return the shapes of both eyes, the one at the picture's left first."""
    shapes, patches = [], []
    for shape in from_models(eyes, mesh):
        patch = _patch(picture, shape)
        shapes.append(_fit_upper_lid(patch, shape))
        patches.append(patch)
    fitted = _fit_irises(patches, shapes)
    return _fit_overhang(patches[0], fitted[0]), _fit_overhang(patches[1], fitted[1])


def from_models(eyes: Eyes, mesh: FaceMesh) -> tuple[EyeShape, EyeShape]:
    """Return both shapes as the two models see them, without a look at the picture."""
    points = mesh.points[:, :2]
    apart = abs(middle_of_lids(eyes, mesh))
    doubt = float(np.clip((apart - SAME_PLACE) / (_OTHER_PLACE - SAME_PLACE), 0, 1))
    share = _MESH_SHARE + (_LEAST_MESH_SHARE - _MESH_SHARE) * doubt
    return (
        _from_models(eyes.left, points[list(_RIGHT_UPPER)], points[list(_RIGHT_LOWER)], share),
        _from_models(eyes.right, points[list(_LEFT_UPPER)], points[list(_LEFT_LOWER)], share),
    )


def _from_models(eye: Eye, mesh_upper: Floats, mesh_lower: Floats, mesh_share: float) -> EyeShape:
    upper_px = (eye.upper + mesh_share * (mesh_upper - eye.upper)).astype(np.float32)
    lower_px = (eye.lower + mesh_share * (mesh_lower - eye.lower)).astype(np.float32)
    line = upper_px[-1] - upper_px[0]
    width = float(np.linalg.norm(line))
    middle = ((upper_px[0] + upper_px[-1]) / 2).astype(np.float32)
    bare = EyeShape(
        middle, (line / width).astype(np.float32), width, _GRID, _GRID, np.zeros_like(_GRID), (0, 0), 0.2, 0.0
    )
    upper, lower = _curves(bare, upper_px, lower_px)
    along, across = bare.units_of(eye.centre[:1], eye.centre[1:])
    return dataclasses.replace(
        bare, upper=upper, lower=lower, iris=(float(along[0]), float(across[0])), radius=eye.radius_px / width
    )


def _units(shape: EyeShape, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    away_x, away_y = x - shape.middle_px[0], y - shape.middle_px[1]
    down = shape.down
    along = (away_x * shape.axis[0] + away_y * shape.axis[1]) / shape.width_px
    across = (away_x * down[0] + away_y * down[1]) / shape.width_px
    return np.asarray(along, np.float32), np.asarray(across, np.float32)


def _curves(shape: EyeShape, upper_px: Floats, lower_px: Floats) -> tuple[Floats, Floats]:
    """Return both lids as smooth curves over `_GRID`; they never cross."""
    curves = []
    window = np.hanning(19)
    for points in (upper_px, lower_px):
        along, across = shape.units_of(points[:, 0], points[:, 1])
        order = np.argsort(along)
        line = np.interp(_GRID, along[order], across[order])
        padded = np.pad(line, 30, mode="edge")
        curves.append(np.convolve(padded, window / window.sum(), mode="same")[30:-30])
    middle = (curves[0] + curves[1]) / 2
    half = np.maximum(curves[1] - curves[0], 0) / 2 * np.clip((0.54 - np.abs(_GRID)) / 0.08, 0, 1)
    return (middle - half).astype(np.float32), (middle + half).astype(np.float32)


def _patch(picture: Pixels, shape: EyeShape) -> Floats:
    """Return the eye's brightness on a square grid of units, slightly blurred: canvas and grain are no edges."""
    steps = np.linspace(-_PATCH_REACH, _PATCH_REACH, _PATCH_SIDE, dtype=np.float32)
    along, across = np.meshgrid(steps, steps)
    x, y = shape.picture_of(along, across)
    patch = cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.016 * _PATCH_SIDE / (2 * _PATCH_REACH)), np.float32)


def _at(patch: Floats, along: Floats, across: Floats) -> Floats:
    """Return the patch's values at places in units (any two-dimensional array)."""
    scale = (_PATCH_SIDE - 1) / (2 * _PATCH_REACH)
    return np.asarray(
        cv2.remap(
            patch,
            ((along + _PATCH_REACH) * scale).astype(np.float32),
            ((across + _PATCH_REACH) * scale).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


_SIDE_ANGLES = np.radians(np.concatenate([np.linspace(-50, 60, 19), np.linspace(120, 230, 19)])).astype(np.float32)
"""Where an iris' rim is usually seen: at both sides, and somewhat below; right side first."""


def _fit_irises(patches: Sequence[Floats], shapes: Sequence[EyeShape]) -> tuple[EyeShape, EyeShape]:
    """Return both shapes with the circles where brightness rises most from inside to outside (Daugman's operator).

    Only the part of the rim between the lids counts, both sides of it have to agree, places far from the model's are
    believed less, and both irises have the same size in pixels.
    """
    radius_px = float(np.mean([shape.radius * shape.width_px for shape in shapes]))
    factors = np.linspace(0.80, 1.20, 21, dtype=np.float32)
    found = [
        _score_circles(patch, shape, factors * radius_px / shape.width_px)
        for patch, shape in zip(patches, shapes, strict=True)
    ]
    together = sum(score.max(axis=1) for score, _, _ in found) - _OTHER_SIZE * (factors - 1.0) ** 2
    size = int(np.argmax(together))
    fitted = []
    for shape, (score, places, contrast) in zip(shapes, found, strict=True):
        best = int(np.argmax(score[size]))
        if not np.isfinite(score[size, best]):
            fitted.append(shape)
            continue
        fitted.append(
            dataclasses.replace(
                shape,
                iris=(float(places[best, 0]), float(places[best, 1])),
                radius=float(factors[size]) * radius_px / shape.width_px,
                contrast=float(contrast[size, best]),
            )
        )
    return fitted[0], fitted[1]


def _score_circles(brightness: Floats, shape: EyeShape, radii: Floats) -> tuple[Floats, Floats, Floats]:
    """Return, for circles of each radius around places near the model's iris: a score (radii, places), the places
    (places, 2), and by how many grey levels the rim is darker inside (radii, places).
    """
    moves = np.meshgrid(np.linspace(-_SEARCH_RIGHT, _SEARCH_RIGHT, 25), np.linspace(-_SEARCH_DOWN, _SEARCH_DOWN, 11))
    places = np.stack([grid.ravel() for grid in moves], axis=1).astype(np.float32)
    moved_along, moved_across = places[:, 0], places[:, 1]
    places = places + np.array(shape.iris, np.float32)
    radius, centre_along = np.repeat(radii, len(places))[:, None], np.tile(places[:, 0], len(radii))[:, None]
    centre_across = np.tile(places[:, 1], len(radii))[:, None]
    cosine, sine = np.cos(_SIDE_ANGLES)[None], np.sin(_SIDE_ANGLES)[None]
    inside = _at(brightness, centre_along + (radius - _STEP) * cosine, centre_across + (radius - _STEP) * sine)
    outside = _at(brightness, centre_along + (radius + _STEP) * cosine, centre_across + (radius + _STEP) * sine)
    upper, lower = shape.lids(centre_along + radius * cosine)
    rim_across = centre_across + radius * sine
    seen = ((rim_across > upper + _OFF_LID) & (rim_across < lower - _OFF_LID)).astype(np.float32)
    rise = (outside - inside) * seen
    right_count = len(_SIDE_ANGLES) // 2
    counts = np.stack([seen[:, :right_count].sum(axis=1), seen[:, right_count:].sum(axis=1)])
    sides = np.stack([rise[:, :right_count].sum(axis=1), rise[:, right_count:].sum(axis=1)]) / np.maximum(counts, 1)
    spread = float(np.percentile(brightness, 90) - np.percentile(brightness, 10)) + 1.0
    score = (sides.min(axis=0) + _BOTH_SIDES * sides.sum(axis=0)) / spread
    score[(counts < _LEAST_RIM_PLACES).any(axis=0)] = -np.inf
    shaped = score.reshape(len(radii), len(places)) - _PLACE_RIGHT * moved_along**2 - _PLACE_DOWN * moved_across**2
    return shaped.astype(np.float32), places, sides.mean(axis=0).reshape(len(radii), len(places))


def _fit_upper_lid(brightness: Floats, shape: EyeShape) -> EyeShape:
    """Return the shape with its upper lid raised to where, beside the iris, dark lashes or shadow turn into white.

    Only raised: a lid's shadow on the white looks like the lid, and lies below it.
    """
    along = np.linspace(-_LID_PART, _LID_PART, 57, dtype=np.float32)
    beside = np.abs(along - shape.iris[0]) > shape.radius * _BESIDE_IRIS
    along = along[beside]
    if len(along) < 8:
        return shape
    upper, lower = shape.lids(along)
    parabola = 1 - (2 * along) ** 2
    lifts, tilts = (
        grid.ravel()[:, None]
        for grid in np.meshgrid(
            np.linspace(-_MOST_LIFTED, 0.0, 11), np.linspace(-_MOST_LIFTED, _MOST_LIFTED, 9), indexing="ij"
        )
    )
    edge = upper[None] + (lifts + tilts * along[None]) * parabola[None]
    below = np.minimum(edge + _STEP, (edge + lower[None]) / 2 + 0.01)
    places = np.broadcast_to(along, edge.shape)
    rise = _at(brightness, places, below) - _at(brightness, places, edge - _STEP)
    spread = float(np.percentile(brightness, 90) - np.percentile(brightness, 10)) + 1.0
    score = rise.mean(axis=1) / spread - _LIFTING * lifts[:, 0] ** 2 - _TILTING * tilts[:, 0] ** 2
    best = int(np.argmax(score))
    grid_parabola = np.clip(1 - (2 * _GRID) ** 2, 0, 1)
    moved = shape.upper + (float(lifts[best, 0]) + float(tilts[best, 0]) * _GRID) * grid_parabola
    return dataclasses.replace(shape, upper=np.minimum(moved, shape.lower).astype(np.float32))


def _fit_overhang(brightness: Floats, shape: EyeShape) -> EyeShape:
    """Return the shape with what is seen of the iris below the lower lid's line: down to where its darkness ends.

    Not by the circle alone: most irises go on behind the lid, and skin taken for iris would travel with it.
    """
    places = np.flatnonzero(np.abs(_GRID - shape.iris[0]) < 0.98 * shape.radius)
    along, lower = _GRID[places], shape.lower[places]
    circle = shape.iris[1] + np.sqrt(shape.radius**2 - (along - shape.iris[0]) ** 2) - lower
    down = np.linspace(-0.10, 0.20, 61, dtype=np.float32)[:, None]
    profile = _at(brightness, np.broadcast_to(along, (len(down), len(along))), lower + down)
    above = down < -_DARK_ABOVE
    below = (down > _DARK_ABOVE) & (down < np.maximum(circle, 0) + _SKIN_BELOW_CIRCLE)
    dark = np.where(above, profile, np.inf).min(axis=0)
    skin = np.nanmedian(np.where(below, profile, np.nan), axis=0)
    ended = ~above & (profile > dark + _DARKNESS_ENDS * (skin - dark))
    ends = np.minimum(down[np.argmax(ended, axis=0), 0], circle + _BEYOND_CIRCLE)
    ends[skin - dark < _DARK_LID * shape.contrast] = 0.0  # a lid as dark as the iris: its line is all there is to go by
    overhang = np.zeros_like(_GRID)
    overhang[places] = np.clip(ends + SOFT_EDGE, 0, _MOST_OVERHANG)
    window = np.hanning(15)
    # An iris ends in one arc: a gap in it is a crack, grain or a lash.
    whole = cv2.morphologyEx(cv2.medianBlur(overhang[None], 5), cv2.MORPH_CLOSE, np.ones((1, _GAP), np.uint8))
    smooth = np.convolve(whole[0], window / window.sum(), mode="same")
    smooth *= np.clip((0.5 - np.abs(_GRID)) / 0.1, 0, 1)
    return dataclasses.replace(shape, overhang=smooth.astype(np.float32))
