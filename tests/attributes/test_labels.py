"""Lists of attributes, in every form they come in, and what is said of those that cannot be used."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from realtime.core.errors import OptionError
from tools.attributes.labels import LEAST_EACH, read_labels

ROWS = [("000001.jpg", -1, 1), ("000002.jpg", 1, -1)]


@pytest.mark.parametrize(
    ("name", "first", "mark"),
    [
        ("list_attr_celeba.txt", "2\nSmiling Eyeglasses\n", "  "),
        ("list.csv", "image_id,Smiling,Eyeglasses\n", ","),
        ("german.csv", "image;Smiling;Eyeglasses\n", ";"),
        ("table.tsv", "image\tSmiling\tEyeglasses\n", "\t"),
        ("list.csv.gz", "image,Smiling,Eyeglasses\n", ","),
    ],
)
def test_lists_of_all_kinds_say_the_same(name: str, first: str, mark: str, tmp_path: Path) -> None:
    text = (first + "".join(mark.join(map(str, row)) + "\n" for row in ROWS)).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    labels = read_labels(tmp_path / name)
    assert labels.names == ("Smiling", "Eyeglasses")
    assert {picture: value.tolist() for picture, value in labels.values.items()} == {
        "000001": [-1, 1],
        "000002": [1, -1],
    }


def test_a_name_with_a_minus_is_turned_round_and_strangers_are_unknown(tmp_path: Path) -> None:
    lines = [f"{number}.jpg,{1 if number < LEAST_EACH else 0}" for number in range(2 * LEAST_EACH)]
    (tmp_path / "list.csv").write_text("\n".join(["image,No_Beard", *lines]))
    labels = read_labels(tmp_path / "list.csv")
    pictures = [*map(str, range(2 * LEAST_EACH)), "stranger"]
    assert labels.has(pictures, "-No_Beard").tolist() == [-1] * LEAST_EACH + [1] * LEAST_EACH + [0]
    assert labels.has(pictures, "No_Beard").tolist() == [1] * LEAST_EACH + [-1] * LEAST_EACH + [0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lists no pictures"),
        ("image,Smiling\n", "lists no pictures"),
        ("image,Smiling\na.jpg,1\nb.jpg,1,1\n", "line 3: 3 columns, expected 2"),
        ("image,Smiling\na.jpg,perhaps\n", "line 2: 'perhaps' is no answer"),
        ("image,Smiling,Young\na.jpg,1\n", "line 2: 2 columns, but 3 in the first line"),
        ("image,Smiling\n" + "a.jpg,1\n", "'Smiling': 1 pictures have it and 0 do not"),
        ("image,Simling\na.jpg,1\n", "did you mean 'Simling'?"),
    ],
)
def test_what_is_no_list_of_attributes_is_told_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(OptionError) as caught:
        read_labels(tmp_path / "list.csv").has(["a"], "Smiling")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
