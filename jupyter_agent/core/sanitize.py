"""Sanitizing of untrusted text: without escape sequences, control characters and bidi marks.

Escape sequences are those of ECMA-48; of an unterminated one the introducer is removed. The browser's
counterpart is ``printable`` in ``frontend/src/model/format.ts``.
"""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movements, modes
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # titles, links, clipboard
    r"|\x1b[ -/]*[0-~]"
)
_CONTROLS = r"\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb\ud800-\udfff"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = re.compile(f"[{_CONTROLS}{_BIDI}]")


def strip_controls(text: str) -> str:
    """Return *text* without control sequences; line ends, tabs and carriage returns stay."""
    return _INVISIBLE.sub("", _ESCAPES.sub("", text))


def to_single_line(text: str) -> str:
    """Return *text* as one line: line ends become a space, tabs four."""
    return strip_controls(text.replace("\t", "    ").replace("\n", " ")).replace("\r", "")


def json_text(encoded: bytes) -> str:
    """Return encoded JSON for a terminal: the same value, with such characters as ``\\u`` escapes."""
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded.decode())
