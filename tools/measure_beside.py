"""What stands beside a run costs it: `python -m tools.measure_beside -- --remote 0 --osc 0 --sound default`.

With `--null-sinks` the sound goes through a PulseAudio of its own: `--null-sinks -- --sound room_in>call_out`.

The same run of the demo again and again, with these words and without them, in an order drawn by chance within each
pair, so that a machine that slows down slows both. Prints the program's own time a frame and the pictures' age; nobody
asks, sends or speaks meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.pulse_server import PulseServer


def one_run(
    words: Sequence[str], effect: str, seconds: float, stats: Path, environment: Mapping[str, str]
) -> dict[str, float]:
    """Return what a run was like. Raises subprocess.CalledProcessError where it fails."""
    command = [sys.executable, "-m", "realtime", "run", "--source", "demo", "--output", "none", "--effect", effect]
    command += ["--seconds", str(seconds), "--stats", str(stats), "--overwrite", *words]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env=environment)
    counted = json.loads(stats.read_text(encoding="utf-8"))
    age = counted["outputs"][0]["age_ms"]
    return {"own p50": counted["own_ms"]["p50"], "age p50": age["p50"], "age p99": age["p99"]}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.measure_beside", description=__doc__)
    parser.add_argument("--effect", default="portrait")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each run")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--null-sinks", action="store_true", help="sound devices room_in and call_out, for --sound")
    parser.add_argument("words", nargs="+", help="what stands beside the run, as `realtime run` takes it")
    chosen = parser.parse_args(argv)
    chance = random.Random(1)  # noqa: S311 - an order
    found: dict[str, list[dict[str, float]]] = {"without": [], "with": []}
    with contextlib.ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory())
        environment: Mapping[str, str] = os.environ
        if chosen.null_sinks:
            (sound := Path(folder) / "sound").mkdir()
            environment = opened.enter_context(PulseServer(sound, {"room": 48_000, "call": 48_000})).environment
        for _ in range(chosen.pairs):
            for name in chance.sample(sorted(found), 2):
                words = chosen.words if name == "with" else []
                found[name].append(
                    one_run(words, chosen.effect, chosen.seconds, Path(folder) / "stats.json", environment)
                )
    print(f"{chosen.pairs} pairs of {chosen.seconds:g} s, {chosen.effect}, {' '.join(chosen.words)}")
    print("| median (least to most), ms | without | with | difference of pairs |\n|---|---|---|---|")
    for what in found["with"][0]:
        sides = {name: [run[what] for run in runs] for name, runs in found.items()}
        apart = statistics.median(b - a for a, b in zip(sides["without"], sides["with"], strict=True))
        cells = (f"{statistics.median(ms):.3f} ({min(ms):.3f} to {max(ms):.3f})" for ms in sides.values())
        print(f"| {what} | {' | '.join(cells)} | {apart:+.3f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
