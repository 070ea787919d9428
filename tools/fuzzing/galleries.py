"""Galleries: TOML that says what hangs, good and hostile, looked at by `realtime gallery FILE --check`.

`python -m tools.fuzzing.galleries FILE` is that, but for its exit code 1: a gallery that could not hang, and why.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from realtime.__main__ import main as realtime
from realtime.gallery.example import EXAMPLE
from tools.fuzzing import Seed, Target

_ITEM = '[[item]]\nname = "a"\neffect = "style:night"\n'
_TEXTS = {
    "example.toml": EXAMPLE.replace('"portrait"', '"none"'),  # the default one is made when it is looked for, in 10 s
    "hours.toml": f'[gallery]\nhours = ["Tue-Sun 10:00-18:00", "Fri 20:00-02:00"]\nzone = "Europe/Berlin"\n{_ITEM}',
    "screens.toml": f'{_ITEM}hangs = "1 h"\n[[screen]]\nname = "x"\nrotate = 90\nitems = ["a"]\nright_cm = -80\n',
    "view.toml": f"{_ITEM}[view]\nview_left = -0.2\nview_right = 1.3\ntilted_degrees = 8.5\nlens_degrees = 95\n",
    "options.toml": f'{_ITEM}[options]\nremote = "8080"\nosc = "9000"\nset = ["style.strength=0.5"]\n',
    "many.toml": _ITEM * 3000,
    "deep.toml": "a = " + "[" * 5000,
    "digits.toml": _ITEM + "hangs = " + "9" * 5000,
    "odd.toml": _ITEM + "hangs = nan\n[gallery]\nfade_s = inf\nhours = 1979-05-27T07:32:00Z\n",
    "names.toml": '[gallery]\nname = "\\u001b[31m\\u202e"\n' + _ITEM,
    "paths.toml": '[[item]]\neffect = "swap:../../../etc/passwd"\n[options]\noutput = "/tmp/mark.mp4"\n',
    "nul.toml": '[gallery]\ncamera = "a\\u0000b"\n' + _ITEM,
}


def main(words: Sequence[str] | None = None) -> int:
    """Check one file; return 0 where the check said what it found."""
    (file,) = sys.argv[1:] if words is None else words
    code = realtime(["gallery", file, "--check"])
    return 0 if code == 1 else code


def seeds(folder: Path) -> Sequence[Seed]:
    """Write them."""
    for name, text in _TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - nothing is written
    return ["tools.fuzzing.galleries", str(seed)]


def _environment(out: Path) -> Mapping[str, str]:
    return {"XDG_STATE_HOME": str(out), "XDG_CACHE_HOME": str(out), "SDL_VIDEODRIVER": "dummy"}


TARGET = Target(seeds, command, _environment, preload=("cv2",))

if __name__ == "__main__":
    sys.exit(main())
