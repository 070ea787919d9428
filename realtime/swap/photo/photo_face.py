"""A face from one photo, worn by the viewer: expression, gaze and pose stay the viewer's."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing import FaceSource
from realtime.face_compositing.face_geometry import FaceGeometry, new_grid, with_rim
from realtime.face_compositing.occlusion.glasses import without_glasses
from realtime.faces.landmarks.iris import IrisModel
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import ONE_MAP, four_channels
from realtime.swap.photo.delighting import delighted
from realtime.swap.photo.eyeballs import eyeballs
from realtime.swap.photo.frontalization import frontalized
from realtime.swap.photo.irises import EyePainter
from realtime.swap.photo.neutralization import neutralized
from realtime.swap.photo.shape_transfer import ShapeTransfer
from realtime.swap.photo.skin_texture import wearable_part, without_hair
from realtime.swap.photo.smiling_mouth import MouthPainter, SmilingMouth

_MARGIN = 0.25
"""How much of the photo around the face is kept, as a share of the face: the ring around the mesh lies in it."""
_UNROLLED_FROM_DEGREES = 15.0
"""A photo that looks further aside is laid flat first, and what it hardly shows taken from the other half."""
_JUMP = 3.5
"""Steps of places in the photo from grid point to grid point; more than so many usual ones is a fold."""
_LIVE_STEP_PX = 2.0
"""As the live mesh model's: spares a half of what it takes to cut a large eye out."""
_COLOUR_GRAIN = 0.008
"""Colours are blurred over this share of the face's width: a lip is ten times as high."""


@dataclasses.dataclass(frozen=True, slots=True)
class PhotoLevels:
    """A photo's face made ready to be worn, by any number of people: it takes 150 to 440 ms, once."""

    levels: tuple[Pixels, ...]
    """The face in its own size, and halved again and again."""
    with_mouth: tuple[Pixels, ...]
    """The same with the photo's mouth, where `levels` have closed lips instead; else the very same."""
    lips: NDArray[np.float32] | None
    """(3,) their colour, BGR, where the photo's mouth is not at rest: it smiles, or shows its teeth."""
    corners: Floats
    """(504, 2): the mesh's points and the ring around them, in the first level. Read only."""
    mesh: FaceMesh
    """Whose proportions are worn: those of the photo's face at rest."""
    outline_px: float
    """The side of a square as large as the face's outline."""
    in_own_light: Callable[[], PhotoLevels] | None
    """Makes the same with a lamp at one side as the photo has it, once; None: this is it."""
    smile: SmilingMouth | None = None
    """Its own mouth as it smiles, where another photo shows it at rest."""

    @classmethod
    def of(
        cls, photo: Pixels, mesh: FaceMesh, *, in_own_light: bool = False, with_glasses: bool = False
    ) -> PhotoLevels:
        """Cut a face out of a photo. `mesh` lies in it. `in_own_light`: a lamp at one side of it stays. `with_glasses`:
        glasses on it are worn, too.
        """
        own = None
        if not in_own_light:
            own = functools.cache(lambda: cls.of(photo, mesh, in_own_light=True, with_glasses=with_glasses))
        cut = CutFace.of(photo, mesh, in_own_light=in_own_light, with_glasses=with_glasses)
        levels, placed = _levels(cut.skin, cut.corners, mesh)
        with_mouth = levels if cut.lips is None else _levels(cut.with_mouth, cut.corners, mesh)[0]
        return cls(levels, with_mouth, cut.lips, placed, cut.mesh, cut.outline_px, own)


@dataclasses.dataclass(frozen=True, slots=True)
class CutFace:
    """A face cut out of its photo: skin alone, in even light, at rest."""

    skin: Pixels
    """Of the photo what is around the face; in the place of a mouth that is not at rest there are its lips, closed."""
    with_mouth: Pixels
    """The same with the photo's mouth; the very same where that is at rest."""
    lips: NDArray[np.float32] | None
    """(3,) their colour, BGR, where the mouth of `skin` is not the photo's."""
    corners: Floats
    """(504, 2): where the mesh's points, and the ring around them, lie in both pictures."""
    mesh: FaceMesh
    """At rest, in the photo's pixels."""
    outline_px: float
    wearable: Floats
    """(96, 96) over the unrolled face, 0..1: how far each part of it is the face's skin, and no hair."""
    taken_off: NDArray[np.uint8]
    """(height, width) of both pictures, 0..255: where glasses were taken off, and skin is a guess."""

    @classmethod
    def of(cls, photo: Pixels, mesh: FaceMesh, *, in_own_light: bool = False, with_glasses: bool = False) -> CutFace:
        """Cut a face out, as `PhotoLevels.of` is told to."""
        corners = with_rim(mesh.points[:, :2])
        least, most = corners.min(axis=0), corners.max(axis=0)
        margin = _MARGIN * (most - least)
        left, top = np.maximum(np.floor(least - margin), 0).astype(int)
        right, bottom = np.ceil(most + margin).astype(int)
        around = np.ascontiguousarray(photo[top:bottom, left:right])
        inside = dataclasses.replace(mesh, points=(mesh.points - (left, top, 0)).astype(np.float32))
        bare = around if with_glasses else without_glasses(around, inside)
        taken_off = np.asarray(cv2.absdiff(bare, around).max(axis=2), np.uint8)
        wearable = wearable_part(bare, inside)
        face = _without_colour_grain(without_hair(bare, inside, wearable), mesh.width_px)
        if not in_own_light:
            face = delighted(face, inside)
        placed = (corners - (left, top)).astype(np.float32)
        outline_px = float(np.sqrt(_area(corners[-36:].astype(np.float32))))
        neutral = neutralized(face, inside)
        if neutral is None:
            return cls(face, face, None, placed, mesh, outline_px, wearable, taken_off)
        at_rest = dataclasses.replace(mesh, points=neutral.mesh.points + np.array([left, top, 0], np.float32))
        return cls(neutral.skin, neutral.with_mouth, neutral.lips, placed, at_rest, outline_px, wearable, taken_off)


def _levels(face: Pixels, corners: Floats, mesh: FaceMesh) -> tuple[tuple[Pixels, ...], Floats]:
    """Return a face halved again and again, and where its corners lie; laid flat first where it looks aside."""
    if abs(mesh.yaw_degrees) > _UNROLLED_FROM_DEGREES:
        face, corners = frontalized(face, corners)
    return halvings(face), corners


def halvings(face: Pixels) -> tuple[Pixels, ...]:
    """Return a picture, and the same halved again and again."""
    levels = [face]
    while min(levels[-1].shape[:2]) > 64:
        smaller = cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(smaller, np.uint8))
    return tuple(levels)


class PhotoFace(FaceSource):
    """A photo's face as one person wears it. Used by one thread."""

    keeps_openings = True
    lips_worn = 0.4
    """The photo's lips are closed and soft: the viewer's, seen through them, give them their line and their edges. With
    0.6 likeness is 0.01 higher, and the mouth of four in 42 pairs strays by more than 2 % of the eye distance."""

    def __init__(self, photo: PhotoLevels) -> None:
        self._photo = photo
        self._take(photo)
        self._outline = photo.outline_px
        self.corners = photo.corners
        self._map = new_grid(2)
        self._proportions = ShapeTransfer(photo.mesh)
        self._smile = MouthPainter(photo.smile) if photo.smile is not None else None
        balls = eyeballs(photo.levels[0], photo.corners, photo.mesh, IrisModel())
        self._eyes = EyePainter(balls, IrisModel(step_px=_LIVE_STEP_PX)) if balls is not None else None

    def keep_own_light(self, *, keeps: bool) -> None:
        photo = self._photo.in_own_light() if keeps and self._photo.in_own_light is not None else self._photo
        if photo is not self._taken:
            self._take(photo)

    def _take(self, photo: PhotoLevels) -> None:
        self._taken, self.lips = photo, photo.lips
        self._sampled: dict[tuple[bool, int], Pixels] = {}

    def look(self, pixels: Pixels, mesh: FaceMesh, pts_s: float, *, eyes: bool) -> None:
        if self._eyes is not None:
            self._eyes.look(pixels, mesh, pts_s, worn=eyes)

    def moves_px(self, viewer: FaceMesh) -> Floats | None:
        return self._proportions.moves_px(viewer)

    def draw(self, geometry: FaceGeometry) -> Pixels:
        out = self._draw(geometry, with_mouth=False)
        if self._smile is not None:
            self._smile.paint(out, geometry)
            self.own_mouth = self._smile.share
        return out

    def paint_eyes(self, out: Pixels, geometry: FaceGeometry, *, lit: bool) -> None:
        if self._eyes is not None:
            self._eyes.paint(out, geometry, lit=lit)

    def cover_eyes(self, alpha: NDArray[np.uint8], face: NDArray[np.uint8]) -> None:
        if self._eyes is not None:
            self._eyes.cover(alpha, face)

    def draw_with_mouth(self, geometry: FaceGeometry) -> Pixels:
        return self._draw(geometry, with_mouth=True)

    def _draw(self, geometry: FaceGeometry, *, with_mouth: bool) -> Pixels:
        scale = self._outline / max(1.0, float(np.sqrt(_area(with_rim(geometry.mesh.points[:, :2])[-36:]))))
        whole = geometry.floats_like("source map", 2)
        level = self._level(self._place(geometry.source_map, scale), with_mouth=with_mouth)
        geometry.enlarge(self._map, whole)
        out = geometry.bytes_like("photo", 3)
        drawn = geometry.bytes_like("photo of four channels", 4)
        cv2.remap(level, whole, ONE_MAP, cv2.INTER_LINEAR, dst=drawn, borderMode=cv2.BORDER_REPLICATE)
        cv2.cvtColor(drawn, cv2.COLOR_BGRA2BGR, dst=out)
        self._bridge(level, geometry, out)
        return out

    def forget(self) -> None:
        self._proportions.forget()
        if self._smile is not None:
            self._smile.forget()
        if self._eyes is not None:
            self._eyes.forget()

    def _bridge(self, level: Pixels, geometry: FaceGeometry, out: Pixels) -> None:
        """Draw anew where one grid point shows the nose and the next the cheek behind it: between them lies all that is
        hidden, which would be drawn as a dark line. Colours are mixed there instead of places.
        """
        jumps = folds_in(self._map, geometry.margin)
        part = geometry.part_around(jumps)
        if part.width == 0:
            return
        coarse = cv2.remap(level, self._map, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        bridged, between = geometry.bytes_like("bridged", 3, part.size), geometry.bytes_like("between", 1, part.size)
        geometry.enlarge_part(np.asarray(cv2.cvtColor(coarse, cv2.COLOR_BGRA2BGR), np.uint8), part, bridged)
        geometry.enlarge_part(jumps, part, between)
        cv2.copyTo(bridged, between, part.of(out))

    def alpha(self, geometry: FaceGeometry) -> Floats:
        return geometry.alpha

    def _level(self, number: int, *, with_mouth: bool) -> Pixels:
        """Return a level of the photo, (height, width, 4): what is not drawn takes no room."""
        levels = self._taken.with_mouth if with_mouth else self._taken.levels
        key = (with_mouth and self._taken.with_mouth is not self._taken.levels, number)
        if key not in self._sampled:
            self._sampled[key] = four_channels(levels[number])
        return self._sampled[key]

    def _place(self, source_map: Floats, scale: float) -> int:
        """Return which level has 1 to 2 pixels for each one drawn; `_map` is then the map into it."""
        number = int(np.clip(np.floor(np.log2(max(scale, 1e-3))), 0, len(self._taken.levels) - 1))
        # A level's pixel is the mean of 2^number pixels: middles shift by half of what was joined.
        np.multiply(source_map, 0.5**number, out=self._map)
        self._map += 0.5 * 0.5**number - 0.5
        return number


def folds_in(places: Floats, reach: Floats) -> NDArray[np.uint8]:
    """Return 255 at the grid points between which a face is folded over, 0 elsewhere."""
    on_mesh = (reach > 0.99).astype(np.float32)
    x, y = cv2.split(places)
    jumps = np.zeros(reach.shape, np.uint8)
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        both = on_mesh[first] * on_mesh[second]
        step = (np.abs(x[second] - x[first]) + np.abs(y[second] - y[first])) * both
        folded = step > _JUMP * float(step.sum()) / max(1.0, float(both.sum()))
        if folded.any():
            jumps[first][folded] = jumps[second][folded] = 255
    return jumps


def _without_colour_grain(photo: Pixels, face_px: float) -> Pixels:
    """Return the photo with smooth colours and all of its light and dark: cracks in yellow varnish are violet grain in
    a webcam's light, and JPEG's blocks are coloured too.
    """
    lab = cv2.cvtColor(photo, cv2.COLOR_BGR2LAB)
    lab[..., 1:] = cv2.GaussianBlur(lab[..., 1:], (0, 0), max(0.5, face_px * _COLOUR_GRAIN))
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), np.uint8)


def _area(outline: NDArray[np.float32]) -> float:
    return float(cv2.contourArea(outline))
