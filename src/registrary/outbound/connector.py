"""Connections that reach the addresses that were judged, and carry no more than they should."""

import ssl
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any, Final

from httpcore2 import (
    SOCKET_OPTION,
    AnyIOBackend,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
)

from registrary.core.addresses import Address
from registrary.ports.fetcher import FetchRefused, Refusal

_ATTEMPTS: Final = 3  # addresses of one host that are tried
_ATTEMPT_SECONDS: Final = 2.0  # for one of them, so that a dead first address leaves time


class PinnedBackend(AsyncNetworkBackend):
    """Connects to *addresses* instead of resolving the host again.

    Between a check and a second look-up the answer may change (DNS rebinding), so there is no
    second look-up. Certificate and SNI still go by the host's name, which the caller keeps.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        *,
        allows: Callable[[Address], bool],
        limit_bytes: int,
        backend: AsyncNetworkBackend | None = None,
    ) -> None:
        self._addresses = addresses[:_ATTEMPTS]
        self._allows = allows
        self._limit_bytes = limit_bytes
        self._backend = AnyIOBackend() if backend is None else backend
        self._opened: list[AsyncNetworkStream] = []

    async def connect_tcp(  # noqa: PLR0917 - the signature is httpcore2's
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore2's
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to the first address that answers."""
        last_error: Exception = ConnectError("no address")
        for address in self._addresses:
            try:
                stream = await self._backend.connect_tcp(str(address), port, _ATTEMPT_SECONDS)
            except (ConnectError, ConnectTimeout) as error:
                last_error = error
                continue
            self._opened.append(stream)
            await self._check_peer(stream, address)
            return MeteredStream(stream, self._limit_bytes)
        raise last_error

    async def aclose(self) -> None:
        """Close what was opened.

        The connection above closes what it knows of; a handshake cut short by the deadline left
        its socket to nobody.
        """
        for stream in self._opened:
            await stream.aclose()

    async def _check_peer(self, stream: AsyncNetworkStream, address: Address) -> None:
        peer = ip_address(stream.get_extra_info("server_addr")[0])
        if peer != address or not self._allows(peer):
            raise FetchRefused(Refusal.ADDRESS, f"connected to {peer} instead of {address}")


class MeteredStream(AsyncNetworkStream):
    """A stream that refuses to read more than *limit_bytes* in all.

    The limit of the body does not see what is not body: endless interim responses, headers,
    chunk extensions, trailers.
    """

    def __init__(self, stream: AsyncNetworkStream, limit_bytes: int) -> None:
        self._stream = stream
        self._left = limit_bytes

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore2's
    ) -> bytes:
        """Read as the stream below does; raise FetchRefused once the limit is passed."""
        chunk = await self._stream.read(max_bytes, timeout)
        self._left -= len(chunk)
        if self._left < 0:
            raise FetchRefused(Refusal.SIZE, "more bytes on the wire than the document may need")
        return chunk

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore2's
    ) -> None:
        """Write as the stream below does."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore2's
    ) -> AsyncNetworkStream:
        """Return the encrypted stream, metered in its turn."""
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return MeteredStream(stream, self._left)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the signature is httpcore2's
        """Answer as the stream below does."""
        return self._stream.get_extra_info(info)
