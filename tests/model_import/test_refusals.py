"""Files that cannot be brought in: one line each, that says what is wrong and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from realtime.core.errors import ModelError, OptionError, RealtimeError
from realtime.imaging.frame import Size
from realtime.model_import.hints import ImportHints, Layout, ValueRange
from tests.model_import.conftest import Import
from tests.model_import.networks import Manner, write, write_tint

UNIT = ImportHints(range_in=ValueRange.UNIT, range_out=ValueRange.UNIT)
Shape = list[int | str | None]


def graph(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, Shape],
    outputs: dict[str, Shape | None],
    tensors: dict[str, NDArray[Any]] | None = None,
    *,
    opset: int = 17,
    kind: int = TensorProto.FLOAT,
) -> Path:
    return write(
        path,
        nodes,
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in outputs.items()],
        tensors or {},
        opset=opset,
    )


def text(folder: Path) -> Path:
    path = folder / "letter.onnx"
    path.write_text("Dear Sir or Madam, this is no network")
    return path


def empty(folder: Path) -> Path:
    path = folder / "empty.onnx"
    path.touch()
    return path


def checkpoint(folder: Path) -> Path:
    path = folder / "candy.pth"
    path.write_bytes(b"PK\x03\x04 weights")
    return path


PICTURE: Shape = [1, 3, "h", "w"]


def two_pictures(folder: Path) -> Path:
    nodes = [helper.make_node("Add", ["content", "style"], ["out"])]
    return graph(folder / "adain.onnx", nodes, {"content": PICTURE, "style": PICTURE}, {"out": PICTURE})


def swapper(folder: Path) -> Path:
    nodes = [
        helper.make_node("Mul", ["target", "factor"], ["out"]),
        helper.make_node("ReduceMean", ["source"], ["factor"]),
    ]
    shape: Shape = [1, 3, 128, 128]
    return graph(folder / "inswapper_128.onnx", nodes[::-1], {"target": shape, "source": [1, 512]}, {"out": shape})


def dfm(folder: Path) -> Path:
    nodes = [helper.make_node("Identity", ["in_face:0"], ["out_celeb_face:0"])]
    shape: Shape = [1, 224, 224, 3]
    return graph(folder / "somebody.onnx", nodes, {"in_face:0": shape}, {"out_celeb_face:0": shape})


def a_number_beside(folder: Path) -> Path:
    nodes = [helper.make_node("Mul", ["x", "strength"], ["y"])]
    return graph(folder / "two.onnx", nodes, {"x": PICTURE, "strength": [1]}, {"y": PICTURE})


def no_layout(folder: Path) -> Path:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    shape: Shape = ["a", "b", "c", "d"]
    return graph(folder / "axes.onnx", nodes, {"x": shape}, {"y": shape})


def icons(folder: Path) -> Path:
    return write_tint(folder / "icons.onnx", Manner(height=28, width=28))


def embedding(folder: Path) -> Path:
    nodes = [helper.make_node("GlobalAveragePool", ["x"], ["pooled"]), helper.make_node("Flatten", ["pooled"], ["y"])]
    return graph(folder / "face.onnx", nodes, {"x": [1, 3, 112, 112]}, {"y": [1, 3]})


def two_outputs(folder: Path) -> Path:
    nodes = [helper.make_node("Relu", ["x"], ["day"]), helper.make_node("Neg", ["x"], ["night"])]
    return graph(folder / "both.onnx", nodes, {"x": PICTURE}, {"day": PICTURE, "night": PICTURE})


def custom_operator(folder: Path) -> Path:
    path = graph(folder / "custom.onnx", [helper.make_node("Relu", ["x"], ["y"])], {"x": PICTURE}, {"y": PICTURE})
    model = onnx.load(path)
    model.graph.node[0].domain = "my.lab"
    model.opset_import.append(helper.make_opsetid("my.lab", 1))
    path.write_bytes(model.SerializeToString())
    return path


def unknown_operator(folder: Path) -> Path:
    nodes = [helper.make_node("Stylise", ["x"], ["y"])]
    return graph(folder / "unknown.onnx", nodes, {"x": PICTURE}, {"y": PICTURE})


def opset_of_the_future(folder: Path) -> Path:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    return graph(folder / "future.onnx", nodes, {"x": PICTURE}, {"y": PICTURE}, opset=99)


def four_at_a_time(folder: Path) -> Path:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    return graph(folder / "batch.onnx", nodes, {"x": [4, 3, 64, 64]}, {"y": [4, 3, 64, 64]})


def enlarger(folder: Path) -> Path:
    nodes = [helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="nearest")]
    scales = {"scales": np.array([1, 1, 4, 4], np.float32)}
    return graph(folder / "esrgan_x4.onnx", nodes, {"x": PICTURE}, {"y": [1, 3, "H", "W"]}, scales)


def trimmer(folder: Path) -> Path:
    nodes = [helper.make_node("Conv", ["x", "weights"], ["y"])]
    weights = {"weights": np.ones((3, 3, 5, 5), np.float32) / 75}
    return graph(folder / "trims.onnx", nodes, {"x": PICTURE}, {"y": [1, 3, "H", "W"]}, weights)


def no_numbers(folder: Path) -> Path:
    nodes = [helper.make_node("Sub", ["x", "one"], ["less"]), helper.make_node("Sqrt", ["less"], ["y"])]
    tensors = {"one": np.array(1.5, np.float32)}
    return graph(folder / "nan.onnx", nodes, {"x": PICTURE}, {"y": PICTURE}, tensors)


def one_colour(folder: Path) -> Path:
    nodes = [helper.make_node("Mul", ["x", "small"], ["y"])]
    return graph(folder / "dark.onnx", nodes, {"x": PICTURE}, {"y": PICTURE}, {"small": np.array(0.004, np.float32)})


def bytes_where_units_were_said(folder: Path) -> Path:
    return write_tint(folder / "bytes.onnx", Manner(range_in=ValueRange.BYTES, range_out=ValueRange.BYTES))


def no_range(folder: Path) -> Path:
    return write_tint(folder / "range.onnx", Manner())


CASES: list[tuple[Callable[[Path], Path], ImportHints, list[str]]] = [
    (lambda folder: folder / "missing.onnx", UNIT, ["missing.onnx", "check the path"]),
    (lambda folder: folder, UNIT, ["is a folder"]),
    (text, UNIT, ["is no ONNX model"]),
    (empty, UNIT, ["is empty"]),
    (checkpoint, UNIT, ["training checkpoint", "tools.export_onnx"]),
    (two_pictures, UNIT, ["2 pictures", "'content', 'style'"]),
    (swapper, UNIT, ["face swapper", "--kind swap"]),
    (dfm, UNIT, ["DFM", "--kind swap"]),
    (a_number_beside, UNIT, ["2 inputs", "'strength'"]),
    (no_layout, UNIT, ["--layout NCHW, NHWC or HWC"]),
    (icons, UNIT, ["28x28", "too small"]),
    (embedding, UNIT, ["no picture", "no style model"]),
    (two_outputs, UNIT, ["--output day or night"]),
    (two_outputs, ImportHints(output="nigt"), ["no output 'nigt'", "did you mean 'night'"]),
    (custom_operator, UNIT, ["custom operator my.lab.Relu"]),
    (unknown_operator, UNIT, ["operator Stylise"]),
    (opset_of_the_future, UNIT, ["opset 99"]),
    (four_at_a_time, UNIT, ["4 pictures at a time"]),
    (enlarger, UNIT, ["enlarges pictures 4 times"]),
    (trimmer, UNIT, ["gives", "the size it takes"]),
    (no_numbers, UNIT, ["NaN"]),
    (one_colour, UNIT, ["nearly one colour", "--range"]),
    (bytes_where_units_were_said, UNIT, ["try --", "0..255"]),
    (no_range, ImportHints(), ["--range", "0..1", "--preview"]),
    (no_range, ImportHints(range_in=ValueRange.UNIT, layout_in=Layout.HWC), ["4 axes", "HWC has 3"]),
    (no_range, ImportHints(range_in=ValueRange.UNIT, layout_in=Layout.NHWC), ["channels", "--layout"]),
]


@pytest.mark.parametrize(("make", "hints", "words"), CASES)
def test_what_cannot_come_in_is_one_line(
    tmp_path: Path, bring_in: Import, make: Callable[[Path], Path], hints: ImportHints, words: list[str]
) -> None:
    path = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RealtimeError) as caught:
        bring_in(path, hints)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 400, line
    for word in words:
        assert word in line
    assert sorted(tmp_path.rglob("*")) == before, "nothing is left behind"


def test_the_output_named_is_taken(tmp_path: Path, bring_in: Import) -> None:
    made = bring_in(two_outputs(tmp_path), ImportHints(range_in=ValueRange.SIGNED, output="night"))
    assert np.abs(made.validation.after.astype(int) - (255 - made.validation.before.astype(int))).max() <= 1
    assert made.notes == ("its other outputs are left aside: day",)


def test_a_fixed_size_and_another_wished_is_one_line(tmp_path: Path, bring_in: Import) -> None:
    path = write_tint(tmp_path / "fixed.onnx", Manner(height=96, width=128))
    with pytest.raises(OptionError, match="takes 128x96 only"):
        bring_in(path, ImportHints(range_in=ValueRange.UNIT, size=Size(64, 64)))


def with_weights_beside(folder: Path, location: str) -> Path:
    path = write_tint(folder / "split.onnx", Manner())
    model = onnx.load(path)
    onnx.save_model(
        model, path, save_as_external_data=True, all_tensors_to_one_file=True, location="weights.bin", size_threshold=0
    )
    content = path.read_bytes()
    assert b"weights.bin" in content
    if location != "weights.bin":
        moved = onnx.load(path, load_external_data=False)
        for tensor in moved.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = location
        path.write_bytes(moved.SerializeToString())
    return path


def test_weights_beside_the_file_come_in(tmp_path: Path, bring_in: Import) -> None:
    made = bring_in(with_weights_beside(tmp_path, "weights.bin"), UNIT)
    assert b"weights.bin" not in made.content


@pytest.mark.parametrize("location", ["gone.bin", "../weights.bin", "/etc/hostname"])
def test_weights_elsewhere_do_not(tmp_path: Path, bring_in: Import, location: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    path = with_weights_beside(folder, location)
    (tmp_path / "weights.bin").write_bytes((folder / "weights.bin").read_bytes())
    with pytest.raises(ModelError, match="missing" if location == "gone.bin" else "outside its own folder"):
        bring_in(path, UNIT)


def test_weights_cut_short_are_one_line(tmp_path: Path, bring_in: Import) -> None:
    path = with_weights_beside(tmp_path, "weights.bin")
    (tmp_path / "weights.bin").write_bytes(b"\0")
    with pytest.raises(ModelError) as caught:
        bring_in(path, UNIT)
    assert "\n" not in str(caught.value)
