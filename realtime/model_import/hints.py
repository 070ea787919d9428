"""What a user may say about a network, and the words these modules speak."""

from __future__ import annotations

import dataclasses
import enum
from typing import NamedTuple

from realtime.imaging.frame import Size


class Affine(NamedTuple):
    """value = byte · scale + offset, for each of red, green, blue or for all."""

    scale: tuple[float, ...]
    offset: tuple[float, ...]


class ValueRange(enum.Enum):
    """Which numbers stand for black and white, by the name on the command line."""

    BYTES = "0..255"
    UNIT = "0..1"
    SIGNED = "-1..1"
    IMAGENET = "imagenet"
    """0..1, then less ImageNet's mean, divided by its deviation (torchvision's `Normalize`); inputs only."""

    @property
    def affine(self) -> Affine:
        """From bytes 0..255, in the order red, green, blue."""
        return _AFFINES[self]


_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_AFFINES = {
    ValueRange.BYTES: Affine((1.0,), (0.0,)),
    ValueRange.UNIT: Affine((1 / 255,), (0.0,)),
    ValueRange.SIGNED: Affine((1 / 127.5,), (-1.0,)),
    ValueRange.IMAGENET: Affine(
        tuple(1 / (255 * deviation) for deviation in _DEVIATION),
        tuple(-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)),
    ),
}


class Layout(enum.Enum):
    """The order of a tensor's axes: picture of a batch, channel, height, width."""

    NCHW = "NCHW"
    NHWC = "NHWC"
    CHW = "CHW"
    HWC = "HWC"

    @property
    def rank(self) -> int:
        return len(self.value)

    @property
    def channel_axis(self) -> int:
        return self.value.index("C")

    @property
    def height_axis(self) -> int:
        return self.value.index("H")

    @property
    def width_axis(self) -> int:
        return self.value.index("W")

    @property
    def channels_first(self) -> bool:
        return self.channel_axis < self.height_axis


class ColourOrder(enum.Enum):
    """Which of three channels comes first."""

    RGB = "RGB"
    BGR = "BGR"


@dataclasses.dataclass(frozen=True, slots=True)
class ImportHints:
    """What the user says of a network; None, 0 or empty where the file shall tell."""

    range_in: ValueRange | None = None
    range_out: ValueRange | None = None
    layout_in: Layout | None = None
    layout_out: Layout | None = None
    order: ColourOrder | None = None
    multiple: int = 0
    """Both sides of the picture must be multiples of it."""
    size: Size | None = None
    """The only size the network shall see; frames are scaled to it and back inside the graph."""
    output: str = ""
    """The name of the output that is the picture."""


class Finding(NamedTuple):
    """One row of what is shown to the user."""

    what: str
    value: str
    source: str
    """Where it is known from."""
