"""Reference of the wire protocol, generated from the types that implement it.

``wire-messages`` draws a table for each message of one direction (``client`` or ``server``), or for
each event type (``events``); ``http-operations`` draws each request, and ``http-bodies`` each body. Every
HTML build also gets ``asyncapi.json``, ``openapi.json`` and ``event.schema.json`` in ``_static``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from jupyter_agent._version import __version__
from jupyter_agent.protocol.description import asyncapi, event_schema, groups, wire_schemas
from jupyter_agent.server.interface.openapi import openapi
from jupyter_agent.server.routes import ROUTES


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
        known = wire_schemas()
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
    if "prefixItems" in field:
        return f"[{', '.join(_type(item, known) for item in field['prefixItems'])}]"
    if field.get("type") == "array":
        return f"array of {_type(field.get('items', {}), known)}"
    return str(field.get("type", "any")) + _bounds(field)


def _bounds(field: dict[str, Any]) -> str:
    low, high = (field.get(f"min{word}") for word in ("imum", "Length")), field.get("maxLength")
    least = next((value for value in low if value is not None), None)
    if least is not None and least == high:
        return f" of {least} characters"
    if least == 1 and "minLength" in field:
        return ", not empty"
    return f" ≥ {least}" if least is not None else ""


class HttpOperations(SphinxDirective):
    """``.. http-operations::``: each request, by address."""

    def run(self) -> list[nodes.Node]:
        return [
            self._section(f"{method.upper()} jupyter-agent{path}", one)
            for path, methods in openapi(ROUTES)["paths"].items()
            for method, one in methods.items()
        ]

    def _section(self, title: str, one: dict[str, Any]) -> nodes.Node:
        section = nodes.section(ids=[nodes.make_id(one["operationId"])])
        section += nodes.title("", "", nodes.literal(text=title))
        right = one.get("x-jupyter-agent-right")
        needs = f"Needs the right to {right}." if right else "Needs no login."
        section += _paragraph(f"{one['summary']} {needs}".replace("`", "``"))
        if one["parameters"]:
            section += _grid(
                ("parameter", "type", "meaning"), [_parameter(each) for each in one["parameters"]]
            )
        rows = [("body", "", _media(one["requestBody"]))] if "requestBody" in one else []
        rows += _answers(one["responses"])
        section += _grid(("", "status", "content"), rows)
        return section


class HttpBodies(SphinxDirective):
    """``.. http-bodies::``: the fields of each body of a request or an answer."""

    def run(self) -> list[nodes.Node]:
        known, wire = openapi(ROUTES)["components"]["schemas"], wire_schemas()
        return [
            self._section(name, schema, known)
            for name, schema in sorted(known.items())
            if "properties" in schema and (name not in wire or name == "Task")
        ]

    def _section(self, name: str, schema: dict[str, Any], known: dict[str, Any]) -> nodes.Node:
        section = nodes.section(ids=[nodes.make_id(f"body-{name}")])
        section += nodes.title("", "", nodes.literal(text=name))
        for paragraph in schema.get("description", "").split("\n\n"):
            section += _paragraph(paragraph)
        section += _table(schema, known)
        return section


def _parameter(one: dict[str, Any]) -> tuple[str, str, str]:
    schema = one["schema"]
    where = "in the path" if one["in"] == "path" else one["description"]
    default = f" (default {schema['default']})" if "default" in schema else ""
    kind = schema["$ref"].rsplit("/", 1)[-1] if "$ref" in schema else _type(schema, {})
    top = f", at most {schema['maximum']}" if "maximum" in schema else ""
    return one["name"], kind + top + default, where.replace("`", "")


def _answers(responses: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return a row for each answer, and one for all refusals."""
    rows = [("answer", status, _media(each)) for status, each in responses.items() if int(status) < 400]
    refused = [status for status in responses if int(status) >= 400]
    return rows + ([("refusal", ", ".join(refused), "ProblemDetails")] if refused else [])


def _media(one: dict[str, Any]) -> str:
    found = [
        name
        for media, content in one.get("content", {}).items()
        for name in _names(content.get("schema", {})) or [media]
    ]
    return " or ".join(found) or "nothing"


def _names(schema: dict[str, Any]) -> list[str]:
    """Return the names of the types that a body may have."""
    parts = [schema, *schema.get("anyOf", ())]
    return [each["$ref"].rsplit("/", 1)[-1] for each in parts if "$ref" in each]


def _grid(titles: tuple[str, str, str], rows: list[tuple[str, str, str]]) -> nodes.Node:
    group = nodes.tgroup("", *[nodes.colspec(colwidth=width) for width in (20, 30, 50)], cols=3)
    group += nodes.thead("", _row([nodes.Text(title) for title in titles]))
    group += nodes.tbody(
        "", *[_row([nodes.literal(text=a), nodes.Text(b), nodes.Text(c)]) for a, b, c in rows]
    )
    return nodes.table("", group)


def write_descriptions(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        made = {"asyncapi": asyncapi(), "openapi": openapi(ROUTES), "event.schema": event_schema()}
        for name, document in made.items():
            path = Path(app.outdir) / "_static" / f"{name}.json"
            path.write_text(json.dumps(document, indent=2) + "\n")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("wire-messages", WireMessages)
    app.add_directive("http-operations", HttpOperations)
    app.add_directive("http-bodies", HttpBodies)
    app.connect("build-finished", write_descriptions)
    return {"version": __version__, "parallel_read_safe": True}
