"""The description of all this for machines (OpenAPI 3.1): made from the routes, the commands and what runs now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from realtime import __version__
from realtime.control.commands import NamedCommand
from realtime.core.settings import Parameter, Value
from realtime.remote.descriptions import value_schema

if TYPE_CHECKING:
    from realtime.remote.http.routes import Route

_ERROR = {
    "description": "It cannot be done; the line says why, and what to do",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def document(
    routes: Iterable[Route],
    parameters: Sequence[tuple[str, Parameter, Value]],
    commands: Iterable[NamedCommand],
) -> dict[str, Any]:
    """Return the description. A route with a name in its path becomes one path for each that there is."""
    names: Mapping[str, Mapping[str, Mapping[str, Any] | None]] = {
        "/parameters/": {path: value_schema(one) for path, one, _ in parameters},
        "/commands/": {one.name: value_schema(one.argument) if one.argument else None for one in commands},
    }
    live = {path for path, one, _ in parameters if one.live}
    optional = {one.name for one in commands if one.argument is None or one.argument.optional}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        fixed, brace, _ = route.path.partition("{")
        for name, schema in names[fixed].items() if brace else [("", None)]:
            if fixed == "/parameters/" and route.method == "POST" and name not in live:
                continue  # it is only taken when the part is opened
            paths.setdefault(fixed + name, {})[route.method.lower()] = _operation(
                route, name, schema, must_have=name not in optional
            )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "realtime",
            "version": __version__,
            "description": "A run of realtime, seen and changed from outside of its window.",
        },
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Needed where the server listens to other machines",
                }
            },
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                }
            },
        },
    }


def _operation(route: Route, name: str, schema: Mapping[str, Any] | None, *, must_have: bool) -> dict[str, Any]:
    done = "202" if route.path.startswith("/commands/") else "200"
    media_type = route.gives.partition(";")[0]
    content: dict[str, Any] = {"schema": {"type": "object"} if media_type == "application/json" else {"type": "string"}}
    if media_type == "image/jpeg":
        content = {}
    operation: dict[str, Any] = {
        "operationId": "-".join([route.method.lower(), *route.path.replace("{name}", name).strip("/").split("/")]),
        "summary": f"{route.summary}: {name}" if name else route.summary,
        "responses": {done: {"description": "Done", "content": {media_type: content}}, "4XX": _ERROR},
    }
    if schema is not None and route.method == "POST":
        operation["requestBody"] = {
            "required": must_have,
            "content": {
                "application/json": {
                    "schema": {"type": "object", "required": ["value"], "properties": {"value": schema}}
                },
                "text/plain": {"schema": {"type": "string"}},
            },
        }
    return operation
