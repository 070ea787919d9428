"""Exports a stranger's whole program in a process of its own that holds nothing, and takes over the files it made.

`run` is what the command calls; `python -m tools.exporting.apart` is the other process. It confines itself before it
imports anything that could start threads.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from realtime.core.errors import ModelError, shown
from realtime.core.files import atomic_write
from tools.exporting.confinement import confine

_OURS = "realtime: "


def run(arguments: Mapping[str, Any], checkpoint: Path, output: Path, readable: Sequence[Path]) -> None:
    """Export `checkpoint` in a process apart, which may read it and `readable`; keep its models as `output`.

    `arguments` are the command's, of plain values. What the other prints is printed. Raises ModelError with what it
    said, or how it ended.
    """
    with tempfile.TemporaryDirectory(prefix="realtime-export-") as folder:
        scratch = Path(folder).resolve()
        asked = {
            "arguments": dict(arguments),
            "scratch": str(scratch),
            "readable": [str(path.resolve()) for path in (checkpoint, *readable)],
        }
        code, errors = _watched([sys.executable, "-P", "-m", "tools.exporting.apart", json.dumps(asked)], scratch)
        if code:
            raise ModelError(reason(code, errors, checkpoint))
        for made in sorted(scratch.glob("*.onnx")):
            if made.is_symlink() or not made.is_file():
                raise ModelError(f"{checkpoint} made what is no file; nothing was kept")
            with atomic_write(output.with_name(made.name)) as file:
                shutil.copyfile(made, file)


def _watched(command: Sequence[str], scratch: Path) -> tuple[int, list[str]]:
    """Run the other process to its end. Return its exit code and the lines of ours it said."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "TMPDIR": str(scratch),
        "HOME": str(scratch),
        "PYTHONWARNINGS": "ignore",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    errors: list[str] = []
    # A session of its own: Ctrl-C is for this process, which then ends that one.
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=scratch,
        start_new_session=True,
        text=True,
        errors="replace",
    ) as other:
        assert other.stdout is not None
        assert other.stderr is not None
        listener = threading.Thread(target=_keep_ours, args=(other.stderr, errors), daemon=True)
        listener.start()
        ending = threading.Thread(target=_end_all_after, args=(other,), daemon=True)
        ending.start()
        try:
            for line in other.stdout:
                print(shown(line.rstrip("\n"), 1000), flush=True)
            ending.join()
            code = other.wait()
            listener.join()
        finally:
            if other.returncode is None:
                _end_all(other)
    return code, errors


def _end_all_after(other: subprocess.Popen[str]) -> None:
    """[thread of its own] End what the other process has left behind once it has ended: who still held its pipes would
    be listened to for ever.
    """
    if hasattr(os, "waitid"):  # its number stays its own until `wait` has taken its end up
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
            _end_all(other)
    else:
        other.wait()
        _end_all(other)


def _end_all(other: subprocess.Popen[str]) -> None:
    """End the other process and all that it has started."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses where only its remains are left
            os.killpg(other.pid, signal.SIGKILL)
    else:
        other.kill()


def _keep_ours(stream: IO[str], kept: list[str]) -> None:
    for line in stream:
        if line.startswith(_OURS) and len(kept) < 10:
            kept.append(shown(line.removeprefix(_OURS).rstrip("\n"), 600))


def reason(code: int, errors: Sequence[str], checkpoint: Path) -> str:
    """Return why the other process ended with `code`, after what it said itself."""
    if errors:
        return errors[-1]
    if os.name == "posix" and code == -signal.SIGXCPU:
        return f"{checkpoint} works far longer than a network needs for so small a picture; it is not exported"
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"{checkpoint} makes PyTorch fail ({how}), or needs more memory than a network of its size; nothing was kept"


def main() -> int:
    """Be the process apart: `argv[1]` is JSON with `arguments`, `scratch` and `readable`."""
    asked = json.loads(sys.argv[1])
    scratch = Path(asked["scratch"])
    confine([Path(path) for path in asked["readable"]], scratch)
    from tools.export_onnx import export_apart

    return export_apart(asked["arguments"], scratch)


if __name__ == "__main__":
    sys.exit(main())
