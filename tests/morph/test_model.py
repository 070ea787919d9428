"""A morph model in the contract: what it takes and gives, and what a file that is none is told."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from realtime.core.errors import ModelError
from realtime.faces.landmarks.alignment import FACE
from realtime.imaging.numerics import Doubles, Floats
from realtime.model_import import vetting
from realtime.models import library
from realtime.models.card import ModelCard, ModelKind
from realtime.models.contract import Port, check_contract
from realtime.models.latent_space import LatentSpace
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel
from realtime.morph.model import MorphModel
from tests import tiny_models
from tests.model_import.test_models_command import models_folder, refused, typed

__all__ = ["models_folder"]

SIDE = tiny_models.SIDE
FACE_IN = np.random.default_rng(3).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
SHADE = np.linspace(1, 0, SIDE, dtype=np.float32)[:, np.newaxis]


def drawn(code: Floats | Doubles) -> NDArray[np.floating]:
    return np.broadcast_to(code * 255 * SHADE, (SIDE, SIDE, 3))


def test_a_face_becomes_a_code_and_codes_become_faces(tmp_path: Path) -> None:
    model = MorphModel(tiny_models.shaded_morph(tmp_path / "tiny.onnx"), ON_CPU, codes=2)
    assert (model.side_px, model.latent, model.codes, model.title) == (SIDE, 3, 2, "Shaded")
    assert (model.alignment.text, model.space.directions) == (FACE, ())
    code = FACE_IN.mean((0, 1), dtype=np.float64) / 255
    assert model.encode(FACE_IN) == pytest.approx(code, abs=1e-5)

    keep, add = np.array([[0.5], [0]], np.float32), np.array([[2, 0, -1], [0.1, 0.2, 0.3]], np.float32)
    z, out = np.empty((1, 3), np.float32), np.empty((2, SIDE, SIDE, 3), np.float32)
    model.begin(FACE_IN, keep, add, z, out).result()
    assert z[0] == pytest.approx(code, abs=1e-5)
    # Neither rounded nor cut off: two faces' difference is what is wanted of them.
    assert np.abs(out[0] - drawn(code / 2 + (2, 0, -1))).max() < 1e-2
    assert np.abs(out[1] - drawn(add[1])).max() < 1e-2
    assert out[0].max() > 255
    assert out[0].min() < 0

    many = np.random.default_rng(0).normal(0, 1, (5, 3)).astype(np.float32)
    faces = model.decode(many)
    assert faces.shape == (5, SIDE, SIDE, 3)
    assert all(np.abs(face - drawn(one)).max() < 1e-2 for face, one in zip(faces, many, strict=True))
    model.close()


def test_codes_are_free_until_a_session_fixes_them(tmp_path: Path) -> None:
    path = tiny_models.shaded_morph(tmp_path / "tiny.onnx")
    free = OnnxModel.open(path, ON_CPU)
    assert free.input_shapes == {"face": (1, SIDE, SIDE, 3), "keep": ("codes", 1), "add": ("codes", 3)}
    free.warm()
    fixed = OnnxModel.open(path, ON_CPU, dimensions={"codes": 3})
    assert (fixed.input_shapes["add"], fixed.output_shapes["face_out"]) == ((3, 3), (3, SIDE, SIDE, 3))
    fixed.warm()
    assert vetting.first_run(path) == []


def test_a_count_of_codes_that_the_file_fixes_is_no_other(tmp_path: Path) -> None:
    path = tiny_models.shaded_morph(tmp_path / "tiny.onnx", codes=3)
    assert MorphModel(path, ON_CPU, codes=3).decode(np.zeros((1, 3), np.float32)).max() == 0
    with pytest.raises(ModelError, match="draws 3 codes at a time and no other count"):
        MorphModel(path, ON_CPU, codes=2)


BATCH = ("codes", SIDE, SIDE, 3)
PORTS: dict[str, Port] = {
    "face": Port("face", "uint8", (1, SIDE, SIDE, 3)),
    "keep": Port("keep", "float32", ("codes", 1)),
    "add": Port("add", "float32", ("codes", 3)),
    "z": Port("z", "float32", (1, 3)),
    "face_out": Port("face_out", "float32", BATCH),
}


@pytest.mark.parametrize(
    ("port", "said"),
    [
        (Port("face_out", "uint8", BATCH), "'face_out' is uint8, not float32"),
        (Port("face_out", "float32", (1, SIDE, SIDE, 3)), "codes do not fit one another"),
        (Port("face_out", "float32", ("codes", 32, 32, 3)), "crops of several sizes"),
        (Port("face_out", "float32", ("codes", 3, SIDE, SIDE)), r"is \[codes, 3, 64, 64\], not \[codes, S, S, 3\]"),
        (Port("face_out", "float32", ("codes", "S", "S", 3)), r"'face_out' is \[codes, S, S, 3\], not"),
        (Port("keep", "float32", ("codes", 3)), r"'keep' is \[codes, 3\], not \[codes, 1\]"),
        (Port("keep", "float32", ("batch", 1)), r"'keep' is \[batch, 1\], not"),
        (Port("add", "float32", ("codes",)), r"'add' is \[codes\], not \[codes, Z\]"),
        (Port("add", "float32", ("codes", "Z")), r"'add' is \[codes, Z\], not"),
        (Port("add", "uint8", ("codes", 3)), "'add' is uint8, not float32"),
        (Port("add", "float32", (2, 3)), r"codes do not fit one another .*'add' \[2, 3\]"),
        (Port("z", "float32", (1, 4)), r"codes do not fit one another .*'z' \[1, 4\]"),
        (Port("z", "float32", ("codes", 3)), r"'z' is \[codes, 3\], not \[1, Z\]"),
        (Port("face", "float32", (1, SIDE, SIDE, 3)), "'face' is float32, not uint8"),
        (Port("face", "uint8", BATCH), r"'face' is \[codes, 64, 64, 3\], not"),
        (Port("code", "float32", (1, 3)), "its outputs are 'z', 'face_out', 'code', not 'z', 'face_out'"),
    ],
)
def test_what_is_no_morph_as_its_card_says(port: Port, said: str) -> None:
    check = functools.partial(check_contract, Path("no.onnx"), ModelCard(ModelKind.MORPH))
    inputs, outputs = ({name: PORTS[name] for name in names} for names in (("face", "keep", "add"), ("z", "face_out")))
    check(inputs, outputs)
    (inputs if port.name in inputs else outputs)[port.name] = port
    with pytest.raises(ModelError, match=said) as caught:
        check(inputs, outputs)
    assert "\n" not in str(caught.value)


def test_what_its_card_says_of_its_codes_fits_them_or_it_is_not_opened(tmp_path: Path) -> None:
    path = tiny_models.shaded_morph(tmp_path / "tiny.onnx", LatentSpace.unknown(4).text())
    with pytest.raises(ModelError, match="4 numbers for 'mean', and the model's codes have 3"):
        OnnxModel.open(path, ON_CPU)


def test_it_comes_into_the_library_with_a_face_that_came_back(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = LatentSpace.unknown(3, light=1)
    path = tiny_models.shaded_morph(tmp_path / "tiny.onnx", space.text())
    assert typed("add", "tiny.onnx", "--preview", str(tmp_path / "look.png")) == 0
    assert "two codes of 3 on the CPU" in capsys.readouterr().out
    assert (tmp_path / "look.png").is_file()
    assert (models_folder / "tiny.onnx").read_bytes() == path.read_bytes()
    assert library.model_names(ModelKind.MORPH) == ["tiny"]
    assert MorphModel(library.find_model("tiny", ModelKind.MORPH), ON_CPU).space.light == 1


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("z", "gives the same numbers for a face and for none"),
        ("code", "draws the same face whatever its code is"),
        ("area", "nearly one colour comes out"),
    ],
)
@pytest.mark.usefixtures("models_folder")
def test_one_that_draws_nobody_is_not_kept(broken: str, said: str, tmp_path: Path) -> None:
    model = onnx.load(tiny_models.shaded_morph(tmp_path / "tiny.onnx"))
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    if broken == "area":
        weights["area"].CopyFrom(onnx.numpy_helper.from_array(np.full((1, SIDE, SIDE, 1), 0.05, np.float32), "area"))
    else:
        node = next(node for node in model.graph.node if broken in node.output)
        node.output[0] = "left"
        zeros = np.zeros((1, 3), np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(zeros, "nothing"))
        model.graph.node.insert(
            list(model.graph.node).index(node) + 1, helper.make_node("Mul", ["left", "nothing"], [broken])
        )
    (tmp_path / "tiny.onnx").write_bytes(model.SerializeToString())
    assert said in refused("add", "tiny.onnx")
