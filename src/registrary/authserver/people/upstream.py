"""Signing in at the identity providers of the organisation (OpenID Connect Core §3.1)."""

from dataclasses import dataclass
from datetime import datetime

from registrary.authserver.context import ServerContext
from registrary.authserver.people.attempts import Arrival, Attempts, Departure
from registrary.authserver.people.identities import Identities
from registrary.authserver.people.names import mail_domain
from registrary.authserver.people.provider_metadata import (
    ProviderDirectory,
    ProviderMetadata,
    ProviderUnusable,
)
from registrary.authserver.people.provider_tokens import Brought, ProviderTokens
from registrary.authserver.presented import Visit
from registrary.authserver.services import ServerServices
from registrary.core.jose import JoseError
from registrary.core.jose.claims import moment
from registrary.core.people import IdentityProvider, Person
from registrary.core.secrets import Secret
from registrary.ports.store import every


@dataclass(frozen=True, slots=True)
class CameBack:
    """What somebody came back with: a code, and who says that it comes from them (RFC 9207)."""

    code: Secret
    iss: str | None


@dataclass(frozen=True, slots=True)
class Vouched:
    """Somebody whom a provider vouches for; *authenticated_at* None where it does not say."""

    person: Person
    provider: IdentityProvider
    authenticated_at: datetime | None


class Upstream:
    """Sends people to the providers of one issuer, and takes what these say of them."""

    def __init__(self, services: ServerServices, context: ServerContext) -> None:
        self._services = services
        self._context = context
        self._directory = ProviderDirectory(services.fetcher, loopback_http=context.issuer.dev)
        self._tokens = ProviderTokens(services, context)
        self._identities = Identities(services)
        self.attempts = Attempts(services)

    async def providers(self) -> list[IdentityProvider]:
        """Return the providers that people may choose, in the order of their ids."""
        found = every(self._services.store, IdentityProvider, self._context.id)
        return [provider async for provider in found if provider.disabled_at is None]

    async def provider(self, identifier: str) -> IdentityProvider | None:
        """Return the provider with the id *identifier*, None unless people may choose it."""
        store = self._services.store
        found = await store.get(IdentityProvider, self._context.id, identifier)
        return None if found is None or found.disabled_at is not None else found

    async def leave(self, provider: IdentityProvider, leaving: Departure) -> str:
        """Return the address that leads to *provider*; raises `ProviderUnusable`."""
        metadata = await self._directory.of(provider)
        return await self.attempts.begin(self._context, provider, metadata, leaving=leaving)

    async def arrive(
        self, provider: IdentityProvider, arrival: Arrival, came: CameBack, *, visit: Visit
    ) -> Vouched | None:
        """Return who came back from *provider*; None where nobody here is who it vouches for.

        Raises `ProviderUnusable` for an answer that proves nothing.
        """
        metadata = await self._directory.of(provider)
        _check_iss(came, metadata)
        claims = await self._tokens.claims(Brought(provider, metadata, arrival.kept, came.code))
        person = await self._identities.person(self._context, provider, claims, visit=visit)
        if person is None or person.disabled_at is not None:
            return None
        try:
            return Vouched(person, provider, moment(claims, "auth_time"))
        except JoseError as error:
            raise ProviderUnusable(f"the ID token: {error}") from error


def chosen_by_domain(providers: list[IdentityProvider], username: str) -> IdentityProvider | None:
    """Return the provider of the organisation that the address *username* belongs to."""
    domain = mail_domain(username)
    return next((each for each in providers if domain in each.domains), None)


def _check_iss(came: CameBack, metadata: ProviderMetadata) -> None:
    """Refuse a code that another provider gave out (mix-up; RFC 9207 §2.4)."""
    if came.iss is None and not metadata.announces_iss:
        return
    if came.iss != metadata.issuer:
        raise ProviderUnusable("iss: is not that of the provider who was asked")
