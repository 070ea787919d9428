"""One try: a command on one input, in a process of its own, and what it must keep to.

Whatever the input: exit code 0, or 2 with one line that is ours; 10 s of processor; 1.5 GB; no letters that steer a
terminal; nothing written but in the one folder it may write to.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

MOST_CPU_S = 10.0
MOST_MEMORY_BYTES = 1_500_000_000
_PATIENCE_S = 90.0
"""By the clock, for a command that waits instead of working."""


class Place:
    """The folders of one try below `root`: `out`, where it may write, and a home and working folder, where not."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.out, self.home, self.temporary = (root / name for name in ("out", "home", "temporary"))

    def clear(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in (self.out, self.home, self.temporary):
            folder.mkdir(parents=True)

    def strangers(self) -> list[str]:
        """Return what was written where nothing may be."""
        kept = {self.out, self.temporary}
        found = [path for path in self.root.iterdir() if path not in (*kept, self.home)]
        return sorted(str(path.relative_to(self.root)) for path in [*found, *self.home.iterdir()])


def faults(
    words: Sequence[str], place: Place, environment: Mapping[str, str], working_cpu_s: float = MOST_CPU_S
) -> tuple[list[str], str]:
    """Run `words` (a module and its arguments) once. Return the rules that were broken, and what was said.

    `working_cpu_s` is what a try may take that ends with 0.
    """
    module = main_module(words[0])
    said = place.temporary / "said.txt"
    began_s = time.monotonic()
    (place.temporary / "errors.txt").touch()
    child = os.fork()
    if child == 0:
        _be_the_command(module, list(words[1:]), place, said, environment, 2 * max(MOST_CPU_S, working_cpu_s))
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() - began_s > _PATIENCE_S:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # what it left behind
    text = said.read_text(encoding="utf-8", errors="replace") if said.is_file() else ""
    errors = [line for line in (place.temporary / "errors.txt").read_text("utf-8", "replace").splitlines() if line]
    code = os.waitstatus_to_exitcode(status)
    most_cpu_s = MOST_CPU_S if code else working_cpu_s
    return [*_broken(code, text, errors), *_excess(usage, place, most_cpu_s)], "\n".join(errors)


def main_module(name: str) -> str:
    """Return the module that holds `main` of what is run as `python -m name`, imported."""
    for module in (f"{name}.__main__", name):
        with contextlib.suppress(ModuleNotFoundError):
            if hasattr(importlib.import_module(module), "main"):
                return module
    raise ValueError(f"{name} is no command")


def _be_the_command(
    module: str, words: list[str], place: Place, said: Path, environment: Mapping[str, str], cpu_s: float
) -> None:
    """Become the command, in the copied process. Never returns."""
    code = 99
    try:
        os.setsid()
        os.environ.update(HOME=str(place.home), TMPDIR=str(place.temporary), XDG_CONFIG_HOME=str(place.home))
        os.environ.update(environment)
        os.chdir(place.home)
        nowhere = os.open(os.devnull, os.O_RDONLY)
        out = os.open(said, os.O_WRONLY | os.O_CREAT)
        errors = os.open(place.temporary / "errors.txt", os.O_WRONLY | os.O_CREAT)
        for number, end in enumerate((nowhere, out, errors)):
            os.dup2(end, number)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="replace")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s), int(cpu_s) + 5))
        with contextlib.suppress(ValueError, OSError):  # more than the rule, so that breaking it is seen
            resource.setrlimit(resource.RLIMIT_DATA, (4 * MOST_MEMORY_BYTES, 4 * MOST_MEMORY_BYTES))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = int(sys.modules[module].main(words) or 0)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code & 0xFF)


_OUR_BEGINNINGS = ("realtime: ", "train_swap: ")


def _broken(code: int, said: str, errors: Sequence[str]) -> list[str]:
    broken = []
    if code < 0:
        broken.append(f"ended by {signal.Signals(-code).name}")
    elif code not in (0, 2):
        broken.append(f"exit code {code}")
    strange = [line for line in errors if not line.startswith(_OUR_BEGINNINGS)]
    if strange:
        broken.append("said what is none of our lines")
    elif code == 2 and len(errors) != 1:
        broken.append(f"said {len(errors)} lines, not one")
    if any(not letter.isprintable() for line in [*said.splitlines(), *errors] for letter in line if letter != "\t"):
        broken.append("said letters that steer the terminal")
    return broken


def _excess(usage: resource.struct_rusage, place: Place, most_cpu_s: float) -> list[str]:
    excess = []
    cpu_s = usage.ru_utime + usage.ru_stime
    memory_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if cpu_s > most_cpu_s:
        excess.append(f"more than {most_cpu_s:g} s of processor")
    if memory_bytes > MOST_MEMORY_BYTES:
        excess.append(f"more than {MOST_MEMORY_BYTES / 1e9:g} GB")
    if place.strangers():
        excess.append(f"wrote outside: {', '.join(place.strangers()[:3])}")
    return excess
