"""The inputs and outputs of a face network: the crop, the other face, its masks, and vectors of numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import onnx

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.model_import.face.architectures import FaceArchitecture
from realtime.model_import.graph.picture_nodes import FLOATS
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import ELEMENT_TYPES, dimensions, known_shapes, no_such_output, shown_name
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
    """Return the side of a port's square picture, pixels."""
    return int(port.height)


def find_face_ports(
    model: onnx.ModelProto, hints: ImportHints, architecture: FaceArchitecture, where: str
) -> FacePorts:
    """Return where everything goes. Raises ModelError, one line, for a network that is no face swapper."""
    graph = model.graph
    pictures = [value for value in graph.input if _rank(value) == 4 or len(graph.input) == 1]
    if len(pictures) != 1:
        shown = ", ".join(f"'{shown_name(value.name)}' {list(dimensions(value) or ())}" for value in graph.input)
        raise ModelError(
            _(
                "{where} takes {shown}, and a face swapper takes one picture of a face",
                where=where,
                shown=shown or "nothing",
            )
        )
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
                _(
                    "{where} takes '{name}' besides a face and whose it shall be, for which there is no "
                    "place; export it with that as a constant",
                    where=where,
                    name=shown_name(value.name),
                )
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
        port = PicturePort(name, by_name[name].type.tensor_type.elem_type, shapes[name], layout, _("its axis of 1"))
        if (port.height, port.width) == (side, side) and port.element_type in FLOATS:
            mask_ports.append(port)
        elif architecture.network == "dfm":
            raise ModelError(
                _(
                    "{where}: its mask '{name}' is {shapes}, not {side}x{side}",
                    where=where,
                    name=shown_name(name),
                    shapes=list(shapes[name]),
                    side=side,
                )
            )
    used = {chosen, *(port.name for port in mask_ports)}
    return FacePorts(
        input_port, output_port, tuple(mask_ports), identity, morph, tuple(name for name in by_name if name not in used)
    )


def find_encoder_ports(model: onnx.ModelProto, hints: ImportHints, where: str) -> tuple[PicturePort, VectorPort]:
    """Return where a network takes a face and gives its numbers. Raises ModelError for one that is none."""
    graph = model.graph
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise ModelError(
            _(
                "{where} takes {count} inputs and gives {outputs}, and a network that tells faces apart "
                "takes a face and gives its numbers (w600k_r50.onnx, say)",
                where=where,
                count=len(graph.input),
                outputs=len(graph.output),
            )
        )
    value = graph.input[0]
    input_port = _picture(value.name, _shape(value), value, hints.layout_in, FaceArchitecture(), "--layout", where)
    shape = _output_shapes(model, input_port, None, None, where)[graph.output[0].name]
    size = int(np.prod(shape))
    if len(shape) not in (1, 2, 4) or size != max(shape) or not 8 <= size <= 8192:
        raise ModelError(
            _(
                "{where} gives {shape}, and a network that tells faces apart gives some hundred numbers "
                "(w600k_r50.onnx, say, gives 512)",
                where=where,
                shape=list(shape),
            )
        )
    kind = graph.output[0].type.tensor_type.elem_type
    if kind not in FLOATS:
        raise ModelError(
            _("{where} gives whole numbers, and those of a face are not; it is made for something else", where=where)
        )
    return input_port, VectorPort(graph.output[0].name, kind, size, len(shape))


def find_number_ports(model: onnx.ModelProto, where: str) -> tuple[VectorPort, VectorPort]:
    """Return what a converter takes and gives. Raises ModelError for a network that is none."""
    graph = model.graph
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise ModelError(
            _(
                "{where} is no converter: it takes {count} inputs and gives {outputs}",
                where=where,
                count=len(graph.input),
                outputs=len(graph.output),
            )
        )
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
    shown = _("{where}: '{name}' is {shape}", where=where, name=shown_name(name), shape=list(shape))
    kind = value.type.tensor_type.elem_type
    if kind not in ELEMENT_TYPES:
        raise ModelError(
            _(
                "{shown} of a type that no picture has; it may be {types}",
                shown=shown,
                types=", ".join(ELEMENT_TYPES.values()),
            )
        )
    layout, source = _layout_of(shape, hint, architecture, option, shown)
    port = PicturePort(name, kind, shape, layout, source)
    if layout.rank == 4 and isinstance(shape[0], int) and shape[0] != 1:
        raise ModelError(_("{shown}: {shape} faces at a time; export it for one", shown=shown, shape=shape[0]))
    if not isinstance(port.height, int) or port.height != port.width:
        raise ModelError(_("{shown}, no square of a fixed size, as a face has; export it for one size", shown=shown))
    if not LEAST_SIDE_PX <= port.height <= MOST_SIDE_PX:
        raise ModelError(
            _(
                "{shown}; the side of a face may be {least_side_px} to {most_side_px} pixels",
                shown=shown,
                least_side_px=LEAST_SIDE_PX,
                most_side_px=MOST_SIDE_PX,
            )
        )
    return port


def _layout_of(
    shape: tuple[int | str, ...], hint: Layout | None, architecture: FaceArchitecture, option: str, shown: str
) -> tuple[Layout, str]:
    """Return the order of a picture's axes, and where it is known from. `option`: by which the user may say it;
    `shown`: how messages begin. Raises ModelError where it cannot be, or cannot be told.
    """
    layouts = [layout for layout in Layout if layout.rank == len(shape) and shape[layout.channel_axis] == 3]
    if hint is not None:
        if hint not in layouts:
            raise ModelError(
                _(
                    "{shown}, which is no picture as {layout}; leave {option} away",
                    shown=shown,
                    layout=hint.value,
                    option=option,
                )
            )
        return hint, _("your {option}", option=option)
    if architecture.layout is not None:
        if architecture.layout not in layouts:
            raise ModelError(
                _(
                    "{shown}, and a face of {title} is [1, side, side, 3]; download it again",
                    shown=shown,
                    title=architecture.title,
                )
            )
        return architecture.layout, architecture.title
    if len(layouts) == 1:
        return layouts[0], _("its axis of 3")
    what = _("no picture of three colours") if not layouts else _("a picture in more than one way")
    raise ModelError(
        _(
            "{shown}, {what}; a face is [1, 3, side, side] or [1, side, side, 3], with {option} if need be",
            shown=shown,
            what=what,
            option=option,
        )
    )


def _vector(value: onnx.ValueInfoProto, where: str) -> VectorPort:
    shape, kind = _shape(value), value.type.tensor_type.elem_type
    shown = _("{where}: '{name}' is {shape}", where=where, name=shown_name(value.name), shape=list(shape))
    if kind not in FLOATS:
        raise ModelError(_("{shown} of a type that is no float; a face is told by floats", shown=shown))
    sides = shape[1:] if len(shape) > 1 else shape
    if len(shape) not in (1, 2) or not all(isinstance(side, int) for side in sides):
        raise ModelError(_("{shown}; whose face it shall be is [1, some hundred], how far is [1]", shown=shown))
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
            raise ModelError(
                _(
                    "{where} gives {listed}, and a DFM file gives a mask, a face and its mask; it is none",
                    where=where,
                    listed=listed,
                )
            )
        return names[1], [names[0], names[2]]
    if hints.output:
        fitting = [name for name in names if shown_name(name) == hints.output]
        if not fitting:
            raise no_such_output(hints.output, names, where)
    else:
        fitting = [name for name in names if len(shapes[name]) in (3, 4) and 3 in (shapes[name][-1], shapes[name][-3])]
    if len(fitting) != 1:
        words = [shown_name(name) for name in fitting]
        advice = (
            _("say which is the face with --output {words}", words=" or ".join(words))
            if words
            else _("it is no face swapper")
        )
        raise ModelError(_("{where} gives {listed}; {advice}", where=where, listed=listed, advice=advice))
    if architecture.is_known:  # what their own programs do not look at
        return fitting[0], []
    masks = [name for name in names if len(shapes[name]) == 4 and 1 in (shapes[name][-1], shapes[name][1])]
    return fitting[0], [name for name in masks if name != fitting[0]]
