"""LivePortrait: five files become one model, whose numbers are its authors'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from realtime.core.errors import ModelError
from realtime.models.card import ModelCard, ModelKind
from realtime.models.motion_model import MotionModel
from realtime.models.runtime.onnx_model import ON_CPU
from tests.motion.networks import five_files, live_portrait
from tools.exporting.check import WrittenModel, compare, sample_inputs
from tools.exporting.model import build_model
from tools.exporting.source import Wishes, open_source
from tools.networks import Part, PictureFormat
from tools.networks.live_portrait import LivePortrait, Pose3d
from tools.networks.volumes import sampled_flat

POINTS = 3


def saved(folder: Path, files: dict[str, Any]) -> Path:
    (folder / "base_models").mkdir()
    for name, tensors in files.items():
        torch.save(tensors, folder / ("base_models" if name != "stitching_retargeting_module" else ".") / f"{name}.pth")
    return folder


def network_in(folder: Path) -> LivePortrait:
    (part,) = open_source(folder, Wishes()).parts
    assert isinstance(part.network, LivePortrait)
    return part.network


def test_volumes_are_sampled_alike_with_four_axes_and_five() -> None:
    random = torch.Generator().manual_seed(0)
    volume = torch.randn(2, 3, 5, 7, 6, generator=random)
    grid = torch.rand(2, 4, 5, 3, 3, generator=random) * 3 - 1.5  # a third of it beyond the volume's edges
    expected = functional.grid_sample(volume, grid, align_corners=False)
    assert torch.allclose(sampled_flat(volume, grid), expected, atol=1e-5)
    edges = torch.tensor([-1.2, -1.0, -0.999, 0.999, 1.0, 1.2])
    corners = torch.stack(torch.meshgrid(edges, edges, edges, indexing="ij"), dim=-1)[None].expand(2, -1, -1, -1, -1)
    expected = functional.grid_sample(volume, corners, align_corners=False)
    assert torch.allclose(sampled_flat(volume, corners), expected, atol=1e-4)


def pose(**changes: list[float]) -> Pose3d:
    """Three points on the axes, nobody's expression, no turn."""
    row = {"angles": [0.0, 0, 0], "shift": [0.0, 0, 0], "scale": [1.0], "expression": [0.0] * 9}
    row |= {"canonical": torch.eye(3).reshape(-1).tolist()} | changes
    return Pose3d(torch.tensor([[number for numbers in row.values() for number in numbers]]), POINTS)


def test_points_are_turned_moved_and_scaled() -> None:
    """Yawed by a quarter, x goes into depth; the head is shifted in the picture, and not in depth."""
    placed = pose(angles=[0.0, 90, 0], shift=[0.5, 0.25, 9.0], scale=[2.0], expression=[0.1, 0, 0, *[0.0] * 6]).points()
    expected = [[0.7, 0.25, -2], [0.5, 2.25, 0], [2.5, 0.25, 0]]
    assert np.allclose(placed.numpy(), expected, atol=1e-6)


def test_a_pose_is_carried_over_by_its_difference_from_rest() -> None:
    source = pose(angles=[0.0, 0, 90], scale=[2.0], shift=[0.1, 0, 0])
    rest = pose(angles=[0.0, 30, 0], scale=[4.0], expression=[0.2] * 9)
    assert torch.allclose(rest.carried_onto(source, rest), source.points(), atol=1e-6)
    now = pose(angles=[0.0, 30, 0], scale=[2.0], expression=[0.2] * 8 + [0.3], shift=[0.0, 0.3, 0])
    moved = now.carried_onto(source, rest) - source.points() / 2
    assert torch.allclose(moved, torch.tensor([[0.05, 0.3, 0], [0.05, 0.3, 0], [0.05, 0.3, 0.1]]), atol=1e-6)


@pytest.mark.parametrize("built", [{}, {"doubled": False}, {"occlusion": False, "points": 4}])
def test_its_configuration_is_read_from_the_shapes(built: dict[str, Any], tmp_path: Path) -> None:
    network = live_portrait(**built)
    found = network_in(saved(tmp_path, five_files(network)))
    assert found.drawn_px == (256 if "doubled" in built else 512)
    own, read = network.state_dict(), found.state_dict()
    assert all(torch.allclose(read[name], own[name], atol=1e-5) for name in own), "spectral norms are divided out"
    assert read.keys() == own.keys()


def test_the_written_model_draws_what_the_network_draws(tmp_path: Path) -> None:
    network = live_portrait(side_px=64)
    part = Part(ModelKind.MOTION, network, PictureFormat(), side_px=64)
    path = tmp_path / "portrait.onnx"
    path.write_bytes(build_model(part, ModelCard(part.kind, network="live_portrait")).SerializeToString())
    with WrittenModel(path) as whole:
        rows = compare(part, whole, sample_inputs(part), most_runs=0)
    assert max(row.largest for row in rows) <= 1
    operators = {node.op_type for node in onnx.load(path).graph.node}
    assert "GridSample" in operators
    assert onnx.load(path).opset_import[0].version < 20, "with four axes alone, which every provider knows"
    model = MotionModel(path, ON_CPU)
    assert (model.side_px, model.drawn_px) == (64, 128)
    model.close()


@pytest.mark.parametrize("missing", ["motion_extractor", "stitching_retargeting_module"])
def test_a_file_that_is_missing_is_named(missing: str, tmp_path: Path) -> None:
    files = five_files(live_portrait())
    del files[missing]
    with pytest.raises(ModelError, match=f"lacks {missing}: LivePortrait is five files"):
        open_source(saved(tmp_path, files), Wishes())


def test_one_file_alone_is_told_to_bring_the_others(tmp_path: Path) -> None:
    saved(tmp_path, five_files(live_portrait()))
    with pytest.raises(ModelError, match="one of 5 files of live_portrait; name the folder"):
        open_source(tmp_path / "base_models" / "warping_module.pth", Wishes())
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="a folder without a checkpoint that is known by its name"):
        open_source(tmp_path / "empty", Wishes())
    torch.save({}, tmp_path / "warping_module.pth")
    with pytest.raises(ModelError, match="holds two files 'warping_module'"):
        open_source(tmp_path, Wishes())


@pytest.mark.parametrize(
    ("file", "of", "says"),
    [
        ("motion_extractor", {"points": 4}, "motion_extractor finds 4 points, warping_module moves 3"),
        ("spade_generator", {"no_u": True}, "'.*weight_orig' comes without the '_u' and '_v'"),
        ("stitching_retargeting_module", {"no_eye": True}, "lacks the weights of 'retarget_eye'"),
    ],
)
def test_files_that_do_not_fit_are_named(file: str, of: dict[str, Any], says: str, tmp_path: Path) -> None:
    files = five_files(live_portrait())
    if "points" in of:
        files[file] = five_files(live_portrait(**of))[file]
    elif "no_u" in of:
        files[file] = {name: value for name, value in files[file].items() if not name.endswith("_u")}
    else:
        del files[file]["retarget_eye"]
    with pytest.raises(ModelError, match=says):
        open_source(saved(tmp_path, files), Wishes())


@pytest.fixture(scope="module")
def kept(shared_data: Path) -> Any:
    return np.load(shared_data / "motion" / "liveportrait" / "liveportrait-small-io.npz")


@pytest.fixture(scope="module")
def original(shared_data: Path) -> LivePortrait:
    return network_in(shared_data / "motion" / "liveportrait")


@pytest.mark.shared_data
class TestAgainstTheOriginal:
    """What its authors' code found for checkpoints of theirs at small widths."""

    @pytest.mark.parametrize("picture", ["source", "driving_0", "driving_1"])
    def test_the_motion_of_a_face(self, original: LivePortrait, kept: Any, picture: str) -> None:
        with torch.inference_mode():
            motion = original.motion(rgb(kept[picture]))
        fields = ("pitch", "yaw", "roll", "t", "scale", "exp", "kp")
        expected = np.concatenate([kept[f"{picture}_{field}"].reshape(-1) for field in fields])
        assert np.allclose(motion[0].numpy(), expected, atol=1e-4)

    def test_points_relative_ones_and_stitched(self, original: LivePortrait, kept: Any) -> None:
        with torch.inference_mode():
            source, rest, now = (
                Pose3d(original.motion(rgb(kept[name])), original.points)
                for name in ("source", "driving_0", "driving_1")
            )
            relative = now.carried_onto(source, rest)
            stitched = original.stitching_retargeting_module.stitched(source.points(), relative)
        for points, name in (
            (source.points(), "x_s"),
            (rest.points(), "x_d_0"),
            (now.points(), "x_d_1"),
            (relative, "x_d_relative_1"),
            (stitched, "x_d_stitched_1"),
        ):
            assert np.allclose(points.numpy(), kept[name][0], atol=1e-5)

    def test_the_warped_volume_and_the_picture(self, original: LivePortrait, kept: Any) -> None:
        source, now = (torch.from_numpy(kept[name][0]) for name in ("x_s", "x_d_stitched_1"))
        with torch.inference_mode():
            features = original.features(rgb(kept["source"]))
            _, deformation, occlusion = original.moved(features, source, now)
            assert occlusion is not None
            warped = original.warped(features, deformation, occlusion)
            picture = original.spade_generator(warped)
        volume = kept["feature_3d"]
        assert np.allclose(features[0, : volume.size].numpy(), volume.reshape(-1), atol=1e-3)
        for made, name in ((deformation, "deformation"), (occlusion, "occlusion_map"), (warped, "warped")):
            assert np.abs(made.numpy() - kept[name]).max() < 1e-3
        assert np.abs(picture.numpy() - kept["prediction"]).max() < 1e-3


def rgb(picture: Any) -> Tensor:
    return torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)[None]
