"""LivePortrait's ONNX files become one motion model, from whichever program they are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper

from realtime.core.errors import ModelError
from realtime.model_import.face.validation import FacePhoto, usual_face
from realtime.model_import.graph.picture_nodes import PictureWriter
from realtime.model_import.importers import kind_by_inputs
from realtime.model_import.motion.importer import MotionImporter
from realtime.model_import.motion.volumes import without_volume_sampling
from realtime.model_import.result import Description, Imported
from realtime.model_import.steps import import_model
from realtime.models.card import ModelKind
from realtime.models.motion_model import MotionModel
from realtime.models.runtime.onnx_model import ON_CPU
from realtime.models.source_file import SourceFile
from tests.motion import onnx_sets
from tests.motion.networks import live_portrait
from tests.tiny_models import floats, write_model
from tools.networks.live_portrait import LivePortrait

SIDE_PX = 64
DRAWING = {"faster_live_portrait": "warping_spade", "face_fusion": "live_portrait_generator"}
MOTION = {"faster_live_portrait": "motion_extractor", "face_fusion": "live_portrait_motion_extractor"}


@pytest.fixture(scope="module")
def network() -> LivePortrait:
    return live_portrait(side_px=SIDE_PX)


@pytest.fixture(scope="module")
def sets(network: LivePortrait, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    for name in DRAWING:
        (folder / name).mkdir()
        getattr(onnx_sets, name)(network, folder / name)
    return folder


@pytest.fixture(scope="module")
def photo() -> FacePhoto:
    return usual_face()


@pytest.fixture(params=list(DRAWING))
def folder(request: pytest.FixtureRequest, sets: Path, tmp_path: Path) -> Path:
    """One set, of one's own."""
    return Path(shutil.copytree(sets / request.param, tmp_path / request.param))


@pytest.fixture
def bring_in(photo: FacePhoto) -> Callable[[Path], Imported]:
    return lambda path: import_model(SourceFile(path), MotionImporter(photo), Description())


def smooth(seed: int) -> NDArray[np.uint8]:
    grain = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return np.asarray(cv2.resize(grain, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC), np.uint8)


def drawn(made: Imported, path: Path) -> NDArray[np.uint8]:
    """Move a picture by two others."""
    made.keep(path)
    model = MotionModel(path, ON_CPU)
    faces = [smooth(seed) for seed in range(3)]
    picture, mask = model.draw(model.features_of(faces[0]), *(model.motion_of(face) for face in faces))
    assert (mask == 255).all(), "these files do not tell what is new"
    model.close()
    return picture


def expected(network: LivePortrait) -> NDArray[np.float32]:
    faces = [torch.from_numpy(smooth(seed)[..., ::-1].astype(np.float32) / 255).permute(2, 0, 1) for seed in range(3)]
    with torch.inference_mode():
        motions = [network.motion(face[None]) for face in faces]
        picture, _ = network.draw(network.features(faces[0][None]), *motions)
    numbers: NDArray[np.float32] = (picture[0] * 255).round().permute(1, 2, 0).numpy()
    return numbers[..., ::-1]


def test_a_whole_set_becomes_one_model(
    folder: Path, network: LivePortrait, bring_in: Callable[[Path], Imported], tmp_path: Path
) -> None:
    path = folder / f"{DRAWING[folder.name]}.onnx"
    assert kind_by_inputs(SourceFile(path)) is ModelKind.MOTION
    made = bring_in(path)
    assert np.abs(drawn(made, tmp_path / "whole.onnx") - expected(network)).max() <= 1
    assert (made.card.kind, made.card.network) == (ModelKind.MOTION, "live_portrait")
    assert [finding.value for finding in made.findings[:4]] == [
        path.name for path in sorted(folder.glob("*.onnx"), key=_role)
    ]
    grids = [node for node in onnx.load(tmp_path / "whole.onnx").graph.node if node.op_type == "GridSample"]
    assert len(grids) == 4, "each of two volumes is sampled as a picture, twice"
    files = MotionImporter(usual_face()).files_beside(SourceFile(path))
    assert {file.path for file in files} == set(folder.glob("*.onnx")) - {path}


def _role(path: Path) -> int:
    words = ("feature", "motion", "stitch", "")
    return next(number for number, word in enumerate(words) if word in path.stem)


@pytest.mark.parametrize(
    ("order", "known_from"),
    [((), "FasterLivePortrait's order"), ((6, 0, 1, 2, 3, 4, 5), "its order for TensorRT")],
)
def test_outputs_without_names_are_known_by_their_order(
    order: tuple[int, ...], known_from: str, sets: Path, network: LivePortrait, photo: FacePhoto, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(sets / "faster_live_portrait", tmp_path / "set"))
    names = {name: f"out_{n}" for n, name in enumerate(("pitch", "yaw", "roll", "t", "exp", "scale", "kp"))}
    onnx_sets.renamed(folder / "motion_extractor.onnx", names, order)
    onnx_sets.renamed(folder / "warping_spade.onnx", {"kp_driving": "a", "kp_source": "b"})
    made = import_model(SourceFile(folder / "warping_spade.onnx"), MotionImporter(photo), Description())
    assert [finding.source for finding in made.findings[4:6]] == [
        known_from,
        "their order, as FasterLivePortrait uses it",
    ]
    assert np.abs(drawn(made, tmp_path / "whole.onnx") - expected(network)).max() <= 1


def test_an_order_that_is_not_known_is_refused(
    folder: Path, bring_in: Callable[[Path], Imported], tmp_path: Path
) -> None:
    path = folder / f"{MOTION[folder.name]}.onnx"
    names = {value.name: f"out_{number}" for number, value in enumerate(onnx.load(path).graph.output)}
    onnx_sets.renamed(path, names, (3, 4, 0, 1, 2, 5, 6))
    message = refusal(bring_in, folder / f"{DRAWING[folder.name]}.onnx")
    assert f"{path.name} gives 7 outputs of" in message
    assert "in an order or under names that FasterLivePortrait or FaceFusion give them" in message


def test_points_before_features_are_refused(sets: Path, bring_in: Callable[[Path], Imported], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sets / "faster_live_portrait", tmp_path / "set"))
    path = folder / "warping_spade.onnx"
    onnx_sets.renamed(path, {"kp_driving": "a", "kp_source": "b"})
    model = onnx.load(path)
    inputs = list(model.graph.input)
    del model.graph.input[:]
    model.graph.input.extend(inputs[1:] + inputs[:1])
    path.write_bytes(model.SerializeToString())
    assert "call them kp_driving and kp_source" in refusal(bring_in, path)


def refusal(bring_in: Callable[[Path], Imported], path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        bring_in(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("missing", ["feature", "motion_extractor", "stitch"])
def test_a_part_that_is_missing_is_named(missing: str, folder: Path, bring_in: Callable[[Path], Imported]) -> None:
    (gone,) = (path for path in folder.glob("*.onnx") if missing in path.stem)
    gone.unlink()
    message = refusal(bring_in, folder / f"{DRAWING[folder.name]}.onnx")
    assert gone.name in message
    assert "is missing in its folder" in message


def test_two_of_a_part_are_not_guessed(sets: Path, bring_in: Callable[[Path], Imported], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sets / "faster_live_portrait", tmp_path / "set"))
    shutil.copy(folder / "stitching.onnx", folder / "stitching-v1.1.onnx")
    shutil.copy(folder / "stitching.onnx", folder / "stitching_eye.onnx")  # another part
    message = refusal(bring_in, folder / "warping_spade.onnx")
    assert "parts of several LivePortraits (stitching-v1.1.onnx, stitching.onnx)" in message


def test_parts_of_another_model_do_not_fit(sets: Path, bring_in: Callable[[Path], Imported], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sets / "faster_live_portrait", tmp_path / "set"))
    other = tmp_path / "other"
    other.mkdir()
    onnx_sets.faster_live_portrait(live_portrait(points=4, side_px=SIDE_PX), other)
    shutil.copy(other / "stitching.onnx", folder)
    message = refusal(bring_in, folder / "warping_spade.onnx")
    assert "stitching.onnx takes 'input' [1, 24], and what stitches 3 points takes 18 numbers" in message
    shutil.copy(sets / "faster_live_portrait" / "stitching.onnx", folder)
    shutil.copy(sets / "faster_live_portrait" / "warping_spade.onnx", folder / "motion_extractor.onnx")
    assert "motion_extractor.onnx takes 'feature_3d'" in refusal(bring_in, folder / "warping_spade.onnx")


@pytest.mark.parametrize("opset", [17, 20])
def test_a_sampled_volume_is_the_same_in_operators_of_four_axes(opset: int, tmp_path: Path) -> None:
    mode = "linear" if opset == 20 else "bilinear"
    nodes = [helper.make_node("GridSample", ["x", "grid"], ["y"], mode=mode, padding_mode="zeros", align_corners=0)]
    path = write_model(
        tmp_path / "x.onnx",
        nodes,
        [floats("x", 2, 3, 5, 7, 6), floats("grid", 2, 4, 5, 3, 3)],
        [floats("y", 2, 3, 4, 5, 3)],
        opsets={"": opset},
    )
    model = onnx.load(path)
    assert without_volume_sampling(model, {"grid"}, PictureWriter(model.graph), "x.onnx") == 1
    onnx.checker.check_model(model, full_check=True)
    random = torch.Generator().manual_seed(0)
    volume, grid = torch.randn(2, 3, 5, 7, 6, generator=random), torch.rand(2, 4, 5, 3, 3, generator=random) * 3 - 1.5
    (made,) = onnxruntime.InferenceSession(model.SerializeToString()).run(
        None, {"x": volume.numpy(), "grid": grid.numpy()}
    )
    wanted = torch.nn.functional.grid_sample(volume, grid, align_corners=False)
    assert np.allclose(made, wanted.numpy(), atol=1e-5)


def test_volumes_sampled_otherwise_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("GridSample", ["x", "grid"], ["y"], mode="nearest")]
    path = write_model(
        tmp_path / "x.onnx",
        nodes,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 2, 2, 2]), floats("grid", 1, 2, 2, 2, 3)],
        [floats("y", 1, 1, 2, 2, 2)],
        opsets={"": 20},
    )
    model = onnx.load(path)
    with pytest.raises(ModelError, match="samples volumes in a way"):
        without_volume_sampling(model, {"grid"}, PictureWriter(model.graph), "x.onnx")
