"""Glasses drawn as a head carries them: what is left of each pixel, and what is added to it."""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Doubles, Floats
from realtime.imaging.pixels import ONE_MAP, Place
from realtime.morph.glasses.head import Head
from realtime.morph.glasses.sprite import LEFT, LENS_SHARE, SHADOW_FINER, TOP, Sprite

_BEFORE_NOSE = 0.06
"""How far the middle of the front stands behind that of the bridge of the nose: lenses are 13 mm before the eyes."""
_WRAP, _TILT = 0.09, 0.12
"""How far the front bends back at its outer side, and below towards the cheeks (7 degrees)."""
_SKIN_BEHIND = 0.2
"""How far behind the front its shadow lies."""
_ROOM = 0.12
"""Around the front and the temples: so far shadows reach."""
_COARSE = 4
"""Of the picture's pixels, every fourth is told where it lies on the sprite: the front is smooth."""
_BITS = 4
_SHADOW_TINT = (0.62, 0.58, 0.5)
"""How much of blue, green and red the darkest shadow takes: skin glows red in shade."""
_DARK_SIDE = 0.55
"""How bright the frame's sides are, over its front."""
_ARM_STEPS = (0.0, 0.3, 0.6, 0.8, 0.95, 1.1)
"""From the hinge to the ear, 1."""
_ARM_FADES = (255, 255, 235, 150, 50)
"""Between them: behind the ear, and under hair, a temple is not seen."""
_ARM_HEIGHTS = (1.0, 0.92, 0.8, 0.74, 0.7, 0.68)
_NEAR_SIDE = 18.0
"""Degrees by which the sides of a head are turned to who stands before it."""
_TURNED = 0.3
"""Sine of the turn from which on the nose may hide a part of the far lens."""
_NOSE_RIDGE = (197, 195, 5, 4, 1)
_NOSE_SIDES = ((48, 49, 131, 198, 174, 188), (278, 279, 360, 420, 399, 412))
"""The nose on the person's right and left, from below up to the eye."""


@dataclasses.dataclass(slots=True)
class Drawn:
    """Glasses over a part of a picture."""

    place: Place
    left: Pixels
    """(height, width, 3): what is left of each pixel, in 255ths …"""
    added: Pixels
    """(height, width, 3) BGR: … and what is added."""

    def apply(self, out: Pixels) -> None:
        """Put them onto a picture."""
        part = self.place.of(out)
        cv2.multiply(part, self.left, dst=part, scale=1 / 255)
        cv2.add(part, self.added, dst=part)


class Carried:
    """A pair on a head that stands as it does in one frame."""

    def __init__(self, sprite: Sprite, head: Head) -> None:
        self._sprite, self._head = sprite, head
        stands = head.stands
        self._size = head.wide
        self._axes: Doubles = stands.rotation * (stands.scale * self._size)
        """(3, 3): rows are where the head's own axes lead in the picture, in units of the glasses."""
        self._origin: Doubles = stands.place(head.middle[None])[0]
        self._z = (head.bridge + _BEFORE_NOSE) / self._size

    def on_front(self, flat: Doubles) -> Doubles:
        """Return (N, 2) where points of the front, x and y, lie in the picture."""
        x, y = flat[:, 0], flat[:, 1]
        return self.in_space(np.stack([x, y, self._z + _WRAP * x * x + _TILT * y], axis=1))

    def in_space(self, points: Doubles) -> Doubles:
        """Return (N, 2) where points about the middle of the eyes, in units of the glasses, lie in the picture."""
        return np.asarray((points @ self._axes + self._origin)[:, :2], np.float64)

    @property
    def turned(self) -> float:
        """The sine of the head's turn: above 0 towards the picture's left."""
        return float(self._head.stands.rotation[2, 0])

    @property
    def unit_px(self) -> float:
        """The pixels of a unit of the glasses."""
        return self._head.stands.scale * self._size

    def draw(
        self,
        mesh: FaceMesh,
        frame: Size,
        opacity: float = 1.0,
        seen: Floats | None = None,
        seen_in: Place | None = None,
    ) -> Drawn | None:
        """Return them over a picture; None where they are outside of it.

        `opacity`, 0..1, times the pair's own. `seen`: on a grid over the rectangle `seen_in`, 0 where something stands
        before the face to 1.
        """
        arms = [self._arm(side) for side in (-1, 1)]
        place = self._place(arms, frame)
        if place is None:
            return None
        sprite = self._sprite
        opacity *= sprite.pair.opacity
        maps = self._maps(place)
        front = _laid(sprite.front, maps)
        turned_right = min(1.0, max(0.0, 0.5 - 1.6 * self.turned))
        mirrored = cv2.addWeighted(sprite.mirrored[0], 1 - turned_right, sprite.mirrored[1], turned_right, 0)
        glass = _laid(np.asarray(cv2.merge([sprite.lens, mirrored, sprite.frame]), np.uint8), maps)
        if abs(self.turned) > _TURNED:
            self._behind_nose(mesh, place, front, glass)
        sides = self._sides(arms, np.ascontiguousarray(glass[..., 2]), place)
        shadow = self._shadow(place)
        if seen is not None and seen_in is not None:
            shown = _shown(seen, seen_in, place, opacity)
        elif opacity < 1:
            shown = np.full((place.height, place.width), round(255 * opacity), np.uint8)
        else:
            shown = None
        return self._joined(place, front, glass, sides, shadow, shown)

    def _joined(
        self, place: Place, front: Pixels, glass: Pixels, sides: Pixels, shadow: Pixels, shown: Pixels | None
    ) -> Drawn:
        lens, mirrored, _ = cv2.split(glass)
        share = np.ascontiguousarray(front[..., 3])
        added = cv2.cvtColor(front, cv2.COLOR_BGRA2BGR)
        if shown is not None:
            for mask in (sides, shadow, share, lens, mirrored):
                cv2.multiply(mask, shown, dst=mask, scale=1 / 255)
            cv2.multiply(added, cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR), dst=added, scale=1 / 255)
        # The sides are dark and behind the front; what they show is one colour.
        left = cv2.merge([cv2.convertScaleAbs(shadow, alpha=-taken, beta=255) for taken in _SHADOW_TINT])
        hidden = cv2.cvtColor(cv2.bitwise_not(sides), cv2.COLOR_GRAY2BGR)
        cv2.multiply(left, hidden, dst=left, scale=1 / 255)
        before = cv2.cvtColor(cv2.bitwise_not(share), cv2.COLOR_GRAY2BGR)
        cv2.multiply(left, before, dst=left, scale=1 / 255)
        clear = cv2.convertScaleAbs(lens, alpha=-LENS_SHARE, beta=255)
        cv2.multiply(left, cv2.cvtColor(clear, cv2.COLOR_GRAY2BGR), dst=left, scale=1 / 255)
        sides_added = cv2.merge([cv2.convertScaleAbs(sides, alpha=level / 255) for level in self._side_colour()])
        cv2.multiply(sides_added, before, dst=sides_added, scale=1 / 255)
        cv2.add(added, sides_added, dst=added)
        cv2.add(added, cv2.cvtColor(mirrored, cv2.COLOR_GRAY2BGR), dst=added)
        return Drawn(place, np.asarray(left, np.uint8), np.asarray(added, np.uint8))

    def _place(self, arms: list[Doubles | None], frame: Size) -> Place | None:
        hinge = self._sprite.hinge
        corners = np.array([(x, y) for x in (-hinge[0], 0, hinge[0]) for y in (-0.45, 0.5)])
        every = np.concatenate([self.on_front(corners), *(arm.reshape(-1, 2) for arm in arms if arm is not None)])
        if not np.isfinite(every).all():
            return None
        room = _ROOM * self.unit_px
        least, most = np.floor(every.min(axis=0) - room), np.ceil(every.max(axis=0) + room)
        whole = Place(int(least[0]), int(least[1]), int(most[0] - least[0]), int(most[1] - least[1]))
        place = whole.shared_with(Place(0, 0, frame.width, frame.height))
        return place if place.width >= 8 and place.height >= 8 else None

    def _maps(self, place: Place) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
        """Return where on the sprite each pixel of a place lies, as `cv2.remap` takes it."""
        # In the picture: origin + x·axis 0 + y·axis 1 + z·axis 2, of which z is z0 + tilt·y + wrap·x².
        axes = self._axes[:, :2]
        plane = np.stack([axes[0], axes[1] + _TILT * axes[2]])
        inverse = np.linalg.inv(plane)
        start = self._origin[:2] + self._z * axes[2]
        step = _COARSE
        across = place.left + np.arange(0, place.width + step, step) + (step - 1) / 2
        down = place.top + np.arange(0, place.height + step, step) + (step - 1) / 2
        flat = (across[None, :, None] - start[0]) * inverse[0] + (down[:, None, None] - start[1]) * inverse[1]
        bend = _WRAP * axes[2] @ inverse
        bent = flat
        for _ in range(2):
            bent = flat - np.square(bent[..., :1]) * bend
        scale = self._sprite.scale
        places = np.asarray((bent - (LEFT, TOP)) * scale - 0.5, np.float32)
        size = (places.shape[1] * step, places.shape[0] * step)
        whole = cv2.resize(places, size, interpolation=cv2.INTER_LINEAR)[: place.height, : place.width]
        fixed, rest = cv2.convertMaps(whole, ONE_MAP, cv2.CV_16SC2)
        return np.asarray(fixed, np.int16), np.asarray(rest, np.uint16)

    def _shadow(self, place: Place) -> Pixels:
        """Return how dark the shadow is, (height, width): it lies on the skin, behind the front."""
        axes = self._axes[:, :2]
        scale = self._sprite.scale * SHADOW_FINER
        matrix = np.empty((2, 3))
        matrix[:, 0], matrix[:, 1] = axes[0] / scale, (axes[1] + _TILT * axes[2]) / scale
        start = self._origin[:2] + (self._z + _SKIN_BEHIND) * axes[2] + (0, 0.03 * self.unit_px)
        corner = np.array([LEFT, TOP]) + 0.5 / scale
        matrix[:, 2] = start + corner @ (matrix[:, :2].T * scale) - (place.left, place.top)
        return np.asarray(cv2.warpAffine(self._sprite.shadow, matrix, place.size, flags=cv2.INTER_LINEAR), np.uint8)

    def _sides(self, arms: list[Doubles | None], frame: Pixels, place: Place) -> Pixels:
        """Return where the sides of the frame and the temples are seen, (height, width)."""
        back = self._sprite.pair.depth * self._axes[2, :2]
        matrix = np.array([[1, 0, back[0]], [0, 1, back[1]]])
        sides = np.asarray(cv2.warpAffine(frame, matrix, place.size, flags=cv2.INTER_LINEAR), np.uint8)
        for side, arm in zip((-1, 1), arms, strict=True):
            if arm is None:
                continue
            drawn = np.zeros_like(sides)
            local = np.rint((arm - (place.left, place.top)) * 2**_BITS).astype(np.int32)
            for number, fades in enumerate(_ARM_FADES):
                quad = np.concatenate([local[0, number : number + 2], local[1, number : number + 2][::-1]])
                cv2.fillPoly(drawn, [quad], round(fades * self._facing(side)), cv2.LINE_AA, _BITS)
            # Pieces meet in a seam, and the picture is no sharper than this.
            soft = self._sprite.light.soft_px
            cv2.max(sides, cv2.GaussianBlur(drawn, (0, 0), max(0.6, soft)), dst=sides)
        return sides

    def _facing(self, side: int) -> float:
        """Return how far a side of the head is turned to the viewer, 0..1."""
        angle = math.radians(_NEAR_SIDE)
        before = float(np.array([side * math.cos(angle), 0, -math.sin(angle)]) @ self._head.stands.rotation[:, 2])
        return min(1.0, max(0.0, (0.04 - before) / 0.12))

    def _arm(self, side: int) -> Doubles | None:
        """Return the upper and the lower edge of a temple, (2, N, 2); None where it is on the far side."""
        if self._facing(side) <= 0:
            return None
        x, y = self._sprite.hinge
        start = np.array([side * x, y, self._z + _WRAP * x * x + _TILT * y + 0.03])
        ear = (self._head.ear - self._head.middle) / self._size
        end = np.array([side * ear[0], ear[1] - 0.02, ear[2]])
        points = start + np.array(_ARM_STEPS)[:, None] * (end - start)
        points[0, 0] -= side * 0.02
        half = np.zeros((len(points), 3))
        half[:, 1] = 0.5 * self._sprite.pair.arm * np.array(_ARM_HEIGHTS)
        return np.stack([self.in_space(points - half), self.in_space(points + half)])

    def _side_colour(self) -> list[float]:
        """Return the BGR of the frame's sides: they are turned away from what light there is."""
        pair, light = self._sprite.pair, self._sprite.light
        return [
            _DARK_SIDE * (1 + 0.4 * pair.metal) * own * float(level)
            for own, level in zip(pair.colour, light.colour, strict=True)
        ]

    def _behind_nose(self, mesh: FaceMesh, place: Place, front: Pixels, glass: Pixels) -> None:
        """Take away what of the far lens is behind the nose."""
        far = -1 if self.turned > 0 else 1
        nose = mesh.points[[*_NOSE_RIDGE, *_NOSE_SIDES[0 if far > 0 else 1]], :2].astype(np.float64)
        upper, lower = self.on_front(np.array([[far * 0.06, -1.0], [far * 0.06, 1.0]]))
        along = lower - upper
        beyond = far * -(along[0] * (nose[:, 1] - upper[1]) - along[1] * (nose[:, 0] - upper[0]))
        clipped = _clipped(nose, beyond)
        if len(clipped) < 3:
            return
        points = [np.rint((clipped - (place.left, place.top)) * 2**_BITS).astype(np.int32)]
        cv2.fillPoly(front, points, (0, 0, 0, 0), cv2.LINE_AA, _BITS)
        cv2.fillPoly(glass, points, (0, 0, 0), cv2.LINE_AA, _BITS)


def _clipped(polygon: Doubles, inside: Doubles) -> Doubles:
    """Return the part of a polygon (N, 2) where a linear function, given at its corners, is above 0."""
    found = []
    for number, (point, value) in enumerate(zip(polygon, inside, strict=True)):
        before, before_value = polygon[number - 1], inside[number - 1]
        if (value > 0) != (before_value > 0):
            found.append(before + (point - before) * (before_value / (before_value - value)))
        if value > 0:
            found.append(point)
    return np.array(found).reshape(-1, 2)


def _laid(sprite: Pixels, maps: tuple[NDArray[np.int16], NDArray[np.uint16]]) -> Pixels:
    return np.asarray(cv2.remap(sprite, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.uint8)


def _shown(seen: Floats, seen_in: Place, place: Place, opacity: float) -> Pixels:
    """Return (height, width) what is shown of each pixel, in 255ths."""
    scale = np.array([seen_in.width / seen.shape[1], seen_in.height / seen.shape[0]])
    corner = np.array([seen_in.left - place.left, seen_in.top - place.top])
    matrix = np.column_stack([np.diag(scale), 0.5 * scale - 0.5 + corner])
    levels = np.rint(seen * (255 * opacity)).astype(np.uint8)
    shown = cv2.warpAffine(levels, matrix, place.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shown, np.uint8)
