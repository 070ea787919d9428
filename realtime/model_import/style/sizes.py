"""Settles which sizes a network takes: any, multiples of something, or only its own, to which a model is then bound."""

from __future__ import annotations

import dataclasses

import onnx

from realtime.core.errors import ModelError, OptionError
from realtime.imaging.frame import Pixels, Size
from realtime.model_import.graph.dynamic_shapes import SizeIsNeededError, with_dynamic_shapes
from realtime.model_import.graph.view import known_shapes
from realtime.model_import.hints import Finding, ImportHints
from realtime.model_import.style.adapter import AdapterSpec
from realtime.model_import.style.architectures import Architecture
from realtime.model_import.style.ports import Port
from realtime.model_import.style.validation import MULTIPLES, Trial, find_least_px, find_multiple, prove_free, scaled
from realtime.models.contract import LEAST_PX, MOST_PX


@dataclasses.dataclass(frozen=True, slots=True)
class SizeSupport:
    """A network, and which sizes it takes."""

    model: onnx.ModelProto
    ends: AdapterSpec
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def own_size(taken: Port) -> Size | None:
    """Return the one size a network is made for, None where it takes several."""
    sides = [side for side in (taken.width, taken.height) if isinstance(side, int)]
    if not sides:
        return None
    width, height = (side if isinstance(side, int) else sides[0] for side in (taken.width, taken.height))
    return Size(width, height)


def resolve_sizes(
    model: onnx.ModelProto,
    ends: AdapterSpec,
    hints: ImportHints,
    family: Architecture | None,
    photo: Pixels,
    where: str,
) -> SizeSupport:
    """Try what works, the best first. Raises ModelError, one line, where nothing does, OptionError for a wish that
    cannot be.
    """
    fixed = own_size(ends.taken)
    if hints.size is not None:
        if fixed is not None and fixed != hints.size:
            raise OptionError(f"{where} takes {fixed} only; leave --size away or say --size {fixed}")
        return _at_one_size(model, ends, hints.size, photo, where, "your --size")
    if fixed is None:
        return _any_size(model, ends, hints, family, photo, where, Finding("size", "any", "the file"))
    try:
        free, count = with_dynamic_shapes(model, ends.taken, ends.given)
        original, loose = Trial(model, ends, where), Trial(free, ends, where)
        proof = prove_free(original, loose, photo, fixed)
        if not proof.holds:
            raise SizeIsNeededError(
                f"made free it paints differently (by {proof.own_difference:.1%} at its own size, "
                f"{proof.tile_difference:.1%} at twice that)"
            )
        source = f"{fixed} in the file, made free: {_counted(count)}; the same picture at {fixed}"
        return _any_size(free, ends, hints, family, photo, where, Finding("size", "any", source))
    except (SizeIsNeededError, ModelError) as error:
        reason = str(error).removeprefix(f"{where} ").removeprefix("failed: ")
        settled = _at_one_size(model, ends, fixed, photo, where, "the file")
        note = f"it takes {fixed} only ({reason[:160]}): frames are scaled to that, and their edges given back"
        return dataclasses.replace(settled, notes=(note,))


def _counted(count: int) -> str:
    return {0: "nothing in it depended on it", 1: "1 constant follows it now"}.get(
        count, f"{count} constants follow it now"
    )


def _any_size(
    model: onnx.ModelProto,
    ends: AdapterSpec,
    hints: ImportHints,
    family: Architecture | None,
    photo: Pixels,
    where: str,
    size: Finding,
) -> SizeSupport:
    trial = Trial(model, ends, where)
    if hints.multiple:
        multiple, source = find_multiple(trial, photo, where, (hints.multiple,)), "your --multiple"
    elif family is not None and family.multiple > 1:
        multiple, source = find_multiple(trial, photo, where, _from(family.multiple)), f"{family.title}'s own program"
    else:
        multiple, source = find_multiple(trial, photo, where), "tried"
    least = find_least_px(trial, photo, multiple)
    findings = [size]
    if multiple > 1:
        findings.append(Finding("multiples", f"of {multiple}, by repeating the last rows and columns", source))
    ends = dataclasses.replace(ends, multiple=multiple, least_px=least if least > max(multiple, 16) else multiple)
    return SizeSupport(model, ends, tuple(findings))


def _from(least: int) -> tuple[int, ...]:
    return (least, *(multiple for multiple in MULTIPLES if multiple > least and multiple % least == 0))


def _at_one_size(
    model: onnx.ModelProto, ends: AdapterSpec, size: Size, photo: Pixels, where: str, source: str
) -> SizeSupport:
    """Raises ModelError where it gives no picture for one of that size, OptionError where the contract has no such
    size.
    """
    if not all(LEAST_PX <= side <= MOST_PX for side in size):
        raise OptionError(f"{where} at {size}: a model bound to one size has sides of {LEAST_PX} to {MOST_PX} pixels")
    ends = dataclasses.replace(ends, bound=size, multiple=1, least_px=1)
    times = _times_enlarged(Trial(model, ends, where).size_for(scaled(photo, size)), size)
    if not times:
        raise no_picture(model, ends, size, where)
    ends = dataclasses.replace(ends, enlarges=times)
    return SizeSupport(model, ends, (Finding("size", f"{size} only; frames are scaled to it and back", source),))


def _times_enlarged(given: Size, taken: Size) -> int:
    """Return how many times as large the one is as the other, 0 where it is no whole number in both directions."""
    times = given.width // taken.width
    return times if given == Size(times * taken.width, times * taken.height) else 0


def no_picture(model: onnx.ModelProto, ends: AdapterSpec, size: Size, where: str) -> ModelError:
    """Make the line for a network that takes a picture and gives something else: boxes, landmarks, scores."""
    shape = known_shapes(model).get(ends.given.name) or ends.given.shape
    sides = [str(side) for side in shape if side != 1] or ["1"]
    gives = "×".join(sides if len(sides) > 1 else ["1", *sides])
    return ModelError(
        f"{where} gives {gives} for a picture of {size}, no picture of that size, so it is no style model (a detector, "
        "perhaps, or what finds landmarks)"
    )
