"""Sending notifications by apprise (https://github.com/caronc/apprise), which is an extra.

An address often is a password too. Of a wrong one only its number and its scheme are told.
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
    """A setting whose value is in no error."""

    def __init__(self, **metadata: Any) -> None:
        super().__init__(Unicode(), **metadata)

    def error(self, *_: object, **__: object) -> NoReturn:
        raise TraitError(f"c.JupyterAgent.{self.name} must be a list of addresses, each of them a text")


def apprise_sender(addresses: Sequence[str], tell: Callable[[str], None]) -> Send | None:
    """What sends to all of *addresses* that can be read; *tell* gets a sentence for each that cannot.

    ``env:NAME`` is the address in that environment variable. It takes a moment: services are loaded.
    """
    try:
        import apprise
    except ImportError:
        tell("c.JupyterAgent.notify needs apprise: pip install 'jupyter-agent-tasks[notify]'")
        return None
    _hush()
    everybody = apprise.Apprise()
    for number, address in enumerate(addresses, start=1):
        plugin = apprise.Apprise.instantiate(resolved(address))
        if plugin is None:
            which = f"entry {number} of c.JupyterAgent.notify{_scheme(address)}"
            tell(f"{which} is no address that apprise understands")
        else:
            everybody.add(plugin)
    if not len(everybody):
        return None

    def send(title: str, text: str, is_bad: bool) -> bool:
        kind = apprise.NotifyType.FAILURE if is_bad else apprise.NotifyType.INFO
        return bool(everybody.notify(text, title, kind, body_format=apprise.NotifyFormat.TEXT))

    return send


def resolved(address: str) -> str:
    """*address*, or what the environment variable holds that it names."""
    return os.environ.get(address[4:], "") if address.startswith("env:") else address


def _scheme(address: str) -> str:
    """What may be said of an address."""
    if address.startswith("env:"):
        return f" ({address})"
    scheme, found, _ = address.partition("://")
    return f" ({scheme}://…)" if found and scheme.isalnum() and len(scheme) <= 20 else ""


def _hush() -> None:
    """apprise and what it sends with log addresses, some at DEBUG and some in warnings."""
    own = logging.getLogger("apprise")
    own.addHandler(logging.NullHandler())
    own.propagate = False
    own.setLevel(logging.CRITICAL + 1)  # whoever configures logging anew may let it propagate again
    logging.getLogger("urllib3").setLevel(logging.INFO)
