"""What a long run is judged by, and that the real program can be looked at from outside."""

from __future__ import annotations

import sys

import pytest

from tools.soak import Sample, judge, main, row


def samples(minutes: int, mb_an_hour: float, *, descriptors: int = 9, more: int = 0) -> list[Sample]:
    """A process that settles at 220 MB within five minutes and grows from then on; `more` descriptors at the end."""
    return [
        Sample(
            at_s,
            150.0 + 70 * min(1.0, at_s / 300) + mb_an_hour * max(0, at_s - 300) / 3600,
            descriptors + (more if at_s > 60 * minutes - 20 else 0),
            13,
        )
        for at_s in range(0, 60 * minutes + 1, 10)
    ]


def test_growth_is_counted_from_five_minutes_on() -> None:
    verdict = judge(samples(60, 4.0), [])
    assert verdict.growth_mb_per_hour == pytest.approx(4.0)
    assert verdict.faults == []
    assert judge(samples(60, 6.0), []).faults == ["memory grows by 6.0 MB an hour"]
    assert judge(samples(5, 60.0), []).growth_mb_per_hour is None


def test_descriptors_that_leak_and_pictures_that_grow_old_are_faults() -> None:
    ages = [(at_s, 20.0 if at_s < 1800 else 23.0) for at_s in range(10, 3601, 10)]
    verdict = judge(samples(60, 0.0, more=5), ages)
    assert (verdict.first_age_ms, verdict.last_age_ms) == (20.0, 23.0)
    assert verdict.faults == ["descriptors between 9 and 14", "pictures grow old: 20, then 23 ms"]
    told = row(["--effect", "portrait"], 108000, samples(60, 0.0, more=5), verdict)
    assert told == (
        "| --effect portrait | 60.0 min, 108000 frames | 150 → 220 MB, +0.0 MB/h | 9–14 | 13 | 20, 23 ms |"
        " descriptors between 9 and 14; pictures grow old: 20, then 23 ms |"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
def test_the_real_program_is_looked_at_for_some_frames(capfd: pytest.CaptureFixture[str]) -> None:
    words = ["--", "--source", "demo", "--effect", "none"]
    main(["--every-frame", "--frames", "300", *words])
    told = capfd.readouterr().out.splitlines()[-1].split(" | ")
    assert told[0] == "| --source demo --effect none"
    assert told[1].endswith("300 frames")
