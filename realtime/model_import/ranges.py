"""Settles which numbers stand for black and white, and which colour comes first; and looks whether it was right."""

from __future__ import annotations

import onnx

from realtime.errors import ModelError
from realtime.frame import Pixels
from realtime.model_import.clues import input_clue, output_clue
from realtime.model_import.families import Family
from realtime.model_import.graphs import GraphView
from realtime.model_import.ports import Port
from realtime.model_import.structure import own_size
from realtime.model_import.trials import RangePair, Trial, Verdict, judged, likely_ranges, scaled, trial_size
from realtime.model_import.wishes import ColourOrder, Finding, ValueRange, Wishes
from realtime.model_import.wrapping import Ends

_NUMBERS = (ValueRange.UNIT, ValueRange.BYTES, ValueRange.SIGNED)


def settle_ranges(
    model: onnx.ModelProto,
    view: GraphView,
    taken: Port,
    given: Port,
    wishes: Wishes,
    family: Family | None,
    photo: Pixels,
    where: str,
) -> tuple[Ends, list[Finding]]:
    """Settle ranges and colours from wishes, graph and family, in this order; ask for what none of them tells."""
    clue, bound = input_clue(view, taken.name), output_clue(view, given.name)
    order, order_source = ColourOrder.RGB, "usual; --order BGR where colours come out exchanged"
    if wishes.order is not None:
        order, order_source = wishes.order, "your --order"
    elif clue.order is not None:
        order, order_source = clue.order, f"the file: {clue.because}"
    elif family is not None:
        order, order_source = family.order, f"{family.title}'s own program"
    range_in, in_source = _first_known(
        (wishes.range_in, "your --range"),
        (ValueRange.BYTES if taken.element == "uint8" else None, "its type, uint8"),
        (clue.values, f"the file: {clue.because}"),
        (family.values if family is not None else None, f"{family.title}'s own program" if family is not None else ""),
        (ValueRange.SIGNED if bound.is_bare_tanh else None, "usual for what ends in a tanh"),
    )
    as_input = ValueRange.UNIT if range_in is ValueRange.IMAGENET else range_in
    range_out, out_source = _first_known(
        (wishes.range_out, "your --output-range"),
        (ValueRange.BYTES if given.element == "uint8" else None, "its type, uint8"),
        (bound.values, f"the file: {bound.because}"),
        (family.values if family is not None else None, f"{family.title}'s own program" if family is not None else ""),
        (as_input, "as the input, where the file does not say"),
    )
    if range_in is None:
        pairs = [(known, range_out or known) for known in _NUMBERS]
        raise _question(model, Ends(taken, given, *pairs[0], order), pairs, photo, where)
    findings = [
        Finding("colours", order.value, order_source),
        Finding("range in", range_in.value, in_source),
        Finding("range out", range_out.value if range_out else "", out_source),
    ]
    return Ends(taken, given, range_in, range_out or ValueRange.UNIT, order), findings


def expected_range(view: GraphView, taken: Port, family: Family | None) -> ValueRange | None:
    """Return the range that graph or family tell of, whatever the user says."""
    return input_clue(view, taken.name).values or (family.values if family is not None else None)


def _first_known(*ways: tuple[ValueRange | None, str]) -> tuple[ValueRange | None, str]:
    return next(((value, source) for value, source in ways if value is not None), (None, ""))


def _question(model: onnx.ModelProto, ends: Ends, pairs: list[RangePair], photo: Pixels, where: str) -> ModelError:
    """Make the line that asks for the range, with what a trial on a photo says of each."""
    size = own_size(ends.taken) or trial_size(64)
    likely = [pair[0].value for pair in likely_ranges(model, ends, pairs, scaled(photo, size), where)]
    hint = f"on a photo {likely[0]} looks likeliest" if likely else "on a photo none of them gives a picture as it is"
    options = likely or [known.value for known in _NUMBERS]
    return ModelError(
        f"{where} does not tell the range of the picture it takes: say --range {' or '.join(options)} ({hint}; "
        "--preview OUT.jpg shows what comes out)"
    )


def check_picture(model: onnx.ModelProto, ends: Ends, photo: Pixels, where: str) -> Verdict:
    """Run it on the photo; raise ModelError where no picture comes out, naming what would help."""
    numbers = Trial(model, ends, where).numbers(photo)
    verdict = judged(numbers, photo)
    if not verdict.problem:
        return verdict
    if "NaN" in verdict.problem:
        raise ModelError(f"{where}: {verdict.problem}; try another --range, or another copy of the file")
    if ends.inner_size is None:
        photo = scaled(photo, trial_size(max(64, ends.multiple)))
    now = (ends.range_in, ends.range_out)
    pairs = [(known, now[1]) for known in _NUMBERS] + [(now[0], known) for known in _NUMBERS]
    pairs += [(known, known) for known in _NUMBERS]
    helps = likely_ranges(model, ends, [pair for pair in pairs if pair != now], photo, where)[:2]
    advice = " or ".join(_options_for(pair, now) for pair in helps)
    advice = f"try {advice}" if helps else "no other range helps: it may be made for something else"
    said = f"--range {now[0].value} --output-range {now[1].value}"
    raise ModelError(f"{where}: {verdict.problem} with {said}; {advice}")


def _options_for(pair: RangePair, now: RangePair) -> str:
    """Write the options that lead from one pair of ranges to another."""
    words = []
    if pair[0] is not now[0]:
        words.append(f"--range {pair[0].value}")
    if pair[1] is not now[1]:
        words.append(f"--output-range {pair[1].value}")
    return " ".join(words)
