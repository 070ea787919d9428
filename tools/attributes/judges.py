"""Judges: classifiers that had no part in any training here, and say which attributes a face has.

.npz: names, mean, std, weights, bias, threshold   all of `names`: linear on gradients (HOG) and 16×16 colours
.onnx: image → age, male_female                   Male, Young: face-api's network of age and gender
.onnx: image → neutral_happy_…                    Smiling: face-api's network of expressions
.onnx: images → probabilities [N, 2]              Male: dlib's network of gender

All look at faces framed as CelebA's are; names of attributes are CelebA's, too.
"""

from __future__ import annotations

import abc
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import ModelError, OptionError, nearest, shown
from realtime.faces.landmarks.mesh import EYE_CORNERS, FaceMesh
from realtime.imaging.frame import Pixels
from realtime.models.file_safety import check_safe, read_header
from realtime.models.runtime.ort_session import new_session, session_options

FRAME_WIDTH_PX, FRAME_HEIGHT_PX = 178, 218
"""Of a picture of CelebA's."""
_EYES = np.array([(69.5, 112.5), (108.0, 112.7)])
"""Where both eyes lie in it, left to right."""
_LARGEST_BYTES = 1 << 28
_Session = Any
_Floats = NDArray[np.float32]


def framed(picture: Pixels, mesh: FaceMesh) -> Pixels:
    """Return a face of a picture, uint8 BGR, as CelebA frames it: [218, 178, 3]. Beyond the picture's edge its rim is
    repeated.
    """
    size, flags = (FRAME_WIDTH_PX, FRAME_HEIGHT_PX), cv2.INTER_AREA | cv2.WARP_INVERSE_MAP
    face = cv2.warpAffine(picture, frame_to_picture(mesh), size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(face, np.uint8)


def frame_to_picture(mesh: FaceMesh) -> NDArray[np.float64]:
    """Return the (2, 3) matrix from CelebA's frame to the picture: eyes on eyes."""
    seen = sorted(mesh.points[list(corners), :2].mean(0) @ (1, 1j) for corners in EYE_CORNERS)
    wanted = _EYES @ (1, 1j)
    turn = (seen[1] - seen[0]) / (wanted[1] - wanted[0])
    moved = seen[0] - turn * wanted[0]
    return np.array([[turn.real, -turn.imag, moved.real], [turn.imag, turn.real, moved.imag]])


class Judge(abc.ABC):
    """Says of faces how probably they have each of its attributes."""

    def __init__(self, name: str, attributes: Sequence[str]) -> None:
        self.name, self.attributes = name, tuple(attributes)

    @abc.abstractmethod
    def probabilities(self, faces: Sequence[Pixels]) -> _Floats:
        """Return [N, attributes] in 0..1, 0.5 is the border, for faces as `framed` gives them."""


def open_judge(path: Path) -> Judge:
    """Raises ModelError for a file that is none."""
    if not path.is_file():
        raise ModelError(f"no judge {path}; name an existing .npz or .onnx file")
    return _Linear(path) if path.suffix.lower() == ".npz" else _open_network(path)


class Bench:
    """Several judges. Of an attribute that more than one knows, the first of them decides."""

    def __init__(self, judges: Sequence[Judge]) -> None:
        self.judges = tuple(judges)
        self.attributes = tuple(dict.fromkeys(name for judge in judges for name in judge.attributes))

    def answers(self, faces: Sequence[Pixels]) -> dict[str, NDArray[np.bool_]]:
        """Return who has what: by an attribute's name the judges' answers, [judges that know it, N]."""
        found: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in self.attributes}
        for judge in self.judges:
            has = judge.probabilities(faces) > 0.5
            for place, name in enumerate(judge.attributes):
                found[name].append(has[:, place])
        return {name: np.stack(answers) for name, answers in found.items()}

    def knowing(self, attribute: str) -> tuple[Judge, ...]:
        """Return the judges that know an attribute. Raises OptionError where none does."""
        found = tuple(judge for judge in self.judges if attribute in judge.attributes)
        if not found:
            raise OptionError(
                f"no judge knows the attribute '{attribute}'{nearest(attribute, self.attributes)}; "
                f"they know: {', '.join(self.attributes)}"
            )
        return found


# ------------------------------------------------------------------------------------------------------------ linear


class _Linear(Judge):
    _PARTS = ("names", "mean", "std", "weights", "bias", "threshold")
    _SIDE_PX, _COLOURS_PX = 64, 16
    _MIDDLE, _SPAN_PX = (88.5, 122.0), 150.0
    _BLUR = 0.9
    _STEEP = 4.0
    """Scores were fitted to −1 and 1."""

    def __init__(self, path: Path) -> None:
        parts = _arrays(path, self._PARTS)
        names = [str(name) for name in parts["names"].ravel()]
        self._hog = cv2.HOGDescriptor((self._SIDE_PX, self._SIDE_PX), (16, 16), (8, 8), (8, 8), 9)
        count = self._hog.getDescriptorSize() + 3 * self._COLOURS_PX**2
        wanted = {"mean": (count,), "std": (count,), "weights": (count, len(names))}
        wanted |= {"bias": (len(names),), "threshold": (len(names),)}
        for name, shape in wanted.items():
            found = parts[name]
            if found.dtype.kind != "f" or found.shape != shape or not np.isfinite(found).all():
                raise ModelError(f"{path}: '{name}' is {found.dtype} {list(found.shape)}, not numbers {list(shape)}")
        if not names or len(set(names)) != len(names):
            raise ModelError(f"{path}: 'names' must name each attribute once")
        super().__init__(path.stem, names)
        weights = parts["weights"] / np.maximum(parts["std"], 1e-6)[:, None]
        self._weights = weights.astype(np.float32)
        self._bias = (parts["bias"] - parts["threshold"] - parts["mean"] @ weights).astype(np.float32)

    def probabilities(self, faces: Sequence[Pixels]) -> _Floats:
        features = np.stack([self._features(face) for face in faces])
        return _logistic((features @ self._weights + self._bias) * self._STEEP)

    def _features(self, face: Pixels) -> _Floats:
        soft = np.asarray(cv2.GaussianBlur(face, (0, 0), self._BLUR), np.uint8)
        small = _cut(soft, self._MIDDLE, self._SPAN_PX, self._SIDE_PX)
        gradients = np.asarray(self._hog.compute(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)), np.float32)
        side = (self._COLOURS_PX, self._COLOURS_PX)
        colours = cv2.resize(small, side, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        return np.concatenate([gradients.ravel(), colours.ravel()])


def _arrays(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > _LARGEST_BYTES:
                raise ModelError(f"{path} holds more than {_LARGEST_BYTES >> 20} MB; that is no judge")
        with np.load(path, allow_pickle=False) as parts:
            missing = [name for name in names if name not in parts]
            if missing:
                raise ModelError(f"{path} has no '{missing[0]}'; a judge is an .npz of {', '.join(names)}")
            return {name: parts[name] for name in names}
    except (OSError, ValueError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path} is no judge that can be read ({shown(str(error), 60)}); fetch it again") from None


# ---------------------------------------------------------------------------------------------------------- networks


class _Network(Judge):
    _AT_ONCE = 32

    def __init__(
        self,
        path: Path,
        attributes: Sequence[str],
        prepare: Callable[[Pixels], _Floats],
        read: Callable[[Mapping[str, _Floats]], _Floats],
        session: _Session,
    ) -> None:
        super().__init__(path.stem, attributes)
        self._prepare, self._read, self._session = prepare, read, session
        self._input = session.get_inputs()[0].name
        self._outputs = [one.name for one in session.get_outputs()]

    def probabilities(self, faces: Sequence[Pixels]) -> _Floats:
        found = []
        for first in range(0, len(faces), self._AT_ONCE):
            batch = np.stack([self._prepare(face) for face in faces[first : first + self._AT_ONCE]])
            made = self._session.run(None, {self._input: batch})
            found.append(self._read(dict(zip(self._outputs, made, strict=True))))
        return np.concatenate(found) if found else np.empty((0, len(self.attributes)), np.float32)


_FACEAPI_MIDDLE, _FACEAPI_SPAN_PX, _FACEAPI_PX = (88.5, 128.0), 115.0, 112
_DLIB_SPAN_PX, _DLIB_PX = 115.0, 32
_DLIB_MEAN = np.array([122.782, 117.001, 104.298], np.float32)
_YOUNG_YEARS, _YOUNG_STEEP = 35.0, 0.2
"""Where CelebA's young end by that network's years."""
_EXPRESSIONS = "neutral_happy_sad_angry_fearful_disgusted_surprised"


def _faceapi(face: Pixels) -> _Floats:
    return _cut(face, _FACEAPI_MIDDLE, _FACEAPI_SPAN_PX, _FACEAPI_PX)[:, :, ::-1].astype(np.float32)


def _dlib(face: Pixels) -> _Floats:
    rgb = _cut(face, _FACEAPI_MIDDLE, _DLIB_SPAN_PX, _DLIB_PX)[:, :, ::-1].astype(np.float32)
    return np.ascontiguousarray(((rgb - _DLIB_MEAN) / 256).transpose(2, 0, 1))


def _age_and_gender(made: Mapping[str, _Floats]) -> _Floats:
    young = _logistic((_YOUNG_YEARS - made["age"][:, 0]) * _YOUNG_STEEP)
    return np.stack([made["male_female"][:, 0], young], 1)


def _open_network(path: Path) -> Judge:
    header = read_header(path)
    check_safe(path, header)
    try:
        session = new_session(str(path), session_options(1), [])
    except Exception as error:  # whatever ONNX Runtime raises
        raise ModelError(f"{path} is no ONNX file that can be run; fetch it again") from error
    input_shapes = {one.name: list(one.shape[1:]) for one in session.get_inputs()}
    made = {one.name: list(one.shape[1:]) for one in session.get_outputs()}
    if input_shapes == {"image": [_FACEAPI_PX, _FACEAPI_PX, 3]}:
        if made == {"age": [1], "male_female": [2]}:
            return _Network(path, ("Male", "Young"), _faceapi, _age_and_gender, session)
        if made == {_EXPRESSIONS: [7]}:
            return _Network(path, ("Smiling",), _faceapi, lambda found: found[_EXPRESSIONS][:, 1:2], session)
    if input_shapes == {"images": [3, _DLIB_PX, _DLIB_PX]} and made == {"probabilities": [2]}:
        return _Network(path, ("Male",), _dlib, lambda found: found["probabilities"][:, 1:], session)
    ports = ", ".join(shown(name, 40) for name in [*input_shapes, *made][:4])
    raise ModelError(
        f"{path} is no judge that is known (its inputs and outputs: {ports}); see tools/attributes/judges.py"
    )


def _cut(face: Pixels, middle: tuple[float, float], span_px: float, side_px: int) -> Pixels:
    scale = span_px / side_px
    corner = [value - span_px / 2 + (scale - 1) / 2 for value in middle]
    matrix = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(face, matrix, (side_px, side_px), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def _logistic(values: NDArray[np.floating]) -> _Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -math.log(1e6), math.log(1e6)))), np.float32)
