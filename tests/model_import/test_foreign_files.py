"""Files as they lie about in the world: other programs' models, detectors, names that no terminal should see."""

from __future__ import annotations

import operator
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError, shown
from realtime.imaging.frame import Pixels, Size
from realtime.model_import.hints import ImportHints, ValueRange
from realtime.model_import.style.validation import scaled
from realtime.models.source_file import SourceFile
from realtime.style.letterbox import SizeConstraint
from tests.model_import.conftest import Import, Paint
from tests.model_import.networks import Manner, export, seeded, write, write_tint
from tests.model_import.test_refusals import PICTURE, Shape, graph
from tools.fuzzing import hostile_models

UNIT = ImportHints(range_in=ValueRange.UNIT, range_out=ValueRange.UNIT)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 6700000\n"


def torch_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02}.")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("candy.onnx", LFS, "pointer of Git LFS"),
        ("candy.pth", LFS, "pointer of Git LFS"),
        ("candy.h5", LFS, "pointer of Git LFS"),
        ("candy.onnx", b"<!DOCTYPE html><html>", "is a web page"),
        ("candy.onnx", b"\x89PNG\r\n\x1a\n", "is a picture"),
        ("candy.zip", b"PK\x03\x04 and more", "is an archive"),
        ("candy.onnx", b"PK\x03\x04 and more", "is an archive"),
        ("candy.model", None, "training checkpoint"),
        ("candy.pth.tar", None, "training checkpoint"),
        ("pytorch_model.bin", None, "training checkpoint"),
        ("candy.model", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "training checkpoint"),
        ("candy.mlmodel", b"\x08\x01", "Core ML"),
        ("model.json", b'{"format": "layers-model"}', "TensorFlow.js"),
        ("group1-shard1of1.bin", b"\x00\x01", "TensorFlow.js"),
        ("candy.h5", b"\x89HDF\r\n", "of a style network, tf2onnx"),
        ("candy.param", b"7767517\n", "ncnn"),
        ("candy.xml", b"<net>", "OpenVINO"),
    ],
)
def test_what_it_is_is_said(tmp_path: Path, bring_in: Import, name: str, content: bytes | None, words: str) -> None:
    path = tmp_path / name
    if content is None:
        torch_archive(path)
    else:
        path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        bring_in(path, UNIT)
    assert words in str(caught.value)


def test_the_way_from_a_checkpoint_is_a_command_that_runs(tmp_path: Path, bring_in: Import) -> None:
    path = tmp_path / "my weights.pth"
    torch_archive(path)
    with pytest.raises(ModelError) as caught:
        bring_in(path, UNIT)
    assert f"`python -m tools.export_onnx '{path}'`, in a clone" in str(caught.value)


def shaped(path: Path, taken: Shape, **given: Shape) -> Path:
    """A network that takes a picture and gives numbers of any shapes, as detectors do."""
    nodes, tensors = [helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=0)], {}
    outputs: dict[str, Shape | None] = {}
    for name, shape in given.items():
        tensors[f"{name}_shape"] = np.array(shape, np.int64)
        nodes.append(helper.make_node("Expand", ["mean", f"{name}_shape"], [name]))
        outputs[name] = list(shape)
    return graph(path, nodes, {"x": taken}, outputs, tensors)


FACE_MESH: Shape = [1, 1, 1, 1404]


@pytest.mark.parametrize(
    ("taken", "given", "words"),
    [
        ([1, 192, 192, 3], {"landmarks": FACE_MESH}, "gives no picture ('landmarks' 1×1404)"),
        ([1, 3, 416, 416], {"output": [1, 3549, 85]}, "gives no picture ('output' 3549×85)"),
        ([1, 3, 240, 320], {"scores": [1, 4420, 2], "boxes": [1, 4420, 4]}, "('scores' 4420×2; 'boxes' 4420×4)"),
        ([1, 3, 240, 320], {"heat": [1, 1, 60, 80]}, "gives no picture ('heat' 60×80)"),
        ([1, 3, 240, 320], {"turned": [1, 3, 320, 240]}, "gives no picture ('turned' 3×320×240)"),
        (PICTURE, {"output": [1, 1, 3549, 85]}, "gives"),
    ],
)
@pytest.mark.parametrize("hints", [UNIT, ImportHints()])
def test_a_detector_is_no_style_whatever_is_said_of_its_range(
    tmp_path: Path, bring_in: Import, taken: Shape, given: dict[str, Shape], words: str, hints: ImportHints
) -> None:
    path = shaped(tmp_path / "detector.onnx", taken, **given)
    with pytest.raises(ModelError) as caught:
        bring_in(path, hints)
    assert words in str(caught.value)
    assert "--range" not in str(caught.value)


def test_landmarks_chosen_by_name_are_no_style_either(tmp_path: Path, bring_in: Import) -> None:
    path = shaped(tmp_path / "mesh.onnx", [1, 192, 192, 3], landmarks=FACE_MESH)
    with pytest.raises(ModelError, match="gives 1×1404 for a picture of 192x192, no picture"):
        bring_in(path, ImportHints(range_in=ValueRange.UNIT, output="landmarks"))


def test_a_mask_is_called_one(tmp_path: Path, bring_in: Import) -> None:
    """One channel, black and white in large areas."""
    nodes = [
        helper.make_node("AveragePool", ["x"], ["calm"], kernel_shape=[31, 31], pads=[15, 15, 15, 15]),
        helper.make_node("ReduceMean", ["calm"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["grey", "middle"], ["away"]),
        helper.make_node("Mul", ["away", "steep"], ["much"]),
        helper.make_node("Sigmoid", ["much"], ["y"]),
    ]
    tensors = {"middle": np.array(0.5, np.float32), "steep": np.array(500, np.float32)}
    path = graph(tmp_path / "mask.onnx", nodes, {"x": PICTURE}, {"y": [1, 1, "h", "w"]}, tensors)
    with pytest.raises(ModelError, match="this looks like a mask"):
        bring_in(path, UNIT)


ESCAPES = "x\x1b]0;PWNED\x07\x1b[31m\nsecond\u202eline"


def escaping(folder: Path, where: str) -> Path:
    path = write_tint(folder / "names.onnx", Manner(names=(ESCAPES, "y") if where == "input" else ("x", ESCAPES)))
    model = onnx.load(path)
    if where == "operator":
        model.graph.node[0].op_type = ESCAPES
    elif where == "two inputs":
        model.graph.input.append(helper.make_tensor_value_info(ESCAPES, TensorProto.FLOAT, [1]))
    elif where == "weights":
        model.graph.initializer.append(numpy_helper.from_array(np.ones(2, np.float32), ESCAPES))
        model.graph.initializer[-1].dims[0] = 3
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("where", ["input", "output", "operator", "two inputs", "weights"])
def test_no_name_in_a_file_reaches_the_terminal_as_it_is(tmp_path: Path, bring_in: Import, where: str) -> None:
    path = escaping(tmp_path, where)
    hints = ImportHints(output="other") if where == "output" else ImportHints()
    with pytest.raises(ModelError) as caught:
        bring_in(path, hints)
    assert str(caught.value).isprintable()
    assert shown(ESCAPES).isprintable()


@pytest.mark.parametrize("names", [("frame", "frame_out"), ("numbers", "y")])
def test_our_own_prefix_is_never_seen(tmp_path: Path, bring_in: Import, names: tuple[str, str]) -> None:
    """Networks whose names are ours have them renamed; what is said of them uses theirs."""
    path = write_tint(tmp_path / "ours.onnx", Manner(names=names))
    made = bring_in(path, UNIT)
    assert "network/" not in str(made.findings) + str(made.notes)
    model = onnx.load(path)
    model.graph.input.append(helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError) as caught:
        bring_in(path, UNIT)
    assert f"('{names[0]}', 'strength')" in str(caught.value)


@pytest.mark.parametrize("size", [Size(320, 180), Size(224, 224), Size(64, 96)])
def test_a_network_of_one_size_becomes_a_model_bound_to_it(
    tmp_path: Path, photo: Pixels, bring_in: Import, paint: Paint, size: Size
) -> None:
    """So that the effect keeps the frame's proportions and gives its edges back."""
    path = write_tint(tmp_path / "tint.onnx", Manner())
    made = bring_in(path, ImportHints(range_in=ValueRange.UNIT, range_out=ValueRange.UNIT, size=size))
    assert made.validation.bound == SizeConstraint(*size)
    model = onnx.load_from_string(made.content)
    for value in (*model.graph.input, *model.graph.output):
        sides = [side.dim_value for side in value.type.tensor_type.shape.dim]
        assert sides == [1, size.height, size.width, 3]
    own = scaled(photo, size)
    assert np.abs(paint(made, own).astype(int)[..., 0] - own[..., 0]).max() <= 1  # it leaves blue as it is
    assert made.validation.after.shape == made.validation.before.shape == photo.shape


def test_a_wish_beyond_the_contract_is_one_line(tmp_path: Path, bring_in: Import) -> None:
    path = write_tint(tmp_path / "tint.onnx", Manner())
    with pytest.raises(Exception, match="sides of 32 to 8192 pixels"):
        bring_in(path, ImportHints(range_in=ValueRange.UNIT, size=Size(16, 16)))


@pytest.mark.parametrize("sides", [(50_000, 50_000), (64, 2_000_000)])
def test_a_network_for_pictures_of_gigapixels_is_one_line(
    tmp_path: Path, bring_in: Import, sides: tuple[int, int]
) -> None:
    path = write_tint(tmp_path / "tint.onnx", Manner(height=sides[0], width=sides[1]))
    with pytest.raises(ModelError, match="sides may have 8192 pixels at most"):
        bring_in(path, UNIT)


class Deep(nn.Module):
    """A U-Net as pix2pix has it, thin: so many times halved, its ways joined."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(3 if not level else 4, 4, 4, 2, 1) for level in range(levels))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(4 if not level else 8, 4 if level < levels - 1 else 3, 4, 2, 1)
            for level in range(levels)
        )

    def forward(self, rgb: Tensor) -> Tensor:
        kept: list[Tensor] = []
        for layer in self.down:
            rgb = functional.leaky_relu(layer(rgb), 0.2)
            kept.append(rgb)
        kept.pop()
        for layer in self.up:
            rgb = layer(functional.relu(rgb))
            if kept:
                rgb = torch.cat([rgb, kept.pop()], 1)
        return torch.tanh(rgb)


class ToSizes(nn.Module):
    """Halves and doubles by `interpolate(size=...)`, which the exporter writes as numbers joined to computed ones."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 3, 3, 1, 1)

    def forward(self, rgb: Tensor) -> Tensor:
        height, width = rgb.shape[-2:]
        inner = functional.relu(self.first(rgb))
        inner = functional.interpolate(inner, size=(height // 4, width // 4), mode="bilinear", align_corners=True)
        inner = functional.interpolate(inner, size=(height, width), mode="bilinear", align_corners=False)
        return torch.tanh(rgb + self.last(inner))


@pytest.mark.parametrize("levels", [7, 8])
def test_a_u_net_is_found_to_need_large_multiples(tmp_path: Path, bring_in: Import, levels: int) -> None:
    path = export(seeded(Deep(levels), 3.0), tmp_path / "pix2pix.onnx", (1, 3, 256, 256), 17, ("x", "y"))
    found = {finding.what: finding.value for finding in bring_in(path, ImportHints()).findings}
    assert found["size"] == "any"
    assert found["multiples"].startswith(f"of {2**levels},")


def test_where_no_multiple_works_the_option_is_named(tmp_path: Path, bring_in: Import) -> None:
    nodes = [helper.make_node("Slice", ["x", "starts", "ends", "axes"], ["y"])]
    tensors = {name: np.array([value], np.int64) for name, value in {"starts": 3, "ends": 2**31, "axes": 2}.items()}
    path = graph(tmp_path / "cut.onnx", nodes, {"x": PICTURE}, {"y": [1, 3, "H", "w"]}, tensors)
    with pytest.raises(ModelError, match="--multiple N"):
        bring_in(path, UNIT)


@pytest.mark.parametrize("opset", [11, 17])
def test_sizes_given_to_interpolate_are_freed(tmp_path: Path, photo: Pixels, bring_in: Import, opset: int) -> None:
    path = export(seeded(ToSizes(), 1.0), tmp_path / "sizes.onnx", (1, 3, 128, 96), opset, ("x", "y"))
    made = bring_in(path, ImportHints())
    found = {finding.what: finding for finding in made.findings}
    assert found["size"].value == "any"
    assert "2 constants follow it now" in found["size"].source


def curve(path: Path, exponent: float, told: bool = False) -> Path:
    """A brightening that is right for 0..1 alone; with `told` it divides bytes by 255 itself."""
    first = (
        [helper.make_node("Div", ["x", "white"], ["unit"])] if told else [helper.make_node("Identity", ["x"], ["unit"])]
    )
    nodes = [
        *first,
        helper.make_node("Max", ["unit", "black"], ["positive"]),
        helper.make_node("Pow", ["positive", "exponent"], ["y"]),
    ]
    numbers = {"white": 255.0, "black": 0.0, "exponent": exponent}
    tensors = {name: np.array(value, np.float32) for name, value in numbers.items()}
    return graph(path, nodes, {"x": PICTURE}, {"y": PICTURE}, tensors)


def contrast(path: Path) -> Path:
    """A contrast around grey, 1.3 x - 0.3 x³, which is right for -1..1 alone."""
    nodes = [
        helper.make_node("Mul", ["x", "x"], ["squared"]),
        helper.make_node("Mul", ["squared", "bend"], ["bent"]),
        helper.make_node("Sub", ["slope", "bent"], ["factor"]),
        helper.make_node("Mul", ["x", "factor"], ["y"]),
    ]
    tensors = {"bend": np.array(0.3, np.float32), "slope": np.array(1.3, np.float32)}
    return graph(path, nodes, {"x": PICTURE}, {"y": PICTURE}, tensors)


def test_the_range_that_keeps_light_and_colours_is_likeliest(tmp_path: Path, bring_in: Import) -> None:
    for path, first in (
        (curve(tmp_path / "light.onnx", 0.6), "0..1 looks likeliest"),
        (contrast(tmp_path / "contrast.onnx"), "-1..1 looks likeliest"),
    ):
        with pytest.raises(ModelError) as caught:
            bring_in(path, ImportHints())
        assert first in str(caught.value)
        assert "compare them" in str(caught.value)


def test_no_other_range_is_advised_than_the_file_tells(tmp_path: Path, bring_in: Import) -> None:
    """It divides by 255 first, so it takes bytes; that its answer is 0..1 is what the user must say."""
    path = curve(tmp_path / "depth.onnx", 0.8, told=True)
    with pytest.raises(ModelError, match=r"; try --output-range 0\.\.1( or --output-range -1\.\.1)?$"):
        bring_in(path, ImportHints())
    assert bring_in(path, ImportHints(range_out=ValueRange.UNIT)).notes == ()


def test_a_rival_range_is_said_of_what_was_kept(tmp_path: Path, bring_in: Import) -> None:
    made = bring_in(contrast(tmp_path / "contrast.onnx"), UNIT)
    assert any("--range -1..1 gives a picture, too: compare them with --preview" in note for note in made.notes)


def test_noise_is_said(tmp_path: Path, bring_in: Import) -> None:
    """A picture that has nothing of the photo: drawn by chance, each time anew."""
    nodes = [
        helper.make_node("RandomUniformLike", ["x"], ["y"], low=0.0, high=1.0, seed=3.0),
    ]
    path = graph(tmp_path / "noise.onnx", nodes, {"x": PICTURE}, {"y": PICTURE})
    made = bring_in(path, UNIT)
    assert any("it may be noise" in note for note in made.notes)


@pytest.mark.parametrize("make", [hostile_models.zeros, hostile_models.wide])
def test_a_bomb_in_bounds_is_one_line(tmp_path: Path, photo: Pixels, make: type) -> None:
    from realtime.model_import.result import Description
    from realtime.model_import.steps import import_model
    from realtime.model_import.style.importer import StyleImporter
    from realtime.model_import.vetting import in_bounds

    source = SourceFile(make(tmp_path / "bomb.onnx", with_card=False))
    importer = StyleImporter(UNIT, photo)
    with pytest.raises(ModelError) as caught:
        in_bounds(source, (), importer.picture_px, import_model, source, importer, Description())
    assert "bomb.onnx" in str(caught.value)
    assert str(caught.value).isprintable()


def test_what_nobody_foresaw_is_the_files_fault(tmp_path: Path) -> None:
    from realtime.model_import.vetting import in_bounds

    path = write(tmp_path / "x.onnx", [], [], [], {})
    with pytest.raises(ModelError, match=r"x\.onnx cannot be used \(ZeroDivisionError: .*\): it is damaged, or"):
        in_bounds(path, (), 0, operator.truediv, 1, 0)
