"""What every answer about a registration is like, and what it leaves behind (RFC 7591 §3.2)."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from registrary.testing.server import Stores, free_port, running_server
from tests.protocol.kit import OPERATOR, SERVICE, URI, Issuer, Registered, bearer, error_of

DOCUMENT = {"redirect_uris": [URI]}
GUESSED = "rgy_rat_" + "0" * 71
VISIBLE = re.compile(r"[!-~]+")


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[Issuer]:
    """Run a server that wants an initial access token, and return its issuer."""
    url = "https://id.example"
    folder = tmp_path_factory.mktemp("protected")
    with (
        running_server(
            folder, "--issuer", url, port=free_port(), dev=False, stores=stores
        ) as running,
        httpx2.Client(base_url=running.url, trust_env=False, timeout=20) as http,
    ):
        yield Issuer(http, url)


def count_clients(http: httpx2.Client) -> int:
    """Return how many clients there are."""
    number, query = 0, ""
    while True:
        page = http.get(f"/api/v1/clients?limit=100{query}", headers=OPERATOR).json()
        number += len(page["items"])
        if page["next_cursor"] is None:
            return number
        query = f"&cursor={page['next_cursor']}"


def answers_of(http: httpx2.Client) -> dict[str, httpx2.Response]:
    """Return an answer of every kind, by what it is an answer to."""
    client = Registered(http.request, http.post("/register", json=SERVICE))
    unknown = f"/register/{'0' * 32}"
    return {
        "201": http.post("/register", json=DOCUMENT),
        "a refused document": http.post("/register", json={"redirect_uris": ["x"]}),
        "no JSON": http.post("/register", content=b"{"),
        "a bad token": http.post("/register", json={}, headers=bearer(GUESSED)),
        "a bad header": http.post("/register", json={}, headers={"authorization": "Bearer"}),
        "a token in the path": http.post("/register/t/guessed", json={}),
        "a token in the query": http.post("/register?access_token=a", json={}),
        "a body too large": http.post("/register", content=b"x" * 70_000),
        "a wrong method": http.get("/register"),
        "a preview": http.post("/register?dry_run=true", json=DOCUMENT),
        "a read": client.call("GET"),
        "no token": http.get(client.path),
        "a guessed token": client.call("GET", token=GUESSED),
        "an unknown client": http.get(unknown, headers=bearer(GUESSED)),
        "an update": client.update(client_name="After"),
        "a refused update": client.update(redirect_uris=["x"]),
        "an update without an id": client.update(client_id=None),
        "a wrong method of a client": client.call("PATCH"),
        "a token": client.get_token(),
        "a refused token": client.get_token(scope="unheard_of"),
        "a refused client": http.post("/token", data={"grant_type": "client_credentials"}),
        "an introspection": client.ask("/introspect", token="x"),
        "a revocation": client.ask("/revoke", token="x"),
        "a deletion": client.call("DELETE"),
        "a second deletion": client.call("DELETE"),
    }


@pytest.mark.spec("A-101", "B-035")
def test_no_answer_is_kept_by_anybody_on_the_way(http: httpx2.Client) -> None:
    """A proxy that kept one would hand a client's secret to whoever asks next."""
    answers = answers_of(http)

    kept = {
        name: dict(answer.headers)
        for name, answer in answers.items()
        if ("no-store", "no-cache")
        != (answer.headers.get("cache-control"), answer.headers.get("pragma"))
    }

    assert {} == kept


@pytest.mark.spec("A-100", "A-115", "A-117")
def test_an_answer_says_one_thing(http: httpx2.Client) -> None:
    """Clients look for `error` to tell a refusal from a success, some whatever the status."""
    bodies = {
        name: (answer.is_success, answer.json())
        for name, answer in answers_of(http).items()
        if answer.content
    }

    contradictory = {
        name: body
        for name, (succeeded, body) in bodies.items()
        if succeeded is ("error" in body) or not isinstance(body, dict)
    }

    assert {} == contradictory


@pytest.mark.parametrize(
    "members",
    [
        {"redirect_uris": ["javascript:x"]},
        {"client_name": 5},
        {"scope": "admin"},
        {"grant_types": ["password"]},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {
            "subject_type": "pairwise",
            "sector_identifier_uri": "http://127.0.0.1:1/nobody-listens-here",
        },
    ],
    ids=str,
)
@pytest.mark.spec("A-117", "A-125", "A-130")
def test_a_refusal_and_a_preview_leave_nothing_behind(http: httpx2.Client, members) -> None:
    """A client that was told no must not be there all the same, for somebody to find."""
    before = count_clients(http)

    refused = http.post("/register", json=DOCUMENT | members)
    http.post("/register?dry_run=true", json=DOCUMENT | members)
    http.post("/register?dry_run=true", json=DOCUMENT)

    assert 400 == refused.status_code
    assert "client_id" not in refused.text
    assert before == count_clients(http)


@pytest.mark.spec("A-102", "A-103", "A-128", "A-131", "T-64", "T-72")
def test_no_two_clients_share_a_name_or_a_secret(http: httpx2.Client) -> None:
    """Whoever shares either with another is the other."""
    document = DOCUMENT | {"client_id": "mine", "client_secret": "mine"}

    bodies = [http.post("/register", json=document).json() for _ in range(20)]
    bodies += [
        http.post("/register", json=document | {"token_endpoint_auth_method": method}).json()
        for method in ("client_secret_post", "client_secret_jwt")
    ]

    for member in ("client_id", "client_secret", "registration_access_token"):
        values = {body[member] for body in bodies}
        assert len(bodies) == len(values)
        assert "mine" not in values
        assert all(VISIBLE.fullmatch(value) for value in values)


@pytest.mark.parametrize(
    "members",
    [
        {"token_endpoint_auth_method": "none"},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://app.example/keys",
        },
    ],
    ids=["public", "key-pair"],
)
@pytest.mark.spec("A-103", "A-130", "T-06")
def test_a_client_that_proves_itself_otherwise_has_no_secret(
    http: httpx2.Client, register, members
) -> None:
    """What nobody needs somebody finds: neither answer nor update may bring a secret."""
    client = Registered(http.request, register(**members))

    answers = [
        client.call("GET"),
        client.update(client_name="After"),
        client.call("PUT", query="?rotate=client_secret", json=client.document()),
    ]

    secret = {"client_secret", "client_secret_expires_at"}
    assert secret.isdisjoint(client.body)
    assert all(secret.isdisjoint(answer.json()) for answer in answers)


@pytest.mark.spec("A-102", "B-064")
def test_a_name_is_never_given_again(http: httpx2.Client) -> None:
    """What is still written down about a client that went must not describe another."""
    client = Registered(http.request, http.post("/register", json=DOCUMENT))
    client.call("DELETE")

    wanted = DOCUMENT | {"client_id": client.body["client_id"]}
    others = {http.post("/register", json=wanted).json()["client_id"] for _ in range(5)}

    assert client.body["client_id"] not in others


@pytest.mark.parametrize(
    "path", ["/register?access_token=", "/register?dry_run=true&access_token="]
)
@pytest.mark.spec("A-008")
def test_a_token_in_the_query_opens_nothing(protected: Issuer, path: str) -> None:
    """Addresses are written to logs, and what is in them is read by others."""
    token = protected.a_token(uses=1)

    alone = protected.request("POST", path + token, json=DOCUMENT)
    beside = protected.request("POST", path + token, json=DOCUMENT, headers=bearer(token))

    assert [(400, "invalid_request")] * 2 == [error_of(alone), error_of(beside)]
    assert 201 == protected.register(token=token).status_code


@pytest.mark.spec("A-008")
def test_a_token_in_the_body_opens_nothing(protected: Issuer) -> None:
    """The body is what a client says of itself; it proves nothing."""
    token = protected.a_token()

    in_json = protected.register(access_token=token)
    in_form = protected.request("POST", "/register", data={"access_token": token})

    assert (401, "invalid_token") == error_of(in_json)
    assert in_form.status_code in (400, 401)


@pytest.mark.spec("A-005", "A-008")
def test_two_tokens_are_never_chosen_from(protected: Issuer) -> None:
    """A proxy and this server must not judge two different callers."""
    token, other = protected.a_token(), protected.a_token()

    both = [("authorization", f"Bearer {one}") for one in (token, other)]
    answers = [
        protected.http.post("/register", json=DOCUMENT, headers=both),
        protected.request("POST", f"/register/t/{token}", json=DOCUMENT, headers=bearer(other)),
    ]

    assert [(400, "invalid_request")] * 2 == [error_of(answer) for answer in answers]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.spec("A-008", "B-001")
def test_a_client_presents_its_token_in_the_header_alone(http: httpx2.Client, method: str) -> None:
    """A token that opens a registration from an address opens it from a log."""
    client = Registered(http.request, http.post("/register", json=DOCUMENT))
    body: dict[str, Any] = (
        {} if method != "PUT" else {"json": client.document() | {"access_token": client.token}}
    )

    answer = http.request(method, f"{client.path}?access_token={client.token}", **body)

    assert answer.status_code in (400, 401)
    assert 200 == client.call("GET").status_code
