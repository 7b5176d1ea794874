"""The servers the bench compares, each as what it takes to start and to ask it."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import node
from bench.documents import MCP_MEMBERS
from bench.settings import ADMIN_TOKEN, ENCRYPTION_KEY

BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is to run: a port for each of its nodes, a folder, PostgreSQL if it asked.

    *origin* is what clients call it, whichever node they reach.
    """

    ports: tuple[int, ...]
    folder: Path
    database_url: str = ""

    @property
    def port(self) -> int:
        """Return the port of the first node."""
        return self.ports[0]

    @property
    def origin(self) -> str:
        """Return the address that all nodes answer for."""
        return f"http://127.0.0.1:{self.port}"

    def node(self, port: int) -> "Place":
        """Return where the node at *port* is to run."""
        return replace(self, ports=(port, *(other for other in self.ports if other != port)))


@dataclass(frozen=True, slots=True)
class Server:
    """How to start one server and where its endpoints are.

    *members* limits the registration document (empty: all 25). Without *token_path* it has no
    client-credentials grant, without *authorize_path* no people, and reads only if *reads*. Tokens
    for *introspectable* (empty: any) can be introspected. *settle_seconds* is how long after the
    last answer it may still be working for it; its clock is read after that, so that work put off
    is counted. *prepare* installs what it needs or raises `Missing`.
    *durable* says whether a 201 survives the machine losing power. *stock* is how many clients its
    store is filled with before it starts; *nodes* how many processes share the store.
    """

    name: str
    command: Callable[[Place], list[str]]
    ready_path: str
    register_path: str
    token_path: str = ""
    authorize_path: str = ""
    introspect_path: str = ""
    introspectable: str = ""
    reads: bool = True
    members: tuple[str, ...] = ()
    needs_postgres: bool = False
    durable: bool = True
    folder: Path | None = None
    settle_seconds: float = 0.2
    prepare: Callable[[], None] = lambda: None
    environment: Mapping[str, str] = field(default_factory=dict)
    admin_path: str = ""
    stock: int = 0
    nodes: int = 1


def oidc_provider(kind: str, *, name: str) -> Server:
    """Return npm oidc-provider on the *kind* of adapter: memory, sqlite or postgres."""

    def command(place: Place) -> list[str]:
        where = {"sqlite": str(place.folder / "store.db"), "postgres": place.database_url}
        script = str(node.PEERS / "oidc" / "server.js")
        return [str(node.find_node()), script, str(place.port), kind, where.get(kind, "")]

    return Server(
        name=name,
        command=command,
        ready_path="/.well-known/openid-configuration",
        register_path="/reg",
        token_path="/token",
        authorize_path="/auth",
        introspect_path="/token/introspection",
        introspectable="https://opaque.example/",
        needs_postgres=kind == "postgres",
        durable=kind != "memory",
        prepare=node.install,
    )


def _mcp(place: Place) -> list[str]:
    return [sys.executable, "mcp_server.py", str(place.port)]


def _authlib(place: Place) -> list[str]:
    origin = f"http://127.0.0.1:{place.port}"
    factory = f"authlib_server:create_app({str(place.folder / 'store.db')!r}, {origin!r})"
    flags = ["--worker-class=gthread", "--threads=4", "--keep-alive=75", "--no-control-socket"]
    bind = [f"--bind=127.0.0.1:{place.port}", "--log-level=error"]
    return [str(BIN / "gunicorn"), *flags, *bind, factory]


def _registrary(place: Place) -> list[str]:
    return _serve(place, f"sqlite:///{place.folder / 'store.db'}")


def _registrary_on_postgres(place: Place) -> list[str]:
    return [*_serve(place, place.database_url), "--migrate"]


def _serve(place: Place, store: str) -> list[str]:
    listen = ["--listen", f"127.0.0.1:{place.port}", "--store", store]
    return [str(BIN / "registrary"), "serve", "--dev", *listen, "--no-rate-limits"]


REGISTRARY = Server(
    name="Registrary, SQLite",
    command=_registrary,
    ready_path="/healthz",
    register_path="/register",
    token_path="/token",
    authorize_path="/authorize",
    introspect_path="/introspect",
    # The audit log is sequenced every half second; that work belongs to the requests before it.
    settle_seconds=0.7,
    admin_path="/api/v1",
    environment={"REGISTRARY_ADMIN_TOKEN": ADMIN_TOKEN},
)
REGISTRARY_POSTGRES = replace(
    REGISTRARY,
    name="Registrary, PostgreSQL",
    command=_registrary_on_postgres,
    needs_postgres=True,
    environment={
        "REGISTRARY_ADMIN_TOKEN": ADMIN_TOKEN,
        "REGISTRARY_KEYS__ENCRYPTION_KEY": ENCRYPTION_KEY,
    },
)
REGISTRARY_NODES = replace(REGISTRARY_POSTGRES, name="Registrary, PostgreSQL, two nodes", nodes=2)
OIDC_SQLITE = oidc_provider("sqlite", name="oidc-provider, SQLite")
OIDC_POSTGRES = oidc_provider("postgres", name="oidc-provider, PostgreSQL")
OIDC_MEMORY = oidc_provider("memory", name="oidc-provider, memory")
MCP_MEMORY = Server(
    name="mcp SDK, memory, 14 fields",
    command=_mcp,
    ready_path="/.well-known/oauth-authorization-server",
    register_path="/register",
    reads=False,
    members=MCP_MEMBERS,
    durable=False,
    folder=node.PEERS,
)
AUTHLIB_SQLITE = Server(
    name="Authlib, Flask, SQLite",
    command=_authlib,
    ready_path="/healthz",
    register_path="/register",
    token_path="/token",
    folder=node.PEERS,
)

SERVERS = {
    "registrary": REGISTRARY,
    "registrary-postgres": REGISTRARY_POSTGRES,
    "registrary-nodes": REGISTRARY_NODES,
    "oidc-sqlite": OIDC_SQLITE,
    "oidc-postgres": OIDC_POSTGRES,
    "oidc-memory": OIDC_MEMORY,
    "mcp": MCP_MEMORY,
    "authlib": AUTHLIB_SQLITE,
}
