"""What a run can be asked to do: values, and the table of their names for whoever asks in text (HTTP, OSC, MIDI)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from realtime.core.errors import OptionError, nearest
from realtime.core.language import N_, _
from realtime.core.settings import Kind, Parameter


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """What the loop is asked to do: a value, from whatever front-end. (HUD, help and fullscreen stay in the window.)"""


@dataclasses.dataclass(frozen=True, slots=True)
class Quit(Command):
    """End the run in order."""


@dataclasses.dataclass(frozen=True, slots=True)
class SetMirrored(Command):
    """Exchange left and right of the camera's picture, or not; None: the other way from now."""

    on: bool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class SetPaused(Command):
    """Hold the picture, or go on; None: the other way from now."""

    on: bool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class SetBlank(Command):
    """Show black and close the camera, so that its light is off, or open it again; None: the other way from now."""

    on: bool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ReopenCamera(Command):
    """Close the camera and open it again; the last picture is held meanwhile."""


@dataclasses.dataclass(frozen=True, slots=True)
class StepEffect(Command):
    """Go to the next effect (1) or the previous one (-1) in the menu."""

    by: int
    fade_s: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class ChooseEffect(Command):
    """Show this effect, as `--effect` writes it, in the place of the look; a background in that of the background."""

    spec: str
    fade_s: float = 0.0
    """For how long the former picture shines through."""
    planned: bool = False
    """Decided beforehand, as in a programme: nobody is there to press again before people are seen as they are."""


@dataclasses.dataclass(frozen=True, slots=True)
class ChooseBackground(Command):
    """Show this behind people and leave the look as it is."""

    spec: str
    """`blur`, `#00ff00`, a file, or an effect as `--effect` writes it; empty or `none`: the room."""
    fade_s: float = 0.0
    """As of `ChooseEffect`."""


@dataclasses.dataclass(frozen=True, slots=True)
class ChooseScene(Command):
    """Show a scene: all of its effects with their values, and its source where it names one."""

    name: str
    """Its number, its name, or the path of its file."""
    fade_s: float | None = None
    """For how long the former picture shines through; 0: a cut; None: as the scene says, else as the run does."""


@dataclasses.dataclass(frozen=True, slots=True)
class StepScene(Command):
    """Go to the next scene (1) or the previous one (-1), in the order of their numbers."""

    by: int


@dataclasses.dataclass(frozen=True, slots=True)
class KeepScene(Command):
    """Keep what is shown now as a scene: the effects, their values, and a small picture of it."""

    name: str = ""
    """A number, a name, or a number and a name (`3 Evening`); empty: the next free number, named by its effects. A
    scene that had this number or name is put aside, not lost."""
    with_source: bool = False
    """Whether it also brings the source back that is in use."""


@dataclasses.dataclass(frozen=True, slots=True)
class ChooseSource(Command):
    """Take pictures from this source, as `--source` writes it."""

    spec: str


@dataclasses.dataclass(frozen=True, slots=True)
class ChooseItem(Command):
    """Show this item of the programme now, by its name; empty: the next one."""

    name: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class SetParameter(Command):
    """Set what `realtime.control.parameters` knows as `path`, for example `swap.strength`."""

    path: str
    value: object


@dataclasses.dataclass(frozen=True, slots=True)
class StepParameter(Command):
    """Change the parameter that the arrow keys have by so many of its steps."""

    steps: int


@dataclasses.dataclass(frozen=True, slots=True)
class NextParameter(Command):
    """Give the arrow keys the next parameter."""


@dataclasses.dataclass(frozen=True, slots=True)
class LearnRest(Command):
    """Take the viewer's face as it is within the next second for its rest, where an effect compares it with that."""


@dataclasses.dataclass(frozen=True, slots=True)
class SaveSnapshot(Command):
    """Keep the picture that is shown."""


@dataclasses.dataclass(frozen=True, slots=True)
class KeepFace(Command):
    """Keep the face that an effect has made, as a picture like any other, and show an effect with it: `swap`."""

    effect: str = ""
    """Its name; empty: the picture is kept and nothing else."""


@dataclasses.dataclass(frozen=True, slots=True)
class SetRecording(Command):
    """Record, or end the recording; None: the other way from now."""

    on: bool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class SetInCalls(Command):
    """Send the picture to a virtual camera, so that calls can take it, or stop; None: the other way from now."""

    on: bool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class NamedCommand:
    """A command as it is asked for in text: `blank yes`, `POST /commands/blank`, `/realtime/blank 1`."""

    name: str
    title: str
    """What people read on a button."""
    help: str
    make: Callable[..., Command]
    """Called with the argument's value, or with nothing."""
    argument: Parameter | None = None
    """What it takes; None: nothing. One that is `optional` may be left out: a switch is then turned the other way."""

    def command(self, value: object = None) -> Command:
        """Return the command. Raises OptionError for an argument that it does not take."""
        if self.argument is None:
            return self.make()
        return self.make(self.argument.read(value, self.name))


def _switch(name: str, title: str, help: str, make: Callable[..., Command]) -> NamedCommand:  # noqa: A002
    return NamedCommand(name, title, help, make, Parameter("on", title, help, Kind.SWITCH, None, optional=True))


def _text(name: str, title: str, help: str, make: Callable[..., Command]) -> NamedCommand:  # noqa: A002
    return NamedCommand(name, title, help, make, Parameter("spec", title, help, Kind.TEXT, ""))


def _keep_scene() -> NamedCommand:
    words = N_(
        "keep what is shown now as a scene: its number, its name, or both ('3 Evening'); empty: the next free one"
    )
    argument = Parameter("spec", N_("keep scene"), words, Kind.TEXT, None, optional=True)
    return NamedCommand("keep-scene", N_("keep scene"), words, lambda name: KeepScene(name or ""), argument)


NAMED_COMMANDS = {
    one.name: one
    for one in (
        _text("effect", N_("effect"), N_("show this effect, written as --effect takes it"), ChooseEffect),
        NamedCommand("next-effect", N_("next effect"), N_("go to the next effect or style"), lambda: StepEffect(1)),
        NamedCommand("previous-effect", N_("previous effect"), N_("go to the one before it"), lambda: StepEffect(-1)),
        _text(
            "background",
            N_("background"),
            N_("show this behind people: blur, a colour, a picture or film; none: the room"),
            ChooseBackground,
        ),
        _text("scene", N_("scene"), N_("show this scene: its number or name"), ChooseScene),
        NamedCommand("next-scene", N_("next scene"), N_("go to the next scene"), lambda: StepScene(1)),
        NamedCommand("previous-scene", N_("previous scene"), N_("go to the scene before it"), lambda: StepScene(-1)),
        _keep_scene(),
        _text("source", N_("source"), N_("take pictures from this source, written as --source takes it"), ChooseSource),
        NamedCommand("next-item", N_("next item"), N_("go to the next item of the programme"), ChooseItem),
        _text("item", N_("item"), N_("show this item of the programme now"), ChooseItem),
        _switch("mirror", N_("mirror"), N_("exchange left and right"), SetMirrored),
        _switch("pause", N_("pause"), N_("hold the picture"), SetPaused),
        _switch("blank", N_("blank"), N_("show black and close the camera"), SetBlank),
        NamedCommand("reopen-camera", N_("reopen camera"), N_("close the camera and open it again"), ReopenCamera),
        NamedCommand(
            "learn-rest",
            N_("learn rest"),
            N_("take the viewer's face as it is now for its rest, which a puppet compares it with"),
            LearnRest,
        ),
        NamedCommand("snapshot", N_("snapshot"), N_("save the picture that is shown"), SaveSnapshot),
        NamedCommand("keep-face", N_("keep face"), N_("save the face that a walk is at"), KeepFace),
        _text(
            "use-face",
            N_("use face"),
            N_("save the face that a walk is at, and show this effect with it: swap"),
            KeepFace,
        ),
        _switch("record", N_("record"), N_("record what is shown"), SetRecording),
        _switch("in-calls", N_("in my calls"), N_("send the picture to a virtual camera, for calls"), SetInCalls),
        NamedCommand("quit", N_("quit"), N_("end the run in order"), Quit),
    )
}
"""Every command that can be asked for by name, in the order in which people read them."""


def named_command(name: str) -> NamedCommand:
    """Return a command by its name; `_` and `-` are the same. Raises OptionError for one that there is not."""
    try:
        return NAMED_COMMANDS[name.replace("_", "-")]
    except KeyError:
        hint = nearest(name, NAMED_COMMANDS) or _(
            "; there are: {named_commands}", named_commands=", ".join(NAMED_COMMANDS)
        )
        raise OptionError(_("no command '{name}'{hint}", name=name, hint=hint)) from None
