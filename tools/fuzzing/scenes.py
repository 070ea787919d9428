"""Scenes: files of a folder that was given away, good and hostile, into `realtime run --scene FILE`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.fuzzing import Seed, Target

_TEXTS = {
    "evening.toml": 'effect = ["style:night"]\n[scene]\nname = "E"\nnumber = 3\nfade_s = 1.5\n[style]\nstrength = 1\n',
    "two.toml": 'effect = ["background:blur", "style:ink"]\nsource = "demo"\nmirror = true\n[scene]\nname = "Two"\n',
    "twice.toml": 'effect = ["style:night", "style:woodblock"]\n[style]\nstrength = 0.2\n[style2]\nstrength = 0.9\n',
    "numbers.toml": 'effect = ["none"]\n[scene]\nnumber = 99999999999999999999\nfade_s = nan\n',
    "names.toml": 'effect = ["none"]\n[scene]\nname = "../../\\u001b[2J\\u0000x"\n',
    "paths.toml": 'effect = ["swap:../../../etc/passwd"]\nsource = "//host/share/x.mp4"\n[scene]\nname = "x"\n',
    "values.toml": 'effect = ["style:night"]\n[style]\nstrength = [1, 2]\nwhere = {a = 1}\n',
    "deep.toml": "a = " + "[" * 5000,
    "empty.toml": "",
    "many.toml": "effect = [" + '"none", ' * 5000 + "]\n",
}


def seeds(folder: Path) -> Sequence[Seed]:
    """Write them."""
    for name, text in _TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - what is written goes nowhere
    words = ["--source", "demo", "--output", "none", "--frames", "1", "--every-frame", "--fresh"]
    return ["realtime", "run", "--scene", str(seed), *words]


def _environment(out: Path) -> Mapping[str, str]:
    return {
        "XDG_STATE_HOME": str(out),
        "XDG_DATA_HOME": str(out),
        "XDG_CACHE_HOME": str(out),
        "SDL_VIDEODRIVER": "dummy",
    }


TARGET = Target(seeds, command, _environment, preload=("cv2",))
