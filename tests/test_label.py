from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from realtime.core.errors import OptionError
from realtime.disclosure.label import CORNERS, Label, LabelStyle
from realtime.imaging.frame import Frame, Pixels, Size

HD = Size(1280, 720)
SMALL = Size(320, 180)


def blank(size: Size, value: int = 90) -> Pixels:
    pixels = np.full((size.height, size.width, 3), value, np.uint8)
    pixels.flags.writeable = False
    return pixels


def labelled(style: LabelStyle, pixels: Pixels) -> Pixels:
    return Label(style).put_on(Frame(pixels, 0.0, 0.0, 0)).pixels


def changed(before: Pixels, after: Pixels) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what differs."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.fixture(scope="module")
def dejavu() -> Path:
    """A font that matplotlib carries; it has Georgian letters."""
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("size", [SMALL, HD, Size(720, 1280)])
def test_it_stands_in_its_corner_and_touches_nothing_else(corner: str, size: Size) -> None:
    pixels = blank(size)
    left, top, right, bottom = changed(pixels, labelled(LabelStyle(corner=corner), pixels))
    assert right - left < size.width / 3
    assert bottom - top < size.height / 8
    margins = left if "left" in corner else size.width - right, top if "top" in corner else size.height - bottom
    assert min(margins) >= 4
    assert max(margins) <= 0.05 * size.height, "close to the corner"


@pytest.mark.parametrize("value", [0, 60, 128, 200, 255])
def test_it_can_be_read_on_any_background(value: int) -> None:
    pixels = blank(HD, value)
    after = labelled(LabelStyle(), pixels)
    left, top, right, bottom = changed(pixels, after)
    middle = after[top + 8 : bottom - 8, left + 12 : right - 12].mean(axis=2)
    assert np.percentile(middle, 98) > 200, "ink"
    assert np.percentile(middle, 98) - np.percentile(middle, 20) > 90, "on something darker"
    assert (middle.max(axis=0) > 150).mean() > 0.6, "letters all the way"


def test_it_is_as_high_as_asked_for() -> None:
    for share in (0.03, 0.06, 0.2):
        for size in (HD, Size(1920, 1080)):
            pixels = blank(size)
            _, top, _, bottom = changed(pixels, labelled(LabelStyle(height_share=share), pixels))
            assert bottom - top == pytest.approx(share * size.height, abs=1.5)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (3, 200), (200, 3), (16, 16), (31, 77), (160, 120), (3840, 2160)])
@pytest.mark.parametrize("text", ["synthetic", "i", "a label that is longer than many a picture is wide"])
def test_any_picture_has_room_for_it(size: tuple[int, int], text: str) -> None:
    pixels = blank(Size(*size))
    after = labelled(LabelStyle(text), pixels)
    assert after.shape == pixels.shape
    assert (after != pixels).any()


def test_a_frame_is_never_written_into_and_the_same_one_never_drawn_twice() -> None:
    label = Label(LabelStyle())
    first, second = blank(SMALL), blank(SMALL, 91)
    before = first.copy()
    one = label.put_on(Frame(first, 0.0, 0.0, 0))
    kept = one.pixels.copy()
    assert label.put_on(Frame(first, 1.0, 1.0, 1)).pixels is one.pixels, "outputs have nothing to do"
    label.put_on(Frame(second, 2.0, 2.0, 2))
    assert np.array_equal(one.pixels, kept), "nor what was handed on"
    assert np.array_equal(first, before)


def test_frames_of_another_size_come_on_the_way() -> None:
    label = Label(LabelStyle())
    for size in (SMALL, HD, SMALL):
        pixels = blank(size)
        made = label.put_on(Frame(pixels, 0.0, 0.0, 0)).pixels
        assert np.array_equal(made, labelled(LabelStyle(), pixels))


@pytest.mark.parametrize("text", ["KI-erzeugt", "généré par IA", "синтетика", "συνθετικό", "e\u0301crit"])
def test_words_of_many_languages(text: str) -> None:
    pixels = blank(HD)
    assert (labelled(LabelStyle(text), pixels) != pixels).any()


def test_letters_that_the_font_has_not_are_named_and_another_font_has_them(dejavu: Path) -> None:
    with pytest.raises(OptionError, match=r"no font here has letters for .𐛀𐛁.*--label-font FILE\.ttf"):
        Label(LabelStyle("𐛀𐛁"))  # Linear A, which nobody writes any more
    pixels = blank(HD)
    assert (labelled(LabelStyle("სინთეტიკა", font=dejavu), pixels) != pixels).any()
    with pytest.raises(OptionError, match=r"DejaVuSans\.ttf has no letters for '合成'"):
        Label(LabelStyle("合成", font=dejavu))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--no-label"),
        ("   ", "the text is empty"),
        ("x" * 61, "61 letters are too long"),
        ("סינתטי", "Hebrew script cannot be set here"),
        ("اصطناعي", "Arabic script cannot be set here"),
        ("कृत्रिम", "Devanagari script cannot be set here"),
        ("two\nlines", "a line break"),
    ],
)
def test_texts_that_cannot_be_drawn_are_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        Label(LabelStyle(text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_font_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "letter.ttf").write_text("Dear Sir or Madam", encoding="utf-8")
    for name, message in (("letter.ttf", "cannot be read as a font"), ("missing.ttf", "cannot be read: No such file")):
        with pytest.raises(OptionError, match=rf"--label-font: .*{name} {message}") as caught:
            Label(LabelStyle(font=tmp_path / name))
        assert "\n" not in str(caught.value)


def test_a_font_whose_file_goes_away_is_still_there(tmp_path: Path, dejavu: Path) -> None:
    font = tmp_path / "font.ttf"
    font.write_bytes(dejavu.read_bytes())
    label = Label(LabelStyle(font=font))
    font.unlink()
    for size in (SMALL, HD):
        pixels = blank(size)
        assert (label.put_on(Frame(pixels, 0.0, 0.0, 0)).pixels != pixels).any()


def test_no_display_is_opened_for_it() -> None:
    code = """
import numpy as np, sys
from realtime.imaging.frame import Frame
from realtime.disclosure.label import Label, LabelStyle
label = Label(LabelStyle())
print("pygame" in sys.modules)
label.put_on(Frame(np.zeros((90, 160, 3), np.uint8), 0.0, 0.0, 0))
print(sys.modules["pygame"].display.get_init())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"], "a run that needs no label does not even import it"
