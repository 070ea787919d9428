"""When a gallery is open, as its doors say it: `Tue-Sun 10:00-18:00; Fri 20:00-02:00`.

Times are the wall's own: what a clock in the room shows. So a day of 23 or 25 hours opens and closes as every other day
does, and a span that ends before it begins goes on past midnight. Every question takes a moment (Unix time, s): nothing
is remembered between two of them, so that a clock which is set right while the program runs does no harm.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterator

from realtime.core.errors import OptionError, nearest
from realtime.core.language import _
from realtime.core.text_limits import abbreviated

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FULL_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {
    "daily": range(7),
    "weekdays": range(5),
    "weekends": range(5, 7),
    "weekend": range(5, 7),
}
_ALL_DAYS = frozenset(range(7))
_DAY_MIN = 24 * 60
_AHEAD_DAYS = 8  # whatever is open on some weekday is open within a week, and a span of the last day may go on
_MOST_SPANS = 100
_MOST_LETTERS = 2000
_TIMES = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*[-–]\s*(\d{1,2})(?:[:.](\d{2}))?")
_WORD = re.compile(r"[^\W\d_]+")
_BETWEEN = re.compile(r"(?:[\s,;:]|\band\b)+", re.IGNORECASE)
_RANGE = re.compile(r"\s*[-–]\s*")
_LATEST_S = 253_370_764_800.0  # the year 9999: a clock that says more is wrong, and Python cannot name its days


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """From when to when, on which days."""

    days: frozenset[int]
    """Weekdays on which it begins, Monday 0."""
    begin_min: int
    """Minutes since midnight."""
    end_min: int
    """The same, not included; over 1440 where it ends on the next day."""


@dataclasses.dataclass(frozen=True, slots=True)
class Hours:
    """When something is open."""

    spans: tuple[Span, ...] = ()
    """Empty: always."""
    zone: datetime.tzinfo | None = None
    """Whose clocks count; None: this computer's."""

    def is_open(self, at_s: float) -> bool:
        """Whether it is open at a moment (Unix time, s)."""
        if not self.spans:
            return True
        local = _local(at_s, self.zone)
        today, minute = local.weekday(), local.hour * 60 + local.minute
        yesterday = (today - 1) % 7
        return any(
            (today in span.days and span.begin_min <= minute < span.end_min)
            or (yesterday in span.days and minute + _DAY_MIN < span.end_min)
            for span in self.spans
        )

    def next_change(self, at_s: float) -> float | None:
        """Return when it opens or closes next after a moment (Unix time, s); None: never."""
        now = self.is_open(at_s)
        for moment_s in sorted(set(self._boundaries(at_s))):
            if moment_s > at_s and self.is_open(moment_s) != now:
                return moment_s
        return None

    def _boundaries(self, at_s: float) -> Iterator[float]:
        """Yield every moment from yesterday on at which something may change: ends of spans, and leaps of the clocks
        (a span may begin in an hour that is left out, or in one that comes twice).
        """
        first = _local(at_s, self.zone).date() - datetime.timedelta(days=1)
        midnight_s: float | None = None
        for ahead in range(_AHEAD_DAYS + 2):
            day = datetime.datetime.combine(first + datetime.timedelta(days=ahead), datetime.time())
            before_s, midnight_s = midnight_s, day.replace(tzinfo=self.zone).timestamp()
            if before_s is not None and midnight_s - before_s != _DAY_MIN * 60:
                yield _leap_between(before_s, midnight_s, self.zone)
            for minute in {minute for span in self.spans for minute in (span.begin_min, span.end_min)}:
                at = day + datetime.timedelta(minutes=minute)
                for fold in (0, 1):
                    yield at.replace(tzinfo=self.zone, fold=fold).timestamp()


def parse_hours(text: str, zone: datetime.tzinfo | None = None) -> Hours:
    """Read opening hours: days (`Mon`, `Tue-Fri`, `Sat, Sun`, `daily`, `weekdays`, `weekend`) and the times that belong
    to them, as many as there are: `Tue-Fri 10-13, 14-18; Sat 10:00-02:00`. Times without days are of every day;
    `always` or nothing is always. Raises OptionError, one line, for anything else.
    """
    if len(text) > _MOST_LETTERS:
        raise OptionError(_("opening hours of {letters} letters are too long; give a few spans", letters=len(text)))
    rest = text.strip()
    if rest.casefold() in ("", "always"):
        return Hours((), zone)
    spans: list[Span] = []
    days: set[int] = set()
    is_complete = True  # the last days have their times
    while rest:
        if times := _TIMES.match(rest):
            spans.append(_span(frozenset(days) or _ALL_DAYS, times))
            is_complete, rest = True, rest[times.end() :]
        else:
            named, rest = _read_days(rest, text)
            if is_complete:
                days = set()
            days |= named
            is_complete = False
        if between := _BETWEEN.match(rest):
            rest = rest[between.end() :]
    if not is_complete:
        raise _unreadable(text, _("these days have no times"))
    if len(spans) > _MOST_SPANS:
        raise OptionError(
            _("{count} spans of opening hours are too many; {most} may be given", count=len(spans), most=_MOST_SPANS)
        )
    return Hours(tuple(spans), zone)


def local_time(at_s: float, zone: datetime.tzinfo | None = None) -> datetime.datetime:
    """Return what clocks show at a moment (Unix time, s); of a clock beyond all days the last one that can be named."""
    return _local(at_s, zone)


def _local(at_s: float, zone: datetime.tzinfo | None) -> datetime.datetime:
    at_s = min(max(at_s, 86_400.0), _LATEST_S) if at_s == at_s else 86_400.0  # a NaN is none
    return datetime.datetime.fromtimestamp(at_s, zone)


def _leap_between(before_s: float, after_s: float, zone: datetime.tzinfo | None) -> float:
    """Return the moment between two at which the clocks are put forward or back, to a second."""

    def ahead_s(at_s: float) -> float:
        return _local(at_s, zone).replace(tzinfo=datetime.UTC).timestamp() - at_s

    low, high = before_s, after_s
    first = ahead_s(low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if ahead_s(middle) == first else (low, middle)
    return high


def _span(days: frozenset[int], times: re.Match[str]) -> Span:
    hour, minute, end_hour, end_minute = (int(part or 0) for part in times.groups())
    begin, end = hour * 60 + minute, end_hour * 60 + end_minute
    if minute > 59 or end_minute > 59 or begin >= _DAY_MIN or end > _DAY_MIN:
        raise OptionError(_("'{times}' are no times of a day; write them as 10:00-18:00", times=times.group()))
    if begin == end:
        raise OptionError(
            _("'{times}' begins and ends at once; for a whole day write 00:00-24:00", times=times.group())
        )
    return Span(days, begin, end if end > begin else end + _DAY_MIN)


def _read_days(text: str, whole: str) -> tuple[set[int], str]:
    """Read `Mon`, `Tue-Fri` or `weekend` from the beginning of a text; return the days and the rest."""
    word = _WORD.match(text)
    if word is None:
        raise _unreadable(whole, _("'{text}' is neither a day nor a time", text=abbreviated(text)))
    rest = text[word.end() :].removeprefix(".")
    if word.group().casefold() in _GROUPS:
        return set(_GROUPS[word.group().casefold()]), rest
    first = last = _day(word.group())
    if dash := _RANGE.match(rest):
        other = _WORD.match(rest, dash.end())
        if other is None:
            raise _unreadable(whole, _("'{text}' is no range of days", text=abbreviated(text)))
        last, rest = _day(other.group()), rest[other.end() :].removeprefix(".")
    return {(first + step) % 7 for step in range((last - first) % 7 + 1)}, rest


def _day(word: str) -> int:
    name = word.casefold()
    for number, full in enumerate(_FULL_DAYS):
        if len(name) >= 3 and full.startswith(name):
            return number
    known = [day.capitalize() for day in (*_DAYS, *_FULL_DAYS, *_GROUPS)]
    hint = nearest(word.capitalize(), known) or _("; write Mon, Tue, Wed, Thu, Fri, Sat, Sun")
    raise OptionError(_("'{word}' is no day{hint}", word=abbreviated(word), hint=hint))


def _unreadable(text: str, reason: str) -> OptionError:
    return OptionError(
        _("opening hours '{text}': {reason}; write them as Tue-Sun 10:00-18:00", text=abbreviated(text), reason=reason)
    )
