"""How often a request goes to PostgreSQL: a statement is a round trip, and the table is exact."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from registrary.storage.postgres import migrate_postgres
from registrary.testing.postgres import FAST, Cluster
from registrary.testing.server import running_server
from tests.protocol.flows import App, an_app
from tests.protocol.kit import OPERATOR, URI, bearer
from tests.protocol.people import Browser

ATTEMPTS = 40
PAUSE_SECONDS = 0.2
RATES = "INSERT INTO registrary.rate "
"""What a server adds up four times a second, however many requests there were, and only then."""

IDLE_SECONDS = 6.0  # in which a server shows all it asks by itself
_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d [^\n]*?\] ", re.MULTILINE)
_STATEMENT = re.compile(r"LOG:  (?:execute [^:]+|statement): (.*)", re.DOTALL)

COUNTS = {
    "register": 1,  # the commit, with event and counters
    "read": 1,  # its own record, as it is in the database
    "update": 2,  # the same, and the commit
    "token": 0,  # the client is remembered, and its place in the status list
    "introspect": 3,  # whether it was revoked, its grant, its person
    "refresh": 2,  # the grant and its person; nothing is replaced for a confidential client
    "authorize": 4,  # session, person, consent, and the commit of the code
    "code": 3,  # the code, its person, and the commit of what comes of it
    "list": 1,
}
"""How many statements a request takes when the server has seen its client before.

A number that grows is a round trip more, which is worth milliseconds between two machines: give the
reason here, or go without.
"""


class StoresOf:
    """The one database of *cluster*, for a server of tests."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def at(self, folder: Path) -> str:
        """Return its URL."""
        return self._cluster.url()


@dataclass(frozen=True)
class Desk:
    """A server, whom to ask it as, and what its database writes down."""

    http: httpx2.Client
    browser: Browser
    app: App
    log: Path
    by_itself: frozenset[str]

    def statements(self, ask: Callable[[], object]) -> list[str]:
        """Return what the database was asked because of *ask*."""
        before = len(_asked(self.log))
        ask()
        asked = _asked(self.log)[before:]
        return [text for text in asked if text not in self.by_itself and RATES not in text]


def _asked(log: Path) -> list[str]:
    found = map(_STATEMENT.match, _ENTRY.split(log.read_text()))
    return [statement[1].strip() for statement in found if statement]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Run a server on a PostgreSQL that writes down every statement."""
    settings = {**FAST, "log_statement": "all"}
    folder = tmp_path_factory.mktemp("counted")
    with Cluster.running(settings) as cluster:
        asyncio.run(migrate_postgres(cluster.url()))
        with (
            running_server(folder, stores=StoresOf(cluster)) as running,
            httpx2.Client(base_url=running.url, trust_env=False, timeout=20) as http,
            Browser(running.url) as browser,
        ):
            time.sleep(IDLE_SECONDS)
            by_itself = frozenset(_asked(cluster.log))
            yield Desk(http, browser, an_app(http), cluster.log, by_itself)


def test_requests_take_as_many_statements_as_the_table_says(desk):
    """A round trip more is milliseconds for whoever waits, and nobody notices it in review."""
    asked = {name: _repeated(desk, act, COUNTS[name]) for name, act in _acts(desk).items()}

    counts = {name: len(statements) for name, statements in asked.items()}

    assert COUNTS == counts, "\n\n".join("\n".join([name, *asked[name]]) for name in asked)


def _repeated(desk: Desk, act: Callable[[], object], expected: int) -> list[str]:
    """Return what was asked because of *act*, once it had been done before.

    What the server does by the clock may come in between, and on a busy machine it forgets what it
    could not confirm in time: so it may take some attempts to see as many as are *expected*.
    """
    act()
    statements = desk.statements(act)
    for _ in range(ATTEMPTS):
        if len(statements) == expected:
            break
        time.sleep(PAUSE_SECONDS)
        statements = desk.statements(act)
    return statements


def _acts(desk: Desk) -> dict[str, Callable[[], object]]:
    app, http, browser = desk.app, desk.http, desk.browser
    own = httpx2.URL(app.body["registration_client_uri"]).path
    token = bearer(app.body["registration_access_token"])
    tokens = app.sign_in(browser, scope="openid read offline_access")
    service = an_app(http, grant_types=["client_credentials"])
    changed = an_app(http)
    codes = [app.code(browser, scope="openid read") for _ in range(ATTEMPTS + 2)]
    return {
        "register": lambda: http.post("/register", json={"redirect_uris": [URI]}),
        "read": lambda: http.get(own, headers=token),
        "update": lambda: _update(http, changed),
        "token": lambda: service.ask("/token", grant_type="client_credentials"),
        "introspect": lambda: app.is_active(tokens["access_token"]),
        "refresh": lambda: app.refresh(tokens["refresh_token"]),
        "authorize": lambda: app.code(browser, scope="openid read"),
        "code": lambda: app.redeem(codes.pop()),
        "list": lambda: http.get("/api/v1/clients", headers=OPERATOR),
    }


def _update(http: httpx2.Client, app: App) -> None:
    """Replace a registration by one with another name."""
    own = httpx2.URL(app.body["registration_client_uri"]).path
    name = f"App {time.monotonic_ns()}"
    document = {"client_id": app.body["client_id"], "redirect_uris": [URI], "client_name": name}
    answer = http.put(own, json=document, headers=bearer(app.body["registration_access_token"]))
    assert answer.status_code == 200, answer.text
