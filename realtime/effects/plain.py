"""The camera's picture as it is. The smallest effect: copy this file to begin a new one."""

from __future__ import annotations

import dataclasses

from realtime.core.errors import OptionError
from realtime.core.language import N_, _
from realtime.effects import Effect, EffectContext, Placing
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame


class Plain(Effect):
    """Returns every frame unchanged."""

    placing = Placing(title=N_("Camera"))

    @dataclasses.dataclass(frozen=True)
    class Settings:
        """It has none. A field would read: `strength: float = field(default=1.0, metadata=setting("…", live=True))`,
        and the effect would have `self.parameters = Parameters(settings)`.
        """

    @classmethod
    def open(cls, argument: str, settings: Settings, context: EffectContext) -> Plain:  # noqa: ARG003
        if argument:
            raise OptionError(
                _("the effect 'none' takes no argument; write --effect none, not none:{argument}", argument=argument)
            )
        return cls()

    def make(self, scene: Scene) -> Frame:
        return scene.frame
