"""What stands in front of the viewer's face: hands, cups, phones, microphones; and the viewer's own hair.

The face is laid flat (`uv_view.py`) and remembered (`appearance_model.py`): how every point of it usually looks,
and how far it strays from that while its owner speaks and moves. A small network (`network.py`) sees what
does not belong there. What it is not sure of, or what is too small to be a finger, is left alone: a hole in the new
face that comes and goes is worse than a fingertip painted over, and it shows whom nobody was to see.
"""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import GRID, FaceGeometry
from realtime.face_compositing.occlusion.appearance_model import GETS_USED_S, AppearanceModel
from realtime.face_compositing.occlusion.hair import brows, hair
from realtime.face_compositing.occlusion.network import OccluderNetwork
from realtime.face_compositing.occlusion.uv_view import SIDE, UVView, depth_inside, openings, to_grid, unwrap
from realtime.imaging.frame import Pixels
from realtime.imaging.guided_filter import GuidedFilter
from realtime.imaging.numerics import Floats

_SURE, _STAYS = 0.5, 0.35
"""How sure the network must be of a point; and of one that something was in front of a moment ago."""
_LEAST_AREA = 0.008
"""Of the flat picture, rims left out: a finger is 0.01 and more."""
_RIM = 0.08
"""How near the outline, in sides of the flat face, a point counts nothing: there the background looks in."""
_BROWS_FROM = 0.1
"""How far inside the outline, likewise, a dark brow is told from the hair beside it: with 0.08 the new face ends there
in a step of 23 grey levels, with 0.13 in one of 16, and the brow is seen."""
_MOST_OF_FACE = 0.7
"""More of the face than this cannot stand behind something and still be followed: the mesh slipped."""
_NEW_FACE_S = 0.3
"""Time constant of the memory then."""
_YOUNG_S = 4.0
"""A memory younger than this may be of a cup held up from the beginning: where skin comes to light, it was."""
_SKIN_LEVELS = (60.0, 10.0, 10.0)
_NO_SKIN = 1.4
"""How far skin lies from its median colour, in L, a and b; and how many times as far is surely something else."""
_CAME_TO_LIGHT = 0.15
"""More points of a thing than this share that show skin now, and did not, say that the face has come to light."""
_AROUND = np.ones((5, 5), np.uint8)
_HOLES = np.ones((7, 7), np.uint8)
_BARELY_SEEN = 0.3
_GETS_USED_EARLY_S = 1.2
_COMES_S, _GOES_S = 0.02, 0.035
"""Time constants of what is shown."""
_PAUSE_S = 1.0
"""After it the memory begins anew: another shot, another room."""
_HAIR_EVERY_S, _HAIR_MOVES = 0.25, 0.3
"""How often hair is looked for in the memory, and how far what is found moves what was known."""
_EDGE_RADIUS, _EDGE_FLOOR = 5, 0.002
"""Of the guided filter that pulls the mask to the picture's edges: grid points; contrast, squared, that is an edge."""


class OcclusionDetector:
    """Remembers one viewer's face and tells what is not part of it. Used by one thread."""

    def __init__(self) -> None:
        """Raises ModelError."""
        self._network = OccluderNetwork()
        self._edges = GuidedFilter(GRID, 2 * _EDGE_RADIUS + 1, _EDGE_FLOOR)
        self._memory = AppearanceModel()
        self._at_s = self._since_s = self._hair_at_s = -math.inf
        self._in_front: Floats = np.zeros((SIDE, SIDE), np.float32)
        self._hair: Floats = np.zeros((SIDE, SIDE), np.float32)

    def forget(self) -> None:
        """Somebody else comes."""
        self._memory.forget()

    def visible(self, pixels: Pixels, geometry: FaceGeometry, pts_s: float, view: UVView | None = None) -> Floats:
        """Return where the viewer's face is seen, (grid height, grid width), 0 where something stands in front to 1.

        `pixels` is the whole frame, `field` says where the face, which is not outside of it, lies; `view`: that face,
        where it is laid flat already.
        """
        passed_s = pts_s - self._at_s
        self._at_s = pts_s
        view = view or unwrap(pixels, geometry)
        if self._memory.frames == 0 or not 0 <= passed_s <= _PAUSE_S:
            self._memory.begin(view.lab, view.seen)
            self._in_front = np.zeros((SIDE, SIDE), np.float32)
            self._since_s = self._hair_at_s = pts_s
            self._hair = hair(self._memory.usual)
        else:
            self._look(view, passed_s, young=pts_s - self._since_s < _YOUNG_S)
        if pts_s - self._hair_at_s >= _HAIR_EVERY_S:
            self._hair_at_s = pts_s
            self._hair += _HAIR_MOVES * (hair(self._memory.usual) - self._hair)
        front = np.maximum(self._in_front, self._hair)
        if float(front.max()) < 1 / 255:
            return np.ones((GRID.height, GRID.width), np.float32)
        on_grid = to_grid(front, geometry)
        edged = self._to_edges(on_grid, view.small)
        # Hair that hangs beside a dark brow would take it along, and it would be seen above the new one.
        taken_along = to_grid(_brows_alone(), geometry) * np.maximum(edged - on_grid, 0)
        return np.asarray(1 - edged + taken_along, np.float32)

    def _to_edges(self, mask: Floats, picture: Pixels) -> Floats:
        """Return a mask on the grid whose edges lie on the picture's."""
        on_grid = cv2.resize(picture, GRID, interpolation=cv2.INTER_LINEAR)  # from at most three times as large
        grey = cv2.cvtColor(on_grid, cv2.COLOR_BGR2GRAY)
        guide = np.asarray(grey.astype(np.float32) / 255, np.float32)
        filtered = self._edges.apply(guide, mask)
        return np.asarray(np.clip((filtered - 0.5) * 1.4 + 0.5, 0, 1), np.float32)

    def _look(self, view: UVView, passed_s: float, *, young: bool) -> None:
        memory = self._memory
        front = np.zeros((SIDE, SIDE), np.float32)
        if not memory.is_new:
            found = self._network.find(view, memory)
            front = self._things(found, view, young=young)
            if float((front * view.seen).sum()) > _MOST_OF_FACE * float(view.seen.sum()):
                front[:] = 0
                memory.hurry(view.lab, 1 - math.exp(-passed_s / _NEW_FACE_S))
        share = np.where(front > self._in_front, 1 - math.exp(-passed_s / _COMES_S), 1 - math.exp(-passed_s / _GOES_S))
        self._in_front += (share * (front - self._in_front)).astype(np.float32)
        # What is in front early may be the face itself, that came to light: it must not stay open for long.
        gets_used_s = _GETS_USED_EARLY_S if young else GETS_USED_S
        memory.learn(view.lab, view.seen, self._in_front, passed_s, gets_used_s)

    def _things(self, found: Floats, view: UVView, *, young: bool) -> Floats:
        """Return (SIDE, SIDE), 0 or 1: where something stands in front."""
        nowhere = np.zeros_like(found)
        sure = (found > np.where(self._in_front > 0.5, _STAYS, _SURE)).astype(np.uint8)
        count, labels = cv2.connectedComponents(sure, connectivity=4)
        if count < 2:
            return nowhere
        area = np.bincount(labels.ravel(), _counts().ravel(), count) / SIDE**2
        is_thing = area > _LEAST_AREA
        is_thing[0] = False
        if young and is_thing.any():
            balance = np.bincount(labels.ravel(), self._came_to_light(view.lab).ravel(), count)
            uncovered = is_thing & (balance > _CAME_TO_LIGHT * np.bincount(labels.ravel(), minlength=count))
            self._memory.doubt(uncovered[labels])
            is_thing &= ~uncovered
        if not is_thing.any():
            return nowhere
        front = cv2.morphologyEx(is_thing.astype(np.float32)[labels], cv2.MORPH_CLOSE, _AROUND)
        # It goes on beyond the outline: where the mask ends there, a rim of the new face would lie over a cup.
        return np.where(view.seen < _BARELY_SEEN, cv2.dilate(front, _HOLES), front)

    def _came_to_light(self, lab: Floats) -> NDArray[np.int8]:
        """Return (SIDE, SIDE): 1 where skin is seen and something else remembered, -1 the other way about; 0 where lips
        and eyes are.
        """
        usual = self._memory.usual
        skin, levels = np.median(usual[_counts() > 0], axis=0), np.array(_SKIN_LEVELS, np.float32)
        now, before = np.abs(lab - skin) / levels, np.abs(usual - skin) / levels
        appeared = (now < 1).all(axis=2) & (before > _NO_SKIN).any(axis=2)
        vanished = (before < 1).all(axis=2) & (now > _NO_SKIN).any(axis=2)
        return np.where(_plain(), appeared.astype(np.int8) - vanished.astype(np.int8), np.int8(0))


@functools.cache
def _plain() -> NDArray[np.bool_]:
    mouth, eyes = openings(2)
    return ~mouth & ~eyes


@functools.cache
def _brows_alone() -> Floats:
    """Return (SIDE, SIDE) 0..1: brows, fading towards the outline, where it is hair that lies beside them."""
    inside = np.clip((depth_inside() - _BROWS_FROM) / _RIM, 0, 1)
    return np.asarray(cv2.GaussianBlur(brows(), (0, 0), 1.0) * inside, np.float32)


@functools.cache
def _counts() -> NDArray[np.float32]:
    return (depth_inside() > _RIM).astype(np.float32)
