"""Processes without a network: MediaPipe's library reports to Google, and no test of ours shall let it."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_DOES_NOT_LOAD = ("MediaPipe does not load", "libEGL.so.1: ", "libGLESv2.so.2: ")


@functools.cache
def _can_be_cut_off() -> bool:
    try:
        return subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def python_without_network(words: Sequence[str], **environment: str) -> str:
    """Run Python so and return what it prints; the test is skipped where processes cannot be cut off."""
    if not _can_be_cut_off():
        pytest.skip("MediaPipe reports to Google, and here no process can be cut off from the network (unshare -rn)")
    paths = {"PYTHONPATH": os.pathsep.join((str(ROOT), *(path for path in sys.path if path)))}
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, *words],
        env={**os.environ, **paths, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode and any(sign in done.stdout + done.stderr for sign in _DOES_NOT_LOAD):
        pytest.skip("MediaPipe does not load here: it needs libEGL and libGLESv2")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()
