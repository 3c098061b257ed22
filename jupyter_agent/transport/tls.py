"""TLS contexts of outgoing connections."""

from __future__ import annotations

import ssl

from .discovery import Address


def ssl_context(address: Address) -> ssl.SSLContext | None:
    """Return the context that trusts a local server's own certificate; ``None``: the system's defaults."""
    if not address.cert:
        return None
    context = ssl.create_default_context(cafile=address.cert)
    context.check_hostname = False
    return context
