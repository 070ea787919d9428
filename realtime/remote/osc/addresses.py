"""The OSC addresses: which there are, and what a value that came means to the parameter it is for.

    /realtime/OWNER/NAME value      a parameter
    /realtime/OWNER/NAME/step n     so many of its steps, up or down
    /realtime/COMMAND [value]       a command
    /realtime/refresh               tell me all values

A command has one word and a parameter two, so that no name of an effect can be taken for a command's.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator

from realtime.control.commands import NAMED_COMMANDS
from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.core.settings import Kind, Parameter, Value
from realtime.remote.osc.messages import Argument

ROOT = "/realtime"
REFRESH = f"{ROOT}/refresh"
STEP = "/step"


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """An address as people look it up."""

    address: str
    takes: str
    help: str
    parameter: Parameter | None = None


def parameter_address(path: str) -> str:
    """Return where `style.strength` is found: `/realtime/style/strength`. A command's name is its own path."""
    return f"{ROOT}/{path.replace('.', '/', 1)}"


def listed_parameters(owner: str, parameters: Iterable[Parameter]) -> Iterator[Listed]:
    """Yield the addresses of what can be set live about one owner."""
    for one in parameters:
        if not one.live:
            continue
        address = parameter_address(f"{owner}.{one.name}")
        yield Listed(address, one.takes, one.help, one)
        if one.step is not None:
            yield Listed(
                address + STEP,
                _("a whole number of steps of {step:g}", step=one.step),
                _("{title}, by steps", title=one.title),
            )


def listed_commands() -> Iterator[Listed]:
    """Yield the addresses of all commands, and of the one that only OSC has."""
    for name, command in NAMED_COMMANDS.items():
        takes = _("nothing, or a number above 0 (a button pressed)")
        if command.argument is not None:
            takes = dataclasses.replace(command.argument, optional=False).takes
            if command.argument.kind is Kind.SWITCH:
                takes += _("; nothing: the other way")
        yield Listed(f"{ROOT}/{name}", takes, _(command.help))
    yield Listed(REFRESH, _("nothing"), _("send all values, to whom --osc-to names and to whoever asks"))


def value_for(parameter: Parameter, argument: Argument) -> object:
    """Return what a desk sent as what the parameter takes: desks know floats, and buttons send 1.0 and 0.0.

    A choice may be sent by its place in the list, from 0. Raises OptionError for a number that is none.
    """
    if not isinstance(argument, int | float):
        return argument
    if not math.isfinite(argument):
        raise OptionError(_("takes {takes}, not {argument}", takes=parameter.takes, argument=argument))
    match parameter.kind:
        case Kind.NUMBER:
            return float(argument)
        case Kind.WHOLE_NUMBER:
            return round(argument)
        case Kind.SWITCH:
            return argument > 0
        case Kind.CHOICE if 0 <= round(argument) < len(parameter.choices):
            return parameter.choices[round(argument)]
        case _:
            return argument


def is_as_sent(sent: object, value: Value) -> bool:
    """Whether a value became what was sent, so that the sender's fader stands right; rounding is not moving."""
    if isinstance(sent, float) and isinstance(value, float):
        return math.isclose(sent, value, rel_tol=1e-5, abs_tol=1e-6)
    return sent == value
