"""Masking of secrets in what is shown of a task and kept of it.

What counts as a secret is judged by its name (``password``, ``api_key``, ``Token``), or by its place in an
address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "••••"
"""What is shown instead of a secret."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET = re.compile(
    r"passw|passphrase|passcode|secret|credential|api_?key|token(?!i[sz])"
    r"|(?:^|[_\W])(?:keys?|pwd|pass|auth|authorization|bearer|cookies?)(?:$|[_\W])"
)
_COUNTED = re.compile(r"tokens$")
_PASSWORD = re.compile(
    # Up to the last @ before the path, as servers read it; else with a slash, as database drivers do.
    r"(?<=://)([^/\s:@[]*):(?:[^/\s]+|(?!\d+[/?#])[^\s'\"@]{1,200})@"
)
_TOKEN = re.compile(r"(?<=://)(?=[\w.~%+-]*\d)[\w.~%+-]{20,}@")
"""Matches a user without a password that is as long as a key."""

_SIGNATURE = re.compile(r"(?<=[?&])((?:x-(?:amz|goog)-)?sig(?:nature)?)=[^&#\s'\"]+", re.IGNORECASE)
_PAIR = re.compile(
    # From the beginning of a word only, and without going back in it: a long one took its length squared.
    r"(?<![\w-])(?:[^\WA-Za-z_]|-)*+(?P<name>[A-Za-z_][\w-]*+)['\"]?(?:=| ?: ?(?!//))"
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
        text = _PASSWORD.sub(rf"\1:{MASK}@", text)
        text = _TOKEN.sub(f"{MASK}@", text)
        text = _SIGNATURE.sub(rf"\1={MASK}", text)
    return _PAIR.sub(_mask_pair, text)


MAX_DEPTH = 20
"""Nesting up to which secrets in dicts and lists are masked one by one; what is deeper is masked whole."""


def masked_value(name: str, value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return *value*, as JSON has it, with the secrets in it masked."""
    if value is None or value == "":
        return value
    if is_secret(name, value) or (depth == 0 and isinstance(value, dict | list)):
        return MASK
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, dict):
        return {key: masked_value(key, one, depth - 1) for key, one in value.items()}
    if isinstance(value, list):
        return [masked_value("", one, depth - 1) for one in value]
    return value


def _mask_pair(found: re.Match[str]) -> str:
    value = found["value"]
    if value == "None" or not is_secret(found["name"], int(value) if value.isdecimal() else value):
        return found[0]
    return found[0][: found.start("value") - found.start()] + MASK
