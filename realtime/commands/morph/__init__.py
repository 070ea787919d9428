"""`realtime morph`: figures and films of photos whose faces are slid through latent space."""

from __future__ import annotations

import argparse

from realtime.commands.morph import film, sheet, strip

_EXAMPLES = """\
examples:
  realtime morph strip anna.jpg ben.jpg -o strip.png
  realtime morph sheet anna.jpg ben.jpg --attribute glasses --attribute smile -o sheet.png
  realtime morph film anna.jpg ben.jpg -o film.mp4 --seconds 6

the same, live:
  realtime run --effect morph --set morph.glasses=2
  realtime run --effect morph:ben.jpg
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `strip`, `sheet` and `film`."""
    parser.epilog = _EXAMPLES
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    for action in (strip, sheet, film):
        action.describe(actions)


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action. Raises RealtimeError."""
    return {"strip": strip.strip, "sheet": sheet.sheet, "film": film.film}[arguments.action](arguments)
