"""Resolves which sizes a network takes: any, multiples of something, or its own alone, to which the model is bound."""

from __future__ import annotations

import dataclasses

import onnx

from realtime.core.errors import ModelError, OptionError
from realtime.core.language import _
from realtime.imaging.frame import Pixels, Size
from realtime.model_import.graph.dynamic_shapes import SizeIsNeededError, with_dynamic_shapes
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import known_shapes
from realtime.model_import.hints import Finding, ImportHints
from realtime.model_import.style.adapter import AdapterSpec
from realtime.model_import.style.architectures import StyleArchitecture
from realtime.model_import.style.validation import (
    MULTIPLES,
    AdaptedNetwork,
    compare_dynamic,
    find_least_px,
    find_multiple,
    scaled,
)
from realtime.models.contract import LEAST_PX, MOST_PX


@dataclasses.dataclass(frozen=True, slots=True)
class SizeSupport:
    """A network, and which sizes it takes."""

    model: onnx.ModelProto
    spec: AdapterSpec
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def own_size(port: PicturePort) -> Size | None:
    """Return the one size a network is made for, None where it takes several."""
    sides = [side for side in (port.width, port.height) if isinstance(side, int)]
    if not sides:
        return None
    width, height = (side if isinstance(side, int) else sides[0] for side in (port.width, port.height))
    return Size(width, height)


def resolve_sizes(
    model: onnx.ModelProto,
    spec: AdapterSpec,
    hints: ImportHints,
    architecture: StyleArchitecture,
    photo: Pixels,
    where: str,
) -> SizeSupport:
    """Try what works, the best first. Raises ModelError, one line, where nothing does, OptionError for a hint that
    cannot be.
    """
    fixed = own_size(spec.input)
    if hints.size is not None:
        if fixed is not None and fixed != hints.size:
            raise OptionError(
                _("{where} takes {fixed} only; leave --size away or say --size {fixed}", where=where, fixed=fixed)
            )
        return _at_one_size(model, spec, hints.size, photo, where, _("your --size"))
    if fixed is None:
        return _any_size(model, spec, hints, architecture, photo, where, Finding("size", "any", _("the file")))
    try:
        dynamic, count = with_dynamic_shapes(model, spec.input, spec.output)
        proof = compare_dynamic(AdaptedNetwork(model, spec, where), AdaptedNetwork(dynamic, spec, where), photo, fixed)
        if not proof.holds:
            raise SizeIsNeededError(
                _(
                    "made free it paints differently (by {own_difference:.1%} at its own size, "
                    "{tile_difference:.1%} at twice that)",
                    own_difference=proof.own_difference,
                    tile_difference=proof.tile_difference,
                )
            )
        source = _(
            "{fixed} in the file, made free: {how_many}; the same picture at {fixed}",
            fixed=fixed,
            how_many=_how_many(count),
        )
        return _any_size(dynamic, spec, hints, architecture, photo, where, Finding("size", "any", source))
    except (SizeIsNeededError, ModelError) as error:
        reason = str(error).removeprefix(f"{where} ").removeprefix("failed: ")
        resolved = _at_one_size(model, spec, fixed, photo, where, _("the file"))
        note = _(
            "it takes {fixed} only ({reason}): frames are scaled to that, and their edges given back",
            fixed=fixed,
            reason=reason[:160],
        )
        return dataclasses.replace(resolved, notes=(note,))


def _how_many(count: int) -> str:
    return {0: _("nothing in it depended on it"), 1: _("1 constant follows it now")}.get(
        count, _("{count} constants follow it now", count=count)
    )


def _any_size(
    model: onnx.ModelProto,
    spec: AdapterSpec,
    hints: ImportHints,
    architecture: StyleArchitecture,
    photo: Pixels,
    where: str,
    size: Finding,
) -> SizeSupport:
    network = AdaptedNetwork(model, spec, where)
    if hints.multiple:
        multiple, source = find_multiple(network, photo, where, (hints.multiple,)), _("your --multiple")
    elif architecture.multiple > 1:
        multiple, source = find_multiple(network, photo, where, _from(architecture.multiple)), architecture.program
    else:
        multiple, source = find_multiple(network, photo, where), "tried"
    least = find_least_px(network, photo, multiple)
    findings = [size]
    if multiple > 1:
        findings.append(
            Finding("multiples", _("of {multiple}, by repeating the last rows and columns", multiple=multiple), source)
        )
    spec = dataclasses.replace(spec, multiple=multiple, least_px=least if least > max(multiple, 16) else multiple)
    return SizeSupport(model, spec, tuple(findings))


def _from(least: int) -> tuple[int, ...]:
    return (least, *(multiple for multiple in MULTIPLES if multiple > least and multiple % least == 0))


def _at_one_size(
    model: onnx.ModelProto, spec: AdapterSpec, size: Size, photo: Pixels, where: str, source: str
) -> SizeSupport:
    """Raises ModelError where it gives no picture for one of that size, OptionError where the contract has no such
    size.
    """
    if not all(LEAST_PX <= side <= MOST_PX for side in size):
        raise OptionError(
            _(
                "{where} at {size}: a model bound to one size has sides of {least_px} to {most_px} pixels",
                where=where,
                size=size,
                least_px=LEAST_PX,
                most_px=MOST_PX,
            )
        )
    spec = dataclasses.replace(spec, bound=size, multiple=1, least_px=1)
    times = _times_enlarged(AdaptedNetwork(model, spec, where).size_for(scaled(photo, size)), size)
    if not times:
        raise no_picture(model, spec, size, where)
    spec = dataclasses.replace(spec, enlarges=times)
    return SizeSupport(
        model, spec, (Finding("size", _("{size} only; frames are scaled to it and back", size=size), source),)
    )


def _times_enlarged(output_size: Size, input_size: Size) -> int:
    """Return how many times as large the one is as the other, 0 where it is no whole number in both directions."""
    times = output_size.width // input_size.width
    return times if output_size == Size(times * input_size.width, times * input_size.height) else 0


def no_picture(model: onnx.ModelProto, spec: AdapterSpec, size: Size, where: str) -> ModelError:
    """Make the line for a network that takes a picture and gives something else: boxes, landmarks, scores."""
    shape = known_shapes(model).get(spec.output.name) or spec.output.shape
    sides = [str(side) for side in shape if side != 1] or ["1"]
    gives = "×".join(sides if len(sides) > 1 else ["1", *sides])
    return ModelError(
        _(
            "{where} gives {gives} for a picture of {size}, no picture of that size, so it is no style "
            "model (a detector, perhaps, or what finds landmarks)",
            where=where,
            gives=gives,
            size=size,
        )
    )
