"""TLS as a target file asks for it: certificates are checked unless it says otherwise."""

from __future__ import annotations

import ssl

from targets.schema import Tls


def client_context(tls: Tls) -> ssl.SSLContext:
    """A client's context; OSError for a `ca` file that cannot be read."""
    context = ssl.create_default_context(cafile=tls.ca)
    context.set_alpn_protocols(["http/1.1"])
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
