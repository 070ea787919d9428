"""Networks in the live effect: cut, run, laid back where they were cut from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper

from realtime.core.errors import RealtimeError
from realtime.core.specs import model_and_rest
from realtime.effects import EffectContext
from realtime.effects.scene import Scene
from realtime.effects.swap import SwapEffect, SwapSettings
from realtime.imaging.frame import Face, Pixels
from realtime.models import library
from realtime.models.card import ModelCard, ModelKind
from tests.model_import import face_networks as theirs
from tests.model_import.test_models_command import models_folder, typed
from tests.swap.conftest import difference, inside, moment, moved
from tests.swap.test_swap_effect import core
from tests.tiny_models import picture, write_model

__all__ = ["models_folder"]


def face_model(
    path: Path, *, negative: bool = False, side: int = 128, alignment: str = "face", morph: bool = False
) -> Path:
    """`face_out` is the face, or its negative; or, by `morph`, black in that measure. The mask is open everywhere."""
    nodes = [
        helper.make_node("Sub" if negative else "Max", ["white" if negative else "black", "face"], ["made"]),
        helper.make_node("Cast", ["made"], ["numbers"], to=TensorProto.FLOAT),
    ]
    inputs = [picture("face", side, side)]
    if morph:
        inputs.append(helper.make_tensor_value_info("morph", TensorProto.FLOAT, [1]))
        nodes += [
            helper.make_node("Sub", ["one", "morph"], ["rest"]),
            helper.make_node("Mul", ["numbers", "rest"], ["mixed"]),
        ]
    nodes += [
        helper.make_node("Cast", ["mixed" if morph else "numbers"], ["face_out"], to=TensorProto.UINT8),
        helper.make_node("Slice", ["face", "from", "to", "channels"], ["first"]),
        helper.make_node("Max", ["first", "white"], ["mask"]),
    ]
    return write_model(
        path,
        nodes,
        inputs,
        [picture("face_out", side, side), picture("mask", side, side, 1)],
        {
            "white": np.array(255, np.uint8),
            "black": np.array(0, np.uint8),
            "one": np.array(1, np.float32),
            "from": np.array([0]),
            "to": np.array([1]),
            "channels": np.array([3]),
        },
        card=ModelCard(ModelKind.SWAP, title="Test", alignment=alignment, morph=0.0 if morph else None),
    )


@pytest.fixture
def worn(photo: Pixels, face: Face) -> Callable[..., Pixels]:
    """Run an effect on the Navy photo and return the middle of the face, softened to what a crop of 128 px can hold."""

    def run(argument: str | Path, **settings: object) -> Pixels:
        effect = SwapEffect.open(str(argument), SwapSettings(**settings), EffectContext())  # type: ignore[arg-type]
        made = effect.make(Scene(moment(photo, 0), [moved(face, 0, 0, 1)])).pixels
        effect.close()
        return soft(made, face)

    return run


def soft(pixels: Pixels, face: Face) -> Pixels:
    return np.asarray(cv2.GaussianBlur(inside(pixels, core(face.box)), (0, 0), 2.0), np.uint8)


@pytest.mark.parametrize("alignment", ["face", "arcface_128", "mesh coverage=2.2 y=-0.08", "mesh coverage=1.2 x=0.1"])
@pytest.mark.parametrize("side", [64, 256])
def test_what_a_network_leaves_as_it_is_stays_where_it_was(
    alignment: str, side: int, tmp_path: Path, worn: Callable[..., Pixels], photo: Pixels, face: Face
) -> None:
    made = worn(face_model(tmp_path / "same.onnx", side=side, alignment=alignment), light=0.0)
    shifted = np.roll(photo, 2, axis=1)
    assert difference(made, soft(photo, face)) < (2 if side == 256 else 8)
    assert difference(made, soft(photo, face)) < difference(made, soft(shifted, face))


def test_what_a_network_draws_is_shown_in_the_viewers_light(
    tmp_path: Path, worn: Callable[..., Pixels], photo: Pixels, face: Face
) -> None:
    model = face_model(tmp_path / "negative.onnx", negative=True)
    unlit = worn(model, light=0.0, glasses="remove").astype(int)  # those she wears would stay
    assert np.abs(unlit + soft(photo, face) - 255).mean() < 6
    lit = worn(model)
    assert np.abs(lit.mean(axis=(0, 1)) - soft(photo, face).mean(axis=(0, 1))).max() < 15


def test_morph_is_a_setting_and_a_live_parameter(
    tmp_path: Path, photo: Pixels, face: Face, worn: Callable[..., Pixels]
) -> None:
    model = face_model(tmp_path / "morph.onnx", morph=True)
    assert worn(model, light=0.0).mean() > 1.5 * worn(model, light=0.0, morph=0.6).mean()
    effect = SwapEffect.open(str(model), SwapSettings(), EffectContext())
    assert effect.parameters.step("morph", 3) == 0.3
    assert effect.parameters.step("morph", -9) == 0
    effect.close()


def test_sliders_move_the_crop(tmp_path: Path, worn: Callable[..., Pixels], photo: Pixels, face: Face) -> None:
    """A crop that is cut elsewhere is laid back there too: only a network tells the difference."""
    model = face_model(tmp_path / "m.onnx", alignment="mesh coverage=2.2 y=-0.08")
    for sliders in ({"coverage": 1.7}, {"shift_x": 0.1}, {"shift_y": 0.05}):
        assert difference(worn(model, light=0.0, **sliders), soft(photo, face)) < 5
    other = face_model(tmp_path / "five.onnx", alignment="arcface_128")
    with pytest.raises(RealtimeError, match="aligned by the mesh"):
        worn(other, coverage=1.5)


def test_inswapper_as_it_is_added_and_worn(
    models_folder: Path, tmp_path: Path, worn: Callable[..., Pixels], navy_photo: Path, photo: Pixels, face: Face
) -> None:
    theirs.write_inswapper(tmp_path / "inswapper_128.onnx")
    theirs.write_recogniser(tmp_path / "w600k_r50.onnx")
    add = ["add", str(tmp_path / "inswapper_128.onnx"), "--identity-model", str(tmp_path / "w600k_r50.onnx")]
    assert typed(*add) == 0
    assert library.model_names(ModelKind.SWAP) == ["inswapper_128"] == SwapEffect.choices()
    made = worn(f"inswapper_128:{navy_photo}", light=0.0)
    assert difference(made, soft(photo, face)) > 20
    with pytest.raises(RealtimeError, match=r"say whose.*swap:inswapper_128:PHOTO.jpg"):
        worn("inswapper_128")


def test_a_photo_for_a_network_that_takes_none_is_refused(
    tmp_path: Path, worn: Callable[..., Pixels], navy_photo: Path
) -> None:
    with pytest.raises(RealtimeError, match="always makes the same face"):
        worn(f"{face_model(tmp_path / 'm.onnx')}:{navy_photo}")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("model:me.jpg", ("model", "me.jpg")),
        ("model", ("model", "")),
        (r"C:\faces\me.jpg", (r"C:\faces\me.jpg", "")),
        (r"C:\m.onnx:C:\me.jpg", (r"C:\m.onnx", r"C:\me.jpg")),
        (r"model:C:\me.jpg", ("model", r"C:\me.jpg")),
        ("/a/m.onnx:/b/me.jpg", ("/a/m.onnx", "/b/me.jpg")),
    ],
)
def test_colons_of_drives_part_nothing(text: str, parts: tuple[str, str]) -> None:
    assert model_and_rest(text) == parts


def test_sliders_are_set_while_it_runs(tmp_path: Path, photo: Pixels, face: Face) -> None:
    model = face_model(tmp_path / "m.onnx", alignment="mesh coverage=2.2 y=-0.08", morph=True)
    effect = SwapEffect.open(str(model), SwapSettings(light=0.0), EffectContext())
    stepped = {one.name: one.text(effect.parameters.get(one.name)) for one in effect.parameters if one.step}
    assert stepped == {
        "morph": "0%", "strength": "100%", "coverage": "2.20", "shift_x": "0.00", "shift_y": "-0.08"
    }  # fmt: skip
    before = effect.make(Scene(moment(photo, 0), [moved(face, 0, 0, 1)])).pixels.copy()
    assert effect.parameters.step("coverage", -6) == 1.9
    after = effect.make(Scene(moment(photo, 1), [moved(face, 0, 0, 1)])).pixels
    assert not np.array_equal(before, after)
    assert effect.parameters.step("coverage", -100) == 0.5
    effect.close()


def test_a_photo_has_no_sliders_of_models(navy_photo: Path) -> None:
    effect = SwapEffect.open(str(navy_photo), SwapSettings(), EffectContext())
    assert [one.name for one in effect.parameters if one.step] == ["strength"]
    effect.close()
