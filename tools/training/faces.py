"""Crops of two people's faces for a step of swap training, each warped, with what should come of it.

A crop for the network is eight planes, [S, S, 8] uint8: the warped face (RGB), the face as it is (RGB), where the face
is (the oval of its mesh), where its eyes and mouth are. Everything follows from the seed and the step's number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import CameraError, OptionError
from realtime.faces.landmarks.alignment import FACE, Alignment, sample
from realtime.faces.landmarks.mesh import OVAL, POINT_COUNT, FaceMesh
from realtime.imaging.frame import Pixels
from realtime.picture_files.reader import read_picture
from tools.extraction.groups import UNSORTED
from tools.extraction.manifest import CROP_SUFFIXES, NAME, CropLine, Manifest, in_pixels
from tools.extraction.writing import NEW
from tools.training.data import Share, Shuffled, relit
from tools.training.pictures import LEAST_PICTURES, PictureStore, fingerprint, open_store, read_ahead, write_store

WARPED, PLAIN, OVAL_PLANE, DETAIL_PLANE = slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 8)

_EYES_AND_MOUTH = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
)
"""Points of the mesh, once around each."""
_GRID = 5
_FINER = 1.5
# Crops are kept so much finer than the network's faces. At 1.05, what was sampled from them differed from what the live
# loop cuts by 5.3 grey levels on average: sampled a second time, edges were soft.
_FORMAT = 1
_SUBPIXEL_BITS = 4


@dataclasses.dataclass(frozen=True)
class FaceSet:
    """All crops of one person, scaled for one size of network."""

    store: PictureStore
    points: NDArray[np.int16]
    """(N, 468, 3): the mesh of each as the manifest has it."""
    left_out: int
    """Pictures in the folders that no manifest knows."""

    def __len__(self) -> int:
        return len(self.store)

    def mesh(self, index: int) -> FaceMesh:
        """Return the mesh of crop `index`, in its pixels."""
        return FaceMesh(in_pixels(self.points[index], self.store.places[index][1]), 1.0)


def load_faces(folders: Sequence[Path], face_px: int, cache: Path, progress: Callable[[str, float], None]) -> FaceSet:
    """Return the crops in `folders`, each a person's of an extraction, for networks of faces of `face_px`.

    Raises OptionError where they cannot be used: no manifest, several people, fewer than LEAST_PICTURES.
    """
    found: list[tuple[Path, CropLine]] = []
    left_out, wider = 0, 0.0
    for folder in folders:
        crops, strangers, folders_wider = crops_in(folder)
        found += crops
        left_out += strangers
        wider = max(wider, folders_wider)
    faces = kept_faces(found, kept_px(face_px, wider), left_out, cache, progress)
    if len(faces) < LEAST_PICTURES:
        reason = f" ({faces.store.skipped[0]})" if faces.store.skipped else ""
        raise OptionError(
            f"{' '.join(map(str, folders))} holds {len(faces)} faces that can be used{reason}; training needs "
            f"{LEAST_PICTURES} at least, and looks good from some hundreds on: extract more"
        )
    return faces


def kept_px(face_px: int, wider: float) -> int:
    """Return the side at which crops, so much wider than faces, are kept for networks of faces of `face_px`."""
    return round(face_px * wider * _FINER)


def kept_faces(
    found: Sequence[tuple[Path, CropLine]],
    most_px: int,
    left_out: int,
    cache: Path,
    progress: Callable[[str, float], None],
) -> FaceSet:
    """Return the crops in the files of an extraction, scaled to `most_px` at most; prepared once for each set."""
    files = [path for path, _ in found]
    index_file = cache / f"faces-{fingerprint(files, f'{_FORMAT} {most_px}')}.json"
    data_file = index_file.with_suffix(".pixels")
    if not (index_file.is_file() and data_file.is_file()):
        cache.mkdir(parents=True, exist_ok=True)
        write_store(_scaled(files, most_px, progress), index_file, data_file)
    store = open_store(index_file, data_file)
    by_name = {str(path): line for path, line in found}
    points = [by_name[name].units() for name in store.names]
    return FaceSet(store, np.stack(points) if points else np.empty((0, POINT_COUNT, 3), np.int16), left_out)


def crops_in(folder: Path) -> tuple[list[tuple[Path, CropLine]], int, float]:
    """Return a folder's crops, how many pictures in it are none, and how much wider crops are than faces."""
    if not folder.is_dir():
        raise OptionError(f"{folder} is no folder; name a person's folder that tools.extract_faces made")
    root = next((place for place in (folder, folder.resolve().parent) if (place / NAME).is_file()), None)
    if root is None:
        raise OptionError(f"{folder} is not of an extraction; make it with python -m tools.extract_faces")
    manifest = Manifest.read(root / NAME)
    if manifest.header.alignment != FACE:
        raise OptionError(f"{root} holds crops by '{manifest.header.alignment}', not '{FACE}'; extract them again")
    place = folder
    if root == folder:
        people = [entry for entry in sorted(folder.iterdir()) if entry.is_dir() and entry.name not in (UNSORTED, NEW)]
        if len(people) != 1:
            names = ", ".join(entry.name for entry in people[:5]) or "nobody yet"
            raise OptionError(f"{folder} holds {names}; name one person's folder, or several of the same person's")
        place = people[0]
    files = sorted(file for file in place.iterdir() if file.suffix.lower() in CROP_SUFFIXES)
    known = [(file, manifest.crops[file.name]) for file in files if file.name in manifest.crops]
    return known, len(files) - len(known), manifest.header.wider


def _scaled(
    paths: Sequence[Path], most_px: int, progress: Callable[[str, float], None]
) -> Iterator[tuple[str, Pixels | str]]:
    crops = read_ahead(lambda path: _read(path, most_px), paths, threads=2)
    for number, (path, crop) in enumerate(zip(paths, crops, strict=True), 1):
        progress("preparing faces", number / len(paths))
        yield str(path), crop


def _read(path: Path, most_px: int) -> Pixels | str:
    """Return a crop as RGB, no larger than needed, or why it is left out."""
    try:
        crop = read_picture(path)
    except CameraError as error:
        return str(error)
    if crop.shape[0] != crop.shape[1]:
        return f"{path.name} is no square; it was changed by hand"
    if crop.shape[0] > most_px:
        crop = np.asarray(cv2.resize(crop, (most_px, most_px), interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), np.uint8)


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How crops are changed from step to step."""

    side_px: int
    warp: float
    """Deviation of the warp's 5×5 points, in sides."""
    turn_degrees: float
    zoom: float
    move: float
    """Furthest turn, change of scale and shift (in sides) of the whole face."""
    flip: bool
    light: float


class OnePersonsCrops:
    """Draws crops of one person, in a shuffled order."""

    def __init__(
        self, faces: FaceSet, learnt: NDArray[np.int64], augmentation: Augmentation, seed: tuple[int, ...]
    ) -> None:
        self._faces, self._augmentation, self._shuffled = faces, augmentation, Shuffled(learnt, *seed)
        self._alignment = Alignment.parse(FACE)

    def crop(self, number: int) -> NDArray[np.uint8]:
        """Return crop `number` of the run, [S, S, 8]."""
        index, rng = self._shuffled.picture_of(number), self._shuffled.chance(number)
        return augmented(self._faces.store.picture(index), self._faces.mesh(index), self._augmentation, rng)

    def plain(self, index: int) -> Pixels:
        """Return crop `index` as it is, RGB [S, S, 3]: what the live loop would give the network."""
        mesh, side = self._faces.mesh(index), self._augmentation.side_px
        return sample(self._faces.store.picture(index), self._alignment.to_picture(mesh, side), side)


class TwoPeople:
    """The source of swap recipes: crops of both, as `pictures` and `others`, [N, S, S, 8] each."""

    def __init__(self, a: OnePersonsCrops, b: OnePersonsCrops, share: Share) -> None:
        self._a, self._b, self._share = a, b, share

    def draw(self, step: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        numbers = self._share.numbers(step)
        return (
            np.stack([self._a.crop(number) for number in numbers]),
            np.stack([self._b.crop(number) for number in numbers]),
        )


def augmented(
    picture: Pixels, mesh: FaceMesh, augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return the eight planes of one crop."""
    side = augmentation.side_px
    to_picture = jittered(Alignment.parse(FACE).to_picture(mesh, side), augmentation, rng)
    plain = sample(picture, to_picture, side)
    x, y = _warp(to_picture, augmentation, rng)
    warped = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    relit_both = relit(
        np.concatenate([np.asarray(warped, np.uint8), plain]), augmentation.light, rng
    )  # both in the same light
    planes = np.concatenate([relit_both[:side], relit_both[side:], _shapes(mesh, to_picture, side)], axis=2)
    return np.ascontiguousarray(planes[:, ::-1] if augmentation.flip and rng.random() < 0.5 else planes)


def jittered(
    to_picture: NDArray[np.float32], augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Turn, scale and move the crop about its middle."""
    turn = np.radians(rng.uniform(-augmentation.turn_degrees, augmentation.turn_degrees))
    zoom = 1 + rng.uniform(-augmentation.zoom, augmentation.zoom)
    middle = (augmentation.side_px - 1) / 2
    moved = rng.uniform(-augmentation.move, augmentation.move, 2) * augmentation.side_px
    own = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * zoom
    turned = np.empty((2, 3))
    turned[:, :2] = to_picture[:, :2] @ own
    turned[:, 2] = to_picture[:, :2] @ (middle + moved - own @ (middle, middle)) + to_picture[:, 2]
    return turned.astype(np.float32)


def _warp(to_picture: NDArray[np.float32], augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return [2, S, S]: for each pixel of a warped crop, x and y in the picture it is taken from.

    This is faceswap's grid of 5×5 points, each moved by chance, smooth between them.
    """
    side = augmentation.side_px
    grid = rng.normal(0, augmentation.warp * side, (_GRID, _GRID, 2)).astype(np.float32)
    offsets = cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    crop = np.stack([x, y], axis=2) + offsets
    places = crop @ to_picture[:, :2].T + to_picture[:, 2]
    return np.ascontiguousarray(places.transpose(2, 0, 1), np.float32)


def _shapes(mesh: FaceMesh, to_picture: NDArray[np.float32], side: int) -> NDArray[np.uint8]:
    """Return [S, S, 2]: the face's oval, its edge soft, and its eyes and mouth."""
    to_crop = cv2.invertAffineTransform(to_picture)
    points = mesh.points[:, :2] @ to_crop[:, :2].T + to_crop[:, 2]
    fixed = np.rint(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    oval, detail = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    cv2.fillPoly(oval, [fixed[list(OVAL)]], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    cv2.fillPoly(detail, [fixed[list(ring)] for ring in _EYES_AND_MOUTH], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    soft = [cv2.GaussianBlur(shape, (0, 0), side / 64) for shape in (oval, detail)]
    return np.asarray(np.dstack(soft), np.uint8)
