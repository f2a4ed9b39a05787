"""What every request passes before it is answered: whose name it calls, where it comes from, how much it sends.

A page of a stranger that is open in a browser on this machine can send requests to servers on it. Therefore other
names than those of this machine in the Host header (DNS rebinding), and what another page sends, are refused.
"""

import asyncio
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from hinted_posenet.core.errors import printable

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
DRAINED = 16  # times the limit of a body is still read, so that the client sees why it is refused


class Guard:
    """An ASGI middleware that refuses what no client of this service sends.

    Args:
        app: that answers what passes.
        host: that the service is bound to.
        most_bytes: of the body of a request, which is held in memory.
        timeout_s: in which it has to arrive.
        most_bodies: that may arrive or be held at once.
    """

    def __init__(
        self, app: Application, host: str, most_bytes: int, timeout_s: float, most_bodies: int
    ) -> None:
        self._app, self._names = app, names_of(host)
        self._most_bytes, self._timeout_s = most_bytes, timeout_s
        self._free = most_bodies

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on with its whole body."""
        if scope["type"] != "http":  # its start and end
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                stated = {name.lower() for name, _ in message.get("headers", [])}
                more = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [
                    *message.get("headers", []),
                    *(pair for pair in more if pair[0] not in stated),
                ]
            await send(message)

        if refusal := self._stranger(scope["method"], headers):
            await _refuse(guarded, 403, refusal)
        elif scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, guarded)
        elif self._free < 1:
            await _refuse(guarded, 503, "too many requests at once; ask again in a moment")
        else:
            self._free -= 1
            try:
                await self._with_body(scope, receive, guarded)
            finally:
                self._free += 1

    def _stranger(self, method: str, headers: dict[str, str]) -> str | None:
        """Return why a request is not from a client of this service; None if it may be."""
        host = headers.get("host", "")
        if not self._knows(host):
            return f"Host {printable(host[:100])!r}: this service has another name; use its address"
        origin = headers.get("origin")
        if origin is not None and method not in ("GET", "HEAD") and _netloc(origin) != host.lower():
            return "Origin: pages of other sites may not ask here"
        return None

    def _knows(self, host: str) -> bool:
        name = _netloc_name(host)
        if name is None:
            return False
        try:  # nobody else can make a name of an address
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True

    async def _with_body(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send
    ) -> None:
        """Hand a request on when all of its body is there."""
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await self._read(receive)
        except TimeoutError:
            await _refuse(send, 408, f"the request did not arrive within {self._timeout_s:g} s")
            return
        except ConnectionError:
            return
        if body is None:
            most_mb = self._most_bytes / 1e6
            await _refuse(send, 413, f"more than {most_mb:g} MB; send a smaller image, see max_mb")
            return
        left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> Message:
            return left.pop() if left else await receive()

        await self._app(scope, replayed, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the body; None if it is too large."""
        parts: list[bytes] = []
        size, more = 0, True
        while more and size <= DRAINED * self._most_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size > self._most_bytes:
                parts.clear()
            else:
                parts.append(part)
        return b"".join(parts) if size <= self._most_bytes else None


def names_of(host: str) -> set[str]:
    """Return by which names a service is called that is bound to a host; addresses are not among them."""
    names = {"localhost", host.lower()}
    if not is_local(host):
        own = socket.gethostname().lower()
        names |= {own, f"{own.partition('.')[0]}.local"}
    return names


def is_local(host: str) -> bool:
    """Return whether a host can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _netloc_name(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018  # raises for what is no number
    except ValueError:
        return None
    plain = parts.netloc == host and "@" not in host
    return parts.hostname if plain else None


async def _refuse(send: Send, status: int, error: str) -> None:
    body = json.dumps({"error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers += [(b"retry-after", b"1")] if status == 503 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
