"""The drawn styles as the export tool sees them: a checkpoint holds colours, under the style's name."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError
from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.drawn import DRAWN, DrawnStyle
from tools.networks.weights import Weights

_PREFIX = "drawn."


def weights_of(name: str) -> dict[str, Tensor]:
    """Return what the checkpoint of a style holds: its own colours."""
    return {f"{_PREFIX}{name}.{key}": tensor for key, tensor in DRAWN[name].load()().state_dict().items()}


class DrawnLayout(Layout):
    name = "drawn"
    picture = PictureFormat(multiple=DrawnStyle.MULTIPLE)

    def recognises(self, weights: Weights) -> bool:
        return any(name.startswith(_PREFIX) for name in weights)

    def parts(self, weights: Weights) -> Sequence[Part]:
        name = next(name for name in weights if name.startswith(_PREFIX)).split(".")[1]
        if name not in DRAWN:
            raise ModelError(f"{weights.where} is of a style '{name}'; those that are drawn: {', '.join(DRAWN)}")
        style = DRAWN[name].load()()
        assert isinstance(style, DrawnStyle)
        begin = f"{_PREFIX}{name}."
        own = {key.removeprefix(begin): tensor for key, tensor in weights.items()}
        Weights(own, weights.where, {key: begin + key for key in (*own, *style.state_dict())}).fill(style)
        quick = functools.partial(QuickDrawn, style)
        return [Part(ModelKind.STYLE, style, self.picture, half_weights=True, quick=quick)]


class QuickDrawn(nn.Module):
    """Frame uint8 [1, height, width, 3] BGR in, drawn frame out. Cells become pixels once they are bytes: a quarter of
    what there is to move.
    """

    order: Tensor
    rounding: Tensor

    def __init__(self, style: DrawnStyle) -> None:
        super().__init__()
        self.style = style
        # Of each cell the upper row, then the lower: pixel after pixel, blue first.
        order = torch.zeros(12, 12, 1, 1)
        for number, (place, plane) in enumerate((place, plane) for place in range(4) for plane in (2, 1, 0)):
            order[number, 4 * plane + place] = 255
        self.register_buffer("order", order)
        self.register_buffer("rounding", torch.full((12,), 0.5))

    def forward(self, frame: Tensor) -> Tensor:
        _, height, width, _ = frame.shape
        multiple = DrawnStyle.MULTIPLE
        rows, columns = (height + multiple - 1) // multiple * multiple, (width + multiple - 1) // multiple * multiple
        planes = functional.pad(frame.permute(0, 3, 1, 2), (0, columns - width, 0, rows - height), mode="replicate")
        blue, green, red = torch.split(planes.to(torch.float32) * (1 / 255), 1, 1)
        cells = self.style.paint(torch.cat([red, green, blue], 1))
        numbers = functional.conv2d(cells, self.order, self.rounding)
        places = numbers.clamp(0.0, 255.0).to(torch.uint8).permute(0, 2, 3, 1)
        upper, lower = (part.reshape(rows // 2, 1, columns * 3) for part in torch.split(places, 6, dim=3))
        return torch.cat([upper, lower], dim=1).reshape(1, rows, columns, 3)[:, :height, :width]
