"""A file that cannot be used is refused in one line that tells the next step, before it can do any harm."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper

from realtime.core.errors import ModelError
from realtime.models.card import ModelCard, ModelKind
from realtime.models.contract import Port, check_contract
from realtime.models.file_safety import LARGEST_BYTES, read_header
from realtime.models.onnx_header import ModelHeader
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.swap.network import SwapModel
from tests import tiny_models
from tests.tiny_models import picture, vector, write_model

STYLE = ModelCard(ModelKind.STYLE)


def refusal(path: Path) -> str:
    """Open the file and return the line that refuses it."""
    with pytest.raises(ModelError) as caught:
        OnnxModel.open(path)
    line = str(caught.value)
    assert str(path) in line
    assert line.isprintable()
    assert len(line) - len(str(path)) < 300
    return line


def identity(domain: str = "") -> list[onnx.NodeProto]:
    return [helper.make_node("Identity", ["frame"], ["frame_out"], domain=domain)]


class TestFiles:
    def test_nothing_there(self, tmp_path: Path) -> None:
        assert "check the path" in refusal(tmp_path / "missing.onnx")

    def test_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "folder.onnx").mkdir()
        assert "is a folder; name the .onnx file in it" in refusal(tmp_path / "folder.onnx")

    def test_empty(self, tmp_path: Path) -> None:
        (tmp_path / "empty.onnx").touch()
        assert "is empty" in refusal(tmp_path / "empty.onnx")

    def test_a_name_the_system_refuses(self, tmp_path: Path) -> None:
        assert "check the path" in refusal(tmp_path / f"{'long' * 100}.onnx")

    def test_larger_than_one_file_can_be(self, tmp_path: Path) -> None:
        path = tmp_path / "video.onnx"
        with path.open("wb") as file:
            file.truncate(LARGEST_BYTES + 1)  # a hole: takes no room on the disk
        assert "one ONNX file holds 2 GB at most" in refusal(path)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"hello, this is no onnx file", "is no ONNX model, or a damaged one"),
            (b"\x89PNG\r\n\x1a\n" + bytes(200), "is a picture and no model"),
            (b"PK\x03\x04" + bytes(64), "is an archive: unpack it"),
            (b"\x80", "is no ONNX model, or a damaged one"),
        ],
    )
    def test_no_onnx(self, tmp_path: Path, content: bytes, words: str) -> None:
        path = tmp_path / "other.onnx"
        path.write_bytes(content)
        assert words in refusal(path)

    def test_cut_off_anywhere(self, tmp_path: Path) -> None:
        whole = tiny_models.blurred_style(tmp_path / "whole.onnx").read_bytes()
        cut = tmp_path / "cut.onnx"
        for length in range(1, len(whole), 7):
            cut.write_bytes(whole[:length])
            refusal(cut)

    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(noise=st.binary(min_size=1, max_size=40), place=st.floats(0, 1))
    def test_damage_never_shows_as_anything_else(self, tmp_path: Path, noise: bytes, place: float) -> None:
        whole = tiny_models.blurred_style(tmp_path / "whole.onnx").read_bytes()
        start = int(place * len(whole))
        (tmp_path / "damaged.onnx").write_bytes(whole[:start] + noise + whole[start + len(noise) :])
        try:
            header = read_header(tmp_path / "damaged.onnx")
        except ModelError as error:
            line = str(error)
            assert "damaged.onnx" in line
            assert line.isprintable()
        else:
            assert isinstance(header, ModelHeader), "the noise fell where it does no harm"

    def test_half_a_number_among_the_weights(self, tmp_path: Path) -> None:
        path = tiny_models.brighter_style(tmp_path / "x.onnx")
        model = onnx.load(path)
        model.graph.initializer[0].raw_data = b"\0\0\0\0\0\0"
        path.write_bytes(model.SerializeToString())
        with pytest.raises(ModelError, match="is no ONNX model, or a damaged one"):
            read_header(path)

    def test_graphs_in_graphs_without_end(self, tmp_path: Path) -> None:
        def field(number: int, content: bytes) -> bytes:
            length, size = len(content), b""
            while length > 0x7F:
                size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
            return bytes([number << 3 | 2]) + size + bytes([length]) + content

        graph = b""
        for _ in range(2_000):
            graph = field(1, field(5, field(6, graph)))  # a node, its attribute, the graph in it
        path = tmp_path / "deep.onnx"
        path.write_bytes(field(7, graph))
        with pytest.raises(ModelError, match="is no ONNX model, or a damaged one"):
            read_header(path)


class TestContract:
    """Cards and graphs that do not belong together."""

    def test_without_a_card(self, tmp_path: Path) -> None:
        path = write_model(tmp_path / "foreign.onnx", identity(), [picture("frame")], [picture("frame_out")])
        assert f"`realtime models add {path}` brings it in" in refusal(path)

    def test_two_pictures(self, tmp_path: Path) -> None:
        nodes = [helper.make_node("Max", ["frame", "style"], ["frame_out"])]
        ports = [picture("frame"), picture("style")]
        line = refusal(write_model(tmp_path / "two.onnx", nodes, ports, [picture("frame_out")], card=STYLE))
        assert "its inputs are 'frame', 'style', not 'frame'" in line

    def test_another_kind_than_its_card_says(self, tmp_path: Path) -> None:
        card = ModelCard(ModelKind.SWAP)
        path = write_model(tmp_path / "x.onnx", identity(), [picture("frame")], [picture("frame_out")], card=card)
        assert "is no swap model as its card says" in refusal(path)

    @pytest.mark.parametrize(
        ("taken", "given", "says"),
        [
            (
                helper.make_tensor_value_info("frame", TensorProto.FLOAT, [1, "height", "width", 3]),
                helper.make_tensor_value_info("frame_out", TensorProto.FLOAT, [1, "height", "width", 3]),
                "'frame' is float32, not uint8",
            ),
            (
                helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, 3, "height", "width"]),
                helper.make_tensor_value_info("frame_out", TensorProto.UINT8, [1, 3, "height", "width"]),
                "not .1, height, width, 3.",
            ),
            (picture("frame", "h", "w"), picture("frame_out", "h", "w"), "must be called height and width"),
            (picture("frame", 8, 8), picture("frame_out", 8, 8), "each side may be 32 to 8192 pixels"),
            (picture("frame", 64, 10_000), picture("frame_out", 64, 10_000), "each side may be 32 to 8192 pixels"),
        ],
    )
    def test_wrong_ports(
        self, tmp_path: Path, taken: onnx.ValueInfoProto, given: onnx.ValueInfoProto, says: str
    ) -> None:
        path = write_model(tmp_path / "x.onnx", identity(), [taken], [given], card=STYLE)
        with pytest.raises(ModelError, match=says):
            OnnxModel.open(path)

    def test_a_face_needs_a_fixed_size(self, tmp_path: Path) -> None:
        card = ModelCard(ModelKind.IDENTITY_ENCODER)
        nodes = [
            helper.make_node("Cast", ["face"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["numbers"], ["z"], axes=[1, 2], keepdims=0),
        ]
        path = write_model(tmp_path / "x.onnx", nodes, [picture("face")], [vector("z", 3)], card=card)
        assert "a face has a fixed size" in refusal(path)

    @pytest.mark.parametrize("text", ["ffhq", "arcface_113", "mesh", "mesh coverage=0", "face x=1"])
    def test_a_crop_that_nobody_knows(self, tmp_path: Path, text: str) -> None:
        path = tiny_models.tinting_swap(tmp_path / "x.onnx", alignment=text)
        with pytest.raises(ModelError, match=r"x\.onnx: .*face crop.*add it again") as caught:
            SwapModel(path, SessionPolicy())
        assert "\n" not in str(caught.value)

    def test_crops_of_several_sizes(self) -> None:
        ports = {"face": Port("face", "uint8", (1, 64, 64, 3))}
        outputs = {
            "face_out": Port("face_out", "uint8", (1, 64, 64, 3)),
            "mask": Port("mask", "uint8", (1, 32, 64, 1)),
        }
        with pytest.raises(ModelError, match=r"crops of several sizes .*'mask' \[1, 32, 64, 1\]"):
            check_contract(Path("x.onnx"), ModelCard(ModelKind.SWAP), ports, outputs)

    @pytest.mark.parametrize(
        ("ports", "card", "says"),
        [
            ([("identity", "float32", (1, 3))], {}, "does not say which encoder"),
            ([], {"identity_model": "me", "identity_fingerprint": "00" * 32}, "'identity' do not fit .* does not take"),
            ([("morph", "float32", (1,))], {}, "does not say where it begins"),
            ([], {"morph": 0.5}, "'morph' do not fit .* does not take one"),
            ([("morph", "float32", (1, 1))], {"morph": 0.5}, r"'morph' is \[1, 1\], not \[1\]"),
            ([("morph", "uint8", (1,))], {"morph": 0.5}, "'morph' is uint8, not float32"),
            ([("identity", "float32", (1, "d"))], {}, r"'identity' is \[1, d\], not \[1, D\]"),
            ([("mood", "float32", (1, 3))], {}, "not 'face' .and, if need be, 'identity', 'morph'.; export"),
        ],
    )
    def test_what_a_swap_may_also_take(
        self, ports: list[tuple[str, str, tuple[int | str, ...]]], card: dict[str, Any], says: str
    ) -> None:
        inputs = {name: Port(name, dtype, shape) for name, dtype, shape in ports}
        inputs["face"] = face = Port("face", "uint8", (1, 64, 64, 3))
        outputs = {"face_out": face, "mask": Port("mask", "uint8", (1, 64, 64, 1))}
        outputs["face_out"] = dataclasses.replace(face, name="face_out")
        with pytest.raises(ModelError, match=says) as caught:
            check_contract(Path("x.onnx"), ModelCard(ModelKind.SWAP, **card), inputs, outputs)
        assert "\n" not in str(caught.value)

    def test_a_size_of_its_own_by_its_own_account(self, tmp_path: Path) -> None:
        nodes = [helper.make_node("Expand", ["grey", "shape"], ["frame_out"])]
        weights = {"grey": np.array(128, np.uint8), "shape": np.array([1, 64, 64, 3])}
        path = write_model(
            tmp_path / "x.onnx", nodes, [picture("frame")], [picture("frame_out", 64, 64)], weights, card=STYLE
        )
        assert "takes [1, height, width, 3] and gives [1, 64, 64, 3], another size" in refusal(path)

    def test_a_size_of_its_own_that_shows_when_it_runs(self, tmp_path: Path) -> None:
        nodes = [helper.make_node("Slice", ["frame", "from", "to", "rows"], ["frame_out"])]
        weights = {"from": np.array([0]), "to": np.array([-1]), "rows": np.array([1])}
        path = write_model(
            tmp_path / "x.onnx", nodes, [picture("frame")], [picture("frame_out", "rows_out")], weights, card=STYLE
        )
        model = OnnxModel.open(path)
        with pytest.raises(ModelError, match="gives another size than it was asked for"):
            model.warm()


class TestOperators:
    def test_custom_operators(self, tmp_path: Path) -> None:
        path = write_model(
            tmp_path / "x.onnx",
            identity(domain="maker.of.things"),
            [picture("frame")],
            [picture("frame_out")],
            card=STYLE,
            opsets={"maker.of.things": 1},
        )
        assert "needs the custom operator maker.of.things.Identity" in refusal(path)

    def test_custom_operators_in_a_branch(self, tmp_path: Path) -> None:
        branch = helper.make_graph(
            [helper.make_node("Paint", ["frame"], ["out"], domain="maker")], "branch", [], [picture("out")]
        )
        nodes = [helper.make_node("If", ["on"], ["frame_out"], then_branch=branch, else_branch=branch)]
        weights = {"on": np.array(True)}
        path = write_model(
            tmp_path / "x.onnx", nodes, [picture("frame")], [picture("frame_out")], weights, card=STYLE,
            opsets={"maker": 1},
        )  # fmt: skip
        assert "needs the custom operator maker.Paint" in refusal(path)

    def test_operators_the_file_defines_itself_are_welcome(self, tmp_path: Path) -> None:
        invert = helper.make_function(
            "pkg.own",
            "Invert",
            ["x"],
            ["y"],
            [helper.make_node("BitwiseNot", ["x"], ["y"])],
            [helper.make_opsetid("", 18)],
        )
        path = write_model(
            tmp_path / "x.onnx",
            [helper.make_node("Invert", ["frame"], ["frame_out"], domain="pkg.own")],
            [picture("frame")],
            [picture("frame_out")],
            card=STYLE,
            opsets={"": 18, "pkg.own": 1},
            functions=[invert],
        )
        model = OnnxModel.open(path)
        black, into = np.zeros((1, 32, 32, 3), np.uint8), np.zeros((1, 32, 32, 3), np.uint8)
        model.run({"frame": black}, {"frame_out": into})
        assert (into == 255).all()

    def test_programs_for_one_machine(self, tmp_path: Path) -> None:
        path = write_model(
            tmp_path / "x.onnx",
            [helper.make_node("EPContext", ["frame"], ["frame_out"], domain="com.microsoft", ep_cache_context="x.bin")],
            [picture("frame")],
            [picture("frame_out")],
            card=STYLE,
            opsets={"com.microsoft": 1},
        )
        assert "a program compiled for one machine's accelerator" in refusal(path)

    def test_an_operator_nobody_has(self, tmp_path: Path) -> None:
        nodes = [helper.make_node("Paint", ["frame"], ["frame_out"])]
        path = write_model(tmp_path / "x.onnx", nodes, [picture("frame")], [picture("frame_out")], card=STYLE)
        assert "Paint" in refusal(path)

    def test_names_out_of_a_file_do_nothing_to_the_terminal(self, tmp_path: Path) -> None:
        for name, domain in (("Paint\x1b[2J\n", ""), ("Paint", "maker\x1b]0;gone\x07")):
            nodes = [helper.make_node(name, ["frame"], ["frame_out"], domain=domain)]
            path = write_model(
                tmp_path / "x.onnx", nodes, [picture("frame")], [picture("frame_out")], card=STYLE, opsets={domain: 17}
            )
            assert "Paint" in refusal(path)

    def test_an_opset_of_the_future(self, tmp_path: Path) -> None:
        path = write_model(
            tmp_path / "x.onnx", identity(), [picture("frame")], [picture("frame_out")], card=STYLE, opsets={"": 99}
        )
        line = refusal(path)
        assert "ONNX opset 99, which the installed ONNX Runtime" in line
        assert "upgrade onnxruntime" in line


class TestNumbers:
    @pytest.mark.parametrize("kind", [np.float32, np.float16, np.float64])
    def test_weights_that_are_no_numbers(self, tmp_path: Path, kind: type) -> None:
        weights: NDArray[Any] = np.zeros(5_000, kind)
        weights[4_321] = np.nan
        path = write_model(
            tmp_path / "x.onnx", identity(), [picture("frame")], [picture("frame_out")], {"w": weights}, card=STYLE
        )
        assert "weights that are no numbers (NaN, in 'w')" in refusal(path)

    def test_infinite_weights_are_no_fault(self, tmp_path: Path) -> None:
        """Masks hold −∞; together with +∞ their sum is no number though each of them is one."""
        weights = np.array([np.inf, -np.inf, 1], np.float32)
        path = write_model(
            tmp_path / "x.onnx", identity(), [picture("frame")], [picture("frame_out")], {"w": weights}, card=STYLE
        )
        model = OnnxModel.open(path, dimensions={"height": 32, "width": 32})
        frame = np.full((1, 32, 32, 3), 7, np.uint8)
        out = np.zeros_like(frame)
        model.run({"frame": frame}, {"frame_out": out})
        assert (out == 7).all()

    def test_answers_that_are_no_numbers(self, tmp_path: Path) -> None:
        nodes = [
            helper.make_node("Cast", ["face"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["numbers"], ["means"], axes=[1, 2], keepdims=0),
            helper.make_node("Div", ["means", "means"], ["z"]),  # 0 ÷ 0 for a black face
        ]
        side = tiny_models.SIDE
        path = write_model(
            tmp_path / "x.onnx",
            nodes,
            [picture("face", side, side)],
            [vector("z", 3)],
            card=ModelCard(ModelKind.IDENTITY_ENCODER),
        )
        with pytest.raises(ModelError, match="gives values that are no numbers in 'z'"):
            OnnxModel.open(path).warm()


def with_weights_in(path: Path, location: str, *, inside: str = "initializer") -> Path:
    """Write a style whose weights lie in the file `location`, by its own account."""
    tensor = TensorProto(name="w", data_type=TensorProto.UINT8, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "1")):
        tensor.external_data.add(key=key, value=value)
    add = helper.make_node("Add", ["frame", "w"], ["frame_out"])
    constant = helper.make_node("Constant", [], ["w"], value=tensor)
    nodes: Sequence[onnx.NodeProto] = [add] if inside == "initializer" else [constant, add]
    write_model(path, nodes, [picture("frame")], [picture("frame_out")], card=STYLE)
    if inside == "initializer":
        model = onnx.load(path, load_external_data=False)
        model.graph.initializer.append(tensor)
        path.write_bytes(model.SerializeToString())
    return path


class TestWeightsElsewhere:
    @pytest.mark.parametrize("inside", ["initializer", "constant"])
    @pytest.mark.parametrize(
        "make_location", [lambda secret: "../secret.bin", str, lambda secret: "in/../../secret.bin"]
    )
    def test_outside_its_folder(self, tmp_path: Path, inside: str, make_location: Callable[[Path], str]) -> None:
        secret = tmp_path / "secret.bin"
        secret.write_bytes(b"\x2a")
        path = tmp_path / "models" / "x.onnx"
        with_weights_in(path, make_location(secret), inside=inside)
        assert "outside its own folder" in refusal(path)

    def test_a_link_that_leads_out(self, tmp_path: Path) -> None:
        (tmp_path / "secret.bin").write_bytes(b"\x2a")
        path = with_weights_in(tmp_path / "models" / "x.onnx", "weights.bin")
        try:
            (path.parent / "weights.bin").symlink_to(tmp_path / "secret.bin")
        except OSError:
            pytest.skip("this system makes no links for everybody")
        assert "outside its own folder" in refusal(path)

    def test_a_folder_for_a_file(self, tmp_path: Path) -> None:
        assert "outside its own folder" in refusal(with_weights_in(tmp_path / "x.onnx", "."))

    @pytest.mark.parametrize("location", ["", "nul\0.bin", "../\x1b[2J.bin"])
    def test_names_that_are_none(self, tmp_path: Path, location: str) -> None:
        assert "outside its own folder" in refusal(with_weights_in(tmp_path / "x.onnx", location))

    def test_missing(self, tmp_path: Path) -> None:
        line = refusal(with_weights_in(tmp_path / "x.onnx", "weights.bin"))
        assert "keeps its weights in 'weights.bin', which is missing" in line

    def test_beside_it_they_are_read(self, tmp_path: Path) -> None:
        path = with_weights_in(tmp_path / "x.onnx", "weights.bin")
        (tmp_path / "weights.bin").write_bytes(b"\x2a")
        into = np.zeros((1, 32, 32, 3), np.uint8)
        OnnxModel.open(path).run({"frame": np.full_like(into, 10)}, {"frame_out": into})
        assert (into == 52).all()
