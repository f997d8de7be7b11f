"""`socket` of the port, but names are resolved by the host, which puts its own proxy in the place of every
server."""

import json

import _bridge
import _host_socket
from _host_socket import (
    AF_INET,
    SO_REUSEADDR,
    SOCK_DGRAM,
    SOCK_STREAM,
    SOL_SOCKET,
    socket,
)

if _bridge.config["is_in_process"]:
    from _in_process import Socket as socket

__all__ = ("AF_INET", "SOCK_DGRAM", "SOCK_STREAM", "SOL_SOCKET", "SO_REUSEADDR", "getaddrinfo", "socket")

IPPROTO_TCP = 6


def getaddrinfo(host, port, family=0, kind=0, protocol=0, flags=0):
    """Blocks for the modelled time of a look-up; OSError(-202) without a network, as lwIP says it."""
    request = json.dumps([host, port])
    address = json.loads(_bridge.call(_bridge.RESOLVE, 0, request.encode()))
    _bridge.advance(_bridge.costs["dns_us"])
    if address is None:
        raise OSError(-202)
    if _bridge.config["is_in_process"]:
        return [(AF_INET, kind or SOCK_STREAM, 0, "", address)]
    return _host_socket.getaddrinfo(address[0], address[1], AF_INET, kind or SOCK_STREAM)
