"""Logos come from our own address, as pictures, of clients that may ask people."""

import pytest

from registrary.core.changes import Changes, Put
from registrary.core.lifecycle import ClientState
from registrary.protocol.http import HttpRequest
from registrary.protocol.logo import PATH, LogoEndpoint, logo_address
from registrary.storage.memory.store import MemoryStore
from registrary.testing.factories import a_client, a_hold, an_issuer, some_metadata

pytestmark = pytest.mark.anyio

LOGO = "https://client.example/logo.png"
ISSUER = an_issuer()


class OnePicture:
    """`Pictures` that have one."""

    async def picture(self, url):
        """Return it at its address."""
        return b"png" if url == LOGO else None


async def shown(client, client_id=None):
    """Return what the endpoint answers about *client*."""
    store = MemoryStore()
    await store.commit(Changes(puts=(Put(client),)))
    endpoint = LogoEndpoint(ISSUER, store, OnePicture())
    return await endpoint.show(HttpRequest("GET", PATH + (client_id or client.client_id)))


async def test_a_logo_is_a_picture_and_nothing_else():
    """Opened by itself, it must not become a page of this server."""
    answer = await shown(a_client(metadata=some_metadata(logo_uri=LOGO)))

    headers = dict(answer.headers)
    assert (200, b"png") == (answer.status, answer.body)
    assert (b"image/png", b"nosniff", b"same-origin") == (
        headers[b"content-type"],
        headers[b"x-content-type-options"],
        headers[b"cross-origin-resource-policy"],
    )
    assert b"sandbox" in headers[b"content-security-policy"]


@pytest.mark.parametrize(
    "client",
    [
        pytest.param(a_client(), id="without one"),
        pytest.param(
            a_client(metadata=some_metadata(logo_uri="https://client.example/other")),
            id="that cannot be shown",
        ),
        pytest.param(
            a_client(
                metadata=some_metadata(logo_uri=LOGO),
                state=ClientState.SUSPENDED,
                holds=(a_hold(),),
            ),
            id="held",
        ),
    ],
)
async def test_there_is_nothing_to_see_of_a_client(client):
    """Nothing is fetched for a client that may ask nobody."""
    assert 404 == (await shown(client)).status


@pytest.mark.parametrize("client_id", ["nobody", "%zz", "%00"])
async def test_there_is_nothing_to_see_of_nobody(client_id):
    """An address is typed by anybody."""
    assert 404 == (await shown(a_client(), client_id)).status


def test_a_page_is_given_our_own_address():
    """A page that named the client's would tell it who looks."""
    client = a_client(metadata=some_metadata(logo_uri=LOGO))

    assert f"{ISSUER.url}/logos/{client.client_id}" == logo_address(ISSUER, client)
    assert logo_address(ISSUER, a_client()) is None
