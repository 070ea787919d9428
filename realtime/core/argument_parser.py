"""argparse as every command here uses it."""

from __future__ import annotations

import argparse
import gettext
from collections.abc import Iterator
from typing import Any, NoReturn

from realtime.core.columns import wrapped
from realtime.core.errors import OptionError, nearest
from realtime.core.language import N_, _

_ELSEWHERE = {
    ("render", "--output"): N_(" (the result stands without a flag: realtime render IN OUT)"),
    ("render", "-o"): N_(" (the result stands without a flag: realtime render IN OUT)"),
    ("render", "--source"): N_(" (what is rendered stands without a flag: realtime render IN OUT)"),
    ("run", "--list"): N_(" (cameras: realtime devices; effects: realtime effects)"),
    ("run", "-o"): N_(" (write --output)"),
    ("", "-v"): N_(" (write --debug to be told everything)"),
    ("", "--verbose"): N_(" (write --debug to be told everything)"),
    ("", "--force"): N_(" (write --overwrite)"),
}
"""What people mean by flags that other programs have, by command; empty: any."""
ARGPARSE_SAYS = (
    N_("usage: "),
    N_("options"),
    N_("positional arguments"),
    N_("%(heading)s:"),
    N_("show this help message and exit"),
    N_("show program's version number and exit"),
    N_("unrecognized arguments: %s"),
    N_("the following arguments are required: %s"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("expected one argument"),
    N_("expected at least one argument"),
    N_("expected at most one argument"),
    N_("ambiguous option: %(option)s could match %(matches)s"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
    N_("invalid %(type)s value: %(value)r"),
    N_("not allowed with argument %s"),
    N_("ignored explicit argument %r"),
)
"""Its own words, which it looks for in our catalogue: marked here, for nobody else marks them."""


class HelpFormatter(argparse.HelpFormatter):
    """argparse's, for texts whose letters take two columns, too."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return super()._split_lines(text, width) if text.isascii() else list(wrapped(text, width))

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.isascii():
            return super()._fill_text(text, width, indent)
        return "\n".join(indent + line for line in wrapped(text, width - len(indent)))


class RawDescriptionHelpFormatter(HelpFormatter):
    """The same, with descriptions and examples as they stand."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:  # noqa: ARG002 - argparse's
        return "".join(indent + line for line in text.splitlines(keepends=True))


class Parser(argparse.ArgumentParser):
    """argparse, with errors as one line and a guess at what was meant. Raises OptionError where it would exit."""

    def __init__(self, *about: Any, **named: Any) -> None:
        super().__init__(*about, **{"formatter_class": HelpFormatter, **named})

    def error(self, message: str) -> NoReturn:
        prefix = gettext.gettext("unrecognized arguments: %s").removesuffix("%s")  # argparse's own words
        if message.startswith(prefix):
            word = message.removeprefix(prefix).split()[0]
            flag = word.partition("=")[0]
            hint = _ELSEWHERE.get((self.prog.rpartition(" ")[2], flag)) or _ELSEWHERE.get(("", flag))
            # Flags differ by little more than their length, and a wrong guess misleads.
            message = _(
                "no such option: {word}{hint}",
                word=word,
                hint=_(hint) if hint else nearest(flag, list(_options_of(self)), least=0.7),
            )
        raise OptionError(_("{message}; '{prog} --help' lists what there is", message=message, prog=self.prog))


def _options_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield every option, also those of `portrait build` and its like: it is the outer parser that complains."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _options_of(inner)
