"""Descriptions of the wire for programs: AsyncAPI of the WebSocket, JSON Schema of events, from the types."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from .._version import __version__
from ..core.events import DATA_TYPES, Event
from . import messages

REF = "#/components/schemas/{name}"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def groups() -> dict[str, dict[str, type]]:
    """Return the types of each group by their name on the wire."""
    return {
        "client": {_tag(kind): kind for kind in get_args(messages.FromClient)},
        "server": {_tag(kind): kind for kind in get_args(messages.FromServer)},
        "events": dict(DATA_TYPES),
    }


def schemas_of(kinds: Iterable[Any], ref: str = REF) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a schema for each of *kinds*, and the named ones that they refer to.

    An `Event` in them says which data belong to which type.
    """
    found, components = msgspec.json.schema_components([*kinds, *DATA_TYPES.values()], ref_template=ref)
    named = {name: _cleaned(schema) for name, schema in components.items()}
    if "Event" in named:
        named["Event"]["allOf"] = [_data_of(tag, kind, ref) for tag, kind in DATA_TYPES.items()]
    return list(found)[: -len(DATA_TYPES)], named


def wire_schemas() -> dict[str, Any]:
    """Return the JSON Schema of every type on the wire, by name."""
    return schemas_of(kind for group in groups().values() for kind in group.values())[1]


def event_schema() -> dict[str, Any]:
    """Return the JSON Schema of an event."""
    _, named = schemas_of([Event], "#/$defs/{name}")
    event = named.pop("Event")
    return {"$schema": DIALECT, **event, "$defs": named}


def asyncapi() -> dict[str, Any]:
    """Return the WebSocket protocol as an AsyncAPI 3.0 document."""
    sides = {side: groups()[side] for side in ("client", "server")}
    channel = {
        f"{side}.{tag}": {"name": tag, "payload": {"$ref": REF.format(name=kind.__name__)}}
        for side, kinds in sides.items()
        for tag, kind in kinds.items()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "jupyter_agent events",
            "version": __version__,
            "description": f"JSON text frames, subprotocol {messages.SUBPROTOCOL}.",
        },
        "defaultContentType": "application/json",
        "channels": {"ws": {"address": "/jupyter-agent/ws", "messages": channel}},
        "operations": {
            "receiveFromClient": _operation("receive", sides["client"], "client"),
            "sendToClient": _operation("send", sides["server"], "server"),
        },
        "components": {"schemas": wire_schemas()},
    }


def _operation(action: str, kinds: Iterable[str], side: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/ws"},
        "messages": [{"$ref": f"#/channels/ws/messages/{side}.{tag}"} for tag in kinds],
    }


def _tag(kind: Any) -> str:
    return str(kind.__struct_config__.tag)


def _cleaned(schema: dict[str, Any]) -> dict[str, Any]:
    if "description" in schema:
        schema["description"] = inspect.cleandoc(schema["description"])
    return schema


def _data_of(tag: str, kind: type, ref: str) -> dict[str, Any]:
    """Say what the data of an event of type *tag* are. One that a journal has flagged may have any."""
    given = {"properties": {"type": {"const": tag}}, "not": {"required": ["flag"]}}
    return {"if": given, "then": {"properties": {"data": {"$ref": ref.format(name=kind.__name__)}}}}
