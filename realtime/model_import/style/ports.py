"""The picture's input and output in a graph; and what a file is for that is no style model."""

from __future__ import annotations

import onnx

from realtime.core.errors import ModelError, nearest
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import ELEMENT_TYPES, GraphView, attribute, dimensions, known_shapes, shown_name
from realtime.model_import.hints import ImportHints, Layout
from realtime.models.contract import MOST_PX

_LEAST_PICTURE_PX = 16
LEAST_SIDE_PX = 64
"""A network that takes only smaller pictures (digits, icons) cannot repaint a frame."""


# Names that files for other effects carry, each with what such a file is. Every word must be among the file's inputs.
_SIGNATURES: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"in_face"}), "a DFM face model of DeepFaceLive: add it with --kind swap"),
    (frozenset({"source", "target"}), "a face swapper (inswapper and its like): add it with --kind swap"),
    (frozenset({"in_src", "in_drv"}), "a face animator (LIA), which needs a photo and a driver; it cannot be added"),
    (frozenset({"feature_3d"}), "a part of LivePortrait, which needs several files at once; it cannot be added"),
    (frozenset({"feature_volume"}), "a part of LivePortrait, which needs several files at once; it cannot be added"),
    (frozenset({"kp_source"}), "a part of a face animator (first-order motion); it cannot be added"),
    (frozenset({"morph_value"}), "a DFM face model of DeepFaceLive: add it with --kind swap"),
)


def find_ports(
    model: onnx.ModelProto, hints: ImportHints, where: str
) -> tuple[PicturePort, PicturePort, tuple[str, ...]]:
    """Return the picture's input and output, and the names of the outputs that are ignored.

    Raises ModelError, one line, for a file that is no style model, or whose layout the user must say.
    """
    graph = model.graph
    _refuse_other_kinds(graph, where)
    source = graph.input[0]
    shape = dimensions(source)
    _check_element(source, where)
    layout, layout_source = _layout(graph, source.name, shape, hints.layout_in, "--layout", where)
    shape = tuple(shape or ("?",) * layout.rank)
    if len(shape) != layout.rank:
        raise ModelError(
            f"{where}: its input '{shown_name(source.name)}' has {len(shape)} axes, and {layout.value} has "
            f"{layout.rank}"
        )
    input_port = PicturePort(source.name, source.type.tensor_type.elem_type, shape, layout, layout_source)
    _check_input(input_port, where)
    output_port, ignored = _output(model, hints, input_port, where)
    return input_port, output_port, ignored


def _refuse_other_kinds(graph: onnx.GraphProto, where: str) -> None:
    names = {value.name.partition(":")[0] for value in graph.input}
    for words, what in _SIGNATURES:
        if words <= names:
            raise ModelError(f"{where} is {what}")
    if not graph.input:
        raise ModelError(f"{where} takes no input at all, so it cannot repaint a picture")
    if len(graph.input) == 1:
        return
    listed = ", ".join(f"'{shown_name(value.name)}'" for value in graph.input)
    pictures = [value for value in graph.input if _looks_like_picture(dimensions(value) or ())]
    if len(pictures) > 1:
        raise ModelError(
            f"{where} takes {len(pictures)} pictures ({listed}): a swap model, or a style model that is shown its "
            "style; neither can be added: export it with the second picture inside the graph"
        )
    raise ModelError(
        f"{where} takes {len(graph.input)} inputs ({listed}), and a style model takes one picture; export it with the "
        "others as constants"
    )


def _looks_like_picture(shape: tuple[int | str, ...]) -> bool:
    if len(shape) not in (3, 4) or 3 not in (shape[-3], shape[-1]):
        return False
    sides = shape[-2:] if shape[-3] == 3 else shape[-3:-1]
    return all(isinstance(side, str) or side >= _LEAST_PICTURE_PX for side in sides)


def _check_element(value: onnx.ValueInfoProto, where: str) -> None:
    kind = value.type.tensor_type.elem_type
    if kind not in ELEMENT_TYPES:
        name = onnx.TensorProto.DataType.Name(kind).lower() if kind else "no tensor"
        raise ModelError(
            f"{where}: '{shown_name(value.name)}' is of type {name}; a picture is of "
            f"{', '.join(ELEMENT_TYPES.values())}"
        )


def _layout(
    graph: onnx.GraphProto, name: str, shape: tuple[int | str, ...] | None, hint: Layout | None, option: str, where: str
) -> tuple[Layout, str]:
    if hint is not None:
        return hint, f"your {option}"
    if shape is not None:
        fitting = [layout for layout in Layout if layout.rank == len(shape) and shape[layout.channel_axis] in (3, 1)]
        coloured = [layout for layout in fitting if shape[layout.channel_axis] == 3]
        fitting = coloured or fitting
        if len(fitting) == 1:
            channels = shape[fitting[0].channel_axis]
            return fitting[0], f"its axis of {channels}"
        if len(shape) not in (3, 4):
            raise ModelError(f"{where}: '{shown_name(name)}' has {len(shape)} axes; a picture has 3 or 4")
        used = _layout_by_use(graph, name)
        if used is not None:
            return used, "the first convolution"
    shown = list(shape) if shape is not None else "not stated"
    raise ModelError(
        f"{where} does not tell the layout of '{shown_name(name)}' (shape {shown}): say {option} NCHW, NHWC or HWC"
    )


def _layout_by_use(graph: onnx.GraphProto, name: str) -> Layout | None:
    """Follow a picture without a stated shape to the first operator that knows where channels are."""
    view = GraphView(graph)
    current, steps = name, 0
    while steps < 20:
        steps += 1
        users = [node for node in view.consumers[current] if node.op_type != "Shape"]
        if not users:
            return None
        node = users[0]
        if node.op_type == "Conv":
            weights = view.input_constant(node, 1)
            return Layout.NCHW if weights is not None and weights.ndim == 4 and weights.shape[1] == 3 else None
        if node.op_type == "Transpose":
            return Layout.NHWC if attribute(node, "perm") == [0, 3, 1, 2] else None
        if node.op_type not in ("Pad", "Cast", "Mul", "Div", "Add", "Sub", "Identity", "Clip"):
            return None
        current = node.output[0]
    return None


def _check_input(port: PicturePort, where: str) -> None:
    if port.layout.rank == 4 and isinstance(port.shape[0], int) and port.shape[0] != 1:
        raise ModelError(f"{where} takes {port.shape[0]} pictures at a time; export it for one")
    misread = isinstance(port.channels, str) and 3 in (port.height, port.width)
    if misread or (isinstance(port.channels, int) and port.channels != 3):
        raise ModelError(
            f"{where}: '{shown_name(port.name)}' has '{port.channels}' channels as {port.layout.value}; a style model "
            "takes 3 (--layout says so where the axes are read wrongly)"
        )
    if any(side > MOST_PX for side in (port.height, port.width) if isinstance(side, int)):
        raise ModelError(
            f"{where} takes pictures of {port.width}x{port.height} only: sides may have {MOST_PX} pixels at most; "
            "export it for a smaller size, or for any"
        )
    small = [side for side in (port.height, port.width) if isinstance(side, int) and side < LEAST_SIDE_PX]
    if small:
        raise ModelError(
            f"{where} takes pictures of {port.width}x{port.height} only, too small to repaint a frame; "
            f"export it for {LEAST_SIDE_PX} pixels or more, or for any size"
        )


def _output(
    model: onnx.ModelProto, hints: ImportHints, input_port: PicturePort, where: str
) -> tuple[PicturePort, tuple[str, ...]]:
    shapes = known_shapes(model)
    names = [value.name for value in model.graph.output]
    by_name = {value.name: value for value in model.graph.output}
    if hints.output:
        chosen = [name for name in names if hints.output in (name, shown_name(name))][:1]
        if not chosen:
            known = [shown_name(name) for name in names]
            raise ModelError(f"{where} has no output '{hints.output}'{nearest(hints.output, known)}; it has: {known}")
    else:
        chosen = [name for name in names if _may_be_picture(shapes.get(name), input_port)]
        coloured = [name for name in chosen if 3 in shapes.get(name, ())]
        chosen = coloured or chosen
    if not chosen:
        seen = "; ".join(f"'{shown_name(name)}' {_by(shapes.get(name, ()))}" for name in names)
        raise ModelError(f"{where} gives no picture ({seen}), so it is no style model")
    if len(chosen) > 1:
        options = " or ".join(shown_name(name) for name in chosen)
        raise ModelError(f"{where} gives {len(chosen)} pictures: say which one with --output {options}")
    value = by_name[chosen[0]]
    _check_element(value, where)
    shape = shapes.get(value.name)
    if shape is None or (hints.layout_out is None and not any(side in (1, 3) for side in shape[-3:])):
        # Nothing stated: networks give back what they take, and the first run shows whether it is so.
        layout, source = hints.layout_out or input_port.layout, "as the input, where the file does not say"
        shape = ("?",) * layout.rank
    else:
        layout, source = _layout(model.graph, value.name, shape, hints.layout_out, "--output-layout", where)
        if len(shape) != layout.rank:
            raise ModelError(f"{where}: its output has {len(shape)} axes, and {layout.value} has {layout.rank}")
    port = PicturePort(value.name, value.type.tensor_type.elem_type, shape, layout, source)
    if isinstance(port.channels, int) and port.channels not in (1, 3):
        raise ModelError(
            f"{where}: its output '{shown_name(port.name)}' has {port.channels} channels; a style model gives 3 (or "
            "1, for grey)"
        )
    return port, tuple(name for name in names if name != value.name)


def _may_be_picture(shape: tuple[int | str, ...] | None, input_port: PicturePort) -> bool:
    """Whether a shape fits a picture as large as the input, or so many times as large in both directions.

    Landmarks, boxes and scores come as tensors of four axes, too, and with axes of 1.
    """
    if shape is None:
        return True
    if len(shape) not in (3, 4):
        return False
    return any(
        (shape[channels] in (1, 3) or isinstance(shape[channels], str))
        and _is_as_large(shape[height], shape[width], input_port)
        for channels, height, width in ((-3, -2, -1), (-1, -3, -2))
    )


def _is_as_large(height: int | str, width: int | str, input_port: PicturePort) -> bool:
    sides = [side for side in (height, width) if isinstance(side, int)]
    if any(side < LEAST_SIDE_PX for side in sides):
        return False
    pairs = ((height, input_port.height), (width, input_port.width))
    known = [(side, own) for side, own in pairs if isinstance(side, int) and isinstance(own, int)]
    return all(side % own == 0 for side, own in known) and len({side // own for side, own in known}) <= 1


def _by(shape: tuple[int | str, ...]) -> str:
    """Write a shape without the batch: `1×1404`, `any×any×3`."""
    sides = [side if isinstance(side, int) else "any" for side in shape]
    while len(sides) > 2 and sides[0] == 1:
        sides = sides[1:]
    return "×".join(map(str, sides)) or "of a shape it does not tell"
