"""Where every part of one face lies in one frame: the geometry that swapping works on.

The mesh's corners carry what a swap must know at each pixel: where that part of the face lies in another picture of a
face, how far the new face shows there, how much the skin counts for colour and light. They are painted onto a small
grid over the face's rectangle (`rasterizer.py`); whoever needs pixels enlarges the grid, which is smooth.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.canonical import triangles, uv_points
from realtime.faces.landmarks.mesh import EYES, LEFT_BROW, LIPS, MOUTH, OVAL, RIGHT_BROW, FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats, smoothstep
from realtime.imaging.pixels import ONE_MAP, Place

GRID = Size(64, 80)
"""Grid points over the face's rectangle. A face of 300 px then has 5 px between them, half of a mesh triangle."""
_RIM = 0.12
"""How far the ring around the mesh reaches beyond it, as a share of the face: the grid is smooth across the outline."""
_FEATHER = 0.11
_TOP_FEATHER = 0.06
"""How far inside the outline the new face is fully there, in sides of the flat face; less at the top, where raised
brows come near it and would be seen through the new forehead."""
_MARGIN_PX = 3
_VALUES = 9
"""What each corner carries: place in the source, place on the flat face, alpha, skin, margin, and its move."""
_LEAST_MOVE_PX = 0.1
_ON_MESH = 0.99
_FADE_POINTS = 4.0
"""Grid points from the outline on which the alpha rises."""


class FaceGeometry:
    """The geometry of one face in one frame; `update` moves it to the next. Buffers are its own: used by one thread."""

    def __init__(self) -> None:
        self.place = Place(0, 0, 0, 0)
        """The face's rectangle, inside the frame. Empty where none of the face is in it."""
        self.mesh = self.measured = FaceMesh(np.zeros((468, 3), np.float32), 0.0)
        self.is_moved = False
        self._rasterizer = Rasterizer(triangles_with_rim(), GRID.width, GRID.height)
        self._painted = np.zeros((GRID.height, GRID.width, _VALUES), np.float32)
        fixed = _fixed_values()
        self._values = np.zeros((len(fixed), _VALUES), np.float32)
        self._values[:, 2:7] = fixed
        self._scratch: dict[str, NDArray[np.uint8]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no part of the face is in the frame."""
        return self.place.width < 8 or self.place.height < 8

    def update(
        self,
        mesh: FaceMesh,
        frame: Size,
        source: Floats,
        measured: FaceMesh | None = None,
        moves_px: Floats | None = None,
    ) -> None:
        """Take a face's place in a frame. `source`: (504, 2) where its corners lie in another picture (`with_rim`).

        `measured`: the mesh before it was calmed, for those who compare what is seen from frame to frame: a calmed one
        lags behind a head that turns, by little for the eye and much for a difference. `moves_px`: (468, 2) by how much
        its points are moved against the frame, 0 along the outline: `mesh` is where they come to lie, `measured` where
        they are seen.
        """
        self.measured = mesh if measured is None else measured
        self.is_moved = moves_px is not None
        if moves_px is not None:
            points = mesh.points.copy()
            points[:, :2] += moves_px
            mesh = dataclasses.replace(mesh, points=points)
        self.mesh = mesh
        self._values[: len(mesh.points), 7:] = 0 if moves_px is None else -moves_px
        corners = with_rim(mesh.points[:, :2])
        self.place = _rectangle(corners, frame)
        if self.is_empty:
            return
        on_grid = (corners + 0.5 - (self.place.left, self.place.top)) * (
            GRID.width / self.place.width,
            GRID.height / self.place.height,
        ) - 0.5
        depths = np.concatenate([mesh.points[:, 2], np.full(len(OVAL), mesh.points[:, 2].max() + 1)])
        self._values[:, :2] = source
        self._rasterizer.paint(on_grid.astype(np.float32), depths.astype(np.float32), self._values, self._painted)
        self._fade_to_outline()

    def _fade_to_outline(self) -> None:
        """Let the alpha end where the face ends in the picture: on the side that is turned away that is not where it
        ends on the flat face, and what lies there changes from one grid point to the next.
        """
        on_mesh = (self._painted[..., 6] > _ON_MESH).astype(np.uint8)
        self._painted[..., 4] *= smoothstep(cv2.distanceTransform(on_mesh, cv2.DIST_L2, 3) * (1 / _FADE_POINTS))

    @property
    def source_map(self) -> Floats:
        """(grid height, grid width, 2): x and y in the other picture."""
        return self._painted[..., :2]

    @property
    def flat_map(self) -> Floats:
        """(grid height, grid width, 2): x and y on the flat face, 0..1; 0 where no face is."""
        return self._painted[..., 2:4]

    @property
    def alpha(self) -> Floats:
        """(grid height, grid width), 0..1: how far a face that ends at the mesh's outline shows, softly."""
        return self._painted[..., 4]

    @property
    def margin(self) -> Floats:
        """(grid height, grid width): 1 on the mesh, down to 0 at the outer edge of the ring around it."""
        return self._painted[..., 6]

    @property
    def skin(self) -> Floats:
        """(grid height, grid width), 0..1: how much a grid point tells about colour and light of the skin."""
        return self._painted[..., 5]

    def move(self, *parts: Pixels) -> None:
        """Move the face's points in pictures of the face's rectangle, (height, width, 3) each, in place."""
        moves = np.ascontiguousarray(self._painted[..., 7:])
        # Towards the outline nothing moves.
        far = np.abs(moves) > _LEAST_MOVE_PX
        moving = self.part_around((far[..., 0] | far[..., 1]).astype(np.uint8))
        if moving.width == 0:
            return
        places = self.floats_like("moves", 2)
        self.enlarge(moves, places)
        size = moving.size
        before, after = self.bytes_like("before moves", 4, size), self.bytes_like("after moves", 4, size)
        for part in parts:
            cv2.cvtColor(moving.of(part), cv2.COLOR_BGR2BGRA, dst=before)
            cv2.remap(
                before,
                moving.of(places),
                ONE_MAP,
                cv2.INTER_LINEAR | cv2.WARP_RELATIVE_MAP,
                dst=after,
                borderMode=cv2.BORDER_REPLICATE,
            )
            cv2.cvtColor(after, cv2.COLOR_BGRA2BGR, dst=moving.of(part))

    def part_around(self, points: NDArray[np.uint8]) -> Place:
        """Return the part of the face's rectangle around the grid's points that are not 0, with one more on each side;
        of width 0 where there are none.
        """
        x, y, width, height = cv2.boundingRect(points)
        if width == 0:
            return Place(0, 0, 0, 0)
        across, down = self.place.width / GRID.width, self.place.height / GRID.height
        left, top = math.floor((x - 1) * across), math.floor((y - 1) * down)
        right, bottom = math.ceil((x + width + 1) * across), math.ceil((y + height + 1) * down)
        return Place(left, top, right - left, bottom - top).shared_with(Place(0, 0, *self.place.size))

    def enlarge(self, grid: Floats | NDArray[np.uint8], out: Floats | NDArray[np.uint8]) -> None:
        """Scale a grid (rows, columns[, channels]) to the face's rectangle, into `out` (height, width[, channels])."""
        cv2.resize(grid, self.place.size, dst=out, interpolation=cv2.INTER_LINEAR)

    def enlarge_part(self, grid: NDArray[np.uint8], part: Place, out: NDArray[np.uint8]) -> None:
        """Scale a grid to the face's rectangle, of which `out` is a part."""
        across, down = GRID.width / self.place.width, GRID.height / self.place.height
        to_grid = np.array(
            [[across, 0, (part.left + 0.5) * across - 0.5], [0, down, (part.top + 0.5) * down - 0.5]], np.float64
        )
        cv2.warpAffine(
            grid,
            to_grid,
            part.size,
            dst=out,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def in_full(self, drawn: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a face over the rectangle, (height, width, 3), in all of its pixels, as it is where it has them."""
        if drawn.shape[:2] == (self.place.height, self.place.width):
            return drawn
        whole = self.bytes_like("in full", 3)
        self.enlarge(drawn, whole)
        return whole

    def in_place(self, numbers: tuple[int, ...]) -> NDArray[np.float64]:
        """Return (K, 2) where points of the mesh lie, counted from the rectangle's corner."""
        points = self.mesh.points[list(numbers), :2].astype(np.float64)
        return points - (self.place.left, self.place.top)

    def bytes_like(self, name: str, channels: int = 1, size: Size | None = None) -> NDArray[np.uint8]:
        """Return (height, width[, channels]) of the face's rectangle, or of another size, with old contents; the same
        memory for a name.
        """
        shape = _shape(size or self.place.size, channels)
        return self._scratch_of(name, math.prod(shape)).reshape(shape)

    def floats_like(self, name: str, channels: int = 1) -> Floats:
        """Return the same as float32."""
        shape = _shape(self.place.size, channels)
        return self._scratch_of(name, 4 * math.prod(shape)).view(np.float32).reshape(shape)

    def _scratch_of(self, name: str, count: int) -> NDArray[np.uint8]:
        kept = self._scratch.get(name)
        if kept is None or kept.size < count:
            self._scratch[name] = kept = np.empty(count * 5 // 16 * 4 + 4, np.uint8)
        return kept[:count]


def _shape(size: Size, channels: int) -> tuple[int, ...]:
    return (size.height, size.width, channels) if channels > 1 else (size.height, size.width)


def with_rim(points: Floats) -> Floats:
    """Return (504, 2): a mesh's 468 points, and a ring a little outside its outline."""
    outline = points[list(OVAL)]
    return np.concatenate([points, outline + _RIM * (outline - outline.mean(axis=0))]).astype(np.float32)


def _rectangle(corners: Floats, frame: Size) -> Place:
    least, most = np.floor(corners.min(axis=0)) - _MARGIN_PX, np.ceil(corners.max(axis=0)) + _MARGIN_PX
    if not np.isfinite([least, most]).all():
        return Place(0, 0, 0, 0)
    whole = Place(int(least[0]), int(least[1]), int(most[0] - least[0]), int(most[1] - least[1]))
    return whole.shared_with(Place(0, 0, frame.width, frame.height))


@functools.cache
def triangles_with_rim() -> NDArray[np.intp]:
    """Return (triangles, 3): which of the 504 points of `with_rim` are each triangle's corners."""
    count = len(OVAL)
    rim = [
        (three)
        for step in range(count)
        for three in (
            (OVAL[step], 468 + step, OVAL[(step + 1) % count]),
            (468 + step, 468 + (step + 1) % count, OVAL[(step + 1) % count]),
        )
    ]
    return np.concatenate([triangles(), np.array(rim, np.intp)])


@functools.cache
def _fixed_values() -> Floats:
    """(504, 5) what never changes: place on the flat face, alpha, skin, margin."""
    flat = uv_points()
    outline = flat[list(OVAL)]
    inside = np.array([cv2.pointPolygonTest(outline, tuple(map(float, point)), True) for point in flat])
    # From the brows (0.3) up to the top the way to full alpha grows shorter.
    upwards = np.clip((0.35 - flat[:, 1]) / 0.3, 0, 1)
    margin = _FEATHER + upwards * (_TOP_FEATHER - _FEATHER)
    alpha = smoothstep(inside / margin)
    skin = np.clip(inside / 0.06, 0.0, 1.0)
    for numbers in (*EYES, LIPS, MOUTH, LEFT_BROW, RIGHT_BROW):
        hull = cv2.convexHull(flat[list(numbers)])
        for number, point in enumerate(flat):
            if cv2.pointPolygonTest(hull, tuple(map(float, point)), True) > -0.015:
                skin[number] = 0
    values = np.zeros((len(flat) + len(OVAL), 5), np.float32)
    values[:, :2] = with_rim(flat)
    values[: len(flat), 2], values[: len(flat), 3], values[: len(flat), 4] = alpha, skin, 1
    return values


def new_grid(channels: int) -> Floats:
    """Return a zeroed (grid height, grid width, channels)."""
    return np.zeros((GRID.height, GRID.width, channels), np.float32)
