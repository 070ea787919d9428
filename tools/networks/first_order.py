"""The first-order motion model (Siarohin et al., "First Order Motion Model for Image Animation", 2019), as its authors'
program saves it: `vox-cpk.pth.tar`, `vox-adv-cpk.pth.tar` and their family.

A face is held as K points, each with the matrix by which its surroundings are turned and stretched. Between two of them
each point says where its surroundings came from; a network weighs these K guesses and standing still against each
other, and a second one draws the source, its features moved so, and makes up what was hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError
from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.motion import (
    DownBlock,
    MotionNetwork,
    ResBlock,
    SameBlock,
    UpBlock,
    hull_area,
    inverse_2x2,
    places,
)
from tools.networks.weights import Weights

SIDE_PX = 256
"""Of the pictures that all published ones of faces were trained on; no weight tells it."""
_ALIGNMENT = "mesh coverage=3 x=0 y=-0.15"
"""A head and shoulders, upright, as VoxCeleb's films are cut: eyes 0.2 of the side apart, at 0.45 of its height."""
_TEMPERATURE = 0.1
_VARIANCE = 0.01
"""Of the spot that stands for a point, in half sides of the picture. Both as in every published configuration."""
_LEAST_AREA = 1e-6
GENERATOR, DETECTOR = "generator", "kp_detector"


class _Encoder(nn.Module):
    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.down_blocks = nn.ModuleList(DownBlock(before, after) for before, after in pairwise(channels))

    def forward(self, picture: Tensor) -> list[Tensor]:
        found = [picture]
        for block in self.down_blocks:
            found.append(block(found[-1]))
        return found


class _Decoder(nn.Module):
    def __init__(self, channels: Sequence[int], out: int) -> None:
        super().__init__()
        # Each but the innermost sees what the encoder saw at its size, too.
        inner = list(reversed(channels))
        taken = [inner[0], *(2 * count for count in inner[1:-1])]
        given = [*inner[1:-1], out]
        self.up_blocks = nn.ModuleList(map(UpBlock, taken, given))

    def forward(self, found: list[Tensor]) -> Tensor:
        out = found.pop()
        for block in self.up_blocks:
            out = torch.cat([block(out), found.pop()], dim=1)
        return out


class Hourglass(nn.Module):
    """A U-Net. `channels`: of its picture and after each halving; `out`: those it ends with, beside its picture's."""

    def __init__(self, channels: Sequence[int], out: int) -> None:
        super().__init__()
        self.encoder = _Encoder(channels)
        self.decoder = _Decoder(channels, out)
        self.out_count = out + channels[0]

    def forward(self, picture: Tensor) -> Tensor:
        made: Tensor = self.decoder(self.encoder(picture))
        return made


class _Shrunk(nn.Module):
    """A picture blurred and made `times` smaller."""

    def __init__(self, times: int) -> None:
        super().__init__()
        sigma = (times - 1) / 2
        reach = round(sigma * 4)
        away = torch.arange(-reach, reach + 1, dtype=torch.float32)
        row = torch.exp(-(away**2) / (2 * sigma**2))
        kernel = row[:, None] * row
        self.register_buffer("weight", (kernel / kernel.sum()).repeat(3, 1, 1, 1))
        self.times = times

    def forward(self, picture: Tensor) -> Tensor:
        weight = self.weight
        assert isinstance(weight, Tensor)
        return functional.conv2d(picture, weight, stride=self.times, padding=weight.shape[-1] // 2, groups=3)


class KeypointDetector(nn.Module):
    """A face to K points [1, K, 2] in -1..1 and their matrices [1, K, 2, 2]; no matrices where `matrices` is 0, one for
    all points where it is 1.
    """

    def __init__(self, channels: Sequence[int], out: int, points: int, matrices: int, shrunk: int) -> None:
        super().__init__()
        self.predictor = Hourglass(channels, out)
        self.kp = nn.Conv2d(self.predictor.out_count, points, 7)
        self.jacobian = nn.Conv2d(self.predictor.out_count, 4 * matrices, 7) if matrices else None
        if shrunk > 1:
            self.down = _Shrunk(shrunk)
        self.is_shrunk = shrunk > 1

    def forward(self, face: Tensor) -> tuple[Tensor, Tensor | None]:
        features = self.predictor(self.down(face) if self.is_shrunk else face)
        scores = self.kp(features)
        _, count, height, width = scores.shape
        heat = (scores.flatten(2) / _TEMPERATURE).softmax(2)  # [1, K, places]
        points = heat @ places(height, width).reshape(-1, 2)
        if self.jacobian is None:
            return points, None
        maps = self.jacobian(features).reshape(1, -1, 4, height * width)
        matrices = (heat[:, :, None] * maps).sum(3)
        return points, matrices.reshape(1, count, 2, 2)


class DenseMotion(nn.Module):
    """Where each pixel of the moved face comes from in the source, and how far it can be seen there."""

    def __init__(self, channels: Sequence[int], out: int, points: int, shrunk: int, *, occlusion: bool) -> None:
        super().__init__()
        self.hourglass = Hourglass(channels, out)
        self.mask = nn.Conv2d(self.hourglass.out_count, points + 1, 7, padding=3)
        self.occlusion = nn.Conv2d(self.hourglass.out_count, 1, 7, padding=3) if occlusion else None
        if shrunk > 1:
            self.down = _Shrunk(shrunk)
        self.shrunk = shrunk

    def small(self, face: Tensor) -> Tensor:
        made: Tensor = self.down(face) if self.shrunk > 1 else face
        return made

    def forward(self, small: Tensor, source: Pose, now: Pose) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return mask [1, K + 1, h, w], of which the first stands still; deformation [1, h, w, 2]; occlusion [1, 1, h,
        w] in 0..1, 1 where the source shows it, None where the network knows none.
        """
        height, width = small.shape[2:]
        grid = places(height, width)
        guesses = _guesses(grid, source, now)
        count = len(guesses)
        moved = functional.grid_sample(small.expand(count, -1, -1, -1), guesses, align_corners=False)
        heat = _spots(grid, now.points) - _spots(grid, source.points)
        heat = torch.cat([torch.zeros(1, height, width), heat])[:, None]
        features = self.hourglass(torch.cat([heat, moved], dim=1).reshape(1, -1, height, width))
        mask = self.mask(features).softmax(1)
        deformation = (guesses * mask[0, :, :, :, None]).sum(0, keepdim=True)
        return mask, deformation, None if self.occlusion is None else self.occlusion(features).sigmoid()


class Pose:
    """Points [K, 2] and their matrices [K, 2, 2], None where the family has none."""

    def __init__(self, points: Tensor, matrices: Tensor | None) -> None:
        self.points, self.matrices = points, matrices

    def numbers(self) -> Tensor:
        """Return them in one row, [1, 6 K] or [1, 2 K]."""
        flat = self.points.reshape(1, -1)
        return flat if self.matrices is None else torch.cat([flat, self.matrices.reshape(1, -1)], dim=1)

    @classmethod
    def of(cls, motion: Tensor, count: int) -> Pose:
        """Return what `numbers` made a row of."""
        points = motion[0, : 2 * count].reshape(count, 2)
        return cls(points, motion[0, 2 * count :].reshape(count, 2, 2) if motion.shape[1] > 2 * count else None)

    def carried_onto(self, source: Pose, rest: Pose, *, scaled: bool = True) -> Pose:
        """Return the source's pose, changed as this one differs from `rest`.

        `scaled`: by as much as the source's points span more than the driving face's, square roots of the areas of
        their convex hulls.
        """
        times = torch.ones(())
        if scaled:
            own, driving = (hull_area(pose.points).clamp(min=_LEAST_AREA) for pose in (source, rest))
            times = (own / driving).sqrt()
        points = (self.points - rest.points) * times + source.points
        if self.matrices is None or rest.matrices is None or source.matrices is None:
            return Pose(points, None)
        return Pose(points, self.matrices @ inverse_2x2(rest.matrices) @ source.matrices)


def _guesses(grid: Tensor, source: Pose, now: Pose) -> Tensor:
    """Return where each place comes from by each point's account, [K + 1, h, w, 2]; by the first from itself."""
    height, width, _ = grid.shape
    away = grid - now.points[:, None, None]
    if source.matrices is not None and now.matrices is not None:
        turn = source.matrices @ inverse_2x2(now.matrices)
        away = (away.reshape(len(turn), -1, 2) @ turn.transpose(1, 2)).reshape(-1, height, width, 2)
    return torch.cat([grid[None], away + source.points[:, None, None]])


def _spots(grid: Tensor, points: Tensor) -> Tensor:
    """Return a Gaussian spot for each point, [K, h, w]."""
    squared = (grid - points[:, None, None]).square().sum(-1)
    return torch.exp(-0.5 * squared / _VARIANCE)


class Generator(nn.Module):
    """The source's features, moved, as a picture. `channels`: after the first layer and each halving."""

    def __init__(self, channels: Sequence[int], blocks: int, dense: nn.Module) -> None:
        super().__init__()
        self.dense_motion_network = dense
        self.first = SameBlock(3, channels[0], 7)
        self.down_blocks = nn.ModuleList(DownBlock(before, after) for before, after in pairwise(channels))
        self.up_blocks = nn.ModuleList(UpBlock(before, after) for before, after in pairwise(reversed(channels)))
        self.bottleneck = nn.Sequential()
        for number in range(blocks):
            self.bottleneck.add_module(f"r{number}", ResBlock(channels[-1]))
        self.final = nn.Conv2d(channels[0], 3, 7, padding=3)
        self.out_count = channels[-1]

    def encoded(self, face: Tensor) -> Tensor:
        features: Tensor = self.first(face)
        for block in self.down_blocks:
            features = block(features)
        return features

    def decoded(self, features: Tensor, deformation: Tensor, occlusion: Tensor | None) -> Tensor:
        size = features.shape[2:]
        if deformation.shape[1:3] != size:
            planes = functional.interpolate(deformation.permute(0, 3, 1, 2), size=size, mode="bilinear")
            deformation = planes.permute(0, 2, 3, 1)
        out = functional.grid_sample(features, deformation, align_corners=False)
        if occlusion is not None:
            if occlusion.shape[2:] != size:
                occlusion = functional.interpolate(occlusion, size=size, mode="bilinear")
            out = out * occlusion
        out = self.bottleneck(out)
        for block in self.up_blocks:
            out = block(out)
        return self.final(out).sigmoid()  # type: ignore[no-any-return]


class FirstOrderModel(MotionNetwork):
    """Both networks as one."""

    def __init__(
        self,
        kp_detector: KeypointDetector,
        generator: Generator,
        points: int,
        matrices: int,
        side_px: int = SIDE_PX,
    ) -> None:
        super().__init__()
        self.side_px = self.drawn_px = side_px
        self.kp_detector, self.generator, self.points = kp_detector, generator, points
        self.motion_count = points * (6 if matrices else 2)
        side = side_px >> len(generator.down_blocks)
        self._encoded = torch.Size((1, generator.out_count, side, side))
        side = side_px // self._dense.shrunk
        self._small = torch.Size((1, 3, side, side))
        self.feature_count = self._encoded.numel() + self._small.numel()

    @property
    def _dense(self) -> DenseMotion:
        dense = self.generator.dense_motion_network
        assert isinstance(dense, DenseMotion)
        return dense

    def features(self, face: Tensor) -> Tensor:
        encoded, small = self.generator.encoded(face), self._dense.small(face)
        return torch.cat([encoded.reshape(1, -1), small.reshape(1, -1)], dim=1)

    def motion(self, face: Tensor) -> Tensor:
        return self.pose(face).numbers()

    def pose(self, face: Tensor) -> Pose:
        points, matrices = self.kp_detector(face)
        return Pose(points[0], None if matrices is None else matrices[0])

    def draw(self, features: Tensor, source: Tensor, rest: Tensor, driving: Tensor) -> tuple[Tensor, Tensor]:
        own, held, now = (Pose.of(numbers, self.points) for numbers in (source, rest, driving))
        return self.drawn(features, own, now.carried_onto(own, held))

    def drawn(self, features: Tensor, source: Pose, now: Pose) -> tuple[Tensor, Tensor]:
        """Return the source's picture with its face held as `now`, and the share of each pixel that is new."""
        mask, deformation, occlusion = self.moved(features, source, now)
        count = self._encoded.numel()
        picture = self.generator.decoded(features[:, :count].reshape(self._encoded), deformation, occlusion)
        still = mask[:, :1] if occlusion is None else mask[:, :1] * occlusion
        return picture, functional.interpolate(1 - still, size=picture.shape[2:], mode="bilinear")

    def moved(self, features: Tensor, source: Pose, now: Pose) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return mask, deformation and occlusion, as the dense motion network gives them."""
        count = self._encoded.numel()
        return self._dense(features[:, count:].reshape(self._small), source, now)  # type: ignore[no-any-return]


class FirstOrderLayout(Layout):
    name = "first_order"
    members = (GENERATOR, DETECTOR)
    picture = PictureFormat()

    def recognises(self, weights: Weights) -> bool:
        telling = (
            "generator.dense_motion_network.mask.weight",
            "generator.bottleneck.r0.conv1.weight",
            "kp_detector.kp.weight",
            "kp_detector.predictor.encoder.down_blocks.0.conv.weight",
        )
        return sum(name in weights for name in telling) >= 2

    def parts(self, weights: Weights) -> Sequence[Part]:
        for member, what in ((GENERATOR, "generator"), (DETECTOR, "keypoint detector")):
            if not any(name.startswith(f"{member}.") for name in weights):
                raise ModelError(
                    f"{weights.where} is half of a first-order model: it lacks the {what} ('{member}'); "
                    "take the checkpoint that holds both"
                )
        points = weights.shape("kp_detector.kp.weight")[0]
        matrices = 0
        if "kp_detector.jacobian.weight" in weights:
            matrices = weights.shape("kp_detector.jacobian.weight")[0] // 4
        detector = KeypointDetector(
            *_hourglass(weights, "kp_detector.predictor", 3), points, matrices, _shrunk(weights, "kp_detector")
        )
        dense_name = "generator.dense_motion_network"
        drawn = weights.shape(f"{dense_name}.mask.weight")[0] - 1
        if drawn != points:
            raise ModelError(
                f"{weights.where}: its detector finds {points} points and its generator moves {drawn}; they are halves "
                "of two models"
            )
        dense = DenseMotion(
            *_hourglass(weights, f"{dense_name}.hourglass", 4 * (points + 1)),
            points,
            _shrunk(weights, dense_name),
            occlusion=f"{dense_name}.occlusion.weight" in weights,
        )
        count = weights.count("generator.down_blocks.{}.conv.weight")
        channels = [weights.shape("generator.first.conv.weight")[0]]
        channels += [weights.shape(f"generator.down_blocks.{number}.conv.weight")[0] for number in range(count)]
        blocks = weights.count("generator.bottleneck.r{}.conv1.weight")
        network = FirstOrderModel(detector, Generator(channels, blocks, dense), points, matrices)
        weights.fill(network)
        return [Part(ModelKind.MOTION, network, self.picture, side_px=SIDE_PX, alignment=_ALIGNMENT)]


def _hourglass(weights: Weights, name: str, pictures: int) -> tuple[list[int], int]:
    """Return the channels of a U-Net, its picture's first, and those it ends with beside these."""
    count = weights.count(f"{name}.encoder.down_blocks.{{}}.conv.weight")
    halved = [weights.shape(f"{name}.encoder.down_blocks.{number}.conv.weight")[0] for number in range(count)]
    last = max(count - 1, 0)
    return [pictures, *halved], weights.shape(f"{name}.decoder.up_blocks.{last}.conv.weight")[0]


def _shrunk(weights: Weights, name: str) -> int:
    """Return how many times smaller a network sees its picture, which the width of its blur tells: 13 for 4."""
    if f"{name}.down.weight" not in weights:
        return 1
    return (weights.shape(f"{name}.down.weight")[-1] - 1) // 4 + 1
