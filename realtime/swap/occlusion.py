"""What stands in front of the viewer's face: hands, cups, phones, microphones; and the viewer's own hair.

The face is laid flat (`occlusion_flat.py`) and remembered: how every point of it usually looks, and how far it strays
from that while its owner speaks and moves. What looks different from all that was remembered thereabouts, over an area
that no grimace makes, stands in front. Light is fitted first (`occlusion_light.py`): a lamp changes nothing.

A hole in the new face that comes and goes is worse than a finger painted over, and it shows whom nobody was to see:
where in doubt, nothing stands in front.
"""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.mesh import CHIN, FOREHEAD_TOP, FaceMesh
from realtime.frame import Pixels
from realtime.swap.field import GRID, FaceField, Floats
from realtime.swap.occlusion_flat import SIDE, depth_inside, lay_flat, openings, to_grid
from realtime.swap.occlusion_hair import hair
from realtime.swap.occlusion_light import LightFit

_PLAIN = (14.0, 5.0, 5.0)
_MOUTH = (26.0, 10.0, 10.0)
_EYE = (40.0, 12.0, 12.0)
"""What L, a and b stray by at least, in 8-bit levels: skin; lips, between which teeth and dark come and go; lids."""
_AROUND = np.ones((5, 5), np.uint8)
"""A point may look like any of its neighbours this near: a mesh sits that exactly, some 10 px on a face of 300."""
_USUAL_SHARE, _NOISE_SPREADS = 0.6, 3.0
"""A dark, noisy picture, or light that no plane fits, puts so much of the face off; it is allowed three times that."""
_DOUBT = 0.45
"""Difference over what is usual, averaged over `_BLUR` points, from where on a point may belong to something."""
_BLUR = (5, 5)
_LEAST_MASS = 0.045
"""Difference summed over one thing, rims left out, as a share of the flat picture. Grimaces, open mouths and turns of 6
people in 2700 frames reach 0.034, and 0.019 in all but one frame of 200; a fist on the chin has 0.15."""
_STAYS = 0.5
"""What was in front stays so down to this share of it."""
_RIM = 0.08
"""How near the outline, in sides of the flat face, a difference counts nothing: there the background looks in."""
_MOST_OF_FACE = 0.5
"""More of the face than this cannot stand behind something and still be followed: a lamp, or the mesh slipped."""
_NEW_LIGHT_S = 0.3
"""Time constant of the memory then."""
_TURN_DEGREES, _COLOUR_POWER = 12.0, 0.25
"""A head turned so far from how it is remembered may be off twice as far in brightness, and that to this power in
colour: the shadows of a hard light fall otherwise. A singer on a stage has a hole in 53 frames of 128 without it."""
_YOUNG_S = 4.0
"""A memory younger than this may be of a cup held up from the beginning: where skin comes to light, it was."""
_SKIN_LEVELS = (60.0, 10.0, 10.0)
_NO_SKIN = 1.4
"""How far skin lies from its median colour, in L, a and b; and how many times as far is surely something else."""
_HOLES = np.ones((7, 7), np.uint8)
_BARELY_SEEN = 0.3
_COMES_S, _GOES_S = 0.02, 0.035
"""Time constants of what is shown."""
_REMEMBERS_S = 3.0
_GETS_USED_S = 20.0
"""Time constants of the memory: of the face, and of what stands in front of it."""
_FIRST_FRAMES = 10
"""The memory is too young before: nothing stands in front."""
_PAUSE_S = 1.0
"""After it the memory begins anew: another shot, another room."""
_SEEN_S = 0.5
_HAIR_EVERY_S, _HAIR_MOVES = 0.25, 0.3
"""How often hair is looked for in the memory, and how far what is found moves what was known."""
_EDGE_RADIUS, _EDGE_FLOOR = 5, 0.002
"""Of the guided filter that pulls the mask to the picture's edges: grid points; contrast, squared, that is an edge."""


class Occlusion:
    """Remembers one viewer's face and tells what is not part of it. Used by one thread."""

    def __init__(self) -> None:
        self._frames = 0
        self._at_s = self._since_s = -math.inf
        self._light = LightFit()
        self._usual_pose = np.zeros(2)
        self._usual: Floats = np.zeros((SIDE, SIDE, 3), np.float32)
        self._strays: Floats = np.zeros((SIDE, SIDE, 3), np.float32)
        self._known: Floats = np.zeros((SIDE, SIDE), np.float32)
        self._in_front: Floats = np.zeros((SIDE, SIDE), np.float32)
        self._hair: Floats = np.zeros((SIDE, SIDE), np.float32)
        self._hair_at_s = -math.inf

    def forget(self) -> None:
        """Somebody else comes."""
        self._frames = 0

    def visible(self, pixels: Pixels, field: FaceField, pts_s: float) -> Floats:
        """Return where the viewer's face is seen, (grid height, grid width), 0 where something stands in front to 1.

        `pixels` is the whole frame, `field` says where the face, which is not outside of it, lies.
        """
        passed_s = pts_s - self._at_s
        self._at_s = pts_s
        lab, seen, small = lay_flat(pixels, field)
        pose = _pose(field.mesh)
        if self._frames == 0 or not 0 <= passed_s <= _PAUSE_S:
            self._begin(lab, seen)
            self._usual_pose = pose
            self._since_s = self._hair_at_s = pts_s
            self._hair = hair(self._usual)
        else:
            turned = 1 + float(np.square((pose - self._usual_pose) / _TURN_DEGREES).sum())
            loose = np.array([turned, turned**_COLOUR_POWER, turned**_COLOUR_POWER], np.float32)
            self._look(lab, seen, passed_s, loose, young=pts_s - self._since_s < _YOUNG_S)
            self._usual_pose = self._usual_pose + self._share(passed_s) * (pose - self._usual_pose)
        if pts_s - self._hair_at_s >= _HAIR_EVERY_S:
            self._hair_at_s = pts_s
            self._hair += _HAIR_MOVES * (hair(self._usual) - self._hair)
        front = np.maximum(self._in_front, self._hair)
        if float(front.max()) < 1 / 255:
            return np.ones((GRID.height, GRID.width), np.float32)
        return 1 - _to_edges(to_grid(front, field), small)

    def _begin(self, lab: Floats, seen: Floats) -> None:
        self._frames = 1
        self._usual, self._known = lab, seen
        self._strays = np.zeros_like(lab)
        self._in_front = np.zeros_like(seen)
        self._light.forget()

    def _look(self, lab: Floats, seen: Floats, passed_s: float, loose: Floats, *, young: bool) -> None:
        """`loose`: how many times as far as usual a point may be off, (3,) in L, a and b."""
        weights = seen * (1 - self._in_front) * (self._known > 0.05)
        lab = self._light.take_off(lab, self._usual, weights, _least_spread())
        off = np.maximum(lab - cv2.dilate(self._usual, _AROUND), cv2.erode(self._usual, _AROUND) - lab)
        np.maximum(off, 0, out=off)
        squared = np.square(off)
        spread = _least_spread() + 4 * cv2.dilate(self._strays, np.ones((3, 3), np.uint8)) + _noise(off, seen)
        apart = squared / (spread * np.square(loose))
        difference = np.minimum(np.sqrt(apart[..., 0] + apart[..., 1] + apart[..., 2]), 3)
        difference *= np.clip(self._known / 0.3, 0, 1)
        uncovered = self._uncovered(lab) if young else None
        if uncovered is not None:
            difference[uncovered] = 0
            self._known[uncovered] = 0
        front = self._things(difference, seen, uncovered)
        if float((front * seen).sum()) > _MOST_OF_FACE * float(seen.sum()):
            front[:] = 0
            self._usual += (1 - math.exp(-passed_s / _NEW_LIGHT_S)) * (lab - self._usual)
        share = np.where(front > self._in_front, 1 - math.exp(-passed_s / _COMES_S), 1 - math.exp(-passed_s / _GOES_S))
        self._in_front += (share * (front - self._in_front)).astype(np.float32)
        self._learn(lab, squared, seen, passed_s)

    def _things(self, difference: Floats, seen: Floats, uncovered: NDArray[np.bool_] | None) -> Floats:
        """Return (SIDE, SIDE), 0 or 1: where something stands in front. What lies amid skin that has come to light, a
        mouth, has come to light too.
        """
        nothing = np.zeros_like(seen)
        if self._frames < _FIRST_FRAMES:
            return nothing
        calm = cv2.blur(difference * seen, _BLUR) / np.maximum(cv2.blur(seen, _BLUR), 0.15)
        doubtful = ((calm > _DOUBT) & (seen > 0.1)).astype(np.uint8)
        count, labels, boxes, _ = cv2.connectedComponentsWithStats(doubtful, connectivity=4)
        if count < 2:
            return nothing
        labels_flat = labels.ravel()
        mass = np.bincount(labels_flat, (calm * _counts()).ravel(), count) / SIDE**2
        was_there = np.bincount(labels_flat, self._in_front.ravel(), count) / boxes[:, cv2.CC_STAT_AREA]
        is_thing = mass > _LEAST_MASS * np.where(was_there > 0.3, _STAYS, 1.0)
        is_thing[0] = False
        if uncovered is not None:
            for number in np.flatnonzero(is_thing):
                inside = (labels == number).astype(np.uint8)
                around = (cv2.dilate(inside, _AROUND) > inside) & (seen > 0.1)
                if 2 * int(uncovered[around].sum()) > int(around.sum()):
                    is_thing[number] = False
                    self._known[inside > 0] = 0
        if not is_thing.any():
            return nothing
        front = cv2.morphologyEx(is_thing.astype(np.float32)[labels], cv2.MORPH_CLOSE, _HOLES)
        # It goes on beyond the outline: where the mask ends there, a rim of the new face would lie over a cup.
        return np.where(seen < _BARELY_SEEN, cv2.dilate(front, _HOLES), front)

    def _uncovered(self, lab: Floats) -> NDArray[np.bool_]:
        """Return (SIDE, SIDE): where skin is seen and something else, not lips or eyes, is remembered."""
        skin = np.median(self._usual[_counts() > 0], axis=0)
        levels = np.array(_SKIN_LEVELS, np.float32)
        is_skin = (np.abs(lab - skin) < levels).all(axis=2)
        was_other = (np.abs(self._usual - skin) > _NO_SKIN * levels).any(axis=2)
        return np.asarray(is_skin & was_other & _plain())

    def _learn(self, lab: Floats, squared: Floats, seen: Floats, passed_s: float) -> None:
        self._frames += 1
        share = self._share(passed_s)
        used = share if self._frames <= _FIRST_FRAMES else 1 - math.exp(-passed_s / _GETS_USED_S)
        shares = np.where(self._in_front > 0.25, used, share).astype(np.float32)
        shares = np.where(self._known < 0.1, np.maximum(shares, 0.3), shares) * seen
        self._strays += shares[..., None] * (squared - self._strays)
        self._usual += shares[..., None] * (lab - self._usual)
        self._known += (1 - math.exp(-passed_s / _SEEN_S)) * np.maximum(seen - self._known, 0)

    def _share(self, passed_s: float) -> float:
        """Return how far a frame moves the memory."""
        return max(1 / self._frames, 1 - math.exp(-passed_s / _REMEMBERS_S))


@functools.cache
def _least_spread() -> Floats:
    """Return (SIDE, SIDE, 3), squared."""
    mouth, eyes = openings(2)
    spread = np.empty((SIDE, SIDE, 3), np.float32)
    spread[:] = _PLAIN
    spread[mouth] = _MOUTH
    spread[eyes] = _EYE
    return np.square(spread)


@functools.cache
def _plain() -> NDArray[np.bool_]:
    mouth, eyes = openings(2)
    return ~mouth & ~eyes


@functools.cache
def _counts() -> NDArray[np.float32]:
    return (depth_inside() > _RIM).astype(np.float32)


def _pose(mesh: FaceMesh) -> NDArray[np.float64]:
    """Return (2,): how far a head is turned to the side and up or down, in degrees."""
    down = mesh.points[CHIN] - mesh.points[FOREHEAD_TOP]
    pitch = math.degrees(math.atan2(float(down[2]), float(np.hypot(down[0], down[1]))))
    return np.array([mesh.yaw_degrees, pitch])


def _noise(off: Floats, seen: Floats) -> Floats:
    """Return (3,): squared, what most of the face is off by; where not even that fits, less is told by the rest."""
    told = off[(seen > 0.5) & (_counts() > 0)]
    if len(told) < 50:
        return np.zeros(3, np.float32)
    # NumPy sorts rows with vector instructions: an eighth of the time of a partition.
    usual = np.sort(np.ascontiguousarray(told.T), axis=1)[:, int(_USUAL_SHARE * len(told))]
    return np.asarray(np.square(_NOISE_SPREADS * usual), np.float32)


def _to_edges(mask: Floats, picture: Pixels) -> Floats:
    """Return a mask on the grid whose edges lie on the picture's (He, Sun, Tang: "Guided Image Filtering", 2010)."""
    on_grid = cv2.resize(picture, GRID, interpolation=cv2.INTER_LINEAR)  # from at most three times as large
    guide = cv2.cvtColor(on_grid, cv2.COLOR_BGR2GRAY).astype(np.float32) / 255
    side = (2 * _EDGE_RADIUS + 1,) * 2
    mean_guide, mean_mask = cv2.blur(guide, side), cv2.blur(mask, side)
    together = cv2.blur(guide * mask, side) - mean_guide * mean_mask
    slope = together / (cv2.blur(guide * guide, side) - mean_guide * mean_guide + _EDGE_FLOOR)
    level = mean_mask - slope * mean_guide
    filtered = cv2.blur(slope, side) * guide + cv2.blur(level, side)
    return np.asarray(np.clip((filtered - 0.5) * 1.4 + 0.5, 0, 1), np.float32)
