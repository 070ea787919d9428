"""Try a command on inputs nobody meant: `python -m tools.fuzz checkpoints --minutes 5`.

Every try is a process of its own, held to the rules of `tools.fuzzing.trial`; inputs that break one are kept with what
was said. Needs fork: Linux or macOS. The same `--seed` gives the same tries.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from tools.fuzzing import TARGETS, Seed, Target
from tools.fuzzing.mutation import mutated_words
from tools.fuzzing.trial import Place, faults, main_module


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tries and return 0 where every rule was kept, 1 where not."""
    arguments = _parser().parse_args(argv)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of OpenMP do not live on in a copied process
    target = TARGETS[arguments.target].load()
    assert isinstance(target, Target)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        return _run(target, arguments, Path(folder).resolve())


def _run(target: Target, arguments: argparse.Namespace, folder: Path) -> int:
    (folder / "seeds").mkdir()
    seeds = list(target.seeds(folder / "seeds"))
    place = Place(folder / "try")
    place.clear()
    main_module(target.command(seeds[0], place.out)[0])
    for module in target.preload:
        importlib.import_module(module)
    print(f"{arguments.target}: {len(seeds)} seeds", flush=True)
    tries = 0
    counts: collections.Counter[str] = collections.Counter()
    end_s = time.monotonic() + 60 * arguments.minutes
    for seed in _inputs(target, seeds, folder, arguments.seed):
        if time.monotonic() > end_s and tries >= len(seeds):
            break
        place.clear()
        found, said = faults(
            target.command(seed, place.out), place, target.environment(place.out), target.working_cpu_s
        )
        tries += 1
        found += [f"wrote beside its input: {path.name}" for path in _beside(folder, seeds)]
        counts.update(found)
        if found:
            _keep(arguments.keep or Path(f"fuzz-{arguments.target}"), tries, seed, found, said)
            print(f"  try {tries}: {'; '.join(found)}: {said[:200]!r}", flush=True)
    print(f"{arguments.target}: {tries} tries, {sum(counts.values())} failures")
    for fault, count in counts.most_common():
        print(f"  {count:5}  {fault}")
    return 1 if counts else 0


def _inputs(target: Target, seeds: Sequence[Seed], folder: Path, number: int) -> Iterator[Seed]:
    """Yield every seed as it is, then changed ones without end."""
    yield from seeds
    files = [seed for seed in seeds if isinstance(seed, Path)]
    contents = [file.read_bytes() for file in files]
    (folder / "input").mkdir()
    count = 0
    while True:
        random = Random(f"{number}/{count}")  # noqa: S311 - tries that can be repeated, no secrets
        count += 1
        seed = random.choice(seeds)
        if isinstance(seed, str):
            yield mutated_words(random, seed)
            continue
        path = folder / "input" / seed.name
        path.write_bytes(target.mutate(random, contents[files.index(seed)], contents))
        yield path
        path.unlink(missing_ok=True)


def _beside(folder: Path, seeds: Sequence[Seed]) -> list[Path]:
    """Return, and remove, files that a try left beside its input: what a hostile one writes to show that it can."""
    known = {seed for seed in seeds if isinstance(seed, Path)}
    found = [path for path in (folder / "seeds").iterdir() if path.is_file() and path.name.startswith("mark")]
    for path in found:
        if path not in known:
            path.unlink()
    return [path for path in found if path not in known]


def _keep(folder: Path, number: int, seed: Seed, found: Sequence[str], said: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{number:06}"
    if isinstance(seed, Path):
        name += seed.suffix
        (folder / name).write_bytes(seed.read_bytes())
    words = "" if isinstance(seed, Path) else f"{seed!r}\n"
    (folder / f"{number:06}.txt").write_text(words + "\n".join([*found, "", said]), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    listing = "\n".join(f"  {name:12} {entry.summary}" for name, entry in TARGETS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tools.fuzz",
        description="Try a command on inputs nobody meant.",
        epilog=f"targets:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", choices=list(TARGETS))
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (1)")
    parser.add_argument("--seed", type=int, default=0, help="of the random changes (0)")
    parser.add_argument("--keep", type=Path, help="where inputs that break a rule go (fuzz-TARGET)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
