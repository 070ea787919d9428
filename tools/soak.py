"""A long run, looked at from outside: `python -m tools.soak [--minutes N] [--every-frame] -- WORDS OF realtime run`.

Runs the real program for real time (an hour of a clip at its own rate), or as fast as it can (`--every-frame`: until so
many frames have been made, by default a day's worth at 30 a second, or for `--minutes` if that is sooner), and looks
every ten seconds at its memory, descriptors and threads, and at the age of its pictures. It prints a row for a table:
by how much the memory grows in an hour after the first five minutes, whether descriptors and threads stay as they are,
and the ages of the last ten minutes beside those of the first ten. With `--every-frame` an hour is an hour's worth of
frames, 108,000. What it saw lies in the folder `--keep` from the first look on, and `--judge` that folder prints its
row at any time, also of a run that was cut short. Linux only: what a process holds is read from /proc.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

EVERY_S = 10.0
"""How often the program is looked at, and over how long its pictures' ages are summed up."""
SETTLED_AFTER_S = 300.0
COMPARED_S = 600.0
HOUR_FRAMES = 3600 * 30
DAY_FRAMES = 24 * HOUR_FRAMES
MOST_MB_AN_HOUR = 5.0
MOST_AGE_GROWTH = 1.10
_MEBIBYTE = 1 << 20
_RUN, _SAMPLES, _AGES = "run.json", "samples.jsonl", "ages.jsonl"


@dataclasses.dataclass(frozen=True)
class Sample:
    """What a process holds at one moment."""

    at_s: float
    """Since the first picture."""
    resident_mb: float
    descriptors: int
    threads: int


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a run came to."""

    growth_mb_per_hour: float | None
    """After the first five minutes; None: it did not last for so long."""
    descriptors: tuple[int, int]
    """Fewest and most, once it had settled."""
    threads: tuple[int, int]
    first_age_ms: float | None
    last_age_ms: float | None
    """The 99th percentile of ten seconds, as it mostly was in the first and in the last ten minutes, or in a third of a
    shorter run; None: nothing is known of ages."""

    @property
    def faults(self) -> list[str]:
        """What is not as it must be, in words."""
        faults = []
        if self.growth_mb_per_hour is not None and self.growth_mb_per_hour > MOST_MB_AN_HOUR:
            faults.append(f"memory grows by {self.growth_mb_per_hour:.1f} MB an hour")
        for what, (least, most) in (("descriptors", self.descriptors), ("threads", self.threads)):
            if most > least + 2:  # one that opens something beside the picture for a moment is seen now and then
                faults.append(f"{what} between {least} and {most}")
        if self.first_age_ms and self.last_age_ms and self.last_age_ms > MOST_AGE_GROWTH * self.first_age_ms:
            faults.append(f"pictures grow old: {self.first_age_ms:.0f}, then {self.last_age_ms:.0f} ms")
        return faults


def look_at(pid: int, at_s: float, proc: Path = Path("/proc")) -> Sample:
    """Read what a process holds. Raises OSError once it is gone."""
    status = dict(
        line.split(":", 1)
        for line in (proc / str(pid) / "status").read_text(encoding="utf-8").splitlines()
        if ":" in line
    )
    resident_mb = int(status["VmRSS"].split()[0]) * 1024 / _MEBIBYTE
    return Sample(at_s, resident_mb, len(list((proc / str(pid) / "fd").iterdir())), int(status["Threads"]))


def judge(samples: Sequence[Sample], ages: Sequence[tuple[float, float]], *, hour_s: float = 3600) -> Verdict:
    """Judge a run by its samples and by its pictures' ages, ten seconds by ten seconds: (seconds since the first
    picture, the 99th percentile in milliseconds). `hour_s`: the seconds in which it made an hour's worth of frames.
    """
    lasts_s = samples[-1].at_s
    settled = [sample for sample in samples if sample.at_s >= min(SETTLED_AFTER_S, lasts_s / 3)]
    growth = None
    if lasts_s > SETTLED_AFTER_S + 6 * EVERY_S:
        slope, _ = statistics.linear_regression([one.at_s for one in settled], [one.resident_mb for one in settled])
        growth = slope * hour_s
    compared_s = min(COMPARED_S, lasts_s / 3)
    return Verdict(
        growth,
        (min(one.descriptors for one in settled), max(one.descriptors for one in settled)),
        (min(one.threads for one in settled), max(one.threads for one in settled)),
        _median([age_ms for at_s, age_ms in ages if at_s <= compared_s]),
        _median([age_ms for at_s, age_ms in ages if at_s >= lasts_s - compared_s]),
    )


def _median(ages_ms: Sequence[float]) -> float | None:
    return statistics.median(ages_ms) if ages_ms else None


def row(words: Sequence[str], frames: int, samples: Sequence[Sample], verdict: Verdict) -> str:
    """Return the table's row."""
    first, last = samples[0], samples[-1]
    growth = "too short to tell" if verdict.growth_mb_per_hour is None else f"{verdict.growth_mb_per_hour:+.1f} MB/h"
    ages = (
        f"{verdict.first_age_ms:.0f}, {verdict.last_age_ms:.0f} ms"
        if verdict.first_age_ms is not None and verdict.last_age_ms is not None
        else "–"
    )
    cells = (
        " ".join(words),
        f"{last.at_s / 60:.1f} min, {frames} frames",
        f"{first.resident_mb:.0f} → {last.resident_mb:.0f} MB, {growth}",
        "–".join(map(str, sorted(set(verdict.descriptors)))),
        "–".join(map(str, sorted(set(verdict.threads)))),
        ages,
        "; ".join(verdict.faults) or "holds",
    )
    return f"| {' | '.join(cells)} |"


HEADER = (
    "| run | lasted | memory | descriptors | threads | age p99, first and last | verdict |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


def soak(words: Sequence[str], seconds: float | None, frames: int | None, folder: Path) -> int:
    """Run the program and look at it until it has lasted so long or made so many frames. What is seen lies in the
    folder. Returns the program's exit code.
    """
    ages = folder / _AGES
    ages.unlink(missing_ok=True)
    limits = [] if frames is None else ["--frames", str(frames)]
    called = [sys.executable, "-m", "tools.soak_output", str(ages), "run", *words, *limits]
    process = subprocess.Popen(called)
    try:
        with (folder / _SAMPLES).open("w", encoding="utf-8", buffering=1) as file:
            while process.poll() is None and not (ages.exists() and ages.stat().st_size):
                time.sleep(0.1)
            began_s = time.monotonic()
            while process.poll() is None and (seconds is None or time.monotonic() - began_s < seconds):
                sample = look_at(process.pid, time.monotonic() - began_s)
                file.write(json.dumps(dataclasses.asdict(sample)) + "\n")
                try:
                    process.wait(EVERY_S if seconds is None else min(EVERY_S, seconds / 6))
                except subprocess.TimeoutExpired:
                    continue
    except (OSError, KeyboardInterrupt):
        pass  # it ended while it was looked at, or somebody has seen enough
    if process.poll() is None:
        process.terminate()  # as a background job it may have SIGINT ignored
    return process.wait()


def told(folder: Path) -> tuple[str, Verdict | None]:
    """Return the row of what lies in a folder, and the verdict; None: nothing was seen. Raises OSError."""
    run = json.loads((folder / _RUN).read_text(encoding="utf-8"))
    samples = [Sample(**one) for one in _lines(folder / _SAMPLES)]
    if not samples:
        return "", None
    shown, ages = ages_in(folder / _AGES)
    hour_s = samples[-1].at_s * HOUR_FRAMES / max(1, shown) if run["every_frame"] else 3600.0
    verdict = judge(samples, [] if run["every_frame"] else ages, hour_s=hour_s)
    return row(run["words"], shown, samples, verdict), verdict


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:  # the last one, half written
            return


def ages_in(path: Path) -> tuple[int, list[tuple[float, float]]]:
    """Return how many pictures were shown, and every ten seconds when that was and their ages' 99th percentile."""
    lines = list(_lines(path))
    return (lines[-1]["shown"] if lines else 0), [(one["at_s"], one["p99_ms"]) for one in lines if "p99_ms" in one]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, help="how long at most (default: 60; none with --every-frame)")
    parser.add_argument("--every-frame", action="store_true", help="as fast as it goes, until --frames are made")
    parser.add_argument("--frames", type=int, default=DAY_FRAMES, help="with --every-frame (default: a day at 30 fps)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where what is seen is kept, as it is seen")
    parser.add_argument("--judge", type=Path, metavar="FOLDER", help="run nothing: judge what is kept there so far")
    parser.add_argument("words", nargs="*", help="what `realtime run` is told, besides its output")
    chosen = parser.parse_args(argv)
    print(HEADER, flush=True)
    if chosen.judge is not None:
        line, verdict = told(chosen.judge)
        print(line or "nothing was seen")
        return 0 if verdict is not None and not verdict.faults else 1
    if not Path("/proc/self/status").exists():
        parser.error("what a process holds cannot be read here: there is no /proc; run it on Linux")
    words = chosen.words or ["--source", "demo", "--effect", "portrait"]
    minutes = 60.0 if chosen.minutes is None and not chosen.every_frame else chosen.minutes
    seconds, frames = None if minutes is None else 60 * minutes, chosen.frames if chosen.every_frame else None
    with contextlib.ExitStack() as stack:
        folder = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        folder.mkdir(parents=True, exist_ok=True)
        run = {"words": words, "every_frame": chosen.every_frame}
        (folder / _RUN).write_text(json.dumps(run), encoding="utf-8")
        pace = ["--every-frame", "--loop"] if chosen.every_frame else []
        code = soak([*words, "--output", "none", *pace], seconds, frames, folder)
        line, verdict = told(folder)
    if verdict is None or code != 0:
        print(f"the run ended with code {code}", file=sys.stderr)
        return 1
    print(line)
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
