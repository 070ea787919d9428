"""Samples to learn from: a face as it looks now, with and without something before it, beside its memory.

Films are played as the program sees them: the mesh follows the face, the face is laid flat and remembered
(`realtime.face_compositing`). Every few frames one is kept as it is, often in another light, as if a lamp was switched
on, or with the mesh a little off; and one with something drawn before it, the mesh measured anew, for hands drag it
along.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.face_compositing.occlusion.appearance_model import AppearanceModel
from realtime.face_compositing.occlusion.network import CHANNELS, describe
from realtime.face_compositing.occlusion.uv_view import SIDE, UVView, unwrap, uv_places
from realtime.faces.landmarks.mesh import FaceMesh, MeshModel
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import ONE_MAP
from tools.in_front.occluders import draw_thing
from tools.swap_figures.material import to_and_fro

_SIDE_PX = 360
"""Of the squares that films are cut to, around the face: 2.4 times as wide as it."""
_FACES_IN_SQUARE = 2.4
_LEAST_SCORE = 0.4
_PASSED_S = 1 / 30
_LAMP, _SLIPS = 0.4, 0.3
"""How many of the faces alone are in another light than a moment ago; how many meshes are a little off."""
_SLIP = 0.015
"""In face widths."""
_HELD_BEFORE = 0.25
_SOURCE = np.zeros((504, 2), np.float32)


TOLD_STEPS = 31
"""To 1 of what the network is told, which is at most 4 either way: one 8-bit level, so that many fit in memory."""


class Sample(NamedTuple):
    """One face at one moment."""

    told: NDArray[np.int8]
    """(CHANNELS, SIDE, SIDE), times `TOLD_STEPS`: what the network is told."""
    in_front: NDArray[np.uint8]
    """(SIDE, SIDE) 0..255: where something is."""
    counts: NDArray[np.uint8]
    """(SIDE, SIDE) 0..255: how well a point is seen."""


@dataclasses.dataclass(frozen=True)
class Film:
    """One person, filmed or moved about: squares around the face."""

    name: str
    pictures: Sequence[Pixels]
    meshes: Sequence[FaceMesh]


def cut_film(name: str, pictures: Sequence[Pixels], meshes: Sequence[FaceMesh]) -> Film:
    """Return the square around where a face is in most pictures, small enough to be quick."""
    boxes = np.array([(*mesh.box.centre, mesh.width_px) for mesh in meshes])
    x, y, width = np.median(boxes, axis=0)
    scale = _SIDE_PX / (width * _FACES_IN_SQUARE)
    matrix = np.array([[scale, 0, _SIDE_PX / 2 - scale * x], [0, scale, _SIDE_PX / 2 - scale * y]])
    return moved_film(name, pictures, meshes, [matrix] * len(meshes))


def moved_film(
    name: str, pictures: Sequence[Pixels], meshes: Sequence[FaceMesh], matrices: Sequence[NDArray[np.float64]]
) -> Film:
    """Return pictures and meshes moved by (2, 3) matrices."""
    cut, moved = [], []
    for pixels, mesh, matrix in zip(pictures, meshes, matrices, strict=True):
        scale = math.hypot(matrix[0, 0], matrix[1, 0])
        smooth = pixels if scale > 0.7 else cv2.GaussianBlur(pixels, (0, 0), 0.4 / scale)
        square = cv2.warpAffine(smooth, matrix, (_SIDE_PX, _SIDE_PX), borderMode=cv2.BORDER_REPLICATE)
        cut.append(np.asarray(square, np.uint8))
        points = mesh.points.copy()
        points[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        points[:, 2] *= scale
        moved.append(FaceMesh(points, mesh.score))
    return Film(name, cut, moved)


def still_film(name: str, picture: Pixels, mesh: FaceMesh, frames: int, random: np.random.Generator) -> Film:
    """Return a photo that sways, nods and comes nearer."""
    x, y = mesh.box.centre
    phases, rates = random.uniform(0, 2 * math.pi, 4), random.uniform(0.05, 0.3, 4)
    matrices = []
    for index in range(frames):
        sway = np.sin(phases + rates * index)
        scale = _SIDE_PX / (mesh.width_px * _FACES_IN_SQUARE) * (1 + 0.06 * sway[0])
        matrix = cv2.getRotationMatrix2D((x, y), 7 * float(sway[1]), scale)
        matrix[:, 2] += np.array([_SIDE_PX / 2 - x, _SIDE_PX / 2 - y]) + 12 * sway[2:]
        matrices.append(np.asarray(matrix, np.float64))
    return moved_film(name, [picture] * frames, [mesh] * frames, matrices)


def samples_of(film: Film, model: MeshModel, random: np.random.Generator, frames: int) -> Iterator[Sample]:
    """Play a part of a film once, in a light of its own, and yield what it shows."""
    stride = int(random.integers(1, 4))
    first = int(random.integers(0, len(film.pictures)))
    light, drift = _Light.any(random, 0.5), _Light.any(random, 0.05)
    grain = float(random.choice([0, 1, 2, 4, 7]))
    memory, geometry = AppearanceModel(), FaceGeometry()
    # Something may have been there from the beginning, and is remembered for a part of the face until it goes.
    held_before = int(random.integers(0, 2**31)) if random.random() < _HELD_BEFORE else None
    nothing = np.zeros((SIDE, SIDE), np.float32)
    mesh: FaceMesh | None = None
    for number in range(frames):
        index = to_and_fro(first + number * stride, len(film.pictures))
        gain = light.gain() * drift.gain(math.sin(number / 9))
        clean = _lit(film.pictures[index], gain, grain, random)
        mesh = model.again(clean, film.meshes[index] if mesh is None or number % 8 == 0 else mesh)
        if mesh.score < _LEAST_SCORE:
            mesh = None
            continue
        view = _view(clean, mesh, geometry)
        if view is None:
            continue
        if memory.is_new:
            if held_before is not None:
                held, _ = draw_thing(film.pictures[index], mesh, np.random.default_rng(held_before))
                view = _view(_lit(held, gain, grain, random), mesh, geometry) or view
            if memory.frames:
                memory.learn(view.lab, view.seen, nothing, _PASSED_S)
            else:
                memory.begin(view.lab, view.seen)
            continue
        alone = _alone(film.pictures[index], gain, grain, mesh, geometry, random)
        if alone is not None:
            yield _sample(alone, memory, nothing)
        hidden, mask = draw_thing(film.pictures[index], mesh, random)
        hidden = _lit(hidden, gain, grain, random)
        dragged = model.again(hidden, mesh)
        if dragged.score >= _LEAST_SCORE and (before := _view(hidden, dragged, geometry)) is not None:
            places = uv_places(geometry)
            where = cv2.remap(mask, places, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            yield _sample(before, memory, np.divide(where, 255, dtype=np.float32))
        memory.learn(view.lab, view.seen, nothing, _PASSED_S)


def _alone(
    picture: Pixels,
    gain: NDArray[np.float32],
    grain: float,
    mesh: FaceMesh,
    geometry: FaceGeometry,
    random: np.random.Generator,
) -> UVView | None:
    """Return a face with nothing before it, that may look as if there was."""
    if random.random() < _LAMP:
        gain = gain * _Light.any(random, 0.35).gain()
    if random.random() < _SLIPS:
        slip = random.normal(0, _SLIP * mesh.width_px, 3).astype(np.float32)
        middle = mesh.points.mean(axis=0)
        scaled = (mesh.points - middle) * np.float32(random.normal(1, _SLIP)) + middle
        mesh = FaceMesh((scaled + slip).astype(np.float32), mesh.score)
    return _view(_lit(picture, gain, grain, random), mesh, geometry)


def _view(pixels: Pixels, mesh: FaceMesh, geometry: FaceGeometry) -> UVView | None:
    geometry.update(mesh, Size.of(pixels), _SOURCE)
    return None if geometry.is_empty else unwrap(pixels, geometry)


def _sample(view: UVView, memory: AppearanceModel, in_front: NDArray[np.float32]) -> Sample:
    inputs = np.empty((CHANNELS, SIDE, SIDE), np.float32)
    describe(view, memory, inputs)
    levels = (np.rint(255 * array).astype(np.uint8) for array in (in_front, view.seen))
    return Sample(np.rint(inputs * TOLD_STEPS).astype(np.int8), *levels)


class _Light(NamedTuple):
    """Exposure, slopes across and down, and colour: of the logarithm of what a camera sees."""

    level: NDArray[np.float64]
    """(3,) of B, G, R."""
    slopes: NDArray[np.float64]

    @classmethod
    def any(cls, random: np.random.Generator, strength: float) -> _Light:
        level = random.normal(0, strength * 0.5) + random.normal(0, strength * 0.15, 3)
        return cls(level, random.normal(0, strength * 0.8, 2))

    def gain(self, share: float = 1.0) -> NDArray[np.float32]:
        """Return (side, side, 3), for linear light."""
        steps = np.linspace(-1, 1, _SIDE_PX)
        slope = self.slopes[0] * steps[None, :] + self.slopes[1] * steps[:, None]
        return np.asarray(np.exp(share * (slope[..., None] + self.level)), np.float32)


def _lit(pixels: Pixels, gain: NDArray[np.float32], grain: float, random: np.random.Generator) -> Pixels:
    """Return a picture in another light; bytes are taken for the square root of it (gamma 2)."""
    noisy = np.asarray(pixels * np.sqrt(gain), np.float32)
    if grain:
        # Half as fine as the pixels: a webcam's is blotched by its codec.
        noise = random.normal(0, grain, (_SIDE_PX // 2, _SIDE_PX // 2, 3)).astype(np.float32)
        coarse = cv2.resize(noise, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_NEAREST)
        noisy = np.asarray(noisy + coarse, np.float32)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)
