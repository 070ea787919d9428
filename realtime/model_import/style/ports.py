"""The picture's input and output in a graph; and what a file is for that is no style model."""

from __future__ import annotations

import onnx

from realtime.core.errors import ModelError
from realtime.core.language import N_, _
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import (
    ELEMENT_TYPES,
    GraphView,
    attribute,
    dimensions,
    known_shapes,
    no_such_output,
    shown_name,
)
from realtime.model_import.hints import ImportHints, Layout
from realtime.models.contract import MOST_PX

_LEAST_PICTURE_PX = 16
LEAST_SIDE_PX = 64
"""A network that takes only smaller pictures (digits, icons) cannot repaint a frame."""


# Names that files for other effects carry, each with what such a file is. Every word must be among the file's inputs.
_SIGNATURES: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"in_face"}), N_("a DFM face model of DeepFaceLive: add it with --kind swap")),
    (frozenset({"source", "target"}), N_("a face swapper (inswapper and its like): add it with --kind swap")),
    (
        frozenset({"in_src", "in_drv"}),
        N_("a face animator (LIA), which needs a photo and a driver; it cannot be added"),
    ),
    (frozenset({"feature_3d"}), N_("a part of LivePortrait, which needs several files at once; it cannot be added")),
    (
        frozenset({"feature_volume"}),
        N_("a part of LivePortrait, which needs several files at once; it cannot be added"),
    ),
    (frozenset({"kp_source"}), N_("a part of a face animator (first-order motion); it cannot be added")),
    (frozenset({"morph_value"}), N_("a DFM face model of DeepFaceLive: add it with --kind swap")),
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
            _(
                "{where}: its input '{name}' has {count} axes, and {layout} has {rank}",
                where=where,
                name=shown_name(source.name),
                count=len(shape),
                layout=layout.value,
                rank=layout.rank,
            )
        )
    input_port = PicturePort(source.name, source.type.tensor_type.elem_type, shape, layout, layout_source)
    _check_input(input_port, where)
    output_port, ignored = _output(model, hints, input_port, where)
    return input_port, output_port, ignored


def _refuse_other_kinds(graph: onnx.GraphProto, where: str) -> None:
    names = {value.name.partition(":")[0] for value in graph.input}
    for words, what in _SIGNATURES:
        if words <= names:
            raise ModelError(_("{where} is {what}", where=where, what=_(what)))
    if not graph.input:
        raise ModelError(_("{where} takes no input at all, so it cannot repaint a picture", where=where))
    if len(graph.input) == 1:
        return
    listed = ", ".join(f"'{shown_name(value.name)}'" for value in graph.input)
    pictures = [value for value in graph.input if _looks_like_picture(dimensions(value) or ())]
    if len(pictures) > 1:
        raise ModelError(
            _(
                "{where} takes {count} pictures ({listed}): a swap model, or a style model that is shown "
                "its style; neither can be added: export it with the second picture inside the graph",
                where=where,
                count=len(pictures),
                listed=listed,
            )
        )
    raise ModelError(
        _(
            "{where} takes {count} inputs ({listed}), and a style model takes one picture; export it "
            "with the others as constants",
            where=where,
            count=len(graph.input),
            listed=listed,
        )
    )


def _looks_like_picture(shape: tuple[int | str, ...]) -> bool:
    if len(shape) not in (3, 4) or 3 not in (shape[-3], shape[-1]):
        return False
    sides = shape[-2:] if shape[-3] == 3 else shape[-3:-1]
    return all(isinstance(side, str) or side >= _LEAST_PICTURE_PX for side in sides)


def _check_element(value: onnx.ValueInfoProto, where: str) -> None:
    kind = value.type.tensor_type.elem_type
    if kind not in ELEMENT_TYPES:
        name = onnx.TensorProto.DataType.Name(kind).lower() if kind else _("no tensor")
        raise ModelError(
            _(
                "{where}: '{name}' is of type {kind}; a picture is of {types}",
                where=where,
                name=shown_name(value.name),
                kind=name,
                types=", ".join(ELEMENT_TYPES.values()),
            )
        )


def _layout(
    graph: onnx.GraphProto, name: str, shape: tuple[int | str, ...] | None, hint: Layout | None, option: str, where: str
) -> tuple[Layout, str]:
    if hint is not None:
        return hint, _("your {option}", option=option)
    if shape is not None:
        fitting = [layout for layout in Layout if layout.rank == len(shape) and shape[layout.channel_axis] in (3, 1)]
        coloured = [layout for layout in fitting if shape[layout.channel_axis] == 3]
        fitting = coloured or fitting
        if len(fitting) == 1:
            channels = shape[fitting[0].channel_axis]
            return fitting[0], _("its axis of {channels}", channels=channels)
        if len(shape) not in (3, 4):
            raise ModelError(
                _(
                    "{where}: '{name}' has {count} axes; a picture has 3 or 4",
                    where=where,
                    name=shown_name(name),
                    count=len(shape),
                )
            )
        used = _layout_by_use(graph, name)
        if used is not None:
            return used, _("the first convolution")
    shown = list(shape) if shape is not None else _("not stated")
    raise ModelError(
        _(
            "{where} does not tell the layout of '{name}' (shape {shown}): say {option} NCHW, NHWC or HWC",
            where=where,
            name=shown_name(name),
            shown=shown,
            option=option,
        )
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
        raise ModelError(
            _("{where} takes {shape} pictures at a time; export it for one", where=where, shape=port.shape[0])
        )
    misread = isinstance(port.channels, str) and 3 in (port.height, port.width)
    if misread or (isinstance(port.channels, int) and port.channels != 3):
        raise ModelError(
            _(
                "{where}: '{name}' has '{channels}' channels as {layout}; a style model takes 3 "
                "(--layout says so where the axes are read wrongly)",
                where=where,
                name=shown_name(port.name),
                channels=port.channels,
                layout=port.layout.value,
            )
        )
    if any(side > MOST_PX for side in (port.height, port.width) if isinstance(side, int)):
        raise ModelError(
            _(
                "{where} takes pictures of {width}x{height} only: sides may have {most_px} pixels at "
                "most; export it for a smaller size, or for any",
                where=where,
                width=port.width,
                height=port.height,
                most_px=MOST_PX,
            )
        )
    small = [side for side in (port.height, port.width) if isinstance(side, int) and side < LEAST_SIDE_PX]
    if small:
        raise ModelError(
            _(
                "{where} takes pictures of {width}x{height} only, too small to repaint a frame; export "
                "it for {least_side_px} pixels or more, or for any size",
                where=where,
                width=port.width,
                height=port.height,
                least_side_px=LEAST_SIDE_PX,
            )
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
            raise no_such_output(hints.output, names, where)
    else:
        chosen = [name for name in names if _may_be_picture(shapes.get(name), input_port)]
        coloured = [name for name in chosen if 3 in shapes.get(name, ())]
        chosen = coloured or chosen
    if not chosen:
        seen = "; ".join(f"'{shown_name(name)}' {_by(shapes.get(name, ()))}" for name in names)
        raise ModelError(_("{where} gives no picture ({seen}), so it is no style model", where=where, seen=seen))
    if len(chosen) > 1:
        options = " or ".join(shown_name(name) for name in chosen)
        raise ModelError(
            _(
                "{where} gives {count} pictures: say which one with --output {options}",
                where=where,
                count=len(chosen),
                options=options,
            )
        )
    value = by_name[chosen[0]]
    _check_element(value, where)
    shape = shapes.get(value.name)
    if shape is None or (hints.layout_out is None and not any(side in (1, 3) for side in shape[-3:])):
        # Nothing stated: networks give back what they take, and the first run shows whether it is so.
        layout, source = hints.layout_out or input_port.layout, _("as the input, where the file does not say")
        shape = ("?",) * layout.rank
    else:
        layout, source = _layout(model.graph, value.name, shape, hints.layout_out, "--output-layout", where)
        if len(shape) != layout.rank:
            raise ModelError(
                _(
                    "{where}: its output has {count} axes, and {layout} has {rank}",
                    where=where,
                    count=len(shape),
                    layout=layout.value,
                    rank=layout.rank,
                )
            )
    port = PicturePort(value.name, value.type.tensor_type.elem_type, shape, layout, source)
    if isinstance(port.channels, int) and port.channels not in (1, 3):
        raise ModelError(
            _(
                "{where}: its output '{name}' has {channels} channels; a style model gives 3 (or 1, for grey)",
                where=where,
                name=shown_name(port.name),
                channels=port.channels,
            )
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
    return "×".join(map(str, sides)) or _("of a shape it does not tell")
