from __future__ import annotations

import dataclasses
import itertools
import math
import threading
import time
from collections.abc import Callable

import pytest

from realtime.cameras import Camera
from realtime.core.errors import CameraError, RealtimeError
from realtime.core.stats import RunStats
from realtime.imaging.frame import Frame
from realtime.pipeline.capture import Capture, CapturePolicy
from realtime.pipeline.pacing import DropPolicy, Mailbox, MailboxClosedError
from tests.doubles import DrawnCamera, in_turn, read_number


class Run:
    """A capture and everything that came out of it."""

    def __init__(
        self, opener: Callable[[], Camera], policy: CapturePolicy, keep: DropPolicy = DropPolicy.EVERY
    ) -> None:
        self.mailbox: Mailbox[Frame] = Mailbox(keep)
        self.stats = RunStats()
        self.capture = Capture(opener(), opener, self.mailbox, self.stats, policy)
        self.ends: list[RealtimeError | None] = []
        self.capture.on_finished = self.ends.append
        self.capture.start()
        self.capture.start_playback()

    def take(self, count: int | None = None, watching: bool = False) -> list[Frame]:
        frames: list[Frame] = []
        deadline_s = time.monotonic() + 20
        try:
            while (count is None or len(frames) < count) and time.monotonic() < deadline_s:
                frame = self.mailbox.take(0.02)
                if frame is not None:
                    frames.append(frame)
                if watching:
                    self.capture.watch()
        except MailboxClosedError:
            pass
        return frames


def test_every_frame_comes_once_and_in_order() -> None:
    camera = DrawnCamera(40)
    run = Run(in_turn([camera]), CapturePolicy(every_frame=True))
    frames = run.take()
    run.capture.stop()
    assert [read_number(frame.pixels) for frame in frames] == list(range(40))
    assert [frame.index for frame in frames] == list(range(40))
    assert run.ends == [None]
    assert camera.is_closed
    assert run.stats.captured == 40


def test_recorded_material_plays_at_its_own_rate() -> None:
    run = Run(in_turn([DrawnCamera(31, fps=60)]), CapturePolicy())
    frames = run.take()
    run.capture.stop()
    took_s = frames[-1].captured_at_s - frames[0].captured_at_s
    assert took_s >= 30 / 60 * 0.98, "never faster than its own rate"


def test_recorded_material_waits_for_the_detector_after_its_first_frame() -> None:
    mailbox: Mailbox[Frame] = Mailbox(DropPolicy.EVERY)
    capture = Capture(DrawnCamera(3), in_turn([]), mailbox, RunStats(), CapturePolicy())
    capture.start()
    assert mailbox.take(5.0) is not None
    assert mailbox.take(0.2) is None
    capture.start_playback()
    assert mailbox.take(5.0) is not None
    capture.stop()


def test_looped_material_goes_on_counting() -> None:
    cameras = [DrawnCamera(5) for _ in range(4)]
    run = Run(in_turn(list(cameras)), CapturePolicy(every_frame=True, loop=True))
    frames = run.take(17)
    run.capture.stop()
    assert [read_number(frame.pixels) for frame in frames] == [number % 5 for number in range(17)]
    assert [frame.index for frame in frames] == list(range(17))
    steps = [b.pts_s - a.pts_s for a, b in itertools.pairwise(frames)]
    assert min(steps) > 0
    assert max(steps) < 1.5 / 30
    assert all(camera.is_closed for camera in cameras[:3])


def test_an_empty_source_is_no_endless_loop() -> None:
    run = Run(in_turn([DrawnCamera(0)]), CapturePolicy(loop=True))
    assert run.take() == []
    run.capture.stop()
    assert "holds no pictures" in str(run.ends[0])


def test_an_unplugged_camera_comes_back() -> None:
    lost = DrawnCamera(live=True, fps=200, fail_at=6)
    back = DrawnCamera(live=True, fps=200)
    gone = CameraError("no camera 0")
    run = Run(in_turn([lost, gone, gone, back]), CapturePolicy(retry_s=0.01))
    frames = run.take(20)
    run.capture.stop()
    assert [read_number(frame.pixels) for frame in frames] == [*range(6), *range(14)]
    assert [frame.index for frame in frames] == list(range(20))
    assert all(b.pts_s >= a.pts_s for a, b in itertools.pairwise(frames))
    assert run.stats.reopened == 1
    assert lost.is_closed
    assert back.is_closed


def test_a_stalled_camera_is_opened_again_and_closed_when_it_wakes() -> None:
    stuck = DrawnCamera(live=True, fps=200, stall_at=6)
    fresh = DrawnCamera(live=True, fps=200)
    run = Run(in_turn([stuck, fresh]), CapturePolicy(stall_s=0.2))
    frames = run.take(20, watching=True)
    assert [read_number(frame.pixels) for frame in frames] == [*range(6), *range(14)]
    stuck.released.set()
    deadline_s = time.monotonic() + 5
    while not stuck.is_closed and time.monotonic() < deadline_s:
        time.sleep(0.01)
    run.capture.stop()
    assert stuck.is_closed
    assert run.ends == [None]


def test_a_camera_slow_to_open_is_waited_for() -> None:
    stuck = DrawnCamera(live=True, fps=200, stall_at=3)
    left = [stuck]

    def open_slowly() -> Camera:
        if left:
            return left.pop()
        time.sleep(0.6)
        return DrawnCamera(live=True, fps=200)

    run = Run(open_slowly, CapturePolicy(stall_s=0.1))
    assert len(run.take(6, watching=True)) == 6, "an attempt to open it is not given up after stall_s"
    run.capture.stop()
    stuck.released.set()


def test_a_driver_that_never_answers_costs_few_threads() -> None:
    never = threading.Event()
    first = [DrawnCamera(live=True, fps=200, stall_at=1)]
    attempts: list[float] = []

    def open_never() -> Camera:
        if first:
            return first.pop()
        attempts.append(time.monotonic())
        never.wait()
        raise CameraError("released")

    run = Run(open_never, CapturePolicy(stall_s=0.02, open_s=0.02))
    assert len(run.take(1)) == 1
    until_s = time.monotonic() + 1.5
    while time.monotonic() < until_s or (len(attempts) < 2 and time.monotonic() < until_s + 20):
        run.capture.watch()
        time.sleep(0.005)
    assert 2 <= len(attempts) <= 7
    began_s = time.monotonic()
    run.capture.stop()
    assert time.monotonic() - began_s < 4
    never.set()


def test_a_live_camera_that_raises_anything_is_opened_again() -> None:
    class Faulty(DrawnCamera):
        def read(self) -> Frame | None:
            raise RuntimeError("a driver's own error")

    run = Run(in_turn([Faulty(live=True), DrawnCamera(live=True, fps=200)]), CapturePolicy(retry_s=0.01))
    assert len(run.take(5)) == 5
    run.capture.stop()
    assert run.ends == [None]


def test_a_camera_that_opens_and_fails_at_once_is_not_opened_without_pause() -> None:
    opened: list[float] = []

    def open_again() -> Camera:
        opened.append(time.monotonic())
        return DrawnCamera(live=True, fail_at=0)

    run = Run(open_again, CapturePolicy(retry_s=0.05))
    deadline_s = time.monotonic() + 20
    while len(opened) < 4 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    run.capture.stop()
    assert len(opened) >= 4
    assert min(b - a for a, b in itertools.pairwise(opened)) > 0.04


def test_a_stuck_camera_does_not_keep_the_program_from_ending() -> None:
    stuck = DrawnCamera(live=True, fps=200, stall_at=1)
    run = Run(in_turn([stuck]), CapturePolicy(stall_s=60))
    assert len(run.take(1)) == 1
    began_s = time.monotonic()
    run.capture.stop()
    assert time.monotonic() - began_s < 10
    stuck.released.set()


def test_a_broken_file_ends_the_run_with_its_reason() -> None:
    run = Run(in_turn([DrawnCamera(20, fail_at=7)]), CapturePolicy(every_frame=True))
    assert len(run.take()) == 7
    run.capture.stop()
    assert "unplugged" in str(run.ends[0])


def test_a_fault_in_a_camera_ends_the_run_in_order() -> None:
    class Faulty(DrawnCamera):
        def read(self) -> Frame | None:
            raise ZeroDivisionError("a bug")

    run = Run(in_turn([Faulty()]), CapturePolicy(every_frame=True))
    assert run.take() == []
    run.capture.stop()
    assert "ZeroDivisionError" in str(run.ends[0])


def test_looped_material_that_is_gone_at_the_end_of_a_round_is_waited_for() -> None:
    gone = CameraError("no such file: clip.mp4")
    run = Run(
        in_turn([DrawnCamera(5), gone, gone, DrawnCamera(5)]), CapturePolicy(every_frame=True, loop=True, retry_s=0.01)
    )
    frames = run.take(10)
    run.capture.stop()
    assert [read_number(frame.pixels) for frame in frames] == [*range(5), *range(5)]


def test_a_loose_cable_is_tried_less_and_less_often() -> None:
    opened_at_s: list[float] = []

    def open_loose() -> Camera:
        opened_at_s.append(time.monotonic())
        return DrawnCamera(live=True, fps=1000, fail_at=1)

    run = Run(open_loose, CapturePolicy(retry_s=0.02))
    run.take(6)
    run.capture.stop()
    gaps = [b - a for a, b in itertools.pairwise(opened_at_s[1:])]
    assert all(gap > 0.9 * 0.02 * 2**number for number, gap in enumerate(gaps)), gaps


def test_a_silent_camera_is_opened_again_once_a_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    silent = DrawnCamera(live=True, fps=200, stall_at=1)
    run = Run(in_turn([silent, DrawnCamera(live=True, fps=200)]), CapturePolicy(stall_s=0.05))
    assert len(run.take(1)) == 1

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", start)
        time.sleep(0.1)
        for _ in range(5):
            run.capture.watch()
    assert len([line for line in caplog.messages if "can't start new thread" in line]) == 1
    assert run.stats.reopened == 0
    assert len(run.take(5, watching=True)) == 5
    assert run.stats.reopened == 1
    run.capture.stop()
    silent.released.set()


class LeapingCamera(DrawnCamera):
    """Recorded material whose clock leaps in its middle, both ways."""

    def read(self) -> Frame | None:
        frame = super().read()
        if frame is None:
            return None
        leap_s = {10: 3600.0, 20: -7200.0, 30: 86400.0}.get(frame.index // 10 * 10, 0.0)
        return dataclasses.replace(frame, pts_s=frame.pts_s + leap_s)


def test_a_clock_that_leaps_holds_nothing_up_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    run = Run(in_turn([LeapingCamera(40, fps=200), LeapingCamera(40, fps=200)]), CapturePolicy(loop=True))
    frames = run.take(75)
    run.capture.stop()
    assert [frame.index for frame in frames] == list(range(75))
    assert len([line for line in caplog.messages if "leaps" in line]) == 1


def test_a_slide_show_is_no_leap(caplog: pytest.LogCaptureFixture) -> None:
    run = Run(in_turn([DrawnCamera(3, fps=1 / 15)]), CapturePolicy())
    assert len(run.take(1)) == 1
    assert run.mailbox.take(0.3) is None, "the second picture has its time"
    run.capture.stop()
    assert not caplog.messages


def test_a_loose_cable_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    run = Run(lambda: DrawnCamera(live=True, fps=1000, fail_at=2), CapturePolicy(retry_s=0.001, longest_retry_s=0.001))
    run.take(60)
    run.capture.stop()
    assert run.stats.reopened >= 20
    assert len(caplog.messages) <= 4


def test_a_lost_camera_is_back_two_seconds_after_it_works() -> None:
    policy = CapturePolicy()
    assert max(policy.retry_s, policy.longest_retry_s) < 2.0


def test_a_clock_that_is_no_number_is_not_waited_for() -> None:
    class Lost(DrawnCamera):
        def read(self) -> Frame | None:
            frame = super().read()
            return dataclasses.replace(frame, pts_s=math.nan, captured_at_s=math.inf) if frame else None

    for live in (True, False):
        run = Run(in_turn([Lost(10, fps=200, live=live)]), CapturePolicy())
        frames = run.take()
        run.capture.stop()
        assert len(frames) == 10
        assert all(math.isfinite(frame.pts_s + frame.captured_at_s) for frame in frames)


@pytest.mark.parametrize("away_s", [-3600.0, 3600.0])
def test_a_live_clock_that_is_not_the_walls_stops_no_time(away_s: float) -> None:
    """What follows faces goes by it: where it stands still, a face that is worn stays where its wearer was."""

    class Away(DrawnCamera):
        def read(self) -> Frame | None:
            frame = super().read()
            if frame is None or frame.index < 3:
                return frame
            return dataclasses.replace(frame, captured_at_s=frame.captured_at_s + away_s)

    run = Run(in_turn([Away(12, fps=100, live=True)]), CapturePolicy())
    frames = run.take()
    run.capture.stop()
    times_s = [frame.pts_s for frame in frames]
    assert len(frames) == 12
    assert all(later > earlier for earlier, later in itertools.pairwise(times_s))
    assert times_s[-1] < 60
