"""Servers that misbehave, met by the fetcher over real connections."""

import asyncio
import socket

import pytest

from registrary.ports.fetcher import (
    CLIENT_ID_METADATA_DOCUMENT,
    DOCUMENT_UNUSABLE,
    JWKS_URI,
    FetchRefused,
    Refusal,
)
from registrary.testing.hostile import (
    DOCUMENT,
    MISBEHAVIOURS,
    ODDITIES,
    FlippingResolver,
    HostileServer,
)

pytestmark = pytest.mark.anyio

EXPECTED = {
    "/redirect": Refusal.STATUS,
    "/redirect-for-good": Refusal.STATUS,
    "/redirect-inside": Refusal.STATUS,
    "/not-found": Refusal.STATUS,
    "/server-error": Refusal.STATUS,
    "/no-content": Refusal.STATUS,
    "/partial": Refusal.STATUS,
    "/not-modified": Refusal.STATUS,
    "/wrong-type": Refusal.MEDIA_TYPE,
    "/plain-type": Refusal.MEDIA_TYPE,
    "/no-type": Refusal.MEDIA_TYPE,
    "/two-types": Refusal.MEDIA_TYPE,
    "/joined-types": Refusal.MEDIA_TYPE,
    "/announced-size": Refusal.SIZE,
    "/endless-chunks": Refusal.SIZE,
    "/endless-body": Refusal.SIZE,
    "/endless-interim": Refusal.SIZE,
    "/padded-chunks": Refusal.SIZE,
    "/gzip": Refusal.ENCODING,
    "/gzip-bomb": Refusal.ENCODING,
    "/two-codings": Refusal.ENCODING,
    "/joined-codings": Refusal.ENCODING,
    "/silent": Refusal.DEADLINE,
    "/stall": Refusal.DEADLINE,
    "/stall-in-headers": Refusal.DEADLINE,
    "/drip-headers": Refusal.DEADLINE,
    "/drip-body": Refusal.DEADLINE,
}
# What is not named above breaks HTTP itself.


@pytest.fixture
def patience(path, purpose):
    """Return a purpose that waits briefly for what never comes, and else as long as it takes.

    So that a busy machine turns no other refusal into one for lateness.
    """
    return purpose if EXPECTED.get(path) is Refusal.DEADLINE else JWKS_URI


each_misbehaviour = pytest.mark.parametrize("path", [row.path for row in MISBEHAVIOURS])
each_oddity = pytest.mark.parametrize("path", [row.path for row in ODDITIES])


async def refusal_of(fetching) -> FetchRefused:
    """Return how *fetching* was refused; waits for the deadline and not much longer."""
    with pytest.raises(FetchRefused) as caught:
        async with asyncio.timeout(5):
            await fetching
    return caught.value


@each_misbehaviour
@pytest.mark.spec("E-130", "T-39")
async def test_misbehaviour_is_refused_with_one_text(path, make_fetcher, patience):
    """Whatever a stranger's server does, we wait no longer than promised and tell nothing."""
    async with HostileServer() as server:
        refused = await refusal_of(make_fetcher().fetch(server.url(path), purpose=patience))

    assert EXPECTED.get(path, Refusal.CONNECTION) == refused.refusal
    assert DOCUMENT_UNUSABLE == str(refused)


@each_misbehaviour
@pytest.mark.spec("E-130", "T-39")
async def test_misbehaviour_is_refused_under_tls_too(path, make_fetcher, patience, authority):
    """A certificate says who misbehaves; it makes nothing acceptable."""
    fetcher = make_fetcher(resolver=FlippingResolver({"app.example": [["127.0.0.1"]]}))

    async with HostileServer(tls=authority.server_context("app.example")) as server:
        url = server.url(path, host="app.example")
        refused = await refusal_of(fetcher.fetch(url, purpose=patience))

    assert EXPECTED.get(path, Refusal.CONNECTION) == refused.refusal
    assert DOCUMENT_UNUSABLE == str(refused)


@each_misbehaviour
@pytest.mark.spec("E-130")
async def test_no_answer_makes_us_connect_a_second_time(path, make_fetcher, patience):
    """Redirects and retries would turn one request of a stranger into several of ours."""
    async with HostileServer() as server:
        await refusal_of(make_fetcher().fetch(server.url(path), purpose=patience))

        assert 1 == server.accepted


@each_oddity
async def test_an_unusual_answer_is_read_whole(path, make_fetcher):
    """Strictness ends where honest servers begin."""
    async with HostileServer() as server:
        fetched = await make_fetcher().fetch(server.url(path), purpose=JWKS_URI)

    assert (DOCUMENT, "application/json") == (fetched.body, fetched.media_type)


@pytest.mark.spec("E-130")
async def test_the_limit_is_that_of_the_purpose(make_fetcher):
    """A metadata document may have 5 KiB, and not a byte more."""
    limit = CLIENT_ID_METADATA_DOCUMENT.limit_bytes

    async with HostileServer() as server:
        server.publish("/at-limit", b"x" * limit)
        server.publish("/above-limit", b"x" * (limit + 1))
        fetcher = make_fetcher()
        fetched = await fetcher.fetch(server.url("/at-limit"), purpose=CLIENT_ID_METADATA_DOCUMENT)
        refused = await refusal_of(
            fetcher.fetch(server.url("/above-limit"), purpose=CLIENT_ID_METADATA_DOCUMENT)
        )

    assert limit == len(fetched.body)
    assert Refusal.SIZE == refused.refusal


@pytest.mark.spec("E-130")
async def test_a_host_without_listener_is_refused(make_fetcher, purpose):
    """A port nobody listens on looks to the client like any other failure."""
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))  # bound and not listening: nobody else takes it
        url = f"http://127.0.0.1:{placeholder.getsockname()[1]}/"

        refused = await refusal_of(make_fetcher().fetch(url, purpose=purpose))

    assert (Refusal.CONNECTION, DOCUMENT_UNUSABLE) == (refused.refusal, str(refused))


@pytest.mark.spec("E-130")
async def test_slow_names_are_under_the_deadline(make_fetcher, purpose):
    """A stranger's name server must not hold a registration open."""
    resolver = FlippingResolver({"app.example": [["127.0.0.1"]]}, delay_seconds=60)

    refused = await refusal_of(
        make_fetcher(resolver=resolver).fetch("https://app.example/", purpose=purpose)
    )

    assert Refusal.DEADLINE == refused.refusal
