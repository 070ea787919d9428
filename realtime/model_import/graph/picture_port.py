"""An input or output of somebody's network that is a picture."""

from __future__ import annotations

import dataclasses

from realtime.core.language import _
from realtime.model_import.graph.view import ELEMENT_TYPES, shown_name
from realtime.model_import.hints import Finding, Layout


@dataclasses.dataclass(frozen=True, slots=True)
class PicturePort:
    """One picture tensor of a network."""

    name: str
    element_type: int
    """ONNX's number for it, one of ELEMENT_TYPES."""
    shape: tuple[int | str, ...]
    layout: Layout
    layout_source: str
    """How the layout is known."""

    @property
    def element(self) -> str:
        return ELEMENT_TYPES[self.element_type]

    @property
    def channels(self) -> int | str:
        return self.shape[self.layout.channel_axis]

    @property
    def height(self) -> int | str:
        return self.shape[self.layout.height_axis]

    @property
    def width(self) -> int | str:
        return self.shape[self.layout.width_axis]

    def finding(self, what: str) -> Finding:
        """Return the row that shows it to the user."""
        shape = "×".join(str(side) if isinstance(side, int) else "any" for side in self.shape)
        value = f"{shown_name(self.name)} {self.element} {shape} {self.layout.value}"
        return Finding(what, value, _("the file; layout by {layout_source}", layout_source=self.layout_source))
