"""Whatever the user's language: other letters, other decimal signs, other encodings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# As a program would that has this one within it: Python alone sets only what concerns letters.
IN_FULL = """
import locale, sys
locale.setlocale(locale.LC_ALL, "")
from realtime.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def installed(name: str) -> bool:
    try:
        told = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    return name.casefold().replace("-", "") in told.casefold().replace("-", "").split()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_help_is_told_in_an_encoding_that_lacks_some_of_its_letters(encoding: str) -> None:
    words = [sys.executable, "-m", "realtime", "run", "--help"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(words, env=environment, capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert b"--detector" in done.stdout


@pytest.mark.parametrize("name", ["C", "de_DE.UTF-8", "tr_TR.UTF-8", "ja_JP.UTF-8"])
def test_a_face_is_found_and_a_film_is_made(name: str, tmp_path: Path) -> None:
    if not installed(name):
        pytest.skip(f"this system has no locale {name}")
    words = ["run", "--source", "demo", "--size", "640x360", "--every-frame", "--frames", "2", "--fps", "29.97"]
    words += ["--effect", "style:night:0.5", "--effect", "portrait", "--stats", "stats.json", "--output", "film.mp4"]
    done = subprocess.run(
        [sys.executable, "-c", IN_FULL, *words],
        env={**os.environ, "LC_ALL": name, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert b"no face is looked for" not in done.stderr
    assert '"with_face": 2' in (tmp_path / "stats.json").read_text(encoding="utf-8")
