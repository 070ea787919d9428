"""The photo's irises and whites in the viewer's eyes: they look where the viewer looks, and close when theirs do.

An eye is whose it is by what lies between its lids: the photo's there, and nothing else changed, gains 0.06 of likeness
with photos that smile and 0.08 with calm ones; the lids themselves 0.01 (`tools.measure_swap`). So the ball of each eye
(`eyeballs.py`) is drawn between the viewer's lids with its iris over theirs. Lids, lashes, blinks and gaze stay the
viewer's.
"""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.faces.landmarks.iris import Eye, IrisModel
from realtime.faces.landmarks.mesh import EYE_CORNERS, FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Doubles, Floats, eased
from realtime.imaging.pixels import ONE_MAP, Place
from realtime.swap.photo.eyeballs import RADIUS_PX, RIGID, EyeBall
from realtime.swap.photo.flat_photo import LUMA

_LOOKS_EVERY_S = 0.03
"""At one eye, in turns, and at the other where that stirs: looking at both took a third of what a face costs."""
_PAUSE_S = 0.5
_COMES_S, _LEAST_SHARE = 0.2, 0.02
_STRAIGHT_DEGREES, _ASIDE_DEGREES = 20.0, 32.0
_LEAST_WIDTH_PX, _FULL_WIDTH_PX = 14.0, 20.0
"""Of the viewer's eye: smaller ones are a few pixels, and stay theirs."""
_SHUT, _OPEN = 0.18, 0.24
"""Between the lids, in widths of the eye: winking ones have 0.16 to 0.18, and an eye would be drawn there that is
half open."""
_WINKS, _NARROW = 0.6, 0.8
"""How far an eye is open of what the other is: a winking one was seen with 0.5 to 0.65, still shut."""
_REACH, _STEPS = 0.2, 11
"""Above the lid that the iris model sees, in widths of the eye. Of eyes wide open it sees it too low, by up to 0.13."""
_WHITE, _NOT_WHITE = 0.8, 0.7
"""Of the brightness of the eye's white: there it goes on, and there it has ended."""
_REDDER = 0.1
"""Red over blue, of their brightness: by so much redder is skin. Pale lids without lashes were taken for white."""
_FARTHEST = 0.33
"""Of an iris from the middle of its eye, in widths: farther, it was not found."""
_SETTLES_S = 2.0
"""For the size of an iris, which does not change."""
_STILL = 0.012
"""Widths of the eye: an iris that moves by less is eased, for finding it wavers by 0.006."""
_STIRS = 0.03
"""Widths of the eye, of its iris or between its lids: it turns, or blinks, and so does the other."""
_SOFT = 0.03
_LEAST_GAIN, _MOST_GAIN = 0.3, 2.5
"""Times as bright as in the photo the eyes are in the viewer's light."""
_SHADE, _SHADE_REACH = 0.45, 0.3
"""How much darker a ball is along its lids, and how far, in radii of the iris: …"""
_LASH_SHADE = 0.25
"""… so much farther below the upper one, whose lashes throw a shade. Without it narrow eyes stared."""


@dataclasses.dataclass(slots=True)
class _Look:
    """Where an iris stands, and the lids, in widths of the eye from the middle between its corners, along and down."""

    centre: Doubles
    radius: float
    lids: Doubles
    """(18, 2): the upper lid from left to right, the lower one back."""
    openness: float
    white: Floats
    """(3,) the colour of the eye's white, BGR."""

    def follow(self, now: _Look, share: float) -> bool:
        """Take in what was seen, and return whether the eye has turned or its lids have moved. `share`: of the way to
        the size of the iris seen now.
        """
        moved = now.centre - self.centre
        far = float(np.hypot(*moved))
        stirs = max(far, abs(now.openness - self.openness)) > _STIRS
        self.centre = self.centre + min(1.0, 0.3 + 0.7 * far / _STILL) * moved
        self.radius += share * (now.radius - self.radius)
        self.white = self.white + share * (now.white - self.white)
        self.lids, self.openness = now.lids, now.openness
        return stirs


class EyePainter:
    """Draws a photo's eyes into one viewer's. Used by one thread."""

    def __init__(self, balls: tuple[EyeBall, EyeBall], model: IrisModel) -> None:
        self._balls, self._model = balls, model
        self._looks: list[_Look] = []
        self._turn = 0
        self._at_s = -math.inf
        self._masks: list[tuple[Place, NDArray[np.uint8]]] = []
        self._share = 0.0

    def forget(self) -> None:
        """Somebody else comes."""
        self._looks, self._at_s, self._share = [], -math.inf, 0.0

    def look(self, pixels: Pixels, mesh: FaceMesh, pts_s: float, *, worn: bool) -> None:
        """See where the viewer looks, in a frame in which `mesh` lies. `worn`: the photo's eyes are to be drawn."""
        passed_s = pts_s - self._at_s
        if 0 <= passed_s < _LOOKS_EVERY_S:
            return
        self._at_s = pts_s
        if not 0 <= passed_s <= _PAUSE_S:
            self._looks, self._share = [], float(worn)
        self._share += (1 - math.exp(-min(passed_s, 1.0) / _COMES_S)) * (worn - self._share)
        if self._share < _LEAST_SHARE:
            self._looks = []
            return
        if not self._looks:
            found = self._model.measure(pixels, mesh)
            self._looks = [_look(pixels, eye, mesh, side) for side, eye in enumerate((found.left, found.right))]
            return
        share = 1 - math.exp(-passed_s / _SETTLES_S)
        side, self._turn = self._turn, 1 - self._turn
        if self._look_at(pixels, mesh, side, share):
            self._look_at(pixels, mesh, 1 - side, share)

    def _look_at(self, pixels: Pixels, mesh: FaceMesh, side: int, share: float) -> bool:
        """Look at one eye, and return whether it stirs."""
        now = _look(pixels, self._model.measure_one(pixels, mesh, side), mesh, side)
        return self._looks[side].follow(now, share)

    def paint(self, out: Pixels, geometry: FaceGeometry, *, lit: bool) -> None:
        """Draw the eyes into a new face, (height, width, 3) of the geometry's rectangle, in place. `lit`: in the
        viewer's light, which the white of their own eyes tells; else in the photo's.
        """
        self._masks = []
        mesh = geometry.mesh
        straight = self._share * eased((_ASIDE_DEGREES - abs(mesh.yaw_degrees)) / (_ASIDE_DEGREES - _STRAIGHT_DEGREES))
        widest = max((look.openness for look in self._looks), default=1.0)
        for look, ball, corners in zip(self._looks, self._balls, EYE_CORNERS, strict=False):
            start, end = geometry.in_place(corners)
            width = float(np.linalg.norm(end - start))
            share = straight * eased((width - _LEAST_WIDTH_PX) / (_FULL_WIDTH_PX - _LEAST_WIDTH_PX))
            share *= eased((look.openness - _SHUT) / (_OPEN - _SHUT))
            share *= eased((look.openness / widest - _WINKS) / (_NARROW - _WINKS))
            if share <= 0 or abs(float(look.centre[0])) > _FARTHEST:
                continue
            axes = _axes(start, end)
            lids = (start + end) / 2 + width * look.lids @ axes
            centre = (start + end) / 2 + width * look.centre @ axes
            box = _box(lids, round(_SOFT * width) + 2, out.shape)
            if box.width < 6 or box.height < 3:
                continue
            mask = _mask(lids - (box.left, box.top), width, box, share)
            part = box.of(out)
            drawn = _drawn(ball, box, centre, (start - centre) @ axes[0], (end - centre) @ axes[0], axes, look, width)
            side = 2 * max(1, round(2 * _SHADE_REACH * look.radius * width)) + 1
            below = lids - (box.left, box.top)
            below[: len(below) // 2] += _LASH_SHADE * look.radius * width * axes[1]
            # As long for a large eye's shade as for a small one's.
            inside = cv2.stackBlur(_mask(below, width, box, 1.0), (side, side))
            shade = cv2.cvtColor(cv2.convertScaleAbs(inside, alpha=_SHADE, beta=255 * (1 - _SHADE)), cv2.COLOR_GRAY2BGR)
            cv2.multiply(drawn, shade, dst=drawn, scale=1 / 255)
            if lit:
                gain = np.clip(look.white / np.maximum(ball.white, 1), _LEAST_GAIN, _MOST_GAIN)
                cv2.multiply(drawn, (*map(float, gain), 0.0), dst=drawn)
            whole = cv2.cvtColor(cv2.dilate(mask, np.ones((3, 3), np.uint8)), cv2.COLOR_GRAY2BGR)
            cv2.multiply(drawn, whole, dst=drawn, scale=1 / 255)
            cv2.bitwise_not(whole, dst=whole)
            cv2.multiply(part, whole, dst=part, scale=1 / 255)
            cv2.add(part, drawn, dst=part)
            self._masks.append((box, mask))

    def cover(self, alpha: NDArray[np.uint8], face: NDArray[np.uint8]) -> None:
        """Let the eyes that were painted be seen, as far as `face` lets the new face be, both (height, width) of the
        rectangle: raise `alpha`, in place.
        """
        for box, mask in self._masks:
            part = box.of(alpha)
            cv2.max(part, cv2.multiply(mask, box.of(face), scale=1 / 255), dst=part)


def _look(pixels: Pixels, eye: Eye, mesh: FaceMesh, side: int) -> _Look:
    start, end = mesh.points[list(EYE_CORNERS[side]), :2].astype(np.float64)
    width = max(1e-3, float(np.linalg.norm(end - start)))
    axes = _axes(start, end)

    def placed(points: NDArray[np.floating]) -> Doubles:
        return np.asarray((points - (start + end) / 2) @ axes.T / width, np.float64)

    reaches, white = _white_of(pixels, eye, width * axes[1])
    upper = eye.upper - reaches[:, None] * width * axes[1]
    lids = placed(np.concatenate([upper, eye.lower[::-1]]))
    return _Look(placed(eye.centre), eye.radius_px / width, lids, eye.openness, white)


def _white_of(pixels: Pixels, eye: Eye, down: Doubles) -> tuple[Doubles, Floats]:
    """Return (9,) how far the white of an eye reaches above its upper lid, in widths of the eye, `down` being one:
    until it meets something dark; and (3,) its colour.
    """
    heights = np.linspace(0, _REACH, _STEPS)
    over = eye.upper[1:-1, None] - heights[:, None] * down
    between = eye.lower[1:-1, None] + np.array([0.2, 0.5, 0.8])[:, None] * (eye.upper - eye.lower)[1:-1, None]
    places = np.concatenate([over, between], axis=1).astype(np.float32)
    colours = cv2.remap(pixels, places, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = colours @ LUMA
    red = (colours[..., 2].astype(np.float32) - colours[..., 0]) / np.maximum(light, 1)
    bright = light[:, _STEPS:] >= np.median(light[:, _STEPS:])
    pale = bright & (red[:, _STEPS:] <= np.median(red[:, _STEPS:][bright]))  # neither iris nor skin
    brightest = pale & (light[:, _STEPS:] >= np.median(light[:, _STEPS:][pale]))
    colour = np.asarray(colours[:, _STEPS:][brightest].mean(axis=0), np.float32)
    white, white_red = float(colour @ LUMA), float(red[:, _STEPS:][brightest].mean())
    above = light[:, :_STEPS]
    goes_on = (above > _WHITE * white) & (red[:, :_STEPS] < white_red + _REDDER)
    is_white = np.logical_and.accumulate(goes_on, axis=1)
    ends = (above < _NOT_WHITE * white).any(axis=1)  # else it is skin, as bright as the white
    reaches = np.where(ends, is_white.sum(axis=1) * (_REACH / (_STEPS - 1)), 0)
    padded = np.pad(reaches, 2)
    reaches = np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0)
    return np.asarray(reaches, np.float64), colour


def _axes(start: NDArray[np.floating], end: NDArray[np.floating]) -> Doubles:
    """Return (2, 2) along an eye and down, unit vectors as rows."""
    along = (end - start) / max(1e-6, float(np.linalg.norm(end - start)))
    return np.array([along, (-along[1], along[0])], np.float64)


def _mask(lids: Doubles, width: float, box: Place, share: float) -> NDArray[np.uint8]:
    mask = np.zeros((box.height, box.width), np.uint8)
    cv2.fillPoly(mask, [np.rint(lids * 16).astype(np.int32)], round(255 * share), cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.5, _SOFT * width / 2)), np.uint8)


def _drawn(
    ball: EyeBall, box: Place, centre: Doubles, left: float, right: float, axes: Doubles, look: _Look, width: float
) -> Pixels:
    """Return an eyeball over a box, its iris at `centre`; the corners lie `left` and `right` of it."""
    radius = max(look.radius * width, 1e-3)
    x = np.arange(box.width, dtype=np.float32) + np.float32(box.left - centre[0])
    y = np.arange(box.height, dtype=np.float32)[:, None] + np.float32(box.top - centre[1])
    along = (x * np.float32(axes[0, 0]) + y * np.float32(axes[0, 1])) / np.float32(radius)
    down = (x * np.float32(axes[1, 0]) + y * np.float32(axes[1, 1])) / np.float32(radius)
    stops = [min(left / radius, -RIGID - 0.1), -RIGID, RIGID, max(right / radius, RIGID + 0.1)]
    goals = [min(ball.left, -RIGID - 0.05), -RIGID, RIGID, max(ball.right, RIGID + 0.05)]
    places = np.empty((box.height, box.width, 2), np.float32)
    places[..., 0] = np.interp(along, stops, goals) * RADIUS_PX + (ball.picture.shape[1] - 1) / 2
    places[..., 1] = down * RADIUS_PX + (ball.picture.shape[0] - 1) / 2
    picture = ball.picture
    if radius < RADIUS_PX * 0.7:  # as fine as it is drawn, no finer
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 * RADIUS_PX / radius), np.uint8)
    return np.asarray(cv2.remap(picture, places, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _box(loop: Doubles, room: int, shape: tuple[int, ...]) -> Place:
    least, most = np.floor(loop.min(axis=0)).astype(int) - room, np.ceil(loop.max(axis=0)).astype(int) + room
    whole = Place(int(least[0]), int(least[1]), int(most[0] - least[0]), int(most[1] - least[1]))
    return whole.shared_with(Place(0, 0, shape[1], shape[0]))
