"""Quarter precision: convolutions on bytes, their ranges measured on pictures that the user names.

Activations are unsigned and weights have a scale for each channel: with signed activations ONNX Runtime's kernels on
x86 are slower, and with one scale for a whole layer depthwise convolutions, whose channels differ most, suffer most.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray

from realtime.core.errors import CameraError, ModelError, OptionError, shown
from realtime.imaging.frame import Pixels
from realtime.models.card import ModelCard, ModelKind
from realtime.picture_files.reader import read_picture
from tools.exporting.graph import quiet, with_card

_MOST_PICTURES = 64
_LONG_SIDE_PX = 512
_KINDS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def calibration_pictures(folder: Path) -> list[Pixels]:
    """Return up to 64 pictures of `folder`, evenly picked, at most 512 px long. Raises OptionError where none is."""
    if not folder.is_dir():
        raise OptionError(f"no folder {folder} with pictures for --int8")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _KINDS)
    if not paths:
        raise OptionError(f"{folder} holds no pictures for --int8; name a folder of photos like those it will see")
    picked = paths[:: max(1, -(-len(paths) // _MOST_PICTURES))]
    found = []
    for path in picked:
        try:
            found.append(_shrunk(read_picture(path)))
        except CameraError as error:
            raise ModelError(f"--int8: {error}") from error
    return found


def quantised(model: onnx.ModelProto, card: ModelCard, pictures: Sequence[Pixels]) -> onnx.ModelProto:
    """Return a style model with its convolutions in int8, all but the first and the last.

    The first reads the frame and the last paints it: their errors are seen as they are. Raises ModelError where ONNX
    Runtime cannot do it, OptionError for other kinds of models.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Pictures(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left: Iterator[NDArray[Any]] = iter([picture[np.newaxis] for picture in pictures])

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            picture = next(self._left, None)
            return None if picture is None else {"frame": picture}

    if card.kind is not ModelKind.STYLE:
        raise OptionError(f"--int8 is for styles; this is a {card.kind.value}")
    convolutions = [node.name for node in model.graph.node if node.op_type in ("Conv", "ConvTranspose")]
    if len(convolutions) < 3:
        raise ModelError("--int8 needs a network of three convolutions or more")
    with tempfile.TemporaryDirectory() as folder:
        full, small = Path(folder) / "full.onnx", Path(folder) / "small.onnx"
        onnx.save(model, full)
        try:
            with quiet():
                quantize_static(
                    full,
                    small,
                    Pictures(),
                    quant_format=QuantFormat.QDQ,
                    activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8,
                    per_channel=True,
                    op_types_to_quantize=["Conv", "Add", "Resize", "Relu"],
                    nodes_to_exclude=[convolutions[0], convolutions[-1]],
                )
        except Exception as error:  # the quantiser raises whatever it likes
            line = shown(" ".join(str(error).split()), 160)
            raise ModelError(f"ONNX Runtime cannot make int8 of the network: {line}") from error
        return with_card(onnx.load(small), card)


def _shrunk(picture: Pixels) -> Pixels:
    scale = _LONG_SIDE_PX / max(picture.shape[:2])
    if scale >= 1:
        return picture
    shrunk = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(shrunk, np.uint8)
