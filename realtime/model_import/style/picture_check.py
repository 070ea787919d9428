"""Sees whether the ranges were right: whether a picture comes out with them, and whether others give one as well."""

from __future__ import annotations

import onnx

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.imaging.frame import Pixels
from realtime.model_import.hints import ValueRange
from realtime.model_import.ranges import Ranges
from realtime.model_import.style.adapter import AdapterSpec
from realtime.model_import.style.validation import (
    AdaptedNetwork,
    RangePair,
    candidates,
    look_alike,
    scaled,
    validation_size,
)
from realtime.model_import.verdict import Verdict, verdict_on

_CLOSE = 0.05
_NUMBERS = (ValueRange.UNIT, ValueRange.BYTES, ValueRange.SIGNED)


def check_picture(
    model: onnx.ModelProto, spec: AdapterSpec, ranges: Ranges, photo: Pixels, where: str
) -> tuple[Verdict, tuple[ValueRange, ...]]:
    """Run it on the photo; return what that tells, and which other ranges of the input give a picture, too, where
    nothing in the file speaks against them.

    Raises ModelError where no picture comes out, naming what would help, and where the range must be said.
    """
    if spec.bound is not None:
        photo = scaled(photo, spec.bound)
    tried = photo if spec.bound is not None else scaled(photo, validation_size(max(64, spec.multiple)))
    if ranges.range_in is None:
        raise _question(model, spec, ranges, tried, where)
    verdict = verdict_on(AdaptedNetwork(model, spec, where).numbers(photo), photo, spec.output.channels == 1)
    if verdict.problem:
        raise _advice(model, spec, ranges, tried, where, verdict)
    if ranges.stated is not None:
        return verdict, ()
    return verdict, _rivals(model, spec, ranges, tried, where)


def _rivals(
    model: onnx.ModelProto, spec: AdapterSpec, ranges: Ranges, picture: Pixels, where: str
) -> tuple[ValueRange, ...]:
    """Return the other ranges of the input with which the picture looks different, and as likely."""
    follows = ranges.range_out is ranges.range_in
    pairs = [(known, known if follows else spec.range_out) for known in _NUMBERS]
    now = (spec.range_in, spec.range_out)
    found = candidates(model, spec, [now, *pairs], picture, where)
    own = next((candidate for candidate in found if candidate.pair == now), None)
    if own is None:  # it was one at the photo's own size
        return ()
    rivals = [other for other in found if other.score > own.score - _CLOSE and not look_alike(other, own)]
    return tuple(other.pair[0] for other in rivals if other.pair[0] is not now[0])


def _question(model: onnx.ModelProto, spec: AdapterSpec, ranges: Ranges, picture: Pixels, where: str) -> ModelError:
    """Make the line that asks for the range, with what a run on a photo says of each."""
    pairs = [(known, ranges.range_out or known) for known in _NUMBERS]
    found = candidates(model, spec, pairs, picture, where)
    words = [candidate.pair[0].value for candidate in found]
    level = [candidate for candidate in found if candidate.score > found[0].score - _CLOSE]
    if not found:
        hint = _("on a photo none of them gives a picture as it is")
    elif len(found) == 1:
        hint = _("on a photo only {first} gives a picture", first=words[0])
    elif len(level) == 1:
        hint = _(
            "on a photo {first} looks likeliest, but {others} gives a picture, too: compare them",
            first=words[0],
            others=" and ".join(words[1:]),
        )
    elif all(look_alike(level[0], other) for other in level[1:]):
        hint = _("on a photo {words} look the same", words=" and ".join(words[: len(level)]))
    else:
        hint = _("on a photo {words} look as likely: compare them", words=" and ".join(words[: len(level)]))
    options = words or [known.value for known in _NUMBERS]
    return ModelError(
        _(
            "{where} does not tell the range of the picture it takes: say --range {options} ({hint}; "
            "--preview OUT.jpg shows what comes out)",
            where=where,
            options=" or ".join(options),
            hint=hint,
        )
    )


def _advice(
    model: onnx.ModelProto, spec: AdapterSpec, ranges: Ranges, picture: Pixels, where: str, verdict: Verdict
) -> ModelError:
    """Make the line for what is no picture, with the ranges that would help."""
    if "NaN" in verdict.problem:
        return ModelError(
            _(
                "{where}: {problem}; try another --range, or another copy of the file",
                where=where,
                problem=verdict.problem,
            )
        )
    if verdict.is_mask:
        return ModelError(_("{where}: {problem}; a style model gives a picture", where=where, problem=verdict.problem))
    now = (spec.range_in, spec.range_out)
    inputs = (
        (ranges.stated,) if ranges.stated is not None else (now[0], *_NUMBERS)
    )  # what the file tells is not doubted
    pairs = [(known, known_out) for known in inputs for known_out in (now[1], *_NUMBERS)]
    pairs = [pair for pair in pairs if pair != now and _is_usual(pair, now)]
    helps = candidates(model, spec, pairs, picture, where)[:2]
    advice = " or ".join(_options_for(candidate.pair, now) for candidate in helps)
    advice = _("try {advice}", advice=advice) if helps else _("no other range helps: it may be made for something else")
    options = f"--range {now[0].value} --output-range {now[1].value}"
    return ModelError(
        _(
            "{where}: {problem} with {options}; {advice}",
            where=where,
            problem=verdict.problem,
            options=options,
            advice=advice,
        )
    )


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
