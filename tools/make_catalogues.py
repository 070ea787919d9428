"""Bring the catalogues of `realtime/locale/` up to date with the code: `python -m tools.make_catalogues`.

Texts that are new stand in each `realtime.po` with an empty translation, those that are gone are taken out, and of each
.po its .mo is made, which is what the program reads. Translate what it lists, in the .po itself or in any program for
such files, and run it again. Needs Babel (`pip install -e '.[dev]'`).
"""

from __future__ import annotations

import argparse
import ast
import datetime
import functools
import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter
from typing import NamedTuple

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from realtime.core.language import DOMAIN, FOLDER, LANGUAGES
from realtime.remote.http.page_words import words_of_page, words_of_script

ROOT = Path(__file__).parents[1]
_MARKS = ("core.language import", "setting(")
_NO_DATE = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
"""Of a catalogue that is made anew with each text: the same texts are the same bytes."""
_WORDS_OF_PAGES: dict[str, Callable[[str], list[str]]] = {".html": words_of_page, ".js": words_of_script}
_PERCENT = re.compile(r"%(?:\((\w+)\))?[-+ #0]*\d*(?:\.\d+)?[sdrfgx%]")


class Text(NamedTuple):
    """A text that people see, as it stands in the code."""

    text: str
    plural: str
    module: str


def main() -> int:
    """Write them; 1 where a translation is missing."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    found, missing = texts(), 0
    for language in LANGUAGES.values():
        if language == "en":
            continue
        path = po_path(language)
        catalogue = updated(read(path, language), found)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(po_bytes(catalogue))
        path.with_suffix(".mo").write_bytes(mo_bytes(catalogue))
        for message in untranslated(catalogue):
            missing += 1
            print(f"{path.relative_to(ROOT)}: {message.id!r} has no translation")
    return 1 if missing else 0


def po_path(language: str) -> Path:
    """Return where a language's translations stand, by its locale's name."""
    return FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(path: Path, language: str) -> Catalog:
    """Return a catalogue as it stands; an empty one where there is none."""
    if not path.is_file():
        return Catalog(locale=language.partition("_")[0], domain=DOMAIN)
    with path.open("rb") as file:
        return read_po(file, locale=language.partition("_")[0], domain=DOMAIN, abort_invalid=True)


def texts() -> list[Text]:
    """Return every text that the code marks, each once, module by module."""
    found: dict[str, Text] = {}
    for path, tree in marked_modules():
        module = path.relative_to(ROOT).as_posix()
        for text, plural in texts_in(tree):
            found.setdefault(text, Text(text, plural, module))
    for path in sorted((ROOT / "realtime/remote/http/page").iterdir()):
        words = _WORDS_OF_PAGES.get(path.suffix)
        for text in words(path.read_text("utf-8")) if words else []:
            found.setdefault(text, Text(text, "", path.relative_to(ROOT).as_posix()))
    return list(found.values())


@functools.cache
def marked_modules() -> list[tuple[Path, ast.Module]]:
    """Return the modules that mark texts, read once."""
    sources = ((path, path.read_text("utf-8")) for path in sorted((ROOT / "realtime").rglob("*.py")))
    return [(path, ast.parse(source)) for path, source in sources if any(word in source for word in _MARKS)]


def texts_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each text of a module, and its plural or nothing. Raises TypeError for a text that is not written out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("_", "N_") and not (node.func.id == "_" and not _is_text(node.args[0])):
                yield _text(node.args[0]), ""
            elif node.func.id == "ngettext":
                yield _text(node.args[0]), _text(node.args[1])
        elif isinstance(node, ast.ClassDef):
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    yield from ((text, "") for text in _of_setting(field.target.id, field))


def _of_setting(name: str, field: ast.AnnAssign) -> Iterator[str]:
    """Yield what a parameter shows that nobody marks: its title, where that is made of its name, and its choices."""
    calls = [node for node in ast.walk(field) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    made = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("setting", "_direction")]
    if not made:
        return
    if not any(word.arg == "title" for call in made for word in call.keywords):
        yield name.replace("_", " ")
    for node in ast.walk(field.annotation):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal":
            choices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            yield from (_text(choice) for choice in choices)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _text(node: ast.expr) -> str:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        raise TypeError(f"line {node.lineno}: a text to be translated is written out, {ast.unparse(node)[:60]} is not")
    return node.value


def updated(former: Catalog, found: list[Text]) -> Catalog:
    """Return a catalogue of these texts alone, with the translations that there were."""
    catalogue = Catalog(
        locale=former.locale,
        domain=DOMAIN,
        project="realtime",
        header_comment="# The words of realtime in another language: python -m tools.make_catalogues",
        fuzzy=False,
        charset="utf-8",
        creation_date=_NO_DATE,
        revision_date=_NO_DATE,
    )
    for text in found:
        before = former.get(text.text)
        catalogue.add(
            (text.text, text.plural) if text.plural else text.text,
            before.string if before is not None and bool(text.plural) == bool(before.pluralizable) else "",
            locations=[(text.module, 0)],
        )
    return catalogue


def untranslated(catalogue: Catalog) -> list[Message]:
    """Return the messages that have no translation."""
    return [
        message
        for message in catalogue
        if message.id and not all(message.string if isinstance(message.string, tuple | list) else [message.string])
    ]


def placeholders(text: str) -> list[str]:
    """Return what varies in a text, sorted: names in braces with their formats, and argparse's and the log's %s."""
    named = [f"{{{name}!{conversion}:{spec}}}" for _, name, spec, conversion in Formatter().parse(text) if name]
    return sorted([*named, *percents(text)])


def percents(text: str) -> list[str]:
    """Return the %s of a text, in their order, by which they get their values."""
    return [found.group() for found in _PERCENT.finditer(text)]


def po_bytes(catalogue: Catalog) -> bytes:
    """Return what stands in the .po: no line numbers and no dates, so that it changes where its texts do."""
    file = io.BytesIO()
    write_po(file, catalogue, width=110, omit_header=False, include_lineno=False)
    lines = file.getvalue().decode("utf-8").splitlines(keepends=True)
    dates = tuple(
        f'"{key}' for key in ("POT", "PO-Revision", "Generated-By", "Last-Tr", "Language-Team", "Report-Msgid")
    )
    return "".join(line for line in lines if not line.startswith(dates)).encode("utf-8")


def mo_bytes(catalogue: Catalog) -> bytes:
    """Return what stands in the .mo."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


if __name__ == "__main__":
    sys.exit(main())
