"""A server of the bench while it runs: started, asked for the first time, given its clients."""

import base64
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.documents import (
    MARK,
    REDIRECT_URI,
    Registered,
    administering,
    numbered,
    posting,
    reading,
    registration,
    token_request,
)
from bench.people import Visitor, redemption
from bench.processes import resident_bytes, running
from bench.servers import Place, Server
from tests.interop.people import Browser

CLIENTS = 64
"""Clients that reads and tokens turn over: few enough for every server's own cache of clients."""

PAGE = 100
"""Clients on a page of a list."""

PAGES = 1000
"""Pages that are asked for in turn."""

CODES = 1000
"""Codes made for one load of exchanges; each is good once, and for a minute."""

_START_SECONDS = 30.0


class Broken(Exception):
    """A server of the bench did not do what it was asked for."""


@dataclass(slots=True)
class Started:
    """A running server. *start_seconds* is from the start of its process to its first answer.

    Of several nodes it is that of the first. *known* are clients of a filled store.
    """

    server: Server
    ports: tuple[int, ...]
    pids: tuple[int, ...]
    start_seconds: float
    idle_bytes: int
    database_pid: int = 0
    clients: list[Registered] = field(default_factory=list)
    known: list[Registered] = field(default_factory=list)
    visitor: Visitor | None = None
    refreshable: list[tuple[Registered, dict[str, str]]] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Return the port of the first node, which all nodes answer for."""
        return self.ports[0]

    def offers(self, operation: str) -> bool:
        """Tell whether this server has *operation*."""
        server = self.server
        return {
            "register": True,
            "read": server.reads,
            "token": bool(server.token_path),
            "list": bool(server.admin_path),
            "search": bool(server.admin_path),
        }.get(operation, bool(server.authorize_path))

    def requests(self, operation: str) -> list[bytes]:
        """Return the requests that make up *operation* here; those with codes are good once."""
        match operation:
            case "register":
                return [registration(self.server.register_path, self.port, self.server.members)]
            case "read":
                return [reading(client, self.port) for client in self.known or self.clients]
            case "token":
                path, clients = self.server.token_path, self.known or self.clients
                return [token_request(client, path, self.port) for client in clients]
            case "list" | "search":
                return self._listing("" if operation == "list" else "&state=suspended")
            case "code":
                return self.exchanges(CODES)
            case "refresh":
                return [self._refreshing(client, tokens) for client, tokens in self.refreshable]
            case _:
                # Made anew: those of a server that waited for others to start have expired by now.
                fresh = _redeemed(self, self.server.introspectable)
                return [self._introspecting(client, tokens) for client, tokens in fresh]

    def exchanges(self, count: int, *, resource: str = "") -> list[bytes]:
        """Return *count* exchanges of fresh codes, turning over the clients."""
        if self.visitor is None:
            return []
        return [
            self._post(client, redemption(code, client.redirect_uri))
            for client, code in self.visitor.codes(self.clients, count, resource=resource)
        ]

    def _listing(self, wanted: str) -> list[bytes]:
        """Return requests for pages from all over the list."""
        path, clients = f"{self.server.admin_path}/clients", self.known or self.clients
        return [
            administering(f"{path}?limit={PAGE}&cursor={client.client_id}{wanted}", self.port)
            for client in clients[:: max(1, len(clients) // PAGES)]
        ]

    def _refreshing(self, client: Registered, tokens: dict[str, str]) -> bytes:
        token = tokens["refresh_token"]
        return self._post(client, {"grant_type": "refresh_token", "refresh_token": token})

    def _introspecting(self, client: Registered, tokens: dict[str, str]) -> bytes:
        path, form = self.server.introspect_path, {"token": tokens["access_token"]}
        return posting(client, path, self.port, form=form)

    def _post(self, client: Registered, form: dict[str, str]) -> bytes:
        return posting(client, self.server.token_path, self.port, form=form)


@contextmanager
def started(server: Server, place: Place, *, database_pid: int = 0) -> Iterator[Started]:
    """Run *server* at *place* for the length of the block, from its first answer on."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(_node(server, place.node(port))) for port in place.ports]
        yield Started(
            server,
            place.ports,
            tuple(pid for pid, _ in nodes),
            nodes[0][1],
            sum(resident_bytes(pid) for pid, _ in nodes),
            database_pid,
        )


@contextmanager
def _node(server: Server, place: Place) -> Iterator[tuple[int, float]]:
    """Run one process of *server* and yield its id and the seconds it took to answer."""
    with (place.folder / "log").open("ab") as log:
        begin = time.perf_counter()
        command, environment = server.command(place), server.environment
        with running(command, log=log, folder=server.folder, environment=environment) as process:
            while not _answers(place.port, server.ready_path):
                if process.poll() is not None or time.perf_counter() - begin > _START_SECONDS:
                    raise Broken(f"{server.name} did not start: {_tail(place.folder / 'log')}")
                time.sleep(0.002)
            yield process.pid, time.perf_counter() - begin


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
                REDIRECT_URI.replace(MARK, f"{number:012d}"),
            )
        )
    if server.offers("read"):
        answer = _ask(server, server.requests("read")[0], 200)
        if answer["client_id"] != server.clients[0].client_id:
            raise Broken(f"{server.server.name}: a read returned another client")
    if server.offers("token"):
        answer = _ask(server, server.requests("token")[0], 200)
        _expect_es256(server, answer["access_token"])
    if server.offers("code"):
        _let_people_in(server)


def _let_people_in(server: Started) -> None:
    """Have somebody sign in and allow every client something; check once what came of it."""
    origin = f"http://127.0.0.1:{server.port}"
    server.visitor = Visitor(Browser([origin]), origin + server.server.authorize_path)
    server.refreshable = _redeemed(server)
    for name in ("access_token", "id_token"):
        _expect_es256(server, server.refreshable[0][1][name])
    if not _ask(server, server.requests("introspect")[0], 200)["active"]:
        raise Broken(f"{server.server.name}: a fresh token is not active")


def _redeemed(server: Started, resource: str = "") -> list[tuple[Registered, dict[str, str]]]:
    exchanges = server.exchanges(len(server.clients), resource=resource)
    answers = [_ask(server, request, 200) for request in exchanges]
    return list(zip(server.clients, answers, strict=True))


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
