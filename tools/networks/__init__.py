"""Networks that can be trained or exported here, and what a layout tells of itself.

A layout is the naming and wiring of a family of networks, whatever their widths: it knows its checkpoints by the names
of their weights, reads the widths from their shapes, and says which pictures the network wants. To add one, write a
module with a subclass of `Layout` and give it a line in `LAYOUTS`.
"""

from __future__ import annotations

import abc
import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from realtime.core.errors import ModelError, shown
from realtime.core.registry import RegistryEntry
from realtime.model_import.hints import ColourOrder
from realtime.models.card import ModelKind
from tools.networks.weights import Weights


@dataclasses.dataclass(frozen=True, slots=True)
class PictureFormat:
    """Which pictures a network takes and gives: float32 [1, 3, height, width]."""

    black: float = 0.0
    """The network's number for a pixel of 0 …"""
    white: float = 1.0
    """… and for one of 255."""
    order: ColourOrder = ColourOrder.RGB
    multiple: int = 1
    """Both sides must be multiples of it, and so it is the least side too."""


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One file to be: a network, filled and in evaluation mode, and what its kind must know of it.

    | kind    | the network takes            | and gives                                                |
    | ------- | ---------------------------- | -------------------------------------------------------- |
    | style   | a picture [1, 3, H, W]       | a picture of the same size                               |
    | swap    | a face [1, 3, S, S]          | a face, alone or with a mask [1, 1, S, S] in 0..1        |
    | decoder | z [1, Z], or as a            | a face [1, 3, S, S]                                      |
    |         | `LayeredDecoder`             |                                                          |
    | morph   | as an `Autoencoder`          |                                                          |
    | motion  | as a `MotionNetwork`         |                                                          |
    """

    kind: ModelKind
    network: nn.Module
    picture: PictureFormat
    suffix: str = ""
    """Added to the file's name where a checkpoint makes several files."""
    side_px: int = 0
    """swap, decoder, morph, motion: S."""
    latent: int = 0
    """decoder, morph: Z."""
    alignment: str = ""
    """motion: how faces lie in their crop, where neither the checkpoint nor the user says (`realtime.models.card`)."""
    layers: int = 0
    """decoder: L of a `LayeredDecoder`; 0: it takes z alone."""
    light: int = 0
    """morph: how many numbers at the end of a code are the light."""
    latent_space: str = ""
    """decoder: what is known of its codes, as the card says it."""
    half_weights: bool = False
    """The file holds its large tensors as float16 and computes with float32: half the size, where the error of 11 bits
    is not seen."""
    quick: Callable[[], nn.Module] | None = None
    """Builds a module that speaks the contract of `realtime.models.card` itself, where a layout can do it faster than
    the general wrapping: frame uint8 [1, height, width, 3] BGR in, the same out."""


class Autoencoder(nn.Module):
    """Both halves as one network: a morph's."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        """`encoder`: a face [1, 3, S, S] to z [1, Z]; `decoder`: codes [N, Z] to faces [N, 3, S, S]."""
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, face: Tensor, keep: Tensor, add: Tensor) -> tuple[Tensor, Tensor]:
        """Return z, and what `keep` [N, 1] · z + `add` [N, Z] are drawn as."""
        z = self.encoder(face)
        return z, self.decoder(keep * z + add)


class LayeredDecoder(nn.Module):
    """A mapping and a synthesis that takes a code for each of its layers: a StyleGAN's."""

    mean: Tensor

    def __init__(self, mapping: nn.Module, synthesis: nn.Module, mean: Tensor, layers: int) -> None:
        """`mapping`: z [1, Z] to w [1, W]; `synthesis`: [1, L, W] to a picture [1, 3, S, S]; `mean` of w, [W]."""
        super().__init__()
        self.mapping, self.synthesis, self.layers = mapping, synthesis, layers
        self.register_buffer("mean", mean.detach().clone())

    def forward(self, z: Tensor, truncation: Tensor, fine: Tensor, layers: Tensor) -> Tensor:
        """Draw `z`, in each layer drawn towards `fine` by `layers` [1, L], all of it `truncation` [1] far from the
        mean: 1 as it is, 0 the mean picture.
        """
        coarse = self.mapping(z)
        mixed = coarse[:, None] + layers[:, :, None] * (self.mapping(fine) - coarse)[:, None]
        picture: Tensor = self.synthesis(self.mean + truncation * (mixed - self.mean))
        return picture

    def from_w(self) -> LayeredDecoder:
        """Return it without its mapping: its codes are w themselves."""
        return LayeredDecoder(nn.Identity(), self.synthesis, self.mean, self.layers).eval()


class Layout(abc.ABC):
    """A family of networks whose checkpoints are known by the names of their weights."""

    name: str
    """As the card of the exported model tells it."""
    members: Sequence[str] = ()
    """Of a family that is several networks: the names they lie under in a checkpoint. Their weights are told apart by
    these, as in `generator.first.conv.weight`."""

    @abc.abstractmethod
    def recognises(self, weights: Weights) -> bool:
        """Tell whether the weights are of this family: by names that no other family has, and a few only, so that a
        damaged checkpoint is known for what it is and its fault can be named.
        """

    @abc.abstractmethod
    def parts(self, weights: Weights) -> Sequence[Part]:
        """Build the networks, widths read from the shapes. Raises ModelError where weights are missing, too many or
        do not fit.
        """


LAYOUTS: Mapping[str, RegistryEntry] = {
    "brush": RegistryEntry("tools.networks.brush_layout", "BrushLayout", "the fast styles that ship"),
    "drawn": RegistryEntry("tools.networks.drawn.layout", "DrawnLayout", "the styles that nothing is learnt for"),
    "fast_neural_style": RegistryEntry(
        "tools.networks.fast_neural_style", "FastNeuralStyleLayout", "pytorch/examples' TransformerNet, any width"
    ),
    "cyclegan_resnet": RegistryEntry(
        "tools.networks.cyclegan_resnet", "CycleganResnetLayout", "CycleGAN's ResNet generator, junyanz' naming"
    ),
    "pix2pix_unet": RegistryEntry(
        "tools.networks.pix2pix_unet", "Pix2PixUnetLayout", "pix2pix's U-Net, junyanz' naming"
    ),
    "animegan2": RegistryEntry("tools.networks.animegan2", "AnimeGan2Layout", "AnimeGANv2, bryandlee's naming"),
    "lapstyle": RegistryEntry("tools.networks.lapstyle", "LapStyleLayout", "drafted small, revised level by level"),
    "vae_64": RegistryEntry("tools.networks.vae_64", "Vae64Layout", "a VAE of faces: encoder and decoder"),
    "face_vae": RegistryEntry("tools.networks.face_vae", "FaceVaeLayout", "the morph's: faces as numbers, light apart"),
    "faceswap_autoencoder": RegistryEntry(
        "tools.networks.faceswap_autoencoder", "FaceswapAutoencoderLayout", "one encoder, a decoder for each face"
    ),
    "swap_light": RegistryEntry(
        "tools.networks.swap_light", "SwapLightLayout", "the same idea, larger faces, a mask, faster"
    ),
    "first_order": RegistryEntry(
        "tools.networks.first_order", "FirstOrderLayout", "first-order motion model: generator and keypoint detector"
    ),
    "live_portrait": RegistryEntry(
        "tools.networks.live_portrait", "LivePortraitLayout", "LivePortrait: a folder with its five files"
    ),
    "stylegan2": RegistryEntry(
        "tools.networks.stylegan2", "StyleGan2RosinalityLayout", "StyleGAN2, rosinality's naming, any size"
    ),
    "stylegan2_ada": RegistryEntry(
        "tools.networks.stylegan2", "StyleGan2AdaLayout", "the same, NVIDIA's naming, its .pkl files too"
    ),
    "dcgan": RegistryEntry("tools.networks.dcgan", "DcganLayout", "DCGAN's generator and its like, any names"),
}


def layout_of(weights: Weights) -> Layout | None:
    """Return the layout that knows these weights, None where none does."""
    for entry in LAYOUTS.values():
        layout = entry.load()()
        assert isinstance(layout, Layout)
        if layout.recognises(weights):
            return layout
    return None


def layouts_of_members() -> list[Layout]:
    """Return those of several networks."""
    layouts = [entry.load()() for entry in LAYOUTS.values()]
    return [layout for layout in layouts if layout.members]


def known_layouts() -> str:
    """Return the names for a message."""
    return ", ".join(LAYOUTS)


_NOT_READ = {
    "fg_encoder.": ("the thin-plate-spline motion model", "the first-order model or LivePortrait"),
    "pixelwise_flow_predictor.": ("the articulated motion model", "the first-order model or LivePortrait"),
    "synthesis.input.freqs": ("StyleGAN3 in its configuration t or r", "its configuration stylegan2, or StyleGAN2"),
}
"""How weights begin, or a part of them: which they are, and what to take instead (docs/export.md says why)."""


def unknown(weights: Weights) -> ModelError:
    """Return the error for weights no layout knows."""
    for begin, (title, instead) in _NOT_READ.items():
        if any(begin in name for name in weights):
            return ModelError(f"{weights.where} is {title}, which is not read; take a checkpoint of {instead}")
    first = ", ".join(shown(name, 60) for name in itertools.islice(weights, 3))
    return ModelError(
        f"{weights.where} is of no known layout (its weights: {first} …; known: {known_layouts()}); "
        "name its code with --network FILE.py:Class"
    )
