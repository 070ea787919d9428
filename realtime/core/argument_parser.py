"""argparse as every command here uses it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NoReturn

from realtime.core.errors import OptionError, nearest

_ELSEWHERE = {
    ("render", "--output"): " (the result stands without a flag: realtime render IN OUT)",
    ("render", "-o"): " (the result stands without a flag: realtime render IN OUT)",
    ("render", "--source"): " (what is rendered stands without a flag: realtime render IN OUT)",
    ("run", "--list"): " (cameras: realtime devices; effects: realtime effects)",
    ("run", "-o"): " (write --output)",
    ("", "-v"): " (write --debug to be told everything)",
    ("", "--verbose"): " (write --debug to be told everything)",
    ("", "--force"): " (write --overwrite)",
}
"""What people mean by flags that other programs have, by command; empty: any."""


class Parser(argparse.ArgumentParser):
    """argparse, with errors as one line and a guess at what was meant. Raises OptionError where it would exit."""

    def error(self, message: str) -> NoReturn:
        prefix = "unrecognized arguments: "
        if message.startswith(prefix):
            word = message.removeprefix(prefix).split()[0]
            flag = word.partition("=")[0]
            hint = _ELSEWHERE.get((self.prog.rpartition(" ")[2], flag)) or _ELSEWHERE.get(("", flag))
            # Flags differ by little more than their length, and a wrong guess misleads.
            message = f"no such option: {word}{hint or nearest(flag, list(_options_of(self)), least=0.7)}"
        raise OptionError(f"{message}; '{self.prog} --help' lists what there is")


def _options_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield every option, also those of `portrait build` and its like: it is the outer parser that complains."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _options_of(inner)
