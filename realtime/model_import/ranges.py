"""Resolves which numbers stand for black and white, and which colour comes first, for networks of any kind."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from realtime.core.language import _
from realtime.model_import.architecture import Architecture
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.value_ranges import infer_input, infer_output
from realtime.model_import.graph.view import GraphView
from realtime.model_import.hints import ColourOrder, Finding, ImportHints, ValueRange

_Fact = TypeVar("_Fact", ColourOrder, ValueRange)


@dataclasses.dataclass(frozen=True, slots=True)
class Ranges:
    """What is known of the numbers at both ends; None where nothing tells."""

    range_in: ValueRange | None
    range_out: ValueRange | None
    order: ColourOrder
    stated: ValueRange | None
    """The range of the input by the file's own type, operators or maker, whatever the user says."""
    inferred: ValueRange | None
    """The same without its type."""
    findings: tuple[Finding, ...]


def resolve_ranges(
    view: GraphView,
    input_port: PicturePort,
    output_port: PicturePort,
    hints: ImportHints,
    architecture: Architecture,
    *,
    architecture_first: bool = False,
) -> Ranges:
    """Resolve ranges and colours from hints, types, graph and architecture, in this order.

    With `architecture_first` it goes before what the graph looks like: for faces, where the makers' programs were read
    and a face that is a little wrong in range still looks like a face.
    """
    before, after = infer_input(view, input_port.name), infer_output(view, output_port.name)
    by_input, by_output = _("the file: {reason}", reason=before.because), _("the file: {reason}", reason=after.because)

    def ranked(
        in_graph: tuple[_Fact | None, str], by_maker: _Fact | None
    ) -> tuple[tuple[_Fact | None, str], tuple[_Fact | None, str]]:
        known = (by_maker, architecture.program)
        return (known, in_graph) if architecture_first else (in_graph, known)

    order, order_source = _first_known(
        (hints.order, _("your --order")),
        *ranked((before.order, by_input), architecture.order if architecture.is_known else None),
        (ColourOrder.RGB, _("usual; --order BGR where colours come out exchanged")),
    )
    inferred = ranked((before.values, by_input), architecture.range_in)
    stated = ((ValueRange.BYTES if input_port.element == "uint8" else None, _("its type, uint8")), *inferred)
    range_in, in_source = _first_known(
        (hints.range_in, _("your --range")),
        *stated,
        (ValueRange.SIGNED if after.is_bare_tanh else None, _("usual for what ends in a tanh")),
    )
    as_input = ValueRange.UNIT if range_in is ValueRange.IMAGENET else range_in
    range_out, out_source = _first_known(
        (hints.range_out, _("your --output-range")),
        (ValueRange.BYTES if output_port.element == "uint8" else None, _("its type, uint8")),
        *ranked((after.values, by_output), architecture.range_out),
        (as_input, _("as the input, where the file does not say")),
    )
    order = order or ColourOrder.RGB
    findings = (
        Finding("colours", order.value, order_source),
        Finding(_("range in"), range_in.value if range_in else "", in_source),
        Finding(_("range out"), range_out.value if range_out else "", out_source),
    )
    return Ranges(range_in, range_out, order, _first_known(*stated)[0], _first_known(*inferred)[0], findings)


def _first_known(*ways: tuple[_Fact | None, str]) -> tuple[_Fact | None, str]:
    return next(((value, source) for value, source in ways if value is not None), (None, ""))
