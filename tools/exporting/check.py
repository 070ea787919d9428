"""Running a written model beside the PyTorch network it came from, on real pictures."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from realtime.core.errors import ModelError, shown
from realtime.imaging.frame import Pixels, Size
from realtime.model_import.hints import ColourOrder
from realtime.models.card import INPUT_NAMES, OUTPUT_NAMES, ModelKind
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.picture_files.reader import read_picture
from realtime.picture_files.samples import sample_photo
from tools.exporting.ends import input_names
from tools.networks import Autoencoder, Part, PictureFormat
from tools.networks.motion import MotionNetwork

SIZES = (Size(512, 512), Size(641, 359), Size(301, 450))
"""The usual working size; one with odd sides; one upright, neither side a multiple of 4."""
Arrays = Mapping[str, NDArray[Any]]
"""By the contract's names."""
_PATIENCE_S = 1.5  # how long one figure may take: a slow network is timed once, a fast one many times
_MOST_RUNS = 30
_NUMBERS = ("z", "motion", "features")
"""Outputs that are no pictures."""
_TURNS_DEGREES = (0.0, 12.0, -20.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """One row of the table that an export prints."""

    what: str
    torch_ms: float
    onnx_ms: float
    largest: float
    """Largest difference of any number, in grey levels: 255ths of a pixel's range, of z's largest number."""
    mean: float
    psnr_db: float
    """Infinite where nothing differs."""

    @classmethod
    def of(
        cls, what: str, times_ms: tuple[float, float], expected: NDArray[Any], got: NDArray[Any], full: float
    ) -> Comparison:
        """Compare two arrays of one shape whose numbers run up to `full`."""
        grey = np.abs(expected.astype(np.float64) - got) * (255 / full)
        squared = float(np.square(grey).mean())
        psnr_db = 10 * math.log10(255**2 / squared) if squared else math.inf
        return cls(what, *times_ms, float(grey.max()), float(grey.mean()), psnr_db)


def sample_inputs(part: Part, photo: Path | None = None, sizes: Sequence[Size] = ()) -> list[Arrays]:
    """Return three times what the model takes, of a photo of a person: the demo's where none is named; of a style's
    sides as many as `sizes`, or those of SIZES.
    """
    random = np.random.default_rng(0)
    if part.kind is ModelKind.LATENT_DECODER:
        codes: list[Arrays] = [{"z": z} for z in random.standard_normal((3, 1, part.latent)).astype(np.float32)]
        return [{**z, **more} for z, more in zip(codes, _layered(part, random), strict=True)] if part.layers else codes
    picture = read_picture(photo or sample_photo())
    if part.kind is ModelKind.STYLE:
        return [{"frame": _cover(picture, size)[np.newaxis]} for size in sizes or SIZES]
    side = Size(part.side_px, part.side_px)
    faces = [_cover(_turned(picture, degrees), side)[np.newaxis] for degrees in _TURNS_DEGREES]
    if part.kind is ModelKind.MOTION:
        return _motion_inputs(part, faces)
    if part.kind is not ModelKind.MORPH:
        return [{"face": face} for face in faces]
    # The face as it is; then a step from it, too; then somebody else besides.
    keep = np.array([[1], [1], [0]], np.float32)
    add = np.concatenate([np.zeros((1, part.latent)), random.standard_normal((2, part.latent))]).astype(np.float32)
    counts = range(1, len(faces) + 1)
    return [{"face": face, "keep": keep[:n], "add": add[:n]} for face, n in zip(faces, counts, strict=True)]


def _motion_inputs(part: Part, faces: Sequence[NDArray[np.uint8]]) -> list[Arrays]:
    """Return the first face as it is, then moved as the others differ from it."""
    with torch.inference_mode():
        looks = [_look(part, face) for face in faces]
    source = looks[0]
    given = {"source_features": source["features"], "source_motion": source["motion"], "rest_motion": source["motion"]}
    return [{"face": face, **given, "driving_motion": look["motion"]} for face, look in zip(faces, looks, strict=True)]


def _look(part: Part, face: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Return what a motion network sees in a face."""
    assert isinstance(part.network, MotionNetwork)
    seen = to_network(face, part.picture)
    return {"motion": part.network.motion(seen).numpy(), "features": part.network.features(seen).numpy()}


def _motion_reference(part: Part, given: Arrays) -> Arrays:
    assert isinstance(part.network, MotionNetwork)
    numbers = ("source_features", "source_motion", "rest_motion", "driving_motion")
    picture, new = part.network.draw(*(torch.from_numpy(given[name]) for name in numbers))
    mask = (new * 255).round().clip(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return {**_look(part, given["face"]), "face_out": from_network(picture, part.picture), "mask": mask}


def _layered(part: Part, random: np.random.Generator) -> list[Arrays]:
    """Return what goes with three codes: the code alone; nearer to the mean; another code in the finer half."""
    fine = random.standard_normal((1, part.latent)).astype(np.float32)
    none = np.zeros((1, part.layers), np.float32)
    finer = np.linspace(-1, 1, part.layers, dtype=np.float32).clip(0, 1)[np.newaxis]
    wanted = ((1.0, none), (0.5, none), (0.7, finer))
    return [{"truncation": np.array([psi], np.float32), "fine": fine, "layers": layers} for psi, layers in wanted]


def reference(part: Part, given: Arrays) -> Arrays:
    """Return what the network makes of a model's inputs, worked out in PyTorch without anything of the exported graph:
    each output that is compared.

    Raises ModelError where the network fails, or gives NaN or another size.
    """
    with torch.inference_mode():
        try:
            return _reference(part, given)
        except ModelError:
            raise
        except Exception as error:  # a stranger's network may raise anything
            raise ModelError(
                f"the network fails in PyTorch on {_name(given[INPUT_NAMES[part.kind][0]])}: {_reason(error)}"
            ) from error


def _reason(error: BaseException) -> str:
    """Return what a network's error says, in a line: of those over many lines the last, where the cause stands."""
    text = str(error)
    if isinstance(error, MemoryError) or "allocate memory" in text:
        return "it needs more memory than there is for it"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return shown(lines[-1] if "Traceback" in text else " ".join(lines), 160)


def _reference(part: Part, given: Arrays) -> Arrays:
    first, out = given[INPUT_NAMES[part.kind][0]], OUTPUT_NAMES[part.kind][0]
    if part.kind is ModelKind.MORPH:
        return _morph_reference(part, given)
    if part.kind is ModelKind.MOTION:
        return _motion_reference(part, given)
    if part.kind is ModelKind.LATENT_DECODER:
        numbers = (torch.from_numpy(given[name]) for name in input_names(part))
        return {out: from_network(part.network(*numbers), part.picture)}
    height, width = first.shape[1:3]
    padding = (0, -width % part.picture.multiple, 0, -height % part.picture.multiple)
    made = part.network(functional.pad(to_network(first, part.picture), padding, mode="replicate"))
    if isinstance(made, tuple) and part.kind is ModelKind.SWAP:
        made = made[0]  # the face; its mask beside it
    if isinstance(made, tuple | list | dict):
        raise ModelError(
            f"the network gives {len(made)} results where one is asked; "
            "wrap it in a module that returns the picture only"
        )
    if not isinstance(made, Tensor):
        raise ModelError(f"the network gives a {type(made).__name__}, no tensor")
    padded_size = (height + padding[3], width + padding[1])
    if made.ndim != 4 or made.shape[1] != 3 or tuple(made.shape[2:]) != padded_size:
        raise ModelError(
            f"the network makes {tuple(made.shape)} of a picture {padded_size[1]}x{padded_size[0]}; a picture of the "
            "same size is asked (--multiple says what its sides must be multiples of)"
        )
    return {out: from_network(made[:, :, :height, :width], part.picture)}


def _morph_reference(part: Part, given: Arrays) -> Arrays:
    keep, add = (torch.from_numpy(given[name]) for name in ("keep", "add"))
    assert isinstance(part.network, Autoencoder)
    encoder, decoder = part.network.encoder, part.network.decoder
    z = encoder(to_network(given["face"], part.picture))
    # One code after the other: a batch must not change what one is drawn as.
    drawn = [decoder(times * z + more) for times, more in zip(keep[:, None], add[:, None], strict=True)]
    return {"z": z.numpy(), "face_out": np.concatenate([greys(one, part.picture) for one in drawn])}


def to_network(pixels: NDArray[np.uint8], picture: PictureFormat) -> Tensor:
    """From [1, h, w, 3] uint8 BGR to the network's [1, 3, h, w] float32."""
    ordered = pixels if picture.order is ColourOrder.BGR else pixels[..., ::-1]
    numbers = torch.from_numpy(ordered.astype(np.float32)).permute(0, 3, 1, 2)
    return numbers / 255 * (picture.white - picture.black) + picture.black


def from_network(numbers: Tensor, picture: PictureFormat) -> NDArray[np.uint8]:
    """Return the way back: [1, h, w, 3] uint8 BGR, rounded and clipped. Raises ModelError where there is NaN."""
    return greys(numbers, picture).round().clip(0, 255).astype(np.uint8)


def greys(numbers: Tensor, picture: PictureFormat) -> NDArray[np.float32]:
    """Return the same as float32, neither rounded nor clipped."""
    if not torch.isfinite(numbers).all():
        raise ModelError("the network gives NaN on a photo; its weights are damaged or for another range of colours")
    grey = (numbers.permute(0, 2, 3, 1) - picture.black) * (255 / (picture.white - picture.black))
    pixels = grey.float().numpy()
    return np.ascontiguousarray(pixels if picture.order is ColourOrder.BGR else pixels[..., ::-1])


class WrittenModel:
    """A model file run on the CPU as the application will. A context manager."""

    def __init__(self, path: Path) -> None:
        self._model = OnnxModel.open(path, SessionPolicy(provider="cpu"))
        self._kind = self._model.card.kind

    def __enter__(self) -> WrittenModel:
        return self

    def __exit__(self, *_: object) -> None:
        self._model.close()

    def __call__(self, given: Arrays) -> Arrays:
        """Return all that it makes of its inputs."""
        outputs = {name: self._output(name, given) for name in OUTPUT_NAMES[self._kind]}
        self._model.run(given, outputs)
        return outputs

    def _output(self, name: str, given: Arrays) -> NDArray[Any]:
        if self._kind is ModelKind.STYLE:
            return np.empty_like(given["frame"])
        shape = [side if isinstance(side, int) else len(given["add"]) for side in self._model.output_shapes[name]]
        is_float = name in _NUMBERS or self._kind is ModelKind.MORPH
        return np.empty(shape, np.float32 if is_float else np.uint8)


def compare(
    part: Part, model: WrittenModel, inputs: Sequence[Arrays], most_runs: int | None = None
) -> list[Comparison]:
    """Run a model and its network on all inputs, up to `most_runs` times (None: 30) for the best time of each; a row
    for each output.

    Raises ModelError where one of them fails.
    """
    most_runs = _MOST_RUNS if most_runs is None else most_runs
    rows = []
    for given in inputs:
        expected, torch_ms = _timed(lambda given=given: reference(part, given), most_runs)  # type: ignore[misc]
        got, onnx_ms = _timed(lambda given=given: model(given), most_runs)  # type: ignore[misc]
        for name, wanted in expected.items():
            if got[name].shape != wanted.shape:
                raise ModelError(f"the written model gives {got[name].shape} where the network gives {wanted.shape}")
            full = float(np.abs(wanted).max()) if name in _NUMBERS else 255.0
            rows.append(Comparison.of(_name(wanted, name), (torch_ms, onnx_ms), wanted, got[name], full))
    return rows


def table(rows: Sequence[Comparison]) -> str:
    """Return the rows as text, columns aligned."""
    width = max(10, *(len(row.what) for row in rows))
    lines = [f"{'size':>{width}}   PyTorch ms   ONNX ms   ratio   max |Δ|   mean |Δ|   PSNR dB"]
    lines += [
        f"{row.what:>{width}}   {row.torch_ms:10.1f}   {row.onnx_ms:7.2f}   {row.torch_ms / row.onnx_ms:4.1f}×"
        f"   {row.largest:7.3g}   {row.mean:8.4f}   {row.psnr_db:7.1f}"
        for row in rows
    ]
    return "\n".join(lines)


def _name(array: NDArray[Any], name: str = "") -> str:
    if array.ndim != 4:
        return f"{name or 'z'} {array.shape[1]}"
    size = str(Size(array.shape[2], array.shape[1]))
    if name == "mask":
        return f"mask {array.shape[2]}"
    return size if len(array) == 1 else f"{len(array)}× {size}"


def _timed(work: Callable[[], Arrays], most_runs: int) -> tuple[Arrays, float]:
    """Return the result and the best time of several, after one that is not counted."""
    result = work()
    best_s, spent_s = math.inf, 0.0
    for _ in range(most_runs):
        began_s = time.perf_counter()
        work()
        took_s = time.perf_counter() - began_s
        best_s, spent_s = min(best_s, took_s), spent_s + took_s
        if spent_s > _PATIENCE_S:
            break
    return result, best_s * 1000


def _cover(picture: Pixels, size: Size) -> Pixels:
    """Scale a picture to fill `size`, cutting off what is too much."""
    height, width = picture.shape[:2]
    scale = max(size.width / width, size.height / height)
    grown = cv2.resize(picture, (math.ceil(width * scale), math.ceil(height * scale)), interpolation=cv2.INTER_AREA)
    top, left = (grown.shape[0] - size.height) // 2, (grown.shape[1] - size.width) // 2
    return np.ascontiguousarray(grown[top : top + size.height, left : left + size.width], np.uint8)


def _turned(picture: Pixels, degrees: float) -> Pixels:
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)
