"""Which item hangs when, by clocks that the tests turn."""

from __future__ import annotations

import collections
import datetime
import itertools
import random

import pytest

from realtime.core.errors import OptionError
from realtime.gallery.config import Item
from realtime.gallery.programme.hours import parse_hours
from realtime.gallery.programme.schedule import Programme
from tests.gallery.items import item


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - nothing is secret about it


MONDAY_NOON_S = datetime.datetime(2026, 11, 30, 12, 0).timestamp()


class Room:
    """A programme, the clocks on its wall, and who looks at it."""

    def __init__(self, programme: Programme, now_s: float = MONDAY_NOON_S) -> None:
        self.programme = programme
        self.now_s = now_s
        self.at_s = 1000.0
        self.faces = 0
        self.look()

    def look(self) -> str:
        self.programme.look(self.now_s, self.at_s, self.faces)
        return self.programme.current.name if self.programme.current else ""

    def pass_s(self, seconds: float, step_s: float = 1.0) -> str:
        for _ in range(round(seconds / step_s)):
            self.now_s += step_s
            self.at_s += step_s
            self.look()
        return self.look()

    @property
    def status(self) -> tuple[str, str, str]:
        status = self.programme.status(self.now_s, self.at_s)
        return status.current, status.following, status.changes_at


def three() -> list[Item]:
    return [item("a", 60), item("b", 120), item("c", 60)]


def test_in_turn_each_for_its_time() -> None:
    room = Room(Programme(three()))
    assert room.status == ("a", "b", "12:01")
    hung = collections.Counter(room.pass_s(1) for _ in range(480))
    assert hung == {"a": 120, "b": 240, "c": 120}


def test_random_never_the_same_twice_and_all_of_them() -> None:
    room = Room(Programme([item(name, 10) for name in "abcd"], order="random", chance=chance(3)))
    hung = [room.look()]
    announced = []
    for _ in range(400):
        announced.append(room.status[1])
        hung.append(room.pass_s(10))
    assert all(one != other for one, other in itertools.pairwise(hung))
    assert hung[1:] == announced, "what was told to come next came"
    assert min(collections.Counter(hung).values()) > 70


def test_the_same_seed_is_the_same_order() -> None:
    def order(seed: int) -> list[str]:
        room = Room(Programme([item(name, 10) for name in "abcd"], order="random", chance=chance(seed)))
        return [room.pass_s(10) for _ in range(20)]

    assert order(5) == order(5) != order(6)


def test_closed_outside_the_opening_hours_and_open_again_by_itself() -> None:
    room = Room(Programme(three(), parse_hours("Mon 10:00-12:02; Tue 9:00-10:00")))
    assert room.status == ("a", "b", "12:01")
    assert room.pass_s(61) == "b"
    assert room.status == ("b", "", "12:02"), "it closes before the next comes"
    assert room.pass_s(60) == ""
    assert room.status == ("", "c", "09:00")
    assert room.pass_s(20 * 3600 + 57 * 60 - 60, 60) == ""
    assert room.pass_s(121) == "c"


def test_a_clock_set_right_while_it_hangs() -> None:
    programme = Programme(three(), parse_hours("Mon-Sun 10:00-18:00"))
    room = Room(programme, datetime.datetime(1970, 1, 2, 3, 0).timestamp())
    assert room.look() == ""
    room.now_s = MONDAY_NOON_S  # the network has told the time
    assert room.look() == "a"
    room.now_s += 3600.0  # and an hour's leap is nobody's hour
    assert room.look() == "a"
    assert room.status[2] == "13:01"


def test_items_have_hours_of_their_own() -> None:
    items = [item("day", 60, "6:00-12:01"), item("always", 60), item("evening", 60, "18:00-22:00")]
    room = Room(Programme(items))
    assert room.look() == "day"
    assert room.pass_s(60) == "always"
    assert room.pass_s(600) == "always", "nothing else may hang now"
    assert room.status == ("always", "", "")
    room.now_s += 6 * 3600.0
    assert room.pass_s(61) == "evening"


def test_an_item_leaves_when_its_own_hours_are_over() -> None:
    room = Room(Programme([item("a", 6000, "6:00-12:05"), item("b", 60)]))
    assert room.pass_s(299) == "a"
    assert room.pass_s(1) == "b"


def test_where_nothing_may_hang_the_screen_is_black() -> None:
    room = Room(Programme([item("a", 60, "6:00-12:05")]))
    assert room.look() == "a"
    assert room.pass_s(300) == ""
    assert room.programme.is_closed


def test_it_waits_for_nobody_to_be_looking() -> None:
    room = Room(Programme([item("a", 60, waits=True), item("b", 60)]))
    room.faces = 1
    assert room.pass_s(100) == "a"
    room.faces = 0
    assert room.pass_s(2) == "a", "a blink is not nobody"
    room.faces = 2
    assert room.pass_s(10) == "a"
    room.faces = 0
    assert room.pass_s(4) == "b"


def test_but_not_for_ever() -> None:
    room = Room(Programme([item("a", 60, waits=True, at_most_s=90), item("b", 60)]))
    room.faces = 1
    assert room.pass_s(149) == "a"
    assert room.pass_s(2) == "b"


def test_with_nobody_there_it_changes_on_time() -> None:
    room = Room(Programme([item("a", 60, waits=True), item("b", 60)]))
    assert room.pass_s(59) == "a"
    assert room.pass_s(1) == "b"


def test_the_last_picture_stands_still_for_the_pause() -> None:
    room = Room(Programme([item("a", 60), item("b", 60)], pause_s=5))
    assert room.pass_s(60) == "a"
    assert room.programme.is_standing
    assert room.pass_s(4) == "a"
    assert room.pass_s(1) == "b"
    assert not room.programme.is_standing


def test_an_item_that_cannot_be_shown_is_left_out_until_the_next_round() -> None:
    items = three()
    room = Room(Programme(items))
    assert room.pass_s(60) == "b"
    room.programme.leave_out(items[1], room.at_s)
    assert room.look() == "c"
    assert room.pass_s(60) == "a", "another round"
    assert room.status[1] == "b", "and it is tried again"
    assert room.pass_s(60) == "b"


def test_where_none_can_be_shown_they_are_tried_again() -> None:
    items = [item("a"), item("b")]
    room = Room(Programme(items))
    tried = []
    for _ in range(12):
        current = room.programme.current
        if current is not None:
            tried.append(current.name)
            room.programme.leave_out(current, room.at_s)
        room.pass_s(1)
    assert set(tried) == {"a", "b"}


def test_an_item_chosen_by_name_stays_for_its_time_even_out_of_its_hours() -> None:
    room = Room(Programme([item("a", 60), item("b", 60), item("night", 60, "22:00-4:00")]))
    room.programme.choose("night", room.now_s)
    assert room.look() == "night"
    assert room.pass_s(59) == "night"
    assert room.pass_s(1) == "a"
    room.programme.choose("", room.now_s)
    assert room.look() == "b", "the next one"


def test_what_cannot_be_chosen_is_said() -> None:
    room = Room(Programme(three(), parse_hours("Mon 10-13")))
    with pytest.raises(OptionError, match=r"no item 'x' in the programme; there are: a, b, c"):
        room.programme.choose("x", room.now_s)
    room.now_s += 3600.0
    with pytest.raises(OptionError, match="closed"):
        room.programme.choose("a", room.now_s)
    alone = Room(Programme([item("a")]))
    with pytest.raises(OptionError, match="no other item"):
        alone.programme.choose("", alone.now_s)


def test_it_goes_on_with_what_hung_for_the_rest_of_its_time() -> None:
    programme = Programme(three())
    programme.resume("b", 100.0, 1000.0)
    room = Room(programme)
    assert room.look() == "b"
    assert room.pass_s(19) == "b"
    assert room.pass_s(1) == "c"


@pytest.mark.parametrize("hung_for_s", [-1e9, 0.0, 1e9])
def test_after_a_long_night_or_by_a_wrong_clock_it_hangs_for_its_whole_time(hung_for_s: float) -> None:
    programme = Programme(three())
    programme.resume("c", hung_for_s, 1000.0)
    room = Room(programme)
    assert room.pass_s(59) == "c"
    assert room.pass_s(1) == "a"


def test_an_item_that_is_gone_from_the_file_is_forgotten() -> None:
    programme = Programme(three())
    programme.resume("x", 1.0, 1000.0)
    assert Room(programme).look() == "a"
