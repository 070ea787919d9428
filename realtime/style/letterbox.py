"""How frames lie in the picture of a model that takes one size only, or one width, or one height.

The whole frame is painted, and in its own proportions. Squeezed into the model's shape and drawn out again, a frame of
16:9 in a square would get strokes nearly twice as wide as they are high, and a network that knows faces would be shown
narrow ones; cut to the model's shape it would lose what somebody holds up at its edge. So it is scaled to fit, and what
remains beside it is filled by the frame's own mirror image: it looks like more of the same to the network, whose
strokes then run on over the edge, and whose normalisation meets the colours it would have met anyway. Black bars
would darken both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from realtime.core.language import _
from realtime.imaging.frame import Size
from realtime.models.contract import LEAST_PX, MOST_PX

_UNSEEN_STRETCH = 1.1
"""Nobody sees strokes so much wider than high, and sides rounded to a multiple of something need no margin."""


class SizeConstraint(NamedTuple):
    """The sides a model is bound to; None: any."""

    width: int | None
    height: int | None

    @classmethod
    def of(cls, shape: Sequence[int | str]) -> SizeConstraint:
        """Read it off the shape of a model's `frame` as it stands in the file."""
        _, height, width, _ = shape
        return cls(*(side if isinstance(side, int) else None for side in (width, height)))

    def __str__(self) -> str:
        if self.width is not None and self.height is not None:
            return str(Size(self.width, self.height))
        return (
            _("a height of {height}", height=self.height)
            if self.width is None
            else _("a width of {width}", width=self.width)
        )

    @property
    def is_free(self) -> bool:
        return self.width is None and self.height is None

    def size_for(self, frame: Size, least_px: int = 0) -> Size:
        """Return the size a model so bound works at for frames of size `frame`: a free side follows the other, within
        what the contract and the network (`least_px`) take.
        """
        width, height = self
        if width is None and height is not None:
            width = _within(round(height * frame.width / frame.height), least_px)
        elif height is None and width is not None:
            height = _within(round(width * frame.height / frame.width), least_px)
        return Size(width or frame.width, height or frame.height)


class LetterboxPlace(NamedTuple):
    """Where in a model's picture the frame lies, pixels."""

    left: int
    top: int
    size: Size


def letterbox_place(frame: Size, within: Size) -> LetterboxPlace:
    """Return the largest place of the frame's proportions in the middle of a picture of size `within`: all of it, where
    the two differ so little that stretching is not seen.
    """
    scale_x, scale_y = within.width / frame.width, within.height / frame.height
    if max(scale_x, scale_y) <= _UNSEEN_STRETCH * min(scale_x, scale_y):
        return LetterboxPlace(0, 0, within)
    scale = min(scale_x, scale_y)
    size = Size(*(min(most, max(1, round(side * scale))) for side, most in zip(frame, within, strict=True)))
    return LetterboxPlace((within.width - size.width) // 2, (within.height - size.height) // 2, size)


def _within(side_px: int, least_px: int) -> int:
    return min(MOST_PX, max(side_px, least_px, LEAST_PX))
