"""LivePortrait (Guo et al., "LivePortrait: Efficient Portrait Animation with Stitching and Retargeting Control", 2024),
by the names of its authors' five files.

A face is held as K points in space: canonical ones, turned by the head's pose, moved by its expression, scaled and
shifted. The source's features are a volume; between two sets of points it is warped in depth, too, and drawn. A small
network corrects the points so that shoulders stay where the picture around has them ("stitching"). Those for eyes and
lips by given openings ("retargeting") are read, and belong to no model here: a driving face brings its own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError
from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.motion import DownBlock, MotionNetwork, SameBlock
from tools.networks.volumes import places, sampled_volume
from tools.networks.weights import Weights

SIDE_PX = 256
_ALIGNMENT = "mesh coverage=3 x=0 y=-0.15"
"""A head and shoulders, upright: its program cuts 2.3 times the landmarks, an eighth of that higher."""
_BINS = 66
_BIN_DEGREES, _FIRST_BIN_DEGREES = 3.0, -97.5
_VARIANCE = 0.01
"""Of the spot that stands for a point, in half sides of the volume."""
_SLOPE = 0.2
_HIDDEN = 128
"""Channels of the layers that turn features into a normalisation; the program builds no other."""
FEATURES, MOTION, WARPING, DRAWING, STITCHING = (
    "appearance_feature_extractor",
    "motion_extractor",
    "warping_module",
    "spade_generator",
    "stitching_retargeting_module",
)


class _ResBlock3d(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm1 = nn.BatchNorm3d(channels)
        self.norm2 = nn.BatchNorm3d(channels)

    def forward(self, volume: Tensor) -> Tensor:
        out = self.conv1(functional.relu(self.norm1(volume)))
        added: Tensor = self.conv2(functional.relu(self.norm2(out))) + volume
        return added


class AppearanceFeatureExtractor(nn.Module):
    """A face [1, 3, S, S] to a volume [1, C, D, S / 4, S / 4]. `channels`: after the first layer and each halving."""

    def __init__(self, channels: Sequence[int], volume: tuple[int, int], blocks: int) -> None:
        super().__init__()
        self.volume = volume
        self.first = SameBlock(3, channels[0], 3)
        self.down_blocks = nn.ModuleList(DownBlock(before, after) for before, after in pairwise(channels))
        self.second = nn.Conv2d(channels[-1], math.prod(volume), 1)
        self.resblocks_3d = nn.Sequential()
        for number in range(blocks):
            self.resblocks_3d.add_module(f"3dr{number}", _ResBlock3d(volume[0]))

    def forward(self, face: Tensor) -> Tensor:
        features = self.first(face)
        for block in self.down_blocks:
            features = block(features)
        flat = self.second(features)
        volume: Tensor = self.resblocks_3d(flat.reshape(1, *self.volume, *flat.shape[2:]))
        return volume


class _ChannelNorm(nn.Module):
    """Of each place, over its channels; `first`: channels come before places."""

    def __init__(self, channels: int, *, first: bool) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.first = first

    def forward(self, features: Tensor) -> Tensor:
        channels = (self.weight.shape[0],)
        if not self.first:
            return functional.layer_norm(features, channels, self.weight, self.bias, 1e-6)
        rows = functional.layer_norm(features.permute(0, 2, 3, 1), channels, self.weight, self.bias, 1e-6)
        return rows.permute(0, 3, 1, 2)


class _ResponseNorm(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, channels))

    def forward(self, features: Tensor) -> Tensor:
        size = features.square().sum((1, 2), keepdim=True).sqrt()
        relative = size / (size.mean(-1, keepdim=True) + 1e-6)
        return self.gamma * (features * relative) + self.beta + features


class _ConvNextBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = _ChannelNorm(channels, first=False)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.grn = _ResponseNorm(4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        rows = self.norm(self.dwconv(features).permute(0, 2, 3, 1))
        wide = self.grn(functional.gelu(self.pwconv1(rows)))
        added: Tensor = features + self.pwconv2(wide).permute(0, 3, 1, 2)
        return added


class _ConvNext(nn.Module):
    """ConvNeXt V2 with a head for each thing that is told of a face."""

    def __init__(self, depths: Sequence[int], channels: Sequence[int], points: int) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, channels[0], 4, stride=4), _ChannelNorm(channels[0], first=True))
        between = [
            nn.Sequential(_ChannelNorm(before, first=True), nn.Conv2d(before, after, 2, stride=2))
            for before, after in pairwise(channels)
        ]
        self.downsample_layers = nn.ModuleList([stem, *between])
        self.stages = nn.ModuleList(
            nn.Sequential(*(_ConvNextBlock(count) for _ in range(depth)))
            for depth, count in zip(depths, channels, strict=True)
        )
        self.norm = nn.LayerNorm(channels[-1], eps=1e-6)
        self.fc_kp = nn.Linear(channels[-1], 3 * points)
        self.fc_scale = nn.Linear(channels[-1], 1)
        self.fc_pitch, self.fc_yaw, self.fc_roll = (nn.Linear(channels[-1], _BINS) for _ in range(3))
        self.fc_t = nn.Linear(channels[-1], 3)
        self.fc_exp = nn.Linear(channels[-1], 3 * points)

    def forward(self, face: Tensor) -> Tensor:
        """Return a pose's numbers in one row (`Pose3d`)."""
        features = face
        for halve, stage in zip(self.downsample_layers, self.stages, strict=True):
            features = stage(halve(features))
        seen = self.norm(features.mean((2, 3)))
        angles = [_degrees(head(seen)) for head in (self.fc_pitch, self.fc_yaw, self.fc_roll)]
        rest = [head(seen) for head in (self.fc_t, self.fc_scale, self.fc_exp, self.fc_kp)]
        return torch.cat([*angles, *rest], dim=1)


def _degrees(bins: Tensor) -> Tensor:
    """Return the angle [1, 1] that scores of 66 bins stand for."""
    return (bins.softmax(1) * torch.arange(_BINS)).sum(1, keepdim=True) * _BIN_DEGREES + _FIRST_BIN_DEGREES


class MotionExtractor(nn.Module):
    def __init__(self, depths: Sequence[int], channels: Sequence[int], points: int) -> None:
        super().__init__()
        self.detector = _ConvNext(depths, channels, points)

    def forward(self, face: Tensor) -> Tensor:
        found: Tensor = self.detector(face)
        return found


class Pose3d:
    """How a face is held: three angles in degrees, a shift [3], a scale, an expression [K, 3] and canonical points."""

    def __init__(self, motion: Tensor, points: int) -> None:
        """`motion`: the row of numbers [1, 7 + 6 K] that `MotionExtractor` gives."""
        row = motion[0]
        self.pitch, self.yaw, self.roll = row[0], row[1], row[2]
        self.shift, self.scale = row[3:6], row[6]
        self.expression = row[7 : 7 + 3 * points].reshape(points, 3)
        self.canonical = row[7 + 3 * points :].reshape(points, 3)

    def rotation(self) -> Tensor:
        """Return the matrix [3, 3] that points are multiplied with from the right."""
        x, y, z = (angle / 180 * math.pi for angle in (self.pitch, self.yaw, self.roll))
        zero, one = torch.zeros(()), torch.ones(())
        about_x = [one, zero, zero, zero, x.cos(), -x.sin(), zero, x.sin(), x.cos()]
        about_y = [y.cos(), zero, y.sin(), zero, one, zero, -y.sin(), zero, y.cos()]
        about_z = [z.cos(), -z.sin(), zero, z.sin(), z.cos(), zero, zero, zero, one]
        turns = [torch.stack(entries).reshape(3, 3) for entries in (about_z, about_y, about_x)]
        return (turns[0] @ turns[1] @ turns[2]).T

    def points(self) -> Tensor:
        """Return where its points are, [K, 3]; a head is not moved in depth."""
        return _placed(self.canonical @ self.rotation() + self.expression, self.scale, self.shift)

    def carried_onto(self, source: Pose3d, rest: Pose3d) -> Tensor:
        """Return the source's points, held otherwise as this face is held otherwise than `rest`."""
        rotation = self.rotation() @ rest.rotation().T @ source.rotation()
        expression = source.expression + (self.expression - rest.expression)
        scale, shift = source.scale * (self.scale / rest.scale), source.shift + (self.shift - rest.shift)
        return _placed(source.canonical @ rotation + expression, scale, shift)


def _placed(points: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return points * scale + functional.pad(shift[:2], (0, 1))


class _DownBlock3d(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels, out, 3, padding=1)
        self.norm = nn.BatchNorm3d(out)

    def forward(self, volume: Tensor) -> Tensor:
        return functional.avg_pool3d(functional.relu(self.norm(self.conv(volume))), (1, 2, 2))


class _UpBlock3d(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels, out, 3, padding=1)
        self.norm = nn.BatchNorm3d(out)

    def forward(self, volume: Tensor) -> Tensor:
        large = functional.interpolate(volume, scale_factor=(1.0, 2.0, 2.0))
        return functional.relu(self.norm(self.conv(large)))


class _Encoder3d(nn.Module):
    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.down_blocks = nn.ModuleList(_DownBlock3d(before, after) for before, after in pairwise(channels))

    def forward(self, volume: Tensor) -> list[Tensor]:
        return list(itertools.accumulate(self.down_blocks, lambda found, block: block(found), initial=volume))


class _Decoder3d(nn.Module):
    def __init__(self, channels: Sequence[int], out: int) -> None:
        super().__init__()
        inner = list(reversed(channels))
        taken = [inner[0], *(2 * count for count in inner[1:-1])]
        self.up_blocks = nn.ModuleList(map(_UpBlock3d, taken, [*inner[1:-1], out]))
        self.out_count = out + channels[0]
        self.conv = nn.Conv3d(self.out_count, self.out_count, 3, padding=1)
        self.norm = nn.BatchNorm3d(self.out_count)

    def forward(self, found: list[Tensor]) -> Tensor:
        *skipped, out = found
        for block, skip in zip(self.up_blocks, reversed(skipped), strict=True):
            out = torch.cat([block(out), skip], dim=1)
        return functional.relu(self.norm(self.conv(out)))


class _Hourglass3d(nn.Module):
    def __init__(self, channels: Sequence[int], out: int) -> None:
        super().__init__()
        self.encoder = _Encoder3d(channels)
        self.decoder = _Decoder3d(channels, out)

    def forward(self, volume: Tensor) -> Tensor:
        made: Tensor = self.decoder(self.encoder(volume))
        return made


class DenseMotion3d(nn.Module):
    """Where each place of the moved volume comes from, and how far the source shows it."""

    def __init__(
        self, volume: tuple[int, int], narrow: int, points: int, channels: Sequence[int], out: int, *, occlusion: bool
    ) -> None:
        super().__init__()
        self.compress = nn.Conv3d(volume[0], narrow, 1)
        self.norm = nn.BatchNorm3d(narrow)
        self.hourglass = _Hourglass3d([(points + 1) * (narrow + 1), *channels], out)
        self.mask = nn.Conv3d(self.hourglass.decoder.out_count, points + 1, 7, padding=3)
        seen = self.hourglass.decoder.out_count * volume[1]
        self.occlusion = nn.Conv2d(seen, 1, 7, padding=3) if occlusion else None

    def narrowed(self, volume: Tensor) -> Tensor:
        """Return of the source's features what the guesses are tried on."""
        return functional.relu(self.norm(self.compress(volume)))

    def forward(self, narrow: Tensor, source: Tensor, now: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return mask [1, K + 1, D, h, w], deformation [1, D, h, w, 3] and occlusion [1, 1, h, w]."""
        size = narrow.shape[2:]
        grid = places(*size)
        guesses = torch.cat([grid[None], grid - (now - source)[:, None, None, None]])
        moved = sampled_volume(narrow.expand(len(guesses), -1, -1, -1, -1), guesses)
        heat = _spots(grid, now) - _spots(grid, source)
        heat = torch.cat([torch.zeros(1, *size), heat])[:, None]
        features = self.hourglass(torch.cat([heat, moved], dim=1).reshape(1, -1, *size))
        mask = self.mask(features).softmax(1)
        deformation = (guesses * mask[0, ..., None]).sum(0, keepdim=True)
        if self.occlusion is None:
            return mask, deformation, None
        return mask, deformation, self.occlusion(features.reshape(1, -1, *size[1:])).sigmoid()


def _spots(grid: Tensor, points: Tensor) -> Tensor:
    squared = (grid - points[:, None, None, None]).square().sum(-1)
    return torch.exp(-0.5 * squared / _VARIANCE)


class _LeakyBlock(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, padding=1)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, features: Tensor) -> Tensor:
        return functional.leaky_relu(self.norm(self.conv(features)), 0.01)


class WarpingModule(nn.Module):
    """The moved volume as flat features [1, `out`, h, w]."""

    def __init__(self, dense: DenseMotion3d, volume: tuple[int, int], out: int) -> None:
        super().__init__()
        self.dense_motion_network = dense
        self.third = _LeakyBlock(math.prod(volume), out)
        self.fourth = nn.Conv2d(out, out, 1)

    def forward(self, volume: Tensor, deformation: Tensor, occlusion: Tensor | None) -> Tensor:
        moved = sampled_volume(volume, deformation)
        flat: Tensor = self.fourth(self.third(moved.reshape(1, -1, *moved.shape[3:])))
        return flat if occlusion is None else flat * occlusion


class _Spade(nn.Module):
    """Normalised, then scaled and shifted by what the moved features say of each place."""

    def __init__(self, channels: int, label: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(label, _HIDDEN, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(_HIDDEN, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(_HIDDEN, channels, 3, padding=1)

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        normal = functional.instance_norm(features)
        if label.shape[2:] != features.shape[2:]:
            label = functional.interpolate(label, size=features.shape[2:])
        said = self.mlp_shared(label)
        shifted: Tensor = normal * (1 + self.mlp_gamma(said)) + self.mlp_beta(said)
        return shifted


class _SpadeBlock(nn.Module):
    def __init__(self, channels: int, out: int, label: int) -> None:
        super().__init__()
        middle = min(channels, out)
        self.conv_0 = nn.Conv2d(channels, middle, 3, padding=1)
        self.conv_1 = nn.Conv2d(middle, out, 3, padding=1)
        self.norm_0, self.norm_1 = _Spade(channels, label), _Spade(middle, label)
        self.is_direct = channels == out
        if not self.is_direct:
            self.conv_s = nn.Conv2d(channels, out, 1, bias=False)
            self.norm_s = _Spade(channels, label)

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        direct = features if self.is_direct else self.conv_s(self.norm_s(features, label))
        out = self.conv_0(functional.leaky_relu(self.norm_0(features, label), _SLOPE))
        added: Tensor = direct + self.conv_1(functional.leaky_relu(self.norm_1(out, label), _SLOPE))
        return added


class SpadeGenerator(nn.Module):
    """Flat features [1, `channels`, h, w] to a picture four times as large, or eight where it is `doubled`."""

    def __init__(self, channels: int, last: int, middle: int, *, doubled: bool) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.middle_count = middle
        for number in range(middle):
            self.add_module(f"G_middle_{number}", _SpadeBlock(2 * channels, 2 * channels, channels))
        self.up_0 = _SpadeBlock(2 * channels, channels, channels)
        self.up_1 = _SpadeBlock(channels, last, channels)
        self.conv_img: nn.Module = nn.Conv2d(last, 3, 3, padding=1)
        if doubled:
            self.conv_img = nn.Sequential(nn.Conv2d(last, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, moved: Tensor) -> Tensor:
        out = self.fc(moved)
        for number in range(self.middle_count):
            out = self.get_submodule(f"G_middle_{number}")(out, moved)
        for block in (self.up_0, self.up_1):
            out = block(functional.interpolate(out, scale_factor=2.0), moved)
        return self.conv_img(functional.leaky_relu(out, _SLOPE)).sigmoid()  # type: ignore[no-any-return]


class _Correction(nn.Module):
    """A few layers that answer rows of numbers. `counts`: how many go in, and after each layer."""

    def __init__(self, counts: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise(counts):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.mlp = nn.Sequential(*layers[:-1])

    def forward(self, numbers: Tensor) -> Tensor:
        answer: Tensor = self.mlp(numbers)
        return answer


class StitchingModule(nn.Module):
    """Corrections of points: so that shoulders stay; for lips and for eyes that open so far."""

    def __init__(self, shoulder: Sequence[int], mouth: Sequence[int], eye: Sequence[int]) -> None:
        super().__init__()
        self.retarget_shoulder = _Correction(shoulder)
        self.retarget_mouth = _Correction(mouth)
        self.retarget_eye = _Correction(eye)

    def stitched(self, source: Tensor, now: Tensor) -> Tensor:
        """Return the points `now` [K, 3], corrected."""
        delta = self.retarget_shoulder(torch.cat([source.reshape(1, -1), now.reshape(1, -1)], dim=1))[0]
        count = now.numel()
        moved: Tensor = now + delta[:count].reshape(now.shape) + functional.pad(delta[count : count + 2], (0, 1))
        return moved


class LivePortrait(MotionNetwork):
    """All five as one."""

    def __init__(
        self,
        features: AppearanceFeatureExtractor,
        motion: MotionExtractor,
        warping: WarpingModule,
        drawing: SpadeGenerator,
        stitching: StitchingModule,
        side_px: int = SIDE_PX,
    ) -> None:
        super().__init__()
        self.side_px = side_px
        self.appearance_feature_extractor = features
        self.motion_extractor = motion
        self.warping_module = warping
        self.spade_generator = drawing
        self.stitching_retargeting_module = stitching
        self.points = motion.detector.fc_kp.out_features // 3
        self.motion_count = 7 + 6 * self.points
        side = side_px >> len(features.down_blocks)
        self._volume = torch.Size((1, *features.volume, side, side))
        self._narrow = torch.Size((1, warping.dense_motion_network.compress.out_channels, *self._volume[2:]))
        self.feature_count = self._volume.numel() + self._narrow.numel()
        self.drawn_px = side * (8 if isinstance(drawing.conv_img, nn.Sequential) else 4)

    def features(self, face: Tensor) -> Tensor:
        volume = self.appearance_feature_extractor(face)
        narrow = self.warping_module.dense_motion_network.narrowed(volume)
        return torch.cat([volume.reshape(1, -1), narrow.reshape(1, -1)], dim=1)

    def motion(self, face: Tensor) -> Tensor:
        return self.motion_extractor(face)  # type: ignore[no-any-return]

    def draw(self, features: Tensor, source: Tensor, rest: Tensor, driving: Tensor) -> tuple[Tensor, Tensor]:
        own, held, now = (Pose3d(numbers, self.points) for numbers in (source, rest, driving))
        points = own.points()
        moved = self.stitching_retargeting_module.stitched(points, now.carried_onto(own, held))
        return self.drawn(features, points, moved)

    def drawn(self, features: Tensor, source: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        """Return the source's picture with its points where `now` [K, 3] has them, and the share that is new."""
        mask, deformation, occlusion = self.moved(features, source, now)
        picture = self.spade_generator(self.warped(features, deformation, occlusion))
        still = mask[:, :1].mean(2)  # in all of its depth
        if occlusion is not None:
            still = still * occlusion
        return picture, functional.interpolate(1 - still, size=picture.shape[2:], mode="bilinear")

    def moved(self, features: Tensor, source: Tensor, now: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return mask, deformation and occlusion, as the dense motion network gives them."""
        narrow = features[:, self._volume.numel() :].reshape(self._narrow)
        return self.warping_module.dense_motion_network(narrow, source, now)  # type: ignore[no-any-return]

    def warped(self, features: Tensor, deformation: Tensor, occlusion: Tensor | None) -> Tensor:
        """Return the moved volume as flat features."""
        volume = features[:, : self._volume.numel()].reshape(self._volume)
        return self.warping_module(volume, deformation, occlusion)  # type: ignore[no-any-return]


class LivePortraitLayout(Layout):
    name = "live_portrait"
    members = (FEATURES, MOTION, WARPING, DRAWING, STITCHING)
    picture = PictureFormat()

    def recognises(self, weights: Weights) -> bool:
        telling = (
            f"{FEATURES}.resblocks_3d.3dr0.conv1.weight",
            f"{MOTION}.detector.fc_kp.weight",
            f"{WARPING}.dense_motion_network.compress.weight",
            f"{DRAWING}.up_0.norm_0.mlp_gamma.weight",
            f"{STITCHING}.retarget_shoulder.mlp.0.weight",
        )
        return any(name in weights for name in telling)

    def parts(self, weights: Weights) -> Sequence[Part]:
        missing = [member for member in self.members if not any(name.startswith(f"{member}.") for name in weights)]
        if missing:
            raise ModelError(
                f"{weights.where} lacks {', '.join(missing)}: LivePortrait is five files ({', '.join(self.members)}); "
                "name the folder that holds all of them"
            )
        weights = _without_spectral_norm(weights)
        network = LivePortrait(
            _features_of(weights), _motion_of(weights), _warping_of(weights), _drawing_of(weights), _stitching(weights)
        )
        weights.fill(network)
        return [Part(ModelKind.MOTION, network, self.picture, side_px=SIDE_PX, alignment=_ALIGNMENT)]


def _features_of(weights: Weights) -> AppearanceFeatureExtractor:
    count = weights.count(f"{FEATURES}.down_blocks.{{}}.conv.weight")
    channels = [weights.shape(f"{FEATURES}.first.conv.weight")[0]]
    channels += [weights.shape(f"{FEATURES}.down_blocks.{number}.conv.weight")[0] for number in range(count)]
    return AppearanceFeatureExtractor(
        channels, _volume(weights), weights.count(f"{FEATURES}.resblocks_3d.3dr{{}}.conv1.weight")
    )


def _volume(weights: Weights) -> tuple[int, int]:
    """Return channels and depth of the source's features. Raises ModelError where they do not fit one another."""
    channels = weights.shape(f"{WARPING}.dense_motion_network.compress.weight", 5)[1]
    flat = weights.shape(f"{FEATURES}.second.weight")[0]
    own = weights.shape(f"{FEATURES}.resblocks_3d.3dr0.conv1.weight", 5)[0]
    if own != channels or flat % own:
        raise ModelError(
            f"{weights.where}: {FEATURES} makes volumes of {own} channels out of {flat}, and {WARPING} takes "
            f"{channels}; they are of different models"
        )
    return channels, flat // channels


def _motion_of(weights: Weights) -> MotionExtractor:
    stages = weights.count(f"{MOTION}.detector.downsample_layers.{{}}.0.weight")
    depths = [weights.count(f"{MOTION}.detector.stages.{stage}.{{}}.dwconv.weight") for stage in range(stages)]
    channels = [weights.shape(f"{MOTION}.detector.stages.{stage}.0.dwconv.weight")[0] for stage in range(stages)]
    return MotionExtractor(depths, channels, _points(weights))


def _points(weights: Weights) -> int:
    """Return how many points a face is held as. Raises ModelError where the files do not agree."""
    found = weights.shape(f"{MOTION}.detector.fc_kp.weight", 2)[0] // 3
    moved = weights.shape(f"{WARPING}.dense_motion_network.mask.weight", 5)[0] - 1
    stitched = weights.shape(f"{STITCHING}.retarget_shoulder.mlp.0.weight", 2)[1] // 6
    if not found == moved == stitched:
        raise ModelError(
            f"{weights.where}: {MOTION} finds {found} points, {WARPING} moves {moved} and {STITCHING} takes "
            f"{stitched}; they are of different models"
        )
    return found


def _warping_of(weights: Weights) -> WarpingModule:
    dense, volume = f"{WARPING}.dense_motion_network", _volume(weights)
    count = weights.count(f"{dense}.hourglass.encoder.down_blocks.{{}}.conv.weight")
    names = (f"{dense}.hourglass.encoder.down_blocks.{number}.conv.weight" for number in range(count))
    motion = DenseMotion3d(
        volume,
        weights.shape(f"{dense}.compress.weight", 5)[0],
        _points(weights),
        [weights.shape(name, 5)[0] for name in names],
        weights.shape(f"{dense}.hourglass.decoder.up_blocks.{max(count - 1, 0)}.conv.weight", 5)[0],
        occlusion=f"{dense}.occlusion.weight" in weights,
    )
    return WarpingModule(motion, volume, weights.shape(f"{WARPING}.fourth.weight")[0])


def _drawing_of(weights: Weights) -> SpadeGenerator:
    doubled = f"{DRAWING}.conv_img.0.weight" in weights
    last = weights.shape(f"{DRAWING}.conv_img.0.weight" if doubled else f"{DRAWING}.conv_img.weight")[1]
    middle = weights.count(f"{DRAWING}.G_middle_{{}}.conv_0.weight")
    return SpadeGenerator(weights.shape(f"{DRAWING}.fc.weight")[1], last, middle, doubled=doubled)


def _stitching(weights: Weights) -> StitchingModule:
    def counts(name: str) -> list[int]:
        layers: list[tuple[int, ...]] = []
        while f"{STITCHING}.{name}.mlp.{2 * len(layers)}.weight" in weights:
            layers.append(weights.shape(f"{STITCHING}.{name}.mlp.{2 * len(layers)}.weight", 2))
        if not layers:
            raise ModelError(f"{weights.where}: {STITCHING} lacks the weights of '{name}'; take another copy of it")
        return [layers[0][1], *(layer[0] for layer in layers)]

    return StitchingModule(counts("retarget_shoulder"), counts("retarget_mouth"), counts("retarget_eye"))


def _without_spectral_norm(weights: Weights) -> Weights:
    """Return them with each `weight_orig` divided by its largest singular value, as its `weight_u` and `weight_v` know
    it from training: what the network computes with.
    """
    tensors = dict(weights)
    for name in [name for name in weights if name.endswith(".weight_orig")]:
        stem = name.removesuffix("_orig")
        own = tensors.pop(name)
        left, right = tensors.pop(f"{stem}_u", None), tensors.pop(f"{stem}_v", None)
        if left is None or right is None or (len(left), len(right)) != (own.shape[0], own[0].numel()):
            raise ModelError(f"{weights.where}: '{name}' comes without the '_u' and '_v' of its spectral norm")
        tensors[stem] = own / (left @ own.reshape(own.shape[0], -1) @ right)
    return Weights(tensors, weights.where)
