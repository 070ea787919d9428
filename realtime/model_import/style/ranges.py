"""Settles which numbers stand for black and white, and which colour comes first; and looks whether it was right."""

from __future__ import annotations

import dataclasses

import onnx

from realtime.core.errors import ModelError
from realtime.imaging.frame import Pixels
from realtime.model_import.graph.value_ranges import infer_input, infer_output
from realtime.model_import.graph.view import GraphView
from realtime.model_import.hints import ColourOrder, Finding, ImportHints, ValueRange
from realtime.model_import.style.adapter import AdapterSpec
from realtime.model_import.style.architectures import Architecture
from realtime.model_import.style.ports import Port
from realtime.model_import.style.validation import (
    RangePair,
    Trial,
    Verdict,
    candidates,
    look_alike,
    scaled,
    trial_size,
    verdict_on,
)

_CLOSE = 0.05
_NUMBERS = (ValueRange.UNIT, ValueRange.BYTES, ValueRange.SIGNED)


@dataclasses.dataclass(frozen=True, slots=True)
class Ranges:
    """What is known of the numbers at both ends; None where nothing tells."""

    range_in: ValueRange | None
    range_out: ValueRange | None
    order: ColourOrder
    told: ValueRange | None
    """The range of the input by the file's own type, operators or maker, whatever the user says."""
    findings: tuple[Finding, ...]

    def ends(self, taken: Port, given: Port) -> AdapterSpec:
        """Return ends of these ranges; what is not known yet is taken for 0..1."""
        known_in, known_out = self.range_in or ValueRange.UNIT, self.range_out or ValueRange.UNIT
        return AdapterSpec(taken, given, known_in, known_out, self.order)


def resolve_ranges(
    view: GraphView, taken: Port, given: Port, hints: ImportHints, family: Architecture | None
) -> Ranges:
    """Resolve ranges and colours from hints, graph and architecture, in this order."""
    inferred, bound = infer_input(view, taken.name), infer_output(view, given.name)
    order, order_source = ColourOrder.RGB, "usual; --order BGR where colours come out exchanged"
    if hints.order is not None:
        order, order_source = hints.order, "your --order"
    elif inferred.order is not None:
        order, order_source = inferred.order, f"the file: {inferred.because}"
    elif family is not None:
        order, order_source = family.order, f"{family.title}'s own program"
    told = (
        (ValueRange.BYTES if taken.element == "uint8" else None, "its type, uint8"),
        (inferred.values, f"the file: {inferred.because}"),
        (family.values if family is not None else None, f"{family.title}'s own program" if family is not None else ""),
    )
    range_in, in_source = _first_known(
        (hints.range_in, "your --range"),
        *told,
        (ValueRange.SIGNED if bound.is_bare_tanh else None, "usual for what ends in a tanh"),
    )
    as_input = ValueRange.UNIT if range_in is ValueRange.IMAGENET else range_in
    range_out, out_source = _first_known(
        (hints.range_out, "your --output-range"),
        (ValueRange.BYTES if given.element == "uint8" else None, "its type, uint8"),
        (bound.values, f"the file: {bound.because}"),
        (family.values if family is not None else None, f"{family.title}'s own program" if family is not None else ""),
        (as_input, "as the input, where the file does not say"),
    )
    findings = [
        Finding("colours", order.value, order_source),
        Finding("range in", range_in.value if range_in else "", in_source),
        Finding("range out", range_out.value if range_out else "", out_source),
    ]
    return Ranges(range_in, range_out, order, _first_known(*told)[0], tuple(findings))


def expected_range(view: GraphView, taken: Port, family: Architecture | None) -> ValueRange | None:
    """Return the range that graph or family tell of, whatever the user says."""
    return infer_input(view, taken.name).values or (family.values if family is not None else None)


def _first_known(*ways: tuple[ValueRange | None, str]) -> tuple[ValueRange | None, str]:
    return next(((value, source) for value, source in ways if value is not None), (None, ""))


def check_picture(
    model: onnx.ModelProto, ends: AdapterSpec, ranges: Ranges, photo: Pixels, where: str
) -> tuple[Verdict, tuple[ValueRange, ...]]:
    """Run it on the photo; return what that tells, and which other ranges of the input give a picture, too, where
    nothing in the file speaks against them.

    Raises ModelError where no picture comes out, naming what would help, and where the range must be said.
    """
    if ends.bound is not None:
        photo = scaled(photo, ends.bound)
    tried = photo if ends.bound is not None else scaled(photo, trial_size(max(64, ends.multiple)))
    if ranges.range_in is None:
        raise _question(model, ends, ranges, tried, where)
    verdict = verdict_on(Trial(model, ends, where).numbers(photo), photo, ends.given.channels == 1)
    if verdict.problem:
        raise _advice(model, ends, ranges, tried, where, verdict)
    if ranges.told is not None:
        return verdict, ()
    return verdict, _rivals(model, ends, ranges, tried, where)


def _rivals(
    model: onnx.ModelProto, ends: AdapterSpec, ranges: Ranges, picture: Pixels, where: str
) -> tuple[ValueRange, ...]:
    """Return the other ranges of the input with which the picture looks different, and as likely."""
    follows = ranges.range_out is ranges.range_in
    pairs = [(known, known if follows else ends.range_out) for known in _NUMBERS]
    now = (ends.range_in, ends.range_out)
    found = candidates(model, ends, [now, *pairs], picture, where)
    own = next((candidate for candidate in found if candidate.pair == now), None)
    if own is None:  # it was one at the photo's own size
        return ()
    rivals = [other for other in found if other.score > own.score - _CLOSE and not look_alike(other, own)]
    return tuple(other.pair[0] for other in rivals if other.pair[0] is not now[0])


def _question(model: onnx.ModelProto, ends: AdapterSpec, ranges: Ranges, picture: Pixels, where: str) -> ModelError:
    """Make the line that asks for the range, with what a trial on a photo says of each."""
    pairs = [(known, ranges.range_out or known) for known in _NUMBERS]
    found = candidates(model, ends, pairs, picture, where)
    words = [candidate.pair[0].value for candidate in found]
    level = [candidate for candidate in found if candidate.score > found[0].score - _CLOSE]
    if not found:
        hint = "on a photo none of them gives a picture as it is"
    elif len(found) == 1:
        hint = f"on a photo only {words[0]} gives a picture"
    elif len(level) == 1:
        hint = (
            f"on a photo {words[0]} looks likeliest, but {' and '.join(words[1:])} gives a picture, too: compare them"
        )
    elif all(look_alike(level[0], other) for other in level[1:]):
        hint = f"on a photo {' and '.join(words[: len(level)])} look the same"
    else:
        hint = f"on a photo {' and '.join(words[: len(level)])} look as likely: compare them"
    options = words or [known.value for known in _NUMBERS]
    return ModelError(
        f"{where} does not tell the range of the picture it takes: say --range {' or '.join(options)} ({hint}; "
        "--preview OUT.jpg shows what comes out)"
    )


def _advice(
    model: onnx.ModelProto, ends: AdapterSpec, ranges: Ranges, picture: Pixels, where: str, verdict: Verdict
) -> ModelError:
    """Make the line for what is no picture, with the ranges that would help."""
    if "NaN" in verdict.problem:
        return ModelError(f"{where}: {verdict.problem}; try another --range, or another copy of the file")
    if verdict.is_mask:
        return ModelError(f"{where}: {verdict.problem}; a style model gives a picture")
    now = (ends.range_in, ends.range_out)
    inputs = (ranges.told,) if ranges.told is not None else (now[0], *_NUMBERS)  # what the file tells is not doubted
    pairs = [(known, known_out) for known in inputs for known_out in (now[1], *_NUMBERS)]
    pairs = [pair for pair in pairs if pair != now and _is_usual(pair, now)]
    helps = candidates(model, ends, pairs, picture, where)[:2]
    advice = " or ".join(_options_for(candidate.pair, now) for candidate in helps)
    advice = f"try {advice}" if helps else "no other range helps: it may be made for something else"
    said = f"--range {now[0].value} --output-range {now[1].value}"
    return ModelError(f"{where}: {verdict.problem} with {said}; {advice}")


def _is_usual(pair: RangePair, now: RangePair) -> bool:
    """Whether a pair changes one end only, or takes and gives the same."""
    return pair[0] is now[0] or pair[1] is now[1] or pair[0] is pair[1]


def _options_for(pair: RangePair, now: RangePair) -> str:
    """Write the options that lead from one pair of ranges to another."""
    words = []
    if pair[0] is not now[0]:
        words.append(f"--range {pair[0].value}")
    if pair[1] is not now[1]:
        words.append(f"--output-range {pair[1].value}")
    return " ".join(words)
