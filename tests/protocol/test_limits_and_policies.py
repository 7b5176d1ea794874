"""What an operator forbids is forbidden on the wire: modes, networks, rates, quotas, policies."""

from collections.abc import Callable, Iterator
from itertools import count, takewhile

import httpx2
import pytest

from registrary.testing.server import Stores, free_port, running_server
from tests.protocol.kit import (
    OPERATOR,
    SERVICE,
    URI,
    Issuer,
    Registered,
    bearer,
    error_of,
    eventually,
    open_issuer,
)

INSIDE = {"x-forwarded-for": "10.20.30.40"}
OUTSIDE = {"x-forwarded-for": "198.51.100.7"}
NETWORKS = ["10.0.0.0/8", "2001:db8::/32"]
Open = Callable[..., Issuer]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[Issuer]:
    """Run a server with its limits on, behind a proxy, and return its first issuer."""
    url = "https://first.example"
    folder = tmp_path_factory.mktemp("policies")
    with (
        running_server(
            folder, "--issuer", url, port=free_port(), dev=False, stores=stores
        ) as running,
        httpx2.Client(base_url=running.url, trust_env=False, timeout=20) as http,
    ):
        yield Issuer(http, url)


@pytest.fixture(scope="module")
def opened(first: Issuer) -> Open:
    """Return a function that makes one more issuer, as the operator wishes it to be."""
    numbers = count()

    def open_one(**wish) -> Issuer:
        return open_issuer(first, f"https://number-{next(numbers)}.example", **wish)

    return open_one


# --- Modes ---


@pytest.mark.parametrize("has_token", [True, False], ids=["token", "stranger"])
@pytest.mark.spec("A-003", "A-004", "D-023")
def test_a_closed_issuer_takes_nobody(opened: Open, *, has_token: bool) -> None:
    """An operator who closes the door has closed it for those with a key as well."""
    issuer = opened(mode="protected")
    token = issuer.a_token()
    issuer.change(mode="closed")
    assert eventually(lambda: "registration_endpoint" not in issuer.metadata(), wanted=True)

    answer = issuer.register(token=token if has_token else None)

    assert (403, "access_denied") == error_of(answer)
    assert "client_id" not in answer.json()


def test_clients_of_a_closed_issuer_go_on(opened: Open) -> None:
    """Closing the door throws nobody out: they still correct and remove themselves."""
    issuer = opened()
    client = Registered(issuer.request, issuer.register())
    issuer.change(mode="closed")
    assert eventually(lambda: "registration_endpoint" not in issuer.metadata(), wanted=True)

    statuses = [
        client.call("GET").status_code,
        client.update(client_name="After").status_code,
        client.call("DELETE").status_code,
    ]

    assert [200, 200, 204] == statuses


@pytest.mark.spec("A-003", "A-006")
def test_a_protected_issuer_takes_no_stranger(opened: Open) -> None:
    """Only who was given a token may come in."""
    issuer = opened(mode="protected")

    stranger, known = issuer.register(), issuer.register(token=issuer.a_token())

    assert [401, 201] == [stranger.status_code, known.status_code]


# --- What ends by itself ---


@pytest.mark.spec("A-006")
def test_an_initial_access_token_ends_in_time(opened: Open) -> None:
    """A token somebody finds in an old letter opens nothing."""
    issuer = opened(mode="protected")
    short, long = issuer.a_token(expires="1s"), issuer.a_token(expires="1h")

    status = eventually(lambda: issuer.register(token=short).status_code, 401)

    answer = issuer.register(token=short)
    assert 401 == status
    assert (401, "invalid_token") == error_of(answer)
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert 201 == issuer.register(token=long).status_code


@pytest.mark.spec("A-006")
def test_an_initial_access_token_ends_by_hand(opened: Open) -> None:
    """A token that got into wrong hands is taken back at once, and the others stay."""
    issuer = opened(mode="protected")
    kept, lost = issuer.a_token(), issuer.a_token()
    path = "/api/v1/initial-access-tokens"
    listed = issuer.request("GET", path, headers=OPERATOR).json()["items"]
    issuer.request("DELETE", f"{path}/{listed[1]['id']}", headers=OPERATOR)

    answers = [issuer.register(token=token) for token in (kept, lost)]

    assert [201, 401] == [answer.status_code for answer in answers]


def test_an_access_token_ends_in_time(opened: Open) -> None:
    """Whoever steals a token has it for minutes."""
    issuer = opened(lifetimes={"access_token": "1s"})
    client = Registered(issuer.request, issuer.register(redirect_uris=None, **SERVICE))
    answer = client.get_token().json()

    ended = eventually(lambda: client.is_active(answer["access_token"]), wanted=False)

    assert (1, False) == (answer["expires_in"], ended)


@pytest.mark.spec("A-104")
def test_a_client_secret_ends_when_it_was_said(opened: Open) -> None:
    """A client that does not renew its secret is locked out at the moment it was told."""
    issuer = opened(lifetimes={"client_secret": "1s"})
    client = Registered(issuer.request, issuer.register(redirect_uris=None, **SERVICE))

    status = eventually(lambda: client.get_token().status_code, 401)

    assert client.body["client_id_issued_at"] + 1 == client.body["client_secret_expires_at"]
    assert 401 == status
    assert 200 == client.call("GET").status_code


@pytest.mark.spec("A-104")
def test_the_shortest_life_of_a_secret_counts(opened: Open) -> None:
    """A policy shortens what the issuer grants, and lengthens nothing."""
    policies = [
        {"name": "hour", "client_secret_lifetime": "PT1H"},
        {"name": "year", "client_secret_lifetime": "P365D"},
    ]
    issuer = opened(mode="protected", policies=policies, lifetimes={"client_secret": "2h"})

    lives = {}
    for names in ([], ["hour"], ["year"], ["year", "hour"]):
        body = issuer.register(token=issuer.a_token(policies=names)).json()
        lives["+".join(names)] = body["client_secret_expires_at"] - body["client_id_issued_at"]

    assert {"": 7200, "hour": 3600, "year": 7200, "year+hour": 3600} == lives


# --- Networks ---


def test_only_the_networks_of_the_issuer_may_register(opened: Open) -> None:
    """Registration may be a matter of the house alone."""
    issuer = opened(limits={"networks": NETWORKS})

    outside, inside = issuer.register(headers=OUTSIDE), issuer.register(headers=INSIDE)
    sixth = issuer.register(headers={"x-forwarded-for": "2001:db8::7"})

    assert (403, "access_denied") == error_of(outside)
    assert [201, 201] == [inside.status_code, sixth.status_code]


@pytest.mark.parametrize("is_default", [True, False], ids=["default", "of-the-token"])
def test_only_the_networks_of_the_policy_may_register(opened: Open, *, is_default: bool) -> None:
    """A token that leaves the house is worth nothing outside."""
    policy = {"name": "house", "networks": NETWORKS}
    defaults = ["house"] if is_default else []
    issuer = opened(mode="protected", policies=[policy], default_policies=defaults)
    token = issuer.a_token(policies=[] if is_default else ["house"])

    outside = issuer.register(token=token, headers=OUTSIDE)
    inside = issuer.register(token=token, headers=INSIDE)

    assert (403, "access_denied") == error_of(outside)
    assert 201 == inside.status_code


def test_every_list_of_networks_counts(opened: Open) -> None:
    """Two conditions are both conditions."""
    policy = {"name": "wing", "networks": ["10.20.0.0/16"]}
    issuer = opened(mode="protected", policies=[policy], limits={"networks": NETWORKS})
    token = issuer.a_token(policies=["wing"])

    statuses = [
        issuer.register(token=token, headers={"x-forwarded-for": address}).status_code
        for address in ("10.20.30.40", "10.99.30.40", "198.51.100.7")
    ]

    assert [201, 403, 403] == statuses


# --- Rates and quotas ---


@pytest.mark.spec("A-004", "A-014")
def test_a_stranger_registers_so_often_and_no_more(opened: Open) -> None:
    """Nobody fills the registry from one address, and others do not wait for them."""
    issuer = opened(limits={"anonymous_registrations_per_minute": 2})

    answers = [issuer.register(headers=OUTSIDE) for _ in range(4)]
    other = issuer.register(headers=INSIDE)

    assert [201, 201, 429, 429] == [answer.status_code for answer in answers]
    assert (429, "too_many_requests") == error_of(answers[-1])
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert 201 == other.status_code


@pytest.mark.spec("A-014")
def test_a_token_registers_so_often_and_no_more(opened: Open) -> None:
    """A program that runs wild with its token uses up its own turns, not those of others."""
    issuer = opened(
        mode="protected",
        limits={"registrations_per_minute": 2, "anonymous_registrations_per_minute": 1},
    )
    wild, other = issuer.a_token(), issuer.a_token()

    statuses = [issuer.register(token=wild).status_code for _ in range(4)]

    assert [201, 201, 429, 429] == statuses
    assert 201 == issuer.register(token=other).status_code


@pytest.mark.spec("A-014")
def test_an_organization_registers_so_often_and_no_more(opened: Open) -> None:
    """More tokens are not more turns."""
    issuer = opened(mode="protected", limits={"registrations_per_minute": 2})
    tokens = [issuer.a_token(organization="clinic") for _ in range(3)]
    other = issuer.a_token(organization="pharmacy")

    statuses = [issuer.register(token=token).status_code for token in tokens]

    assert [201, 201, 429] == statuses
    assert 201 == issuer.register(token=other).status_code


@pytest.mark.spec("A-014")
def test_who_guesses_tokens_waits_like_a_stranger(opened: Open) -> None:
    """A bad token is judged as often as a registration is, and no more."""
    issuer = opened(mode="protected", limits={"anonymous_registrations_per_minute": 2})
    guessed = "rgy_iat_" + "0" * 71

    statuses = [issuer.register(token=guessed).status_code for _ in range(3)]

    assert [401, 401, 429] == statuses


def test_a_stranger_begins_with_so_many_devices_and_no_more(opened: Open) -> None:
    """Who knows the id of a device's client is anybody, and each beginning is kept for a while."""
    device = "urn:ietf:params:oauth:grant-type:device_code"
    issuer = opened()
    registered = issuer.register(
        grant_types=[device], token_endpoint_auth_method="none", redirect_uris=[]
    )
    form = {"client_id": registered.json()["client_id"]}

    def begin(source: dict[str, str]) -> int:
        path = "/device_authorization"
        return issuer.request("POST", path, data=form, headers=source).status_code

    statuses = list(takewhile(lambda status: status == 200, (begin(OUTSIDE) for _ in range(5000))))

    assert 300 <= len(statuses) < 5000
    assert [429, 200] == [begin(OUTSIDE), begin(INSIDE)]


def test_an_issuer_has_so_many_clients_and_no_more(opened: Open) -> None:
    """A quota counts clients that are there: one that goes makes room."""
    issuer = opened(limits={"client_quota": 2})
    clients = [Registered(issuer.request, issuer.register()) for _ in range(2)]

    full = issuer.register()
    clients[0].call("DELETE")
    again = issuer.register()

    assert (403, "access_denied") == error_of(full)
    assert 201 == again.status_code


def test_an_organization_has_so_many_clients_and_no_more(opened: Open) -> None:
    """One customer's clients do not crowd out another's."""
    issuer = opened(mode="protected", limits={"organization_quota": 1})
    token, other = (issuer.a_token(organization=name) for name in ("clinic", "pharmacy"))

    made, full, others = [issuer.register(token=one) for one in (token, token, other)]

    assert [201, 201] == [made.status_code, others.status_code]
    assert (403, "access_denied") == error_of(full)


# --- Policies ---

CEILING = {
    "name": "ceiling",
    "scopes": ["openid", "profile"],
    "grant_types": ["authorization_code"],
    "token_endpoint_auth_methods": ["client_secret_basic", "none"],
    "redirect_hosts": ["app.example"],
}
GRANTS = ["authorization_code", "client_credentials"]
NARROWED = {
    "scopes": ({"scope": "openid email"}, "scope", "openid"),
    "grants": ({"grant_types": GRANTS}, "grant_types", ["authorization_code"]),
}
FORBIDDEN = {
    "method": ({"token_endpoint_auth_method": "client_secret_post"}, "invalid_client_metadata"),
    "host": ({"redirect_uris": ["https://evil.example/cb"]}, "invalid_redirect_uri"),
    "one-host": ({"redirect_uris": [URI, "https://evil.example/cb"]}, "invalid_redirect_uri"),
    "longer-host": ({"redirect_uris": ["https://app.example.evil/"]}, "invalid_redirect_uri"),
    "scheme": ({"redirect_uris": ["com.evil://app.example/cb"]}, "invalid_redirect_uri"),
    "loopback": ({"redirect_uris": ["http://127.0.0.1/cb"]}, "invalid_redirect_uri"),
    "scopes": ({"scope": "email"}, "invalid_client_metadata"),
    "grants": ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
}


@pytest.fixture(scope="module")
def bounded(first: Issuer) -> Issuer:
    """Make an issuer with a policy that tokens may be bound by."""
    url = "https://bounded.example"
    return open_issuer(first, url, mode="protected", policies=[CEILING])


def bound_client(issuer: Issuer) -> Registered:
    """Return a client that came in by a token with the policy."""
    token = issuer.a_token(policies=["ceiling"])
    return Registered(issuer.request, issuer.register(token=token, client_name="Before"))


@pytest.mark.parametrize(("members", "name", "kept"), NARROWED.values(), ids=NARROWED.keys())
@pytest.mark.spec("A-125")
def test_a_policy_narrows_a_registration(bounded: Issuer, members, name, kept) -> None:
    """A token can be given away without giving away everything."""
    bound = bounded.register(token=bounded.a_token(policies=["ceiling"]), **members)
    free = bounded.register(token=bounded.a_token(), **members)

    assert [201, 201] == [bound.status_code, free.status_code]
    assert [kept, members[name]] == [bound.json()[name], free.json()[name]]


@pytest.mark.parametrize(("members", "code"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
@pytest.mark.spec("A-125")
def test_a_policy_refuses_a_registration(bounded: Issuer, members, code) -> None:
    """What cannot be narrowed is refused."""
    bound = bounded.register(token=bounded.a_token(policies=["ceiling"]), **members)
    free = bounded.register(token=bounded.a_token(), **members)

    assert (400, code) == error_of(bound)
    assert 201 == free.status_code


@pytest.mark.parametrize(("members", "name", "kept"), NARROWED.values(), ids=NARROWED.keys())
@pytest.mark.spec("B-049")
def test_a_policy_narrows_an_update(bounded: Issuer, members, name, kept) -> None:
    """The bounds of the door are those of the client for all its life."""
    client = bound_client(bounded)

    answer = client.update(**members)

    assert (200, kept) == (answer.status_code, answer.json()[name])
    assert kept == client.call("GET").json()[name]


@pytest.mark.parametrize(("members", "code"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
@pytest.mark.spec("B-048", "B-049")
def test_a_policy_refuses_an_update(bounded: Issuer, members, code) -> None:
    """Registering something harmless first is no way around a policy."""
    client = bound_client(bounded)
    before = client.call("GET").json()

    answer = client.update(client_name="After", **members)

    assert (400, code) == error_of(answer)
    assert before == client.call("GET").json()


@pytest.mark.spec("A-125")
def test_a_default_policy_binds_everybody(opened: Open) -> None:
    """What holds for the issuer holds with and without a token."""
    issuer = opened(policies=[CEILING], default_policies=["ceiling"])

    stranger = issuer.register(scope="openid email")
    known = issuer.register(token=issuer.a_token(), scope="openid email")
    refused = issuer.register(redirect_uris=["https://evil.example/cb"])

    assert ["openid", "openid"] == [stranger.json()["scope"], known.json()["scope"]]
    assert (400, "invalid_redirect_uri") == error_of(refused)


@pytest.mark.spec("B-049")
def test_a_policy_that_is_gone_still_binds(opened: Open) -> None:
    """Nobody gains by an operator's slip: what cannot be judged is refused."""
    issuer = opened(mode="protected", policies=[CEILING])
    token = issuer.a_token(policies=["ceiling"])
    client = Registered(issuer.request, issuer.register(token=token))
    issuer.change(policies=[], mode="open")
    assert 201 == eventually(lambda: issuer.register().status_code, 201)

    answers = [client.update(scope="openid email"), issuer.register(token=token)]

    assert [(403, "access_denied")] * 2 == [error_of(answer) for answer in answers]


def test_a_preview_comes_in_by_the_same_door(opened: Open) -> None:
    """Asking what would happen is no way to try tokens or to look inside."""
    issuer = opened(mode="protected", limits={"networks": NETWORKS})
    token, path = issuer.a_token(uses=1), "/register?dry_run=true"

    def preview(**headers: str) -> httpx2.Response:
        return issuer.request("POST", path, json={"redirect_uris": [URI]}, headers=headers)

    guesses = [preview(**INSIDE), preview(**INSIDE, **bearer("rgy_iat_" + "0" * 71))]
    outside, inside = preview(**OUTSIDE, **bearer(token)), preview(**INSIDE, **bearer(token))

    assert [401, 401] == [answer.status_code for answer in guesses]
    assert "accepted" != outside.json().get("result")
    assert (200, "accepted") == (inside.status_code, inside.json()["result"])
    assert 201 == issuer.register(token=token, headers=INSIDE).status_code


def test_coming_too_often_fills_no_log(opened: Open) -> None:
    """A program that runs wild must not bury what others did."""
    issuer = opened(mode="protected", limits={"registrations_per_minute": 1})
    token = issuer.a_token()

    statuses = [issuer.register(token=token).status_code for _ in range(4)]

    events = issuer.request("GET", "/api/v1/audit/events", headers=OPERATOR).json()["items"]
    tags = [item["event"]["tag"] for item in events]
    assert [201, 429, 429, 429] == statuses
    assert 1 == tags.count("client:registered")
    assert [] == [tag for tag in tags if "refused" in tag]
