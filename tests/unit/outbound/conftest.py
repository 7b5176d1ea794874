"""What the tests of outbound connections stand on."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from registrary.outbound.fetcher import GuardedFetcher
from registrary.outbound.messenger import GuardedMessenger
from registrary.outbound.policy import development_policy
from registrary.outbound.resolver import SystemResolver
from registrary.outbound.tls import client_context
from registrary.ports.fetcher import JWKS_URI, FetchPurpose
from registrary.testing.hostile import CertificateAuthority

FetcherFactory = Callable[..., GuardedFetcher]
MessengerFactory = Callable[..., GuardedMessenger]


@dataclass
class Ticks:
    """A monotonic clock that stands still until it is moved."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def ticks() -> Ticks:
    """Return a clock the test moves."""
    return Ticks()


@pytest.fixture
def purpose() -> FetchPurpose:
    """Return the purpose of ``jwks_uri`` with a deadline a test can wait for."""
    return replace(JWKS_URI, deadline=timedelta(seconds=0.4))


@pytest.fixture(scope="session")
def authority() -> CertificateAuthority:
    """Return an authority nobody else trusts."""
    return CertificateAuthority()


@pytest.fixture(scope="session")
def stranger() -> CertificateAuthority:
    """Return an authority not even *trust* trusts."""
    return CertificateAuthority("Unknown authority")


@pytest.fixture(scope="session")
def trust(
    authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> ssl.SSLContext:
    """Return a context that trusts the system's store and *authority*."""
    return client_context(authority.write(tmp_path_factory.mktemp("trust") / "authority.pem"))


@pytest.fixture
def system_resolver() -> Iterator[SystemResolver]:
    """Return the resolver of a real server."""
    resolver = SystemResolver()
    yield resolver
    resolver.close()


@pytest.fixture
def make_fetcher(system_resolver: SystemResolver, trust: ssl.SSLContext) -> FetcherFactory:
    """Return a maker of fetchers: for development and the system's names unless told otherwise."""

    def make(**changes: Any) -> GuardedFetcher:
        policy = changes.pop("policy", development_policy())
        resolver = changes.pop("resolver", system_resolver)
        return GuardedFetcher(policy, resolver, tls=changes.pop("tls", trust), **changes)

    return make


@pytest.fixture
def make_messenger(system_resolver: SystemResolver, trust: ssl.SSLContext) -> MessengerFactory:
    """Return a maker of messengers: for development unless told otherwise."""

    def make(**changes: Any) -> GuardedMessenger:
        policy = changes.pop("policy", development_policy())
        resolver = changes.pop("resolver", system_resolver)
        return GuardedMessenger(policy, resolver, tls=changes.pop("tls", trust), **changes)

    return make
