"""The servers that misbehave do so as their tables say."""

import asyncio
import gzip
import ssl
from ipaddress import ip_address

import pytest

from registrary.ports.fetcher import FetchRefused, Refusal
from registrary.testing.hostile import (
    DOCUMENT,
    MISBEHAVIOURS,
    ODDITIES,
    CertificateAuthority,
    FlippingResolver,
    HostileServer,
    watched_connections,
)

pytestmark = pytest.mark.anyio


async def ask(server: HostileServer, path: str, **connection) -> bytes:
    """Return all that *server* sends for *path*, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, **connection)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: app.example\r\nX-Note: a: b\r\n\r\n".encode())
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_every_path_is_one_behaviour():
    """Two rows under one path would hide one of them from every test that loops over the table."""
    paths = [behaviour.path for behaviour in (*MISBEHAVIOURS, *ODDITIES)]

    assert sorted(set(paths)) == sorted(paths)


@pytest.mark.parametrize("behaviour", ODDITIES, ids=lambda behaviour: behaviour.path)
async def test_an_oddity_carries_the_document(behaviour):
    """A fetcher that fails on these fails on the unusual, not on the wrong."""
    async with HostileServer() as server:
        answer = await ask(server, behaviour.path)

    assert answer.startswith(b"HTTP/1.1 ")
    assert DOCUMENT[-9:] in answer


async def test_what_was_asked_is_kept():
    """Tests look at what a fetcher sent."""
    async with HostileServer() as server:
        await ask(server, "/document?a=b")
        await ask(server, "/document")

        assert (2, 2) == (server.accepted, server.count("/document"))
    request = server.requests[0]
    assert ("GET", "/document?a=b") == (request.method, request.target)
    assert ["app.example", "a: b", None] == [
        request.header(name) for name in ("host", "x-note", "accept")
    ]


async def test_a_connection_that_says_nothing_is_counted():
    """That nobody even connected is the strongest thing a test can see."""
    async with HostileServer() as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.sleep(0.05)
        writer.close()
        await writer.wait_closed()

        assert (1, []) == (server.accepted, server.requests)


async def test_an_unknown_path_is_not_found():
    """A mistyped path in a test must not pass for a misbehaviour."""
    async with HostileServer() as server:
        assert (await ask(server, "/mistyped")).startswith(b"HTTP/1.1 404 ")


async def test_a_published_document_is_served_until_it_is_replaced():
    """Key rotation is a document that changes."""
    async with HostileServer() as server:
        server.publish("/keys", b"one", headers=[("ETag", '"1"')])
        first = await ask(server, "/keys")
        server.publish("/keys", b"two", media_type="text/plain", status="410 Gone")
        second = await ask(server, "/keys")

    head, _, body = first.partition(b"\r\n\r\n")
    assert (b"one", True) == (body, b'ETag: "1"' in head)
    assert second.startswith(b"HTTP/1.1 410 Gone\r\nContent-Type: text/plain\r\n")


async def test_a_reset_is_a_reset():
    """Closing in good order would test something else."""
    async with HostileServer() as server:
        with pytest.raises(ConnectionResetError):
            await ask(server, "/reset")


async def test_a_bomb_is_small_until_it_goes_off():
    """The limit on the wire must not be what stops it."""
    async with HostileServer() as server:
        packed = (await ask(server, "/gzip-bomb")).partition(b"\r\n\r\n")[2]

    assert len(packed) < 200_000
    assert 32 * 1024 * 1024 == len(gzip.decompress(packed))


@pytest.mark.parametrize("path", ["/silent", "/stall", "/endless-body", "/drip-headers"])
async def test_stopping_ends_what_never_ends(path):
    """A test that is done does not wait for its servers."""
    async with asyncio.timeout(5):
        async with HostileServer() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
            await asyncio.sleep(0.05)
        rest = asyncio.create_task(reader.read())
        await asyncio.gather(rest, return_exceptions=True)
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)

    assert rest.done()


async def test_addresses_are_written_as_urls():
    """Tests name hosts, not ports."""
    async with HostileServer() as server:
        port = server.port

        assert f"http://127.0.0.1:{port}/a" == server.url("/a")
        assert f"https://app.example:{port}/a" == server.url(
            "/a", host="app.example", scheme="https"
        )
        assert f"http://[::1]:{port}/" == server.url("/", host="::1")


async def test_a_server_that_does_not_run_has_no_port():
    """A forgotten ``async with`` is told at once."""
    with pytest.raises(RuntimeError, match="not running"):
        HostileServer().url("/")


# --- Certificates -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    """Return an authority that clients below trust."""
    return CertificateAuthority()


def trusting(authority: CertificateAuthority) -> ssl.SSLContext:
    """Return the usual context of a client, with *authority* and no other."""
    return ssl.create_default_context(cadata=authority.pem.decode())


@pytest.mark.parametrize("name", ["app.example", "127.0.0.1"])
async def test_a_certificate_is_good_for_its_names(name, authority):
    """Strict clients, of any Python, find nothing wrong with it."""
    async with HostileServer(tls=authority.server_context("app.example", "127.0.0.1")) as server:
        answer = await ask(server, "/document", ssl=trusting(authority), server_hostname=name)

        assert server.url("/").startswith("https://")
    assert answer.endswith(DOCUMENT)


@pytest.mark.parametrize(
    ("context_name", "server_name", "reason"),
    [
        ("expired_server_context", "app.example", "expired"),
        ("server_context", "other.example", "match"),
    ],
)
async def test_a_bad_certificate_is_bad_for_its_one_reason(
    context_name, server_name, reason, authority
):
    """Else the test would pass for another cause than it names."""
    context = getattr(authority, context_name)("app.example")

    async with HostileServer(tls=context) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match=reason):
            await ask(server, "/document", ssl=trusting(authority), server_hostname=server_name)

        assert (1, []) == (server.accepted, server.requests)


async def test_an_endless_answer_ends_with_its_client(authority):
    """Over TLS a lost connection shows late; the server once filled memory and stopped the loop."""
    async with HostileServer(tls=authority.server_context("app.example")) as server:
        for _ in range(20):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", server.port, ssl=trusting(authority), server_hostname="app.example"
            )
            writer.write(b"GET /endless-interim HTTP/1.1\r\n\r\n")
            await reader.readexactly(100_000)
            writer.transport.abort()

        assert 20 == server.accepted


# --- Names and connections ----------------------------------------------------------------------


async def test_names_flip_from_one_look_up_to_the_next():
    """DNS rebinding is exactly this."""
    resolver = FlippingResolver({"app.example": [["8.8.8.8"], ["127.0.0.1", "::1"]]})

    answers = [await resolver.resolve("app.example", 443) for _ in range(3)]

    inside = [ip_address("127.0.0.1"), ip_address("::1")]
    assert [[ip_address("8.8.8.8")], inside, inside] == answers
    assert ["app.example"] * 3 == resolver.asked


@pytest.mark.parametrize("answers", [{}, {"app.example": []}], ids=["unknown", "no-answers"])
async def test_a_name_outside_the_script_has_no_address(answers):
    """Tests never ask a real name server by mistake."""
    with pytest.raises(FetchRefused) as caught:
        await FlippingResolver(answers).resolve("app.example", 443)

    assert Refusal.UNRESOLVED == caught.value.refusal


async def test_attempts_to_connect_are_seen():
    """An attempt that failed is as telling as one that did not."""
    with watched_connections() as outer:
        async with HostileServer() as server:
            await ask(server, "/document")
            port = server.port
        with watched_connections() as inner, pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection("127.0.0.1", port)
    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncio.open_connection("127.0.0.1", port)

    assert (["127.0.0.1"] * 2, ["127.0.0.1"]) == (outer, inner)
