"""A real HTTP server on this machine: ranges, changing files, connections that break."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    path: str
    range: str | None
    if_range: str | None
    status: int
    sent: range  # bytes of the file that went out


class Server:
    """What is served, and what was asked.

    ``cut`` holds, for each further answer, after how many bytes the connection breaks (None: not);
    with ``hold`` it hangs there until that is set.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.kinds: dict[str, str] = {}
        self.requests: list[Request] = []
        self.cut: list[int | None] = []
        self.hold: threading.Event | None = None
        self.busy = 0  # how many further answers are 503
        self.ranges = True
        self.tag: str | None = '"first"'
        self.date: str | None = "Mon, 05 Jan 2015 10:00:00 GMT"
        self.length = True
        self.address = ""

    def url(self, path: str) -> str:
        return f"{self.address}/{path}"

    def fetched(self) -> list[int]:
        """Every byte that went out, in order."""
        return [byte for request in self.requests for byte in request.sent]


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            asked, if_range = self.headers["Range"], self.headers["If-Range"]
            if server.busy or path not in server.files:
                status = 503 if server.busy else 404
                server.busy = max(0, server.busy - 1)
                self._note(path, status, range(0))
                self.send_error(status)
                return
            content, start, status = server.files[path], 0, 200
            if asked and server.ranges and if_range in (None, server.tag, server.date):
                start, status = int(asked.removeprefix("bytes=").partition("-")[0]), 206
            if status == 206 and start >= len(content):
                self._note(path, 416, range(0))
                self.send_error(416)
                return
            cut = server.cut.pop(0) if server.cut else None
            stop = len(content) if cut is None else min(start + cut, len(content))
            self._note(path, status, range(start, stop))
            self.send_response(status)
            self.send_header("Content-Type", server.kinds.get(path, "application/zip"))
            if status == 206:
                whole = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", whole)
            for name, value in (("ETag", server.tag), ("Last-Modified", server.date)):
                if value:
                    self.send_header(name, value)
            if server.length:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:stop])
            if server.hold and stop < len(content):
                server.hold.wait(60)
            self.close_connection = True

        def _note(self, path: str, status: int, sent: range) -> None:
            asked, if_range = self.headers["Range"], self.headers["If-Range"]
            server.requests.append(Request(path, asked, if_range, status, sent))

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving() -> Iterator[Server]:
    """A server in a thread."""
    server = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    server.address = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
