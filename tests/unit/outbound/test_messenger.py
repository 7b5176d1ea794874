"""What is posted, where it may go, and what counts as delivered."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest

from registrary.outbound.policy import development_policy, public_policy
from registrary.ports.fetcher import Refusal
from registrary.ports.limiter import Rate
from registrary.ports.messenger import SECURITY_EVENT, Delivered, Post, Undelivered
from registrary.testing.hostile import (
    MISBEHAVIOURS,
    FlippingResolver,
    HostileServer,
    watched_connections,
)

pytestmark = pytest.mark.anyio

POST = Post("application/secevent+jwt", b"a.b.c", authorization="Bearer secret-of-the-receiver")
BRIEFLY = replace(SECURITY_EVENT, deadline=timedelta(seconds=0.4))

INSIDE = {
    "loopback": "127.0.0.1",
    "loopback-v6": "::1",
    "this-host": "0.0.0.0",  # noqa: S104 - judged, not bound
    "v4-mapped": "::ffff:127.0.0.1",
    "v4-compatible": "::7f00:1",
    "nat64": "64:ff9b::7f00:1",
    "6to4": "2002:7f00:1::1",
    "teredo": "2001:0:7f00:1::1",
    "private": "10.0.0.1",
    "metadata": "169.254.169.254",
    "unique-local": "fd00:ec2::254",
}
TAKEN = {
    # The status is all that counts: what follows it is nobody's business.
    "/no-content",
    "/partial",
    "/wrong-type",
    "/plain-type",
    "/no-type",
    "/two-types",
    "/joined-types",
    "/short-body",
    "/bad-chunk",
    "/open-chunks",
    "/announced-size",
    "/endless-chunks",
    "/endless-body",
    "/endless-extension",
    "/padded-chunks",
    "/endless-trailers",
    "/gzip",
    "/gzip-bomb",
    "/two-codings",
    "/joined-codings",
    "/stall",
    "/drip-body",
    "/reset-in-body",
}
LATE = {"/silent", "/stall-in-headers", "/drip-headers"}


async def undelivered(posting) -> Undelivered:
    """Return why what *posting* posts does not arrive; at once, as nothing may be waited for."""
    async with asyncio.timeout(5):
        outcome = await posting
    assert isinstance(outcome, Undelivered)
    return outcome


@asynccontextmanager
async def listener_inside() -> AsyncIterator[HostileServer]:
    """Listen where no stranger may lead us, and see that nobody came."""
    async with HostileServer() as server:
        with watched_connections() as seen:
            yield server
        assert [] == seen
        assert 0 == server.accepted


async def test_what_is_posted_arrives_whole(make_messenger):
    """A receiver gets what it was promised, and nothing about anybody else."""
    async with HostileServer() as server:
        outcome = await make_messenger().post(
            server.url("/document?a=%41"), POST, purpose=SECURITY_EVENT
        )
        expected = (
            ("host", f"127.0.0.1:{server.port}"),
            ("user-agent", "registrary"),
            ("accept", "application/json"),
            ("content-type", "application/secevent+jwt"),
            ("content-length", "5"),
            ("authorization", "Bearer secret-of-the-receiver"),
            ("accept-encoding", "identity"),
            ("connection", "close"),
        )

    request = server.requests[0]
    assert Delivered(200) == outcome
    assert ("POST", "/document?a=%41", b"a.b.c") == (request.method, request.target, request.body)
    assert expected == request.headers


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "204 No Content"])
async def test_any_success_is_one(status, make_messenger):
    """Receivers say 200, 202 (RFC 8935 §2.2) or, where frameworks decide, 204."""
    async with HostileServer() as server:
        server.publish("/taken", b"", status=status)
        outcome = await make_messenger().post(server.url("/taken"), POST, purpose=SECURITY_EVENT)

    assert Delivered(int(status[:3])) == outcome


@pytest.mark.parametrize("path", [row.path for row in MISBEHAVIOURS])
async def test_misbehaviour_is_survived(path, make_messenger):
    """Whatever a receiver does, we connect once and wait no longer than promised."""
    purpose = BRIEFLY if path in LATE else SECURITY_EVENT

    async with HostileServer() as server, asyncio.timeout(8):
        outcome = await make_messenger().post(server.url(path), POST, purpose=purpose)

        assert (path in TAKEN, 1) == (isinstance(outcome, Delivered), server.accepted)


@pytest.mark.parametrize(
    "status", ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
)
async def test_a_redirect_is_not_followed(status, make_messenger):
    """It would carry the receiver's credentials past every check that was made (CVE-2026-4366)."""
    async with HostileServer() as inside, HostileServer() as server:
        server.publish("/", b"", status=status, headers=[("Location", inside.url("/document"))])
        outcome = await make_messenger().post(server.url("/"), POST, purpose=SECURITY_EVENT)

        assert 0 == inside.accepted
    assert Undelivered(Refusal.STATUS, f"status is {status[:3]}") == outcome


@pytest.mark.parametrize("address", INSIDE.values(), ids=INSIDE.keys())
async def test_a_name_that_leads_inside_is_never_posted_to(address, make_messenger):
    """A call-back is as good a way into the network as a document (CVE-2026-1518)."""
    async with listener_inside() as server:
        messenger = make_messenger(
            policy=public_policy(server.port),
            resolver=FlippingResolver({"app.example": [[address]]}),
        )
        url = server.url("/document", host="app.example", scheme="https")

        outcome = await undelivered(messenger.post(url, POST, purpose=SECURITY_EVENT))

    assert Refusal.ADDRESS == outcome.refusal


@pytest.mark.parametrize("address", INSIDE.values(), ids=INSIDE.keys())
async def test_an_address_inside_is_never_posted_to(address, make_messenger):
    """Without a name there is even less to look up, and the same to refuse."""
    async with listener_inside() as server:
        messenger = make_messenger(policy=public_policy(server.port))
        url = server.url("/document", host=address, scheme="https")

        outcome = await undelivered(messenger.post(url, POST, purpose=SECURITY_EVENT))

    assert outcome.refusal in {Refusal.ADDRESS, Refusal.URL}


async def test_plain_http_is_for_development_alone(make_messenger):
    """What is told about people does not cross the network in the clear."""
    async with listener_inside() as server:
        messenger = make_messenger(policy=public_policy(server.port))

        outcome = await undelivered(
            messenger.post(server.url("/", host="app.example"), POST, purpose=SECURITY_EVENT)
        )

    assert Refusal.URL == outcome.refusal


async def test_development_posts_to_this_machine_alone(make_messenger):
    """A developer's machine stands in a network too."""
    async with listener_inside() as server:
        messenger = make_messenger(resolver=FlippingResolver({"app.example": [["8.8.8.8"]]}))
        url = server.url("/", host="app.example")

        outcome = await undelivered(messenger.post(url, POST, purpose=SECURITY_EVENT))

    assert Refusal.ADDRESS == outcome.refusal


async def test_rebinding_does_not_move_a_message(make_messenger):
    """The address that was judged is the address that is connected to."""
    outside = ip_address("127.0.0.2")  # plays the public address
    resolver = FlippingResolver({"app.example": [["127.0.0.2"], ["127.0.0.1"]]})
    policy = replace(development_policy(), allows=lambda address: address == outside)

    async with HostileServer(host="127.0.0.2") as server:
        messenger = make_messenger(policy=policy, resolver=resolver)
        url = server.url("/document", host="app.example")
        with watched_connections() as seen:
            first = await messenger.post(url, POST, purpose=SECURITY_EVENT)
            second = await undelivered(messenger.post(url, POST, purpose=SECURITY_EVENT))

    assert (Delivered(200), Refusal.ADDRESS) == (first, second.refusal)
    assert ["127.0.0.2"] == seen


async def test_a_host_has_a_budget(make_messenger, ticks):
    """Whoever signs in and out all day does not make us hammer somebody else's server."""
    policy = replace(development_policy(), host_rate=Rate(2, timedelta(minutes=1)))
    messenger = make_messenger(policy=policy, monotonic=ticks)

    async with HostileServer() as server:
        url = server.url("/document")
        for _ in range(2):
            await messenger.post(url, POST, purpose=SECURITY_EVENT)
        outcome = await undelivered(messenger.post(url, POST, purpose=SECURITY_EVENT))

        assert (Refusal.BUDGET, 2) == (outcome.refusal, server.accepted)


async def test_neither_logs_nor_tracebacks_show_what_was_posted(make_messenger, caplog):
    """What is posted proves things, and the header lets it in."""
    caplog.set_level(logging.DEBUG, logger="registrary.outbound")

    async with HostileServer() as server:
        url = server.url("/server-error?secret=in-the-query")
        await make_messenger().post(url, POST, purpose=SECURITY_EVENT)

    assert "security_event at 127.0.0.1: status" in caplog.text
    assert not [word for word in ("a.b.c", "secret") if word in caplog.text + repr(POST)]
