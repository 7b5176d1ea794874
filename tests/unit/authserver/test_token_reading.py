"""Remembering a good signature makes introspection cheap, and never a bad token good."""

from datetime import timedelta

import pytest

from registrary.authserver.token_reading import REMEMBERED, TokenReader
from registrary.core.changes import Changes, Put
from registrary.core.issuer import Resource, TokenFormat
from registrary.core.signing_key import SigningKey, withdraw
from registrary.testing.factories import an_issuer
from tests.unit.authserver.kit import VISIT, Server

pytestmark = pytest.mark.anyio

API = "https://api.example/"


async def ready():
    """Return a server, a reader of its tokens, and a token that was read once."""
    server = Server()
    await server.make_key()
    token = await server.token(await server.service())
    reader = TokenReader(server.services)
    assert await reader.read(server.context, token) is not None
    return server, reader, token


async def test_a_remembered_token_expires_like_any_other():
    """The clock is asked each time."""
    server, reader, token = await ready()
    server.clock.advance(timedelta(minutes=10))

    assert await reader.read(server.context, token) is None


async def test_a_remembered_token_ends_with_its_key():
    """A key that leaked is withdrawn; what it signed is nothing from then on."""
    server, reader, token = await ready()
    (key,) = (await server.store.page(SigningKey, server.context.id)).records
    gone = withdraw(key, now=server.clock.now())
    await server.store.commit(Changes(puts=(Put(gone, expected=key.revision),)))
    server.clock.advance(timedelta(seconds=2))

    assert await reader.read(server.context, token) is None


async def test_a_remembered_token_is_no_token_of_another_issuer():
    """What one issuer signed says nothing to the next one on the same server."""
    server, reader, token = await ready()
    other = server.context_of(an_issuer(url="https://other.example"))

    assert await reader.read(other, token) is None


async def test_a_token_that_differs_by_a_letter_is_verified():
    """Nothing but the whole text is the token."""
    server, reader, token = await ready()
    last = "A" if token[-5] != "A" else "B"

    assert await reader.read(server.context, token[:-5] + last + token[-4:]) is None


async def test_it_forgets_the_oldest_of_many():
    """Memory has an end; a token that was forgotten is verified again."""
    server, reader, token = await ready()
    client = await server.service()
    for _ in range(REMEMBERED + 1):
        await reader.read(server.context, await server.token(client))

    assert await reader.read(server.context, token) is not None
    assert REMEMBERED == len(reader._verified._claims)  # noqa: SLF001 - what is held is the matter


@pytest.mark.spec("G-060", "G-061")
async def test_an_opaque_token_is_known_here_alone():
    """It says nothing by itself; what a signed one would say is told to those it concerns."""
    opaque = Resource(uri=API, token_format=TokenFormat.OPAQUE)
    server = Server(resources=(opaque,))
    client, other = await server.service(), await server.service()
    token = await server.token(client, resources=[API])

    async def known(caller, text):
        return await server.inspector.introspect(server.context, caller, text)

    told = await known(client, token)
    foreign = await known(other, token)
    changed = await known(client, token[:-8] + "AAAAAAAA")
    await server.inspector.revoke(server.context, client, token, visit=VISIT)
    revoked = await known(client, token)

    assert token.startswith("rgy_at_")
    assert (API, client.client_id, "read write") == (told["aud"], told["sub"], told["scope"])
    assert [{"active": False}] * 3 == [foreign, changed, revoked]


async def test_an_opaque_token_expires_and_ends_with_its_client():
    """No sweep has to come first."""
    opaque = Resource(uri=API, token_format=TokenFormat.OPAQUE)
    server = Server(resources=(opaque,))
    client, held = await server.service(), await server.service()
    reader = TokenReader(server.services)
    token = await server.token(client, resources=[API])
    of_held = await server.token(held, resources=[API])
    await server.change(held, token_generation=1)

    read = await reader.read(server.context, of_held)
    server.clock.advance(timedelta(minutes=10))

    assert read is not None
    assert await reader.live(server.context, read) is None
    assert await reader.read(server.context, token) is None
