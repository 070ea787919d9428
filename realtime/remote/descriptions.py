"""What can be seen and set, as JSON values: made from the descriptions that the parts themselves give."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from realtime.control.channel import ControlChannel, Status
from realtime.control.commands import NAMED_COMMANDS, NamedCommand
from realtime.core.language import _
from realtime.core.settings import Kind, Parameter, Value


def plain(value: Value) -> bool | int | float | str | None:
    """Return a parameter's value as JSON has it."""
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def parameter_json(path: str, one: Parameter, value: Value) -> dict[str, Any]:
    """Return one parameter with its value."""
    return {
        "path": path,
        "owner": path.partition(".")[0],
        "title": one.title,
        "help": one.help,
        "kind": one.kind.value,
        "value": plain(value),
        "text": one.text(value),
        "default": plain(one.default),
        "optional": one.optional,
        "least": one.least,
        "most": one.most,
        "step": one.step,
        "unit": one.unit,
        "choices": list(one.choices),
        "choice_titles": [_(choice) for choice in one.choices],
        "live": one.live,
    }


def parameters_json(channel: ControlChannel) -> list[dict[str, Any]]:
    """Return everything that runs has to be set, in its order."""
    return [parameter_json(path, one, value) for path, one, value in channel.parameters.list()]


def command_json(command: NamedCommand) -> dict[str, Any]:
    """Return what one command is and takes."""
    argument = command.argument
    return {
        "name": command.name,
        "title": _(command.title),
        "help": _(command.help),
        "takes": argument.kind.value if argument else None,
        "optional": argument.optional if argument else True,
    }


def commands_json() -> list[dict[str, Any]]:
    """Return every command, in the order in which people read them."""
    return [command_json(command) for command in NAMED_COMMANDS.values()]


def status_json(channel: ControlChannel) -> dict[str, Any]:
    """Return the newest status: its fields by their names, and the line that the window shows now."""
    status = channel.status
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(Status):
        value = getattr(status, field.name)
        # A tuple of pairs is values by their names, any other a list.
        is_by_name = isinstance(value, tuple) and field.type != "tuple[str, ...]"
        fields[field.name] = {name: _json(item) for name, item in value} if is_by_name else _json(value)
    return {**fields, "fps": round(status.fps, 2), "age_ms": round(status.age_ms, 2), "message": channel.message}


def _json(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    return round(value, 3) if isinstance(value, float) else value


_SCHEMA_TYPES = {
    Kind.NUMBER: "number",
    Kind.WHOLE_NUMBER: "integer",
    Kind.SWITCH: "boolean",
    Kind.CHOICE: "string",
    Kind.TEXT: "string",
    Kind.FILE: "string",
}


def value_schema(one: Parameter) -> Mapping[str, Any]:
    """Return the JSON Schema of a parameter's values. Numbers beyond their range are taken and clipped."""
    kind = _SCHEMA_TYPES[one.kind]
    schema: dict[str, Any] = {"type": [kind, "null"] if one.optional else kind, "title": one.title}
    schema["description"] = f"{one.help} ({one.takes})" if one.help else one.takes
    if one.choices:
        schema["enum"] = [*one.choices, None] if one.optional else list(one.choices)
    if one.least is not None:
        schema["minimum"] = one.least
    if one.most is not None:
        schema["maximum"] = one.most
    if one.default is not None or one.optional:
        schema["default"] = plain(one.default)
    return schema
