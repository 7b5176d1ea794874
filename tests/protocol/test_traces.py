"""What clients do, and what they were refused, is written down: who, from where, with what end."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.protocol.kit import OPERATOR, Registered, bearer

BOTH = ["authorization_code", "client_credentials"]
ADDRESS = "198.51.100.7"
FROM = {"x-forwarded-for": ADDRESS}
Act = Callable[[Registered], httpx2.Response]


@pytest.fixture
def client(http: httpx2.Client, register) -> Registered:
    """Return a client that may do everything a client may, and calls from *ADDRESS*."""

    def send(method: str, path: str, **more: Any) -> httpx2.Response:
        return http.request(method, path, headers=more.pop("headers", {}) | FROM, **more)

    return Registered(send, register(grant_types=BOTH, scope="read write"))


def rotating(name: str) -> Act:
    """Return the act of asking for another credential."""
    query = f"?rotate={name}"
    return lambda client: client.call("PUT", query=query, json=client.document())


def misusing(client: Registered) -> httpx2.Response:
    """Present the token at the address of nobody."""
    return client.send("GET", f"/register/{'0' * 32}", headers=bearer(client.token))


def held(act: Act) -> Act:
    """Return *act* of a client that is held."""

    def while_held(client: Registered) -> httpx2.Response:
        path = f"/api/v1/clients/{client.body['client_id']}/holds"
        client.send("POST", path, json={"reason": "test"}, headers=OPERATOR)
        return act(client)

    return while_held


ACTS = {
    "update": (
        lambda client: client.update(client_name="After"),
        {("client:updated", "success", None)},
    ),
    "refused-update": (
        lambda client: client.update(redirect_uris=["x"]),
        {("client:update_refused", "refused", "invalid_redirect_uri")},
    ),
    "update-while-held": (
        held(lambda client: client.update(client_name="After")),
        {("client:update_refused", "refused", "access_denied")},
    ),
    "new-secret": (
        rotating("client_secret"),
        {("client:secret_rotated", "success", None)},
    ),
    "new-token": (
        rotating("registration_access_token"),
        {("client:registration_access_token_rotated", "success", None)},
    ),
    "misused-token": (
        misusing,
        {("client:registration_access_token_revoked", "refused", None)},
    ),
    "deletion": (
        lambda client: client.call("DELETE"),
        {("client:deleted", "success", None)},
    ),
    "deletion-while-held": (
        held(lambda client: client.call("DELETE")),
        {("client:delete_refused", "refused", "access_denied")},
    ),
    "revocation": (
        lambda client: client.ask("/revoke", token=client.access_token()),
        {("token:revoked", "success", None)},
    ),
    "refused-scope": (
        lambda client: client.get_token(scope="unheard_of"),
        {("token:refused", "refused", "invalid_scope")},
    ),
    "token-while-held": (
        held(lambda client: client.get_token()),
        {("token:refused", "refused", "invalid_client")},
    ),
}


def events_of(client: Registered) -> list[dict[str, Any]]:
    """Return what is written down about *client*, but its registration and what operators did."""
    path = f"/api/v1/clients/{client.body['client_id']}/events"
    items = client.send("GET", path, headers=OPERATOR).json()["items"]
    return [item["event"] for item in items if item["event"]["actor"]["kind"] == "client"]


@pytest.mark.parametrize(("act", "expected"), ACTS.values(), ids=ACTS.keys())
def test_what_a_client_does_is_written_down(client: Registered, act: Act, expected) -> None:
    """Whoever looks into an incident later has nothing but these lines."""
    act(client)

    events = events_of(client)
    told = {(event["tag"], event["outcome"], event.get("reason")) for event in events}
    assert expected <= told
    assert {"client:updated"} >= {tag for tag, _, _ in told - expected}
    assert [{"kind": "client", "id": client.body["client_id"], "address": ADDRESS}] * len(
        events
    ) == [event["actor"] for event in events]
    assert all(event.get("request_id") for event in events)


@pytest.mark.parametrize(
    "act",
    [
        lambda client: client.call("GET"),
        lambda client: client.get_token(),
        lambda client: client.ask("/introspect", token="x"),
        lambda client: client.ask("/revoke", token="x"),
        lambda client: client.call("GET", token="rgy_rat_" + "0" * 71),
        lambda client: client.send(
            "POST", "/token", data={"grant_type": "client_credentials"}, auth=("nobody", "x")
        ),
        lambda client: client.send(
            "POST",
            "/token",
            data={"grant_type": "client_credentials"},
            auth=(client.body["client_id"], "guessed"),
        ),
    ],
    ids=[
        "read",
        "token",
        "introspection",
        "revoking-nothing",
        "guessed-token",
        "unknown-client",
        "guessed-secret",
    ],
)
def test_what_anybody_may_do_at_any_time_leaves_no_line(client: Registered, act: Act) -> None:
    """A log that strangers can fill, or that tells of every read, is one nobody can use."""
    act(client)

    assert [] == events_of(client)
