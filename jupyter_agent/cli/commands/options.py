"""Options, arguments and callbacks that several commands share."""

from __future__ import annotations

import math
from typing import Any

import click

from ...detached.submission import MAX_NAME
from ...errors import BadTarget
from ..backends.caller import checked_text

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def check_utf8(context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
    """Raise `click.BadParameter` for text, or one of several, that JSON cannot keep."""
    try:
        for text in value if isinstance(value, tuple) else (value,):
            if text is not None:
                checked_text(text)
    except BadTarget as error:
        raise click.BadParameter(str(error), ctx=context) from error
    return value


def check_length(context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
    """Raise `click.BadParameter` for a name, key or tag that is empty or too long."""
    for text in value if isinstance(value, tuple) else (value,):
        if text is not None and not 1 <= len(text) <= MAX_NAME:
            raise click.BadParameter(f"give 1 to {MAX_NAME} characters, not {len(text)}", ctx=context)
    return value


def check_number(context: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    """Raise `click.BadParameter` for NaN, which passes every check of a range."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not a number of seconds", ctx=context)
    return value
