"""Presets: TOML that asks for a run, good and hostile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.fuzzing import Seed, Target

_TEXTS = {
    "gallery.toml": 'effect = ["none"]\noutput = ["none"]\nrotate = 90\nfps = 60\n[style]\nstrength = 0.5\n',
    "portrait.toml": "[portrait]\nview_left = 0.2\nwander_after_s = 5\nblink = false\n",
    "paths.toml": 'source = "~nobody/film.mp4"\nkeep-in = "a/b"\npainting = "ä.png"\nlabel-font = "x.ttf"\n',
    "many.toml": 'effect = ["style:night:0.3", "swap:a,b.jpg"]\nset = ["a.b=c"]\nhud = true\n',
    "deep.toml": "a = " + "[" * 5000,
    "digits.toml": "fps = " + "9" * 5000,
    "large.toml": "[portrait]\nview_left = " + "9" * 4000,
    "nul.toml": 'source = "a\\u0000b.mp4"\n',
    "odd.toml": "fps = nan\nseconds = -inf\nframes = 1979-05-27T07:32:00Z\n",
    "bytes.toml": "label = '\udcff'\n",
    "long.toml": f'source = "{"a" * 300}.mp4"\n',
}


def seeds(folder: Path) -> Sequence[Seed]:
    """Write them."""
    for name, text in _TEXTS.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    return sorted(folder.iterdir())


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - nothing is written
    words = ["--source", "demo", "--output", "none", "--effect", "none", "--frames", "1", "--every-frame"]
    return ["realtime", "run", "--preset", str(seed), *words]


TARGET = Target(seeds, command, preload=("cv2",))
