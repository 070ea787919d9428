"""`python -m realtime` and the `realtime` command: finds the subcommand, and turns errors into one line."""

from __future__ import annotations

import argparse
import errno
import importlib
import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from realtime import __version__
from realtime.commands.meant import meant
from realtime.core.argument_parser import Parser, RawDescriptionHelpFormatter
from realtime.core.errors import OptionError, RealtimeError, in_one_line, nearest, shown
from realtime.core.language import LANGUAGES, N_, _, follow_in_libraries, use
from realtime.core.text_limits import abbreviated
from realtime.system.console import print_in_any_encoding, set_up_logging, silence_native_libraries, told_all
from realtime.system.signals import INTERRUPTED, Interruption, graceful_shutdown, leave, leave_interrupted, leave_now
from realtime.system.standard_streams import keep_stderr, keep_stdout, stdout_failure

FROM_ICON = "--from-icon"
"""What a launcher adds: nobody reads what is told on standard error."""
_HEARD_WITHIN_S = 2.0  # a native call may take a second, and what it was for is cleaned up after it
_LEAST_ADDRESS_SPACE = 2_000_000_000  # a swap reserves 1.8 GB, of which 0.3 are used


class CommandModule(Protocol):
    """What a module in `realtime.commands` offers. Imported only when it is chosen."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, arguments: argparse.Namespace) -> int: ...


COMMANDS = {
    "run": N_("show the picture, live (what 'realtime' alone does)"),
    "render": N_("a recorded video or a folder of pictures into a file, every frame, sound kept"),
    "gallery": N_("a wall of screens, unattended: programme, opening hours, restarts, out of one file"),
    "morph": N_("photos of people as figures and films: from one to another, and along attributes"),
    "face": N_("one face to be worn, of several photos or a film"),
    "portrait": N_("make a portrait pack from any picture with a face in it"),
    "devices": N_("cameras, virtual cameras, screens, sound and MIDI devices"),
    "effects": N_("the effects and their settings"),
    "scenes": N_("looks kept under a number and a name: list them, give them away"),
    "osc": N_("the addresses that --osc answers to"),
    "models": N_("the models: list, verify; add somebody else's style"),
    "install-launcher": N_("an icon among the programs, for people without a terminal"),
    "doctor": N_("what works on this machine, and what to do about the rest"),
}

_EXAMPLES = N_("""\
examples:
  realtime                                     a portrait in a window follows whoever looks at it
  realtime her.jpg                             her face on yours; film.mp4, gallery.toml, a folder: likewise
  realtime run --output fullscreen             the same on a gallery's screen
  realtime run --output camera --output window in a video call, with a window to watch
  realtime run --source clip.mp4 --output out.mp4 --every-frame
  realtime run --output - | ffplay -f rawvideo -pixel_format bgr24 -video_size 1280x720 -
  realtime portrait build painting.jpg -o painting.portrait

'realtime COMMAND --help' tells more of each.
""")


def _parser(command: str | None) -> argparse.ArgumentParser:
    formatter = RawDescriptionHelpFormatter
    if command is None:
        width = max(map(len, COMMANDS))
        listing = "\n".join(f"  {name:{width}}  {_(summary)}" for name, summary in COMMANDS.items())
        parser: argparse.ArgumentParser = Parser(
            prog="realtime",
            usage="realtime [COMMAND] [OPTIONS]",
            description=_("Real-time webcam effects: a portrait whose eyes follow you."),
            epilog=_("commands:\n{listing}\n\n{examples}", listing=listing, examples=_(_EXAMPLES)),
            formatter_class=formatter,
            allow_abbrev=False,
        )
        parser.add_argument(
            "--version",
            action="version",
            version=f"realtime {__version__}",
            help=_("show program's version number and exit"),
        )
        _add_language(parser)
        return parser
    summary = _(COMMANDS[command])
    parser = Parser(
        prog=f"realtime {command}",
        description=_("{summary}.", summary=summary[0].upper() + summary[1:]),
        formatter_class=formatter,
        allow_abbrev=False,
    )
    _load(command).add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help=_("tell everything, with tracebacks"))
    _add_language(parser)
    return parser


def _add_language(parser: argparse.ArgumentParser) -> None:
    """Let `--help` tell of it: it has been heard before a parser is made, for that speaks, too."""
    parser.add_argument(
        "--language",
        metavar="|".join(LANGUAGES),
        help=_("the language of all words; default: as LANG and its like say"),
    )


def _load(command: str) -> CommandModule:
    module: CommandModule = importlib.import_module(f"realtime.commands.{command.replace('-', '_')}")
    return module


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done, 1 `doctor` found a fault, 2 an error the user
    can mend, 70 a fault of ours, 75 a part that hung, 130 stopped by the user before its work was done.

    Without `argv` it is the whole process's work, and the process may be ended in here: see `leave`.
    """
    if argv is not None:
        return _main(list(argv), Interruption())
    interruption = Interruption()
    try:
        with graceful_shutdown(interruption, unheard=leave_interrupted, heard_within_s=_HEARD_WITHIN_S, insists=True):
            code = _main(sys.argv[1:], interruption)
    except KeyboardInterrupt:  # between two lines of ours
        code = INTERRUPTED
    if code == INTERRUPTED:  # libraries may have been left half loaded and half opened
        leave_now(code)
    return leave(code)


def _main(words: list[str], interruption: Interruption) -> int:
    log = logging.getLogger("realtime")
    has_terminal, words = FROM_ICON not in words, [word for word in words if word != FROM_ICON]
    words, language = _without_language(words)
    if language in LANGUAGES:
        use(language)
    follow_in_libraries()
    try:
        words = meant(words, COMMANDS)
        debug = "--debug" in words
        if debug:
            keep_stderr()
        else:
            silence_native_libraries()
        print_in_any_encoding()
        keep_stdout()
        set_up_logging(debug=debug)
        last = _LastError()
        log.addHandler(last)
        code = _run(words, language, log, interruption, debug=debug)
        log.removeHandler(last)
        if not has_terminal and last.words and code not in (0, INTERRUPTED):
            _show(last.words)
    except KeyboardInterrupt:
        log.error("interrupted")
        code = INTERRUPTED
    except SystemExit:  # --help, --version
        if _stdout_failed(log):
            return 2
        raise
    finally:
        told_all()
    return 2 if _stdout_failed(log) else code


class _LastError(logging.Handler):
    """Remembers what went wrong last."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.words = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.words = shown(record.getMessage())


def _show(words: str) -> None:
    """Show what went wrong to whoever has no terminal."""
    from realtime.outputs.window.message import show_error

    show_error(words[:1].upper() + words[1:])


def _without_language(words: list[str]) -> tuple[list[str], str | None]:
    """Return the words without `--language`, wherever it stands, and what it asks for: `zh` of `zh-CN` and `zh_CN`."""
    rest, asked, left = [], None, iter(words)
    for word in left:
        flag, equals, value = word.partition("=")
        if flag != "--language":
            rest.append(word)
            continue
        asked = re.split("[-_.]", value if equals else next(left, ""))[0].lower()
    return rest, asked


def _run(
    words: list[str], language: str | None, log: logging.Logger, interruption: Interruption, *, debug: bool
) -> int:
    """Run the command that the words name, and turn what it raises into a line and an exit code."""
    try:
        if language is not None and language not in LANGUAGES:
            raise OptionError(
                _(
                    "--language: there is no '{language}'; there are: {languages}",
                    language=abbreviated(language),
                    languages=", ".join(LANGUAGES),
                )
            )
        if words and words[0] in ("-h", "--help", "--version"):
            _parser(None).parse_args(words)
        if not words or words[0].startswith("-"):
            words = ["run", *words]
        command = words[0]
        if command not in COMMANDS:
            raise OptionError(_no_command(command))
        _require_address_space()
        words = [word for word in words[1:] if word != "--debug"]  # read above, before or after a subcommand
        return _load(command).run(_parser(command).parse_args(words))
    except RealtimeError as error:
        if interruption.is_asked:  # what was interrupted may have become any error
            raise KeyboardInterrupt from error
        log.error("%s", error, exc_info=error if debug else None)
        return error.exit_code
    except BrokenPipeError:  # `realtime devices | head`
        return 0
    except OSError as error:  # a read-only medium, a full disk, a name too long: whatever else was not foreseen
        where = f"{error.filename}: " if error.filename else ""
        what = _(
            "{where}{reason}; check the path, its permissions and the disk", where=where, reason=error.strerror or error
        )
        log.error("%s", what, exc_info=error if debug else None)
        return 2
    except Exception as error:
        if interruption.is_asked:
            raise KeyboardInterrupt from error
        if isinstance(error, MemoryError) or "can't start new thread" in str(error):
            log.error(_("%s; close other programs, or raise the limit (ulimit -a)"), _shortage(error))
            return 2
        what = f"{type(error).__name__}: {in_one_line(error)}"
        log.error(
            _("this is a fault in realtime, not yours: %s; --debug shows where"),
            what,
            exc_info=error if debug else None,
        )
        return 70  # EX_SOFTWARE of BSD's sysexits


def _no_command(word: str) -> str:
    if Path(word).suffix or "/" in word or "\\" in word:
        return _("no such file: {word}; check the path, or see 'realtime --help'", word=abbreviated(word))
    return _(
        "no command '{word}'{hint}; 'realtime --help' lists them", word=abbreviated(word), hint=nearest(word, COMMANDS)
    )


def _shortage(error: Exception) -> str:
    return _("there is not enough memory") if isinstance(error, MemoryError) else _("no further thread can be started")


def _require_address_space() -> None:
    """Raise OptionError where so little memory may be addressed that a library would take the process down, unsaid."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit, _unused = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < _LEAST_ADDRESS_SPACE:
        raise OptionError(
            _(
                "this process may address {limit_gb:.1f} GB of memory, and its libraries need "
                "{needed_gb:.0f}; raise the limit (ulimit -v)",
                limit_gb=limit / 1e9,
                needed_gb=_LEAST_ADDRESS_SPACE / 1e9,
            )
        )


def _stdout_failed(log: logging.Logger) -> bool:
    """Whether what was told on standard output could not be written; it is said once. A reader that has had enough
    (`realtime devices | head`) is none of that.
    """
    failure = stdout_failure()
    if failure is None or failure.errno in (errno.EPIPE, errno.EINVAL):  # Windows says EINVAL where others say EPIPE
        return False
    log.error(_("cannot write to standard output: %s; send it somewhere else"), failure.strerror or failure)
    return True


if __name__ == "__main__":
    sys.exit(main())
