"""TLS contexts of outgoing connections."""

from __future__ import annotations

import ssl

from .discovery import Address


def ssl_context(address: Address) -> ssl.SSLContext | None:
    """Return the context that trusts a local server's own certificate; ``None``: the system's defaults.

    Whoever signed it: the file has the server's certificate first, and seldom the one of the authority.
    """
    if not address.cert:
        return None
    context = ssl.create_default_context(cafile=address.cert)
    context.check_hostname = False
    # Python 3.13 sets both by default; a certificate that was made by hand may lack what the latter wants.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
