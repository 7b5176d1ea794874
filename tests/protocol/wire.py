"""A caller that writes bytes, and reads answers as strictly as the strictest client.

Numbers of threats in the tests that use it are those of docs/threats.md.
"""

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

PATIENCE_SECONDS: Final = 60  # a busy machine is slow; a test that hangs ends here
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [A-Za-z' -]+")
_HEADER: Final = re.compile(rb"([a-z0-9-]+): ([!-~](?:[ -~]*[!-~])?)")
_WITHOUT_BODY: Final = frozenset({204, 304})


HOST: Final = "Host: server.example"
BODY: Final = b'{"redirect_uris": ["https://app.example/cb"]}'


def request(first: str, *lines: str, body: bytes = b"") -> bytes:
    """Return a request of a first line and header lines, each as it stands."""
    return "".join(f"{line}\r\n" for line in (first, *lines, "")).encode("latin-1") + body


def get(path: str = "/healthz", *lines: str) -> bytes:
    """Return a GET request."""
    return request(f"GET {path} HTTP/1.1", HOST, *lines)


def post(*lines: str, body: bytes = b"") -> bytes:
    """Return a registration with the given framing."""
    return request(
        "POST /register HTTP/1.1", HOST, "Content-Type: application/json", *lines, body=body
    )


def sized(body: bytes) -> bytes:
    """Return a registration whose body is announced by its length."""
    return post(f"Content-Length: {len(body)}", body=body)


def chunked(body: bytes, *, size: int = 4096, extension: bytes = b"") -> bytes:
    """Return a registration whose body comes in chunks."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    return post("Transfer-Encoding: chunked", body=chunks + b"0\r\n\r\n")


@dataclass(frozen=True)
class Answer:
    """One answer as it came over the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the one value of a header, None if there is none."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) < 2, f"{name} is there twice"
        return values[0] if values else None

    @property
    def closes(self) -> bool:
        """Tell whether the answer says it is the last on its connection."""
        return self.header("connection") == "close"


def parse_head(head: bytes) -> Answer:
    """Read status line and headers, refusing whatever a client could read in two ways."""
    status_line, *lines = head.split(b"\r\n")
    status = _STATUS_LINE.fullmatch(status_line)
    assert status is not None, status_line
    headers = []
    for line in lines:
        header = _HEADER.fullmatch(line)
        assert header is not None, line
        headers.append((header[1].decode(), header[2].decode()))
    return Answer(int(status[1]), tuple(headers))


def body_length(answer: Answer) -> int:
    """Return how many bytes of body follow the head *answer* when no HEAD was asked."""
    length = answer.header("content-length")
    if answer.status in _WITHOUT_BODY or answer.status < 200:
        assert length is None
        return 0
    assert length is not None, "an answer says how long it is"
    return int(length)


def parse_answers(received: bytes) -> list[Answer]:
    """Read everything that came over a connection on which nobody asked by HEAD."""
    answers = []
    while received:
        head, separator, received = received.partition(b"\r\n\r\n")
        assert separator, head
        answer = parse_head(head)
        length = body_length(answer)
        assert length <= len(received), "the answer is cut off"
        answers.append(Answer(answer.status, answer.headers, received[:length]))
        received = received[length:]
    return answers


class Wire:
    """One connection to a server."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._received = b""

    def send(self, data: bytes) -> None:
        """Send *data*; a server that has hung up may be found out later."""
        self.socket.sendall(data)

    def answer(self, *, to_head: bool = False) -> Answer:
        """Return the next answer; *to_head* if the request was HEAD, so that no body comes."""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        answer = parse_head(head)
        length = 0 if to_head else body_length(answer)
        while len(self._received) < length:
            self._receive()
        body, self._received = self._received[:length], self._received[length:]
        return Answer(answer.status, answer.headers, body)

    def rest(self) -> bytes:
        """Return everything until the server closes its half."""
        while True:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                received, self._received = self._received, b""
                return received
            self._received += more

    def answers(self) -> list[Answer]:
        """Return all answers until the server closes its half."""
        return parse_answers(self.rest())

    def reset(self) -> None:
        """Have the connection break off, as by a crash, when it is closed."""
        option = struct.pack("ii", 1, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)

    def finish_sending(self) -> None:
        """Close our half of the connection."""
        self.socket.shutdown(socket.SHUT_WR)

    def _receive(self) -> None:
        more = self.socket.recv(65536)
        assert more, f"the connection ended after {self._received!r}"
        self._received += more


@contextmanager
def connected(url: str) -> Iterator[Wire]:
    """Connect to the server at *url*."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 80)
    with socket.create_connection(address, PATIENCE_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Wire(connection)
