"""A guard against the network: sockets of this process reach no other machine, and names are not looked up."""

import socket
from typing import Any

LOCAL = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "::", ""}


class NetworkUsedError(AssertionError):
    """Something wanted to reach another machine; no error that a library would take for a missing network."""


def forbid_network() -> None:
    """Guard this process; local servers and sockets between processes stay as they are."""
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **more: Any) -> Any:
        _check(host)
        return look_up(host, *arguments, **more)

    socket.getaddrinfo = getaddrinfo


def _guarded(method: Any) -> Any:
    def call(self: socket.socket, *arguments: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(arguments[-1][0])
        return method(self, *arguments)

    return call


def _check(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name is not None and name not in LOCAL and name != socket.gethostname():
        raise NetworkUsedError(f"a connection to {name} was wanted")
