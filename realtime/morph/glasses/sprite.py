"""A pair of glasses laid flat: what is drawn once, and carried by the head in every frame.

The front is nearly a plane, and a plane seen from afar is only stretched and turned. So rims, bridge, lenses, what is
mirrored in them and the shadow of it all are painted here, in the light of the face (3 ms), and `drawing.py` lays them
where the head has them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Doubles, Floats
from realtime.morph.glasses.light import Light
from realtime.morph.glasses.shapes import Outline, Pair

LEFT, TOP, WIDTH, HEIGHT = -1.3, -0.62, 2.6, 1.36
"""What the sprite shows of the front's plane, 0 being between the eyes."""
SHADOW_FINER = 0.5
"""Of the sprite's size: a shadow is soft."""
LENS_SHARE = 0.05
"""How much light clear lenses take."""
_FINER = 2
_BITS = 4
_INSIDE = 0.35
"""Of the rim's width, so much lies within the outline."""
_HEAVIER = 0.25
"""How much wider an acetate rim is above than on average."""
_HINGE_AT = 0.55
"""How far up from the lens's outer point to its top a temple begins."""
_ARCH, _KEYHOLE = 0.05, 0.05
_PAD, _PAD_SHARE = 0.75, 0.3
"""How bright the pads beside the nose are, and how much of the skin they hide."""
_NEAR = (0.025, 0.42)
"""The contact's shadow: deviation of its blur, and how dark."""
_WIDE = (0.065, 0.6, 0.075)
"""What the frame throws onto cheeks and lids: the same, and how much lower it lies than the contact's."""
_GLARE = 22.0
"""Grey levels that a window adds on a lens."""
_LAMP_WAYS = (-0.7, 0.7)
"""Radians from straight above: where lamps are mirrored with the head turned to either side."""


class Sprite:
    """One pair in one light at one size; arrays are read only, (height, width[, channels]) uint8."""

    def __init__(self, pair: Pair, light: Light, eyes_apart: float, scale: float, soft_px: float) -> None:
        """`eyes_apart`: how far they are for a head of that width, 1 is usual. `scale`: pixels for each unit; in these,
        `soft_px` is the deviation of the Gaussian that edges are blurred by.
        """
        self.pair, self.light, self.scale, self.soft_px = pair, light, scale, soft_px
        self.eyes_apart = eyes_apart
        both = lenses(pair.outline, eyes_apart)
        outer = [_grown(loop, pair, 1 - _INSIDE) for loop in both]
        inner = [_grown(loop, pair, -_INSIDE) for loop in both]
        self.hinge: Doubles = hinge(outer[1])
        """(2,): where the temple at the right begins."""
        canvas = _Canvas(scale)
        solid, glass, pads = canvas.new(), canvas.new(), canvas.new()
        for outside, inside in zip(outer, inner, strict=True):
            canvas.fill(glass, [inside])
            canvas.fill(solid, [outside, inside])
        for piece in (_bridge(outer[1], pair), *_ends(self.hinge, pair)):
            canvas.fill(solid, [piece])
        for pad in _pads():
            canvas.fill(pads, [pad])
        frame, lens, pad_share = (canvas.shown(mask, soft_px) for mask in (solid, glass, pads))
        self._paint(frame, lens, pad_share * np.float32(_PAD_SHARE * pair.metal), inner)

    def _paint(self, frame: Floats, lens: Floats, pads: Floats, inner: Sequence[Doubles]) -> None:
        pair, light = self.pair, self.light
        lit, gloss = _relief(frame, max(0.55, 0.16 * pair.rim * self.scale), light.side)
        height, width = frame.shape
        across = np.linspace(-1, 1, width, dtype=np.float32)
        shade = (pair.metal * (0.7 + 0.45 * lit) + (1 - pair.metal) * (1 + 0.45 * lit)) * (
            1 + 0.3 * light.side * across
        )
        colour = np.array(pair.colour, np.float32) * light.colour
        pads = pads * (1 - frame)
        front = np.empty((height, width, 4), np.float32)
        front[..., :3] = (frame * shade)[..., None] * colour + pads[..., None] * (255 * _PAD * light.colour)
        front[..., 3] = 255 * (frame + pads)
        self.front: Pixels = _bytes(front)
        """BGR times what hides the skin, and that."""
        self.frame: Pixels = _bytes(255 * frame)
        """The same without the pads."""
        self.lens: Pixels = _bytes(255 * lens)
        glare = _glare(inner, lens, self.scale)
        self.mirrored = tuple(
            _bytes(float(light.colour.mean()) * self._mirrored(frame, gloss, glare[number], inner, way))
            for number, way in enumerate(_LAMP_WAYS)
        )
        """What is mirrored, in grey levels: with the head turned to the picture's left, and to its right."""
        self.shadow: Pixels = _bytes(255 * _shadow(frame, self.scale, light.side))
        """(half the height, half the width): how dark it is, lying under the frame."""

    def _mirrored(self, frame: Floats, gloss: Floats, glare: Floats, inner: Sequence[Doubles], way: float) -> Floats:
        metal = self.pair.metal
        lamp = _lamp(inner, (frame.shape[1], frame.shape[0]), self.scale, way)
        shine = (1 - metal) * (12 * lamp + 230 * gloss * (0.25 + 0.75 * lamp))
        shine += metal * (60 * lamp + 120 * np.square(lamp))
        return np.asarray(frame * shine + glare, np.float32)


def lenses(outline: Outline, eyes_apart: float) -> tuple[Doubles, Doubles]:
    """Return both lenses, (72, 2) each: glasses are as wide as the head, and their lenses half way to its eyes."""
    shift = outline.centre[0] * (eyes_apart - 1) / 2
    left, right = (outline.loop(side) + np.array([side * shift, 0]) for side in (-1, 1))
    return left, right


def hinge(outer: Doubles) -> Doubles:
    """Return where the temple begins on the right-hand rim."""
    edge = outer[outer[:, 0].argmax()]
    return np.array([edge[0], _HINGE_AT * outer[:, 1].min() + (1 - _HINGE_AT) * edge[1]])


class _Canvas:
    """Masks of the sprite's plane, drawn finer than they are kept."""

    def __init__(self, scale: float) -> None:
        self.size = (round(WIDTH * scale), round(HEIGHT * scale))
        self._scale = scale

    def new(self) -> Pixels:
        return np.zeros((self.size[1] * _FINER, self.size[0] * _FINER), np.uint8)

    def fill(self, mask: Pixels, outlines: Sequence[Doubles]) -> None:
        """Fill what an odd number of outlines goes around."""
        fine = self._scale * _FINER * 2**_BITS
        points = [np.rint((each - (LEFT, TOP)) * fine - 2 ** (_BITS - 1)).astype(np.int32) for each in outlines]
        cv2.fillPoly(mask, points, 255, cv2.LINE_AA, _BITS)

    def shown(self, mask: Pixels, soft_px: float) -> Floats:
        """Return a mask in the sprite's pixels, 0..1."""
        small = cv2.resize(mask, self.size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        return np.asarray(cv2.GaussianBlur(small, (0, 0), soft_px), np.float32)


def _grown(loop: Doubles, pair: Pair, share: float) -> Doubles:
    """Return a lens's outline moved outwards by a share of the rim's width."""
    along = np.roll(loop, -1, axis=0) - np.roll(loop, 1, axis=0)
    outwards = np.stack([along[:, 1], -along[:, 0]], axis=1)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    middle = loop.mean(axis=0)
    outwards *= np.sign(np.sum(outwards * (loop - middle)))
    upwards = (middle[1] - loop[:, 1]) / np.abs(middle[1] - loop[:, 1]).max()
    width = pair.rim * (1 + _HEAVIER * (1 - pair.metal) * upwards)
    return np.asarray(loop + outwards * (share * width)[:, None], np.float64)


def _bridge(outer: Doubles, pair: Pair) -> Doubles:
    plastic = 1 - pair.metal
    at = -0.04
    inner_side = outer[outer[:, 0] < outer[:, 0].mean()]
    order = np.argsort(inner_side[:, 1])
    reach = float(np.interp(at, inner_side[order, 1], inner_side[order, 0])) + 0.5 * pair.rim
    share = np.linspace(-1, 1, 15)
    middle = 1 - share**2
    half = max(0.011, pair.rim * (0.5 + 0.45 * plastic))
    above = at - half - _ARCH * middle
    below = at + half * (1 + 0.5 * plastic * share**2) - (_ARCH + _KEYHOLE * plastic) * middle
    return np.concatenate([np.stack([reach * share, above], axis=1), np.stack([reach * share, below], axis=1)[::-1]])


def _ends(at: Doubles, pair: Pair) -> Iterator[Doubles]:
    """Yield the pieces between rims and hinges."""
    half = 0.5 * max(1.15 * pair.arm, 0.02)
    x = at[0] + np.array([-0.7 * pair.rim - 0.03, 0.025, 0.025, -0.7 * pair.rim - 0.03])
    y = at[1] + half * np.array([-1, -1, 1, 1.3])
    for side in (-1, 1):
        yield np.stack([side * x, y], axis=1)


def _pads() -> Iterator[Doubles]:
    angles = np.linspace(0, 2 * np.pi, 17)[:-1]
    x = 0.155 + 0.028 * np.cos(angles) + 0.018 * np.sin(angles)
    y = 0.17 + 0.075 * np.sin(angles)
    for side in (-1, 1):
        yield np.stack([side * x, y], axis=1)


def _relief(frame: Floats, bevel_px: float, side: float) -> tuple[Floats, Floats]:
    """Return how far edges are turned to the light, -1..1, and where they gleam, 0..1."""
    soft = cv2.GaussianBlur(frame, (0, 0), bevel_px)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    right = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    lit = np.clip((down - 0.6 * side * right) * (2 * bevel_px), -1, 1)
    # The gleam lies on the bevel, inside of the edge.
    inwards = max(1, round(0.7 * bevel_px + 0.5))
    gloss = np.zeros_like(lit)
    gloss[inwards:] = np.square(np.maximum(lit, 0))[:-inwards]
    return np.asarray(lit, np.float32), np.asarray(gloss, np.float32)


def _lamp(inner: Sequence[Doubles], size: tuple[int, int], scale: float, way: float) -> Floats:
    """Return (height, width), 0..1: how brightly a rim mirrors a lamp above, and faintly what is opposite."""
    width, height = size[0] // 2, size[1] // 2  # it is smooth
    out = np.empty((height, width), np.float32)
    middle = round(-LEFT * scale / 2)
    for lens, columns in zip(inner, (slice(0, middle), slice(middle, width)), strict=True):
        x, y = ((lens.mean(axis=0) - (LEFT, TOP)) * (scale / 2)).astype(np.float32)
        right = np.arange(width, dtype=np.float32)[None, columns] - x
        below = np.arange(height, dtype=np.float32)[:, None] - y
        distance = np.sqrt(right * right + below * below + 1)
        above, opposite = (
            np.square(
                np.maximum(0, np.float32(math.sin(angle)) * right - np.float32(math.cos(angle)) * below) / distance
            )
            for angle in (way, way + 0.9 + math.pi)
        )
        np.square(np.square(above), out=above)
        np.square(opposite, out=opposite)
        out[:, columns] = np.minimum(1, above + np.float32(0.45) * opposite)
    return np.asarray(cv2.resize(out, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _glare(inner: Sequence[Doubles], lens: Floats, scale: float) -> tuple[Floats, Floats]:
    """Return what a window adds on both lenses, a faint slanting band, for a head turned to either side."""
    fades = np.linspace(1.3, 0.3, lens.shape[0], dtype=np.float32)[:, None]
    found = []
    for shift in (0.5, -0.5):
        bands = np.zeros(lens.shape, np.uint8)
        for loop in inner:
            middle, radii = loop.mean(axis=0), np.ptp(loop, axis=0) / 2
            for x, level in (((-0.55, -0.05, -0.55, -1.05), 255), ((0.1, 0.22, -0.28, -0.4), 175)):
                corners = np.stack([np.array(x) + shift, np.array([-1.1, -1.1, 1.1, 1.1])], axis=1) * radii + middle
                points = np.rint((corners - (LEFT, TOP)) * scale * 2**_BITS).astype(np.int32)
                cv2.fillPoly(bands, [points], level, cv2.LINE_AA, _BITS)
        soft = cv2.GaussianBlur(bands, (0, 0), max(0.8, 0.035 * scale))
        found.append(np.asarray(soft.astype(np.float32) * (_GLARE / 255) * lens * fades, np.float32))
    return found[0], found[1]


def _shadow(frame: Floats, scale: float, side: float) -> Floats:
    size = (round(frame.shape[1] * SHADOW_FINER), round(frame.shape[0] * SHADOW_FINER))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    fine = scale * SHADOW_FINER
    near = cv2.GaussianBlur(small, (0, 0), max(0.5, _NEAR[0] * fine))
    wide = cv2.GaussianBlur(small, (0, 0), max(0.6, _WIDE[0] * fine))
    moved = np.array([[1, 0, -0.06 * side * fine], [0, 1, _WIDE[2] * fine]])
    wide = cv2.warpAffine(wide, moved, size)
    return np.asarray(np.minimum(1, _NEAR[1] * near + _WIDE[1] * wide), np.float32)


def _bytes(values: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)
