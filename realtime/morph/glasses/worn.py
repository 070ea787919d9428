"""Glasses on one viewer: from the mesh to the picture."""

from __future__ import annotations

import math

from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.face_compositing.occlusion.glasses import GlassesDetector
from realtime.faces.landmarks.mesh import EYE_CORNERS, LEFT_EYE_OUTER, RIGHT_EYE_OUTER, FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import Place
from realtime.morph.glasses.drawing import Carried, Drawn
from realtime.morph.glasses.head import Head
from realtime.morph.glasses.light import Light
from realtime.morph.glasses.shapes import MOST, FrameShape, Pair, pair
from realtime.morph.glasses.sprite import Sprite

_LIGHT_EVERY_S, _LIGHT_SETTLES_S = 0.3, 0.6
_OWN_EVERY_S = 0.4
"""How often the viewer's own glasses are looked for: 0.5 ms each time."""
_PAIR = 0.015
"""Of the band about the eyes, before each of them: more is a pair of the viewer's own."""
_DECIDES_S, _COMES_S = 0.8, 0.25
"""Time constants with which that is believed, and with which what is drawn comes and goes then."""
_UNSEEN = 1 / 255
_FINER, _MOST_SCALE = 1.12, 220.0
"""Of the picture's scale, that a pair is painted at, and pixels for each unit at most: painting takes 3 ms at 110."""
_LEAST_OF_SCALE, _MOST_OF_SCALE = 0.875, 1.25
"""Of the scale wanted: within these it is not painted again."""
_EYES_MOVED = 0.04
_EYE_BAND = (0.45, 0.35)
"""How far above and below the eyes the picture's sharpness is measured, in distances between them."""
_LEAST_PX = 8


class WornGlasses:
    """A pair on one person's nose. Used by one thread."""

    def __init__(self) -> None:
        self._pair: Pair | None = None
        self._head = Head()
        self._own: GlassesDetector | None = None
        self._own_at_s = self._light_at_s = self._at_s = -math.inf
        self._owns = 0.0
        """How sure it is that the viewer wears a pair of their own, 0..1."""
        self._share = 1.0
        """How far those that are drawn are there."""
        self._light: Light | None = None
        self._sprite: Sprite | None = None
        self._held: Drawn | None = None
        self._held_of: Size | None = None

    def wear(self, steps: float, shape: FrameShape) -> None:
        """Put on the pair that stands at so many steps, or none at 0 and below, from the next frame on."""
        self._pair = pair(min(steps, MOST), shape) if steps > 0 else None
        if self._pair is None:
            self._held = None

    @property
    def are_worn(self) -> bool:
        return self._pair is not None

    def render(
        self, pixels: Pixels, geometry: FaceGeometry, pts_s: float, out: Pixels, seen: Floats | None = None
    ) -> bool:
        """Draw them into `out`. `pixels`: the camera's frame; `seen`, on the geometry's grid, 0 where something stands
        before the face to 1: before the glasses, too. Return whether there is anything to be seen of them. Raises
        ModelError.
        """
        self._held = None
        if self._pair is None or geometry.is_empty:
            return False
        self._head.update(geometry.mesh, pts_s)
        self._look_for_own(pixels, geometry, pts_s)
        if self._share < _UNSEEN:
            return False
        light = self._lit(pixels, geometry, pts_s)
        carried = Carried(self._painted(self._pair, light), self._head)
        self._held = carried.draw(geometry.mesh, Size.of(pixels), self._share, seen, geometry.place)
        self._held_of = Size.of(pixels)
        if self._held is None:
            return False
        self._held.apply(out)
        return True

    def hold(self, frame: Size, out: Pixels) -> bool:
        """Draw them where they were, on frames of the same size; return whether there are any."""
        if self._held is None or self._held_of != frame:
            return False
        self._held.apply(out)
        return True

    def forget(self) -> None:
        """Somebody else comes."""
        self._head.forget()
        self._held = self._light = None
        self._own_at_s = self._light_at_s = self._at_s = -math.inf
        if self._own is not None:
            self._own.forget()

    def _look_for_own(self, pixels: Pixels, geometry: FaceGeometry, pts_s: float) -> None:
        if self._own is None:
            self._own = GlassesDetector()
        passed_s, self._at_s = pts_s - self._at_s, pts_s
        is_first = not 0 <= passed_s <= 1
        if is_first or not 0 <= pts_s - self._own_at_s < _OWN_EVERY_S:
            self._own.look(pixels, geometry, pts_s)
            owns = 1.0 if self._own.share_before_each_eye > _PAIR else 0.0
            share = 1.0 if is_first else 1 - math.exp(-(pts_s - self._own_at_s) / _DECIDES_S)
            self._owns += share * (owns - self._owns)
            self._own_at_s = pts_s
        wanted = 0.0 if self._owns > 0.5 else 1.0
        self._share += (1.0 if is_first else 1 - math.exp(-passed_s / _COMES_S)) * (wanted - self._share)
        if abs(self._share - wanted) < _UNSEEN:
            self._share = wanted

    def _lit(self, pixels: Pixels, geometry: FaceGeometry, pts_s: float) -> Light:
        passed_s = pts_s - self._light_at_s
        if self._light is None or not 0 <= passed_s < _LIGHT_EVERY_S:
            eyes = _eye_band(geometry.mesh, Size.of(pixels))
            if eyes.width < _LEAST_PX or eyes.height < _LEAST_PX:
                eyes = geometry.place
            found = Light.of(geometry.place.of(pixels), eyes.of(pixels))
            is_first = self._light is None or not 0 <= passed_s < math.inf
            share = 1.0 if is_first else 1 - math.exp(-passed_s / _LIGHT_SETTLES_S)
            self._light = found if self._light is None else self._light.nearing(found, share)
            self._light_at_s = pts_s
        return self._light

    def _painted(self, pair: Pair, light: Light) -> Sprite:
        """Return the pair as it is to be carried: the one there is, as long as nobody would see a difference."""
        head, now = self._head, self._sprite
        unit_px = head.stands.scale * head.wide
        scale = min(_MOST_SCALE, _FINER * unit_px)
        eyes_apart = head.apart / head.wide
        if (
            now is None
            or now.pair != pair
            or not _LEAST_OF_SCALE <= now.scale / scale <= _MOST_OF_SCALE
            or not now.light.is_near(light)
            or abs(now.eyes_apart - eyes_apart) > _EYES_MOVED
        ):
            self._sprite = now = Sprite(pair, light, eyes_apart, scale, light.soft_px * scale / unit_px)
        return now


def _eye_band(mesh: FaceMesh, frame: Size) -> Place:
    """Return the rectangle about the eyes, as far as it lies in the frame; 0 wide where it does not."""
    corners = mesh.points[[number for both in EYE_CORNERS for number in both], :2]
    apart = float(abs(mesh.points[LEFT_EYE_OUTER, 0] - mesh.points[RIGHT_EYE_OUTER, 0])) / 1.45
    left, right = float(corners[:, 0].min()) - 0.2 * apart, float(corners[:, 0].max()) + 0.2 * apart
    middle = float(corners[:, 1].mean())
    top, bottom = middle - _EYE_BAND[0] * apart, middle + _EYE_BAND[1] * apart
    whole = Place(int(left), int(top), int(right - left), int(bottom - top))
    return whole.shared_with(Place(0, 0, frame.width, frame.height))
