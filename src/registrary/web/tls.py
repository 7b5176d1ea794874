"""TLS that asks callers for a certificate and judges none: who needs one, judges it.

Python's ``ssl`` ends the handshake of a caller whose certificate it cannot trace to somebody it
trusts, so it cannot serve clients with certificates of their own making (RFC 8705 §2.2). Here
the handshake is pyOpenSSL's; for the rest of the server it looks like one of ``ssl``.
"""

import ssl
from collections.abc import Callable
from typing import Final, Self, TypeVar, cast

from OpenSSL import SSL, crypto

T = TypeVar("T")

# RFC 9325 §4.2, for TLS 1.2; those of 1.3 are all good.
_CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"


class AskingContext(ssl.SSLContext):
    """A context for servers that ask every caller for a certificate and take any, or none.

    TLS has proved that the caller holds the certificate's key, and nothing else of it. Sessions
    are not resumed: each connection proves anew. Raises ValueError for files it cannot use.
    """

    _inner: SSL.Context

    def __new__(cls, certificate: str, private_key: str) -> Self:
        """Return a context that presents the chain in *certificate*, both PEM files."""
        made = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        inner = SSL.Context(SSL.TLS_SERVER_METHOD)
        inner.set_min_proto_version(SSL.TLS1_2_VERSION)
        inner.set_cipher_list(_CIPHERS)
        inner.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET)
        inner.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        try:
            inner.use_certificate_chain_file(certificate)
            inner.use_privatekey_file(private_key)
            inner.check_privatekey()
        except SSL.Error as error:
            raise ValueError(_reason_of(error)) from error
        inner.set_verify(SSL.VERIFY_PEER, _take_any)
        made._inner = inner
        return made

    # The signature is that of ``ssl``, whose callers know nothing of ours.
    def wrap_bio(  # noqa: PLR0917 - see above
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - see above
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Return the server's end of a connection whose bytes go through the two buffers."""
        del server_side, server_hostname, session
        connection = SSL.Connection(self._inner)
        connection.set_accept_state()
        # Event loops use of an SSLObject what is below, and look at no type.
        return cast("ssl.SSLObject", _Ending(connection, incoming, outgoing))


def _take_any(*judged: object) -> bool:
    """Go on with the handshake, whatever OpenSSL thinks of the certificate."""
    del judged
    return True


class _Ending:
    """The server's end of one connection: what event loops use of an `ssl.SSLObject`."""

    def __init__(
        self, connection: SSL.Connection, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self._connection = connection
        self._incoming = incoming
        self._outgoing = outgoing
        self._is_read_out = True  # as far as it is known

    def do_handshake(self) -> None:
        """Go on with the handshake."""
        self._do(self._connection.do_handshake)

    def read(self, limit_bytes: int, buffer: bytearray | None = None) -> bytes | int:
        """Return what has been deciphered, or its length where it went into *buffer*."""
        connection = self._connection
        try:
            if buffer is None:
                return self._do(lambda: connection.recv(limit_bytes))
            return self._do(lambda: connection.recv_into(buffer, limit_bytes))
        except ssl.SSLZeroReturnError:
            return b"" if buffer is None else 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Encipher *data*; return how much of it was taken."""
        return self._do(lambda: self._connection.send(bytes(data)))

    def pending(self) -> int:
        """Return how many bytes can be read; 1 where nobody has looked since some arrived.

        uvloop reads on while this, or what has not come here yet, is more than nothing.
        """
        return self._connection.pending() or int(not self._is_read_out)

    def unwrap(self) -> None:
        """Say that nothing more comes, and wait for the caller to say so."""
        if not self._do(self._connection.shutdown):
            self._do(self._connection.shutdown)

    def getpeercert(self, *, binary_form: bool = False) -> dict[str, object] | bytes | None:
        """Return the DER of the caller's certificate, None where it sent none.

        The other form is what ``ssl`` says of a certificate it did not verify: nothing.
        """
        certificate = self._connection.get_peer_certificate()
        if certificate is None:
            return None
        return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate) if binary_form else {}

    def cipher(self) -> tuple[str, str, int] | None:
        """Return the cipher, its protocol and the bits of its key."""
        connection = self._connection
        name, version = connection.get_cipher_name(), connection.get_cipher_version()
        return (name or "", version or "", connection.get_cipher_bits() or 0)

    def compression(self) -> str | None:
        """Return None: nothing is compressed (RFC 9325 §3.3)."""
        return None

    def _do(self, step: Callable[[], T]) -> T:
        """Take *step* with what has arrived, and pass on what it wants sent."""
        arrived = self._incoming.read()
        if arrived:
            self._is_read_out = False
            self._connection.bio_write(arrived)
        try:
            return step()
        except SSL.WantReadError:
            self._is_read_out = True
            raise ssl.SSLWantReadError from None
        except SSL.ZeroReturnError:
            raise ssl.SSLZeroReturnError from None
        except SSL.SysCallError as error:
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the caller is gone") from error
        except SSL.Error as error:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, f"[SSL] {_reason_of(error)}") from error
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while True:
            try:
                self._outgoing.write(self._connection.bio_read(_PIECE))
            except SSL.WantReadError:
                return


_PIECE: Final = 32 * 1024  # bytes; a record has half as many


def _reason_of(error: SSL.Error) -> str:
    reasons = error.args[0] if error.args else ()
    return "; ".join(str(entry[-1]) for entry in reasons) or "the handshake failed"
