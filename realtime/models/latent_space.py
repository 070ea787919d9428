"""What is known of a morph's codes: which of their numbers are the light, where people's lie, directions among them.

It stands in the model's card as JSON, so that one file holds all that a morph needs. A file may come from anybody:
nothing in it is believed before it is looked at.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from realtime.core.errors import UNREADABLE, ModelError, OptionError, nearest, shown, why_unreadable
from realtime.core.language import N_, _
from realtime.imaging.numerics import Floats
from realtime.models.card import MOST_LATENT_SPACE

_NAME = re.compile("[a-z][a-z0-9_]{0,39}")
"""A name becomes a setting: `--set morph.glasses=2`."""
_STEP = re.compile("[+-][0-9]{1,2}")
STEPS = "own_others_likeness"
"""The key of what was judged at each step."""
_MOST_DIRECTIONS = 200
_LONGEST_TEXT = 120
_MOST = 1e6
"""A code's numbers are of size 1; what is a million times that is drawn as noise, and its square is no float32."""
_AGAIN = N_("export it again, or put its directions in again")


_MOST_STEPS, _FARTHEST_STEP, _MOST_PEOPLE = 20, 10, 10_000_000


class Judged(NamedTuple):
    """What a step along a direction did to people held out, each a share of them; None where nobody could tell."""

    own: float | None
    """In whom the attribute came, of those without it; for a step back: went, of those with it."""
    others: float | None
    """In whom another attribute changed, the mean of all others."""
    likeness: float | None
    """Cosine of a face recogniser's embedding to the one before, the mean."""


@dataclasses.dataclass(frozen=True, slots=True)
class Verified:
    """The word of a classifier that had no part in any training."""

    attribute: str
    """As it calls it; `-` before it: turned round."""
    judge: str
    people: int
    """Of whom nobody was learnt from."""
    steps: Mapping[int, Judged]
    akin: tuple[str, ...] = ()
    """Attributes that are the same thing by another name: they are none of the others."""


@dataclasses.dataclass(frozen=True, eq=False)
class Direction:
    """What an attribute of people adds to a code."""

    name: str
    """As a setting is called: `glasses`, `mouth`."""
    title: str
    """For people."""
    by: str
    """How it was found."""
    accuracy: float
    """The share of people held out that it tells right, 0..1; 0.5 is chance."""
    values: Floats
    """[Z]; a step of 1 is one standard deviation of people's codes along it."""
    verified: Verified | None = None
    """None: no judge was asked."""


@dataclasses.dataclass(frozen=True, eq=False)
class LatentSpace:
    """Of a model whose codes have Z numbers."""

    light: int
    """How many numbers at the end of a code are the light; 0 where it is not apart."""
    mean: Floats
    deviation: Floats
    """[Z], of people's codes."""
    directions: tuple[Direction, ...] = ()

    @classmethod
    def unknown(cls, latent: int, light: int = 0) -> LatentSpace:
        """Return the space of codes of which nothing is known but that training drew them to a normal cloud."""
        return cls(light, np.zeros(latent, np.float32), np.ones(latent, np.float32))

    @classmethod
    def parse(cls, text: str, latent: int, where: str, next_step: str = "") -> LatentSpace:
        """Read a card's text for codes of `latent` numbers; nothing is known where it is empty.

        Raises ModelError, one line that names `where` and ends in `next_step` (empty: to export it again), for whatever
        does not fit.
        """
        if not text:
            return cls.unknown(latent)
        try:
            return _parsed(text, latent)
        except _UnfitError as unfit:
            raise ModelError(
                _(
                    "{where}: its latent_space {unfit}; {next_step}",
                    where=where,
                    unfit=unfit,
                    next_step=next_step or _(_AGAIN),
                )
            ) from None

    def text(self) -> str:
        """Return what stands in the card, in one line."""
        found = {
            "light": self.light,
            "mean": _rounded(self.mean),
            "deviation": _rounded(self.deviation),
            "directions": [
                {
                    "name": each.name,
                    "title": each.title,
                    "by": each.by,
                    "accuracy": round(each.accuracy, 4),
                    "values": _rounded(each.values),
                }
                | ({} if each.verified is None else {"verified": _verified_text(each.verified)})
                for each in self.directions
            ],
        }
        return json.dumps(found, separators=(",", ":"), allow_nan=False)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.directions)

    def direction(self, name: str) -> Direction:
        """Raises OptionError with what is near for a name it has not."""
        for each in self.directions:
            if each.name == name:
                return each
        hint = (
            _("there are: {names}", names=", ".join(self.names))
            if self.directions
            else _("the model has no directions")
        )
        raise OptionError(
            _(
                "no direction '{name}'{hint}; {there_are}",
                name=shown(name, 40),
                hint=nearest(name, self.names),
                there_are=hint,
            )
        )


class _UnfitError(Exception):
    """What is wrong, to follow upon the field's name."""


def _parsed(text: str, latent: int) -> LatentSpace:
    if len(text) > MOST_LATENT_SPACE:
        raise _UnfitError(_("has over {most_latent_space:,} letters", most_latent_space=MOST_LATENT_SPACE))
    try:
        found = json.loads(text)
    except UNREADABLE as error:
        raise _UnfitError(_("is no JSON ({reason})", reason=shown(why_unreadable(error), 80))) from error
    if not isinstance(found, dict):
        raise _UnfitError(_("is no JSON object"))
    light = found.get("light", 0)
    if type(light) is not int or not 0 <= light < latent:
        raise _UnfitError(
            _("has the light {light}, not a count of its {latent} numbers", light=_quoted(light), latent=latent)
        )
    mean, deviation = (_numbers(found.get(name), latent, f"'{name}'") for name in ("mean", "deviation"))
    if (deviation < 0).any():
        raise _UnfitError(_("has a 'deviation' below 0"))
    listed = found.get("directions", [])
    if not isinstance(listed, list) or len(listed) > _MOST_DIRECTIONS:
        raise _UnfitError(_("has no list of up to {most_directions} 'directions'", most_directions=_MOST_DIRECTIONS))
    directions = tuple(_direction(each, latent) for each in listed)
    problem = problem_of_names(each.name for each in directions)
    if problem:
        raise _UnfitError(problem)
    return LatentSpace(light, mean, deviation, directions)


def problem_of_names(names: Iterable[str]) -> str:
    """Return what keeps names from being those of directions, or an empty string."""
    seen: set[str] = set()
    for name in names:
        if not _NAME.fullmatch(name):
            return _(
                "has a direction {name}: a name is of a to z, 0 to 9 and _, and begins with a letter",
                name=_quoted(name),
            )
        if name in seen:
            return _("has two directions '{name}'", name=name)
        seen.add(name)
    return ""


def _direction(found: Any, latent: int) -> Direction:
    name = found.get("name") if isinstance(found, dict) else None
    if not isinstance(name, str):
        raise _UnfitError(_("has a direction without a name"))
    texts = {key: found.get(key, "") for key in ("title", "by")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise _UnfitError(_("has a direction {name} whose title or way is no text", name=_quoted(name)))
    title, by = (shown(text, _LONGEST_TEXT) for text in texts.values())
    accuracy = found.get("accuracy", 0)
    if not _is_number(accuracy) or not 0 <= accuracy <= 1:
        raise _UnfitError(_("has a direction {name} whose accuracy is not 0 to 1", name=_quoted(name)))
    values = _numbers(found.get("values"), latent, _("direction {name}", name=_quoted(name)))
    verified = _verified(found["verified"], name) if "verified" in found else None
    return Direction(name, title or name.replace("_", " "), by, float(accuracy), values, verified)


def _verified_text(verified: Verified) -> dict[str, Any]:
    steps = {f"{step:+d}": list(judged) for step, judged in verified.steps.items()}
    return {"attribute": verified.attribute, "judge": verified.judge, "people": verified.people} | {
        "akin": list(verified.akin),
        STEPS: steps,
    }


def _verified(found: Any, name: str) -> Verified:
    unfit = _UnfitError(
        _("has a direction {name} whose 'verified' is not what tools.find_attributes writes", name=_quoted(name))
    )
    if not isinstance(found, dict):
        raise unfit
    attribute, judge, people, steps = (found.get(key) for key in ("attribute", "judge", "people", STEPS))
    if not isinstance(attribute, str) or not isinstance(judge, str):
        raise unfit
    if type(people) is not int or not 0 < people <= _MOST_PEOPLE:
        raise unfit
    akin = found.get("akin", [])
    if not isinstance(akin, list) or len(akin) > _MOST_STEPS or not all(isinstance(name, str) for name in akin):
        raise unfit
    if not isinstance(steps, dict) or len(steps) > _MOST_STEPS:
        raise unfit
    judged = {}
    for step, shares in steps.items():
        if not _STEP.fullmatch(step) or abs(int(step)) > _FARTHEST_STEP:
            raise unfit
        if not isinstance(shares, list) or len(shares) != len(Judged._fields) or not all(map(_is_share, shares)):
            raise unfit
        judged[int(step)] = Judged(*(None if share is None else float(share) for share in shares))
    return Verified(
        shown(attribute, _LONGEST_TEXT),
        shown(judge, _LONGEST_TEXT),
        people,
        judged,
        tuple(shown(name, _LONGEST_TEXT) for name in akin),
    )


def _is_share(found: Any) -> bool:
    return found is None or (_is_number(found) and -1 <= found <= 1)


def _numbers(found: Any, latent: int, what: str) -> Floats:
    if not isinstance(found, list) or not all(map(_is_number, found)):
        raise _UnfitError(_("has no numbers for {what}", what=what))
    if len(found) != latent:
        raise _UnfitError(
            _(
                "has {count} numbers for {what}, and the model's codes have {latent}",
                count=len(found),
                what=what,
                latent=latent,
            )
        )
    if not all(abs(value) <= _MOST for value in found):  # NaN is in no order
        raise _UnfitError(_("has a number for {what} that cannot be", what=what))
    return np.array(found, np.float32)


def _is_number(found: Any) -> bool:
    return type(found) in (int, float)


def _quoted(found: Any) -> str:
    return f"'{shown(str(found), 40)}'"


def _rounded(values: Floats) -> list[float]:
    return [float(f"{value:.6g}") for value in values.tolist()]
