"""Reference of the wire protocol, generated from the types that implement it.

``wire-messages`` draws a table for each message of one direction (``client`` or ``server``), or for
each event type (``events``). Every HTML build also gets ``_static/asyncapi.json``.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, get_args

import msgspec
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from jupyter_agent._version import __version__
from jupyter_agent.core import events
from jupyter_agent.protocol import messages

REF = "#/components/schemas/{name}"


def groups() -> dict[str, dict[str, type]]:
    """Return the types of each group by their name on the wire."""
    return {
        "client": {_tag(kind): kind for kind in get_args(messages.FromClient)},
        "server": {_tag(kind): kind for kind in get_args(messages.FromServer)},
        "events": dict(events.DATA_TYPES),
    }


def schemas() -> dict[str, Any]:
    """Return the JSON Schema of every type on the wire, by name."""
    kinds = [kind for group in groups().values() for kind in group.values()]
    _, components = msgspec.json.schema_components(kinds, ref_template=REF)
    return {name: _cleaned(schema) for name, schema in components.items()}


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
        "components": {"schemas": schemas()},
    }


def _operation(action: str, kinds: Iterable[str], side: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/ws"},
        "messages": [{"$ref": f"#/channels/ws/messages/{side}.{tag}"} for tag in kinds],
    }


def _tag(kind: type) -> str:
    tag = kind.__struct_config__.tag  # type: ignore[attr-defined]
    return str(tag)


def _cleaned(schema: dict[str, Any]) -> dict[str, Any]:
    if "description" in schema:
        schema["description"] = inspect.cleandoc(schema["description"])
    return schema


class WireMessages(SphinxDirective):
    """``.. wire-messages:: client|server|events``"""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        group = groups().get(self.arguments[0])
        if group is None:
            raise self.error(
                f"{self.arguments[0]!r} is no group of messages; use one of {', '.join(groups())}"
            )
        known = schemas()
        return [self._section(tag, known[kind.__name__], known) for tag, kind in group.items()]

    def _section(self, tag: str, schema: dict[str, Any], known: dict[str, Any]) -> nodes.Node:
        section = nodes.section(ids=[nodes.make_id(f"{self.arguments[0]}-{tag}")])
        section += nodes.title("", "", nodes.literal(text=tag))
        for paragraph in schema.get("description", "").split("\n\n"):
            if paragraph:
                section += _paragraph(paragraph)
        section += _table(schema, known)
        return section


def _paragraph(text: str) -> nodes.paragraph:
    node = nodes.paragraph()
    for index, part in enumerate(" ".join(text.split()).split("``")):
        node += nodes.literal(text=part) if index % 2 else nodes.Text(part.replace("`", ""))
    return node


def _table(schema: dict[str, Any], known: dict[str, Any]) -> nodes.Node:
    required = set(schema.get("required", ()))
    rows = [
        (name, _type(field, known), "yes" if name in required else _default(field))
        for name, field in schema["properties"].items()
        if name != "type"
    ]
    if not rows:
        return nodes.paragraph(text="No fields but its type.")
    group = nodes.tgroup("", *[nodes.colspec(colwidth=width) for width in (25, 50, 25)], cols=3)
    group += nodes.thead("", _row([nodes.Text(title) for title in ("field", "type", "required")]))
    cells = [[nodes.literal(text=name), nodes.Text(kind), nodes.Text(need)] for name, kind, need in rows]
    group += nodes.tbody("", *[_row(row) for row in cells])
    return nodes.table("", group)


def _row(cells: list[Any]) -> nodes.row:
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells])


def _default(field: dict[str, Any]) -> str:
    return f"no ({json.dumps(field['default'])})" if "default" in field else "no"


def _type(field: dict[str, Any], known: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        choices = known[name].get("enum")
        return " | ".join(map(str, choices)) if choices else name
    if "anyOf" in field:
        return " | ".join(_type(option, known) for option in field["anyOf"])
    if "enum" in field:
        return " | ".join(map(json.dumps, field["enum"]))
    if field.get("type") == "array":
        return f"array of {_type(field.get('items', {}), known)}"
    return str(field.get("type", "any")) + _bounds(field)


def _bounds(field: dict[str, Any]) -> str:
    low, high = (field.get(f"min{word}") for word in ("imum", "Length")), field.get("maxLength")
    least = next((value for value in low if value is not None), None)
    if least is not None and least == high:
        return f" of {least} characters"
    return f" ≥ {least}" if least is not None else ""


def write_asyncapi(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        path = Path(app.outdir) / "_static" / "asyncapi.json"
        path.write_text(json.dumps(asyncapi(), indent=2) + "\n")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("wire-messages", WireMessages)
    app.connect("build-finished", write_asyncapi)
    return {"version": __version__, "parallel_read_safe": True}
