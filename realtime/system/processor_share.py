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
