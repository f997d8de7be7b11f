"""`tls` of the port; a handshake also takes the time that the board's processor would need for it."""

import _bridge
import _host_tls
from _host_tls import (
    CERT_NONE,
    CERT_OPTIONAL,
    CERT_REQUIRED,
    MBEDTLS_VERSION,
    PROTOCOL_TLS_CLIENT,
    PROTOCOL_TLS_SERVER,
)

__all__ = (
    "CERT_NONE",
    "CERT_OPTIONAL",
    "CERT_REQUIRED",
    "MBEDTLS_VERSION",
    "PROTOCOL_TLS_CLIENT",
    "PROTOCOL_TLS_SERVER",
    "SSLContext",
)


class SSLContext:
    """The port's own context behind the modelled cost of `wrap_socket`."""

    def __init__(self, protocol):
        object.__setattr__(self, "_context", _host_tls.SSLContext(protocol))

    def __getattr__(self, name):
        return getattr(self._context, name)

    def __setattr__(self, name, value):
        setattr(self._context, name, value)

    def wrap_socket(self, sock, **kwargs):
        if _bridge.config["is_in_process"]:
            from _in_process import wrap

            return wrap(sock)
        wrapped = self._context.wrap_socket(sock, **kwargs)
        # The firmware holds one TLS connection at a time; kept alive, so that nobody else gets its id.
        _bridge.raw_sockets = {id(wrapped): (sock, wrapped)}
        _bridge.advance(_bridge.costs["tls_handshake_us"])
        return wrapped
