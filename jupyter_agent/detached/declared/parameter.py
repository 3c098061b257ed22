"""One declared parameter: its name, default, annotation and comment."""

from __future__ import annotations

import ast
from typing import Any

from msgspec import Struct

from ...core.secrets import MASK, is_secret, mask_secrets, masked_value
from ...errors import BadTarget
from ..parameters import check_parameters
from .source import Source

MAX_PARAMETERS = 200
"""Parameters of one target that are returned."""

MAX_TEXT = 200
"""Characters of each text; a default that is longer is cut and has no ``value``."""


class DeclaredParameter(Struct, frozen=True, kw_only=True):
    """``default`` and ``annotation`` are source text, ``None`` when there is none.

    ``value`` is the default as JSON, ``None`` also when it is not a literal that JSON can keep. ``choices``
    are those of a ``Literal`` annotation. ``secret``: its name is one that secrets have; its default is
    masked.
    """

    name: str
    required: bool
    default: str | None = None
    value: Any = None
    annotation: str | None = None
    choices: list[Any] | None = None
    comment: str | None = None
    secret: bool = False


class Declaration(Struct, frozen=True, kw_only=True):
    """``more``: parameters of other names may be given, too. ``note``: a sentence for the person."""

    parameters: list[DeclaredParameter] = []
    more: bool = False
    note: str | None = None


def declared(
    source: Source, name: str, annotation: ast.expr | None, default: ast.expr | None, comment: str | None
) -> DeclaredParameter:
    """Return the parameter that these nodes of *source* declare."""
    text = None if default is None else source.text_of(default)
    value = None if default is None or text is None or len(text) > MAX_TEXT else _literal(name, default)
    secret = is_secret(name, value)
    if secret and text not in (None, "None", "''", '""'):
        text, value = MASK, None
    elif text is not None and (shown := mask_secrets(text)) != text:
        text, value = shown, None
    elif default is not None and _hides_secret(name, default, value):
        text, value = MASK, None
    return DeclaredParameter(
        name=name,
        required=default is None,
        default=_cut(text),
        value=value,
        annotation=None if annotation is None else _cut(mask_secrets(source.text_of(annotation))),
        choices=_choices(name, annotation),
        comment=_cut(mask_secrets(comment) if comment else None),
        secret=secret,
    )


def _hides_secret(name: str, node: ast.expr, value: Any) -> bool:
    """Return True for a secret that the source does not show as one word: in pieces, or escaped."""
    texts = [one for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    texts.sort(key=lambda one: (one.lineno, one.col_offset))
    joined = "".join(str(one.value) for one in texts)
    return masked_value(name, value) != value or mask_secrets(joined) != joined


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _literal(name: str, node: ast.expr) -> Any:
    """Return the value of a literal; ``None`` for any other expression, and for what JSON cannot keep."""
    try:
        value = ast.literal_eval(node)
        check_parameters({name: value})
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, BadTarget):
        return None
    return value


def _choices(name: str, annotation: ast.expr | None) -> list[Any] | None:
    """Return the values of ``Literal[...]``, written so or as an attribute of a module."""
    if not isinstance(annotation, ast.Subscript):
        return None
    owner = annotation.value
    word = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    if word != "Literal":
        return None
    nodes = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    found = [_literal(name, node) for node in nodes[:MAX_PARAMETERS]]
    return found if None not in found and masked_value(name, found) == found else None
