"""Where a URL leads, read so that nobody further on can read it differently."""

from dataclasses import dataclass
from typing import Final

from registrary.core.addresses import Address, parse_address
from registrary.core.errors import FieldError
from registrary.core.uris import Parts, check_host_name, take_apart
from registrary.outbound.policy import OutboundPolicy
from registrary.ports.fetcher import FetchRefused, Refusal

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


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
    """Read *url*; raise FetchRefused unless *policy* lets its scheme and port be used.

    Nothing is decoded or normalised: path and query go out as they came in.
    """
    try:
        parts = take_apart(url)
        host = parts.host or ""
        check_host_name(host)
    except FieldError as error:
        raise FetchRefused(Refusal.URL, error.rule) from error
    if parts.scheme != "https" and not (parts.scheme == "http" and policy.plain_http):
        raise FetchRefused(Refusal.URL, "scheme is not https")
    if parts.fragment is not None:
        raise FetchRefused(Refusal.URL, "a fragment is never sent")
    port = int(parts.port) if parts.port else _DEFAULT_PORTS[parts.scheme]
    if not policy.allows_port(port):
        raise FetchRefused(Refusal.URL, f"port {port} is not allowed")
    name = host.removeprefix("[").removesuffix("]")
    return Target(parts.scheme, name, port, _request_target(parts), _literal_address(name))


def _request_target(parts: Parts) -> str:
    """Return path and query as the request line has them (RFC 9112 §3.2.1)."""
    return (parts.path or "/") + ("" if parts.query is None else f"?{parts.query}")


def _literal_address(name: str) -> Address | None:
    try:
        return parse_address(name)
    except FieldError:
        return None  # a name: check_host_name let nothing pass that only looks like an address
