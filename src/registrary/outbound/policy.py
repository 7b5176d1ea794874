"""What may be connected to, and how much of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from registrary.core.addresses import Address, is_loopback, is_public
from registrary.ports.limiter import Rate

HTTPS_PORT: Final = 443
_MINUTE: Final = timedelta(minutes=1)
_HOST_COUNT: Final = 60
_ADDRESS_COUNT: Final = 600  # at least; never less than ten hosts may ask for
_HOST_RATE: Final = Rate(_HOST_COUNT, _MINUTE)
_ADDRESS_RATE: Final = Rate(_ADDRESS_COUNT, _MINUTE)


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """The limits of everything fetched on behalf of strangers.

    *allows* judges an address; all addresses of a host must pass. *ports* are those that may be
    connected to, None meaning any. *plain_http* lets ``http`` URLs through beside ``https``.

    *host_rate* holds for one host, *host_connections* at once to one host, *site_connections* to
    one domain, *connections* to all. Of all, hosts that have not answered promptly before may
    have *unproved_connections*, and those that were late a moment ago *late_connections*. Each
    of them is apart for each purpose, so that the registrations of strangers cannot use up what
    the key look-ups of clients need. *address_rate* holds for one address whatever its
    names and purposes, against a zone whose every name leads to the same victim.
    """

    allows: Callable[[Address], bool] = is_public
    ports: frozenset[int] | None = field(default_factory=lambda: frozenset({HTTPS_PORT}))
    plain_http: bool = False
    host_rate: Rate = _HOST_RATE
    address_rate: Rate = _ADDRESS_RATE
    host_connections: int = 4
    site_connections: int = 8
    late_connections: int = 10
    unproved_connections: int = 30
    connections: int = 50

    def allows_port(self, port: int) -> bool:
        """Tell whether *port* may be connected to."""
        return self.ports is None or port in self.ports


def public_policy(*ports: int, host_per_minute: int = _HOST_COUNT) -> OutboundPolicy:
    """Return the policy of a real server: https on *ports* (443 if none) of public hosts."""
    return OutboundPolicy(
        ports=frozenset(ports or {HTTPS_PORT}),
        host_rate=Rate(host_per_minute, _MINUTE),
        address_rate=Rate(max(_ADDRESS_COUNT, 10 * host_per_minute), _MINUTE),
    )


def development_policy() -> OutboundPolicy:
    """Return the policy of ``serve --dev``: any port of this machine, and nothing else."""
    return OutboundPolicy(
        allows=is_loopback,
        ports=None,
        plain_http=True,
        host_rate=Rate(1_000, _MINUTE),
        address_rate=Rate(10_000, _MINUTE),
        host_connections=16,
        site_connections=16,
    )
