"""End many runs at random moments, under load: `python -m tools.check_ends --runs 300 --effect style:night`.

A program that is torn down while a library of its own still works in a thread dies of SIGABRT or SIGSEGV, after
everything was written. Only some ends in a hundred meet that moment, so it takes some hundred ends to see it. The exit
code is 1 where a run ended with any other code than 0 (130: interrupted before its first picture), or took too long.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

STYLES = (
    "comic", "composition", "dabs", "dots", "engraving", "fauve", "ink", "mosaic",
    "night", "oil", "pencil", "poster", "scream", "watercolour", "woodblock",
)  # fmt: skip
EFFECTS = ("none", "portrait", *(f"style:{name}" for name in STYLES))
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONGEST_LIFE_S = 6.0
GIVEN_UP_S = 60.0
SLOW_END_S = 3.0
INTERRUPTED = 130  # before there was a picture


class End(NamedTuple):
    """How one run was ended, and how it ended."""

    what: str
    by: str
    after_s: float
    code: int
    took_s: float
    said: str


def end_one(effects: Sequence[str], source: str, rng: random.Random, folder: Path) -> End:
    """Start a run and end it by a signal, or by its own limit, at a random moment."""
    chain = [rng.choice(effects)] if rng.random() < 0.7 else [rng.choice(effects), rng.choice(effects)]
    output = "none" if rng.random() < 0.7 else str(folder / "end.mp4")
    words = [sys.executable, "-m", "realtime", "run", "--source", source, "--output", output, "--overwrite"]
    words += [word for effect in chain for word in ("--effect", effect)]
    if rng.random() < 0.3:
        words.append("--every-frame")
    by_itself = rng.random() < 0.3
    if by_itself:
        words += ["--frames", str(rng.randint(1, 40))]
    # Most of a run's dangerous moments lie where things are opened: the first second of pictures.
    after_s = GIVEN_UP_S if by_itself else rng.uniform(0.05, LONGEST_LIFE_S)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    sign = rng.choice(SIGNALS)
    try:
        process.wait(after_s)
        asked_at_s = time.monotonic()
    except subprocess.TimeoutExpired:
        asked_at_s = time.monotonic()
        process.send_signal(sign)
    try:
        _, said = process.communicate(timeout=GIVEN_UP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        _, said = process.communicate()
    took_s = time.monotonic() - asked_at_s
    ended_by = "itself" if by_itself else sign.name
    return End(" + ".join(chain), ended_by, after_s, process.returncode, took_s, said.strip().replace("\n", " | "))


def _is_python_starting(end: End) -> bool:
    """Whether the signal came before the program's first line: the interpreter itself was ended by it, or has swallowed
    it while it looked for its packages.
    """
    by_it = end.code in [1, *(-sign for sign in SIGNALS)] and "realtime" not in end.said
    return by_it or "Remainder of file ignored" in end.said


def _work(seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        sum(range(10_000))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.check_ends", description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--effect", action="append", help=f"may be repeated; default: {', '.join(EFFECTS)}")
    parser.add_argument("--source", default="demo")
    parser.add_argument("--load", type=int, default=2, help="processes that compute beside it")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(argv)
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # in a background job it is ignored, and children inherit that
    rng = random.Random(chosen.seed)  # noqa: S311 - moments, no secrets
    load = [multiprocessing.Process(target=_work, args=(1e9,), daemon=True) for _ in range(chosen.load)]
    for process in load:
        process.start()
    ends: list[End] = []
    with tempfile.TemporaryDirectory() as name:
        for number in range(1, chosen.runs + 1):
            end = end_one(chosen.effect or EFFECTS, chosen.source, rng, Path(name))
            ends.append(end)
            fine = end.code in (0, INTERRUPTED) or _is_python_starting(end)
            if not fine or (not _is_python_starting(end) and end.by != "itself" and end.took_s > SLOW_END_S):
                print(
                    f"{number}: {end.what}, ended by {end.by} after {end.after_s:.2f} s: code {end.code}"
                    f" in {end.took_s:.1f} s: {end.said[-200:]}",
                    flush=True,
                )
    for process in load:
        process.terminate()
    return _tell(ends)


def _tell(ends: Sequence[End]) -> int:
    codes = collections.Counter(end.code for end in ends)
    print(f"{len(ends)} runs; exit codes: {dict(sorted(codes.items()))}")
    took_s = sorted(end.took_s for end in ends if end.by != "itself" and not _is_python_starting(end))
    if took_s:
        slow = sum(one_s > SLOW_END_S for one_s in took_s)
        print(
            f"from the signal to the end: median {took_s[len(took_s) // 2]:.2f} s, longest {took_s[-1]:.2f} s;"
            f" {slow} over {SLOW_END_S:.0f} s"
        )
    else:
        slow = 0
    failed = [end for end in ends if end.code not in (0, INTERRUPTED) and not _is_python_starting(end)]
    return 1 if failed or slow else 0


if __name__ == "__main__":
    sys.exit(main())
