"""A client manages itself over HTTP (RFC 7592)."""

from typing import Any

import httpx2
import pytest

FORBIDDEN = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


class Registered:
    """A client as it knows itself: its last response, and how it calls."""

    def __init__(self, http: httpx2.Client, body: dict[str, Any]) -> None:
        self.http = http
        self.body = body
        self.uri: str = body["registration_client_uri"]
        self.token: str = body["registration_access_token"]

    def call(self, method: str, *, token: str | None = None, **more: Any) -> httpx2.Response:
        """Call the client configuration endpoint."""
        headers = {"authorization": f"Bearer {token or self.token}"}
        uri = self.uri + more.pop("query", "")
        return self.http.request(method, uri, headers=headers, **more)

    def document(self, **changes: Any) -> dict[str, Any]:
        """Return the last response as an update, with *changes*; None removes a member."""
        kept = {name: value for name, value in self.body.items() if name not in FORBIDDEN}
        return {name: value for name, value in (kept | changes).items() if value is not None}


@pytest.fixture
def client(http: httpx2.Client, register) -> Registered:
    """Return a client that just registered."""
    return Registered(http, register(client_name="Before", contacts=["a@app.example"]).json())


@pytest.mark.spec("B-001", "B-002", "B-030", "B-031", "B-033", "B-034", "B-035", "T-47", "T-63")
def test_a_client_reads_itself(client: Registered) -> None:
    """Everything but the secret comes back, again and again, and nothing rotates."""
    first, second = client.call("GET"), client.call("GET")

    assert 200 == first.status_code
    assert first.json() == second.json()
    assert "no-store" == first.headers["cache-control"]
    assert client.token == first.json()["registration_access_token"]
    shown = {name: value for name, value in client.body.items() if "secret" not in name}
    assert shown == first.json()


@pytest.mark.spec("B-042", "B-047", "B-051", "A-081", "T-58", "T-69")
def test_an_update_replaces_the_registration(client: Registered) -> None:
    """What is left out is gone, defaults apply again, and nothing is merged."""
    uris = ["https://app.example/other"]
    response = client.call(
        "PUT",
        json={"client_id": client.body["client_id"], "redirect_uris": uris, "client_name#fr": "A"},
    )

    body = response.json()
    assert (200, uris, "A") == (response.status_code, body["redirect_uris"], body["client_name#fr"])
    assert {"client_name", "contacts"}.isdisjoint(body)
    assert client.token == body["registration_access_token"]
    assert body == client.call("GET").json()


@pytest.mark.parametrize("name", FORBIDDEN)
@pytest.mark.spec("B-041", "T-61")
def test_members_of_the_server_are_refused_in_an_update(client: Registered, name: str) -> None:
    """A client must not believe that it changed them."""
    response = client.call("PUT", json=client.document() | {name: client.body.get(name)})

    assert (400, "invalid_request") == (response.status_code, response.json()["error"])
    assert name in response.json()["error_description"]


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "another"},
        {"client_id": None},
        {"client_secret": "guessed"},
        {"client_secret": 5},
    ],
    ids=str,
)
@pytest.mark.spec("B-044", "B-045")
def test_identity_cannot_be_changed(client: Registered, change: dict[str, Any]) -> None:
    """Neither the id nor the secret is for the client to choose."""
    response = client.call("PUT", json=client.document(**change))

    assert (400, "invalid_request") == (response.status_code, response.json()["error"])


@pytest.mark.spec("B-045", "T-62")
def test_a_null_secret_is_not_the_secret(client: Registered) -> None:
    """Null does not ask for anything here; the client must say what it means."""
    document = client.document() | {"client_secret": None}

    assert 400 == client.call("PUT", json=document).status_code


@pytest.mark.spec("B-046", "B-048", "B-049")
def test_a_refused_update_changes_nothing(client: Registered) -> None:
    """Every rule of registration holds for the result, and a failure leaves all as it was."""
    response = client.call("PUT", json=client.document(redirect_uris=["javascript:x"]))

    assert (400, "invalid_redirect_uri") == (response.status_code, response.json()["error"])
    assert "Before" == client.call("GET").json()["client_name"]


@pytest.mark.spec("B-032", "B-050")
def test_a_secret_comes_when_needed_and_goes_when_not(client: Registered) -> None:
    """Credentials follow the method of authentication."""
    document = client.document(token_endpoint_auth_method="none", client_secret=None)
    public = client.call("PUT", json=document).json()
    document = client.document(client_secret=None)
    confidential = client.call("PUT", json=document).json()

    assert "client_secret" not in public
    assert confidential["client_secret"] != client.body["client_secret"]


def test_a_secret_rotates_only_when_asked(client: Registered) -> None:
    """A lost response must not lock a client out."""
    kept = client.call("PUT", json=client.document()).json()
    rotated = client.call("PUT", query="?rotate=client_secret", json=client.document()).json()

    assert "client_secret" not in kept
    assert rotated["client_secret"].startswith("rgy_cs_")
    assert rotated["client_secret"] != client.body["client_secret"]


@pytest.mark.spec("B-051", "T-49")
def test_a_rotated_token_works_until_its_successor_is_used(client: Registered) -> None:
    """A client that lost the answer can ask again."""
    document = client.document()
    query = "?rotate=registration_access_token"
    rotated = client.call("PUT", query=query, json=document).json()["registration_access_token"]

    old_before = client.call("GET").status_code
    new = client.call("GET", token=rotated).status_code
    old_after = client.call("GET").status_code

    assert [200, 200, 401] == [old_before, new, old_after]


def test_an_unknown_rotation_is_refused(client: Registered) -> None:
    """A typing error must not pass for a rotation."""
    response = client.call("PUT", query="?rotate=everything", json=client.document())

    assert (400, "invalid_request") == (response.status_code, response.json()["error"])


@pytest.mark.spec("B-003", "B-022", "T-73")
def test_a_token_used_at_another_address_is_spent(http: httpx2.Client, register) -> None:
    """A token in the wrong place is in the wrong hands."""
    mine, other = (Registered(http, register().json()) for _ in range(2))
    misused = other.http.get(other.uri, headers={"authorization": f"Bearer {mine.token}"})

    assert (401, "invalid_token") == (misused.status_code, misused.json()["error"])
    assert 401 == mine.call("GET").status_code
    assert 200 == other.call("GET").status_code


@pytest.mark.spec("B-008", "B-009", "B-010", "T-44")
def test_refusals_cannot_be_told_apart(http: httpx2.Client, client: Registered) -> None:
    """Nobody learns which client ids exist."""
    guessed = "rgy_rat_" + "0" * 71
    bodies = {
        http.get(path, headers={"authorization": f"Bearer {guessed}"}).content
        for path in (client.uri, "/register/" + "0" * 32, "/register/nobody")
    }

    assert 1 == len(bodies)
    assert b"invalid_token" in bodies.pop()


@pytest.mark.spec("B-060", "B-063", "T-46")
def test_a_deleted_client_is_gone(client: Registered) -> None:
    """Deletion ends the client and every credential, and cannot be done twice."""
    deleted = client.call("DELETE")

    assert (204, b"") == (deleted.status_code, deleted.content)
    assert [401, 401] == [client.call("GET").status_code, client.call("DELETE").status_code]


@pytest.mark.spec("B-004", "B-062")
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_other_methods_are_refused(client: Registered, method: str) -> None:
    """A client learns what it may do instead."""
    response = client.call(method)

    assert 405 == response.status_code
    assert "PUT" in response.headers["allow"]


@pytest.mark.spec("B-008")
def test_without_a_token_there_is_a_challenge_without_a_code(client: Registered) -> None:
    """RFC 6750 §3.1: no credentials, no error code in the challenge."""
    response = client.http.get(client.uri)

    challenge = response.headers["www-authenticate"]
    assert (401, 'Bearer realm="registrary"') == (response.status_code, challenge)


@pytest.mark.spec("A-008")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_token_in_the_query_beside_a_good_one_does_nothing(
    client: Registered, method: str
) -> None:
    """Two credentials may be of two parties; whose wish it was, nobody could tell (RFC 6750 §2)."""
    body = client.document(client_name="After") if method == "PUT" else None
    response = client.call(method, query="?access_token=other", json=body)

    assert (400, "invalid_request") == (response.status_code, response.json()["error"])
    assert "Before" == client.call("GET").json()["client_name"]


@pytest.mark.spec("B-054")
def test_people_keep_their_pairwise_names(http: httpx2.Client, register) -> None:
    """A new sector would make a stranger of everybody."""
    client = Registered(http, register(subject_type="pairwise").json())
    response = client.call("PUT", json=client.document(redirect_uris=["https://new.example/cb"]))

    assert (400, "invalid_client_metadata") == (response.status_code, response.json()["error"])
