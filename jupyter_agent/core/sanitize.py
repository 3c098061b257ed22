"""Strangers' text as it may be shown: nothing in it steers a terminal, or turns a line around.

Removed are the escape sequences of ECMA-48 (and the first characters of one that has no end), control
characters, and the marks that change the direction of what follows. The browser's side of this is
``printable`` in ``frontend/src/model/format.ts``.
"""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movements, modes
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # titles, links, clipboard
    r"|\x1b[ -/]*[0-~]"
)
_CONTROLS = r"\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb\ud800-\udfff"
_TURNS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = re.compile(f"[{_CONTROLS}{_TURNS}]")


def strip_controls(text: str) -> str:
    """*text* with its line ends, tabs and carriage returns."""
    return _UNSEEN.sub("", _ESCAPES.sub("", text))


def to_single_line(text: str) -> str:
    """*text* as one line: line ends become spaces, tabs four of them."""
    return strip_controls(text.replace("\t", "    ").replace("\n", " ")).replace("\r", "")


def json_text(encoded: bytes) -> str:
    """Encoded JSON for a terminal: the same value, with such characters as ``\\u`` escapes."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded.decode())
