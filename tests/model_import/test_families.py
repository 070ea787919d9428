"""Networks of the well-known kinds come in with nothing said, and paint as they do in PyTorch, at any size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper

from realtime.imaging.frame import Pixels, Size
from realtime.model_import.hints import ImportHints, ValueRange
from realtime.model_import.style.validation import scaled
from tests.model_import.conftest import Import, Paint
from tests.model_import.networks import CycleGan, FastNeuralStyle, export, painted_by, seeded, write


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("opset", [9, 11])
def test_a_fixed_224_file_like_the_model_zoos_paints_as_pytorch_at_any_size(
    tmp_path: Path, photo: Pixels, bring_in: Import, paint: Paint, opset: int
) -> None:
    network = seeded(FastNeuralStyle(), 60)
    path = export(network, tmp_path / "mosaic-9.onnx", (1, 3, 224, 224), opset, ("input1", "output1"))
    made = bring_in(path, ImportHints())
    findings = {finding.what: finding for finding in made.findings}
    assert (findings["range in"].value, findings["range out"].value) == ("0..255", "0..255")
    assert findings["network"].source == "the model zoo's names"
    assert findings["size"].value == "any"
    assert findings["multiples"].value.startswith("of 4")
    assert made.card.network == "fast_neural_style"
    for size in (Size(224, 224), Size(132, 200)):
        picture = scaled(photo, size)
        assert np.abs(paint(made, picture) - painted_by(network, picture, ValueRange.BYTES)).max() <= 0.6
    odd = scaled(photo, Size(131, 97))
    assert paint(made, odd).shape == odd.shape


def test_a_network_is_known_by_its_build_whatever_it_is_called(tmp_path: Path, bring_in: Import) -> None:
    path = export(seeded(FastNeuralStyle(), 60), tmp_path / "untitled.onnx", (1, 3, 96, 128), 13, ("image", "painted"))
    made = bring_in(path, ImportHints())
    assert made.card.network == "fast_neural_style"
    assert ("range in", "0..255", "fast-neural-style's own program") in made.findings


def test_a_cycle_gan_is_known_by_its_tanh(tmp_path: Path, photo: Pixels, bring_in: Import, paint: Paint) -> None:
    network = seeded(CycleGan(), 0.4)
    path = export(network, tmp_path / "horse.onnx", (1, 3, 128, 128), 11, ("x", "y"))
    made = bring_in(path, ImportHints())
    assert made.card.network == "cyclegan_resnet"
    assert ("range out", "-1..1", "the file: the tanh at its end") in made.findings
    picture = scaled(photo, Size(148, 100))
    assert np.abs(paint(made, picture) - painted_by(network, picture, ValueRange.SIGNED)).max() <= 0.6


def write_anime(path: Path) -> Path:
    """As tf2onnx writes AnimeGANv3: NHWC, mirrored pads before the transpose, half the size and back, tanh."""
    rng = np.random.default_rng(5)
    tensors: dict[str, NDArray[Any]] = {
        "pads": np.array([0, 1, 1, 0, 0, 1, 1, 0], np.int64),
        "down": (rng.standard_normal((6, 3, 3, 3)) / 5).astype(np.float32),
        "up": (rng.standard_normal((3, 6, 1, 1)) / 2).astype(np.float32),
        "none": np.array([], np.float32),
        "twice": np.array([1, 1, 2, 2], np.float32),
    }
    nodes = [
        helper.make_node("Pad", ["AnimeGANv3_input:0", "pads"], ["padded"], mode="reflect"),
        helper.make_node("Transpose", ["padded"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "down"], ["half"], strides=[2, 2]),
        helper.make_node("Resize", ["half", "none", "twice"], ["whole"], mode="nearest"),
        helper.make_node("Conv", ["whole", "up"], ["colours"]),
        helper.make_node("Tanh", ["colours"], ["bounded"]),
        helper.make_node("Transpose", ["bounded"], ["generator/main/out_layer:0"], perm=[0, 2, 3, 1]),
    ]
    inputs = [helper.make_tensor_value_info("AnimeGANv3_input:0", TensorProto.FLOAT, [1, "a", "b", 3])]
    outputs = [helper.make_tensor_value_info("generator/main/out_layer:0", TensorProto.FLOAT, [1, "c", "d", 3])]
    return write(path, nodes, inputs, outputs, tensors, opset=15)


@pytest.mark.parametrize(("stem", "multiple"), [("AnimeGANv3_tiny_x", "16"), ("AnimeGANv3_Hayao", "8")])
def test_anime_gan_is_known_by_its_names(tmp_path: Path, bring_in: Import, stem: str, multiple: str) -> None:
    made = bring_in(write_anime(tmp_path / f"{stem}.onnx"), ImportHints())
    found = {finding.what: finding.value for finding in made.findings}
    assert found["range in"] == found["range out"] == "-1..1"
    assert found["multiples"].startswith(f"of {multiple},")
    assert made.card.network == "animegan_v3"
    assert made.card.least_px == 256


def test_a_user_who_knows_better_is_heard_and_told(tmp_path: Path, bring_in: Import) -> None:
    made = bring_in(write_anime(tmp_path / "AnimeGANv3_x.onnx"), ImportHints(range_in=ValueRange.UNIT))
    assert ("range in", "0..1", "your --range") in made.findings
    assert any("tells of -1..1, not of --range 0..1" in note for note in made.notes)


def test_the_card_tells_what_the_file_says_of_itself(tmp_path: Path, bring_in: Import) -> None:
    path = write_anime(tmp_path / "AnimeGANv3_x.onnx")
    model = onnx.load(path)
    helper.set_model_props(model, {"author": "A. Painter", "license": "CC BY-NC 4.0", "other": "kept"})
    onnx.save(model, path)
    made = bring_in(path, ImportHints())
    assert (made.card.credit, made.card.licence) == ("A. Painter", "CC BY-NC 4.0")
    kept = {entry.key: entry.value for entry in onnx.load_from_string(made.content).metadata_props}
    assert kept["other"] == "kept"
    assert kept["realtime.kind"] == "style"
    again = tmp_path / "ours.onnx"
    made.keep(again)
    assert bring_in(again, ImportHints()).content == made.content, "what is in the contract is kept as it is"


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "hints", "network", "multiple"),
    [
        ("fast_neural_style_w16_mosaic_256", ImportHints(), "fast_neural_style", 4),
        ("animeganv3_tiny_cute", ImportHints(), "animegan_v3", 16),
        ("zero_dce_180x320", ImportHints(range_in=ValueRange.UNIT), "unknown", 1),
    ],
)
def test_real_files_agree_with_themselves(
    shared_data: Path,
    photo: Pixels,
    bring_in: Import,
    paint: Paint,
    name: str,
    hints: ImportHints,
    network: str,
    multiple: int,
) -> None:
    """What comes out of the rewritten file is what the original gives, run as its maker runs it."""
    from realtime.models.runtime.onnx_model import RawSession

    path = shared_data / "onnx" / f"{name}.onnx"
    made = bring_in(path, hints)
    assert made.card.network == network
    found = {finding.what: finding.value for finding in made.findings}
    assert found["size"] == "any"
    assert found.get("multiples", "of 1,").startswith(f"of {multiple},")
    fixed = {"fast_neural_style_w16_mosaic_256": Size(256, 256), "zero_dce_180x320": Size(320, 180)}
    picture = scaled(photo, fixed.get(name, Size(208, 176)))
    rgb = picture[..., ::-1].astype(np.float32)
    original = RawSession(path.read_bytes(), name)
    if name.startswith("anime"):
        (given,) = original.run({"AnimeGANv3_input:0": rgb[None] / np.float32(127.5) - 1}).values()
        wanted = (given[0] + 1) * 127.5
    elif name.startswith("zero"):
        (wanted,) = original.run({"input_1": rgb.transpose(2, 0, 1)[None] / np.float32(255)}).values()
    else:
        (given,) = original.run({"input.1": rgb.transpose(2, 0, 1)[None].copy()}).values()
        wanted = given[0].transpose(1, 2, 0)
    assert np.abs(paint(made, picture) - np.clip(wanted, 0, 255)[..., ::-1]).max() <= 1
