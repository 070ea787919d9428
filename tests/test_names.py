from __future__ import annotations

import pytest

from realtime.core.specs import without_folders


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("portrait", "portrait"),
        ("style:woodblock", "style:woodblock"),
        ("swap:/home/anna/faces/ben.jpg", "swap:ben.jpg"),
        ("swap:../ben.jpg,faces/anna.png,clara.jpg", "swap:ben.jpg,anna.png,clara.jpg"),
        (r"swap:C:\faces\ben.jpg,D:/anna.png", "swap:ben.jpg,anna.png"),
        ("swap:inswapper_128:/home/ben.jpg", "swap:inswapper_128:ben.jpg"),
        (r"swap:models/m.onnx:C:\ben.jpg", "swap:m.onnx:ben.jpg"),
        ("effect swap:/home/ben.jpg", "effect swap:ben.jpg"),
        ("swap:/home/anna b/ben.jpg", "swap:ben.jpg"),
    ],
)
def test_people_are_shown_names_without_folders(spec: str, shown: str) -> None:
    assert without_folders(spec) == shown
