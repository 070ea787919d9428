"""Things before a face, drawn: hands of all shapes, single fingers, cups, phones, microphones, cloth.

A hand is made of capsules, each lit as a round thing is, in the colour of the face's own skin or one near it: what
tells it from the face is not its colour, but that it lies where something else is remembered.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import Place

_CHEEKS = (50, 280, 151, 205, 425)
"""Mesh points where skin is plain."""
_REACH = 1.3
"""Things are drawn up to so many face widths from a face's middle."""
_SKIN_SHARE = 0.8
"""Of hands that have a colour near the face's own; the others wear gloves, or belong to somebody else."""


@dataclasses.dataclass
class Canvas:
    """A part of a picture that things are drawn on, and where they are."""

    colour: Floats
    """(height, width, 3) BGR."""
    share: Floats
    """(height, width) 0..1: how far the thing covers."""
    random: np.random.Generator
    light: NDArray[np.float64]
    """Where it comes from, a unit vector: right, down, towards the viewer."""

    def capsule(self, begin: complex, end: complex, radius: float, colour: Floats, roundness: float) -> None:
        """Draw a finger's bone, or an arm: a thick line with round ends, lit as a tube is. Places are x + y·1j."""
        place = self._around((begin, end), radius)
        if place is None:
            return
        mask = np.zeros((place.height, place.width), np.uint8)
        first, last = (_sixteenths(spot, place) for spot in (begin, end))
        cv2.line(mask, first, last, 255, max(1, round(2 * radius)), cv2.LINE_AA, 4)
        self._cover(place, mask, self._lit(mask, radius, roundness)[..., None] * colour)

    def disc(
        self, middle: complex, radii: tuple[float, float], degrees: float, colour: Floats, roundness: float
    ) -> None:
        """Draw an ellipse, lit as a cushion is."""
        place = self._around((middle,), max(radii))
        if place is None:
            return
        mask = np.zeros((place.height, place.width), np.uint8)
        axes = max(16, round(radii[0] * 16)), max(16, round(radii[1] * 16))
        cv2.ellipse(mask, _sixteenths(middle, place), axes, degrees, 0, 360, 255, -1, cv2.LINE_AA, 4)
        self._cover(place, mask, self._lit(mask, min(radii), roundness)[..., None] * colour)

    def polygon(self, corners: Sequence[complex], colour: Floats, roundness: float) -> None:
        """Draw a flat thing in a colour, or in a pattern of the canvas' size."""
        place = self._around(corners, 1.0)
        if place is None:
            return
        mask = np.zeros((place.height, place.width), np.uint8)
        cv2.fillPoly(mask, [np.array([_sixteenths(spot, place) for spot in corners])], 255, cv2.LINE_AA, 4)
        brightness = self._lit(mask, 0.5 * math.sqrt(float((mask > 0).sum()) + 1), roundness)[..., None]
        self._cover(place, mask, brightness * (_part(colour, place) if colour.ndim == 3 else colour))

    def _around(self, spots: Sequence[complex], margin: float) -> Place | None:
        """Return the part of the canvas that a thing around these spots may touch, None where it touches none."""
        x, y = [spot.real for spot in spots], [spot.imag for spot in spots]
        left, top = math.floor(min(x) - margin) - 2, math.floor(min(y) - margin) - 2
        whole = Place(left, top, math.ceil(max(x) + margin) + 3 - left, math.ceil(max(y) + margin) + 3 - top)
        place = whole.shared_with(Place(0, 0, self.share.shape[1], self.share.shape[0]))
        return place if place.width > 0 and place.height > 0 else None

    def _cover(self, place: Place, mask: Pixels, colour: Floats) -> None:
        share = (mask.astype(np.float32) / 255)[..., None]
        covered_part = _part(self.colour, place)
        covered_part += share * (colour - covered_part)
        covered = _part(self.share, place)
        np.maximum(covered, share[..., 0], out=covered)

    def _lit(self, mask: Pixels, radius: float, roundness: float) -> Floats:
        """Return how bright a thing is at each point, about 1 in the middle: a half-round of that radius."""
        depth = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, 3) / max(1.0, radius)
        height = np.sqrt(np.clip(1 - np.square(1 - np.clip(depth, 0, 1)), 0, 1)) * radius * roundness
        height = cv2.GaussianBlur(height, (0, 0), max(0.7, 0.12 * radius))
        right, down = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) / 8, cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) / 8
        facing = (self.light[2] - right * self.light[0] - down * self.light[1]) / np.sqrt(1 + right**2 + down**2)
        return np.asarray(0.35 + 0.65 * np.clip(facing, 0, None) / max(0.4, self.light[2]), np.float32)


def _part(array: Floats, place: Place) -> Floats:
    return array[place.top : place.bottom, place.left : place.right]


def _sixteenths(spot: complex, place: Place) -> tuple[int, int]:
    return round((spot.real - place.left) * 16), round((spot.imag - place.top) * 16)


Drawer = Callable[[Canvas, complex, float, Floats], None]
"""Draws a thing at a place, for a face so many pixels wide, in a colour."""


def _hand(canvas: Canvas, at: complex, unit: float, colour: Floats, bent: float, spread: float) -> None:
    """A palm with an arm, four fingers and a thumb; `bent` 0 (flat) to 1 (a fist)."""
    random = canvas.random
    roundness = float(random.uniform(0.4, 1.2))
    width = unit * float(random.uniform(0.42, 0.66))
    turn = _turn(math.degrees(_arm_direction(random)))
    side = 1j * turn if random.random() < 0.5 else -1j * turn
    long = width * float(random.uniform(0.9, 1.1))
    canvas.capsule(at - turn * long * 0.6, at - turn * unit * 3, 0.3 * width, colour * 0.97, roundness)
    canvas.disc(at, (0.62 * long, 0.52 * width), math.degrees(np.angle(turn)), colour, roundness * 0.6)
    lengths = np.array([0.8, 0.95, 0.9, 0.7]) * long * (1 - 0.55 * bent)
    for finger in random.permutation(4):
        root = at + turn * 0.4 * long + side * (finger - 1.5) * 0.27 * width
        direction = turn * np.exp(1j * math.radians((finger - 1.5) * spread) * (1 if side / turn == 1j else -1))
        knuckle = root + direction * lengths[finger] * 0.55
        tip = knuckle + direction * np.exp(1j * float(random.normal(0, 0.12))) * lengths[finger] * 0.5 * (1 - bent)
        shade = colour * float(random.uniform(0.85, 1.05))
        radius = 0.125 * width * float(random.uniform(0.9, 1.15))
        canvas.capsule(root, knuckle, radius, shade, roundness)
        canvas.capsule(knuckle, tip, radius * 0.92, shade * 0.98, roundness)
    thumb = at - side * 0.45 * width
    bend = turn * np.exp(-1j * math.radians(float(random.uniform(10, 60))) * (1 if side / turn == 1j else -1))
    canvas.capsule(thumb, thumb + bend * 0.7 * long * (1 - 0.4 * bent), 0.14 * width, colour * 0.97, roundness)


def _open_hand(canvas: Canvas, at: complex, unit: float, colour: Floats) -> None:
    _hand(canvas, at, unit, colour, float(canvas.random.uniform(0, 0.35)), float(canvas.random.uniform(0, 14)))


def _fist(canvas: Canvas, at: complex, unit: float, colour: Floats) -> None:
    _hand(canvas, at, unit, colour, float(canvas.random.uniform(0.7, 1)), 0.0)


def _fingers(canvas: Canvas, at: complex, unit: float, colour: Floats) -> None:
    """One finger to three, that point at the face or scratch it."""
    random = canvas.random
    turn = _turn(math.degrees(_arm_direction(random)))
    roundness, radius = float(random.uniform(0.4, 1.2)), unit * float(random.uniform(0.045, 0.075))
    for number in range(int(random.integers(1, 4))):
        tip = at + 1j * turn * number * radius * 2.1
        joint = tip - turn * unit * float(random.uniform(0.2, 0.3))
        canvas.capsule(joint, joint - turn * np.exp(1j * random.normal(0, 0.3)) * unit, radius * 1.1, colour, roundness)
        canvas.capsule(tip, joint, radius, colour * float(random.uniform(0.9, 1.05)), roundness)


def _cup(canvas: Canvas, at: complex, unit: float, colour: Floats) -> None:
    random = canvas.random
    turn, wide = _turn(90 + float(random.normal(0, 15))), unit * float(random.uniform(0.18, 0.32))
    high = wide * float(random.uniform(1.2, 2.6))
    side = 1j * turn
    corners = [
        at - side * wide,
        at + side * wide,
        at + side * wide * 0.85 + turn * high,
        at - side * wide * 0.85 + turn * high,
    ]
    canvas.polygon(corners, _any_colour(random), float(random.uniform(0.2, 0.9)))
    if random.random() < 0.6:
        _fist(canvas, at + turn * high * 0.6, unit, colour)


def _phone(canvas: Canvas, at: complex, unit: float, colour: Floats) -> None:
    random = canvas.random
    turn, wide = _turn(float(random.uniform(0, 180))), unit * float(random.uniform(0.2, 0.5))
    long = wide * float(random.uniform(1.1, 2.2))
    corners = [at + turn * long * a + 1j * turn * wide * b for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    canvas.polygon(corners, _any_colour(random), float(random.uniform(0, 0.3)))
    if random.random() < 0.6:
        _hand(canvas, at + turn * long, unit, colour, 0.6, 4.0)


def _microphone(canvas: Canvas, at: complex, unit: float, colour: Floats) -> None:
    random = canvas.random
    turn, radius = _turn(math.degrees(_arm_direction(random))), unit * float(random.uniform(0.08, 0.2))
    dark = _any_colour(random) * 0.4
    canvas.capsule(at, at - turn * unit * 2, radius * float(random.uniform(0.4, 0.8)), dark, 1.0)
    canvas.disc(at, (radius, radius), 0.0, dark * float(random.uniform(0.8, 2.5)), 1.0)
    if random.random() < 0.5:
        _fist(canvas, at - turn * radius * 4, unit, colour)


def _cloth(canvas: Canvas, at: complex, unit: float, colour: Floats) -> None:  # noqa: ARG001 - it is not skin
    """Anything: a sleeve, a scarf, a sheet of paper, a cat."""
    random = canvas.random
    count = int(random.integers(4, 9))
    angles = np.sort(random.uniform(0, 2 * math.pi, count))
    corners = [
        at + unit * float(random.uniform(0.15, 0.6)) * complex(math.cos(angle), math.sin(angle)) for angle in angles
    ]
    height, width = canvas.share.shape
    coarse = random.uniform(0, 1, (*random.integers(2, 12, 2).tolist(), 3)).astype(np.float32)
    pattern = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * float(random.uniform(0, 120))
    canvas.polygon(
        corners, np.clip(_any_colour(random) + pattern - pattern.mean(), 0, 255), float(random.uniform(0, 0.5))
    )


_THINGS: Sequence[tuple[float, Drawer]] = (
    (0.24, _open_hand), (0.24, _fist), (0.2, _fingers),
    (0.1, _cup), (0.08, _phone), (0.06, _microphone), (0.08, _cloth),
)  # fmt: skip


def draw_thing(pixels: Pixels, mesh: FaceMesh, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Return a picture with something before a face, and (height, width) 0..255: where that is."""
    x, y = mesh.box.centre
    unit = mesh.width_px
    reach = _REACH * unit
    frame = Place(0, 0, pixels.shape[1], pixels.shape[0])
    whole = Place(math.floor(x - reach), math.floor(y - reach), math.ceil(2 * reach), math.ceil(2 * reach))
    place = whole.shared_with(frame)
    part = place.of(pixels).astype(np.float32)
    canvas = Canvas(part.copy(), np.zeros(part.shape[:2], np.float32), random, _light(random))
    drawers = [drawer for _, drawer in _THINGS]
    drawer = drawers[int(random.choice(len(drawers), p=[share for share, _ in _THINGS]))]
    at = complex(x - place.left + unit * random.uniform(-0.55, 0.55), y - place.top + unit * random.uniform(-0.5, 0.85))
    drawer(canvas, at, unit, _skin(pixels, mesh, random))
    if random.random() < 0.6:
        part = _shadowed(part, canvas.share, unit, random)
    soft = cv2.GaussianBlur(canvas.share, (0, 0), float(random.uniform(0.4, 2.2)))
    grain = random.normal(0, float(random.uniform(0, 3)), part.shape).astype(np.float32)
    drawn = part + soft[..., None] * (canvas.colour + grain - part)
    out, mask = pixels.copy(), np.zeros(pixels.shape[:2], np.uint8)
    place.of(out)[:] = np.clip(np.rint(drawn), 0, 255)
    place.of(mask)[:] = np.rint(soft * 255)
    return out, mask


def _shadowed(part: Floats, share: Floats, unit: float, random: np.random.Generator) -> Floats:
    """Darken what lies beside a thing: its shadow on the face is no part of it."""
    spread = unit * float(random.uniform(0.02, 0.1))
    shift = np.array([[1, 0, random.normal(0, spread)], [0, 1, random.normal(0, spread)]], np.float32)
    cast = cv2.warpAffine(cv2.GaussianBlur(share, (0, 0), spread), shift, (share.shape[1], share.shape[0]))
    return np.asarray(part * (1 - float(random.uniform(0.1, 0.5)) * cast[..., None]), np.float32)


def _skin(pixels: Pixels, mesh: FaceMesh, random: np.random.Generator) -> Floats:
    if random.random() > _SKIN_SHARE:
        return _any_colour(random)
    places = np.rint(mesh.points[list(_CHEEKS), :2]).astype(int)
    inside = np.clip(places, 0, (pixels.shape[1] - 1, pixels.shape[0] - 1))
    colour = np.median(cv2.blur(pixels, (7, 7))[inside[:, 1], inside[:, 0]].astype(np.float32), axis=0)
    return np.asarray(np.clip(colour * random.uniform(0.7, 1.3) * random.normal(1, 0.04, 3), 5, 250), np.float32)


def _any_colour(random: np.random.Generator) -> Floats:
    grey = float(random.uniform(15, 235))
    return np.asarray(np.clip(grey + random.normal(0, 35, 3), 5, 250), np.float32)


def _light(random: np.random.Generator) -> NDArray[np.float64]:
    towards = np.array([random.normal(0, 0.6), random.normal(-0.4, 0.5), 1.0])
    return np.asarray(towards / np.linalg.norm(towards))


def _arm_direction(random: np.random.Generator) -> float:
    """Where fingers point, radians clockwise from the right: mostly up, for arms come from below."""
    return float(random.normal(-math.pi / 2, 0.8))


def _turn(degrees: float) -> complex:
    return complex(np.exp(1j * math.radians(degrees)))
