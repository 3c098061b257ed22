"""OpenAPI 3.1 of the HTTP interface, made from the routes and what their handlers declare."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tornado.web import RequestHandler

from ..._version import __version__
from ...protocol.description import schemas_of
from .bodies import ProblemDetails
from .operation import Operation, Parameter, declared_operation

METHODS = ("get", "post", "patch", "delete")
CATCH_ALL = "(.*)"
"""The route of everything that does not exist."""

_JSON = "application/json"
_PROBLEM = "application/problem+json"
_ABOUT = (
    "Durable tasks of one user. A request is authenticated as for Jupyter itself; "
    "`x-jupyter-agent-right` is the right that Jupyter's authorizer is asked about, "
    "for the resource `jupyter_agent`."
)
_MEANINGS = {
    101: "The connection is a WebSocket; see asyncapi.json.",
    200: "Done.",
    201: "Made; `Location` is its address.",
    202: "Accepted.",
    204: "Done; there is nothing to say.",
    400: "The request cannot be understood.",
    403: "No login, or no right.",
    404: "There is no such thing.",
    409: "Not possible in the present state.",
    410: "The journal cannot continue from the cursor; start over without it.",
    503: "The journal cannot be used at the moment.",
}


class Described(NamedTuple):
    """One method of one address, with its declaration."""

    path: str
    method: str
    handler: Any
    function: Any
    declared: Operation

    @property
    def public(self) -> bool:
        """Whether it answers without a login."""
        return bool(getattr(self.function, "__allow_unauthenticated", False))

    @property
    def right(self) -> str | None:
        """The right that it needs; ``None`` where it needs none."""
        actions = getattr(self.handler, "actions", {"GET": "read"})
        return None if self.public else actions.get(self.method.upper(), "write")

    @property
    def parameters(self) -> dict[str, Parameter]:
        """What its query may have."""
        return dict(getattr(self.handler, "parameters", None) or {}) if self.method == "get" else {}

    @property
    def refusals(self) -> list[int]:
        """The statuses of its refusals."""
        general = () if self.public else (400, 403, 503)
        return sorted({*general, *self.declared.refusals, *((404,) if "{" in self.path else ())})


def template(route: str) -> str:
    """Return the path of a route's pattern as OpenAPI has it."""
    return "/" + route.replace("([^/]+)", "{id}").replace("(.*)", "{name}").removesuffix("?")


def described(routes: Iterable[tuple[str, Any]]) -> Iterator[Described]:
    """Yield every operation of *routes*. Raises `TypeError` for a method that declares nothing."""
    for route, handler in routes:
        if route == CATCH_ALL:
            continue
        for method in METHODS:
            function = getattr(handler, method)
            if function is getattr(RequestHandler, method):
                continue
            declared = declared_operation(function)
            if declared is None:
                raise TypeError(f"{handler.__name__}.{method} declares no operation")
            yield Described(template(route), method, handler, function, declared)


def openapi(routes: Iterable[tuple[str, Any]], base_url: str = "/") -> dict[str, Any]:
    """Return the document about *routes*, which lie below *base_url* and ``jupyter-agent/``."""
    operations = list(described(routes))
    kinds = [kind for one in operations for kind in _kinds(one)]
    found, named = schemas_of([ProblemDetails, *kinds])
    schemas = iter(found[1:])
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter_agent", "version": __version__, "description": _ABOUT},
        "servers": [{"url": f"{base_url.rstrip('/')}/jupyter-agent"}],
        "security": [{"token": []}, {"query": []}],
        "paths": paths,
        "components": {"schemas": named, "securitySchemes": _SECURITY},
    }


_SECURITY = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`token` and the server's token",
    },
    "query": {"type": "apiKey", "in": "query", "name": "token", "description": "the server's token"},
}


def _kinds(one: Described) -> list[Any]:
    """Return the types of an operation, in the order in which `_operation` takes their schemas."""
    kinds = [each.type for each in one.parameters.values()]
    kinds += _alternatives(one.declared.body)
    return kinds + [each for kind in one.declared.answers.values() for each in _alternatives(kind)]


def _alternatives(kind: Any) -> tuple[Any, ...]:
    if kind is None:
        return ()
    return kind if isinstance(kind, tuple) else (kind,)


def _any_of(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _operation(one: Described, schemas: Iterator[dict[str, Any]]) -> dict[str, Any]:
    words = re.findall(r"\w+", one.path) or ["page"]
    answer: dict[str, Any] = {
        "operationId": "_".join([one.method, *words]),
        "tags": [words[0]],
        "summary": inspect.getdoc(one.function).splitlines()[0],  # type: ignore[union-attr]
        "parameters": [*_path_parameters(one.path), *_query(one, schemas)],
    }
    if one.right is None:
        answer["security"] = []
    else:
        answer["x-jupyter-agent-right"] = one.right
    if bodies := [next(schemas) for _ in _alternatives(one.declared.body)]:
        answer["requestBody"] = {"required": True, "content": {_JSON: {"schema": _any_of(bodies)}}}
    answer["responses"] = _responses(one, schemas)
    return answer


def _path_parameters(path: str) -> list[dict[str, Any]]:
    text = {"type": "string", "minLength": 1}
    return [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query(one: Described, schemas: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "query",
            "required": each.required,
            "description": each.text,
            "schema": next(schemas) | ({} if each.default is None else {"default": each.default}),
        }
        for name, each in one.parameters.items()
    ]


def _responses(one: Described, schemas: Iterator[dict[str, Any]]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for number, (status, kind) in enumerate(one.declared.answers.items()):
        found = [next(schemas) for _ in _alternatives(kind)]
        content = {_JSON: {"schema": _any_of(found)}} if found else {}
        if number == 0:
            content |= {media: {} for media in one.declared.others}
        responses[str(status)] = {"description": _MEANINGS[status]} | (
            {"content": content} if content else {}
        )
    problem = {_PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    for status in one.refusals:
        responses[str(status)] = {"description": _MEANINGS[status], "content": problem}
    return responses
