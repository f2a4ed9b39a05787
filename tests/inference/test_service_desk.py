"""One computation at a time, a bounded queue, and bodies that arrive too slowly."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from hinted_posenet.inference.service_desk import BusyError, Desk
from hinted_posenet.inference.service_guard import Guard, is_local, names_of


def test_one_job_at_a_time() -> None:
    running, most = [0], [0]

    def job() -> int:
        running[0] += 1
        most[0] = max(most[0], running[0])
        threading.Event().wait(0.01)
        running[0] -= 1
        return running[0]

    async def ask() -> list[int]:
        desk = Desk(queue=8, timeout_s=5)
        return await asyncio.gather(*(desk.ask(job) for _ in range(8)))

    assert asyncio.run(ask()) == [0] * 8
    assert most == [1]


def test_more_than_the_queue_holds_are_refused_at_once() -> None:
    end = threading.Event()

    async def ask() -> tuple[list[Any], int]:
        desk = Desk(queue=2, timeout_s=5)
        first = [asyncio.ensure_future(desk.ask(end.wait)) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(BusyError, match="too many requests wait"):
            await desk.ask(end.wait)
        end.set()
        return [*await asyncio.gather(*first), await desk.ask(end.wait)], desk.waiting

    assert asyncio.run(ask()) == ([True] * 3, 0)


def test_a_job_that_is_late_keeps_its_place_until_it_ends() -> None:
    end = threading.Event()

    async def ask() -> int:
        desk = Desk(queue=1, timeout_s=0.02)
        with pytest.raises(BusyError, match=r"no answer within 0.02 s"):
            await desk.ask(end.wait)
        with pytest.raises(BusyError, match="too many requests wait"):
            await desk.ask(end.wait)
        end.set()
        while desk.waiting:
            await asyncio.sleep(0.001)
        return await desk.ask(lambda: 7)

    assert asyncio.run(ask()) == 7


def test_a_job_that_fails_gives_its_place_back() -> None:
    async def ask() -> int:
        desk = Desk(queue=1, timeout_s=5)
        with pytest.raises(ZeroDivisionError):
            await desk.ask(lambda: 1 // 0)
        return await desk.ask(lambda: 7)

    assert asyncio.run(ask()) == 7


def guarded(receive: Callable[[], Any], **options: Any) -> list[Any]:
    """What a POST is answered whose messages come from ``receive``."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Callable[[], Any], send: Any) -> None:
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def send(message: Any) -> None:
        sent.append(message)

    async def ask() -> None:
        scope = {"type": "http", "method": "POST", "headers": [(b"host", b"localhost")]}
        limits = {"most_bytes": 10, "timeout_s": 0.02, "most_bodies": 1} | options
        await Guard(app, "127.0.0.1", **limits)(scope, receive, send)

    asyncio.run(ask())
    return sent


def part(body: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_parts_arrives_whole() -> None:
    parts = iter([part(b"12345", True), part(b"67890", False)])

    async def receive() -> Any:
        return next(parts)

    start, body = guarded(receive)
    assert (start["status"], body["body"]) == (200, b"1234567890")


def test_a_body_that_stops_is_given_up() -> None:
    async def receive() -> Any:
        await asyncio.sleep(60)

    assert guarded(receive)[0]["status"] == 408


def test_an_endless_body_is_given_up() -> None:
    count = [0]

    async def receive() -> Any:
        count[0] += 1
        return part(b"1234567890", True)

    assert guarded(receive, timeout_s=5)[0]["status"] == 413
    assert count[0] < 20


def test_a_client_that_leaves_gets_nothing() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    assert guarded(receive) == []


def test_too_many_bodies_are_refused() -> None:
    async def receive() -> Any:
        return part(b"", False)

    start, _ = guarded(receive, most_bodies=0)
    assert start["status"] == 503 and (b"retry-after", b"1") in start["headers"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost", "LOCALHOST"])
def test_local_hosts(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.0.1", "robot", "localhost.evil.example"]
)
def test_other_hosts_let_other_machines_in(host: str) -> None:
    assert not is_local(host)
    assert any(name.endswith(".local") for name in names_of(host))
