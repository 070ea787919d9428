"""What is shown behind people in place of where they are: the contract, and what can be set about it.

`colour.py` is the smallest; `blur.py` is the room itself, out of focus; `pictures.py` shows files, still or moving.
`opening.py` says which of them a text means.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import field
from typing import ClassVar, Literal

from realtime.core.language import N_
from realtime.core.settings import setting
from realtime.imaging.frame import Frame, Pixels
from realtime.person.mask import USUAL_SOFTNESS, PersonMask


@dataclasses.dataclass(frozen=True)
class BackgroundSettings:
    """How it is shown, and what is shown where people cannot be told from it."""

    amount: float = field(
        default=0.5,
        metadata=setting(N_("how far the room is out of focus"), least=0.1, most=1, step=0.1, unit="%", live=True),
    )
    fit: Literal["cover", "contain"] = field(
        default="cover",
        metadata=setting(
            N_("cover: a picture fills the frame, what is too much cut off; contain: all of it"), live=True
        ),
    )
    softness: float = field(
        default=USUAL_SOFTNESS,
        metadata=setting(
            N_("how soft people's outlines are; hair wants some"), least=0, most=1, step=0.1, unit="%", live=True
        ),
    )
    failing: Literal["hide", "show"] = field(
        default="hide",
        metadata=setting(
            N_("where people cannot be told from the background; hide: all is background; show: the camera's picture"),
            live=True,
        ),
    )


class Background(ABC):
    """Draws what lies behind people. All methods: one thread; `close` comes once and last."""

    title: str
    """For people: `blur`, `#2a6041`, `beach.jpg`."""
    is_keyed: ClassVar[bool] = False
    """Whether others take it out again: no effect may paint over it."""
    is_seen_through: ClassVar[bool] = False
    """Whether there is nothing at all; what is drawn is black then."""
    takes: ClassVar[tuple[str, ...]] = ()
    """Which of the settings change it, besides those that are about people."""

    @abstractmethod
    def draw(self, frame: Frame, people: PersonMask | None, settings: BackgroundSettings, out: Pixels) -> None:
        """Fill `out`, of the frame's size, all over: people are laid over it afterwards. None: where people are is not
        known, and nothing of the frame may be seen clearly.
        """

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Free what it holds."""
