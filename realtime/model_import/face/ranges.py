"""Settles which numbers stand for black and white in a face network, and which colour comes first."""

from __future__ import annotations

import onnx

from realtime.core.errors import ModelError
from realtime.model_import.face.adapter import FaceAdapterSpec
from realtime.model_import.face.architectures import FaceArchitecture
from realtime.model_import.face.ports import FacePorts
from realtime.model_import.graph.value_ranges import infer_input, infer_output
from realtime.model_import.graph.view import GraphView
from realtime.model_import.hints import ColourOrder, Finding, ImportHints, ValueRange

_Known = tuple[ValueRange | None, str]


def resolve_face_ranges(
    model: onnx.ModelProto, ports: FacePorts, hints: ImportHints, family: FaceArchitecture | None, where: str
) -> tuple[FaceAdapterSpec, list[Finding]]:
    """Resolve them from hints, architecture and graph, in this order. Raises ModelError where nothing tells the range.

    A family goes before what its graph looks like, other than with styles: its program was read, and a face that is a
    little wrong in range still looks like a face.
    """
    view = GraphView(model.graph)
    inferred, bound = infer_input(view, ports.taken.name), infer_output(view, ports.given.name)
    program = f"{family.title}'s own program" if family is not None else ""
    order, order_source = ColourOrder.RGB, "usual; --order BGR where colours come out exchanged"
    if hints.order is not None:
        order, order_source = hints.order, "your --order"
    elif family is not None:
        order, order_source = family.order, program
    elif inferred.order is not None:
        order, order_source = inferred.order, f"the file: {inferred.because}"
    range_in, in_source = _first(
        (hints.range_in, "your --range"),
        (ValueRange.BYTES if ports.taken.element == "uint8" else None, "its type, uint8"),
        (family.range_in if family is not None else None, program),
        (inferred.values, f"the file: {inferred.because}"),
        (ValueRange.SIGNED if bound.is_bare_tanh else None, "usual for what ends in a tanh"),
    )
    if range_in is None:
        raise ModelError(
            f"{where} does not tell the range of the face it takes: say --range 0..1, -1..1 or 0..255 (--preview "
            "OUT.jpg shows what comes out)"
        )
    as_input = ValueRange.UNIT if range_in is ValueRange.IMAGENET else range_in
    range_out, out_source = _first(
        (hints.range_out, "your --output-range"),
        (ValueRange.BYTES if ports.given.element == "uint8" else None, "its type, uint8"),
        (family.range_out if family is not None else None, program),
        (bound.values, f"the file: {bound.because}"),
        (as_input, "as the input, where the file does not say"),
    )
    findings = [
        Finding("colours", order.value, order_source),
        Finding("range in", range_in.value, in_source),
        Finding("range out", (range_out or as_input).value, out_source),
    ]
    return FaceAdapterSpec(ports, range_in, range_out or as_input, order), findings


def _first(*ways: _Known) -> _Known:
    return next(((value, source) for value, source in ways if value is not None), (None, ""))
