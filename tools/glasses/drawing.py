"""Glasses, drawn before faces: thin and thick rims, half and none, dark lenses, tints, reflections and cast shadows."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import CHIN, EYE_CORNERS, FOREHEAD_TOP, LEFT_CHEEK, RIGHT_CHEEK, FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Doubles, Floats
from realtime.morph.glasses.shapes import Outline

_EARS = ((127, 234), (356, 454))
"""Where temples end: between these points of the mesh, on the person's right and left."""
_FINE = 2
"""Masks are drawn so many times as large as the picture."""


class Frame(NamedTuple):
    """The face's own axes, and its eyes: a unit is the distance between them."""

    middle: Doubles
    """(3,) between the eyes."""
    across: Doubles
    down: Doubles
    out: Doubles
    unit: float

    def place(self, right: NDArray[np.floating], below: NDArray[np.floating], before: float) -> Doubles:
        """Return (N, 2): places in the picture of points in units of the face."""
        points = self.middle + self.unit * (
            right[:, None] * self.across + below[:, None] * self.down + before * self.out
        )
        return np.asarray(points[:, :2], np.float64)


def frame_of(mesh: FaceMesh) -> Frame:
    points = mesh.points.astype(np.float64)
    right, left = (points[list(corners)].mean(axis=0) for corners in EYE_CORNERS)
    across = points[LEFT_CHEEK] - points[RIGHT_CHEEK]
    across /= np.linalg.norm(across)
    down = points[CHIN] - points[FOREHEAD_TOP]
    down -= across * (across @ down)
    down /= np.linalg.norm(down)
    return Frame((right + left) / 2, across, down, -np.cross(across, down), float(np.linalg.norm(left - right)))


def draw_glasses(pixels: Pixels, mesh: FaceMesh, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Return a picture with glasses before a face, and (height, width) 0..255: where rims, bridge, temples and dark
    lenses are, and what shines on clear ones.
    """
    face = frame_of(mesh)
    height, width = pixels.shape[:2]
    size = (height * _FINE, width * _FINE)
    lens = _any_lens(random)
    before = float(random.uniform(0.08, 0.3))
    thick = float(np.exp(random.uniform(math.log(0.012), math.log(0.11))))
    kind = random.choice(["full", "half", "none"], p=[0.72, 0.16, 0.12])
    loops = []
    for side in (-1, 1):
        x, y = lens.loop(side).T
        loops.append(face.place(x, y, before))
    solid = np.zeros(size, np.uint8)
    glass = np.zeros(size, np.uint8)
    for loop in loops:
        cv2.fillPoly(glass, [_fixed(loop)], 255, cv2.LINE_AA, 4)
        _rim(solid, loop, thick * face.unit, kind, random)
    bar = max(thick, 0.018) * float(random.uniform(0.7, 1.5)) if kind == "none" else thick * random.uniform(0.6, 1.1)
    _bridge(solid, face, lens, before, bar, random)
    _temples(solid, face, mesh, lens, before, thick * float(random.uniform(0.7, 1.8)), random)
    frame_share, glass_share = (
        np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA) * (1 / 255), np.float32)
        for mask in (solid, glass)
    )
    drawn = pixels.astype(np.float32)
    drawn = _cast(drawn, frame_share, face.unit, random)
    drawn, shine = _lens_on(drawn, glass_share, face.unit, random)
    colour = _frame_colour(frame_share, face.unit, random)
    seen_through = 1.0 if random.random() < 0.88 else float(random.uniform(0.5, 0.85))
    drawn += (frame_share * seen_through)[..., None] * (colour - drawn)
    label = np.maximum(frame_share, shine)
    soft = float(random.uniform(0, 1.2)) if random.random() < 0.6 else 0.0
    out = np.clip(np.rint(drawn), 0, 255).astype(np.uint8)
    if soft > 0.3:
        near = cv2.dilate((label > 0.02).astype(np.float32), np.ones((5, 5), np.uint8))
        blurred = cv2.GaussianBlur(out, (0, 0), soft)
        out = np.where(near[..., None] > 0, blurred, out)
    return out, np.rint(255 * np.clip(label, 0, 1)).astype(np.uint8)


def _any_lens(random: np.random.Generator) -> Outline:
    width = float(random.uniform(0.33, 0.47))
    power = float(random.choice([2.0, 2.4, 3.0, 4.0, 6.0]))
    height = width * float(random.uniform(0.55, 1.0))
    gap = float(random.uniform(0.1, 0.18))
    return Outline(
        (gap + width, float(random.uniform(-0.02, 0.16))),
        (width, height),
        power,
        float(random.normal(0, 0.1)),
        float(random.choice([0.0, random.uniform(0, 0.3)])),
    )


def _fixed(points: NDArray[np.floating]) -> NDArray[np.int32]:
    return np.asarray(np.rint(((points + 0.5) * _FINE - 0.5) * 16), np.int32)


def _line(mask: Pixels, points: NDArray[np.floating], thick_px: float) -> None:
    cv2.polylines(mask, [_fixed(points)], False, 255, max(1, round(thick_px * _FINE)), cv2.LINE_AA, 4)


def _rim(mask: Pixels, loop: Doubles, thick_px: float, kind: str, random: np.random.Generator) -> None:
    closed = np.concatenate([loop, loop[:1]])
    upper = closed[36:73]
    if kind == "full":
        _line(mask, closed, thick_px)
        if random.random() < 0.3:
            _line(mask, upper, thick_px * 1.7)
    elif kind == "half":
        _line(mask, upper if random.random() < 0.85 else closed[:37], thick_px)
    elif random.random() < 0.5:
        _line(mask, closed, max(0.5, thick_px * 0.3))  # the polished edge of a rimless lens


def _bridge(mask: Pixels, face: Frame, lens: Outline, before: float, bar: float, random: np.random.Generator) -> None:
    gap = lens.centre[0] - lens.radii[0] * 0.93
    at = lens.centre[1] - lens.radii[1] * float(random.uniform(-0.1, 0.8))
    arch = float(random.uniform(-0.02, 0.06))
    x = np.linspace(-gap, gap, 13)
    _line(mask, face.place(x, at - arch * (1 - np.square(x / gap)), before + 0.03), bar * face.unit)
    if random.random() < 0.15:
        _line(mask, face.place(x * 1.6, at - 0.14 + 0 * x, before + 0.03), bar * face.unit)
    if random.random() < 0.4:  # pads beside the nose
        for side in (-1, 1):
            pad = face.place(side * np.array([gap, 0.75 * gap]), at + np.array([0.12, 0.2]), before * 0.6)
            _line(mask, pad, max(0.6, 0.02 * face.unit))


def _temples(
    mask: Pixels, face: Frame, mesh: FaceMesh, lens: Outline, before: float, thick: float, random: np.random.Generator
) -> None:
    at = lens.centre[1] - lens.radii[1] * float(random.uniform(0.0, 0.75))
    for side, ear in zip((-1, 1), _EARS, strict=True):
        hinge = face.place(np.array([side * (lens.centre[0] + lens.radii[0])]), np.array([at]), before)[0]
        corner = face.place(np.array([side * (lens.centre[0] + lens.radii[0] * 1.1)]), np.array([at]), before * 0.6)[0]
        share = float(random.uniform(0.0, 0.6))
        end = mesh.points[list(ear), :2].astype(np.float64)
        end = end[0] * (1 - share) + end[1] * share
        end = end + 0.2 * (end - hinge)
        _line(mask, np.stack([hinge, corner, end]), max(0.7, min(thick, 0.12) * face.unit))


def _frame_colour(share: Floats, unit: float, random: np.random.Generator) -> Floats:
    """Dark plastics mostly, metals, and anything; lit from above, with spots where it shines."""
    kind = random.random()
    if kind < 0.45:
        colour = np.full(3, random.uniform(8, 60)) + random.normal(0, 5, 3)
    elif kind < 0.6:
        colour = np.array([random.uniform(15, 50), random.uniform(30, 75), random.uniform(50, 120)])
    elif kind < 0.82:
        tint = np.array([random.uniform(-45, 0), random.uniform(-12, 0), 0])
        colour = random.uniform(70, 225) + tint
    else:
        colour = random.uniform(10, 240, 3)
    height, width = share.shape
    coarse = random.uniform(0, 1, (max(2, round(4 * height / unit)), max(2, round(4 * width / unit)), 1))
    spots = np.asarray(cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC))
    metal = float(random.uniform(0, 1)) ** 2
    lit = cv2.Sobel(cv2.GaussianBlur(share, (0, 0), max(0.6, 0.012 * unit)), cv2.CV_32F, 0, 1, ksize=3)
    colour_map = colour[None, None, :] * (1 + 0.35 * lit[..., None] + 0.5 * metal * (spots[..., None] - 0.5))
    shining = np.clip((spots - 0.86) / 0.1, 0, 1)[..., None] * (180 * metal)
    return np.asarray(np.clip(colour_map + shining, 2, 252), np.float32)


def _cast(drawn: Floats, share: Floats, unit: float, random: np.random.Generator) -> Floats:
    if random.random() < 0.35:
        return drawn
    soft = unit * float(random.uniform(0.015, 0.06))
    shift = np.array([[1, 0, random.normal(0, 0.05) * unit], [0, 1, random.uniform(0.01, 0.14) * unit]], np.float32)
    shadow = cv2.warpAffine(cv2.GaussianBlur(share, (0, 0), soft), shift, (share.shape[1], share.shape[0]))
    return np.asarray(drawn * (1 - float(random.uniform(0.1, 0.6)) * shadow[..., None]), np.float32)


def _lens_on(drawn: Floats, glass: Floats, unit: float, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Tint or darken what lies behind the lenses and let lights shine on them: the picture, and what counts as glasses
    of it, 0..1.
    """
    height, width = glass.shape
    kind = random.random()
    label = np.zeros_like(glass)
    if kind < 0.14:  # sunglasses
        dark = float(random.uniform(0.7, 1.0))
        colour = np.full(3, random.uniform(5, 60), np.float32) + random.normal(0, 8, 3).astype(np.float32)
        gradient = np.linspace(1, random.uniform(0.6, 1), height, dtype=np.float32)[:, None]
        share = glass * dark * gradient
        drawn = drawn + share[..., None] * (colour - drawn)
        label = glass.copy()
    elif kind < 0.4:
        tint = 1 - random.uniform(0, 0.25, 3).astype(np.float32)
        drawn = drawn * (1 - glass[..., None] * (1 - tint))
    else:
        drawn = drawn * (1 - glass[..., None] * float(random.uniform(0, 0.06)))
    if random.random() < 0.45:
        shine = np.zeros_like(glass)
        for _ in range(int(random.integers(1, 4))):
            at = (random.uniform(0, width), random.uniform(0, height))
            ys, xs = np.nonzero(glass > 0.5)
            if len(xs):
                spot = int(random.integers(len(xs)))
                at = (float(xs[spot]), float(ys[spot]))
            box = (at, (unit * random.uniform(0.03, 0.5), unit * random.uniform(0.03, 0.2)), random.uniform(-40, 40))
            patch = np.zeros(glass.shape, np.uint8)
            if random.random() < 0.5:
                cv2.ellipse(patch, box, 255, -1)
            else:
                cv2.fillPoly(patch, [np.rint(cv2.boxPoints(box)).astype(np.int32)], 255)
            shine = np.maximum(shine, patch.astype(np.float32) / 255 * float(random.uniform(0.1, 0.9)))
        shine = cv2.GaussianBlur(shine, (0, 0), unit * float(random.uniform(0.005, 0.03))) * glass
        light = random.uniform(180, 255, 3).astype(np.float32)
        drawn = drawn + shine[..., None] * (light - drawn)
        label = np.maximum(label, np.clip((shine - 0.25) / 0.25, 0, 1))
    return np.asarray(drawn, np.float32), np.asarray(label, np.float32)
