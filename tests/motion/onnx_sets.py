"""LivePortrait's ONNX files as two programs have them, made of a small network: their names, ports and orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.exporting.graph import quiet
from tools.networks import live_portrait
from tools.networks.live_portrait import LivePortrait, Pose3d


class _Features(nn.Module):
    def __init__(self, network: LivePortrait) -> None:
        super().__init__()
        self.part = network.appearance_feature_extractor

    def forward(self, face: Tensor) -> Tensor:
        volume: Tensor = self.part(face)
        return volume


class _Scores(nn.Module):
    """The heads of the motion extractor as they are: angles as scores of bins."""

    def __init__(self, network: LivePortrait) -> None:
        super().__init__()
        self.part = network.motion_extractor.detector

    def forward(self, face: Tensor) -> tuple[Tensor, ...]:
        features = face
        for halve, stage in zip(self.part.downsample_layers, self.part.stages, strict=True):
            features = stage(halve(features))
        seen = self.part.norm(features.mean((2, 3)))
        part = self.part
        heads = (part.fc_pitch, part.fc_yaw, part.fc_roll, part.fc_t, part.fc_exp, part.fc_scale, part.fc_kp)
        return tuple(head(seen) for head in heads)


class _Degrees(nn.Module):
    """Angles in degrees, without an axis; points as points."""

    def __init__(self, network: LivePortrait) -> None:
        super().__init__()
        self.part, self.points = network.motion_extractor, network.points

    def forward(self, face: Tensor) -> tuple[Tensor, ...]:
        pose = Pose3d(self.part(face), self.points)
        return (
            pose.pitch * 1.0,
            pose.yaw * 1.0,
            pose.roll * 1.0,
            pose.scale.reshape(1, 1),
            pose.shift[None],
            pose.expression[None],
            pose.canonical[None],
        )


class _Drawing(nn.Module):
    def __init__(self, network: LivePortrait) -> None:
        super().__init__()
        self.network = network

    def forward(self, volume: Tensor, driving: Tensor, source: Tensor) -> Tensor:
        warping = self.network.warping_module
        dense = warping.dense_motion_network
        _, deformation, occlusion = dense(dense.narrowed(volume), source[0], driving[0])
        picture: Tensor = self.network.spade_generator(warping(volume, deformation, occlusion))
        return picture


class _Row(nn.Module):
    def __init__(self, network: LivePortrait) -> None:
        super().__init__()
        self.part = network.stitching_retargeting_module.retarget_shoulder

    def forward(self, numbers: Tensor) -> Tensor:
        delta: Tensor = self.part(numbers)
        return delta


class _Stitched(nn.Module):
    def __init__(self, network: LivePortrait) -> None:
        super().__init__()
        self.part = network.stitching_retargeting_module

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        return self.part.stitched(target[0], source[0])[None]


def faster_live_portrait(network: LivePortrait, folder: Path) -> dict[str, Path]:
    """FasterLivePortrait's."""
    numbers = 6 * network.points
    return {
        "features": _write(
            folder / "appearance_feature_extractor.onnx", _Features(network), ["img"], ["output"], network
        ),
        "motion": _write(
            folder / "motion_extractor.onnx",
            _Scores(network),
            ["img"],
            ["pitch", "yaw", "roll", "t", "exp", "scale", "kp"],
            network,
        ),
        "stitching": _write(
            folder / "stitching.onnx", _Row(network), ["input"], ["output"], network, [torch.zeros(1, numbers)]
        ),
        "drawing": _write_drawing(
            folder / "warping_spade.onnx", ["feature_3d", "kp_driving", "kp_source"], ["out"], network
        ),
    }


def face_fusion(network: LivePortrait, folder: Path) -> dict[str, Path]:
    """FaceFusion's."""
    points = torch.zeros(1, network.points, 3)
    names = ["pitch", "yaw", "roll", "scale", "translation", "expression", "motion_points"]
    return {
        "features": _write(
            folder / "live_portrait_feature_extractor.onnx", _Features(network), ["input"], ["feature_volume"], network
        ),
        "motion": _write(folder / "live_portrait_motion_extractor.onnx", _Degrees(network), ["input"], names, network),
        "stitching": _write(
            folder / "live_portrait_stitcher.onnx",
            _Stitched(network),
            ["source", "target"],
            ["output"],
            network,
            [points, points.clone()],
        ),
        "drawing": _write_drawing(
            folder / "live_portrait_generator.onnx", ["feature_volume", "source", "target"], ["output"], network
        ),
    }


def renamed(path: Path, names: Mapping[str, str], order: Sequence[int] = ()) -> None:
    """Call a file's inputs and outputs otherwise, and give its outputs in another order."""
    model = onnx.load(path)
    for node in model.graph.node:
        for side in (node.input, node.output):
            side[:] = [names.get(name, name) for name in side]
    for value in (*model.graph.input, *model.graph.output):
        value.name = names.get(value.name, value.name)
    if order:
        outputs = list(model.graph.output)
        del model.graph.output[:]
        model.graph.output.extend(outputs[number] for number in order)
    path.write_bytes(model.SerializeToString())


class _SampledVolume(torch.autograd.Function):
    """As others' exporters leave it: an operator of five axes, whatever the opset says of it."""

    @staticmethod
    def forward(context: Any, volume: Tensor, grid: Tensor) -> Tensor:
        return functional.grid_sample(volume, grid, align_corners=False)

    @staticmethod
    def symbolic(graph: Any, volume: Any, grid: Any) -> Any:
        return graph.op("GridSample", volume, grid, mode_s="bilinear", padding_mode_s="zeros", align_corners_i=0)


def _write_drawing(path: Path, inputs: Sequence[str], outputs: Sequence[str], network: LivePortrait) -> Path:
    side = network.side_px >> len(network.appearance_feature_extractor.down_blocks)
    points = torch.zeros(1, network.points, 3)
    given = [torch.zeros(1, *network.appearance_feature_extractor.volume, side, side), points, points.clone()]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(live_portrait, "sampled_volume", _SampledVolume.apply)
        return _write(path, _Drawing(network), inputs, outputs, network, given)


def _write(
    path: Path,
    module: nn.Module,
    inputs: Sequence[str],
    outputs: Sequence[str],
    network: LivePortrait,
    given: Sequence[Tensor] = (),
) -> Path:
    arguments: Any = tuple(given) or (torch.zeros(1, 3, network.side_px, network.side_px),)
    with quiet():
        torch.onnx.export(
            module.eval(),
            arguments,
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=list(inputs),
            output_names=list(outputs),
        )
    return path
