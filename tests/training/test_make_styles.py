"""How the styles that ship are made: the words their trainings are begun with."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from realtime.core.errors import OptionError
from realtime.core.titles import effect_title
from realtime.models.card import ModelKind
from realtime.models.library import model_names
from tools.make_styles import BEGINNING, STYLES, Shipped, training
from tools.train_style import read_command_line

TRAINED = [BEGINNING, *(style for style in STYLES if not style.is_drawn)]


@pytest.mark.parametrize("style", TRAINED, ids=lambda style: style.name)
def test_a_training_begins_with_words_that_it_knows(style: Shipped, tmp_path: Path) -> None:
    arguments = argparse.Namespace(
        paintings=tmp_path, pictures=[tmp_path], features=None, runs=tmp_path / "runs", threads=1
    )
    words = training(style, arguments, tmp_path / "run")
    del words[words.index("--features") : words.index("--features") + 2]
    with pytest.raises(OptionError, match="name its file with --features"):
        read_command_line(words)
    assert ("--teacher" in words) == (style.teacher != "")
    assert ("--style" in words) == (style.teacher == "")
    assert words[words.index("--steps") + 1] == str(style.steps)


def test_every_style_that_ships_is_made_here_and_has_a_title() -> None:
    names = {style.name for style in STYLES}
    assert names == set(model_names(ModelKind.STYLE))
    assert {style.name: style.title for style in STYLES} == {name: effect_title(f"style:{name}") for name in names}
