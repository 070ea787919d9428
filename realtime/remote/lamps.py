"""What buttons and lamps of a desk show: whether what a command switches is on, and what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from realtime.control.channel import ListedScene, Status
from realtime.control.commands import named_command
from realtime.effects import NO_BACKGROUND, background_spec

States: TypeAlias = Mapping[str, bool | str]
"""By the name of the command that changes it: of a switch whether it is on, of a choice what is chosen."""


def states_of(status: Status) -> States:
    """Return the state of each command that has one."""
    programme = status.programme
    return {
        "mirror": status.mirrored,
        "pause": status.paused,
        "blank": status.blank,
        "record": bool(status.recording),
        "in-calls": bool(status.virtual_camera),
        "effect": status.spec,
        "background": status.background or NO_BACKGROUND,
        "scene": status.scene,
        **({} if programme is None else {"item": programme.current}),
    }


def is_lit(
    command: str, argument: str | None, states: States, scenes: Callable[[], Sequence[ListedScene]]
) -> bool | None:
    """Whether a button that gives a command is lit: what it asks for is so already. None: it has no lamp.

    `scenes`: asked only where a button names a scene by its number. Raises OptionError for an argument that the command
    does not take.
    """
    state = states.get(command)
    if state is None:
        return None
    if isinstance(state, bool):
        switch = named_command(command).argument
        wanted = switch.read(argument, command) if switch is not None and argument is not None else None
        return state == (True if wanted is None else wanted)
    if argument is None:
        return None
    if command == "scene" and argument.strip().isdecimal():
        number = int(argument)
        return any(one.number == number and one.name == state for one in scenes())
    if command == "background":
        return state == (background_spec(argument) or NO_BACKGROUND)
    return state != "" and state.casefold() == argument.strip().casefold()
