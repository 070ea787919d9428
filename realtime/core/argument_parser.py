"""argparse as every command here uses it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NoReturn

from realtime.core.errors import OptionError, nearest


class Parser(argparse.ArgumentParser):
    """argparse, with errors as one line and a guess at what was meant. Raises OptionError where it would exit."""

    def error(self, message: str) -> NoReturn:
        prefix = "unrecognized arguments: "
        if message.startswith(prefix):
            word = message.removeprefix(prefix).split()[0]
            message = f"no such option: {word}{nearest(word.split('=')[0], list(_options_of(self)))}"
        raise OptionError(f"{message}; '{self.prog} --help' lists what there is")


def _options_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield every option, also those of `portrait build` and its like: it is the outer parser that complains."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _options_of(inner)
