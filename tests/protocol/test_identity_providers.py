"""Who may say who our people are is chosen with care, and by those who may."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from registrary.testing.server import RunningServer
from tests.protocol.kit import OPERATOR, bearer
from tests.protocol.provider import Provider, a_provider

PATH = "/api/v1/identity-providers"
NEW = {"name": "Work", "url": "https://login.example", "client_id": "registrary"}


@pytest.fixture
def api(server: RunningServer) -> Iterator[httpx2.Client]:
    """Return a client of the admin API that may everything."""
    with httpx2.Client(
        base_url=server.url, headers=OPERATOR, trust_env=False, timeout=30
    ) as client:
        yield client
        for one in client.get(PATH).json()["items"]:
            client.delete(f"{PATH}/{one['id']}")


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Run a provider."""
    with a_provider() as one:
        yield one


def test_a_provider_is_made_changed_and_removed(api):
    """And what is told of it never holds our secret."""
    made = api.post(PATH, json=NEW | {"client_secret": "top-secret", "domains": ["Example.COM"]})
    address = f"{PATH}/{made.json()['id']}"

    changed = api.patch(address, json={"name": "Office", "disabled": True})
    shown = api.get(address)
    removed = api.delete(address)

    assert (201, 200, 204, 404) == (
        made.status_code,
        changed.status_code,
        removed.status_code,
        api.get(address).status_code,
    )
    assert ("Office", ["example.com"], True) == (
        shown.json()["name"],
        shown.json()["domains"],
        shown.json()["has_secret"],
    )
    assert shown.json()["disabled_at"] is not None
    assert "top-secret" not in made.text + changed.text + shown.text


@pytest.mark.parametrize(
    ("wanted", "rule"),
    [
        ({"url": "http://login.example"}, "url: must be an https URL"),
        ({"url": "ftp://login.example"}, "url: must be an https URL"),
        ({"url": "https://u:p@login.example"}, "url: "),
        ({"url": "https://login.example?x"}, "url: must have neither query nor fragment"),
        ({"name": ""}, "name: must have 1 to 200 printable characters"),
        ({"client_secret": "a\n"}, "client_secret: must have 1 to 200 printable characters"),
        ({"scope": "profile"}, "scope: must have openid"),
        ({"domains": ["exa mple"]}, "domains: "),
        ({"claims": {"admin": "admin"}}, "claims: must map standard claims to names"),
        ({"trusted": True}, "trusted: is not a member that is known"),
    ],
    ids=[
        "http",
        "scheme",
        "userinfo",
        "query",
        "name",
        "secret",
        "scope",
        "domain",
        "claim",
        "unknown",
    ],
)
def test_what_cannot_be_a_provider_is_refused_with_the_rule(api, wanted, rule):
    """GHSA-5rr4-8452-hf4v: an address nobody judged was called."""
    answer = api.post(PATH, json=NEW | wanted)

    assert 400 == answer.status_code
    assert rule in answer.json()["detail"]


def test_the_address_of_a_provider_cannot_change(api):
    """Another provider would be believed in what it says of the people of this one."""
    made = api.post(PATH, json=NEW).json()

    answer = api.patch(f"{PATH}/{made['id']}", json={"url": "https://evil.example"})

    assert 400 == answer.status_code


def test_who_lacks_the_permission_names_no_provider(api):
    """Who may make people known may not let another server do so."""
    wish = {"name": "people", "permissions": ["people:write", "identity_providers:read"]}
    token = api.post("/api/v1/admin-tokens", json=wish).json()["token"]

    refused = api.post(PATH, json=NEW, headers=bearer(token))
    stranger = httpx2.post(str(api.base_url) + PATH, json=NEW, trust_env=False)

    assert (403, "identity_providers:write") == (
        refused.status_code,
        refused.json()["permission"],
    )
    assert 401 == stranger.status_code


def test_this_server_registers_itself_where_that_is_possible(api, provider):
    """Nobody copies a secret by hand."""
    provider.metadata = {"registration_endpoint": f"{provider.url}/register"}
    wanted = {"name": "Work", "url": provider.url}

    made = api.post(PATH, json=wanted)

    assert 201 == made.status_code, made.text
    assert ("registrary", True) == (made.json()["client_id"], made.json()["has_secret"])
    [asked] = provider.registered
    assert [made.json()["redirect_uri"]] == asked["redirect_uris"]
    assert made.json()["redirect_uri"].endswith(f"/signin/callback/{made.json()['id']}")


def test_a_provider_that_registers_nobody_needs_a_client_id(api, provider):
    """The message says what to do."""
    answer = api.post(PATH, json={"name": "Work", "url": provider.url})

    assert (400, "client_id: is needed: the provider registers nobody by itself") == (
        answer.status_code,
        answer.json()["detail"],
    )


def test_a_provider_that_is_not_there_is_said_so(api, provider):
    """Before anybody stands in front of it."""
    provider.is_down = True

    answer = api.post(PATH, json={"name": "Work", "url": provider.url})

    assert (400, "url: the provider could not be asked to register a client") == (
        answer.status_code,
        answer.json()["detail"],
    )


def test_two_administrators_do_not_undo_each_other(api):
    """A change is based on what was read."""
    made = api.post(PATH, json=NEW)
    address, etag = f"{PATH}/{made.json()['id']}", made.headers["etag"]
    api.patch(address, json={"name": "Office"})

    stale = api.patch(address, json={"name": "Bureau"}, headers={"if-match": etag})

    assert 412 == stale.status_code


def test_a_log_tells_what_changed_and_no_secret(api):
    """Who pointed the login somewhere else is the first question after a break-in."""
    made = api.post(PATH, json=NEW | {"client_secret": "top-secret"}).json()
    api.patch(f"{PATH}/{made['id']}", json={"client_secret": "other-secret", "name": "Office"})

    listed = api.get("/api/v1/audit/events?limit=20").json()["items"]
    events: list[dict[str, Any]] = [one["event"] for one in listed]
    changed = next(one for one in events if one["tag"] == "identity_provider:updated")
    assert {"name", "client_secret"} == changed["changes"].keys()
    assert "secret" not in str([*changed["changes"]["client_secret"].values()])
