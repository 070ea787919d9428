"""`python -m realtime` and the `realtime` command: finds the subcommand, and turns errors into one line."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import NoReturn, Protocol

from realtime import __version__
from realtime.errors import OptionError, RealtimeError, nearest
from realtime.terminal import print_in_any_encoding, set_up_logging, silence_native_libraries


class CommandModule(Protocol):
    """What a module in `realtime.commands` offers. Imported only when it is chosen."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, arguments: argparse.Namespace) -> int: ...


COMMANDS = {
    "run": "show the picture, live (what 'realtime' alone does)",
    "render": "a recorded video or a folder of pictures into a file, every frame, sound kept",
    "portrait": "make a portrait pack from any picture with a face in it",
    "devices": "cameras, virtual cameras, screens and sound devices",
    "effects": "the effects and their settings",
    "models": "the models: list, fetch, verify; add somebody else's style",
    "doctor": "what works on this machine, and what to do about the rest",
}

_EXAMPLES = """\
examples:
  realtime                                     a portrait in a window follows whoever looks at it
  realtime run --output fullscreen             the same on a gallery's screen
  realtime run --output camera --output window in a video call, with a window to watch
  realtime run --source clip.mp4 --output out.mp4 --every-frame
  realtime run --output - | ffplay -f rawvideo -pixel_format bgr24 -video_size 1280x720 -
  realtime portrait build painting.jpg -o painting.portrait

'realtime COMMAND --help' tells more of each.
"""


class _Parser(argparse.ArgumentParser):
    """argparse, with errors as one line and a guess at what was meant."""

    def error(self, message: str) -> NoReturn:
        prefix = "unrecognized arguments: "
        if message.startswith(prefix):
            word = message[len(prefix) :].split()[0]
            known = list(_options_of(self))
            message = f"no such option: {word}{nearest(word.split('=')[0], known)}"
        raise OptionError(f"{message}; '{self.prog} --help' lists what there is")


def _options_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield every option, also those of `portrait build` and its like: it is the outer parser that complains."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _options_of(inner)


def _parser(command: str | None) -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    if command is None:
        width = max(map(len, COMMANDS))
        listing = "\n".join(f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items())
        parser: argparse.ArgumentParser = _Parser(
            prog="realtime",
            usage="realtime [COMMAND] [OPTIONS]",
            description="Real-time webcam effects: a portrait whose eyes follow you.",
            epilog=f"commands:\n{listing}\n\n{_EXAMPLES}",
            formatter_class=formatter,
            allow_abbrev=False,
        )
        parser.add_argument("--version", action="version", version=f"realtime {__version__}")
        return parser
    parser = _Parser(
        prog=f"realtime {command}",
        description=COMMANDS[command][0].upper() + COMMANDS[command][1:] + ".",
        formatter_class=formatter,
        allow_abbrev=False,
    )
    _load(command).add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help="tell everything, with tracebacks")
    return parser


def _load(command: str) -> CommandModule:
    module: CommandModule = importlib.import_module(f"realtime.commands.{command}")
    return module


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done, 1 `doctor` found a fault, 2 an error the user
    can mend, 70 a fault of ours.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    if not debug:
        silence_native_libraries()
    set_up_logging(debug=debug)
    print_in_any_encoding()
    log = logging.getLogger("realtime")
    try:
        if words and words[0] in ("-h", "--help", "--version"):
            _parser(None).parse_args(words)
        if not words or words[0].startswith("-"):
            words = ["run", *words]
        command = words[0]
        if command not in COMMANDS:
            raise OptionError(f"no command '{command}'{nearest(command, COMMANDS)}; 'realtime --help' lists them")
        return _load(command).run(_parser(command).parse_args(words[1:]))
    except RealtimeError as error:
        log.error("%s", error, exc_info=error if debug else None)
        return 2
    except KeyboardInterrupt:
        log.error("interrupted")
        return 130
    except BrokenPipeError:  # `realtime devices | head`
        return 0
    except Exception as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        log.error(
            "this is a fault in realtime, not yours: %s; --debug shows where", what, exc_info=error if debug else None
        )
        return 70  # EX_SOFTWARE of BSD's sysexits


if __name__ == "__main__":
    sys.exit(main())
