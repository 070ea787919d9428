"""Puts our ends on a face network: uint8 BGR crops go in and come out, and all between is done by the graph."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, version_converter

from realtime.model_import.face.ports import FacePorts, Numbers, side_of
from realtime.model_import.graph.view import NodeWriter, prune, replace
from realtime.model_import.hints import ColourOrder, ValueRange
from realtime.model_import.style.ports import Port

_TO_PLANES, _TO_PIXELS = [0, 3, 1, 2], [0, 2, 3, 1]
_LEAST_LENGTH = 1e-12
"""Numbers that are all nothing stay so, and do not become NaN."""
_CONVERTER_PREFIX = "converter/"
_SOFTENED_AT, _ERODED, _BARE, _BLUR = 224, 2, 12, 6.25
"""DeepFaceLive's crop, and what its usual erosion of 5 and blur of 25 are on it, in pixels: how often a pixel is taken
off, how far from the edge nothing is left, and the deviation of the bell."""


@dataclasses.dataclass(frozen=True, slots=True)
class FaceAdapterSpec:
    """Everything that lies between a crop and a swapper."""

    ports: FacePorts
    range_in: ValueRange
    range_out: ValueRange
    order: ColourOrder
    identity_size: int = 0
    """Of the `identity` the finished model takes; 0 where it takes none."""
    identity_map: NDArray[np.float32] | None = None
    """(identity_size, numbers that the network takes); what comes of it gets length 1 again."""


def adapted_swap(model: onnx.ModelProto, ends: FaceAdapterSpec) -> onnx.ModelProto:
    """Turn a network, in place, into a model that takes `face` and gives `face_out` and `mask`, as
    `realtime.models.card` says, and return it: swappers weigh half a gigabyte, so there is no copy.

    It also gives `numbers`, until `without_numbers`: float32 [1, 3, side, side] in the network's colour order, 0 for
    black and 255 for white, neither rounded nor clipped: what is beyond them tells that a range is wrong.
    """
    ports, side = ends.ports, ends.ports.side_px
    prune(model, [ports.given.name, *(mask.name for mask in ports.masks)])
    work = _FaceWriter(model)
    inputs = [_picture("face", side, 3)]
    work.crop_to(ports.taken, side, ends.range_in, ends.order)
    if ports.identity is not None:
        inputs.append(helper.make_tensor_value_info("identity", TensorProto.FLOAT, [1, ends.identity_size]))
        numbers = "identity"
        if ends.identity_map is not None:
            numbers = work.of_length_one(work.node("MatMul", [numbers, work.constant(ends.identity_map)]))
        work.numbers_to(ports.identity, numbers)
    if ports.morph is not None:
        inputs.append(helper.make_tensor_value_info("morph", TensorProto.FLOAT, [1]))
        work.numbers_to(ports.morph, "morph")
    head = work.taken_nodes()
    planes = work.picture_of(ports.given, side, ends.range_out)
    work.bytes_to("face_out", work.node("Add", [planes, work.float(0.5)]), ends.order)
    work.mask(ports, side)
    work.node("Identity", [planes], output="numbers")
    outputs = [
        _picture("face_out", side, 3),
        _picture("mask", side, 1),
        helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [1, 3, side, side]),
    ]
    return _closed(model, head, work.taken_nodes(), inputs, outputs)


def without_numbers(model: onnx.ModelProto) -> onnx.ModelProto:
    """Take `numbers` out of what `adapted_swap` returned, in place."""
    graph = model.graph
    replace(graph.node, [node for node in graph.node if "numbers" not in node.output])
    replace(graph.output, [value for value in graph.output if value.name != "numbers"])
    return model


def adapted_encoder(
    model: onnx.ModelProto,
    taken: Port,
    given: Numbers,
    values: ValueRange,
    order: ColourOrder,
    *,
    unit: bool = True,
) -> onnx.ModelProto:
    """Turn a network, in place, into a model that takes `face` and gives `z`, float32 [1, size], of length 1 where
    `unit`, and return it.
    """
    prune(model, [given.name])
    work, side = _FaceWriter(model), side_of(taken)
    work.crop_to(taken, side, values, order)
    head = work.taken_nodes()
    numbers = work.node("Reshape", [given.name, work.ints([1, given.size])])
    if given.element_type != TensorProto.FLOAT:
        numbers = work.node("Cast", [numbers], to=TensorProto.FLOAT)
    work.node("Identity", [work.of_length_one(numbers) if unit else numbers], output="z")
    result = helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, given.size])
    return _closed(model, head, work.taken_nodes(), [_picture("face", side, 3)], [result])


def joined(
    encoder: onnx.ModelProto, given: Numbers, converter: onnx.ModelProto, taken: Numbers, converted: Numbers
) -> tuple[onnx.ModelProto, Numbers]:
    """Return an encoder with a converter behind it, and what both give. Raises whatever ONNX's own tools do."""
    opset = max(_opset(encoder), _opset(converter))
    first, second = (
        model if _opset(model) == opset else version_converter.convert_version(model, opset)
        for model in (encoder, converter)
    )
    whole, after = onnx.ModelProto(), compose.add_prefix(second, _CONVERTER_PREFIX)
    whole.CopyFrom(first)
    work = _FaceWriter(whole)
    shape = [1] * (taken.rank - 1) + [taken.size]
    numbers = work.node("Reshape", [given.name, work.ints(shape)])
    work.node("Cast", [numbers], output=f"{_CONVERTER_PREFIX}{taken.name}", to=taken.element_type)
    whole.graph.node.extend([*work.taken_nodes(), *after.graph.node])
    whole.graph.initializer.extend(after.graph.initializer)
    replace(whole.graph.output, list(after.graph.output))
    return whole, dataclasses.replace(converted, name=f"{_CONVERTER_PREFIX}{converted.name}")


def soft_ellipse(side_px: int) -> NDArray[np.uint8]:
    """Return (side, side) uint8, 255 within 0.34 sides of the middle and nothing from 0.49 on: for swappers without a
    mask. Deep-Live-Cam pastes them so, with an ellipse of 0.44 that is blurred; a square shows at the brow and chin.
    """
    along = (np.arange(side_px) + 0.5) / side_px - 0.5
    away = np.hypot(along[:, np.newaxis], along)
    share = np.clip((0.49 - away) / (0.49 - 0.34), 0, 1)
    return np.rint(255 * share * share * (3 - 2 * share)).astype(np.uint8)


def _softening(side_px: int, wanted_px: int) -> NDArray[np.float32]:
    """Return (wanted, side): what makes soft columns of hard ones, with nothing left at either end."""
    scale = side_px / _SOFTENED_AT
    along = np.arange(side_px)
    bell = np.exp(-0.5 * ((along[:, np.newaxis] - along) / (_BLUR * scale)) ** 2)
    matrix = bell / bell[side_px // 2].sum()
    margin = max(1, round(_BARE * scale))
    matrix[:, :margin] = matrix[:, -margin:] = 0
    if wanted_px != side_px:
        matrix = cv2.resize(matrix, (side_px, wanted_px), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(matrix, np.float32)


class _FaceWriter(NodeWriter):
    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__(model.graph)

    def crop_to(self, taken: Port, side: int, values: ValueRange, order: ColourOrder) -> None:
        """From `face`, [1, side, side, 3], to the tensor the network takes."""
        inner = side_of(taken)
        planes = self.node("Transpose", ["face"], perm=_TO_PLANES)
        if order is ColourOrder.RGB:
            planes = self.node("Gather", [planes, self.ints([2, 1, 0])], axis=1)
        planes = self.node("Cast", [planes], to=TensorProto.FLOAT)
        if side % inner == 0 and side != inner:  # each pixel is the mean of a square
            times = [side // inner] * 2
            planes = self.node("AveragePool", [planes], kernel_shape=times, strides=times)
        else:
            planes = self._resized(planes, side, inner, 3)
        scale, offset = values.affine
        if len(scale) == 3 and order is ColourOrder.BGR:
            scale, offset = scale[::-1], offset[::-1]
        if any(value != 1 for value in scale):
            planes = self.node("Mul", [planes, self._along_planes(scale)])
        if any(value != 0 for value in offset):
            planes = self.node("Add", [planes, self._along_planes(offset)])
        if taken.element_type == TensorProto.UINT8:
            planes = self.node("Add", [planes, self.float(0.5)])
        if taken.element_type != TensorProto.FLOAT:
            planes = self.node("Cast", [planes], to=taken.element_type)
        if not taken.layout.channels_first:
            planes = self.node("Transpose", [planes], perm=_TO_PIXELS)
        if taken.layout.rank == 3:
            planes = self.node("Squeeze", [planes, self.ints([0])])
        self.node("Identity", [planes], output=taken.name)

    def numbers_to(self, taken: Numbers, numbers: str) -> None:
        shaped = self.node("Reshape", [numbers, self.ints([1] * (taken.rank - 1) + [taken.size])])
        self.node("Cast", [shaped], output=taken.name, to=taken.element_type)

    def of_length_one(self, numbers: str) -> str:
        """[1, size] over its length."""
        squared = self.node("MatMul", [numbers, self.node("Transpose", [numbers], perm=[1, 0])])
        length = self.node("Max", [self.node("Sqrt", [squared]), self.float(_LEAST_LENGTH)])
        return self.node("Div", [numbers, length])

    def picture_of(self, given: Port, side: int, values: ValueRange) -> str:
        """From what the network gives to planes of 0..255, [1, 3, side, side]."""
        planes = self._planes_of(given)
        (scale,), (offset,) = values.affine
        if scale != 1:
            planes = self.node("Mul", [planes, self.float(1 / scale)])
        if offset:
            planes = self.node("Add", [planes, self.float(-offset / scale)])
        return self._resized(planes, side_of(given), side, 3)

    def bytes_to(self, output: str, planes: str, order: ColourOrder) -> None:
        """Clip, cut off what is behind the point, and give it as pixels."""
        planes = self.node("Clip", [planes, self.float(0), self.float(255)])
        planes = self.node("Cast", [planes], to=TensorProto.UINT8)
        if order is ColourOrder.RGB:
            planes = self.node("Gather", [planes, self.ints([2, 1, 0])], axis=1)
        self.node("Transpose", [planes], output=output, perm=_TO_PIXELS)

    def mask(self, ports: FacePorts, side: int) -> None:
        """What all masks hold, eroded, faded towards the edge and blurred; or an ellipse where there are none.

        By DeepFaceLive's own numbers for its crop of 224 pixels, in proportion. Blurring is two products with a matrix:
        0.6 ms on one core for 320 pixels.
        """
        if not ports.masks:
            self.node("Identity", [self.constant(soft_ellipse(side)[np.newaxis, ..., np.newaxis])], output="mask")
            return
        inner = side_of(ports.masks[0])
        plain = []
        for mask in ports.masks:
            square = self.node("Reshape", [mask.name, self.ints([inner, inner])])
            plain.append(
                square if mask.element_type == TensorProto.FLOAT else self.node("Cast", [square], to=TensorProto.FLOAT)
            )
        both = plain[0]
        for other in plain[1:]:
            both = self.node("Mul", [both, other])
        for _ in range(max(1, round(_ERODED / _SOFTENED_AT * inner))):
            both = self._less_a_pixel(both, inner)
        blur = _softening(inner, side)
        across = self.node("MatMul", [both, self.constant(np.ascontiguousarray(255 * blur.T))])
        soft = self.node("MatMul", [self.constant(blur), across])
        grey = self.node("Clip", [self.node("Add", [soft, self.float(0.5)]), self.float(0), self.float(255)])
        grey = self.node("Cast", [grey], to=TensorProto.UINT8)
        self.node("Reshape", [grey, self.ints([1, side, side, 1])], output="mask")

    def _less_a_pixel(self, mask: str, side: int) -> str:
        """The least of each pixel and its four neighbours; by slices, as pooling lays one channel out as sixteen."""
        beyond = self.node("Pad", [mask, self.ints([1, 1, 1, 1])])
        neighbours = [mask]
        for top, left in ((0, 1), (2, 1), (1, 0), (1, 2)):
            corner, opposite = self.ints([top, left]), self.ints([top + side, left + side])
            neighbours.append(self.node("Slice", [beyond, corner, opposite]))
        return self.node("Min", neighbours)

    def _planes_of(self, given: Port) -> str:
        picture = given.name
        if given.layout.rank == 3:
            picture = self.node("Unsqueeze", [picture, self.ints([0])])
        if not given.layout.channels_first:
            picture = self.node("Transpose", [picture], perm=_TO_PLANES)
        if given.element_type != TensorProto.FLOAT:
            picture = self.node("Cast", [picture], to=TensorProto.FLOAT)
        return picture

    def _resized(self, planes: str, side: int, wanted: int, channels: int) -> str:
        if side == wanted:
            return planes
        sizes = self.ints([1, channels, wanted, wanted])
        return self.node("Resize", [planes, "", "", sizes], mode="linear", coordinate_transformation_mode="half_pixel")

    def _along_planes(self, values: tuple[float, ...]) -> str:
        return self.constant(np.array(values, np.float32).reshape(1, -1, 1, 1))


def _closed(
    model: onnx.ModelProto,
    head: list[onnx.NodeProto],
    tail: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    graph = model.graph
    replace(graph.node, [*head, *graph.node, *tail])
    replace(graph.input, inputs)
    replace(graph.output, outputs)
    del graph.value_info[:]
    graph.name = "realtime"
    return model


def _picture(name: str, side: int, channels: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.UINT8, [1, side, side, channels])


def _opset(model: onnx.ModelProto) -> int:
    return int(next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")))
