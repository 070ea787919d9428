"""The drawn styles as the export tool sees them: a checkpoint holds colours, under the style's name."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

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
            raise ModelError(
                f"{weights.where} is a style '{name}' that this version does not draw; it draws {', '.join(DRAWN)}"
            )
        style = DRAWN[name].load()()
        assert isinstance(style, DrawnStyle)
        begin = f"{_PREFIX}{name}."
        own = {key.removeprefix(begin): tensor for key, tensor in weights.items()}
        Weights(own, weights.where, {key: begin + key for key in (*own, *style.state_dict())}).fill(style)
        return [Part(ModelKind.STYLE, style, self.picture, half_weights=True)]
