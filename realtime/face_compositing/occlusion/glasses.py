"""Glasses before the viewer's eyes: where their rims, bridge and temples are, and what shines on their lenses.

They stay on for hours and move with the head, so nothing that compares a face with its memory can see them. A small
network looks at the band about the eyes, laid flat, twice as finely as what looks for hands does: a thin rim is a
hundredth of a face wide. It was trained on glasses of all kinds that are drawn before photographed faces
(`tools/train_glasses.py`, docs/swap.md).
"""

from __future__ import annotations

import functools
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import FaceGeometry, with_rim
from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.canonical import triangles, uv_points
from realtime.faces.landmarks.mesh import LEFT_BROW, OVAL, RIGHT_BROW, FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.inpainting import inpainted
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import ONE_MAP, halved
from realtime.models.runtime.bundled_network import open_bundled

BAND = Size(160, 56)
"""Points along and across the band: 2 px apart on a face of 300 px."""
_TOP, _SPAN = 0.225, 0.35
"""Where it begins on the flat face, and how high it is, in sides: from the brows to the tip of the nose."""
CHANNELS = 6
"""L, a, b against the mean of the band; seen; the place across and down."""
_LEVELS, _MOST = 32.0, 4.0
"""8-bit levels that count as 1, and the most that is told."""
_FILE = Path(__file__).with_name("glasses.onnx")
_EVERY_S, _NONE_EVERY_S = 0.03, 0.4
_PAUSE_S = 1.0
"""After it all begins anew: another shot, another room."""
_FROM, _SURE = 0.1, 0.35
"""How surely a point is glasses: from where on it begins to stay, and stays altogether. What is beside a rim is skin,
which has the viewer's colour on the new face as well: some of it too much is not seen, a rim cut short is."""
_BROW_FROM, _BROW_SURE = 0.45, 0.7
"""The same over the brows: a dark one above a rim has 0.1 to 0.4, and would be seen above the new one; the rim 0.7."""
_BROW_ROOM = 3
"""Points of the band above the mesh's brows that thick ones reach."""
_SEEN, _LEAST_AREA, _DARK = 0.5, 0.012, 0.3
"""Of the band: rimless glasses have 0.02 and more; faces without any 0 to 0.003; dark
lenses fill half of it, thick rims a fifth."""
_LEAST_PIECE = 90
"""Points of the band: half a temple has more."""
_SETTLES_S, _DECIDES_S = 0.04, 0.5
_WORN, _FORGOTTEN = 0.5, 0.05
_AROUND = np.ones((3, 3), np.uint8)
_MOVED_PX = 0.5
_TAKEN_OFF_FROM = 64


def band_of(pixels: Pixels, geometry: FaceGeometry) -> tuple[Pixels, Floats]:
    """Return the band about the eyes laid flat, (56, 160, 3) uint8 BGR, and (56, 160) 0..1: what of it is seen."""
    # No pixel of a large face is skipped: a rim between two that are looked at would be lost.
    halvings = max(0, int(math.log2(geometry.place.width / BAND.width)))
    part, scale = halved(geometry.place.of(pixels), halvings), 0.5**halvings
    places = (band_places(geometry) + 0.5 - (geometry.place.left, geometry.place.top)) * scale - 0.5
    places = np.ascontiguousarray(places, np.float32)
    band = cv2.remap(part, places, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    right = cv2.Sobel(places, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(places, cv2.CV_32F, 0, 1, ksize=1)
    area = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    usual = max(float(np.median(area[_on_face()])), 1e-6)
    x, y = places[..., 0], places[..., 1]
    inside = (x > 0) & (y > 0) & (x < part.shape[1] - 1) & (y < part.shape[0] - 1) & _on_face()
    return np.asarray(band, np.uint8), np.asarray(np.clip(area / usual * 4 - 0.4, 0, 1) * inside, np.float32)


def band_places(geometry: FaceGeometry) -> Floats:
    """Return (56, 160, 2): where in the frame each point of the band is, x and y."""
    corners, weights = _corners()
    places = np.ascontiguousarray(geometry.measured.points[:, :2], np.float32).view(np.complex64)[:, 0]
    return np.asarray((places[corners] * weights).sum(axis=0).view(np.float32).reshape(BAND.height, BAND.width, 2))


def describe(band: Pixels, seen: Floats, out: Floats) -> None:
    """Write what the network is told of one band into `out`, (CHANNELS, 56, 160)."""
    lab = cv2.cvtColor(band, cv2.COLOR_BGR2LAB).astype(np.float32)
    level = np.einsum("yx,yxc->c", seen, lab) / (float(seen.sum()) + 1e-6)
    out[0:3] = np.moveaxis((lab - level) / _LEVELS, 2, 0)
    np.clip(out[:3], -_MOST, _MOST, out=out[:3])
    out[3] = seen
    out[4:6] = _plane()


@functools.cache
def _plane() -> Floats:
    across = np.linspace(-0.5, 0.5, BAND.width, dtype=np.float32)
    down = np.linspace(-0.5, 0.5, BAND.height, dtype=np.float32)
    return np.stack(np.meshgrid(across, down)).astype(np.float32)


@functools.cache
def _thresholds() -> tuple[Floats, Floats]:
    """Return (56, 160) each: how surely a point must be glasses to begin to stay, and to stay altogether."""
    brows = np.zeros((BAND.height, BAND.width), np.uint8)
    for brow in (LEFT_BROW, RIGHT_BROW):
        upper, lower = np.split((uv_points()[list(brow)] - (0, _TOP)) * BAND.width - 0.5, 2)
        places = np.concatenate([upper, (upper + lower) / 2])  # below are rims
        cv2.fillConvexPoly(brows, cv2.convexHull(np.rint(places).astype(np.int32)), 1)
    above = cv2.dilate(brows, np.ones((_BROW_ROOM + 1, 3), np.uint8), anchor=(1, 0))
    share = cv2.blur(above.astype(np.float32), (3, 3))
    return (
        np.asarray(_FROM + share * (_BROW_FROM - _FROM), np.float32),
        np.asarray(_SURE + share * (_BROW_SURE - _SURE), np.float32),
    )


@functools.cache
def _on_face() -> NDArray[np.bool_]:
    return np.asarray(_corners()[1].sum(axis=0) > 0.5).reshape(BAND.height, BAND.width)


@functools.cache
def _corners() -> tuple[NDArray[np.intp], Floats]:
    """Return (3, points) which points of the mesh are around a point of the band, and their shares; 0 off the face."""
    corners = ((uv_points() - (0, _TOP)) * BAND.width - 0.5).astype(np.float32)
    count = BAND.width * BAND.height
    painted = np.zeros((BAND.height, BAND.width, 468), np.float32)
    Rasterizer(triangles(), *BAND).paint(corners, np.zeros(468, np.float32), np.eye(468, dtype=np.float32), painted)
    shares = painted.reshape(count, 468)
    nearest = np.argpartition(-shares, 3, axis=1)[:, :3]
    shares = np.take_along_axis(shares, nearest, axis=1)
    return np.ascontiguousarray(nearest.T), np.ascontiguousarray(shares.T)


class GlassesNetwork:
    """Used by one thread."""

    def __init__(self, model: bytes | None = None) -> None:
        """`model`: other weights than those that come with the program. Raises ModelError."""
        self._network = open_bundled(_FILE, model)
        self._told = np.zeros((1, CHANNELS, BAND.height, BAND.width), np.float32)
        self._found = np.zeros((1, 1, BAND.height, BAND.width), np.float32)

    def find(self, pixels: Pixels, geometry: FaceGeometry) -> Floats:
        """Return (56, 160), 0..1: how surely each point of the band is glasses."""
        band, seen = band_of(pixels, geometry)
        describe(band, seen, self._told[0])
        self._network.run({"told": self._told}, {"glasses": self._found})
        return np.asarray(self._found[0, 0] * (seen > 0), np.float32)


class GlassesDetector:
    """Knows whether one viewer wears glasses, and where they are. Used by one thread."""

    def __init__(self) -> None:
        """Raises ModelError."""
        self._network = GlassesNetwork()
        self._at_s = -math.inf
        self._seen = 0.0
        self._found: Floats = np.zeros((BAND.height, BAND.width), np.float32)

    @property
    def are_worn(self) -> bool:
        return self._seen > _WORN

    @property
    def share(self) -> float:
        """How much of the band is glasses, 0..1."""
        return float((self._found > _SEEN).mean())

    @property
    def share_before_each_eye(self) -> float:
        """The same on that side of the band where it is less: a pair has 0.025 and more, a hand that paints an eye
        0.009.
        """
        seen = self._found > _SEEN
        half = BAND.width // 2
        return float(min(seen[:, :half].mean(), seen[:, half:].mean()))

    def forget(self) -> None:
        """Somebody else comes."""
        self._at_s = -math.inf

    def look(self, pixels: Pixels, geometry: FaceGeometry, pts_s: float) -> None:
        """See the viewer in a frame; the geometry's face is not outside of it."""
        passed_s = pts_s - self._at_s
        if 0 <= passed_s < (_EVERY_S if self._seen > 0 else _NONE_EVERY_S):
            return
        found = _without_specks(self._network.find(pixels, geometry))
        is_first = not 0 <= passed_s <= _PAUSE_S
        share = 1.0 if is_first else 1 - math.exp(-passed_s / _SETTLES_S)
        self._found = found if is_first else self._found + np.float32(share) * (found - self._found)
        area = float((found > _SEEN).mean())
        wears = 1.0 if area > _LEAST_AREA else 0.0
        self._seen = wears if is_first else self._seen + (1 - math.exp(-passed_s / _DECIDES_S)) * (wears - self._seen)
        if self._seen < _FORGOTTEN:
            self._seen = 0.0
        self._at_s = pts_s

    def mask(self, geometry: FaceGeometry) -> NDArray[np.uint8] | None:
        """Return (height, width) of the geometry's rectangle, 255 where glasses are; None where none are worn. Valid
        until the next call.
        """
        if not self.are_worn:
            return None
        least, surely = _thresholds()
        sure = np.clip((cv2.dilate(self._found, _AROUND) - least) / (surely - least), 0, 1)
        places = geometry.flat_map * BAND.width - np.array([0.5, _TOP * BAND.width + 0.5], np.float32)
        places[geometry.margin <= 0] = -8
        whole = geometry.floats_like("glasses' places", 2)
        geometry.enlarge(places, whole)
        mask = geometry.bytes_like("glasses")
        band = np.rint(255 * sure).astype(np.uint8)
        cv2.remap(band, whole, ONE_MAP, cv2.INTER_LINEAR, dst=mask, borderMode=cv2.BORDER_CONSTANT)
        # They are where the face was measured to be, not where it was calmed to; its outline is moved by nothing else.
        right, down = (geometry.measured.points - geometry.mesh.points)[list(OVAL), :2].mean(axis=0)
        if max(abs(right), abs(down)) > _MOVED_PX:
            shift = np.array([[1, 0, right], [0, 1, down]], np.float32)
            moved = geometry.bytes_like("glasses moved")
            cv2.warpAffine(mask, shift, (mask.shape[1], mask.shape[0]), dst=moved)
            return moved
        return mask


def without_glasses(picture: Pixels, mesh: FaceMesh) -> Pixels:
    """Return a picture with the skin beside them in the place of a face's glasses; the very same where it wears none,
    or dark ones: what is behind them nobody has seen. Raises ModelError.
    """
    geometry, detector = FaceGeometry(), GlassesDetector()
    geometry.update(mesh, Size.of(picture), with_rim(mesh.points[:, :2]))
    if geometry.is_empty:
        return picture
    detector.look(picture, geometry, 0.0)
    mask = detector.mask(geometry)
    if mask is None or detector.share > _DARK:
        return picture
    bare = picture.copy()
    # In a film that moves they are found with room about them; in a photo more of the skin can stay.
    taken_off(geometry.place.of(bare), np.asarray(cv2.erode(mask, _AROUND), np.uint8))
    return bare


def _without_specks(found: Floats) -> Floats:
    """Return what is found without what hangs together with nothing: a crease below an eye, a mole, a
    piece of a brow.
    """
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(
        (found > _thresholds()[0]).astype(np.uint8), connectivity=8
    )
    small = boxes[:, cv2.CC_STAT_AREA] < _LEAST_PIECE
    small[0] = False
    return np.where(small[labels], np.float32(0), found) if count > 1 and small.any() else found


def taken_off(part: Pixels, mask: NDArray[np.uint8]) -> None:
    """Put what is beside glasses in their place, in (height, width, 3), in place."""
    rows, columns = np.nonzero(mask[::2, ::2] > _TAKEN_OFF_FROM)
    if not len(rows):
        return
    room = max(4, part.shape[1] // 20)
    top, bottom = max(0, 2 * int(rows.min()) - room), min(part.shape[0], 2 * int(rows.max()) + room)
    left, right = max(0, 2 * int(columns.min()) - room), min(part.shape[1], 2 * int(columns.max()) + room)
    seen, hidden = part[top:bottom, left:right], mask[top:bottom, left:right]
    size = Size(max(1, seen.shape[1] // 2), max(1, seen.shape[0] // 2))
    small = cv2.resize(seen, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    wide = cv2.dilate(hidden, np.ones((3, 3), np.uint8))
    shown = np.asarray(1 - cv2.resize(wide, size, interpolation=cv2.INTER_AREA) / 255, np.float32)
    filled = cv2.resize(inpainted(small, shown), seen.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    share = cv2.blur(wide, (3, 3)).astype(np.float32)[..., None] / 255
    np.copyto(seen, np.clip(np.rint(seen + share * (filled - seen)), 0, 255).astype(np.uint8))
