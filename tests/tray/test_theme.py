"""What is written on the tray can be read, whatever the picture behind it."""

from __future__ import annotations

import itertools

import pytest

from realtime.imaging.frame import Size
from realtime.imaging.text import Colour
from realtime.outputs.window.tray import theme
from realtime.outputs.window.tray.theme import Theme


def over(plate: tuple[int, int, int, int], behind: Colour) -> Colour:
    opacity = plate[3] / 255
    red, green, blue = (round(opacity * a + (1 - opacity) * b) for a, b in zip(plate[:3], behind, strict=True))
    return red, green, blue


def contrast(one: Colour, other: Colour) -> float:
    """As WCAG 2 defines it: 1 to 21."""

    def luminance(colour: Colour) -> float:
        linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(
    ("words", "plate"), [*itertools.product((theme.INK, theme.QUIET, theme.ACCENT), (theme.PANEL, theme.MENU))]
)
def test_words_stand_out_by_four_and_a_half_to_one(words: Colour, plate: tuple[int, int, int, int]) -> None:
    assert min(contrast(words, over(plate, grey)) for grey in ((0, 0, 0), (255, 255, 255))) >= 4.5


def test_so_do_words_in_fields_and_signs_on_the_accent() -> None:
    for behind in ((0, 0, 0), (255, 255, 255)):
        panel = over(theme.PANEL, behind)
        assert contrast(theme.QUIET, over(theme.FIELD, panel)) >= 4.5
        assert contrast(theme.INK, over(theme.PRESSED, panel)) >= 4.5
        assert contrast(theme.ACCENT, over(theme.LIT, panel)) >= 4.5
        assert contrast(theme.INK, over(theme.BADGE, behind)) >= 4.5
        assert contrast(theme.ALARM, panel) >= 3, "a sign with words beside it"
    assert contrast(theme.ON_ACCENT, theme.ACCENT) >= 4.5


def test_sizes_grow_with_the_window_though_less_than_it_does() -> None:
    scales = [Theme.of(Size(*size)).scale for size in ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))]
    assert scales == sorted(scales)
    assert scales[1] == 1.0
    assert 2.0 < scales[3] < 3.0
