"""A model opened in parts: each holds what its outputs need and nothing else, and together they keep the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from realtime.core.errors import ModelError
from realtime.model_import.face.validation import usual_face
from realtime.model_import.motion.importer import MotionImporter
from realtime.model_import.result import Description
from realtime.model_import.steps import import_model
from realtime.model_import.vetting import first_run
from realtime.models.card import INPUT_NAMES, OUTPUT_NAMES, ModelCard, ModelKind
from realtime.models.contract import Port, check_contract
from realtime.models.motion_model import MotionModel
from realtime.models.runtime.onnx_model import ON_CPU
from realtime.models.source_file import SourceFile
from realtime.models.stages import stage_of
from tests.tiny_models import SIDE, copying_motion, floats, negative_style, picture, vector, write_model


def test_a_stage_holds_what_its_outputs_need(tmp_path: Path) -> None:
    model = onnx.load_from_string(stage_of(copying_motion(tmp_path / "copy.onnx"), ["motion"]))
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["Cast", "Reshape"]
    assert [value.name for value in model.graph.input] == ["face"]
    assert [value.name for value in model.graph.output] == ["motion"]
    assert [value.name for value in model.graph.initializer] == ["flat"]
    assert {entry.key for entry in model.metadata_props} >= {"realtime.kind"}


def test_what_branches_take_from_outside_stays(tmp_path: Path) -> None:
    branches = {
        f"{name}_branch": helper.make_graph(
            [helper.make_node(operator, ["far", "one"], [name])], name, [], [floats(name, 1)]
        )
        for name, operator in (("then", "Add"), ("else", "Sub"))
    }
    path = write_model(
        tmp_path / "if.onnx",
        [
            helper.make_node("Neg", ["x"], ["far"]),
            helper.make_node("Neg", ["x"], ["unused"]),
            helper.make_node("Greater", ["x", "one"], ["is_more"]),
            helper.make_node("Squeeze", ["is_more"], ["flag"]),
            helper.make_node("If", ["flag"], ["y"], **branches),
        ],
        [floats("x", 1)],
        [floats("y", 1), floats("unused", 1)],
        {"one": np.ones(1, np.float32)},
    )
    model = onnx.load_from_string(stage_of(path, ["y"]))
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Neg", "Greater", "Squeeze", "If"]


def test_outputs_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no output 'z'"):
        stage_of(copying_motion(tmp_path / "copy.onnx"), ["z"])


def test_the_source_moves_as_the_driving_face_does(tmp_path: Path) -> None:
    model = MotionModel(copying_motion(tmp_path / "copy.onnx"), ON_CPU)
    source, rest, now = (np.full((SIDE, SIDE, 3), grey, np.uint8) for grey in (100, 40, 90))
    motions = [model.motion_of(face) for face in (source, rest, now)]
    moved, mask = model.draw(model.features_of(source), *motions)
    assert (moved == 150).all()
    assert (mask == 255).all()
    model.close()


def test_another_kind_is_no_motion_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no motion model"):
        MotionModel(negative_style(tmp_path / "style.onnx"), ON_CPU)


@pytest.mark.parametrize(
    ("port", "shape", "says"),
    [
        ("rest_motion", (1, 7), r"its numbers do not fit one another \('motion' \[1, 60\], .*'rest_motion' \[1, 7\]"),
        ("source_features", (1, 9), r"do not fit one another \('features' \[1, 500\], 'source_features' \[1, 9\]\)"),
        ("driving_motion", (60,), r"'driving_motion' is \[60\], not \[1, M\]"),
        ("face", (1, 256, 128, 3), r"'face' is \[1, 256, 128, 3\], and a face is a square"),
        ("mask", (1, 256, 256, 1), "has crops of several sizes"),
    ],
)
def test_what_does_not_fit_is_refused(port: str, shape: tuple[int, ...], says: str) -> None:
    motion, features, drawn = (1, 60), (1, 500), (1, 512, 512)
    shapes = {"face": (1, 256, 256, 3), "source_features": features, "motion": motion, "features": features}
    shapes |= {f"{whose}_motion": motion for whose in ("source", "rest", "driving")}
    shapes |= {"face_out": (*drawn, 3), "mask": (*drawn, 1)}

    def check() -> None:
        pictures = ("face", "face_out", "mask")
        ports = {n: Port(n, "uint8" if n in pictures else "float32", size) for n, size in shapes.items()}
        which = (names[ModelKind.MOTION] for names in (INPUT_NAMES, OUTPUT_NAMES))
        inputs, outputs = ({name: ports[name] for name in names} for names in which)
        check_contract(Path("x.onnx"), ModelCard(ModelKind.MOTION), inputs, outputs)

    check()
    shapes[port] = shape
    with pytest.raises(ModelError, match=says):
        check()


def test_it_comes_into_the_library_as_it_is_and_may_be_used_from_anywhere(tmp_path: Path) -> None:
    path = copying_motion(tmp_path / "copy.onnx")
    made = import_model(SourceFile(path), MotionImporter(usual_face()), Description())
    assert made.content == path.read_bytes()
    assert np.array_equal(made.validation.before, made.validation.after)
    assert first_run(path) == []


def test_one_that_does_not_look_at_faces_is_refused(tmp_path: Path) -> None:
    zeros: dict[str, NDArray[Any]] = {
        "nothing": np.zeros((1, 4), np.float32),
        "black": np.zeros((1, SIDE, SIDE, 3), np.uint8),
    }
    zeros |= {"mask_weights": np.zeros((1, SIDE, SIDE, 1), np.uint8)}
    path = write_model(
        tmp_path / "blind.onnx",
        [
            helper.make_node("Cast", ["face"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["floats"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["nothing", "mean"], ["motion"]),
            helper.make_node("Add", ["nothing", "mean"], ["features"]),
            helper.make_node("Sum", ["source_features", "source_motion", "rest_motion", "driving_motion"], ["all"]),
            helper.make_node("ReduceMean", ["all"], ["grey"], keepdims=0),
            helper.make_node("Cast", ["grey"], ["byte"], to=TensorProto.UINT8),
            helper.make_node("Add", ["black", "byte"], ["face_out"]),
            helper.make_node("Identity", ["mask_weights"], ["mask"]),
        ],
        [picture("face", SIDE, SIDE), *(vector(f"{name}", 4) for name in MOTIONS)],
        [vector("motion", 4), vector("features", 4), picture("face_out", SIDE, SIDE), picture("mask", SIDE, SIDE, 1)],
        zeros,
        card=ModelCard(ModelKind.MOTION),
    )
    with pytest.raises(ModelError, match="the same motion in a face and in its mirror image"):
        import_model(SourceFile(path), MotionImporter(usual_face()), Description())


MOTIONS = ("source_features", "source_motion", "rest_motion", "driving_motion")
