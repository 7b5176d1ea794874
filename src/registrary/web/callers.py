"""Who is calling: the peer of the connection, or whom a trusted proxy speaks for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final, NamedTuple

from registrary.core.addresses import Address, Networks
from registrary.web.head import Head

_CACHED: Final = 4096  # forwarding headers whose reading is remembered
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
    """The networks whose forwarding headers are believed, and which headers those are."""

    networks: Networks
    headers: ForwardingHeaders = ForwardingHeaders.X_FORWARDED


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
        read = _x_forwarded if proxies.headers is ForwardingHeaders.X_FORWARDED else _forwarded
        self._hops = read
        self._walk = lru_cache(_CACHED)(self._walk_uncached)

    def trusts(self, peer: str) -> bool:
        """Tell whether the forwarding headers of a connection from *peer* are believed."""
        address = _parse_sender(peer)
        return address is not None and self._networks.contains(address)

    def caller(self, head: Head, *, peer: str, scheme: str) -> Caller:
        """Return who sent *head* over a connection from *peer*, which must be trusted."""
        hops = self._hops(head)
        hop = self._walk(hops) if hops else _Hop()
        scheme = hop.scheme or scheme
        host = without_default_port(hop.host or head.host, scheme)
        return Caller(hop.sender or peer, scheme, host)

    def _walk_uncached(self, hops: tuple[_Hop, ...]) -> _Hop:
        """Return the hop of the caller; its sender is empty when it is the peer itself."""
        sender, found = "", hops[-1]
        for hop in reversed(hops):
            address = _parse_sender(hop.sender)
            if address is None:
                break
            sender, found = str(address), hop
            if not self._networks.contains(address):
                break
        return found._replace(sender=sender)


def without_default_port(host: str, scheme: str) -> str:
    """Return *host* without the port that *scheme* has anyway (RFC 9110 §4.2.3)."""
    return host.removesuffix(":443" if scheme == "https" else ":80")


def canonical_peer(peer: str) -> str:
    """Return the address of a connection in its one spelling; other text as it is."""
    address = _parse_sender(peer)
    return peer if address is None else str(address)


def _parse_sender(text: str) -> Address | None:
    """Read an address as proxies write it: bare, in brackets, or with a port."""
    text = text.strip()
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


def _x_forwarded(head: Head) -> tuple[_Hop, ...]:
    """Read X-Forwarded-*; -Proto and -Host name no hop, so the nearest proxy's word counts."""
    fields = head.fields
    scheme = _scheme(_last(fields, b"x-forwarded-proto"))
    host = _host(_last(fields, b"x-forwarded-host"))
    if b"x-forwarded-for" not in fields:
        return (_Hop("", scheme, host),) if scheme or host else ()
    senders = _listed(head, b"x-forwarded-for")
    return tuple(_Hop(sender, scheme, host) for sender in senders)


def _forwarded(head: Head) -> tuple[_Hop, ...]:
    """Read Forwarded (RFC 7239 §4).

    Elements are split at every comma, in quotes too: no address, scheme or host holds one, and a
    quote that a caller opens must not swallow what a proxy appended.
    """
    if b"forwarded" not in head.fields:
        return ()
    return tuple(_hop_of_element(element) for element in _listed(head, b"forwarded"))


def _hop_of_element(element: str) -> _Hop:
    pairs = (pair.partition("=") for pair in element.split(";"))
    parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    return _Hop(
        parameters.get("for", ""),
        _scheme(parameters.get("proto", "").lower()),
        _host(parameters.get("host", "").lower()),
    )


def _listed(head: Head, name: bytes) -> list[str]:
    """Return the members of a list that may stand on several lines (RFC 9110 §5.3)."""
    return (
        b",".join(value for key, value in head.headers if key == name).decode("latin-1").split(",")
    )


def _last(fields: Mapping[bytes, bytes], name: bytes) -> str:
    value = fields.get(name)
    return "" if value is None else value.decode("latin-1").rpartition(",")[2].strip().lower()


def _scheme(text: str) -> str:
    return text if text in {"http", "https"} else ""


def _host(text: str) -> str:
    return text if _HOST.fullmatch(text) else ""
