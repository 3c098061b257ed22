"""The notification sender: apprise (https://github.com/caronc/apprise), an optional dependency.

Addresses hold passwords and tokens. Messages about a wrong one give its position and scheme only.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from traitlets import List, TraitError
from traitlets.traitlets import Unicode

from .notifier import Send


class Addresses(List[str]):
    """A list of addresses; no error message contains its value."""

    def __init__(self, **metadata: Any) -> None:
        super().__init__(Unicode(), **metadata)

    def error(self, *_: object, **__: object) -> NoReturn:
        raise TraitError(f"c.JupyterAgent.{self.name} must be a list of addresses, each of them a text")


def apprise_sender(addresses: Sequence[str], warn: Callable[[str], None]) -> Send | None:
    """Return a sender to all valid *addresses*, or ``None``; *warn* gets a sentence for each invalid one.

    ``env:NAME`` is the address in that environment variable. Blocks for a while: it loads plugins.
    """
    try:
        import apprise
    except ImportError:
        warn("c.JupyterAgent.notify needs apprise: pip install 'jupyter-agent-tasks[notify]'")
        return None
    _silence()
    recipients = apprise.Apprise()
    for number, address in enumerate(addresses, start=1):
        plugin = apprise.Apprise.instantiate(resolved(address))
        if plugin is None:
            which = f"entry {number} of c.JupyterAgent.notify{_scheme(address)}"
            warn(f"{which} is not an address that apprise understands")
        else:
            recipients.add(plugin)
    if not len(recipients):
        return None

    def send(title: str, text: str, is_bad: bool) -> bool:
        kind = apprise.NotifyType.FAILURE if is_bad else apprise.NotifyType.INFO
        return bool(recipients.notify(text, title, kind, body_format=apprise.NotifyFormat.TEXT))

    return send


def resolved(address: str) -> str:
    """Return *address*, or the value of the environment variable that it names."""
    return os.environ.get(address[4:], "") if address.startswith("env:") else address


def _scheme(address: str) -> str:
    """Return the part of an address that a message may contain."""
    if address.startswith("env:"):
        return f" ({address})"
    scheme, found, _ = address.partition("://")
    return f" ({scheme}://…)" if found and scheme.isalnum() and len(scheme) <= 20 else ""


def _silence() -> None:
    """Silence apprise and urllib3: they log addresses, at DEBUG and in warnings."""
    own = logging.getLogger("apprise")
    own.addHandler(logging.NullHandler())
    own.propagate = False
    own.setLevel(logging.CRITICAL + 1)  # a later logging configuration may re-enable propagation
    logging.getLogger("urllib3").setLevel(logging.INFO)
