"""A watercolour: washes that pool in the paper's grain and dry darker at their rims, over a pencil drawing."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.textures import Tiled, grain
from tools.networks.drawn.tones import Blur, Flattened, Outlines, Seen, colour, large, luminance

_TILE_PX = 512
_SATURATION = 1.5
_RIM, _MOST_RIM = 1.6, 0.5


class Watercolour(DrawnStyle):
    """Pigment is told by its density, the logarithm of what it swallows, as Bousseau et al. ("Interactive watercolor
    rendering with temporal coherence and abstraction", 2006) have it: more of it is darker and purer at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.paper, self.lead = colour(0.985, 0.975, 0.95), colour(0.25, 0.24, 0.28)
        self.seen, self.flattened = Seen(), Flattened(2.4)
        self.around, self.pool = Blur(6.0, 1), Blur(1.6, 1)
        self.outlines = Outlines(1.0, 0.985, 50)
        self.wash = Tiled(0.16 * grain(_TILE_PX // 2, 13, 13, seed=5) + 0.07 * grain(_TILE_PX // 2, 3.5, 3.5, seed=6))
        self.grain = Tiled(grain(_TILE_PX, 0.9, 0.9, seed=7)).on_cells()

    def paint(self, rgb: Tensor) -> Tensor:
        lightness, half, light = self.seen(rgb)
        grain = self.grain(lightness)
        density = torch.split(self._density(half, light), 1, 1)
        spread = 1 + 0.05 * grain
        lead = (1 - self.outlines(lightness)) * (0.55 + 0.165 * grain)
        colours = zip(density, self.lead.unbind(1), self.paper.unbind(1), strict=True)
        painted = [torch.exp(-one * spread) * ((1 - lead * (1 - line)) * paper) for one, line, paper in colours]
        return torch.cat(painted, 1)

    def _density(self, half: Tensor, light: Tensor) -> Tensor:
        """Return that of the washes, [1, 3, h, w]."""
        flat = self.flattened(half, light)
        grey = luminance(flat)
        broad = large(self.around(functional.avg_pool2d(grey, 8)), grey)
        lift = (0.62 - broad) * 0.45 - (_SATURATION - 1) * grey
        density = -torch.log((0.08 + 0.92 * (flat * _SATURATION + lift)).clamp(0.03, 0.985))
        mean = density.mean(1, keepdim=True)
        pooled = large(self.pool(functional.avg_pool2d(mean, 2)), mean)
        rim = ((mean - pooled).abs() * _RIM).clamp(max=_MOST_RIM)
        washes: Tensor = density * (1 + self.wash(mean) + rim)
        return washes
