"""What makes the picture: the contract every effect keeps, and the table of effects.

A new effect is one new file: copy `plain.py`, give it a line in EFFECTS. Effects in other people's packages are found
through the entry-point group `realtime.effects`.
"""

from __future__ import annotations

import dataclasses
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, ClassVar

from realtime.control.parameters import NoSettings, Parameters
from realtime.core.errors import EffectError, nearest
from realtime.core.language import N_, _
from realtime.core.registry import RegistryEntry
from realtime.core.settings import setting as setting
from realtime.core.specs import EffectSpec
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.system.watchdog import HUNG_AFTER_S


@dataclasses.dataclass(frozen=True, slots=True)
class EffectContext:
    """What an effect may know of the run it is opened for."""

    canvas: Size | None = None
    """The size all outputs want, where they agree on one (a virtual camera, `--size`): an effect that draws its own
    picture makes it this size, so that no output has to scale it. None: the effect's own size."""
    largest: Size = Size(3840, 2160)
    """No output shows more than this: larger material may be scaled down once, when the effect is opened."""
    frame: Size | None = None
    """The size of the frames it is going to be given first, where that is known. It may change on the way."""
    fps: float = 30.0
    """How many frames a second are asked of it."""
    every_frame: bool = False
    """True: recorded material without hurry. Nothing is dropped, so nothing need be done in less time."""
    provider: str = ""
    """What models shall run on (`--provider`); empty: the best that works."""
    alongside: bool = False
    """True: another effect makes pictures while this one is opened. It must not be held up, and nobody is waiting."""
    viewer_inset: float = 0.0
    """How wide, as a share of the picture's width, an effect that draws its own picture shows what it sees in a corner,
    where its settings say nothing of that."""
    progress: Callable[[str, float], None] = lambda what, share: None
    """Call with a short text and a share 0..1 while opening takes longer than a second."""
    open_effect: Callable[[str, EffectContext], Effect] = lambda spec, context: _opened_with_defaults(spec, context)
    """Opens another effect by its spec, with what is set about it in this run: for one that shows another's picture
    within its own."""


@dataclasses.dataclass(frozen=True, slots=True)
class Placing:
    """Where people find an effect among the others, and which files they may give it."""

    category: str = "Looks"
    """The tab that its choices lie under; one that no other effect names is a new one."""
    title: str = ""
    """What it is called there without an argument; empty: its name."""
    takes: frozenset[str] = frozenset()
    """Kinds of files that may be its argument, dropped on that tab: `picture`, `film`, `folder`, `pack`."""
    also: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Further arguments that lie there and what they are called, though no key walks through them."""


class Effect(ABC):
    """An opened effect.

    The caller promises: `open` may run on any thread; `make` and `close` come from the processing thread, `close`
    once and last; frames come in order of `pts_s`. An effect promises: it never writes into a frame it was given,
    answers every frame, with or without faces, and makes its pixels through `realtime.imaging.buffers.FramePool` where
    they are new. The same picture as before may be returned as the very same array: outputs then have nothing to do.
    """

    Settings: ClassVar[type[Any]]
    """A frozen dataclass, every field with a default and `metadata=setting(...)`: the effect's own options."""
    uses_faces: ClassVar[bool] = False
    """False: the detector need not run for it, and `faces` is empty."""
    uses_pixels: ClassVar[bool] = True
    """False: it draws a picture of its own and looks at the faces only, so nobody need flip the camera's picture."""
    hides_identity: ClassVar[bool] = False
    """True: when it fails, the camera's picture must not be shown in its place (swap, morph)."""
    hides_surroundings: ClassVar[bool] = False
    """True: the same, though people are seen as they are (background)."""
    is_background: ClassVar[bool] = False
    """True: it is what is seen behind people. It is chosen beside looks and faces, and stays when those change."""
    comes_last: bool = False
    """Of a background: True: it is laid behind what the other effects have made (a colour that is to be keyed out);
    False: they are given it with the people before it, and paint both."""
    synthetic: bool = False
    """True: it shows a face that is not the camera's (swap, morph). Its pictures carry a label and, kept on a disk, the
    term for it (docs/honesty.md). It may change with a parameter."""
    gives_pictures_away: ClassVar[bool] = False
    """True: every picture it returns is a new one, in memory of its own, at which it never looks again. Where it is the
    last of the chain, the label is drawn into that picture and not into a copy."""
    placing: ClassVar[Placing] = Placing()
    """Where a window's tray shows it."""
    patience_s: float = HUNG_AFTER_S
    """In a live run, how long a picture may take before the effect is taken for hung and the run is ended. One that is
    known to take long says more."""
    parameters: Parameters[Any] = Parameters(NoSettings())
    """What can be set about it, and what it is set to: `Parameters(settings)` of an effect that has any. One that lets
    them change while it runs reads `parameters.values` once in each `make`."""
    within: Mapping[str, Effect] = MappingProxyType({})
    """Effects whose pictures it shows within its own, by name: what can be set about one is found under that name."""
    provider: str = "CPU (OpenCV)"
    """What really computes it, for the HUD and the statistics."""

    @classmethod
    @abstractmethod
    def open(cls, argument: str, settings: Any, context: EffectContext) -> Effect:
        """Open it. `argument` is what follows the colon in `--effect NAME:ARGUMENT`, or empty; `settings` is an
        instance of `Settings`. Raises a RealtimeError whose message tells the next step.
        """

    @classmethod
    def choices(cls) -> Sequence[str]:
        """Return the arguments that the keys for next and previous effect walk through, such as the packs or models
        that lie in the user's folders. An empty one is the effect without an argument; where there is no empty one,
        that means the first of them.
        """
        return ("",)

    @classmethod
    def spec_within(cls, argument: str) -> str:  # noqa: ARG003
        """Return the spec of the effect whose picture it shows within its own, opened with this argument; empty: of
        none.
        """
        return ""

    @abstractmethod
    def make(self, scene: Scene) -> Frame:
        """Return the new picture for this moment (`scene.frame.with_pixels(...)`)."""

    def inherit_state(self, former: Effect) -> None:  # noqa: B027 - most have nothing to take over
        """[processing thread] Take over from the effect shown until now what the user has set with keys. Called
        before the first `make`, where one effect is exchanged for another while the picture goes on.
        """

    def save_state(self) -> object:
        """[processing thread] Return what it shall know, besides its parameters, when the user comes back to it. Called
        before `close`, where another effect takes its place.
        """
        return None

    def restore_state(self, state: object) -> None:  # noqa: B027 - most have nothing to know
        """[processing thread] Take what this effect's `save_state` returned when it was last left. Before
        `inherit_state`.
        """

    def still_picture(self) -> Pixels | None:
        """[any thread] Return the picture of a face that it shows, whole and as large as it was made, where it makes
        one of its own: (height, width, 3) BGR, not to be written into. None: it makes none, or not yet.
        """
        return None

    def learn_rest(self) -> bool:
        """[any thread] Take the viewer's face as it is within the next second for its rest. False: it compares nobody
        with that.
        """
        return False

    def facts(self) -> Mapping[str, str]:
        """[any thread] Return lines for the HUD, by label, besides name, provider and parameters: `{"works at":
        "640x360"}`.
        """
        return {}

    def notices(self) -> Sequence[str]:
        """[any thread] Return what whoever sits before it ought to know now, in short sentences: that it is made
        smaller because other programs are busy, for example.
        """
        return ()

    def report(self) -> Mapping[str, Any]:
        """Return what the statistics keep of it besides its parameters, as JSON values by name (docs/statistics.md)."""
        return {}

    def close(self) -> None:  # noqa: B027 - most effects hold nothing
        """Free what it holds."""


EFFECTS: dict[str, RegistryEntry] = {
    "none": RegistryEntry("realtime.effects.plain", "Plain", N_("the camera's picture as it is")),
    "portrait": RegistryEntry(
        "realtime.effects.portrait", "PortraitEffect", N_("a painting whose eyes and head follow the viewer")
    ),
    "puppet": RegistryEntry(
        "realtime.effects.puppet", "PuppetEffect", N_("a picture of a face that does what your face does")
    ),
    "style": RegistryEntry(
        "realtime.effects.style", "StyleEffect", N_("the picture repainted in the manner of a painting")
    ),
    "background": RegistryEntry(
        "realtime.effects.background",
        "BackgroundEffect",
        N_("the room behind you blurred, or a picture, film or colour there"),
    ),
    "morph": RegistryEntry(
        "realtime.effects.morph",
        "MorphEffect",
        N_("your face along a smile or a beard, or half of somebody else, on your own pixels"),
    ),
    "walk": RegistryEntry(
        "realtime.effects.walk",
        "WalkEffect",
        N_("a face that wanders through latent space by itself, whoever is there"),
    ),
    "swap": RegistryEntry(
        "realtime.effects.swap", "SwapEffect", N_("another face in place of yours, from a photo or a model")
    ),
}

ENTRY_POINTS = "realtime.effects"
NO_BACKGROUND = "none"
"""The argument with which any background is the room as it is."""


def effect_names() -> list[str]:
    """Return every effect's name: ours first, then those of installed packages."""
    ours = list(EFFECTS)
    return ours + sorted(point.name for point in entry_points(group=ENTRY_POINTS) if point.name not in EFFECTS)


def effect_class(name: str) -> type[Effect]:
    """Return the class of an effect. Raises EffectError for an unknown name or a package that does not load."""
    if name in EFFECTS:
        found = EFFECTS[name].load()
    else:
        points = [point for point in entry_points(group=ENTRY_POINTS) if point.name == name]
        if not points:
            names = effect_names()
            raise EffectError(
                _(
                    "no effect '{name}'{hint}; there are: {names}",
                    name=name,
                    hint=nearest(name, names),
                    names=", ".join(names),
                )
            )
        try:
            found = points[0].load()
        except Exception as error:  # somebody else's code: whatever it raises, our line says whose it is
            raise EffectError(
                _(
                    "effect '{name}' of package {module} does not load: {reason}",
                    name=name,
                    module=points[0].module,
                    reason=error,
                )
            ) from error
    if not (isinstance(found, type) and issubclass(found, Effect)):
        raise EffectError(_("effect '{name}' is no realtime.effects.Effect; its package must be mended", name=name))
    if len(inspect.signature(found.make).parameters) != len(inspect.signature(Effect.make).parameters):
        raise EffectError(
            _(
                "effect '{name}' is written for an earlier version: make(scene) has taken the place of "
                "make(frame, faces) (CHANGELOG.md); its package must be mended",
                name=name,
            )
        )
    return found


def _opened_with_defaults(spec: str, context: EffectContext) -> Effect:
    asked = EffectSpec.parse(spec)
    cls = effect_class(asked.name)
    return cls.open(asked.argument, cls.Settings(), context)


def spec_within(spec: str) -> str:
    """Return the spec of the effect whose picture another one shows within its own: of `background:walk:cats`,
    `walk:cats`; empty: of none, or of an effect that cannot be loaded. Imports it.
    """
    asked = EffectSpec.parse(spec)
    try:
        return effect_class(asked.name).spec_within(asked.argument)
    except EffectError:
        return ""


def shows_people(spec: str) -> bool:
    """Whether people are seen in an effect's picture as the camera sees them, or repainted. An effect that cannot be
    loaded might. Imports it.
    """
    try:
        found = effect_class(EffectSpec.parse(spec).name)
    except EffectError:
        return True
    return found.uses_pixels and not found.hides_identity


def is_background(spec: str) -> bool:
    """Whether an effect is what is seen behind people, and chosen beside the others. As `shows_people`; one that cannot
    be loaded is none.
    """
    try:
        return effect_class(EffectSpec.parse(spec).name).is_background
    except EffectError:
        return False


def shows_surroundings(spec: str) -> bool:
    """Whether the room behind people is seen in an effect's picture, which the background `none` is. As
    `shows_people`.
    """
    asked = EffectSpec.parse(spec)
    try:
        found = effect_class(asked.name)
    except EffectError:
        return True
    is_room = found.is_background and asked.argument == NO_BACKGROUND
    return found.uses_pixels and (is_room or not found.hides_surroundings)


def background_spec(text: str) -> str:
    """Return which background somebody means: `blur` is `background:blur`; empty, where the room is to be seen."""
    spec = text.strip()
    if not spec or spec == NO_BACKGROUND:
        return ""
    spec = spec if is_background(spec) else f"background:{spec}"
    return "" if EffectSpec.parse(spec).argument == NO_BACKGROUND else spec
