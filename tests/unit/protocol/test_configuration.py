"""The client configuration endpoint: what an address may ask for."""

import json
from typing import Any

import pytest

from registrary.core.client import Client
from registrary.protocol.configuration import ConfigurationEndpoint
from registrary.protocol.http import HttpRequest
from tests.unit.registrar.desk import PEER, Desk

pytestmark = pytest.mark.anyio


async def call(
    desk: Desk, method: str, path: str, *, token: str, query: str = "", document: Any = None
) -> tuple[int, dict[str, Any]]:
    """Call the endpoint and return status and JSON of the answer."""
    headers = (
        (b"content-type", b"application/json"),
        (b"authorization", f"Bearer {token}".encode()),
    )
    body = b"" if document is None else json.dumps(document).encode()
    endpoint = ConfigurationEndpoint(desk.context, desk.manager)
    handlers = {"GET": endpoint.read, "PUT": endpoint.update, "DELETE": endpoint.delete}
    answer = await handlers[method](HttpRequest(method, path, query, headers, body, PEER))
    return answer.status, json.loads(answer.body or b"{}")


def own(client: Client) -> dict[str, Any]:
    """Return the registration of *client* as it would send it."""
    return {"client_id": client.client_id, **client.metadata}


@pytest.mark.parametrize("query", ["dry_run=true", "dry_run=false", "dry_run=1", "dry_run"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_what_cannot_be_previewed_is_not_done(method, query):
    """A client that asks what deleting it would mean is still there afterwards."""
    desk = Desk()
    client, token = await desk.add()
    document = own(client) | {"client_name": "After"}
    path = f"/register/{client.client_id}"

    status, says = await call(desk, method, path, token=token, query=query, document=document)

    assert (400, "invalid_request") == (status, says["error"])
    assert client == await desk.stored(client)


@pytest.mark.parametrize(
    "query",
    [
        "rotate",
        "rotate=",
        "rotate=true",
        "rotate=CLIENT_SECRET",
        "rotate=secret",
        "rotate=a&rotate=",
    ],
)
async def test_a_rotation_that_is_misspelt_is_not_an_update(query):
    """A client that believes its secret replaced would go on with a leaked one."""
    desk = Desk()
    client, token = await desk.add()
    document = own(client) | {"client_name": "After"}
    path = f"/register/{client.client_id}"

    status, says = await call(desk, "PUT", path, token=token, query=query, document=document)

    assert (400, "invalid_request") == (status, says["error"])
    assert client == await desk.stored(client)


async def test_who_is_refused_is_told_so_whatever_was_sent():
    """A stranger's sixty kilobytes of brackets are not read."""
    desk = Desk()
    client, token = await desk.add()
    endpoint = ConfigurationEndpoint(desk.context, desk.manager)
    path, body = f"/register/{client.client_id}", b"{" * 60_000

    statuses = []
    for text in ("rgy_rat_" + "0" * 71, token):
        headers = ((b"authorization", f"Bearer {text}".encode()),)
        answer = await endpoint.update(HttpRequest("PUT", path, "", headers, body, PEER))
        statuses.append(answer.status)

    assert [401, 400] == statuses


def encoded(text: str, *, upper: bool = False) -> str:
    """Return *text* with every character percent-encoded, as some libraries spell paths."""
    octets = (f"%{ord(character):02x}" for character in text)
    return "".join(one.upper() if upper else one for one in octets)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.spec("B-003", "B-022")
async def test_an_address_is_ones_own_however_it_is_spelt(upper):
    """Encoding what need not be encoded says the same (RFC 3986 §6.2.2.2), and costs no token."""
    desk = Desk()
    client, token = await desk.add()
    paths = [
        f"/register/{encoded(client.client_id, upper=upper)}",
        f"/register/{encoded(client.client_id[:1], upper=upper)}{client.client_id[1:]}",
        f"/register/{client.client_id}",
    ]

    answers = [await call(desk, "GET", path, token=token) for path in paths]

    assert [(200, client.client_id)] * 3 == [
        (status, says["client_id"]) for status, says in answers
    ]


@pytest.mark.parametrize("ending", ["%", "%2", "%zz", "%%30", "%ff", "%u0030", "%C3%28"])
@pytest.mark.spec("B-009", "B-022")
async def test_an_address_that_cannot_be_read_costs_no_token(ending):
    """A broken link is no sign that the token is in wrong hands; it finds nobody all the same."""
    desk = Desk()
    client, token = await desk.add()

    broken = await call(desk, "GET", f"/register/{client.client_id}{ending}", token=token)
    guessed = await call(desk, "GET", f"/register/{client.client_id}", token="guessed")
    afterwards = await call(desk, "GET", f"/register/{client.client_id}", token=token)

    assert (401, "invalid_token") == (broken[0], broken[1]["error"])
    assert guessed == broken
    assert 200 == afterwards[0]
    assert [] == await desk.events()


@pytest.mark.parametrize("spelling", [str, encoded], ids=["plain", "encoded"])
@pytest.mark.spec("B-022")
async def test_the_address_of_another_costs_the_token_however_it_is_spelt(spelling):
    """Encoding must not be a way to try tokens that were found."""
    desk = Desk()
    client, token = await desk.add()
    other, _ = await desk.add()

    status, _ = await call(desk, "GET", f"/register/{spelling(other.client_id)}", token=token)

    assert (401, ()) == (status, (await desk.stored(client)).registration_access_tokens)
