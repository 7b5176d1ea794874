"""Where the fetcher connects to, and where it never does."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from errno import EADDRINUSE
from ipaddress import ip_address

import httpcore2
import pytest

from registrary.outbound.policy import development_policy, public_policy
from registrary.ports.fetcher import DOCUMENT_UNUSABLE, JWKS_URI, FetchRefused, Refusal
from registrary.testing.hostile import (
    DOCUMENT,
    FlippingResolver,
    HostileServer,
    watched_connections,
)

pytestmark = pytest.mark.anyio

ADDRESSES_INSIDE = {
    "loopback": "127.0.0.1",
    "loopback-v6": "::1",
    "this-host": "0.0.0.0",  # noqa: S104 - judged, not bound
    "unspecified-v6": "::",
    "v4-mapped": "::ffff:127.0.0.1",
    "v4-compatible": "::7f00:1",
    "nat64": "64:ff9b::7f00:1",
    "6to4": "2002:7f00:1::1",
    "teredo": "2001:0:7f00:1::1",
    "private": "10.0.0.1",
    "carrier-nat": "100.64.0.1",
    "metadata": "169.254.169.254",
    "unique-local": "fd00:ec2::254",
    "link-local": "fe80::1",
    "multicast": "224.0.0.1",
}
ODD_SPELLINGS = [
    "127.1",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "127.0.0.1.",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
    "[::1%25lo]",
    "①②⑦.0.0.1",
    "127。0。0。1",
    "localhost.",
    "user@127.0.0.1",
    "app.example@127.0.0.1",
]


async def refusal_of(fetching) -> FetchRefused:
    """Return how *fetching* was refused; at once, as nothing may be waited for."""
    with pytest.raises(FetchRefused) as caught:
        async with asyncio.timeout(5):
            await fetching
    return caught.value


@asynccontextmanager
async def listener_inside() -> AsyncIterator[HostileServer]:
    """Listen where no stranger may lead us, and see that nobody came.

    Whatever connects anywhere during the block is seen too, not only who arrives here.
    """
    async with HostileServer() as server:
        with watched_connections() as seen:
            yield server
        assert [] == seen
        assert 0 == server.accepted


@pytest.mark.parametrize("address", ADDRESSES_INSIDE.values(), ids=ADDRESSES_INSIDE.keys())
@pytest.mark.spec("E-130", "T-36", "T-37")
async def test_a_name_that_leads_inside_is_never_connected_to(address, make_fetcher):
    """A stranger's DNS record must not make us their hand inside the network."""
    async with listener_inside() as server:
        fetcher = make_fetcher(
            policy=public_policy(server.port),
            resolver=FlippingResolver({"app.example": [[address]]}),
        )

        refused = await refusal_of(
            fetcher.fetch(
                server.url("/document", host="app.example", scheme="https"), purpose=JWKS_URI
            )
        )

    assert (Refusal.ADDRESS, DOCUMENT_UNUSABLE) == (refused.refusal, str(refused))


@pytest.mark.parametrize("address", ADDRESSES_INSIDE.values(), ids=ADDRESSES_INSIDE.keys())
@pytest.mark.spec("E-130", "T-36", "T-37")
async def test_an_address_inside_is_never_connected_to(address, make_fetcher):
    """Without a name there is even less to look up, and the same to refuse."""
    async with listener_inside() as server:
        fetcher = make_fetcher(policy=public_policy(server.port))

        url = server.url("/document", host=address, scheme="https")
        refused = await refusal_of(fetcher.fetch(url, purpose=JWKS_URI))

    assert DOCUMENT_UNUSABLE == str(refused)


@pytest.mark.parametrize("host", ODD_SPELLINGS)
@pytest.mark.spec("E-130")
async def test_an_odd_spelling_reaches_neither_resolver_nor_network(host, make_fetcher):
    """The system's resolver knows spellings of 127.0.0.1 that no check of ours would expect."""
    resolver = FlippingResolver({})

    async with listener_inside() as server:
        fetcher = make_fetcher(policy=public_policy(server.port), resolver=resolver)

        refused = await refusal_of(
            fetcher.fetch(f"https://{host}:{server.port}/document", purpose=JWKS_URI)
        )

    assert DOCUMENT_UNUSABLE == str(refused)
    assert [] == resolver.asked


@pytest.mark.spec("E-130")
async def test_the_systems_own_names_are_judged(make_fetcher):
    """The hosts file and search domains lead inside too."""
    async with listener_inside() as server:
        fetcher = make_fetcher(policy=public_policy(server.port))

        url = server.url("/document", host="localhost", scheme="https")
        refused = await refusal_of(fetcher.fetch(url, purpose=JWKS_URI))

    assert Refusal.ADDRESS == refused.refusal


@pytest.mark.parametrize(
    "answer",
    [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["2606:4700::1", "8.8.8.8", "::1"]],
)
@pytest.mark.spec("E-130")
async def test_one_address_inside_refuses_the_whole_host(answer, make_fetcher):
    """Which of several addresses is used would be up to the stranger."""
    async with listener_inside() as server:
        fetcher = make_fetcher(
            policy=public_policy(server.port),
            resolver=FlippingResolver({"app.example": [answer]}),
        )

        url = server.url("/document", host="app.example", scheme="https")
        refused = await refusal_of(fetcher.fetch(url, purpose=JWKS_URI))

    assert Refusal.ADDRESS == refused.refusal


@pytest.mark.parametrize("address", ["8.8.8.8", "10.0.0.1", "169.254.169.254", "2606:4700::1"])
@pytest.mark.spec("E-132")
async def test_development_reaches_this_machine_alone(address, make_fetcher):
    """A developer's machine stands in a network too."""
    async with listener_inside() as server:
        fetcher = make_fetcher(resolver=FlippingResolver({"app.example": [[address]]}))

        by_name = await refusal_of(
            fetcher.fetch(server.url("/document", host="app.example"), purpose=JWKS_URI)
        )
        by_address = await refusal_of(
            fetcher.fetch(server.url("/document", host=address), purpose=JWKS_URI)
        )

    assert [Refusal.ADDRESS] * 2 == [by_name.refusal, by_address.refusal]


# --- DNS rebinding ------------------------------------------------------------------------------


OUTSIDE = "127.0.0.2"  # plays the public address, so that both ends of the story are real sockets
INSIDE = "127.0.0.1"
PLAYED_POLICY = replace(development_policy(), allows=lambda ip: ip == ip_address(OUTSIDE))


@asynccontextmanager
async def both_sides() -> AsyncIterator[tuple[HostileServer, HostileServer]]:
    """Listen on the same port outside and inside."""
    async with AsyncExitStack() as stack:
        yield await listening_on_one_port(stack)


async def listening_on_one_port(stack: AsyncExitStack) -> tuple[HostileServer, HostileServer]:
    """Return servers outside and inside; where the port is taken outside, on the next free one.

    A failed attempt keeps its port until the end, so that it is not offered again.
    """
    inside = await stack.enter_async_context(HostileServer(host=INSIDE))
    try:
        other = HostileServer(host=OUTSIDE, port=inside.port)
        return await stack.enter_async_context(other), inside
    except OSError as error:
        if error.errno != EADDRINUSE:
            raise
    return await listening_on_one_port(stack)


async def fetch_after_a_check(resolver: FlippingResolver, port: int) -> bytes:
    """Do what is often done: look the name up and judge it, then let a client look it up again."""
    for address in await resolver.resolve("app.example", port):
        assert PLAYED_POLICY.allows(address)
    (address, *_) = await resolver.resolve("app.example", port)
    reader, writer = await asyncio.open_connection(str(address), port)
    writer.write(b"GET /document HTTP/1.1\r\nHost: app.example\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.spec("E-130")
async def test_rebinding_defeats_a_check_before_the_fetch():
    """The trick works against the usual code: without this, the next test would prove nothing."""
    resolver = FlippingResolver({"app.example": [[OUTSIDE], [INSIDE]]})

    async with both_sides() as (outside, inside):
        await fetch_after_a_check(resolver, outside.port)

        assert (0, 1) == (outside.accepted, inside.accepted)


@pytest.mark.spec("E-130")
async def test_rebinding_does_not_move_the_fetcher(make_fetcher):
    """The address that was judged is the address that is connected to."""
    resolver = FlippingResolver({"app.example": [[OUTSIDE], [INSIDE]]})
    fetcher = make_fetcher(policy=PLAYED_POLICY, resolver=resolver)

    async with both_sides() as (outside, inside):
        url = outside.url("/document", host="app.example")
        with watched_connections() as seen:
            fetched = await fetcher.fetch(url, purpose=JWKS_URI)
            refused = await refusal_of(fetcher.fetch(url, purpose=JWKS_URI))

        assert (1, 0) == (outside.accepted, inside.accepted)
    assert DOCUMENT == fetched.body
    assert Refusal.ADDRESS == refused.refusal
    assert [OUTSIDE] == seen
    assert ["app.example", "app.example"] == resolver.asked


@pytest.mark.spec("E-130")
async def test_a_redirect_does_not_move_the_fetcher(make_fetcher):
    """The other way to be led on after the check (CVE-2026-4366)."""
    fetcher = make_fetcher(policy=PLAYED_POLICY)

    async with both_sides() as (outside, inside):
        inside_url = inside.url("/document")
        outside.publish("/moved", b"{}", status="302 Found", headers=[("Location", inside_url)])
        refused = await refusal_of(fetcher.fetch(outside.url("/moved"), purpose=JWKS_URI))

        assert (1, 0) == (outside.accepted, inside.accepted)
    assert Refusal.STATUS == refused.refusal


# --- Pinning, seen at the connection -------------------------------------------------------------


class FakeStream(httpcore2.AsyncMockStream):
    """A connection that says it reaches *peer*."""

    def __init__(self, peer: str, answer: list[bytes]) -> None:
        super().__init__(answer)
        self.peer = peer
        self.closed = False
        self.written = b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the signature is httpcore2's
        del timeout
        self.written += buffer

    async def aclose(self) -> None:
        self.closed = True

    def get_extra_info(self, info: str) -> object:
        return (self.peer, 443) if info == "server_addr" else None

    async def start_tls(self, *_: object) -> httpcore2.AsyncNetworkStream:
        return self


@dataclass
class FakeNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to nothing: *dead* addresses fail, the others lead to *peer* or to themselves."""

    dead: tuple[str, ...] = ()
    peer: str | None = None
    connected: list[tuple[str, int]] = field(default_factory=list)
    streams: list[FakeStream] = field(default_factory=list)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore2's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.connected.append((host, port))
        if host in self.dead:
            raise httpcore2.ConnectError("dead")
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
        self.streams.append(FakeStream(self.peer or host, [head, b"{}"]))
        return self.streams[-1]


def names(*addresses: str) -> FlippingResolver:
    """Return a resolver that knows app.example by *addresses*."""
    return FlippingResolver({"app.example": [list(addresses)]})


@pytest.mark.spec("E-130")
async def test_the_judged_literal_is_connected_to(make_fetcher):
    """Handing the name down would have it looked up again."""
    network = FakeNetwork()
    fetcher = make_fetcher(policy=public_policy(), resolver=names("8.8.8.8"), backend=network)

    await fetcher.fetch("https://app.example/keys", purpose=JWKS_URI)

    assert [("8.8.8.8", 443)] == network.connected


async def test_the_next_address_is_tried_when_one_is_dead(make_fetcher):
    """A host with a broken IPv6 address can still be fetched from."""
    network = FakeNetwork(dead=("2606:4700::1",))
    resolver = names("2606:4700::1", "8.8.8.8")
    fetcher = make_fetcher(policy=public_policy(), resolver=resolver, backend=network)

    fetched = await fetcher.fetch("https://app.example/keys", purpose=JWKS_URI)

    assert b"{}" == fetched.body
    assert ["2606:4700::1", "8.8.8.8"] == [host for host, _ in network.connected]


async def test_a_host_is_tried_at_three_addresses_at_most(make_fetcher):
    """One request of a stranger must not become a scan of their list."""
    addresses = tuple(f"8.8.8.{last}" for last in range(1, 20))
    network = FakeNetwork(dead=addresses)
    fetcher = make_fetcher(policy=public_policy(), resolver=names(*addresses), backend=network)

    refused = await refusal_of(fetcher.fetch("https://app.example/", purpose=JWKS_URI))

    assert Refusal.CONNECTION == refused.refusal
    assert 3 == len(network.connected)


@pytest.mark.parametrize("peer", ["127.0.0.1", "8.8.4.4"], ids=["inside", "another"])
@pytest.mark.spec("E-130")
async def test_a_connection_that_reached_another_peer_is_dropped(peer, make_fetcher):
    """Whatever translates addresses below us does not get to choose."""
    network = FakeNetwork(peer=peer)
    fetcher = make_fetcher(policy=public_policy(), resolver=names("8.8.8.8"), backend=network)

    refused = await refusal_of(fetcher.fetch("https://app.example/", purpose=JWKS_URI))

    assert Refusal.ADDRESS == refused.refusal
    assert [True] == [stream.closed for stream in network.streams]


async def test_ipv6_loopback_serves_development(make_fetcher):
    """Tools of developers listen on either loopback address."""
    network = FakeNetwork()

    await make_fetcher(backend=network).fetch("http://[::1]:8400/document", purpose=JWKS_URI)

    assert [("::1", 8400)] == network.connected
    assert [True] == [b"\r\nHost: [::1]:8400\r\n" in one.written for one in network.streams]
