"""Adapts generators to the contract: a code in, uint8 BGR out; two codes and truncation where it has a style."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, version_converter

from realtime.model_import.generator.ports import CodePort, layers_of
from realtime.model_import.graph.picture_nodes import PictureWriter, set_inputs_and_outputs
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import prune, replace
from realtime.model_import.hints import ColourOrder, ValueRange

_MAPPING, _AGAIN = "mapping/", "again/"


def adapted_generator(
    model: onnx.ModelProto, code: CodePort, picture: PicturePort, values: ValueRange, order: ColourOrder
) -> onnx.ModelProto:
    """Turn a generator of one file, in place, into a model that takes `z` and gives `face_out`, and return it."""
    prune(model, [picture.name])
    writer = _GeneratorWriter(model.graph)
    writer.code_to(code, "z")
    head = writer.new_nodes()
    writer.drawn(picture, values, order)
    return set_inputs_and_outputs(model, head, writer.new_nodes(), [_floats("z", code.size)], [_square(picture)])


def joined_generator(
    mapping: onnx.ModelProto,
    taken: CodePort,
    given: CodePort,
    synthesis: onnx.ModelProto,
    style: CodePort,
    picture: PicturePort,
    mean: NDArray[np.float32],
    values: ValueRange,
    order: ColourOrder,
) -> onnx.ModelProto:
    """Return one model of a mapping and a synthesis, which takes `truncation` besides, and `fine` and `layers` where
    the style goes to several layers. `mean`: of the styles, (size,). Raises whatever ONNX's own tools do.
    """
    opset = max(map(_opset, (mapping, synthesis)))
    mapping, synthesis = (
        model if _opset(model) == opset else version_converter.convert_version(model, opset)
        for model in (mapping, synthesis)
    )
    whole = onnx.ModelProto()
    whole.CopyFrom(synthesis)
    prune(whole, [picture.name])
    layers = [] if style.layers else layers_of(whole, style)
    count = style.layers or len(layers)
    writer = _GeneratorWriter(whole.graph)
    first = writer.mapped(mapping, taken, given, "z", _MAPPING)
    inputs = [_floats("z", taken.size), helper.make_tensor_value_info("truncation", TensorProto.FLOAT, [1])]
    if count > 1:
        second = writer.mapped(mapping, taken, given, "fine", _AGAIN)
        inputs += [_floats("fine", taken.size), _floats("layers", count)]
        share = writer.node("Reshape", ["layers", writer.ints([1, count, 1])])
        first = writer.node("Add", [first, writer.node("Mul", [share, writer.node("Sub", [second, first])])])
    middle = writer.constant(mean.reshape(1, 1, -1))
    nearer = writer.node("Mul", [writer.node("Sub", [first, middle]), "truncation"])
    styles = writer.node("Add", [nearer, middle])  # [1, 1 or count, size]
    writer.styles_to(whole.graph.node, style, layers, styles)
    head = writer.new_nodes()
    writer.drawn(picture, values, order)
    return set_inputs_and_outputs(whole, head, writer.new_nodes(), inputs, [_square(picture)])


class _GeneratorWriter(PictureWriter):
    def code_to(self, port: CodePort, code: str) -> None:
        shaped = self.node("Reshape", [code, self.ints(port.shape)])
        self.node("Cast", [shaped], output=port.name, to=port.element_type)

    def mapped(self, mapping: onnx.ModelProto, taken: CodePort, given: CodePort, code: str, prefix: str) -> str:
        """Write a mapping behind `code`; return its style, float32 [1, 1 or layers, size]. Its weights come in once."""
        renamed = compose.add_prefix(mapping, prefix, rename_initializers=False)
        known = {tensor.name for tensor in self.graph.initializer}
        weights = compose.add_prefix(mapping, _MAPPING, rename_nodes=False).graph.initializer
        self.graph.initializer.extend(tensor for tensor in weights if tensor.name not in known)
        own = {tensor.name: f"{_MAPPING}{tensor.name}" for tensor in mapping.graph.initializer}
        shaped = self.node("Reshape", [code, self.ints(taken.shape)])
        self.node("Cast", [shaped], output=f"{prefix}{taken.name}", to=taken.element_type)
        for node in renamed.graph.node:
            replace(node.input, [own.get(name, name) for name in node.input])
        self._nodes.extend(renamed.graph.node)
        style = self.node("Reshape", [f"{prefix}{given.name}", self.ints([1, given.layers or 1, given.size])])
        return self.node("Cast", [style], to=TensorProto.FLOAT)

    def styles_to(
        self, nodes: Sequence[onnx.NodeProto], port: CodePort, layers: list[list[tuple[int, int]]], styles: str
    ) -> None:
        """Give each layer its own style where there are several, all of them the one where there are none."""
        if port.layers:
            full = self.node("Expand", [styles, self.ints([1, port.layers, port.size])])
            self.node("Cast", [full], output=port.name, to=port.element_type)
            return
        if len(layers) < 2:
            self.code_to(port, styles)
            return
        for number, users in enumerate(layers):
            one = self.node("Gather", [styles, self.ints([number])], axis=1)
            shaped = self.node("Reshape", [one, self.ints(port.shape)])
            cast = self.node("Cast", [shaped], to=port.element_type)
            for node, place in users:
                nodes[node].input[place] = cast

    def drawn(self, port: PicturePort, values: ValueRange, order: ColourOrder) -> None:
        planes = self.to_bytes(self.planes_of(port), values, 0.5)
        planes = self.node("Clip", [planes, self.float(0), self.float(255)])
        self.pixels_of_planes(self.node("Cast", [planes], to=TensorProto.UINT8), order, "face_out")


def _floats(name: str, size: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])


def _square(port: PicturePort) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info("face_out", TensorProto.UINT8, [1, int(port.height), int(port.width), 3])


def _opset(model: onnx.ModelProto) -> int:
    return next(int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
