"""Adapts face networks to the contract: uint8 BGR crops go in and come out, and the graph does all between."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, version_converter

from realtime.model_import.face.ports import FacePorts, VectorPort, side_of
from realtime.model_import.graph.picture_nodes import PictureWriter, set_inputs_and_outputs
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import prune, replace
from realtime.model_import.hints import ColourOrder, ValueRange

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


def adapted_swap(model: onnx.ModelProto, spec: FaceAdapterSpec) -> onnx.ModelProto:
    """Turn a network, in place, into a model that takes `face` and gives `face_out` and `mask`, as
    `realtime.models.card` says, and return it: swappers weigh half a gigabyte, so there is no copy.

    It also gives `numbers`, until `without_numbers`: float32 [1, 3, side, side] in the network's colour order, 0 for
    black and 255 for white, neither rounded nor clipped: what is beyond them tells that a range is wrong.
    """
    ports, side = spec.ports, spec.ports.side_px
    prune(model, [ports.output.name, *(mask.name for mask in ports.masks)])
    writer = _FaceWriter(model.graph)
    inputs = [_picture("face", side, 3)]
    writer.crop_to(ports.input, side, spec.range_in, spec.order)
    if ports.identity is not None:
        inputs.append(helper.make_tensor_value_info("identity", TensorProto.FLOAT, [1, spec.identity_size]))
        numbers = "identity"
        if spec.identity_map is not None:
            numbers = writer.of_length_one(writer.node("MatMul", [numbers, writer.constant(spec.identity_map)]))
        writer.numbers_to(ports.identity, numbers)
    if ports.morph is not None:
        inputs.append(helper.make_tensor_value_info("morph", TensorProto.FLOAT, [1]))
        writer.numbers_to(ports.morph, "morph")
    head = writer.new_nodes()
    planes = writer.picture_of(ports.output, side, spec.range_out)
    writer.bytes_to("face_out", writer.node("Add", [planes, writer.float(0.5)]), spec.order)
    writer.mask(ports, side)
    writer.node("Identity", [planes], output="numbers")
    outputs = [
        _picture("face_out", side, 3),
        _picture("mask", side, 1),
        helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [1, 3, side, side]),
    ]
    return set_inputs_and_outputs(model, head, writer.new_nodes(), inputs, outputs)


def without_numbers(model: onnx.ModelProto) -> onnx.ModelProto:
    """Take `numbers` out of what `adapted_swap` returned, in place."""
    graph = model.graph
    replace(graph.node, [node for node in graph.node if "numbers" not in node.output])
    replace(graph.output, [value for value in graph.output if value.name != "numbers"])
    return model


def adapted_encoder(
    model: onnx.ModelProto,
    input_port: PicturePort,
    output_port: VectorPort,
    values: ValueRange,
    order: ColourOrder,
    *,
    unit: bool = True,
) -> onnx.ModelProto:
    """Turn a network, in place, into a model that takes `face` and gives `z`, float32 [1, size], of length 1 where
    `unit`, and return it.
    """
    prune(model, [output_port.name])
    writer, side = _FaceWriter(model.graph), side_of(input_port)
    writer.crop_to(input_port, side, values, order)
    head = writer.new_nodes()
    numbers = writer.node("Reshape", [output_port.name, writer.ints([1, output_port.size])])
    if output_port.element_type != TensorProto.FLOAT:
        numbers = writer.node("Cast", [numbers], to=TensorProto.FLOAT)
    writer.node("Identity", [writer.of_length_one(numbers) if unit else numbers], output="z")
    result = helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, output_port.size])
    return set_inputs_and_outputs(model, head, writer.new_nodes(), [_picture("face", side, 3)], [result])


def joined(
    encoder: onnx.ModelProto, code: VectorPort, converter: onnx.ModelProto, entry: VectorPort, converted: VectorPort
) -> tuple[onnx.ModelProto, VectorPort]:
    """Return an encoder with a converter behind it, and what both give. Raises whatever ONNX's own tools do."""
    opset = max(_opset(encoder), _opset(converter))
    first, second = (
        model if _opset(model) == opset else version_converter.convert_version(model, opset)
        for model in (encoder, converter)
    )
    whole, after = onnx.ModelProto(), compose.add_prefix(second, _CONVERTER_PREFIX)
    whole.CopyFrom(first)
    writer = _FaceWriter(whole.graph)
    shape = [1] * (entry.rank - 1) + [entry.size]
    numbers = writer.node("Reshape", [code.name, writer.ints(shape)])
    writer.node("Cast", [numbers], output=f"{_CONVERTER_PREFIX}{entry.name}", to=entry.element_type)
    whole.graph.node.extend([*writer.new_nodes(), *after.graph.node])
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


class _FaceWriter(PictureWriter):
    def crop_to(self, port: PicturePort, side: int, values: ValueRange, order: ColourOrder) -> None:
        """From `face`, [1, side, side, 3], to the tensor the network takes."""
        inner = side_of(port)
        planes = self.node("Cast", [self.planes_of_pixels("face", order)], to=TensorProto.FLOAT)
        if side % inner == 0 and side != inner:  # each pixel is the mean of a square
            times = [side // inner] * 2
            planes = self.node("AveragePool", [planes], kernel_shape=times, strides=times)
        else:
            planes = self._resized(planes, side, inner, 3)
        planes = self.from_bytes(planes, values, order, TensorProto.FLOAT)
        if port.element_type == TensorProto.UINT8:
            planes = self.node("Add", [planes, self.float(0.5)])
        if port.element_type != TensorProto.FLOAT:
            planes = self.node("Cast", [planes], to=port.element_type)
        self.feed(planes, port)

    def numbers_to(self, port: VectorPort, numbers: str) -> None:
        shaped = self.node("Reshape", [numbers, self.ints([1] * (port.rank - 1) + [port.size])])
        self.node("Cast", [shaped], output=port.name, to=port.element_type)

    def of_length_one(self, numbers: str) -> str:
        """[1, size] over its length."""
        squared = self.node("MatMul", [numbers, self.node("Transpose", [numbers], perm=[1, 0])])
        length = self.node("Max", [self.node("Sqrt", [squared]), self.float(_LEAST_LENGTH)])
        return self.node("Div", [numbers, length])

    def picture_of(self, port: PicturePort, side: int, values: ValueRange) -> str:
        """From what the network gives to planes of 0..255, [1, 3, side, side]."""
        return self._resized(self.to_bytes(self.planes_of(port), values), side_of(port), side, 3)

    def bytes_to(self, output: str, planes: str, order: ColourOrder) -> None:
        """Clip, cut off what is behind the point, and give it as pixels."""
        planes = self.node("Clip", [planes, self.float(0), self.float(255)])
        self.pixels_of_planes(self.node("Cast", [planes], to=TensorProto.UINT8), order, output)

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

    def _resized(self, planes: str, side: int, wanted: int, channels: int) -> str:
        if side == wanted:
            return planes
        sizes = self.ints([1, channels, wanted, wanted])
        return self.node("Resize", [planes, "", "", sizes], mode="linear", coordinate_transformation_mode="half_pixel")


def _picture(name: str, side: int, channels: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.UINT8, [1, side, side, channels])


def _opset(model: onnx.ModelProto) -> int:
    return int(next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")))
