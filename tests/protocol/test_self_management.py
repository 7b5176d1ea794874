"""What a client's own token opens, what ends it, and what an update ends (RFC 7592)."""

import httpx2
import pytest

from tests.protocol.kit import OPERATOR, SERVICE, URI, Registered, bearer, error_of

GUESSED = "rgy_rat_" + "0" * 71
NOBODY = "0" * 32
VERBS = ("GET", "PUT", "DELETE")
METHODS = pytest.mark.parametrize("method", VERBS)
BOTH = ["authorization_code", "client_credentials"]


@pytest.fixture
def client(http: httpx2.Client, register) -> Registered:
    """Return a client that just registered, and may do everything a client may."""
    wanted = {"client_name": "Before", "grant_types": BOTH, "scope": "openid read write"}
    return Registered(http.request, register(**wanted))


def send(client: Registered, method: str, path: str, **more) -> httpx2.Response:
    """Call *path* as *client*, with a body that would be fine at its own address."""
    body = {"json": client.document()} if method == "PUT" else {}
    return client.send(method, path, headers=bearer(client.token), **body, **more)


def verdict(answer: httpx2.Response) -> tuple[int, bytes, str]:
    """Return all of a refusal that could differ from another."""
    return answer.status_code, answer.content, answer.headers.get("www-authenticate", "")


# --- Whom the token opens for ---


@METHODS
@pytest.mark.spec("B-001", "B-003", "B-007", "B-008", "B-009", "B-020", "B-062", "T-44")
def test_every_bad_token_is_the_same_401(http: httpx2.Client, client, register, method) -> None:
    """Whoever guesses learns nothing: not which clients exist, nor which did."""
    deleted, revoked = (Registered(http.request, register()) for _ in range(2))
    deleted.call("DELETE")
    path = f"/api/v1/clients/{revoked.body['client_id']}"
    assert 200 == http.request("DELETE", path, json={"reason": "x"}, headers=OPERATOR).status_code

    def guess(path: str) -> httpx2.Response:
        return http.request(method, path, headers=bearer(GUESSED), json=client.document())

    answers = {
        "a guess": guess(client.path),
        "a guess for nobody": guess(f"/register/{NOBODY}"),
        "a guess for no id at all": guess("/register/x"),
        "a guess for a deleted client": guess(deleted.path),
        "the token of a deleted client": send(deleted, method, deleted.path),
        "the token of a revoked client": send(revoked, method, revoked.path),
    }

    first = verdict(answers["a guess"])
    assert (401, "invalid_token") == error_of(answers["a guess"])
    assert 'error="invalid_token"' in first[2]
    assert dict.fromkeys(answers, first) == {name: verdict(one) for name, one in answers.items()}
    assert 200 == client.call("GET").status_code


@METHODS
@pytest.mark.parametrize("place", ["other", "nobody"])
@pytest.mark.spec("B-003", "B-007", "B-009", "B-020", "B-022", "T-73")
def test_a_token_in_the_wrong_place_ends(
    http: httpx2.Client, client, register, *, method, place
) -> None:
    """A token in the wrong place is in the wrong hands: it is spent, and nobody else is hurt."""
    other = Registered(http.request, register(client_name="Other"))
    path = other.path if place == "other" else f"/register/{NOBODY}"

    misused = send(client, method, path)

    assert (401, "invalid_token") == error_of(misused)
    assert (401, "invalid_token") == error_of(client.call("GET"))
    assert "Other" == other.call("GET").json()["client_name"]
    assert 200 == client.get_token().status_code


@pytest.mark.spec("B-006", "B-011")
def test_no_other_credential_opens_a_registration(client: Registered) -> None:
    """A secret or a token for an API is known to more programs than this one should be."""
    others = [client.body["client_secret"], client.access_token(), client.token[:-1]]

    answers = [client.call("GET", token=other) for other in others]

    assert [(401, "invalid_token")] * 3 == [error_of(answer) for answer in answers]


# --- What a client may change ---


@pytest.mark.spec("B-040", "B-042", "B-047")
def test_members_nobody_knows_do_no_harm_in_an_update(client: Registered) -> None:
    """A client sends back what it was told, with what other servers told it besides."""
    answer = client.update(
        client_name="After", vendor={"a": 1}, registrary_state="suspended", resource="x"
    )

    body = answer.json()
    assert (200, "After", "active") == (
        answer.status_code,
        body["client_name"],
        body["registrary_state"],
    )
    assert {"vendor", "resource"}.isdisjoint(body)
    assert body == client.call("GET").json()


@pytest.mark.parametrize("has_secret", [True, False], ids=["sent", "left-out"])
@pytest.mark.spec("B-032", "B-045")
def test_a_secret_stays_whether_it_is_sent_back_or_not(client, *, has_secret: bool) -> None:
    """A client that keeps its secret elsewhere must not lose it by changing its name."""
    changes = {} if has_secret else {"client_secret": None}

    answer = client.update(client_name="After", **changes)

    assert (200, "After") == (answer.status_code, answer.json()["client_name"])
    assert {"client_secret", "client_secret_expires_at"}.isdisjoint(answer.json())
    assert 200 == client.get_token().status_code


@pytest.mark.parametrize("secret", ["chosen by the client", "", None, 5, ["x"]], ids=str)
@pytest.mark.spec("B-045", "B-048", "T-62")
def test_nobody_chooses_a_secret(client: Registered, secret) -> None:
    """A secret somebody made up is one somebody guesses."""
    document = client.document(client_name="After") | {"client_secret": secret}

    answer = client.call("PUT", json=document)

    assert (400, "invalid_request") == error_of(answer)
    assert "Before" == client.call("GET").json()["client_name"]
    assert 200 == client.get_token().status_code


@pytest.mark.parametrize("secret", ["made up", None, ""], ids=str)
@pytest.mark.spec("B-045")
def test_a_public_client_has_no_secret_to_send(http: httpx2.Client, register, secret) -> None:
    """It would come to believe that it has one."""
    client = Registered(http.request, register(token_endpoint_auth_method="none"))

    answer = client.call("PUT", json=client.document() | {"client_secret": secret})

    assert (400, "invalid_request") == error_of(answer)


@pytest.mark.spec("B-045")
def test_the_secret_of_another_client_is_not_the_current_one(client, http, register) -> None:
    """Comparing with any secret there is would make an update a way to try them."""
    other = Registered(http.request, register())

    answer = client.update(client_secret=other.body["client_secret"])

    assert (400, "invalid_request") == error_of(answer)


# --- What an update and a deletion end ---


@pytest.mark.parametrize(
    ("changes", "survives"),
    [
        ({"scope": "openid read"}, False),
        ({"scope": "read write"}, False),
        ({"grant_types": ["client_credentials"], "response_types": None}, False),
        ({"client_name": "After"}, True),
        ({"scope": "write read openid"}, True),
        ({"redirect_uris": [URI, "https://app.example/other"]}, True),
    ],
    ids=["scope", "openid-scope", "grant", "name", "order-of-scope", "redirects"],
)
@pytest.mark.spec("B-053")
def test_what_a_client_gave_up_its_tokens_lose(client: Registered, changes, survives) -> None:
    """Whoever gives up a right expects that it is gone, and not in ten minutes."""
    token = client.access_token()

    answer = client.update(**changes)

    assert (200, survives) == (answer.status_code, client.is_active(token))
    assert client.is_active(client.access_token())


@pytest.mark.spec("B-053")
def test_a_right_that_comes_back_revives_no_token(client: Registered) -> None:
    """What has ended has ended."""
    token = client.access_token()
    client.update(scope="read")

    answer = client.update()

    assert (200, "openid read write") == (answer.status_code, answer.json()["scope"])
    assert not client.is_active(token)


@pytest.mark.spec("B-053")
def test_a_refused_update_ends_no_token(client: Registered) -> None:
    """A typing error must not stop a service."""
    token = client.access_token()

    answer = client.update(scope="read", redirect_uris=["x"])

    assert (400, True) == (answer.status_code, client.is_active(token))


@pytest.mark.spec("B-050", "B-053")
def test_a_client_that_gave_up_its_secret_has_none(client: Registered) -> None:
    """An old secret that still worked would make a confidential client of a public one."""
    answer = client.update(
        token_endpoint_auth_method="none", grant_types=["authorization_code"], client_secret=None
    )
    meanwhile = client.get_token().status_code

    back = client.update(client_secret=None)

    assert (200, 401, 200) == (answer.status_code, meanwhile, back.status_code)
    assert back.json()["client_secret"] != client.body["client_secret"]
    assert 401 == client.get_token().status_code


@pytest.mark.spec("B-007", "B-060", "B-061", "B-063", "B-064", "T-46")
def test_a_deleted_client_is_void_everywhere(http: httpx2.Client, client, register) -> None:
    """Deleting is what a client does when its credentials may be in other hands."""
    watched = "https://api.example/"
    watcher = Registered(http.request, register(redirect_uris=None, **SERVICE))
    token = client.access_token()
    resourced = client.get_token(resource=watched).json()["access_token"]
    alive = client.is_active(token)

    deleted = client.call("DELETE")

    assert (True, 204, b"") == (alive, deleted.status_code, deleted.content)
    assert [(401, "invalid_client")] * 3 == [
        error_of(answer)
        for answer in (
            client.get_token(),
            client.ask("/introspect", token=token),
            client.ask("/revoke", token=token),
        )
    ]
    assert [False, False] == [watcher.is_active(one) for one in (token, resourced)]
    assert [401, 401, 401] == [send(client, one, client.path).status_code for one in VERBS]


# --- What may not be done at all ---


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("whose", ["own", "nobodys"])
@pytest.mark.spec("B-004", "B-009", "B-062")
def test_other_methods_are_not_for_a_registration(client: Registered, method, whose) -> None:
    """A client learns what it may do instead, and nothing about who there is."""
    path = client.path if whose == "own" else f"/register/{NOBODY}"

    answer = client.send(method, path, headers=bearer(client.token), json=client.document())

    allowed = {word.strip() for word in answer.headers["allow"].split(",")}
    assert (405, {"GET", "PUT", "DELETE"}) == (answer.status_code, allowed - {"OPTIONS", "HEAD"})
    assert "Before" == client.call("GET").json()["client_name"]


def hold(client: Registered, kind: str) -> None:
    """Put a hold on *client*, as an operator does."""
    path = f"/api/v1/clients/{client.body['client_id']}/holds"
    made = client.send("POST", path, json={"reason": "test", "kind": kind}, headers=OPERATOR)
    assert made.status_code == 201, made.text


@pytest.mark.parametrize("kind", ["admin", "incident"])
@pytest.mark.spec("B-021", "B-062")
def test_a_held_client_changes_and_removes_nothing(client: Registered, kind: str) -> None:
    """Its credentials may be in other hands, and what happened must stay to be looked at."""
    hold(client, kind)
    before = client.call("GET")

    answers = [client.update(client_name="After"), client.update(), client.call("DELETE")]

    assert (200, "suspended") == (before.status_code, before.json()["registrary_state"])
    assert [403, 403, 403] == [answer.status_code for answer in answers]
    assert before.json() == client.call("GET").json()


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": [URI, "https://evil.example/cb"]},
        {"scope": "openid read write profile"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"grant_types": ["authorization_code"]},
        {"client_name": "After", "redirect_uris": ["https://evil.example/cb"]},
    ],
    ids=["redirect", "scope", "method", "grants", "name-and-redirect"],
)
@pytest.mark.spec("B-021")
def test_a_client_that_sleeps_gains_nothing_meanwhile(client: Registered, changes) -> None:
    """Nobody looks after it just now, so nobody would see what it turns into."""
    hold(client, "dormant")
    before = client.call("GET").json()

    answer = client.update(**changes)

    assert 403 == answer.status_code
    assert before == client.call("GET").json()
