"""Looks whether anything leaves the machine: `python -m tools.check_privacy`. Linux only, without root.

Every command of the program runs in a trap for names and connections (`tools/network_trap.py`) and with an empty home.
Said of each is what it looked up, whom it called, and what it wrote into the home that is not ours. What is found is
kept in docs/privacy.md. It takes some ten minutes: ONNX Runtime, left alone, calls between 8 and 25 s after its start.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import realtime
from realtime.picture_files.samples import sample_photo
from tools.network_trap import Trapped, obstacle, run_trapped

_ROOT = Path(__file__).parents[1]
_TIMEOUT_S = 600.0
_PROGRAM = ("-m", "realtime")


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """A command, as words for Python."""

    name: str
    words: tuple[str, ...]
    leaks: bool = False
    """Said to report to somebody (README, Privacy): it proves that the trap catches."""


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What a command did, and what of the home's files is not ours."""

    trapped: Trapped
    strange_files: tuple[str, ...]

    @property
    def is_private(self) -> bool:
        return not (self.trapped.look_ups or self.trapped.calls or self.strange_files)


def trials(photo: Path, seconds: float) -> list[Trial]:
    """Return every command there is; those that need another's work come after it. All write into one folder."""
    live = ("run", "--source", "demo", "--output", "none", "--seconds", f"{seconds:g}")
    effects = ("none", "portrait", "style:night", f"swap:{photo}")
    found = [Trial(f"run, {effect.partition(':')[0]}", (*_PROGRAM, *live, "--effect", effect)) for effect in effects]
    found += [Trial(word, (*_PROGRAM, word)) for word in ("doctor", "devices", "models", "effects")]
    found += [
        Trial("portrait build", (*_PROGRAM, "portrait", "build", str(photo), "-o", "own.portrait")),
        Trial("render", (*_PROGRAM, "render", "demo", "film.mp4", "--frames", "20", "--effect", f"swap:{photo}")),
        Trial("tools.train_style", ("-m", "tools.train_style", *_TRAINING)),
        Trial("tools.export_onnx", ("-m", "tools.export_onnx", "run/checkpoint.pth", *_EXPORTING)),
        Trial("models add", (*_PROGRAM, "models", "add", "own.onnx", "--name", "own")),
        Trial("run, mediapipe-full", (*_PROGRAM, *live, "--effect", "portrait", "--detector", "mediapipe-full"), True),
        Trial("ONNX Runtime without us", ("-c", _WITHOUT_US, str(_A_MODEL), f"{seconds:g}"), True),
    ]
    return found


_TRAINING = (
    *("--network", "cyclegan", "--pictures", "photos", "--degrade", "salt-pepper-blur", "-o", "run", "--cache", "made"),
    *("--steps", "2", "--batch", "1", "--crop-px", "64", "--width", "8", "--blocks", "2", "--judge-width", "8"),
)
_EXPORTING = ("-o", "own.onnx")
_WITHOUT_US = "import onnxruntime, sys, time; onnxruntime.InferenceSession(sys.argv[1]); time.sleep(float(sys.argv[2]))"
_A_MODEL = Path(realtime.__file__).parent / "face_compositing" / "occlusion" / "in_front.onnx"


def look(trial: Trial, home: Path, work: Path) -> Result:
    """Run one trial. Raises OSError where no trap can be set, and subprocess.TimeoutExpired."""
    trapped = run_trapped([sys.executable, *trial.words], _environment(home), work, _TIMEOUT_S)
    return Result(trapped, strange_files(home))


def strange_files(home: Path) -> tuple[str, ...]:
    """Return what lies in a home and in its temporary files and is not the program's own."""
    own = [home / place / "realtime" for place in (".cache", ".local/share", ".config")]
    own.append(home / ".cache" / "matplotlib")  # its list of fonts, where a tool draws curves
    files = [path for path in home.rglob("*") if path.is_file() and not any(map(path.is_relative_to, own))]
    return tuple(sorted(path.relative_to(home).as_posix() for path in files))


def _environment(home: Path) -> Mapping[str, str]:
    """Return the environment of somebody who starts the program for the first time."""
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_", "REALTIME_"))}
    paths = os.pathsep.join((str(_ROOT), kept.get("PYTHONPATH", "")))
    return {**kept, "HOME": str(home), "TMPDIR": str(home / "tmp"), "PYTHONPATH": paths}


def _prepare(work: Path, photo: Path) -> None:
    """Lay ready what training needs."""
    (work / "photos").mkdir()
    for number in range(20):
        shutil.copy(photo, work / "photos" / f"{number}.jpg")


def main(words: Sequence[str] | None = None) -> int:
    """Look at every command, print a table, and return 1 where something leaves the machine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each effect runs (30)")
    parser.add_argument("--only", metavar="TEXT", default="", help="the trials whose name holds this")
    arguments = parser.parse_args(words)
    reason = obstacle()
    if reason:
        parser.exit(2, f"no trap can be set: {reason}\n")
    photo = sample_photo()
    failed = False
    print("| command | look-ups | calls | files of others | exit code |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        work.mkdir()
        _prepare(work, photo)
        for number, trial in enumerate(trials(photo, arguments.seconds)):
            if arguments.only not in trial.name:
                continue
            result = look(trial, Path(folder) / f"home-{number}", work)
            print(_row(trial, result), flush=True)
            failed |= result.is_private == trial.leaks or result.trapped.exit_code != 0
    return 1 if failed else 0


def _row(trial: Trial, result: Result) -> str:
    trapped = result.trapped
    cells = (_counted(trapped.look_ups), _counted(trapped.calls), _counted(result.strange_files))
    return f"| {trial.name} | {' | '.join(cells)} | {trapped.exit_code} |"


def _counted(things: Sequence[str]) -> str:
    """Say how many there are, and which."""
    return f"{len(things)} ({', '.join(dict.fromkeys(things))})" if things else "0"


if __name__ == "__main__":
    sys.exit(main())
