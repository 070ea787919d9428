"""The words people see: each is in the catalogue and translated, and the language is the one that was asked for."""

from __future__ import annotations

import ast
import gettext
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from realtime.__main__ import main
from realtime.core import language
from realtime.core.columns import columns, padded, wrapped
from realtime.core.language import N_, _, ngettext
from realtime.core.titles import effect_title
from tools import make_catalogues

PATH = make_catalogues.po_path("zh_CN")


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    return make_catalogues.read(PATH, "zh_CN")


@pytest.fixture(scope="module")
def texts() -> list[make_catalogues.Text]:
    return make_catalogues.texts()


@pytest.fixture
def chinese() -> Iterator[None]:
    language.use("zh")
    yield
    language.forget()


def messages(catalogue: Catalog) -> list[tuple[str, str]]:
    return [(ids(message)[0], strings(message)[0]) for message in catalogue if message.id]


def ids(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def test_the_catalogue_has_the_texts_of_the_code_and_no_others(
    catalogue: Catalog, texts: list[make_catalogues.Text]
) -> None:
    """Where it fails: `python -m tools.make_catalogues`, and translate what that lists."""
    in_code = {text.text for text in texts}
    in_catalogue = {msgid for msgid, _msgstr in messages(catalogue)}
    assert in_catalogue - in_code == set(), "gone from the code"
    assert in_code - in_catalogue == set(), "not in the catalogue"
    assert not catalogue.obsolete


def test_every_text_is_translated(catalogue: Catalog) -> None:
    assert [message.id for message in make_catalogues.untranslated(catalogue)] == []
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


def test_what_varies_is_the_same_in_both_languages(catalogue: Catalog) -> None:
    for message in catalogue:
        if not message.id:
            continue
        for msgid in ids(message):
            for msgstr in strings(message):
                assert make_catalogues.placeholders(msgid) == make_catalogues.placeholders(msgstr), msgid
    in_turn = [(msgid, *map(make_catalogues.percents, (msgid, msgstr))) for msgid, msgstr in messages(catalogue)]
    assert [msgid for msgid, here, there in in_turn if here != there and "(" not in "".join(here)] == []


def test_what_begins_and_ends_with_a_line_break_does_so_in_both(catalogue: Catalog) -> None:
    ends = ("\n",)
    for msgid, msgstr in messages(catalogue):
        assert msgid.startswith(ends) == msgstr.startswith(ends), msgid
        assert msgid.endswith(ends) == msgstr.endswith(ends), msgid


def test_the_program_reads_what_the_translators_wrote(catalogue: Catalog, texts: list[make_catalogues.Text]) -> None:
    with PATH.with_suffix(".mo").open("rb") as file:
        read = gettext.GNUTranslations(file)
    assert [msgid for msgid, msgstr in messages(catalogue) if read.gettext(msgid) != msgstr] == []
    written = make_catalogues.mo_bytes(make_catalogues.updated(catalogue, texts))
    assert PATH.with_suffix(".mo").read_bytes() == written


def test_texts_are_translated_in_functions_and_marked_outside_of_them() -> None:
    """At import the language is not known yet; and whoever uses `_` for what is left over loses the function."""
    for path, tree in make_catalogues.marked_modules():
        for node in evaluated_at_import(tree):
            assert called(node) not in ("_", "ngettext"), f"{path}:{node.lineno}: mark it, N_(…)"
        for function in outermost_functions(tree):
            inside = list(ast.walk(function))
            if any(called(node) == "_" for node in inside if isinstance(node, ast.Call)):
                bound = [node for node in inside if binds_underscore(node)]
                assert not bound, f"{path}:{function.lineno}: `_` is a name for something else here"


def outermost_functions(node: ast.AST) -> Iterator[ast.FunctionDef]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield child
        else:
            yield from outermost_functions(child)


def evaluated_at_import(node: ast.AST) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in (child.args, *child.decorator_list):
                yield from evaluated_at_import(part)
        elif not isinstance(child, ast.Lambda):
            if isinstance(child, ast.Call):
                yield child
            yield from evaluated_at_import(child)


def called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def binds_underscore(node: ast.AST) -> bool:
    if isinstance(node, ast.arg):
        return node.arg == "_"
    return isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store)


@pytest.mark.parametrize(
    ("environment", "locales"),
    [
        ({}, []),
        ({"LANG": "C.UTF-8"}, []),
        ({"LANG": "en_GB.UTF-8"}, []),
        ({"LANG": "zh_CN.UTF-8"}, ["zh_CN.UTF-8"]),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, ["zh_CN.UTF-8"]),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LC_ALL": "de_DE.UTF-8"}, ["de_DE.UTF-8"]),
        ({"LC_ALL": "en_US.UTF-8", "LANGUAGE": "zh"}, ["zh"]),
        ({"LANGUAGE": "de:zh_CN:en:fr"}, ["de", "zh_CN"]),
        ({"LANGUAGE": "en:zh_CN"}, []),
    ],
)
def test_the_environment_says_which_language(
    environment: dict[str, str], locales: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    language.forget()
    assert language.wanted() == locales
    assert _("Night") == ("星夜" if any(locale.startswith("zh") for locale in locales) else "Night")


def test_what_varies_comes_where_the_language_has_it(chinese: None) -> None:
    assert _("Night") == _(N_("Night")) == "星夜"
    assert _("no such file: {word}; check the path, or see 'realtime --help'", word="{x}.jpg").startswith(
        "找不到文件：{x}.jpg；"
    )
    assert _("") == ""
    assert ngettext("{count} picture", "{count} pictures", 2) == "2 pictures"  # of others' code: not in our catalogue


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("run --language zh --frames abc", "“abc”不是数字：请给 1 到"),
        ("run --language=zh_CN --effect style:nigth --output none", "没有 style 模型“nigth”（是不是“night”？）"),
        ("--language zh effcts", "没有命令“effcts”（是不是“effects”？）；realtime --help 列出所有命令"),
        ("run --source nothere.mp4 --language zh-CN", "找不到文件：nothere.mp4"),
        ("--language zh render a.mp4", "缺少必需的参数：OUT；realtime render --help 列出可用的内容"),
        ("run --kamera 1 --language zh", "没有选项 --kamera"),
        ("run --set style.strength=7 --effect style:night --language zh", "style.strength 应为一个数，从 0 到 1"),
        ("scenes add nowhere --language zh", "没有文件夹 nowhere"),
        ("run --language fr", "--language: there is no 'fr'; there are: en, zh"),
    ],
)
def test_errors_are_told_in_the_language_asked_for(
    typed: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(typed.split()) == 2
    assert says in capsys.readouterr().err


def test_help_is_told_in_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--language", "zh", "--help"])
    told = capsys.readouterr().out
    assert told.startswith("用法：realtime run")
    assert "显示此帮助并退出" in told
    assert "--language en|zh" in told
    too_wide = [line for line in told.splitlines() if columns(line) > 80]
    assert [line for line in too_wide if "attack=0.05" not in line] == []  # which cannot be broken
    assert main(["effects", "swap", "--language", "zh"]) == 0
    assert "新的脸盖住你的脸的程度" in capsys.readouterr().out


def test_effects_have_names_in_it(chinese: None) -> None:
    assert effect_title("style:night:0.6") == "星夜 60%"
    assert effect_title("swap:faces/her.jpg") == "换脸: her"
    assert effect_title("none") == "摄像头"
    assert effect_title("style:my-own") == "My-own"


def test_a_language_is_the_whole_processs_and_of_those_it_starts() -> None:
    code = "from realtime.core import language; import os; language.use('zh'); print(os.environ['LANGUAGE'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "zh_CN"


def test_english_reads_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gettext.find", lambda *_words, **_named: pytest.fail("it looks for a catalogue"))
    language.forget()
    assert _("Night") == "Night"


def test_wide_letters_take_two_columns() -> None:
    assert columns("Night") == 5
    assert columns("星夜 60%") == 8
    assert padded("星夜", 6) == "星夜  "
    lines = wrapped("可重复使用，串联多个效果（见 docs/options.md）；默认：portrait", 20)
    assert all(columns(line) <= 20 for line in lines)
    assert "".join(lines).replace(" ", "") == "可重复使用，串联多个效果（见docs/options.md）；默认：portrait"
    assert not any(line.startswith(("，", "）", "；", "：")) for line in lines)
