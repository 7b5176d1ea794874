"""Requests and responses as values, independent of any server or framework."""

from collections.abc import Callable, Mapping

import msgspec

NO_STORE: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
)
"""Headers of every answer that may carry a credential (RFC 6749 §5.1, RFC 7591 §3.2.1)."""

CACHED: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"public, max-age=300"),
    (b"vary", b"host, forwarded, x-forwarded-host, x-forwarded-proto"),
)
"""Headers of what is the same for everybody at one issuer, and of what chooses the issuer.

A cache in front has one address for several issuers, unless it is told what tells them apart.
"""

JSON = (b"content-type", b"application/json")


# Structs, not dataclasses: one of each is made per request, and a frozen dataclass costs ten times
# as much to make.


class HttpRequest(msgspec.Struct, frozen=True):
    """One request, its body read in full and within the route's limit.

    *path* is relative to the issuer and still percent-encoded. Header names are lower-case.
    *peer* is the address the caller speaks from, after trusted proxies were unwrapped.
    *client_certificate* is the DER certificate the caller proved in TLS.
    """

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    peer: str = ""
    request_id: str = ""
    client_certificate: bytes | None = None

    def header_values(self, name: bytes) -> list[str]:
        """Return every value of the header *name* (lower-case), in order of arrival."""
        return [value.decode("latin-1") for key, value in self.headers if key == name]

    def header(self, name: bytes) -> str | None:
        """Return the first value of the header *name* (lower-case), or None."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None


class HttpResponse(msgspec.Struct, frozen=True):
    """One answer: status, lower-case headers, body; ``content-length`` is added on the wire."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    def with_headers(self, *more: tuple[bytes, bytes]) -> "HttpResponse":
        """Return the same answer with *more* headers behind its own."""
        return HttpResponse(self.status, self.headers + more, self.body)


class Page(msgspec.Struct, frozen=True):
    """A page for people: the name of its template and the values it shows."""

    name: str
    status: int = 200
    values: Mapping[str, object] = {}
    headers: tuple[tuple[bytes, bytes], ...] = ()


PageRenderer = Callable[[Page], HttpResponse]
"""Turns a page into bytes; supplied by ``web``."""
