"""Three servers on one PostgreSQL are one: what one was told, all know within a second."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import httpx2
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey

from registrary.testing.server import RunningServer, free_port, running_server
from registrary.testing.stores import PostgresStores, postgres_stores
from tests.conftest import folder_of_run
from tests.faults.bouncer import bouncer_before
from tests.protocol.kit import OPERATOR, SERVICE, URI, Registered, bearer, eventually

PROMISED_SECONDS: Final = 1.0
NODES: Final = 3
RESOURCE: Final = "https://api.example"
POOLED: Final = "[postgres]\npooled = true\n"


@dataclass(frozen=True)
class Node:
    """One of the servers, and how a client of a test speaks to it."""

    server: RunningServer
    http: httpx2.Client

    def send(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Send a request."""
        return self.http.request(method, path, **more)

    def admin(self, method: str, path: str, **members: Any) -> httpx2.Response:
        """Do something as the operator."""
        wish = members or None
        answer = self.http.request(method, f"/api/v1/{path}", headers=OPERATOR, json=wish)
        assert answer.is_success, answer.text
        return answer

    def register(self, *, token: str | None = None, **members: Any) -> httpx2.Response:
        """Register a client."""
        headers = bearer(token) if token else {}
        return self.http.post("/register", json={"redirect_uris": [URI]} | members, headers=headers)

    def status_of_registering(self) -> int:
        """Register a client nobody needs."""
        return self.register().status_code

    def ask(self, client: Registered, path: str, **form: str) -> httpx2.Response:
        """Send *form* to *path* with the secret of *client*."""
        pair = (client.body["client_id"], client.body["client_secret"])
        return self.http.post(path, data=form, auth=pair)

    def token(self, client: Registered, **wish: str) -> httpx2.Response:
        """Ask for a token in the name of *client*."""
        return self.ask(client, "/token", grant_type="client_credentials", **wish)

    def introspects(self, api: Registered, client: Registered) -> Callable[[], bool]:
        """Return the question whether *api* is told here what a token of *client* is worth."""
        return lambda: self.is_active(
            api, self.token(client, resource=RESOURCE).json()["access_token"]
        )

    def is_active(self, client: Registered, token: str) -> bool:
        """Introspect *token* as *client*."""
        answer = self.ask(client, "/introspect", token=token)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["active"])


@dataclass(frozen=True)
class Fixed:
    """The one store of all servers."""

    url: str

    def at(self, folder: Path) -> str:
        """Return it."""
        del folder
        return self.url


@contextmanager
def node_on(store: str, folder: Path, *options: str) -> Iterator[Node]:
    """Run one server on *store*."""
    with (
        running_server(folder, *options, stores=Fixed(store)) as server,
        httpx2.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        yield Node(server, http)


@contextmanager
def nodes_on(store: str, folder: Path, config: str = "") -> Iterator[list[Node]]:
    """Run the servers on *store*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "registrary.toml").write_text(config)
    options = ("--config", str(folder / "registrary.toml"))
    issuer = ("--issuer", f"http://127.0.0.1:{free_port()}")
    with ExitStack() as stack:
        yield [
            stack.enter_context(node_on(store, folder / str(number), *issuer, *options))
            for number in range(NODES)
        ]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresStores]:
    """Run a PostgreSQL."""
    with postgres_stores(folder_of_run(tmp_path_factory)) as databases:
        yield databases


@pytest.fixture(scope="module", params=["called", "pooled"])
def nodes(
    request: pytest.FixtureRequest,
    databases: PostgresStores,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Node]]:
    """Run three servers: called when something changes, or behind a pooler and looking."""
    folder = tmp_path_factory.mktemp(request.param)
    store = databases.at(folder)
    if request.param == "called":
        with nodes_on(store, folder) as nodes:
            yield nodes
        return
    with bouncer_before(databases.cluster) as bouncer:
        pooled = store.replace(f":{databases.cluster.port}/", f":{bouncer.port}/")
        with nodes_on(pooled, folder, POOLED) as nodes:
            yield nodes


@pytest.fixture
def service(nodes: list[Node]) -> Registered:
    """Register a client that was at every node, so that all have it in memory."""
    client = Registered(nodes[0].send, nodes[0].register(**SERVICE))
    assert [200] * NODES == [node.token(client).status_code for node in nodes]
    return client


def late(nodes: list[Node], holds: Callable[[Node], bool]) -> list[int]:
    """Return at which of *nodes* something still was so that may *hold* for a second at most.

    What counts is when a request began. All are asked again and again until it held no more at
    any for a while.
    """
    since, found, quiet = time.monotonic(), [], 0
    while quiet < 3 * NODES or time.monotonic() < since + PROMISED_SECONDS:
        assert time.monotonic() < since + 30, "it holds on"
        for number, node in enumerate(nodes):
            began = time.monotonic()
            if not holds(node):
                quiet += 1
                continue
            quiet = 0
            if began > since + PROMISED_SECONDS:
                found.append(number)
    return found


def suspend(node: Node, client: Registered) -> None:
    """Hold a client as an administrator does."""
    node.admin("POST", f"clients/{client.body['client_id']}/holds", kind="admin", reason="a test")


def revoke(node: Node, client: Registered) -> None:
    """Revoke a client as an administrator does."""
    node.admin("DELETE", f"clients/{client.body['client_id']}", reason="a test")


def delete(node: Node, client: Registered) -> None:
    """Let a client delete itself."""
    answer = node.send("DELETE", client.path, headers=bearer(client.token))
    assert answer.status_code == 204


ENDS = pytest.mark.parametrize("end", [suspend, revoke, delete], ids=lambda end: end.__name__)


@ENDS
@pytest.mark.spec("G-100")
def test_a_client_that_was_ended_stops_at_every_node(nodes, service, end):
    """Whoever stole its secret asks the node that heard of it last."""
    end(nodes[0], service)

    assert [] == late(nodes, lambda node: node.token(service).is_success)


@pytest.fixture(scope="module")
def api(nodes: list[Node]) -> Registered:
    """Return the client of an API that asks what tokens are worth."""
    client = Registered(nodes[0].send, nodes[0].register(**SERVICE))
    path = f"resources/{quote(RESOURCE, safe='')}"
    nodes[0].admin("PUT", path, introspecting_clients=[client.body["client_id"]])
    other = Registered(nodes[0].send, nodes[0].register(**SERVICE))
    for node in nodes:
        assert eventually(node.introspects(client, other), wanted=True)
    return client


@ENDS
@pytest.mark.spec("B-064", "G-100")
def test_its_tokens_end_at_every_node(nodes, service, api, end):
    """A resource server asks any node what a token is worth."""
    token = nodes[1].token(service, resource=RESOURCE).json()["access_token"]
    before = [node.is_active(api, token) for node in nodes]

    end(nodes[0], service)

    assert [True] * NODES == before
    assert [] == late(nodes, lambda node: node.is_active(api, token))


@pytest.mark.spec("G-061")
def test_a_token_that_was_revoked_is_inactive_at_every_node(nodes, service):
    """RFC 7009: what a client revokes is of no more use."""
    token = nodes[1].token(service).json()["access_token"]
    before = [node.is_active(service, token) for node in nodes]

    nodes[2].ask(service, "/revoke", token=token)
    after = [node.is_active(service, token) for node in nodes]

    assert ([True] * NODES, [False] * NODES) == (before, after)


def test_a_new_secret_holds_at_every_node_at_once(nodes, service):
    """A client that was given a new secret cannot wait for nodes to hear of it."""
    found = []
    for node in (nodes[0], nodes[1], nodes[2]):
        answer = service.call("PUT", query="?rotate=client_secret", json=service.document())
        service.body = answer.json()
        found += [other.token(service).status_code for other in nodes]
        service.send = node.send

    assert [200] * NODES * 3 == found


def test_a_client_reads_at_every_node_what_it_wrote_at_one(nodes, service):
    """A balancer sends the next request of a client elsewhere."""
    names = []
    for number in range(NODES * 2):
        service.send = nodes[number % NODES].send
        service.body = service.update(client_name=str(number)).json()
        answers = [node.send("GET", service.path, headers=bearer(service.token)) for node in nodes]
        names.append([answer.json()["client_name"] for answer in answers])

    assert [[str(number)] * NODES for number in range(NODES * 2)] == names


def test_keys_that_were_withdrawn_verify_nowhere(nodes, service):
    """A key that was stolen signs tokens that any node would believe."""
    token = nodes[1].token(service).json()["access_token"]
    kid = jws.extract_compact(token.encode()).headers()["kid"]
    for node in nodes:
        assert kid in published(node)

    nodes[0].admin("DELETE", f"keys/{kid}")

    assert [] == late(nodes, lambda node: kid in published(node))
    assert [False] * NODES == [node.is_active(service, token) for node in nodes]
    assert {200} == {node.token(service).status_code for node in nodes}


def test_settings_of_an_issuer_hold_at_every_node(nodes):
    """Who closes registration during an attack cannot wait for every node to be restarted."""
    (issuer,) = nodes[0].admin("GET", "issuers").json()["items"]
    nodes[0].admin("PATCH", f"issuers/{issuer['id']}", mode="closed")

    found = late(nodes, lambda node: node.status_of_registering() == 201)
    nodes[1].admin("PATCH", f"issuers/{issuer['id']}", mode="open")
    again = [eventually(node.status_of_registering, 201) for node in nodes]

    assert ([], [201] * NODES) == (found, again)


def test_a_token_for_one_registration_admits_one(nodes):
    """Three nodes that are asked in the same moment make one client of it."""
    made = [nodes[0].admin("POST", "initial-access-tokens", uses=1).json() for _ in range(4)]
    turns = [(node, token["token"]) for token in made for node in nodes for _ in range(2)]

    with ThreadPoolExecutor(len(turns)) as pool:
        answers = list(
            pool.map(lambda turn: (turn[1], turn[0].register(token=turn[1]).status_code), turns)
        )

    admitted = [token for token, status in answers if status == 201]
    assert sorted(token["token"] for token in made) == sorted(admitted)
    assert {201, 401} == {status for _, status in answers}


def test_a_token_that_was_revoked_admits_nobody(nodes):
    """It may be in the hands of everybody."""
    made = nodes[0].admin("POST", "initial-access-tokens", uses=10_000).json()
    before = [node.register(token=made["token"]).status_code for node in nodes]

    nodes[0].admin("DELETE", f"initial-access-tokens/{made['id']}")

    assert [201] * NODES == before
    assert [] == late(nodes, lambda node: node.register(token=made["token"]).status_code == 201)


@pytest.mark.spec("E-103")
def test_an_assertion_is_good_at_one_node(nodes):
    """Who overhears it would be the client at each of the others."""
    key = ECKey.generate_key("P-256")
    client = nodes[0].register(
        **SERVICE,
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [key.as_dict(private=False)]},
    )
    client_id, now = client.json()["client_id"], int(time.time())
    issuer = nodes[0].send("GET", "/.well-known/oauth-authorization-server").json()["issuer"]
    claims = {"iss": client_id, "sub": client_id, "aud": issuer, "iat": now, "exp": now + 60}
    signed = jwt.encode({"alg": "ES256"}, claims | {"jti": uuid4().hex}, key)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }

    answers = [node.send("POST", "/token", data=form).status_code for node in nodes]

    assert [200, 401, 401] == answers


def test_a_rate_is_one_for_all_nodes(nodes):
    """Whoever floods a registrar of three nodes gets no further than at one."""
    (issuer,) = nodes[0].admin("GET", "issuers").json()["items"]
    nodes[0].admin("PATCH", f"issuers/{issuer['id']}", limits={"registrations_per_minute": 5})
    token = nodes[0].admin("POST", "initial-access-tokens", uses=1000).json()["token"]
    other = nodes[0].admin("POST", "initial-access-tokens", uses=1000).json()["token"]

    def turned_away() -> bool:
        return 429 in [nodes[0].register(token=other).status_code for _ in range(7)]

    assert eventually(turned_away, wanted=True)
    allowed = [attempts(node, token) for node in nodes]
    nodes[0].admin("PATCH", f"issuers/{issuer['id']}", limits={"registrations_per_minute": 300})

    assert 5 == allowed[0]
    assert max(allowed[1:]) < 5


def attempts(node: Node, token: str) -> int:
    """Return how many registrations a node allows, one after the other, before it says no."""
    for allowed in range(20):
        if node.register(token=token).status_code == 429:
            return allowed
        time.sleep(0.2)  # so that nodes compare in between, also on a busy machine
    return 20


def published(node: Node) -> set[str]:
    """Return the ids of the keys that verify tokens."""
    return {key["kid"] for key in node.send("GET", "/jwks").json()["keys"]}


def test_the_log_goes_on_when_nodes_end(databases, tmp_path):
    """Whoever led is killed or stopped, and another gives events their places."""
    with nodes_on(databases.at(tmp_path), tmp_path) as nodes:
        found = [whole_log(nodes[2])]

        nodes[0].server.kill()
        nodes[1].register()
        found.append(whole_log(nodes[2]))

        nodes[1].server.process.terminate()
        nodes[1].server.process.wait(30)
        nodes[2].register()
        found.append(whole_log(nodes[2]))

    assert [True] * 3 == found


def whole_log(node: Node) -> bool:
    """Tell whether all events get their places soon."""

    def is_whole() -> bool:
        items: list[dict[str, Any]] = node.admin("GET", "audit/events").json()["items"]
        return all(item["index"] is not None for item in items)

    answer: bool = eventually(is_whole, wanted=True)
    return answer
