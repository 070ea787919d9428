"""What part of the processor this process gets of what it wants: a machine that starves it makes every part slow."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_TASKS = Path("/proc/self/task")


class _Times(NamedTuple):
    """Of one thread since it began, in nanoseconds (Linux: Documentation/scheduler/sched-stats)."""

    running: int
    waiting: int
    """Ready to run, and not let."""


class ProcessorShare:
    """Asked now and again. One thread. Half a millisecond for some twenty threads."""

    def __init__(self, tasks: Path = _TASKS) -> None:
        self._tasks = tasks
        self._before: dict[str, _Times] = {}

    def begin(self) -> None:
        """Let the next question be about the time from now on."""
        self._before = self._times()

    def since(self) -> float:
        """Return the share since the last question: 1 where no thread had to wait; 1 too where no system tells."""
        before, self._before = self._before, self._times()
        running = waiting = 0
        for name, now in self._before.items():
            if name in before:
                running += now.running - before[name].running
                waiting += now.waiting - before[name].waiting
        wanted = running + waiting
        return max(0.0, min(1.0, running / wanted)) if wanted > 0 else 1.0

    def _times(self) -> dict[str, _Times]:
        found = {}
        try:
            for task in self._tasks.iterdir():
                try:
                    running, waiting, _ = (task / "schedstat").read_text("ascii").split()
                    found[task.name] = _Times(int(running), int(waiting))
                except (OSError, ValueError):  # it has just ended
                    continue
        except OSError:  # another system
            return {}
        return found


class CountedTime:
    """How much of the time counts in which a process is waited for: where it is late, the share in which it had a
    processor when it wanted one. A machine that starved it for a second made four detectors in four programs seem to
    hang. One thread.
    """

    def __init__(self, tasks: Path = _TASKS) -> None:
        """`tasks`: of the process, `/proc/PID/task`; its own, where nothing is said."""
        self._share = ProcessorShare(tasks)
        self._looks = False

    def of(self, passed_s: float) -> float:
        """Return how much counts of the time since it was last asked."""
        return passed_s * self._share.since() if self._looks else passed_s

    def look(self, *, is_late: bool) -> None:
        """Look at the share from now on, or no more: that takes half a millisecond each time."""
        if is_late and not self._looks:
            self._share.begin()
        self._looks = is_late
