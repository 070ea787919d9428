"""One effect of a chain: what was asked for, the effect itself, and what it says of itself."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from realtime.control.parameters import NoSettings, Parameters
from realtime.core.errors import FAULTS
from realtime.core.settings import Value
from realtime.core.specs import EffectSpec
from realtime.effects import Effect
from realtime.imaging.frame import Pixels
from realtime.pipeline.restarts import Patience

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class SceneEffect:
    """One effect of a scene."""

    spec: str
    settings: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """What is set about it, by name, as texts or values of TOML; about an effect within it by `NAME.PARAMETER`."""


@dataclasses.dataclass(slots=True)
class EffectSlot:
    """One opened effect and what was asked for."""

    spec: str
    effect: Effect
    last_picture: Pixels | None = None
    patience: Patience = dataclasses.field(default_factory=Patience)
    scene: SceneEffect | None = None
    """The scene's words it was opened by; None: no scene brought it."""
    is_left: bool = False
    """Whether it hangs, and nobody may call it any more but the thread that is left in it. Any thread."""
    traits: Traits = dataclasses.field(init=False)
    parameters: Parameters[Any] = dataclasses.field(init=False)
    within: Mapping[str, Parameters[Any]] = dataclasses.field(init=False)
    """What can be set about the effects whose pictures it shows within its own, by their names."""
    owner: str = ""
    """Under which name its parameters are found."""
    owners_within: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Under which names those of `within` are."""
    asked: EffectSpec = dataclasses.field(init=False)
    """The spec, read."""
    title: str = dataclasses.field(init=False)
    """The spec as people read it."""
    name: str = dataclasses.field(init=False)
    """The same where others have names too: `effect style:ink`."""

    def __post_init__(self) -> None:
        self.asked = EffectSpec.parse(self.spec)
        self.title = self.asked.title
        self.name = f"effect {self.title}"
        self.traits = Traits.of(self.effect)
        self.parameters = _parameters_of(self.effect)
        self.within = _within(self.effect)

    @property
    def changed(self) -> dict[str, Value]:
        """What was set since it was opened, by name; of an effect within it by `NAME.PARAMETER`."""
        values = dict(self.parameters.changed)
        for name, parameters in self.within.items():
            values |= {f"{name}.{key}": value for key, value in parameters.changed.items()}
        return values

    def parameters_of(self, name: str) -> tuple[Parameters[Any], str]:
        """Return the parameters that a name of `changed` is among, and the name that it has there."""
        first, dot, rest = name.partition(".")
        return (self.within[first], rest) if dot and first in self.within else (self.parameters, name)

    def has_become_another(self) -> bool:
        """Whether what the effect says of itself has changed since it was last looked at."""
        before, self.traits = self.traits, Traits.of(self.effect)
        return self.traits != before


@dataclasses.dataclass(frozen=True, slots=True)
class Traits:
    """What an effect says of itself once and for all; where it fails to say it, what does least harm."""

    uses_faces: bool
    uses_pixels: bool
    hides_identity: bool
    hides_surroundings: bool
    synthetic: bool
    gives_pictures_away: bool
    is_background: bool
    comes_last: bool

    @property
    def may_be_bridged(self) -> bool:
        """Whether the picture the effect was given may be shown in place of its own."""
        return self.uses_pixels and not (self.hides_identity or self.hides_surroundings)

    @classmethod
    def of(cls, effect: Effect) -> Traits:
        def trait(name: str, otherwise: bool) -> bool:
            try:
                return bool(getattr(effect, name))
            except FAULTS as error:
                log.debug("effect's %s", name, exc_info=error)
                return otherwise

        return cls(
            uses_faces=trait("uses_faces", True),
            uses_pixels=trait("uses_pixels", True),
            hides_identity=trait("hides_identity", True),
            hides_surroundings=trait("hides_surroundings", True),
            synthetic=trait("synthetic", True),
            gives_pictures_away=trait("gives_pictures_away", False),
            is_background=trait("is_background", False),
            comes_last=trait("comes_last", False),
        )


def _within(effect: Effect) -> dict[str, Parameters[Any]]:
    """Return what can be set about the effects within an effect; nothing, where it fails to say."""
    try:
        return {str(name): _parameters_of(inner) for name, inner in effect.within.items()}
    except FAULTS as error:
        log.debug("effects within an effect", exc_info=error)
        return {}


def _parameters_of(effect: Effect) -> Parameters[Any]:
    """Return what can be set about an effect; nothing, where it fails to say."""
    try:
        parameters = effect.parameters
    except FAULTS as error:
        log.debug("effect's parameters", exc_info=error)
        parameters = None
    return parameters if isinstance(parameters, Parameters) else Parameters(NoSettings())
