"""Masking of secrets in what is shown of a task and kept of it.

What counts as a secret is judged by its name (``password``, ``api_key``, ``Token``), or by its place in an
address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "••••"
"""What is shown instead of a secret."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET = re.compile(
    r"passw|passphrase|passcode|secret|credential|api_?key|token(?!i[sz])"
    r"|(?:^|[_\W])(?:keys?|pwd|pass|auth|authorization|bearer|cookies?)(?:$|[_\W])"
)
_COUNTED = re.compile(r"tokens$")
_USER_INFO = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")
_PAIR = re.compile(
    r"(?P<name>[A-Za-z_][\w-]*)['\"]?(?:=| ?: ?(?!//))"
    r"(?P<value>(?:(?i:bearer|basic) +)?"
    # In quotes, it may be cut before the end.
    r"(?:'(?:[^'\\]|\\.)*(?:'|\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\Z)|[^\s,;&)}\]'\"]+))",
    re.DOTALL,
)


def is_secret(name: str, value: object = "") -> bool:
    """Return whether *name* is one that secrets have; a number of tokens (``max_tokens=512``) is none."""
    words = _CAMEL.sub("_", name).lower()
    if isinstance(value, int | float) and _COUNTED.search(words):
        return False
    return _SECRET.search(words) is not None


def as_command_line(argv: Iterable[str]) -> list[str]:
    """Return *argv* with the values of options and variables masked whose names are those of secrets."""
    shown: list[str] = []
    hide_next = False
    for word in argv:
        shown.append(MASK if hide_next and not word.startswith("-") else mask_secrets(word))
        hide_next = word.startswith("-") and "=" not in word and is_secret(word.lstrip("-"))
    return shown


def mask_secrets(text: str) -> str:
    """Return *text* with passwords in addresses, and values that follow a secret's name, masked."""
    if "://" in text:
        text = _USER_INFO.sub(rf"\1:{MASK}@", text)
    return _PAIR.sub(_mask_pair, text)


def _mask_pair(found: re.Match[str]) -> str:
    value = found["value"]
    if value == "None" or not is_secret(found["name"], int(value) if value.isdecimal() else value):
        return found[0]
    return found[0][: found.start("value") - found.start()] + MASK
