"""How fast the whole program is with each of some effects, in one run, so that their ratios hold on any machine.

    python -m tools.measure_live puppet background:blur style:night --clip person.mp4

Each effect is given the clip at 1280×720: every frame of it, without waiting, and live at 60 frames a second. The
portrait is measured first, as the measure. Prints Markdown for docs/benchmarks.md, with the machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from realtime.core.errors import RealtimeError
from tools.benchmark import machine
from tools.swap_figures.material import read_clip
from tools.swap_figures.speed import whole_program, write_film
from tools.swap_figures.tables import rate_table

MEASURE = "portrait"
PICTURES = 120
FILM_S = 5.0


def main() -> int:
    """Measure and print; 2 for a clip or an effect that cannot be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("effects", nargs="+", help="as --effect takes them")
    parser.add_argument("--clip", type=Path, required=True, help="a film of somebody before the camera")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each live run (20)")
    parser.add_argument("--rounds", type=int, default=2, help="of which the best counts (2)")
    parser.add_argument("--share", type=float, default=1.0, help="part of the height that the clip takes (1)")
    arguments = parser.parse_args()
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    try:
        clip = read_clip(str(arguments.clip), PICTURES)
        with tempfile.TemporaryDirectory() as folder:
            film = write_film(Path(folder) / "person.mp4", [clip], FILM_S, arguments.share)
            best: dict[str, dict[str, float]] = {}
            for _ in range(arguments.rounds):
                for effect in dict.fromkeys([MEASURE, *arguments.effects]):
                    figures = whole_program(film, effect, arguments.seconds)
                    if effect not in best or figures["fps"] > best[effect]["fps"]:
                        best[effect] = figures
                    print(f"{effect}: {figures}", file=sys.stderr)
    except RealtimeError as error:
        print(f"measure_live: {error}", file=sys.stderr)
        return 2
    print(f"{machine()}\n\n{rate_table(best)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
