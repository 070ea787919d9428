"""`realtime models add` for faces, as typed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.models import library
from realtime.models.card import ModelKind
from tests import tiny_models
from tests.model_import import face_networks as theirs
from tests.model_import.networks import Manner, write_tint
from tests.model_import.test_models_command import models_folder, refused, typed

__all__ = ["models_folder"]


def test_a_swapper_comes_with_what_tells_it_whose_face(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs.write_inswapper(tmp_path / "inswapper_128.onnx")
    theirs.write_recogniser(tmp_path / "w600k_r50.onnx")
    add = ["add", "inswapper_128.onnx", "--identity-model", "w600k_r50.onnx"]
    assert typed(*add, "--preview", "look.png") == 0
    told = capsys.readouterr().out
    for text in ("arcface_128", "InsightFace's own program", "ms a face of 128x128", "swap:inswapper_128:PHOTO.jpg"):
        assert text in told
    assert sorted(path.name for path in models_folder.iterdir()) == ["inswapper_128.onnx", "w600k_r50.onnx"]
    both = cv2.imread("look.png")
    assert both is not None
    assert both.shape == (128, 256, 3)
    swap = library.find_model("inswapper_128", ModelKind.SWAP)
    assert library.find_identity_encoder(swap) == models_folder / "w600k_r50.onnx"

    assert typed() == 0
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines() if "yours" in line]
    assert ["inswapper_128", "swap"] in rows
    assert ["w600k_r50", "encoder"] in rows
    assert typed("path", "w600k_r50") == 0
    assert capsys.readouterr().out.strip() == str(models_folder / "w600k_r50.onnx")

    kept = (models_folder / "w600k_r50.onnx").stat().st_mtime_ns
    assert typed(*add, "--name", "again") == 0  # the encoder is there already
    assert typed(*add[:2], "--identity-model", "w600k_r50", "--name", "by-its-name") == 0
    assert (models_folder / "w600k_r50.onnx").stat().st_mtime_ns == kept
    (tmp_path / "other").mkdir()
    theirs.write_recogniser(tmp_path / "other" / "w600k_r50.onnx", batch=1)
    line = refused(*add[:2], "--name", "third", "--identity-model", "other/w600k_r50.onnx")
    assert "another model 'w600k_r50'" in line
    assert "--identity-name" in line
    assert (
        typed(*add[:2], "--name", "third", "--identity-model", "other/w600k_r50.onnx", "--identity-name", "r50b") == 0
    )
    assert library.read_card(models_folder / "third.onnx").identity_model == "r50b"


def test_a_dfm_file_is_known_as_one(models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs.write_dfm(tmp_path / "Some Body.dfm", side=64, morph=True)
    assert typed("add", "Some Body.dfm", "--coverage", "2.1", "--y", "-0.1", "--morph", "1") == 0
    told = capsys.readouterr().out
    assert "mesh coverage=2.1 x=0 y=-0.1" in told
    assert "next:  `realtime run --effect swap:some-body`" in told
    card = library.read_card(models_folder / "some-body.onnx")
    assert (card.kind, card.morph, card.title) == (ModelKind.SWAP, 1.0, "Some Body")
    assert not (models_folder / "some-body.dfm").exists()


def test_an_encoder_by_itself(models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs.write_recogniser(tmp_path / "w600k_r50.onnx")
    assert typed("add", "w600k_r50.onnx", "--kind", "encoder", "--licence", "research") == 0
    assert "--identity-model w600k_r50" in capsys.readouterr().out
    card = library.read_card(models_folder / "w600k_r50.onnx")
    assert (card.kind, card.licence, card.alignment) == (ModelKind.IDENTITY_ENCODER, "research", "arcface_112")


def test_models_of_ours_are_tried_and_kept(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tiny_models.tinting_swap(tmp_path / "tint.onnx")
    assert "needs the encoder 'means', which is not here" in refused("add", "tint.onnx")
    tiny_models.mean_encoder(tmp_path / "means.onnx", tiny_models.FINGERPRINT)
    assert typed("add", "tint.onnx") == 0
    assert (models_folder / "tint.onnx").read_bytes() == path.read_bytes()
    assert "swap:tint:PHOTO.jpg" in capsys.readouterr().out
    tiny_models.flat_decoder(tmp_path / "flat.onnx")
    assert typed("add", "flat.onnx") == 0
    tiny_models.tinting_swap(tmp_path / "odd.onnx", alignment="ffhq")
    assert "no face crop is called 'ffhq'" in refused("add", "odd.onnx")
    assert "leave --kind away" in refused("add", "tint.onnx", "--kind", "style", "--name", "x")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tint.onnx", "--kind", "swop"], "did you mean 'swap'"),
        (["tint.onnx", "--range", "0..1", "--alignment", "face"], "--alignment: for swap models"),
        (["x.dfm", "--size", "64x64"], "--size: for styles, which x.dfm is not"),
        (["w.onnx", "--kind", "encoder", "--morph", "1"], "--morph: for swap models"),
        (["ours.onnx", "--alignment", "face", "--range", "0..1"], "--alignment, --range: for files of other people"),
        (["x.dfm", "--morph", "2"], "--morph 2 is out of range"),
        (["x.dfm", "--identity-name", "me"], "--identity-name is for what --identity-model names"),
        (["x.dfm", "--alignment", "arcface_113"], "did you mean 'arcface_112'"),
        (["x.dfm", "--picture", "grey.png"], "no face was found in --picture"),
        (["inswapper_128.onnx"], "--identity-model"),
        (["inswapper_128.onnx", "--identity-model", "w600k"], "no model file w600k"),
        (["inswapper_128.onnx", "--identity-model", "w.onnx", "--name", "w"], "cannot be the name of both"),
        (["original.keras"], "tf2onnx"),
    ],
)
def test_misspelt_hints_are_one_line_and_keep_nothing(
    models_folder: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    write_tint(tmp_path / "tint.onnx", Manner())
    theirs.write_dfm(tmp_path / "x.dfm", side=64)
    theirs.write_inswapper(tmp_path / "inswapper_128.onnx")
    theirs.write_recogniser(tmp_path / "w.onnx")
    tiny_models.mirror_swap(tmp_path / "ours.onnx")
    (tmp_path / "original.keras").write_bytes(b"PK")
    cv2.imwrite("grey.png", np.full((200, 200, 3), 128, np.uint8))
    assert message in refused("add", *words)
    assert not models_folder.exists() or list(models_folder.iterdir()) == []
