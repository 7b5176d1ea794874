"""The TLS that asks for certificates, on either event loop; with callers' own in tests/protocol."""

import asyncio
import ssl

import pytest

from registrary.testing.client_certificates import self_signed
from registrary.testing.hostile.certificates import CertificateAuthority
from registrary.web.tls import AskingContext

pytestmark = pytest.mark.anyio

HELD = self_signed()
LONG = bytes(range(256)) * 4096  # a megabyte: many records, and more than a socket holds


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request):
    """Run on the loop of the server, and on the one that systems without it have."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
def contexts(tmp_path):
    """Return the server's context, and one of a caller who holds a certificate."""
    authority = CertificateAuthority()
    certificate, key = authority.write_server(tmp_path, "localhost")
    caller = ssl.create_default_context(cadata=authority.pem.decode())
    caller.load_cert_chain(*HELD.write(tmp_path))
    return AskingContext(str(certificate), str(key)), caller


async def met(contexts, answer):
    """Let a caller meet a server that does *answer*; return the caller's reader and writer."""
    server_context, caller_context = contexts
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_context)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(20):
        return server, await asyncio.open_connection(
            "127.0.0.1", port, ssl=caller_context, server_hostname="localhost"
        )


async def test_bytes_come_whole_both_ways_and_so_does_the_end(contexts):
    """Both loops go through the same few methods, each in its own way."""
    seen, is_over = list[object](), asyncio.Event()

    async def echo(reader, writer):
        tls = writer.get_extra_info("ssl_object")
        seen.extend((tls.getpeercert(binary_form=True), tls.cipher()[1], tls.compression()))
        writer.write(await reader.readexactly(len(LONG)))
        await writer.drain()
        seen.append(await reader.read())
        writer.close()
        is_over.set()

    server, (reader, writer) = await met(contexts, echo)
    async with server, asyncio.timeout(20):
        writer.write(LONG)
        echoed = await reader.readexactly(len(LONG))
        writer.close()
        await is_over.wait()

    assert echoed == LONG
    assert [HELD.der, "TLSv1.3", None, b""] == seen


async def test_a_caller_without_tls_is_turned_away(contexts):
    """What is no handshake ends the connection, and nothing else."""
    met_by = []

    async def note(reader, writer):
        met_by.append((reader, writer))

    server = await asyncio.start_server(note, "127.0.0.1", 0, ssl=contexts[0])
    async with server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        rest = await reader.read()
        writer.close()

    assert [] == met_by
    assert b"HTTP" not in rest


def test_files_that_cannot_be_used_are_refused(tmp_path):
    """A key that is not the certificate's would fail every handshake."""
    authority = CertificateAuthority()
    certificate, _ = authority.write_server(tmp_path, "localhost")
    _, other_key = HELD.write(tmp_path)

    with pytest.raises(ValueError, match="key values mismatch"):
        AskingContext(str(certificate), str(other_key))
