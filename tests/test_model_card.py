"""What a model says of itself survives the way into a file and back; what cannot be is refused in one line."""

import pytest

from realtime.core.errors import ModelError
from realtime.models.card import CONTRACT_VERSION, ModelCard, ModelKind


def test_a_card_comes_back_as_it_was_written() -> None:
    card = ModelCard(ModelKind.STYLE, title="Night", licence="MIT", trained_on="photos", least_px=64)
    assert ModelCard.read(card.metadata(), "night.onnx") == card


def test_a_swap_model_tells_whose_numbers_it_takes_and_where_its_morph_begins() -> None:
    card = ModelCard(
        ModelKind.SWAP, alignment="arcface_128", identity_model="face", identity_fingerprint="0f" * 32, morph=0.0
    )
    assert card.metadata()["realtime.morph"] == "0.0000", "nothing is an answer too"
    assert ModelCard.read(card.metadata(), "x.onnx") == card
    assert ModelCard.read(ModelCard(ModelKind.SWAP).metadata(), "x.onnx").morph is None


def test_empty_fields_take_no_room() -> None:
    assert set(ModelCard(ModelKind.SWAP).metadata()) == {"realtime.kind", "realtime.contract"}


def test_somebody_elses_metadata_and_later_keys_are_passed_over() -> None:
    metadata = ModelCard(ModelKind.STYLE).metadata() | {"author": "x", "realtime.mood": "blue"}
    assert ModelCard.read(metadata, "x.onnx") == ModelCard(ModelKind.STYLE)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"realtime.kind": None}, "models add"),
        ({"realtime.kind": "styl"}, "did you mean 'style'"),
        ({"realtime.contract": None}, "names no contract"),
        ({"realtime.contract": str(CONTRACT_VERSION + 1)}, "newer version"),
        ({"realtime.least_px": "-1"}, "not a whole number"),
        ({"realtime.morph": "1.5"}, "not a number from 0 to 1"),
        ({"realtime.morph": "nan"}, "not a number from 0 to 1"),
        ({"realtime.fingerprint": "secret"}, "is no SHA-256"),
        ({"realtime.identity_fingerprint": "0F" * 32}, "is no SHA-256"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, str | None], says: str) -> None:
    metadata = {**ModelCard(ModelKind.STYLE).metadata(), **change}
    with pytest.raises(ModelError, match=says):
        ModelCard.read({key: value for key, value in metadata.items() if value is not None}, "x.onnx")
