"""A real HTTP server on loopback that receives alerts and answers as a test tells it to."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, bytes, dict[str, str]]
OK: Answer = (200, b'{"errcode": 0, "code": 0}', {})


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """``answer`` maps the number of a request (from 1) to what is answered; ``stop`` ends what still hangs."""

    answer: Callable[[int], Answer]
    port: int = 0
    got: list[Received] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook?token=geheim"

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.got]


@contextmanager
def receiving(
    answer: Callable[[int], Answer] = lambda _: OK, *, drip: bool = False, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """``drip``: after the head, one byte at a time until the test is over, and never the end."""
    receiver = Receiver(answer, scheme="https" if tls else "http")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with receiver.lock:
                receiver.got.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                number = len(receiver.got)
            status, content, headers = receiver.answer(number)
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "9999" if drip else str(len(content)))
                self.end_headers()
                while drip and not receiver.stop.wait(0.05):
                    self.wfile.write(b".")
                self.wfile.write(content)
            except OSError:  # the sender has gone, as it should
                pass

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


def hanging(receiver: Receiver) -> Answer:
    """An ``answer`` that comes when the test is over."""
    receiver.stop.wait()
    return OK
