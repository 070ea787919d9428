"""The words people see, in their language: English as it stands in the code, or what a catalogue in `locale/` has.

Two rules. A text that is made while the program runs is translated where it is made, `_("no such file: {path}",
path=path)`; what varies is named in braces, so that another language can put it elsewhere. A text that is declared
while a module is imported, before the language is known, is marked there, `N_("Night")`, and translated where it is
shown, `_(title)`.

Names of parameters and commands, keys of files, figures for programs and what only `--debug` tells stay English.
"""

from __future__ import annotations

import functools
import gettext
import os
import sys
from pathlib import Path

DOMAIN = "realtime"
FOLDER = Path(__file__).parents[1] / "locale"
LANGUAGES = {"en": "en", "zh": "zh_CN"}
"""What `--language` takes, and the locale's name of each."""

_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # gettext's order
_SOURCE = ("en", "C", "POSIX")


def use(language: str) -> None:
    """Speak this language, one of `LANGUAGES`, from now on. The programs that this one starts, a gallery's screens for
    one, are to speak it, too, and are told as any program is: by the environment.
    """
    os.environ["LANGUAGE"] = LANGUAGES[language]
    forget()


def forget() -> None:
    """Look for the language anew: the environment says another one now."""
    _translations.cache_clear()


def follow_in_libraries() -> None:
    """Let the standard library's own texts, argparse's, be looked for in our catalogue. Of the whole process."""
    if wanted():
        gettext.bindtextdomain(DOMAIN, str(FOLDER))
        gettext.textdomain(DOMAIN)


def wanted() -> list[str]:
    """Return the locales that people ask for, best first, as far as they come before English; `[]`: English."""
    asked = next(filter(None, map(os.environ.get, _VARIABLES)), None) or _display_language()
    languages: list[str] = []
    for language in asked.split(":"):
        if language.partition(".")[0].partition("_")[0] in _SOURCE:  # gettext itself would go on to the next one
            break
        languages.append(language)
    return [language for language in languages if language]


def _display_language() -> str:
    """Return the system's own language where it sets no such variable: Windows does not."""
    if sys.platform == "win32":
        import ctypes
        import locale

        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    return ""


def _(message: str, /, **values: object) -> str:
    """Return a text in the language in use, with values in the place of the names in braces. Any thread."""
    text = _translations().gettext(message) if message else ""  # gettext's answer to nothing is the catalogue's head
    return text.format(**values) if values else text


def ngettext(one: str, many: str, count: int, /, **values: object) -> str:
    """Return the text that fits `count`, as `_` does; `{count}` need not be named again."""
    return _translations().ngettext(one, many, count).format(count=count, **values)


def spoken() -> str:
    """Return the language of the catalogue in use, `zh`; empty: English."""
    return _translations().info().get("language", "")


def letters_scale() -> float:
    """Return how much larger letters must be than Latin ones to be read as well: Chinese ones have thirty strokes."""
    return 1.2 if spoken() in ("zh", "ja", "ko") else 1.0


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a text that is declared here and translated where it is shown."""
    return message


@functools.lru_cache(maxsize=1)
def _translations() -> gettext.NullTranslations:
    languages = wanted()
    if not languages:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, FOLDER, languages, fallback=True)
