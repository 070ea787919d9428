"""Styles that are drawn by arithmetic alone: nothing in them is learnt, and each is a model like any other.

What a hand or a press does is written down: where lines are cut, how thick a dot is, where a wash dries. A network
asked to learn that from a painting comes to a tint with grain; this comes to lines as sharp as the frame, leaves faces
what they are, and needs no training. To add one, write a module with a subclass of `DrawnStyle` and give it a line in
`DRAWN`.

Most is computed on cells: 2×2 pixels as four channels, at half the size. A Gaussian of 9×9 pixels is then a convolution
of 5×5 cells over four channels, which takes a fifth of the time, and textures and tones never leave it.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from realtime.core.registry import RegistryEntry


class DrawnStyle(nn.Module, abc.ABC):
    """RGB float [1, 3, H, W] in 0..1 to the same, or a little beyond; H and W multiples of `MULTIPLE`.

    Its parameters are its colours, RGB 0..1: those who like others change the checkpoint. All else is its code.
    """

    MULTIPLE = 16

    @abc.abstractmethod
    def paint(self, rgb: Tensor) -> Tensor:
        """Return the cells of the picture [1, 12, H/2, W/2]: four of red, of green, of blue."""

    def forward(self, rgb: Tensor) -> Tensor:
        return functional.pixel_shuffle(self.paint(rgb), 2)


DRAWN: Mapping[str, RegistryEntry] = {
    "comic": RegistryEntry("tools.networks.drawn.comic", "Comic", "dots of four inks and black outlines"),
    "dots": RegistryEntry("tools.networks.drawn.dots", "Dots", "dots of pure colours, which the eye mixes"),
    "engraving": RegistryEntry("tools.networks.drawn.engraving", "Engraving", "lines cut into copper"),
    "pencil": RegistryEntry("tools.networks.drawn.pencil", "Pencil", "hatched on rough paper"),
    "watercolour": RegistryEntry("tools.networks.drawn.watercolour", "Watercolour", "washes over a drawing"),
    "woodblock": RegistryEntry("tools.networks.drawn.woodblock", "Woodblock", "flat inks from a grained block"),
    "oil": RegistryEntry("tools.networks.drawn.oil", "Oil", "thick paint in strokes that follow what is seen"),
    "scream": RegistryEntry("tools.networks.drawn.scream", "Scream", "long wavering bands of orange and dark green"),
    "night": RegistryEntry("tools.networks.drawn.night", "Night", "swirling strokes of blue and yellow"),
}
