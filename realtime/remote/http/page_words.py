"""The page's words in the language of the program. In its HTML they stand as `{{Programme}}`, in its script as
`_("closed")`: the script finds its own, translated, in an attribute of the page, so that nothing in it is run.
"""

from __future__ import annotations

import html
import json
import re

from realtime.core.language import _, spoken

_IN_PAGE = re.compile(r"\{\{(.+?)\}\}")
_IN_SCRIPT = re.compile(r'\b_\("((?:[^"\\]|\\.)*)"')
_LANGUAGE, _WORDS = "{{=language}}", "{{=words}}"


def words_of_page(page: str) -> list[str]:
    """Return the texts of a page."""
    return [text for text in _IN_PAGE.findall(page) if not text.startswith("=")]


def words_of_script(script: str) -> list[str]:
    """Return the texts of a script."""
    return [str(json.loads(f'"{text}"')) for text in _IN_SCRIPT.findall(script)]


def translated(page: bytes, script: bytes = b"") -> bytes:
    """Return a page in the language in use, with the words that its script needs."""
    words = {text: _(text) for text in words_of_script(script.decode("utf-8"))}
    text = page.decode("utf-8")
    text = text.replace(_LANGUAGE, html.escape(spoken().replace("_", "-") or "en"))
    text = text.replace(_WORDS, html.escape(json.dumps(words, ensure_ascii=False)))
    return _IN_PAGE.sub(lambda found: html.escape(_(found[1])), text).encode("utf-8")
