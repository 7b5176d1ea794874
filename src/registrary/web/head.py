"""Judging the head of a request: the framing, the target and the host it names.

The parser (llhttp, strict) has already refused bare line feeds, folded headers, space before a
colon, control characters, repeated or malformed Content-Length, and Content-Length beside
Transfer-Encoding. What it lets through and an origin server must not is refused here.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

Headers = tuple[tuple[bytes, bytes], ...]
"""Header lines in order of arrival, names in lower case."""


class Refused(Exception):
    """A request that is not answered; the text says which rule it breaks, never what was sent."""

    def __init__(self, status: int, description: str, *, code: str = "invalid_request") -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.code = code


class Head(NamedTuple):
    """The head of a request that may be read on.

    *path* is still percent-encoded. *host* is lower-case, with the port if one was sent.
    *content_length* is None for a chunked body and 0 where there is none. *fields* holds the last
    line of each header.
    """

    method: str
    path: str
    query: str
    host: str
    headers: Headers
    fields: Mapping[bytes, bytes]
    content_length: int | None
    expects_continue: bool


_VERSIONS: Final = frozenset({"1.1", "1.0"})
_SINGLE: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})
_DIGITS: Final = re.compile(rb"[0-9]{1,18}")
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#@]+)([/?].*)?", re.IGNORECASE)

# What nearly every path looks like: no escapes, no dot segments.
_PLAIN_PATH: Final = re.compile(rb"(?:/[A-Za-z0-9_~-][A-Za-z0-9_~.-]*)+")
_SEGMENT: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*")
_HIDDEN: Final = re.compile(rb"[\x00-\x1f\x7f\\]")
_DOTS: Final = frozenset({b".", b".."})


def judge_head(method: str, target: bytes, *, version: str, headers: Headers) -> Head:
    """Return what *headers* and request line say, or raise `Refused`."""
    if version not in _VERSIONS:
        raise Refused(505, "HTTP/1.1 is spoken here")
    if method == "CONNECT":
        raise Refused(501, "nothing is tunnelled here")
    fields = dict(headers)
    if len(fields) != len(headers):
        _check_repeated(headers)
    host = fields.get(b"host", b"")
    if _HOST.fullmatch(host) is None:
        # RFC 9112 §3.2. Demanded of HTTP/1.0 too: without it nobody can tell issuers apart.
        raise Refused(400, "a request has exactly one Host header")
    if not target.startswith(b"/"):
        target = _path_of_absolute(target, host)
    path, _, query = target.partition(b"?")
    if _PLAIN_PATH.fullmatch(path) is None:
        _check_path(path)
    if b"#" in query or not query.isascii():
        raise Refused(400, "the request target is malformed")
    return Head(
        method,
        path.decode("ascii"),
        query.decode("ascii"),
        host.decode("ascii").lower(),
        headers,
        fields,
        _content_length(fields, version=version),
        b"expect" in fields and _expects_continue(fields[b"expect"], version=version),
    )


def _check_repeated(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse a second line of a header that decides where a message ends or who answers it."""
    seen = set()
    for name, _ in headers:
        if name in _SINGLE and name in seen:
            raise Refused(400, f"a request has exactly one {name.decode().title()} header")
        seen.add(name)


def _path_of_absolute(target: bytes, host: bytes) -> bytes:
    """Return path and query of a target in absolute form (RFC 9112 §3.2.2).

    Its authority would override the Host header; where the two differ, somebody in between has
    judged another request than ours, so that is refused.
    """
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        # Authority form (CONNECT), asterisk form, other schemes, userinfo.
        raise Refused(400, "the request target must be a path")
    if match[1].lower() != host.lower():
        raise Refused(400, "the request target and the Host header differ")
    rest = match[2] or b"/"
    return rest if rest.startswith(b"/") else b"/" + rest


def _check_path(path: bytes) -> None:
    """Refuse what a proxy in front may have read as another path.

    An encoded slash may stand inside a segment (a client id can be a URL): it never separates,
    and so never reaches another route.
    """
    for segment in path[1:].split(b"/"):
        if _SEGMENT.fullmatch(segment) is None:
            raise Refused(400, "the path is malformed")
        octets = unquote_to_bytes(segment)
        if _HIDDEN.search(octets) is not None:
            raise Refused(400, "the path must not hide control characters or backslashes")
        # ``..;x`` is a dot segment to some servers.
        if any(part.partition(b";")[0] in _DOTS for part in octets.split(b"/")):
            raise Refused(400, "the path must not contain dot segments")


def _content_length(fields: Mapping[bytes, bytes], *, version: str) -> int | None:
    """Return the length of the body, None for a chunked one (RFC 9112 §6)."""
    coding = fields.get(b"transfer-encoding")
    length = fields.get(b"content-length")
    if coding is not None:
        # §6.1: faulty framing in HTTP/1.0; two lengths are how requests are smuggled.
        if version == "1.0" or length is not None:
            raise Refused(400, "Transfer-Encoding is not allowed here")
        if coding.lower() != b"chunked":
            raise Refused(400, "the only transfer coding is chunked")
        return None
    if length is None:
        return 0
    if _DIGITS.fullmatch(length) is None:
        raise Refused(400, "Content-Length must be a number")
    return int(length)


def _expects_continue(expectation: bytes, *, version: str) -> bool:
    """Tell whether the caller waits for ``100 Continue`` (RFC 9110 §10.1.1)."""
    if version == "1.0":
        return False  # §10.1.1 ignored from HTTP/1.0
    if expectation.lower() != b"100-continue":
        raise Refused(417, "the only expectation is 100-continue")
    return True
