from __future__ import annotations

import itertools
import threading
import time

import pytest

from realtime.pipeline.pacing import DropPolicy, Mailbox, MailboxClosedError, Pacer


def test_newest_slot_keeps_the_newest_and_counts_the_rest() -> None:
    mailbox: Mailbox[int] = Mailbox()
    for number in range(5):
        mailbox.put(number)
    assert mailbox.take(0) == 4
    assert mailbox.take(0) is None
    assert mailbox.dropped == 4


def test_every_slot_loses_nothing() -> None:
    mailbox: Mailbox[int] = Mailbox(DropPolicy.EVERY)
    taken: list[int] = []

    def take_all() -> None:
        try:
            while True:
                item = mailbox.take()
                assert item is not None
                taken.append(item)
                time.sleep(0.001)
        except MailboxClosedError:
            pass

    taker = threading.Thread(target=take_all)
    taker.start()
    for number in range(50):
        mailbox.put(number)
    mailbox.close()
    taker.join(timeout=5)
    assert taken == list(range(50))
    assert mailbox.dropped == 0


def test_closing_wakes_whoever_waits() -> None:
    mailbox: Mailbox[int] = Mailbox(DropPolicy.EVERY)
    mailbox.put(1)
    refused = threading.Event()

    def put_more() -> None:
        with pytest.raises(MailboxClosedError):
            mailbox.put(2)
        refused.set()

    putter = threading.Thread(target=put_more)
    putter.start()
    mailbox.close()
    assert refused.wait(5)
    putter.join()
    assert mailbox.take() == 1  # what was inside is still delivered
    with pytest.raises(MailboxClosedError):
        mailbox.take()


def test_closing_may_discard() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    mailbox.close(discard=True)
    with pytest.raises(MailboxClosedError):
        mailbox.take()


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def _sent(beat: Pacer, clock: Clock, frames_at_s: list[float], until_s: float) -> list[tuple[float, bool]]:
    """Play a feed by hand: what is sent when, and whether it was fresh."""
    waiting = [100.0 + at_s for at_s in frames_at_s]
    sent: list[tuple[float, bool]] = []
    newest_before: list[float] = []
    while clock.now_s < 100.0 + until_s:
        clock.now_s += beat.early_s()
        deadline_s = clock.now_s + beat.patience_s()
        arrived = [at_s for at_s in waiting if at_s <= deadline_s]
        if arrived:
            newest_before = [at_s for at_s in arrived if at_s <= clock.now_s]
            chosen = newest_before[-1] if newest_before else arrived[0]
            clock.now_s = max(clock.now_s, chosen)
            waiting = [at_s for at_s in waiting if at_s > chosen]
        else:
            clock.now_s = deadline_s
        sent.append((clock.now_s - 100.0, bool(arrived)))
        beat.sent(fresh=bool(arrived), dropped=bool(arrived) and len(newest_before) > 1)
    return sent


def test_beat_sends_frames_of_its_own_rate_as_they_come() -> None:
    clock = Clock()
    frames = [0.005 + number / 30 for number in range(60)]
    sent = _sent(Pacer(30, clock), clock, frames, 1.9)
    assert all(fresh for _, fresh in sent)
    late = [at_s - frame_s for (at_s, _), frame_s in zip(sent, frames, strict=False)]
    assert max(late[5:]) < 1e-6, "locked onto the frames after a few of them"


def test_beat_repeats_slow_frames_at_its_rate() -> None:
    clock = Clock()
    sent = _sent(Pacer(30, clock), clock, [number / 10 for number in range(20)], 1.9)
    assert 54 <= len(sent) <= 60
    assert sum(fresh for _, fresh in sent) == 20
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(sent)]
    assert max(gaps) <= 1.3 / 30


@pytest.mark.parametrize("source_fps", [31.0, 40.0, 60.0, 120.0])
def test_beat_holds_fast_frames_back(source_fps: float) -> None:
    clock = Clock()
    sent = _sent(Pacer(30, clock), clock, [number / source_fps for number in range(1000)], 6.0)
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(sent)]
    assert min(gaps) >= 0.49 / 30
    assert len(sent) <= 6.0 * 30 * 1.12


def test_beat_forgives_a_long_debt() -> None:
    clock = Clock()
    beat = Pacer(30, clock)
    clock.now_s += 10
    beat.sent(fresh=False, dropped=False)
    assert beat.early_s() > 0.4 / 30
