"""Models by name: the user's own, then those that are shipped; what is wrong with one is said when it is asked for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from realtime.core.errors import ModelError
from realtime.models import library
from realtime.models.card import ModelKind
from tests import tiny_models

STYLE = ModelKind.STYLE


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The user's folder and the shipped one."""
    users, shipped = tmp_path / "users", tmp_path / "shipped"
    monkeypatch.setattr(library, "user_folder", lambda: users)
    monkeypatch.setattr(library, "shipped_folder", lambda: shipped)
    return users, shipped


def test_names_of_both_folders_by_kind(folders: tuple[Path, Path]) -> None:
    users, shipped = folders
    assert library.model_names(STYLE) == []
    tiny_models.negative_style(shipped / "night.onnx")
    tiny_models.negative_style(users / "dawn.onnx")
    tiny_models.mean_encoder(users / "me.onnx")
    (users / "broken.onnx").write_bytes(b"no onnx")
    (users / "notes.txt").write_text("no model")
    tiny_models.negative_style(users / ".half-written.onnx")
    assert library.model_names(STYLE) == ["dawn", "night"]
    assert library.model_names(ModelKind.IDENTITY_ENCODER) == ["me"]


def test_the_users_own_goes_first(folders: tuple[Path, Path]) -> None:
    users, shipped = folders
    theirs = tiny_models.negative_style(shipped / "night.onnx")
    assert library.find_model("night", STYLE) == theirs
    own = tiny_models.negative_style(users / "night.onnx", title="My night")
    assert library.find_model("night", STYLE) == own
    assert library.model_names(STYLE) == ["night"]


def test_a_changed_file_is_read_again(folders: tuple[Path, Path]) -> None:
    users, _ = folders
    tiny_models.negative_style(users / "one.onnx")
    assert library.model_names(STYLE) == ["one"]
    time.sleep(0.02)
    tiny_models.mean_encoder(users / "one.onnx")
    assert library.model_names(STYLE) == []


def test_a_path_is_a_path(folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny_models.negative_style(tmp_path / "elsewhere" / "x.ONNX")
    assert library.find_model(str(path), STYLE) == path
    monkeypatch.chdir(path.parent)
    tiny_models.negative_style(path.with_name("here.onnx"))
    assert library.find_model("here.onnx", STYLE) == Path("here.onnx")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("nigth", "no style model 'nigth' .did you mean 'night'..; there are: dawn, night"),
        ("quite-another", "no style model 'quite-another'; there are: dawn, night"),
        ("", "no style model ''; there are: dawn, night"),
        ("me", "me.onnx is of kind 'encoder'; a model of kind 'style' is needed here"),
        ("broken", "broken.onnx is no ONNX model, or a damaged one"),
        ("missing.onnx", "no model file missing.onnx"),
        ("no/such/folder/x", "no model file"),
    ],
)
def test_what_cannot_be_is_one_line(folders: tuple[Path, Path], asked: str, says: str) -> None:
    users, shipped = folders
    tiny_models.negative_style(shipped / "night.onnx")
    tiny_models.negative_style(users / "dawn.onnx")
    tiny_models.mean_encoder(users / "me.onnx")
    (users / "broken.onnx").write_bytes(b"no onnx")
    with pytest.raises(ModelError, match=says):
        library.find_model(asked, STYLE)


def test_the_encoder_of_a_swap_model_is_the_one_it_was_added_with(folders: tuple[Path, Path], tmp_path: Path) -> None:
    users, _ = folders
    swap = tiny_models.tinting_swap(users / "tint.onnx")
    with pytest.raises(ModelError, match=r"needs the encoder 'means', which is not here; add tint.onnx again"):
        library.find_identity_encoder(swap)
    encoder = tiny_models.mean_encoder(users / "means.onnx", tiny_models.FINGERPRINT)
    assert library.find_identity_encoder(swap) == encoder
    elsewhere = tiny_models.tinting_swap(tmp_path / "elsewhere" / "tint.onnx")
    assert library.find_identity_encoder(elsewhere) == encoder
    beside = tiny_models.mean_encoder(elsewhere.with_name("means.onnx"), tiny_models.FINGERPRINT)
    assert library.find_identity_encoder(elsewhere) == beside
    tiny_models.mean_encoder(beside, "00" * 32)
    with pytest.raises(ModelError, match=r"another network than the one tint.onnx takes its identities from"):
        library.find_identity_encoder(elsewhere)
    tiny_models.negative_style(beside)
    with pytest.raises(ModelError, match=r"is of kind 'style', and tint.onnx needs an encoder"):
        library.find_identity_encoder(elsewhere)
    with pytest.raises(ModelError, match="takes no identity"):
        library.find_identity_encoder(tiny_models.mirror_swap(users / "mirror.onnx"))


def test_an_empty_folder_says_how_to_fill_it(folders: tuple[Path, Path]) -> None:
    with pytest.raises(ModelError, match=r"there is none yet; `realtime models add FILE.onnx` adds one"):
        library.find_model("night", STYLE)


def test_a_card_is_read_without_the_model(folders: tuple[Path, Path]) -> None:
    users, _ = folders
    card = library.read_card(tiny_models.negative_style(users / "x.onnx", title="Dusk"))
    assert (card.kind, card.title) == (STYLE, "Dusk")


def test_the_shipped_models_lie_beside_the_package_in_a_checkout() -> None:
    assert library.shipped_folder().name == "models_onnx"
    assert library.shipped_folder().is_dir()
