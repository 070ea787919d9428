"""Letters of any script are drawn where this system has a font for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from realtime.imaging import fonts
from realtime.imaging.fonts import FontSearch, find_font
from realtime.imaging.sdl import pygame
from realtime.imaging.text import font, forget_fonts, wrapped

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
