"""The inputs and outputs of a face network: the crop, the other face, its masks, and vectors of numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import onnx

from realtime.core.errors import ModelError, nearest
from realtime.model_import.face.architectures import FaceArchitecture
from realtime.model_import.graph.picture_nodes import FLOATS
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import ELEMENT_TYPES, dimensions, known_shapes, shown_name
from realtime.model_import.hints import ImportHints, Layout
from realtime.models.runtime.onnx_model import RawSession

LEAST_SIDE_PX, MOST_SIDE_PX = 32, 1024
"""Of a face: nobody is known in a smaller one, and a larger one is no live picture."""


@dataclasses.dataclass(frozen=True, slots=True)
class VectorPort:
    """An input or output that is a vector of numbers."""

    name: str
    element_type: int
    """ONNX's number for it, a float."""
    size: int
    rank: int
    """2 for [1, size], 1 for [size]."""


@dataclasses.dataclass(frozen=True, slots=True)
class FacePorts:
    """The ports of a face swapper."""

    input: PicturePort
    output: PicturePort
    masks: tuple[PicturePort, ...]
    """Of the output's side, one channel, 0..1; the face is where all of them are."""
    identity: VectorPort | None
    morph: VectorPort | None
    ignored_outputs: tuple[str, ...]

    @property
    def side_px(self) -> int:
        """Of the crop that the finished model takes and gives: the larger of what goes in and what comes out."""
        return max(side_of(self.input), side_of(self.output))


def side_of(port: PicturePort) -> int:
    return int(port.height)


def find_face_ports(
    model: onnx.ModelProto, hints: ImportHints, architecture: FaceArchitecture, where: str
) -> FacePorts:
    """Return where everything goes. Raises ModelError, one line, for a network that is no face swapper."""
    graph = model.graph
    pictures = [value for value in graph.input if _rank(value) == 4 or len(graph.input) == 1]
    if len(pictures) != 1:
        shown = ", ".join(f"'{shown_name(value.name)}' {list(dimensions(value) or ())}" for value in graph.input)
        raise ModelError(f"{where} takes {shown or 'nothing'}, and a face swapper takes one picture of a face")
    input_port = _picture(
        pictures[0].name, _shape(pictures[0]), pictures[0], hints.layout_in, architecture, "--layout", where
    )
    identity = morph = None
    for value in graph.input:
        if value.name == input_port.name:
            continue
        vector = _vector(value, where)
        if vector.size == 1 and morph is None:
            morph = vector
        elif vector.size > 1 and identity is None:
            identity = vector
        else:
            raise ModelError(
                f"{where} takes '{shown_name(value.name)}' besides a face and whose it shall be, for which there is no "
                "place; export it with that as a constant"
            )
    shapes = _output_shapes(model, input_port, identity, morph, where)
    by_name = {value.name: value for value in graph.output}
    chosen, masks = _chosen(list(by_name), shapes, hints, architecture, where)
    output_port = _picture(
        chosen, shapes[chosen], by_name[chosen], hints.layout_out, architecture, "--output-layout", where
    )
    side = side_of(output_port)
    mask_ports = []
    for name in masks:
        layout = Layout.NHWC if shapes[name][-1] == 1 else Layout.NCHW
        port = PicturePort(name, by_name[name].type.tensor_type.elem_type, shapes[name], layout, "its axis of 1")
        if (port.height, port.width) == (side, side) and port.element_type in FLOATS:
            mask_ports.append(port)
        elif architecture.network == "dfm":
            raise ModelError(f"{where}: its mask '{shown_name(name)}' is {list(shapes[name])}, not {side}x{side}")
    used = {chosen, *(port.name for port in mask_ports)}
    return FacePorts(
        input_port, output_port, tuple(mask_ports), identity, morph, tuple(name for name in by_name if name not in used)
    )


def find_encoder_ports(model: onnx.ModelProto, hints: ImportHints, where: str) -> tuple[PicturePort, VectorPort]:
    """Return where a network takes a face and gives its numbers. Raises ModelError for one that is none."""
    graph = model.graph
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise ModelError(
            f"{where} takes {len(graph.input)} inputs and gives {len(graph.output)}, and a network that tells faces "
            "apart takes a face and gives its numbers (w600k_r50.onnx, say)"
        )
    value = graph.input[0]
    input_port = _picture(value.name, _shape(value), value, hints.layout_in, FaceArchitecture(), "--layout", where)
    shape = _output_shapes(model, input_port, None, None, where)[graph.output[0].name]
    size = int(np.prod(shape))
    if len(shape) not in (1, 2, 4) or size != max(shape) or not 8 <= size <= 8192:
        raise ModelError(
            f"{where} gives {list(shape)}, and a network that tells faces apart gives some hundred numbers "
            "(w600k_r50.onnx, say, gives 512)"
        )
    kind = graph.output[0].type.tensor_type.elem_type
    if kind not in FLOATS:
        raise ModelError(f"{where} gives whole numbers, and those of a face are not; it is made for something else")
    return input_port, VectorPort(graph.output[0].name, kind, size, len(shape))


def find_number_ports(model: onnx.ModelProto, where: str) -> tuple[VectorPort, VectorPort]:
    """Return what a converter takes and gives. Raises ModelError for a network that is none."""
    graph = model.graph
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise ModelError(f"{where} is no converter: it takes {len(graph.input)} inputs and gives {len(graph.output)}")
    return _vector(graph.input[0], where), _vector(graph.output[0], where)


def _rank(value: onnx.ValueInfoProto) -> int:
    return len(dimensions(value) or ())


def _shape(value: onnx.ValueInfoProto) -> tuple[int | str, ...]:
    return dimensions(value) or ()


def _picture(
    name: str,
    shape: tuple[int | str, ...],
    value: onnx.ValueInfoProto,
    hint: Layout | None,
    architecture: FaceArchitecture,
    option: str,
    where: str,
) -> PicturePort:
    shown = f"{where}: '{shown_name(name)}' is {list(shape)}"
    kind = value.type.tensor_type.elem_type
    if kind not in ELEMENT_TYPES:
        raise ModelError(f"{shown} of a type that no picture has; it may be {', '.join(ELEMENT_TYPES.values())}")
    layouts = [layout for layout in Layout if layout.rank == len(shape) and shape[layout.channel_axis] == 3]
    if hint is not None:
        layout, source = hint, f"your {option}"
        if layout not in layouts:
            raise ModelError(f"{shown}, which is no picture as {layout.value}; leave {option} away")
    elif architecture.layout is not None:
        layout, source = architecture.layout, architecture.title
        if layout not in layouts:
            raise ModelError(f"{shown}, and a face of {architecture.title} is [1, side, side, 3]; download it again")
    elif len(layouts) == 1:
        layout, source = layouts[0], "its axis of 3"
    else:
        what = "no picture of three colours" if not layouts else "a picture in more than one way"
        raise ModelError(
            f"{shown}, {what}; a face is [1, 3, side, side] or [1, side, side, 3], with {option} if need be"
        )
    port = PicturePort(name, kind, shape, layout, source)
    if layout.rank == 4 and isinstance(shape[0], int) and shape[0] != 1:
        raise ModelError(f"{shown}: {shape[0]} faces at a time; export it for one")
    if not isinstance(port.height, int) or port.height != port.width:
        raise ModelError(f"{shown}, no square of a fixed size, as a face has; export it for one size")
    if not LEAST_SIDE_PX <= port.height <= MOST_SIDE_PX:
        raise ModelError(f"{shown}; the side of a face may be {LEAST_SIDE_PX} to {MOST_SIDE_PX} pixels")
    return port


def _vector(value: onnx.ValueInfoProto, where: str) -> VectorPort:
    shape, kind = _shape(value), value.type.tensor_type.elem_type
    shown = f"{where}: '{shown_name(value.name)}' is {list(shape)}"
    if kind not in FLOATS:
        raise ModelError(f"{shown} of a type that is no float; a face is told by floats")
    sides = shape[1:] if len(shape) > 1 else shape
    if len(shape) not in (1, 2) or not all(isinstance(side, int) for side in sides):
        raise ModelError(f"{shown}; whose face it shall be is [1, some hundred], how far is [1]")
    size = 1
    for side in sides:
        size *= int(side)
    return VectorPort(value.name, kind, size, len(shape))


def _output_shapes(
    model: onnx.ModelProto, input_port: PicturePort, identity: VectorPort | None, morph: VectorPort | None, where: str
) -> dict[str, tuple[int, ...]]:
    """Return what is stated, with 1 for a free batch; where more is free, what a run on grey gives."""
    stated = {value.name: _shape(value) for value in model.graph.output}
    if not all(_is_stated(shape) for shape in stated.values()):
        stated |= {name: shape for name, shape in known_shapes(model).items() if name in stated}
    if all(_is_stated(shape) for shape in stated.values()):
        return {
            name: (shape[0] if isinstance(shape[0], int) else 1, *(int(side) for side in shape[1:]))
            for name, shape in stated.items()
        }
    sides = [side if isinstance(side, int) else 1 for side in input_port.shape]
    inputs = {input_port.name: np.full(sides, 0.5, ELEMENT_TYPES[input_port.element_type])}
    for vector in (identity, morph):
        if vector is not None:
            shape = (1,) * (vector.rank - 1) + (vector.size,)
            inputs[vector.name] = np.full(shape, 0.5, FLOATS[vector.element_type])
    outputs = RawSession(model.SerializeToString(), where).run(inputs)
    return {name: tuple(array.shape) for name, array in outputs.items()}


def _is_stated(shape: tuple[int | str, ...]) -> bool:
    return bool(shape) and all(isinstance(side, int) for side in shape[1:])


def _chosen(
    names: list[str], shapes: dict[str, tuple[int, ...]], hints: ImportHints, architecture: FaceArchitecture, where: str
) -> tuple[str, list[str]]:
    """Return the output that is the face, and those that are masks."""
    listed = "; ".join(f"'{shown_name(name)}' {list(shapes[name])}" for name in names)
    if architecture.network == "dfm":
        # As DeepFaceLive unpacks them: the viewer's mask, the face, the face's mask.
        if [shapes[name][-1] for name in names] != [1, 3, 1]:
            raise ModelError(f"{where} gives {listed}, and a DFM file gives a mask, a face and its mask; it is none")
        return names[1], [names[0], names[2]]
    if hints.output:
        fitting = [name for name in names if shown_name(name) == hints.output]
        if not fitting:
            known = [shown_name(name) for name in names]
            raise ModelError(f"{where} has no output '{hints.output}'{nearest(hints.output, known)}; it has: {known}")
    else:
        fitting = [name for name in names if len(shapes[name]) in (3, 4) and 3 in (shapes[name][-1], shapes[name][-3])]
    if len(fitting) != 1:
        words = [shown_name(name) for name in fitting]
        advice = f"say which is the face with --output {' or '.join(words)}" if words else "it is no face swapper"
        raise ModelError(f"{where} gives {listed}; {advice}")
    if architecture.is_known:  # what their own programs do not look at
        return fitting[0], []
    masks = [name for name in names if len(shapes[name]) == 4 and 1 in (shapes[name][-1], shapes[name][1])]
    return fitting[0], [name for name in masks if name != fitting[0]]
