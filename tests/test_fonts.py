"""Letters of any script are drawn where this system has a font for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from realtime.core import language
from realtime.core.language import _
from realtime.imaging import fonts
from realtime.imaging.fonts import FontSearch, find_font
from realtime.imaging.sdl import pygame
from realtime.imaging.text import font, forget_fonts, speak_what_can_be_drawn, wrapped

SNOWMAN = "☃"


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    pygame.display.set_mode((64, 64))
    pygame.font.init()
    yield
    forget_fonts()
    pygame.font.quit()
    pygame.display.quit()


@pytest.fixture
def snowman() -> Path:
    path = find_font(SNOWMAN)
    if path is None:
        pytest.skip("no font here has a snowman")
    return path


def test_a_font_is_found_that_has_the_letters(snowman: Path) -> None:
    assert fonts._has(snowman, SNOWMAN)
    assert find_font("\U00012000\U0001b170\U00010600") is None, "cuneiform, women's script and Linear A in one"


def test_without_fontconfig_known_names_are_tried(
    snowman: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "truetype" / "wqy").mkdir(parents=True)
    (tmp_path / "truetype" / "wqy" / "wqy-microhei.ttc").write_bytes(snowman.read_bytes())
    (tmp_path / "NotoSansCJK-Regular.ttc").write_bytes(b"no font")
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(fonts, "_FOLDERS", {"linux": (str(tmp_path),)})
    find_font.cache_clear()
    try:
        assert find_font(SNOWMAN) == tmp_path / "truetype" / "wqy" / "wqy-microhei.ttc"
    finally:
        find_font.cache_clear()


def test_a_text_is_drawn_at_once_and_whole_when_the_font_is_found(
    snowman: Path, display: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = FontSearch()
    monkeypatch.setattr("realtime.imaging.text.font_search", lambda: search)
    text = f"Å{SNOWMAN}g"

    def drawn() -> np.ndarray:
        return np.asarray(pygame.surfarray.array_alpha(font(40).text(text, (255, 255, 255))))

    before = drawn()
    deadline_s = time.monotonic() + 20
    while not search.count and time.monotonic() < deadline_s:
        time.sleep(0.01)
    after = drawn()
    assert search.fonts_for(SNOWMAN) == {SNOWMAN: snowman}
    assert abs(after.shape[1] - before.shape[1]) <= 2, "the line is as high as it was"
    assert after.shape != before.shape or (after != before).any()
    assert font(40).width(text) == after.shape[0]


def test_lines_break_where_a_script_has_no_spaces(display: None) -> None:
    lines = wrapped("把照片拖到窗口上就可以换脸", font(20), 60)
    assert "".join(lines) == "把照片拖到窗口上就可以换脸"
    assert all(font(20).width(line) <= 60 for line in lines)
    assert wrapped("two words", font(20), 60) == ["two", "words"]


@pytest.fixture
def chinese() -> Iterator[None]:
    language.use("zh")
    yield
    language.forget()


def test_a_window_has_the_letters_of_its_language_from_the_first_frame_on(
    display: None, chinese: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_font("按键") is None:
        pytest.skip("no font here has Chinese letters")
    search = FontSearch()
    monkeypatch.setattr("realtime.imaging.text.font_search", lambda: search)
    speak_what_can_be_drawn()
    assert _("Keys") == "按键"
    assert None not in search.fonts_for("按键面板录制虚化").values(), "without another search"
    assert len(search.fonts_for("按键面板录制虚化")) == 8


def test_where_no_font_has_its_letters_a_window_speaks_english(
    display: None, chinese: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fonts, "_candidates", lambda letters: iter(()))
    monkeypatch.setattr("realtime.imaging.text.font_search", FontSearch)
    find_font.cache_clear()
    try:
        speak_what_can_be_drawn()
    finally:
        find_font.cache_clear()
    assert _("Keys") == "Keys"
    assert caplog.messages == ["这里没有 zh 所需的字体，因此改用英文；请安装一种，例如 fonts-noto-cjk"]
