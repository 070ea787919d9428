"""Files dropped on the window, of every kind and under every name: what they are taken for.

`python -m tools.fuzzing.drops FILE` ends with an error where that raises, says more than a line, or names a use that
there is not.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from realtime.session.offers.files import FileKind, Use, look_at, way_of
from tools.fuzzing import Seed, Target, packs, pictures, scenes

_SUFFIXES = (".jpg", ".gif", ".png", ".webp", ".portrait", ".face", ".onnx", ".toml", ".pth", ".mp4", ".txt", "")
_CATEGORIES = ("", "Looks", "Portraits", "Faces", "Backgrounds", "Scenes", "\x1b[2J")


def main(words: Sequence[str] | None = None) -> int:
    """Look at one file under each suffix, and at the folder they lie in. Raises AssertionError."""
    file, out = (sys.argv[1:] if words is None else words)[:2]
    folder = Path(out)
    for suffix in _SUFFIXES:
        dropped = folder / f"dropped{suffix}"
        shutil.copyfile(file, dropped)
        _drop(dropped)
        dropped.unlink()
    _drop(folder)
    _drop(folder / "gone.jpg")
    return 0


def _drop(path: Path) -> None:
    found = look_at(path)
    assert len(found.why_not.splitlines()) <= 1, found.why_not
    assert bool(found.why_not) == (found.kind is FileKind.NOTHING), found
    for category in _CATEGORIES:
        way = way_of(found.kind, category)
        assert way.use in Use, way
        assert bool(way.effect) == (way.use is Use.EFFECT), way


def seeds(folder: Path) -> Sequence[Seed]:
    """Write pictures, packs and scenes, as their own targets do."""
    for target in (pictures, packs, scenes):
        target.seeds(folder)
    return sorted(path for path in folder.iterdir() if path.is_file() and path.stat().st_size < 1_000_000)


def command(seed: Seed, out: Path) -> Sequence[str]:
    return ["tools.fuzzing.drops", str(seed), str(out)]


TARGET = Target(seeds, command, preload=("cv2", "realtime.session.offers.files"))

if __name__ == "__main__":
    sys.exit(main())
