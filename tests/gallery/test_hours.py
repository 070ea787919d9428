"""Opening hours: what they say at which moment, and when that changes."""

from __future__ import annotations

import datetime
import math
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.core.errors import OptionError
from realtime.gallery.programme.durations import parse_duration
from realtime.gallery.programme.hours import Hours, parse_hours

BERLIN = ZoneInfo("Europe/Berlin")


def moment(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def told(at_s: float | None, zone: ZoneInfo = BERLIN) -> str:
    return "never" if at_s is None else datetime.datetime.fromtimestamp(at_s, zone).strftime("%a %d.%m. %H:%M")


@pytest.mark.parametrize(
    ("hours", "at", "is_open"),
    [  # 2026-11-30 is a Monday
        ("Tue-Sun 10:00-18:00", "2026-11-30 12:00", False),
        ("Tue-Sun 10:00-18:00", "2026-12-01 09:59", False),
        ("Tue-Sun 10:00-18:00", "2026-12-01 10:00", True),
        ("Tue-Sun 10:00-18:00", "2026-12-06 17:59", True),
        ("Tue-Sun 10:00-18:00", "2026-12-06 18:00", False),
        ("Fri 20:00-02:00", "2026-12-04 19:59", False),
        ("Fri 20:00-02:00", "2026-12-04 23:59", True),
        ("Fri 20:00-02:00", "2026-12-05 01:59", True),
        ("Fri 20:00-02:00", "2026-12-05 02:00", False),
        ("Fri 20:00-02:00", "2026-12-05 20:00", False),
        ("Sun 20:00-02:00", "2026-11-30 01:00", True),  # from one week into the next
        ("Sat-Mon 10-12", "2026-11-30 11:00", True),  # a range across the week's end
        ("Sat-Mon 10-12", "2026-12-01 11:00", False),
        ("Mon, Wed and Fri 10-12", "2026-12-02 11:00", True),
        ("Mon, Wed and Fri 10-12", "2026-12-03 11:00", False),
        ("Mon 10-13, 14-18", "2026-11-30 13:30", False),
        ("Mon 10-13, 14-18", "2026-11-30 17:30", True),
        ("Mon 10-13, 14-18; Tue 9-10", "2026-12-01 15:00", False),
        ("Mon 10-13, 14-18; Tue 9-10", "2026-12-01 09:30", True),
        ("weekdays 8:30–17", "2026-12-04 08:30", True),
        ("weekend 8:30-17", "2026-12-04 08:30", False),
        ("daily 00:00-24:00", "2026-12-04 00:00", True),
        ("10.00-18.00", "2026-11-30 10:00", True),
        ("Monday: 10:00-18:00", "2026-11-30 10:00", True),
        ("always", "2026-11-30 03:00", True),
        ("", "2026-11-30 03:00", True),
    ],
)
def test_open_or_not(hours: str, at: str, is_open: bool) -> None:
    assert parse_hours(hours, BERLIN).is_open(moment(at)) == is_open


@pytest.mark.parametrize(
    ("hours", "at", "change"),
    [
        ("Tue-Sun 10:00-18:00", "2026-11-30 12:00", "Tue 01.12. 10:00"),
        ("Tue-Sun 10:00-18:00", "2026-12-01 10:00", "Tue 01.12. 18:00"),
        ("Tue-Sun 10:00-18:00", "2026-12-06 18:00", "Tue 08.12. 10:00"),
        ("Mon 10-12", "2026-11-30 12:00", "Mon 07.12. 10:00"),
        ("Fri 20:00-02:00", "2026-12-04 21:00", "Sat 05.12. 02:00"),
        ("Mon 10-14, 12-18", "2026-11-30 11:00", "Mon 30.11. 18:00"),  # spans that overlap are one
        ("Mon 22-24; Tue 0-2", "2026-11-30 23:00", "Tue 01.12. 02:00"),  # and those that touch
        ("daily 00:00-24:00", "2026-11-30 11:00", "never"),
        ("always", "2026-11-30 11:00", "never"),
        ("10:00-18:00", "2026-12-31 19:00", "Fri 01.01. 10:00"),
    ],
)
def test_next_change(hours: str, at: str, change: str) -> None:
    assert told(parse_hours(hours, BERLIN).next_change(moment(at))) == change


def test_a_day_of_23_hours_opens_and_closes_as_every_day() -> None:
    """On 2027-03-28 it is 03:00 right after 01:59."""
    hours = parse_hours("Sun 01:30-04:00", BERLIN)
    opens_s = hours.next_change(moment("2027-03-28 00:00"))
    assert told(opens_s) == "Sun 28.03. 01:30"
    assert opens_s is not None
    closes_s = hours.next_change(opens_s)
    assert closes_s is not None
    assert told(closes_s) == "Sun 28.03. 04:00"
    assert closes_s - opens_s == 1.5 * 3600


def test_a_span_that_begins_in_the_hour_left_out_begins_after_it() -> None:
    hours = parse_hours("Sun 02:30-04:00", BERLIN)
    opens_s = hours.next_change(moment("2027-03-28 01:00"))
    assert opens_s == moment("2027-03-28 01:00") + 3600
    assert told(opens_s) == "Sun 28.03. 03:00"
    assert not hours.is_open(opens_s - 1)


def test_a_span_that_ends_in_the_hour_left_out_ends_with_it() -> None:
    hours = parse_hours("Sun 00:00-02:30", BERLIN)
    assert hours.next_change(moment("2027-03-28 00:10")) == moment("2027-03-28 00:00") + 2 * 3600


def test_a_day_of_25_hours() -> None:
    """On 2026-10-25 the hour from 02:00 to 03:00 comes twice."""
    hours = parse_hours("Sun 01:00-04:00", BERLIN)
    opens_s = moment("2026-10-25 01:00")
    assert hours.next_change(opens_s) == opens_s + 4 * 3600
    night = parse_hours("Sat 20:00-02:00", BERLIN)
    assert night.next_change(moment("2026-10-24 21:00")) == moment("2026-10-25 02:00", fold=0)


def test_hours_within_the_hour_that_comes_twice_hold_in_both() -> None:
    hours = parse_hours("Sun 02:00-02:30", BERLIN)
    first_s, second_s = moment("2026-10-25 02:00", fold=0), moment("2026-10-25 02:00", fold=1)
    assert second_s - first_s == 3600
    changes = [first_s - 60]
    for _ in range(4):
        following = hours.next_change(changes[-1])
        assert following is not None
        changes.append(following)
    assert changes[1:] == [first_s, first_s + 1800, second_s, second_s + 1800]


def test_a_clock_that_jumps_is_believed_at_once() -> None:
    hours = parse_hours("Tue-Sun 10:00-18:00", BERLIN)
    assert not hours.is_open(moment("1970-01-05 12:00"))  # a clock without a battery, on a Monday
    assert hours.is_open(moment("2026-12-01 12:00"))
    assert not hours.is_open(moment("2026-12-01 22:00"))


@pytest.mark.parametrize("at_s", [-1e18, -1.0, 0.0, 1e18, math.inf, -math.inf, math.nan])
def test_no_clock_is_too_wrong(at_s: float) -> None:
    hours = parse_hours("Tue-Sun 10:00-18:00", BERLIN)
    assert hours.is_open(at_s) in (True, False)
    hours.next_change(at_s)


def test_this_computers_own_clock() -> None:
    at_s = datetime.datetime(2026, 12, 1, 11, 0).timestamp()
    assert parse_hours("Tue 10-12").is_open(at_s)
    assert parse_hours("Tue 10-12").next_change(at_s) == at_s + 3600


def minute_by_minute(hours: Hours, at_s: float) -> float | None:
    """The next change, found the long way."""
    now = hours.is_open(at_s)
    start_s = at_s - at_s % 60 + 60
    return next((start_s + 60 * step for step in range(9 * 1440) if hours.is_open(start_s + 60 * step) != now), None)


@pytest.mark.parametrize("at", ["2026-10-23 12:07", "2027-03-26 00:00", "2027-03-28 01:59", "2026-10-25 02:30"])
@pytest.mark.parametrize("hours", ["Fri-Sun 01:45-02:15", "Sun 23:00-03:00; Wed 2:10-2:50", "Thu 12-11"])
def test_no_change_is_missed_around_the_leaps_of_the_clocks(at: str, hours: str) -> None:
    read = parse_hours(hours, BERLIN)
    assert read.next_change(moment(at)) == minute_by_minute(read, moment(at))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Tus 10-18", "'Tus' is no day (did you mean 'Tue'?); write"),
        ("Tue", "these days have no times"),
        ("Tue 10", "neither a day nor a time"),
        ("Tue 25:00-26:00", "no times of a day"),
        ("Tue 10:70-11:00", "no times of a day"),
        ("Tue 10:00-10:00", "begins and ends at once"),
        ("Tue-10:00-12:00", "no range of days"),
        ("10-18 pm", "'pm' is no day"),
        ("x" * 3000, "too long"),
        ("10-11 " * 101, "too many"),
        ("🙂", "neither a day nor a time"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, line: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_hours(text)
    assert line.split(";")[0] in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(alphabet="MonTueSat ,;:-–0123456789.and\n", max_size=60) | st.text(max_size=40))
def test_any_text_is_hours_or_one_line(text: str) -> None:
    try:
        parse_hours(text).is_open(1.8e9)
    except OptionError as refused:
        line = str(refused)
        assert "\n" not in line


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("20 min", 1200), ("1 h 30 min", 5400), ("1h30m", 5400), ("90 s", 90), (20, 1200), (0.5, 30), ("20", 1200),
     ("2 hours", 7200), ("1.5 h", 5400)],
)  # fmt: skip
def test_durations(value: object, seconds: float) -> None:
    assert parse_duration(value, "hangs") == seconds


@pytest.mark.parametrize("value", ["", "soon", "20 x", "5 5", "-1 s", True, None, [], "9" * 5000, "1e9", math.nan, 1e9])
def test_what_is_no_duration_is_said(value: object) -> None:
    with pytest.raises(OptionError, match=r"^hangs: "):
        parse_duration(value, "hangs")
