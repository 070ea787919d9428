"""The program with an output that notes how old its pictures are: `python -m tools.soak_output AGES.jsonl WORDS…`.

It is `realtime WORDS…`; what `tools.soak` looks at from outside. Every ten seconds a line is added to the file.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import ClassVar

from realtime import outputs
from realtime.core.registry import RegistryEntry
from realtime.imaging.frame import Frame
from realtime.outputs import Output, OutputRequest
from tools.soak import EVERY_S


class Aging(Output):
    """Notes the age of each picture, in the place of the output `none`."""

    name = "none"
    takes_every_frame = True
    path: ClassVar[Path]

    def __init__(self, argument: str, request: OutputRequest) -> None:  # noqa: ARG002 - the table's signature
        self._file = self.path.open("w", encoding="utf-8", buffering=1)
        self._first_s = self._told_s = 0.0
        self._shown = 0
        self._ages_s: list[float] = []

    def show(self, frame: Frame) -> None:
        now_s = time.monotonic()
        self._ages_s.append(now_s - frame.captured_at_s)
        self._shown += 1
        if self._shown == 1:
            self._first_s = self._told_s = now_s
            self._tell(at_s=0.0, shown=1)
        elif now_s - self._told_s >= EVERY_S:
            self._sum_up(now_s)

    def _sum_up(self, now_s: float) -> None:
        ages_s = sorted(self._ages_s)
        self._tell(at_s=now_s - self._first_s, shown=self._shown, p99_ms=1000 * ages_s[len(ages_s) * 99 // 100])
        self._ages_s, self._told_s = [], now_s

    def _tell(self, **facts: float) -> None:
        self._file.write(json.dumps(facts) + "\n")

    def close(self) -> None:
        if self._ages_s:
            self._sum_up(time.monotonic())
        self._file.close()


def main() -> int:
    """Be `realtime` with that output."""
    this_module = "tools.soak_output"
    module = sys.modules[this_module] = sys.modules[__name__]  # one module, not two
    assert module is not None
    Aging.path = Path(sys.argv[1])
    outputs.OUTPUTS["none"] = RegistryEntry(this_module, "Aging", "")
    sys.argv = ["realtime", *sys.argv[2:]]
    from realtime.__main__ import main as realtime

    return realtime()


if __name__ == "__main__":
    sys.exit(main())
