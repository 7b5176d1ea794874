"""A server of the bench while it runs: started, asked for the first time, given its clients."""

import base64
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.documents import Registered, numbered, reading, registration, token_request
from bench.processes import resident_bytes, running
from bench.servers import Place, Server

CLIENTS = 64
"""Clients that reads and tokens turn over: few enough for every server's own cache of clients."""

_START_SECONDS = 30.0


class Broken(Exception):
    """A server of the bench did not do what it was asked for."""


@dataclass(slots=True)
class Started:
    """A running server. *start_seconds* is from the start of its process to its first answer."""

    server: Server
    port: int
    pid: int
    start_seconds: float
    idle_bytes: int
    database_pid: int = 0
    clients: list[Registered] = field(default_factory=list)

    def requests(self, operation: str) -> list[bytes]:
        """Return the requests that make up *operation* here; none if it has no such operation."""
        server, port = self.server, self.port
        if operation == "register":
            return [registration(server.register_path, port, server.members)]
        if operation == "read" and server.reads:
            return [reading(client, port) for client in self.clients]
        if operation == "token" and server.token_path:
            return [token_request(client, server.token_path, port) for client in self.clients]
        return []


@contextmanager
def started(server: Server, place: Place, *, database_pid: int = 0) -> Iterator[Started]:
    """Run *server* at *place* for the length of the block, from its first answer on."""
    with (place.folder / "log").open("ab") as log:
        begin = time.perf_counter()
        command = server.command(place)
        with running(command, log=log, folder=server.folder) as process:
            while not _answers(place.port, server.ready_path):
                if process.poll() is not None or time.perf_counter() - begin > _START_SECONDS:
                    raise Broken(f"{server.name} did not start: {_tail(place.folder / 'log')}")
                time.sleep(0.002)
            seconds = time.perf_counter() - begin
            yield Started(
                server, place.port, process.pid, seconds, resident_bytes(process.pid), database_pid
            )


def populate(server: Started, first: int) -> None:
    """Register the clients reads and tokens use, and check once that both answer as they should."""
    (template,) = server.requests("register")
    for number in range(first, first + CLIENTS):
        answer = _ask(server, numbered(template, number), 201)
        server.clients.append(
            Registered(
                answer["client_id"],
                answer["client_secret"],
                answer.get("registration_client_uri", ""),
                answer.get("registration_access_token", ""),
            )
        )
    for request, client in zip(server.requests("read")[:1], server.clients, strict=False):
        if _ask(server, request, 200)["client_id"] != client.client_id:
            raise Broken(f"{server.server.name}: a read returned another client")
    for request in server.requests("token")[:1]:
        _expect_es256(server, _ask(server, request, 200)["access_token"])


def free_port() -> int:
    """Return a port nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _ask(server: Started, request: bytes, expected: int) -> dict[str, str]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read()
    if response.status != expected:
        raise Broken(f"{server.server.name}: {response.status} instead of {expected}: {body!r}")
    answer: dict[str, str] = json.loads(body)
    return answer


def _expect_es256(server: Started, token: str) -> None:
    head = token.partition(".")[0]
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    if header["alg"] != "ES256":
        raise Broken(f"{server.server.name} signs with {header['alg']}, the table is about ES256")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
