"""Judging IP addresses: which may be connected to, and which belong to one source."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from registrary.core.errors import FieldError

Address = IPv4Address | IPv6Address

# ``is_global`` alone is not enough: what it says differs between Python releases, and all of them
# call multicast, 192.88.99.0/24, 2002::/16 and 64:ff9b::/96 global. The tables repeat the IANA
# special-purpose registries (RFC 6890), so that one answer holds everywhere.
_SPECIAL_USE_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network (RFC 791 §3.2); Linux connects 0.0.0.0 to itself
        "10.0.0.0/8",  # private use (RFC 1918)
        "100.64.0.0/10",  # shared by carriers (RFC 6598); holds a cloud's metadata service too
        "127.0.0.0/8",  # loopback (RFC 1122 §3.2.1.3)
        "168.63.129.16/32",  # a cloud host's own agent (Azure), though publicly numbered
        "169.254.0.0/16",  # link-local (RFC 3927), where metadata services live
        "172.16.0.0/12",  # private use (RFC 1918)
        "192.0.0.0/24",  # IETF protocol assignments (RFC 6890 §2.1)
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.88.99.0/24",  # 6to4 relay anycast (RFC 7526)
        "192.168.0.0/16",  # private use (RFC 1918)
        "198.18.0.0/15",  # benchmarking (RFC 2544)
        "198.51.100.0/24",  # documentation (RFC 5737)
        "203.0.113.0/24",  # documentation (RFC 5737)
        "224.0.0.0/4",  # multicast (RFC 1112 §4)
        "240.0.0.0/4",  # reserved, and the limited broadcast address (RFC 1112 §4, RFC 919 §7)
    )
)

# The only range unicast addresses are given out from (RFC 4291 §2.4). Whatever lies outside is
# refused without a row of its own: loopback, IPv4-mapped and IPv4-compatible, NAT64 (RFC 6052,
# RFC 8215), discard-only, segment routing, unique local, link-local, site-local, multicast.
_GLOBAL_UNICAST = IPv6Network("2000::/3")

_SPECIAL_USE_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments: Teredo, benchmarking, ORCHID, drone ids
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4 (RFC 3056): carries an IPv4 address chosen by the sender
        "3fff::/20",  # documentation (RFC 9637)
    )
)

# The upper half of an ISATAP interface identifier, whatever the prefix (RFC 5214 §6.1).
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def parse_address(text: str) -> Address:
    """Read one IP address in its canonical spelling.

    Refused: octal, hexadecimal, decimal and short forms of IPv4; IPv6 in upper case, uncompressed
    (RFC 5952 §4) or with a zone id. Two readers may disagree about those. Raises FieldError.
    """
    try:
        if ":" not in text:
            return IPv4Address(text)
        address = IPv6Address(text)
    except ValueError as error:
        raise FieldError("must be an IP address") from error
    if text not in _spellings(address):
        raise FieldError("must be an IP address in its canonical form")
    return address


def _spellings(address: IPv6Address) -> tuple[str, ...]:
    if address.scope_id is not None:
        return ()
    if address.ipv4_mapped is not None:
        # RFC 5952 §5 prefers the dotted form; Python prints either, depending on its release.
        low = int(address.ipv4_mapped)
        return (f"::ffff:{address.ipv4_mapped}", f"::ffff:{low >> 16:x}:{low & 0xFFFF:x}")
    return (address.compressed,)


def is_public(ip: Address) -> bool:
    """Tell whether *ip* is an ordinary address of the public Internet.

    An address that carries another (IPv4-mapped, IPv4-compatible, NAT64, 6to4, Teredo, ISATAP)
    is never public, whatever it carries: where it leads is decided by a translator we cannot see.
    """
    if not ip.is_global or ip.is_multicast or ip.is_reserved:
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _SPECIAL_USE_V4)
    if ip.scope_id is not None or (int(ip) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return False
    return ip in _GLOBAL_UNICAST and not any(ip in network for network in _SPECIAL_USE_V6)


def is_loopback(ip: Address) -> bool:
    """Tell whether *ip* is this machine: 127.0.0.0/8, ``::1``, or the former IPv4-mapped."""
    return _unmapped(ip).is_loopback


@lru_cache(maxsize=4096)
def source_key(address: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 an IPv6 address lies in.

    A subscriber is given a whole /64 (RFC 6177 §2), so limits by single IPv6 address limit
    nothing. Text that is no address (a Unix socket's empty peer) is its own key.
    """
    try:
        ip = _unmapped(IPv6Address(address) if ":" in address else IPv4Address(address))
    except ValueError:
        return address
    if isinstance(ip, IPv4Address):
        return str(ip)
    return str(IPv6Network((int(ip) >> 64 << 64, 64)))


@dataclass(frozen=True, slots=True)
class Networks:
    """A list of address ranges, such as those an administrator allows or trusts."""

    ranges: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Networks":
        """Read ranges in CIDR form; a bare address is a range of one.

        A range with host bits set is refused: it is unclear which range was meant. Raises
        FieldError.
        """
        return cls(tuple(_parse_range(text) for text in texts))

    def contains(self, ip: Address) -> bool:
        """Tell whether *ip* lies in one of the ranges; an IPv4-mapped address counts as IPv4."""
        plain = _unmapped(ip)
        return any(plain in network for network in self.ranges)


def _parse_range(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise FieldError("must be a network in CIDR form, without host bits") from error


def _unmapped(ip: Address) -> Address:
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip
