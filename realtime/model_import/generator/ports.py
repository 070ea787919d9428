"""What a generator takes and gives, and where in it its style goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import onnx

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.model_import.graph.picture_nodes import FLOATS
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import ELEMENT_TYPES, GraphView, dimensions, known_shapes, shown_name
from realtime.model_import.hints import ImportHints, Layout

LEAST_LATENT, MOST_LATENT = 2, 16384
LEAST_SIDE_PX, MOST_SIDE_PX = 16, 2048
_MOST_LAYERS = 64
"""StyleGAN at 1024×1024 has 18, MobileStyleGAN 23."""
Shape = tuple[int | str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class CodePort:
    """A latent code, or one for each layer: [1, size], [1, size, 1, 1] or [1, layers, size]."""

    name: str
    element_type: int
    size: int
    layers: int
    """0 where all layers have the same."""
    rank: int

    @property
    def shape(self) -> list[int]:
        if self.layers:
            return [1, self.layers, self.size]
        return [1, self.size, *[1] * (self.rank - 2)]

    def __str__(self) -> str:
        return f"'{shown_name(self.name)}' {self.shape}"


def is_code(shape: Shape) -> bool:
    """Tell whether a tensor of this shape is a latent code for one picture."""
    if len(shape) not in (2, 4) or not isinstance(shape[1], int) or shape[2:] not in ((), (1, 1)):
        return False
    return LEAST_LATENT <= shape[1] <= MOST_LATENT and (shape[0] == 1 or isinstance(shape[0], str))


def code_in(model: onnx.ModelProto, where: str) -> CodePort:
    """Return the code that a network takes. Raises ModelError for one that takes something else, or more."""
    taken = [(value.name, value.type.tensor_type.elem_type, dimensions(value) or ()) for value in model.graph.input]
    if len(taken) != 1:
        shown = ", ".join(f"'{shown_name(name)}' {list(shape)}" for name, _unused, shape in taken) or "nothing"
        raise ModelError(
            _(
                "{where} takes {shown}, and a generator takes one latent code; export it with the rest fixed",
                where=where,
                shown=shown,
            )
        )
    return _code(*taken[0], where)


def code_out(model: onnx.ModelProto, where: str) -> CodePort:
    """Return the code that a mapping gives. Raises ModelError for what is none."""
    (value,) = model.graph.output
    shape = dimensions(value) or ()
    if not all(isinstance(side, int) for side in shape[1:]) or not shape:
        shape = known_shapes(model).get(value.name, shape)
    return _code(value.name, value.type.tensor_type.elem_type, shape, where)


def gives_picture(model: onnx.ModelProto) -> bool:
    """Tell whether a network gives pictures and no codes."""
    shapes = known_shapes(model) | {value.name: dimensions(value) or () for value in model.graph.output}
    return any(len(shapes[value.name]) == 4 and 3 in shapes[value.name][1:] for value in model.graph.output)


def _code(name: str, element_type: int, shape: Shape, where: str) -> CodePort:
    shown = _("{where}: '{name}' is {shape}", where=where, name=shown_name(name), shape=list(shape))
    if element_type not in FLOATS:
        raise ModelError(_("{shown} of a type that is no float; a latent code is made of floats", shown=shown))
    if len(shape) == 3 and all(isinstance(side, int) for side in shape[1:]):
        layers, size = int(shape[1]), int(shape[2])
        if 1 <= layers <= _MOST_LAYERS and LEAST_LATENT <= size <= MOST_LATENT:
            return CodePort(name, element_type, size, layers, 3)
    if not is_code(shape):
        raise ModelError(
            _("{shown}; a latent code is [1, some hundred numbers]: export it for one picture at a time", shown=shown)
        )
    return CodePort(name, element_type, int(shape[1]), 0, len(shape))


def picture_out(model: onnx.ModelProto, hints: ImportHints, where: str) -> PicturePort:
    """Return the picture that a generator draws. Raises ModelError where it draws none, or of no one size."""
    shapes = known_shapes(model)
    found = []
    for value in model.graph.output:
        shape = dimensions(value) or ()
        if not all(isinstance(side, int) for side in shape[1:]) or not shape:
            shape = shapes.get(value.name, shape)
        if len(shape) == 4 and 3 in (shape[1], shape[3]) and hints.output in ("", shown_name(value.name)):
            found.append((value, shape))
    if len(found) != 1:
        names = ", ".join(f"'{shown_name(value.name)}' {list(dimensions(value) or ())}" for value in model.graph.output)
        advice = _("say which with --output NAME") if found else _("a generator gives a picture of three colours")
        raise ModelError(_("{where} gives {names}; {advice}", where=where, names=names, advice=advice))
    value, shape = found[0]
    layouts = [layout for layout in (Layout.NCHW, Layout.NHWC) if shape[layout.channel_axis] == 3]
    layout = hints.layout_out if hints.layout_out in layouts else layouts[0]
    kind = value.type.tensor_type.elem_type
    shown = _("{where}: '{name}' is {shape}", where=where, name=shown_name(value.name), shape=list(shape))
    if kind not in ELEMENT_TYPES:
        raise ModelError(
            _(
                "{shown} of a type that no picture has; it may be {types}",
                shown=shown,
                types=", ".join(ELEMENT_TYPES.values()),
            )
        )
    port = PicturePort(
        value.name, kind, shape, layout, _("your --output-layout") if hints.layout_out else _("its axis of 3")
    )
    if isinstance(shape[0], int) and shape[0] != 1:
        raise ModelError(_("{shown}: {shape} pictures at a time; export it for one", shown=shown, shape=shape[0]))
    if not isinstance(port.height, int) or port.height != port.width:
        raise ModelError(_("{shown}, no square of one size; export it for one", shown=shown))
    if not LEAST_SIDE_PX <= port.height <= MOST_SIDE_PX:
        raise ModelError(
            _(
                "{shown}; the side of a picture may be {least_side_px} to {most_side_px} pixels",
                shown=shown,
                least_side_px=LEAST_SIDE_PX,
                most_side_px=MOST_SIDE_PX,
            )
        )
    return port


def layers_of(model: onnx.ModelProto, port: CodePort) -> list[list[tuple[int, int]]]:
    """Return where a network uses its one style: for each layer, coarsest first, (node, which of its inputs).

    The more comes after a use, the earlier it is in the picture's way, and so the coarser what it decides.
    """
    view = GraphView(model.graph)
    users = [
        (number, place)
        for number, node in enumerate(model.graph.node)
        for place, name in enumerate(node.input)
        if name == port.name
    ]
    if not 2 <= len(users) <= _MOST_LAYERS:
        return [users]
    after = {number: len(view.reached_from(model.graph.node[number].output[0])) for number, _ in users}
    return [[user] for user in sorted(users, key=lambda user: -after[user[0]])]


def takes_a_code(inputs: Mapping[str, Shape]) -> bool:
    """Tell a generator by its inputs alone."""
    return len(inputs) == 1 and is_code(next(iter(inputs.values())))
