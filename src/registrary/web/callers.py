"""Who is calling: the peer of the connection, or whom a trusted proxy speaks for."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from itertools import islice
from typing import Final, NamedTuple

from registrary.core.addresses import Address, Networks
from registrary.web.client_certificates import CertificateHeader, certificate_in
from registrary.web.head import Head

HOPS_LIMIT: Final = 32  # senders that are looked at; what is left of them nobody reads
_MEMBER_LIMIT: Final = 1024  # bytes of one member of a list; a longer one says nothing
_SENDER_LIMIT: Final = 64  # characters of a sender: an address, brackets, a port, a zone
_CACHED: Final = 2048  # senders whose reading is remembered, none longer than the limit
_NOBODY: Final = ("", False)
_FORWARDING: Final = frozenset({b"forwarded", b"x-forwarded-for", b"via"})  # a proxy writes one
_HOST: Final = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_BRACKETED: Final = re.compile(r"\[([^\]]*)\](?::[0-9]+)?")


class ForwardingHeaders(StrEnum):
    """Which headers the trusted proxies write.

    The other kind is never read: proxies pass on what they do not know, so it is the caller's own.
    """

    X_FORWARDED = "x-forwarded"  # X-Forwarded-For, -Proto, -Host
    FORWARDED = "forwarded"  # RFC 7239


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The networks whose forwarding headers are believed, and which headers those are.

    *certificate* is the header they put the client's certificate in, None where they put none.
    """

    networks: Networks
    headers: ForwardingHeaders = ForwardingHeaders.X_FORWARDED
    certificate: CertificateHeader | None = None


NO_PROXIES: Final = TrustedProxies(Networks())


class Caller(NamedTuple):
    """Where a request comes from, as far as it can be known.

    *address* is canonical (an IPv4-mapped address as IPv4), or empty on a Unix socket. *host* is
    lower-case, without the default port of *scheme*.
    """

    address: str
    scheme: str
    host: str


class _Hop(NamedTuple):
    """One step of a request: who handed it to a proxy, and how. Empty where the proxy is silent."""

    sender: str = ""
    scheme: str = ""
    host: str = ""


class Callers:
    """Tells callers apart, walking from the connection back through trusted proxies.

    The caller is the last sender that is not itself a trusted proxy: every earlier step was
    written by somebody nobody vouches for. Where a trusted proxy names no usable address (RFC
    7239 §6 ``unknown``, an obfuscated one), the proxy itself is the caller.
    """

    def __init__(self, proxies: TrustedProxies) -> None:
        self._networks = proxies.networks
        self._certificate = proxies.certificate
        read = _x_forwarded if proxies.headers is ForwardingHeaders.X_FORWARDED else _forwarded
        self._hops = read
        self._judge = lru_cache(_CACHED)(self._judged)

    def trusts(self, peer: str) -> bool:
        """Tell whether the forwarding headers of a connection from *peer* are believed."""
        address = _parse_sender(peer)
        return address is not None and self._networks.contains(address)

    def caller(self, head: Head, *, peer: str, scheme: str) -> Caller:
        """Return who sent *head* over a connection from *peer*, which must be trusted."""
        hop = self._walk(islice(self._hops(head), HOPS_LIMIT))
        scheme = hop.scheme or scheme
        host = without_default_port(hop.host or head.host, scheme)
        return Caller(hop.sender or peer, scheme, host)

    def certificate(self, head: Head, own: bytes | None) -> bytes | None:
        """Return the certificate of who sent *head* by a trusted proxy, None without one.

        *own* is what the proxy itself proved in TLS. That is the caller's only where nothing was
        forwarded: else every caller of that proxy would be whom its certificate names.
        """
        if self._certificate is not None:
            return certificate_in(self._certificate, head)
        return None if not _FORWARDING.isdisjoint(head.fields) else own

    def _walk(self, hops: Iterable[_Hop]) -> _Hop:
        """Return the hop of the caller among *hops*, which begin at the nearest proxy.

        Its sender is empty when the caller is the peer itself.
        """
        found: _Hop | None = None
        for sender, scheme, host in hops:
            address, is_trusted = self._judge(sender) if len(sender) <= _SENDER_LIMIT else _NOBODY
            if not address:
                return found or _Hop("", scheme, host)
            found = _Hop(address, scheme, host)
            if not is_trusted:
                break
        return found or _Hop()

    def _judged(self, sender: str) -> tuple[str, bool]:
        """Return the one spelling of *sender*, empty for no address, and whether it is trusted."""
        address = _parse_sender(sender)
        return _NOBODY if address is None else (str(address), self._networks.contains(address))


def without_default_port(host: str, scheme: str) -> str:
    """Return *host* without the port that *scheme* has anyway (RFC 9110 §4.2.3)."""
    return host.removesuffix(":443" if scheme == "https" else ":80")


def canonical_peer(peer: str) -> str:
    """Return the address of a connection in its one spelling; other text as it is."""
    address = _parse_sender(peer)
    return peer if address is None else str(address)


def _parse_sender(text: str) -> Address | None:
    """Read an address as proxies write it: bare, in brackets, or with a port."""
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed is not None:
        text = bracketed[1]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _x_forwarded(head: Head) -> Iterator[_Hop]:
    """Read X-Forwarded-*; -Proto and -Host name no hop, so the nearest proxy's word counts."""
    fields = head.fields
    scheme = _scheme(_last(fields, b"x-forwarded-proto"))
    host = _host(_last(fields, b"x-forwarded-host"))
    if b"x-forwarded-for" not in fields:
        yield _Hop("", scheme, host)
        return
    for sender in _from_the_end(head, b"x-forwarded-for"):
        yield _Hop(sender, scheme, host)


def _forwarded(head: Head) -> Iterator[_Hop]:
    """Read Forwarded (RFC 7239 §4).

    Elements are split at every comma, in quotes too: no address, scheme or host holds one, and a
    quote that a caller opens must not swallow what a proxy appended.
    """
    return map(_hop_of_element, _from_the_end(head, b"forwarded"))


def _hop_of_element(element: str) -> _Hop:
    pairs = (pair.partition("=") for pair in element.split(";"))
    parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    return _Hop(
        parameters.get("for", ""),
        _scheme(parameters.get("proto", "").lower()),
        _host(parameters.get("host", "").lower()),
    )


def _from_the_end(head: Head, name: bytes) -> Iterator[str]:
    """Return the members of a list, the last one first, as far as they are asked for.

    The list may stand on several lines (RFC 9110 §5.3). All but its end is a stranger's, so it
    is never taken apart as a whole.
    """
    for key, value in reversed(head.headers):
        end = len(value) if key == name else -1
        while end >= 0:
            start = value.rfind(b",", 0, end)
            member = value[start + 1 : end].strip()
            yield member.decode("latin-1") if len(member) <= _MEMBER_LIMIT else ""
            end = start


def _last(fields: Mapping[bytes, bytes], name: bytes) -> str:
    value = fields.get(name)
    return "" if value is None else value.decode("latin-1").rpartition(",")[2].strip().lower()


def _scheme(text: str) -> str:
    return text if text in {"http", "https"} else ""


def _host(text: str) -> str:
    return text if _HOST.fullmatch(text) else ""
