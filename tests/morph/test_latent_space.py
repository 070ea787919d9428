"""What a model file tells of its codes, and what is not believed of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from realtime.core.errors import ModelError, OptionError
from realtime.models.card import MOST_LATENT_SPACE
from realtime.models.latent_space import Direction, Judged, LatentSpace, Verified

GLASSES = {"name": "glasses", "title": "Glasses", "by": "means", "accuracy": 0.9, "values": [1, 0.5, -2]}
WHOLE: dict[str, Any] = {"light": 1, "mean": [0, 1, 2], "deviation": [1, 0, 1], "directions": [GLASSES]}


def test_it_comes_back_as_it_was_written() -> None:
    values = np.array([0.123456, -1e-7, 30000], np.float32)
    smile = Direction("open_mouth2", "Grübchen", "discriminant, apart from age", 0.8612, values)
    space = LatentSpace(2, values, np.abs(values), (smile,))
    text = space.text()
    assert text.isprintable()
    assert text.isascii()
    found = LatentSpace.parse(text, 3, "x.onnx")
    assert np.allclose(found.mean, values, rtol=1e-4)
    assert np.allclose(found.deviation, np.abs(values), rtol=1e-4)
    assert found.text() == text
    (one,) = found.directions
    assert (one.name, one.title, one.by, one.accuracy) == (smile.name, smile.title, smile.by, smile.accuracy)
    assert one.values.dtype == np.float32
    assert found.names == ("open_mouth2",)


def test_what_judges_said_comes_back() -> None:
    steps = {-3: Judged(0.5, 0.1, None), 3: Judged(None, 0.123, -0.04)}
    verified = Verified("-No_Beard", "celeba40", 150, steps, ("Goatee", "Mustache"))
    values = np.zeros(3, np.float32)
    space = LatentSpace(0, values, values, (Direction("beard", "a beard", "means", 0.8, values, verified),))
    (found,) = LatentSpace.parse(space.text(), 3, "x.onnx").directions
    assert found.verified == verified
    (unasked,) = LatentSpace.parse(json.dumps(WHOLE), 3, "x.onnx").directions
    assert unasked.verified is None


VERIFIED: dict[str, Any] = {
    "attribute": "Eyeglasses", "judge": "celeba40", "people": 9, "own_others_likeness": {"+3": [0.8, 0.1, 0.9]}
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        VERIFIED | {"judge": 3},
        VERIFIED | {"people": 0},
        VERIFIED | {"people": True},
        VERIFIED | {"akin": "Goatee"},
        VERIFIED | {"own_others_likeness": []},
        VERIFIED | {"own_others_likeness": {"3": [0.8, 0.1, 0.9]}},
        VERIFIED | {"own_others_likeness": {"+99": [0.8, 0.1, 0.9]}},
        VERIFIED | {"own_others_likeness": {"+3": [0.8, 0.1]}},
        VERIFIED | {"own_others_likeness": {"+3": [0.8, 0.1, 7]}},
        VERIFIED | {"own_others_likeness": {f"+{step}": [0, 0, 0] for step in range(25)}},
    ],
)
def test_what_nobody_writes_as_verified_is_refused(wrong: Any) -> None:
    text = json.dumps(WHOLE | {"directions": [GLASSES | {"verified": wrong}]})
    with pytest.raises(ModelError, match="has a direction 'glasses' whose 'verified' is not what"):
        LatentSpace.parse(text, 3, "x.onnx")


def test_nothing_is_known_where_nothing_is_said() -> None:
    space = LatentSpace.parse("", 4, "x.onnx")
    assert (space.light, space.mean.tolist(), space.deviation.tolist(), space.names) == (0, [0] * 4, [1] * 4, ())
    with pytest.raises(OptionError, match="no direction 'smile'; the model has no directions"):
        space.direction("smile")


def test_a_name_misspelt_is_told_what_is_near() -> None:
    space = LatentSpace.parse(json.dumps(WHOLE), 3, "x.onnx")
    assert space.direction("glasses").values.tolist() == [1, 0.5, -2]
    with pytest.raises(OptionError, match=r"no direction 'glases' \(did you mean 'glasses'\?\); there are: glasses"):
        space.direction("glases")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("9" * 5000, "is no JSON"),
        (" " * (MOST_LATENT_SPACE + 1), "has over 1,000,000 letters"),
        ("[1, 2]", "is no JSON object"),
        ("{}", "has no numbers for 'mean'"),
    ],
)
def test_what_is_no_text_of_ours(text: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        LatentSpace.parse(text, 3, "x.onnx")
    assert str(caught.value).startswith("x.onnx: its latent_space")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"light": 3}, "the light '3', not a count of its 3 numbers"),
        ({"light": -1}, "the light '-1'"),
        ({"light": True}, "the light 'True'"),
        ({"light": 1.0}, "the light '1.0'"),
        ({"mean": [1, 2]}, "has 2 numbers for 'mean', and the model's codes have 3"),
        ({"mean": [1, 2, "3"]}, "no numbers for 'mean'"),
        ({"mean": "123"}, "no numbers for 'mean'"),
        ({"mean": [1, 2, float("nan")]}, "a number for 'mean' that cannot be"),
        ({"mean": [1, 2, float("inf")]}, "a number for 'mean' that cannot be"),
        ({"mean": [1, 2, 10**400]}, "a number for 'mean' that cannot be"),
        ({"mean": [1, 2, 1e30]}, "a number for 'mean' that cannot be"),
        ({"mean": [True, 2, 3]}, "no numbers for 'mean'"),
        ({"deviation": None}, "no numbers for 'deviation'"),
        ({"deviation": [1, 1, -1]}, "'deviation' below 0"),
        ({"directions": {}}, "no list of up to 200 'directions'"),
        ({"directions": [GLASSES] * 201}, "no list of up to 200 'directions'"),
        ({"directions": [GLASSES, GLASSES]}, "has two directions 'glasses'"),
        ({"directions": [1]}, "a direction without a name"),
        ({"directions": [{}]}, "a direction without a name"),
        ({"directions": [{**GLASSES, "name": ""}]}, "a direction '': a name is of a to z"),
        ({"directions": [{**GLASSES, "name": "Glasses"}]}, "a direction 'Glasses': a name is of"),
        ({"directions": [{**GLASSES, "name": "2nd"}]}, "begins with a letter"),
        ({"directions": [{**GLASSES, "name": "a\n"}]}, "a name is of"),
        ({"directions": [{**GLASSES, "name": "a" * 41}]}, "a name is of"),
        ({"directions": [{**GLASSES, "values": [1, 2]}]}, "has 2 numbers for direction 'glasses'"),
        ({"directions": [{**GLASSES, "values": None}]}, "no numbers for direction 'glasses'"),
        ({"directions": [{**GLASSES, "accuracy": 2}]}, "whose accuracy is not 0 to 1"),
        ({"directions": [{**GLASSES, "accuracy": float("nan")}]}, "whose accuracy is not 0 to 1"),
        ({"directions": [{**GLASSES, "title": 5}]}, "whose title or way is no text"),
    ],
)
def test_what_does_not_fit_is_one_line(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        LatentSpace.parse(json.dumps({**WHOLE, **change}), 3, "x.onnx")
    assert "\n" not in str(caught.value)


def test_titles_of_files_from_anywhere_move_no_cursor() -> None:
    text = json.dumps({**WHOLE, "directions": [{**GLASSES, "title": "a\x1b[2J\n" + "b" * 500, "later": 1}]})
    (one,) = LatentSpace.parse(text, 3, "x.onnx").directions
    assert one.title.isprintable()
    assert len(one.title) == 120
