"""Where a URL leads, read so that nobody further on can read it differently."""

import re
from dataclasses import dataclass
from typing import Final

from registrary.core.addresses import Address, parse_address
from registrary.core.errors import FieldError
from registrary.outbound.policy import OutboundPolicy
from registrary.ports.fetcher import FetchRefused, Refusal

URL_LIMIT: Final = 2048  # characters
HOST_LIMIT: Final = 253  # characters (RFC 1035 §2.3.4, as text)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LAST_PORT: Final = 0xFFFF

# Userinfo, fragments, backslashes, spaces, controls and non-ASCII match nowhere: readers differ
# about them. Nothing is decoded or normalised; path and query go out as they came in.
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z]+)://"
    r"(?P<host>[A-Za-z0-9._-]+|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[!-~]*)?(?P<query>\?[!-~]*)?"
)
_FORBIDDEN_IN_PATH: Final = re.compile(r'[#\\"<>]')
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# A last label that is a number makes readers take the host for an IPv4 address, in any of the
# spellings inet_aton knows (WHATWG URL, "ends in a number").
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart.

    *host* is a lower-case name, or an address without brackets, then also in *address*; *target*
    is path and query as they stand in the request line.
    """

    scheme: str
    host: str
    port: int
    target: str
    address: Address | None = None

    @property
    def host_header(self) -> str:
        """The value of the ``Host`` header (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse_target(url: str, policy: OutboundPolicy) -> Target:
    """Read *url*; raise FetchRefused unless *policy* lets its scheme and port be used."""
    match = _URL.fullmatch(url) if len(url) <= URL_LIMIT else None
    path = "" if match is None else (match["path"] or "/") + (match["query"] or "")
    if match is None or _FORBIDDEN_IN_PATH.search(path):
        raise _refused("not a plain URL")
    scheme = match["scheme"].lower()
    if scheme != "https" and not (scheme == "http" and policy.plain_http):
        raise _refused("scheme is not https")
    port = int(match["port"]) if match["port"] else _DEFAULT_PORTS[scheme]
    if port > _LAST_PORT or not policy.allows_port(port):
        raise _refused(f"port {port} is not allowed")
    host = match["host"].strip("[]").lower()
    return Target(scheme, host, port, path, _literal_address(host))


def _literal_address(host: str) -> Address | None:
    """Return the address *host* is, or None when it is a name; raise for what is neither."""
    if ":" not in host and not _NUMBER.fullmatch(host.rpartition(".")[2]):
        # An empty label refuses the trailing dot too: one host, one spelling, one budget.
        if len(host) > HOST_LIMIT or not all(map(_LABEL.fullmatch, host.split("."))):
            raise _refused("host is not a domain name")
        return None
    try:
        return parse_address(host)
    except FieldError as error:
        raise _refused("host is an odd spelling of an address") from error


def _refused(detail: str) -> FetchRefused:
    return FetchRefused(Refusal.URL, detail)
