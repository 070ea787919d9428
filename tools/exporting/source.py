"""What there is to export: from the user's words to networks, whatever kind of file they lie in."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from realtime.core.errors import ModelError, OptionError
from realtime.model_import.hints import ColourOrder
from realtime.models.card import ModelKind
from realtime.models.latent_space import LatentSpace
from tools.exporting.checkpoint import alignment_in, one_of_several, read_folder, weights_in
from tools.exporting.exported import read_exported
from tools.exporting.own_code import build_network
from tools.exporting.programs import is_exported, is_script, read_script
from tools.exporting.saved import read_saved
from tools.networks import LayeredDecoder, Layout, Part, PictureFormat, layout_of, unknown
from tools.networks.weights import Weights

_LARGEST_SIDE_PX = 2048
_NOISES = ("noise_strength", "noise.weight")
_CODES = 4096
"""By which the spread of w is measured: to 1 %."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says of a checkpoint that cannot be known from it."""

    key: str = ""
    network: str = ""
    kwargs: str = ""
    range: str = ""
    order: str = "rgb"
    multiple: int = 8
    noise: str = "fixed"
    """StyleGAN2: `fixed`, that of the file, or `none`."""
    codes: str = "z"
    """StyleGAN2: which codes it takes, `z` or `w`."""
    trust: bool = False
    """Load a whole program as PyTorch does, unchecked."""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """The networks of one checkpoint."""

    name: str
    """The layout, for the card."""
    parts: Sequence[Part]
    alignment: str = ""
    """The face crop it was trained on, where the checkpoint tells it."""

    @property
    def parameters(self) -> int:
        """How many numbers the networks hold; those that two parts share count once."""
        networks = [getattr(part.network, "script", part.network) for part in self.parts]
        found = {id(weight): weight.numel() for network in networks for weight in network.parameters()}
        return sum(found.values())


class ScriptNetwork(nn.Module):
    """A TorchScript network; kept out of the module tree, whose tools cannot handle it."""

    def __init__(self, script: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.held = (script,)

    @property
    def script(self) -> torch.jit.ScriptModule:
        return self.held[0]

    def forward(self, picture: Tensor) -> Tensor:
        made: Tensor = self.script(picture)
        return made


def is_program(checkpoint: Path) -> bool:
    """Tell whether a file is a whole program: one that is run to be exported, where weights are only read."""
    return is_script(checkpoint) or is_exported(checkpoint)


def open_source(checkpoint: Path, hints: Wishes) -> Source:
    """Return the networks in `checkpoint`. Raises ModelError and OptionError, a line each, for whatever is wrong."""
    if not hints.network:
        if is_script(checkpoint):
            picture = picture_format(hints)
            return _style("torchscript", ScriptNetwork(read_script(checkpoint, trust=hints.trust)), picture)
        if is_exported(checkpoint):
            picture = picture_format(hints)
            return _style("torch_export", read_exported(checkpoint, trust=hints.trust), picture)
    found = read_folder(checkpoint) if checkpoint.is_dir() else read_saved(checkpoint)
    weights = weights_in(found, checkpoint, hints.key)
    if hints.network:
        picture = picture_format(hints)
        network = build_network(hints.network, hints.kwargs)
        weights.fill(network)
        return _style(hints.network.rpartition(":")[2], network, picture)
    layout = layout_of(weights)
    if layout is None:
        raise one_of_several(checkpoint) or unknown(weights)
    if hints.range:
        raise OptionError(f"--range is for networks of no known layout; {layout.name} knows its own")
    if hints.noise == "none":
        weights = weights.with_own({name: 0 * weights[name] for name in weights if name.endswith(_NOISES)})
    parts = _built(layout, weights)
    if all(part.layers == 0 for part in parts) and (hints.noise, hints.codes) != ("fixed", "z"):
        raise OptionError(f"--noise and --codes are for StyleGAN2, and this is {layout.name}; leave them out")
    if hints.codes == "w":
        parts = [_from_w(part) for part in parts]
    return Source(layout.name, parts, alignment_in(found))


def _from_w(part: Part) -> Part:
    """Return a decoder that takes w, with what is known of people's."""
    assert isinstance(part.network, LayeredDecoder)
    z = torch.randn(_CODES, part.latent, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        w = part.network.mapping(z)
    mean = part.network.mean.numpy()
    space = LatentSpace(0, mean, w.std(dim=0).numpy())
    network = part.network.from_w()
    return dataclasses.replace(part, network=network, latent=len(mean), latent_space=space.text())


class _Allowance(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses tensors beyond a number of elements, before there is memory for them."""

    def __init__(self, elements: int, where: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._left = elements
        self._where = where

    def __torch_dispatch__(self, called: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if called is torch.ops.aten.empty.memory_format:
            self._left -= math.prod(args[0])
            if self._left < 0:
                raise ModelError(f"{self._where}: the shapes of its weights do not fit one another; it is damaged")
        return called(*args, **(kwargs or {}))


def _built(layout: Layout, weights: Weights) -> Sequence[Part]:
    """Return the networks of a layout. Raises ModelError, also where a few shapes ask for one far larger than the file:
    a layout makes the whole network of them before it looks whether the rest fits.
    """
    held = sum(tensor.numel() for tensor in weights.values())
    with _Allowance(4 * held + 1_000_000, weights.where):
        try:
            parts = layout.parts(weights)
        except (RecursionError, RuntimeError, ValueError, TypeError, ZeroDivisionError, IndexError) as error:
            raise ModelError(f"{weights.where}: no network can be made of its weights; it is damaged") from error
    for part in parts:
        if max(part.picture.multiple, part.side_px) > _LARGEST_SIDE_PX:
            raise ModelError(f"{weights.where} makes a network of larger pictures than there are; it is damaged")
    return parts


def _style(name: str, network: nn.Module, picture: PictureFormat) -> Source:
    return Source(name, [Part(ModelKind.STYLE, network, picture)])


def picture_format(hints: Wishes) -> PictureFormat:
    """Return which pictures the user says a network takes. Raises OptionError."""
    if not hints.range:
        raise OptionError("the range of its colours cannot be known from the file: add --range 0..1, 0..255 or -1..1")
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)", hints.range)
    if match is None or float(match[1]) >= float(match[2]):
        raise OptionError(f"--range takes black..white, for example 0..255, not '{hints.range}'")
    if not 1 <= hints.multiple <= 1024:
        raise OptionError(f"--multiple takes 1 to 1024, not {hints.multiple}")
    return PictureFormat(float(match[1]), float(match[2]), ColourOrder(hints.order.upper()), hints.multiple)
