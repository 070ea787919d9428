"""Writes a TensorFlow Lite network as an ONNX graph, for ONNX Runtime: some 20 ms for a face detector.

Between the operators pictures lie as ONNX has them, (1, channels, height, width); what goes in and what comes out keeps
TensorFlow's order. The graph itself brings a picture's bytes into the range that the network knows, so that Python
touches no pixel.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from realtime.core.language import _
from realtime.models import onnx_writer
from realtime.models.tflite import Network, Op, Operator, UnreadableError

INPUT = "picture"
"""uint8 (1, side, side, 3), RGB."""
_SAME, _RELU = 0, 1
"""TensorFlow Lite's numbers for a padding that keeps the size, and for an activation."""


def to_onnx(network: Network, least: float) -> bytes:
    """Return the model. What the network is shown goes from `least` (a byte of 0) to 1 (255). Its outputs are named by
    their last side: `16` and `1` for a face detector.

    Raises UnreadableError for a network that needs an operator in a way that is not known here.
    """
    return _Writer(network, least).model()


class _Writer:
    def __init__(self, network: Network, least: float) -> None:
        self._network = network
        self._least = least
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def model(self) -> bytes:
        (source,) = self._network.inputs
        self._take_picture(source)
        write: Mapping[Op, Callable[[Operator], None]] = {
            Op.ADD: self._add,
            Op.AVERAGE_POOL_2D: self._average_pool,
            Op.CONCATENATION: self._concatenate,
            Op.CONV_2D: self._convolve,
            Op.CUSTOM: self._convolve_transposed,
            Op.DEPTHWISE_CONV_2D: self._convolve,
            Op.DEPTH_TO_SPACE: self._depth_to_space,
            Op.HARD_SWISH: self._hard_swish,
            Op.LOGISTIC: self._logistic,
            Op.MAX_POOL_2D: self._max_pool,
            Op.MEAN: self._mean,
            Op.MUL: self._multiply,
            Op.PAD: self._pad,
            Op.PRELU: self._prelu,
            Op.RELU: self._relu,
            Op.RESHAPE: self._reshape,
            Op.RESIZE_BILINEAR: self._resize,
        }
        for operator in self._network.operators:
            write[operator.op](operator)
        shapes = self._network.shapes
        for number in self._network.outputs:
            if len(shapes[number]) == 4:
                self._node("Transpose", [self._name(number)], str(shapes[number][-1]), perm=(0, 2, 3, 1))
        outputs = [
            onnx_writer.port(str(shapes[number][-1]), "float32", shapes[number]) for number in self._network.outputs
        ]
        picture = onnx_writer.port(INPUT, "uint8", shapes[source])
        return onnx_writer.model(self._nodes, self._constants, [picture], outputs)

    def _take_picture(self, source: int) -> None:
        name = self._name(source)
        self._node("Cast", [INPUT], f"{name}_float", to=1)
        self._node("Transpose", [f"{name}_float"], f"{name}_planes", perm=(0, 3, 1, 2))
        share = self._constant(f"{name}_share", np.full((), (1 - self._least) / 255, np.float32))
        if self._least == 0:
            self._node("Mul", [f"{name}_planes", share], name)
            return
        self._node("Mul", [f"{name}_planes", share], f"{name}_scaled")
        least = self._constant(f"{name}_least", np.full((), self._least, np.float32))
        self._node("Add", [f"{name}_scaled", least], name)

    def _add(self, step: Operator) -> None:
        names = [self._name(number) for number in step.inputs]
        self._activated(step, step.option(0, "b"), "Add", names)

    def _multiply(self, step: Operator) -> None:
        self._activated(step, step.option(0, "b"), "Mul", [self._name(number) for number in step.inputs])

    def _average_pool(self, step: Operator) -> None:
        if (step.option(4), step.option(3)) != tuple(self._network.shapes[step.inputs[0]][1:3]):
            raise UnreadableError(_("it averages over parts of a picture"))
        self._activated(step, step.option(5, "b"), "GlobalAveragePool", [self._name(step.inputs[0])])

    def _mean(self, step: Operator) -> None:
        source, axes = step.inputs
        if self._network.constants[axes].tolist() != [1, 2] or len(self._network.shapes[step.output]) != 4:
            raise UnreadableError(_("it averages over something other than a picture"))
        self._node("GlobalAveragePool", [self._name(source)], self._name(step.output))

    def _hard_swish(self, step: Operator) -> None:
        self._node("HardSwish", [self._name(step.inputs[0])], self._name(step.output))

    def _logistic(self, step: Operator) -> None:
        self._node("Sigmoid", [self._name(step.inputs[0])], self._name(step.output))

    def _concatenate(self, step: Operator) -> None:
        # Of lists that are flattened already, (1, count, values): the order of the sides is TensorFlow's there.
        if any(len(self._network.shapes[number]) != 3 for number in step.inputs) or step.option(0) != 1:
            raise UnreadableError(_("it concatenates pictures"))
        self._node("Concat", [self._name(number) for number in step.inputs], self._name(step.output), axis=1)

    def _convolve(self, step: Operator) -> None:
        source, weight_number, bias_number = step.inputs
        each = step.op is Op.DEPTHWISE_CONV_2D
        weights = np.asarray(self._network.constants[weight_number], np.float32)
        weights = weights.transpose(3, 0, 1, 2) if each else weights.transpose(0, 3, 1, 2)
        bias = np.asarray(self._network.constants[bias_number], np.float32)
        strides, kernel = (step.option(2), step.option(1)), weights.shape[2:]
        pads = (0, 0, 0, 0)
        if step.option(0, "b") == _SAME:
            pads = _same_padding(self._network.shapes[source][1:3], kernel, strides)
        name = self._name(step.output)
        inputs = [self._name(source), self._constant(f"{name}_w", weights), self._constant(f"{name}_b", bias)]
        activation = step.option(4 if each else 3, "b")
        group = weights.shape[0] if each else 1
        self._activated(step, activation, "Conv", inputs, kernel_shape=kernel, strides=strides, pads=pads, group=group)

    def _convolve_transposed(self, step: Operator) -> None:
        source, weight_number, bias_number = step.inputs
        weights = np.asarray(self._network.constants[weight_number], np.float32).transpose(3, 0, 1, 2)
        _unused, width, height = struct.unpack_from("<3i", step.custom_options)
        if weights.shape[2:] != (height, width):
            raise UnreadableError(_("what it makes of neighbouring pixels overlaps"))
        name = self._name(step.output)
        bias = np.asarray(self._network.constants[bias_number], np.float32)
        inputs = [self._name(source), self._constant(f"{name}_w", weights), self._constant(f"{name}_b", bias)]
        self._node("ConvTranspose", inputs, name, kernel_shape=(height, width), strides=(height, width))

    def _depth_to_space(self, step: Operator) -> None:
        name, source = self._name(step.output), self._name(step.inputs[0])
        self._node("DepthToSpace", [source], name, blocksize=step.option(0), mode="DCR")

    def _max_pool(self, step: Operator) -> None:
        if step.option(0, "b") == _SAME and any(side % 2 for side in self._network.shapes[step.inputs[0]][1:3]):
            raise UnreadableError(_("it pools odd sides"))
        kernel, strides = (step.option(4), step.option(3)), (step.option(2), step.option(1))
        self._activated(
            step, step.option(5, "b"), "MaxPool", [self._name(step.inputs[0])], kernel_shape=kernel, strides=strides
        )

    def _pad(self, step: Operator) -> None:
        source, amounts_number = step.inputs
        amounts = self._network.constants[amounts_number][[0, 3, 1, 2]]
        name = self._name(step.output)
        pads = self._constant(f"{name}_pads", np.asarray(amounts.T.reshape(-1), np.int64))
        self._node("Pad", [self._name(source), pads], name)

    def _prelu(self, step: Operator) -> None:
        """Write x where it is positive and a·x elsewhere as a·x + (1 - a)·max(x, 0), each factor a 1×1 convolution of
        its channel alone.

        ONNX Runtime keeps pictures in blocks of channels between convolutions, and its own PRelu is not among what it
        can do there: with it the face mesh takes 3.5 ms, as it does in OpenCV, and 1.4 ms so.
        """
        source, slope_number = step.inputs
        slopes = np.asarray(self._network.constants[slope_number], np.float32).reshape(-1, 1, 1, 1)
        if slopes.size != self._network.shapes[source][-1]:
            raise UnreadableError(_("its slopes differ from place to place"))
        name, channels = self._name(step.output), slopes.size
        linear = self._constant(f"{name}_a", slopes)
        rest = self._constant(f"{name}_rest", 1 - slopes)
        self._node("Conv", [self._name(source), linear], f"{name}_linear", kernel_shape=(1, 1), group=channels)
        self._node("Relu", [self._name(source)], f"{name}_relu")
        self._node("Conv", [f"{name}_relu", rest], f"{name}_positive", kernel_shape=(1, 1), group=channels)
        self._node("Add", [f"{name}_linear", f"{name}_positive"], name)

    def _relu(self, step: Operator) -> None:
        self._node("Relu", [self._name(step.inputs[0])], self._name(step.output))

    def _reshape(self, step: Operator) -> None:
        name = self._name(step.output)
        self._node("Transpose", [self._name(step.inputs[0])], f"{name}_rows", perm=(0, 2, 3, 1))
        shape = self._constant(f"{name}_shape", np.array(self._network.shapes[step.output], np.int64))
        self._node("Reshape", [f"{name}_rows", shape], name)

    def _resize(self, step: Operator) -> None:
        aligned, half_pixel = step.option(2, "b"), step.option(3, "b")
        if aligned or not half_pixel:
            raise UnreadableError(_("it enlarges pictures by another rule"))
        name = self._name(step.output)
        _unused, height, width, channels = self._network.shapes[step.output]
        sizes = self._constant(f"{name}_sizes", np.array((1, channels, height, width), np.int64))
        how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        self._node("Resize", [self._name(step.inputs[0]), "", "", sizes], name, **how)

    def _activated(
        self, step: Operator, activation: int, operator: str, inputs: list[str], **options: onnx_writer.AttributeValue
    ) -> None:
        """Write an operator and the activation that TensorFlow Lite keeps within it."""
        name = self._name(step.output)
        if activation == 0:
            self._node(operator, inputs, name, **options)
        elif activation == _RELU:
            self._node(operator, inputs, f"{name}_linear", **options)
            self._node("Relu", [f"{name}_linear"], name)
        else:
            raise UnreadableError(_("it has an activation of number {activation}", activation=activation))

    def _name(self, number: int) -> str:
        if number in self._network.outputs and len(self._network.shapes[number]) != 4:
            return str(self._network.shapes[number][-1])
        return f"t{number}"

    def _node(self, operator: str, inputs: list[str], output: str, **options: onnx_writer.AttributeValue) -> None:
        self._nodes.append(onnx_writer.node(operator, inputs, output, **options))

    def _constant(self, name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        self._constants.append(onnx_writer.constant(name, values))
        return name


def _same_padding(
    size: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return TensorFlow's padding, top, left, bottom, right: the odd pixel lies at the end."""
    whole = [
        max((-(-side // stride) - 1) * stride + reach - side, 0)
        for side, reach, stride in zip(size, kernel, strides, strict=True)
    ]
    before = [amount // 2 for amount in whole]
    return before[0], before[1], whole[0] - before[0], whole[1] - before[1]
