"""What a run counted and measured: frames, drops, milliseconds by stage, ages. Bounded memory, however long it runs."""

from __future__ import annotations

import collections
import datetime
import json
import math
import re
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from realtime import __version__
from realtime.core.files import atomic_write
from realtime.core.language import _
from realtime.core.specs import without_folders

T = TypeVar("T")

_PATH = re.compile(r"(?<![\w.])(?:[A-Za-z]:|~)?[\\/](?:[^\\/:;,'\"]+[\\/])*")
"""The folders of a whole path in a line for people."""
_SMALLEST_S = 1e-6
_LOG_STEP = math.log(1.02)
_BINS = int(math.log(1e3 / _SMALLEST_S) / _LOG_STEP) + 2
# Bins of 2 % from 1 µs to 1000 s: a percentile is right to 1 %, and a month of samples weighs 8 kB.


class Durations:
    """A histogram of durations. Written by one thread; read by any (a reader may see one sample too few)."""

    def __init__(self) -> None:
        self._counts = [0] * _BINS
        self.count = 0
        self._recent: collections.deque[float] = collections.deque(maxlen=31)  # about a second at camera rate

    def add(self, seconds: float) -> None:
        """Count one duration."""
        ratio = max(1.0, seconds / _SMALLEST_S)
        position = min(int(math.log(ratio) / _LOG_STEP), _BINS - 1)
        self._counts[position] += 1
        self.count += 1
        self._recent.append(seconds)

    def percentile_ms(self, percent: float) -> float:
        """Return the duration that `percent` of the samples do not exceed, in ms; 0 without samples."""
        rank = self.count * percent / 100
        seen = 0
        for position, count in enumerate(self._counts):
            seen += count
            if seen >= rank and seen:
                return 1e3 * _SMALLEST_S * math.exp((position + 0.5) * _LOG_STEP)
        return 0.0

    def recent_ms(self) -> float:
        """Return the median of the last second or so, in ms."""
        recent = list(self._recent)
        return 1e3 * statistics.median(recent) if recent else 0.0

    def as_json(self) -> dict[str, float]:
        """Return p50, p95 and p99 in ms, rounded to a microsecond."""
        return {f"p{percent}": round(self.percentile_ms(percent), 3) for percent in (50, 95, 99)}


class OutputStats:
    """What one output did. Written by the output's thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.shown = 0
        self.repeated = 0
        self.dropped = 0
        self.age = Durations()
        self.show = Durations()
        self.failure = ""
        self.shown_at_s: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the fields that docs/statistics.md describes."""
        return {
            "name": self.name,
            "shown": self.shown,
            "repeated": self.repeated,
            "dropped": self.dropped,
            "age_ms": self.age.as_json(),
            "show_ms": self.show.as_json(),
            "failure": _PATH.sub("", self.failure),
        }


def _local_now() -> datetime.datetime:
    return datetime.datetime.now().astimezone()


class ViewersByHour:
    """How many people came into view, by local hour: numbers, and nothing else of anybody. Any thread."""

    HOURS = 24

    def __init__(self, now: Callable[[], datetime.datetime] = _local_now) -> None:
        """`now`: the local time, with its time zone."""
        self._now = now
        self._lock = threading.Lock()
        self._counts: dict[datetime.datetime, int] = {}  # guarded by _lock

    def add(self, count: int) -> None:
        """Count people who have just come."""
        hour = self._now().replace(minute=0, second=0, microsecond=0)
        with self._lock:
            self._counts[hour] = self._counts.get(hour, 0) + count
            self._forget(hour)

    def by_hour(self) -> tuple[tuple[str, int], ...]:
        """Return hours (`2026-05-01T18:00+02:00`) and numbers of the last 24 hours, oldest first, without those in
        which nobody came.
        """
        hour = self._now().replace(minute=0, second=0, microsecond=0)
        with self._lock:
            self._forget(hour)
            return tuple((one.isoformat(timespec="minutes"), self._counts[one]) for one in sorted(self._counts))

    def _forget(self, hour: datetime.datetime) -> None:
        """Forget what lies a day back, and what a clock that was wrong has put into the future."""
        oldest = hour - datetime.timedelta(hours=self.HOURS - 1)
        self._counts = {one: count for one, count in self._counts.items() if oldest <= one <= hour}


class RunStats:
    """Everything `--stats` writes. The names of the fields are an interface: docs/statistics.md."""

    def __init__(self) -> None:
        self.source: dict[str, Any] = {}
        self.effects: list[str] = []
        self.providers: dict[str, str] = {}
        self.effect_reports: dict[str, dict[str, Any]] = {}
        self.picture_size: tuple[int, int] | None = None
        self.captured = 0
        self.unusable = 0
        self.processed = 0
        self.dropped_before_processing = 0
        self.reopened = 0
        self.restarts: dict[str, int] = {}
        self.effect_failures = 0
        self.label: str | None = None
        self.synthetic = 0
        self.labelled = 0
        self.frames_with_face = 0
        self.viewers = ViewersByHour()
        self.stages: dict[str, Durations] = {}
        self.own = Durations()
        self.outputs: list[OutputStats] = []
        self.started_at_s = time.monotonic()
        self.first_picture_at_s: float | None = None
        self.ended_at_s: float | None = None
        self._marks: collections.deque[tuple[float, int]] = collections.deque(maxlen=8)

    def stage(self, name: str) -> Durations:
        """Return the durations of a stage, made on first use."""
        durations = self.stages.get(name)
        if durations is None:
            durations = self.stages[name] = Durations()
        return durations

    def recent_fps(self) -> float:
        """Return processed frames per second since some calls ago. [loop's housekeeping, about 4 times a second]"""
        self._marks.append((time.monotonic(), self.processed))
        (first_s, first), (last_s, last) = self._marks[0], self._marks[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0

    @property
    def restarts_by_stage(self) -> tuple[tuple[str, int], ...]:
        """What was begun anew and how often, the camera first."""
        restarts = dict(self.restarts)
        camera = self.reopened + restarts.pop("camera", 0)
        return (("camera", camera), *restarts.items())

    @property
    def seconds(self) -> float:
        """How long the run has lasted, from the first picture on."""
        begin_s = self.first_picture_at_s or self.started_at_s
        return max(0.0, (self.ended_at_s or time.monotonic()) - begin_s)  # the only picture may be shown at the end

    def as_json(self) -> dict[str, Any]:
        """Return the fields that docs/statistics.md describes."""
        seconds = self.seconds
        first = self.first_picture_at_s
        return {
            "format": 1,
            "program": f"realtime {__version__}",
            "source": self.source,
            "effects": [without_folders(spec) for spec in self.effects],
            "providers": _by_short_name(self.providers),
            "effect_reports": _by_short_name(self.effect_reports),
            "synthetic": self.synthetic > 0,
            "label": self.label,
            "picture_size": list(self.picture_size) if self.picture_size else None,
            "seconds": round(seconds, 3),
            "start_to_first_picture_s": round(first - self.started_at_s, 3) if first else None,
            "fps": round(max(0, self.processed - 1) / seconds, 2) if seconds > 0 else 0.0,
            "frames": {
                "captured": self.captured,
                "unusable": self.unusable,
                "processed": self.processed,
                "with_face": self.frames_with_face,
                "synthetic": self.synthetic,
                "labelled": self.labelled,
                "dropped_before_processing": self.dropped_before_processing,
            },
            "stages_ms": _by_short_name(
                {name: times.as_json() for name, times in list(self.stages.items()) if times.count}
            ),
            "own_ms": self.own.as_json(),
            "outputs": [output.as_json() for output in self.outputs],
            "camera_reopened": self.reopened,
            "restarts": _by_short_name(dict(self.restarts_by_stage)),
            "effect_failures": self.effect_failures,
            "viewers_by_hour": dict(self.viewers.by_hour()),
        }

    def summary(self) -> str:
        """Return one line for the end of a run."""
        ages = [output.age for output in self.outputs if output.age.count]
        age = _(", {age_ms:.0f} ms old when shown", age_ms=ages[0].percentile_ms(50)) if ages else ""
        dropped = sum(output.dropped for output in self.outputs) + self.dropped_before_processing
        if self.processed == 1:
            return _(
                "1 frame in {seconds:.1f} s, {dropped} dropped{age}", seconds=self.seconds, dropped=dropped, age=age
            )
        fps = max(0, self.processed - 1) / self.seconds if self.seconds > 0 else 0.0
        return _(
            "{frames} frames in {seconds:.1f} s ({fps:.1f} fps), {dropped} dropped{age}",
            frames=self.processed,
            seconds=self.seconds,
            fps=fps,
            dropped=dropped,
            age=age,
        )


def _by_short_name(by_full_name: Mapping[str, T]) -> dict[str, T]:
    """Return what is told by effect without the folders of the files that an effect names: statistics are passed on,
    and a folder tells the user's name. Two files of one name are numbered.
    """
    by_name: dict[str, T] = {}
    for spec, value in list(by_full_name.items()):  # other threads may add to it meanwhile
        short = without_folders(spec)
        names = (short, *(f"{short} ({number})" for number in range(2, len(by_full_name) + 2)))
        by_name[next(name for name in names if name not in by_name)] = value
    return by_name


def write_stats(path: Path, report: Mapping[str, Any]) -> None:
    """Write the statistics as JSON, whole or not at all. Raises OutputError."""
    with atomic_write(path) as unfinished:
        unfinished.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
