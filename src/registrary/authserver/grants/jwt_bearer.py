"""Tokens for an assertion of the organisation's identity provider (RFC 7523 §2.1).

The one kind that is taken is the identity assertion authorization grant (ID-JAG): the provider
decided that this client may act for this person at this API, so nobody is asked here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.beginning import begin_grant
from registrary.authserver.grants.issuing import TokenDesk, scope_of
from registrary.authserver.grants.request import (
    NOT_GOOD,
    NOT_REGISTERED,
    TokenAnswer,
    TokenRequest,
)
from registrary.authserver.people.identities import Identities
from registrary.authserver.people.provider_metadata import ProviderDirectory, ProviderUnusable
from registrary.authserver.people.subjects import subject_of
from registrary.authserver.presented import Refusal
from registrary.authserver.resources import resources_asked_for
from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.errors import FieldError
from registrary.core.grants import Authorization
from registrary.core.issuer import Issuer
from registrary.core.jose import JoseError, UnknownKey
from registrary.core.jose.id_jag import IdJag, IdJagRules, read_id_jag, verify_id_jag
from registrary.core.metadata.grants import JWT_BEARER
from registrary.core.people import IdentityProvider, Person
from registrary.core.records import SpentAssertion
from registrary.core.scope import parse_scope
from registrary.ports.fetcher import FetchRefused
from registrary.ports.store import Conflict, every

ALGORITHMS: Final = ("ES256", "RS256", "PS256", "EdDSA")
NOT_CONFIDENTIAL: Final = Refusal("unauthorized_client", "only clients that authenticate may")


@dataclass(frozen=True, slots=True)
class _Proved:
    """An assertion that *provider* signed for this server and the client, and is still good."""

    provider: IdentityProvider
    assertion: IdJag

    @property
    def members(self) -> Mapping[str, Any]:  # Any: claims are JSON values of every kind
        """Return the claims."""
        return self.assertion.claims.members


@dataclass(frozen=True, slots=True)
class JwtBearerGrant:
    """Issues tokens for assertions of identity providers that this issuer trusts."""

    desk: TokenDesk
    providers: ProviderDirectory

    async def redeem(
        self, context: ServerContext, request: TokenRequest, assertion: str
    ) -> TokenAnswer | Refusal:
        """Return tokens for whom *assertion* is about, once. Raises `NoSigningKey`."""
        if not request.may_use(JWT_BEARER):
            return NOT_REGISTERED
        if request.is_public:
            return NOT_CONFIDENTIAL
        proved = await self._proved(context, request.client, assertion)
        if proved is None:
            return NOT_GOOD
        granted = _granted(context.issuer, request, proved.members)
        if granted is None:
            return NOT_GOOD
        identities = Identities(self.desk.services)
        person = await identities.person(
            context, proved.provider, proved.members, visit=request.visit
        )
        if person is None or person.disabled_at is not None:
            return NOT_GOOD
        authorization = _authorization(context, request, proved, person=person)
        authorization = msgspec.structs.replace(
            authorization, scope=granted[0], resources=granted[1]
        )
        return await self._settle(context, request, authorization, proved=proved)

    async def _settle(
        self,
        context: ServerContext,
        request: TokenRequest,
        authorization: Authorization,
        *,
        proved: _Proved,
    ) -> TokenAnswer | Refusal:
        services = self.desk.services
        begun = begin_grant(
            services, context, authorization, grant_type=JWT_BEARER, request=request
        )
        issued = await self.desk.issue(
            context,
            request,
            begun.grant,
            person=None,  # nobody signed in here: no ID token of ours says so
            scope=scope_of(context.issuer, request.client, authorization.scope),
            refresh_token=begun.refresh_token,
        )
        if isinstance(issued, Refusal):
            return issued
        spent = SpentAssertion(
            issuer=context.id,
            digest=f"id-jag:{proved.assertion.digest}",
            expires_at=proved.assertion.expires_at,
        )
        try:
            await services.store.commit(Changes(puts=(Put(spent), *begun.puts(), *issued.puts)))
        except Conflict:
            return NOT_GOOD  # it was used before
        services.issues.note(context.id, request.client.client_id, JWT_BEARER)
        return issued.answer

    async def _proved(
        self, context: ServerContext, client: Client, assertion: str
    ) -> _Proved | None:
        """Return *assertion* if a trusted provider signed it for us; what was wrong is not told."""
        try:
            unverified = read_id_jag(assertion)
            provider = await self._provider(context, unverified.issuer)
            if provider is None:
                return None
            url = (await self.providers.of(provider)).jwks_uri
            keys, now = self.desk.services.remote_keys, self.desk.services.clock.now()
            rules = IdJagRules(
                issuer=provider.url,
                audience=context.issuer.url,
                client_id=client.client_id,
                algorithms=ALGORITHMS,
            )
            try:
                known = await keys.keys(url, kid=unverified.jws.kid)
                return _Proved(provider, verify_id_jag(unverified, known, rules, now=now))
            except UnknownKey:
                known = await keys.renewed(url)
                return _Proved(provider, verify_id_jag(unverified, known, rules, now=now))
        except (JoseError, FetchRefused, ProviderUnusable):
            return None

    async def _provider(self, context: ServerContext, url: str) -> IdentityProvider | None:
        async for provider in every(self.desk.services.store, IdentityProvider, context.id):
            if provider.url == url and provider.disabled_at is None:
                return provider
        return None


def _granted(
    issuer: Issuer,
    request: TokenRequest,
    claims: Mapping[str, Any],  # Any: claims are JSON values of every kind
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return scope and resources: what the provider, the request and the registration all allow.

    None where the assertion names what this issuer does not serve, or nothing is left.
    """
    named = claims.get("resource", [])
    targets = [named] if isinstance(named, str) else named
    scope = claims.get("scope", "")
    if not isinstance(scope, str) or not isinstance(targets, list):
        return None
    if not all(isinstance(target, str) for target in targets):
        return None
    found = resources_asked_for(issuer, targets)
    try:
        asserted, asked = parse_scope(scope), parse_scope(request.scope or "")
    except FieldError:
        return None
    if isinstance(found, Refusal):
        return None
    wanted = [name for name in asserted if not asked or name in asked]
    granted = scope_of(issuer, request.client, wanted)
    if (asserted or asked) and not granted:
        return None
    return granted, tuple(target.uri for target in found)


def _authorization(
    context: ServerContext, request: TokenRequest, proved: _Proved, *, person: Person
) -> Authorization:
    """Return what the provider allowed the client to do for *person*."""
    members = proved.members
    acr, amr = members.get("acr"), members.get("amr")
    return Authorization(
        client_id=request.client.client_id,
        person=person.id,
        subject=subject_of(context, request.client, person),
        acr=acr if isinstance(acr, str) else None,
        amr=tuple(amr) if isinstance(amr, list) and all(isinstance(a, str) for a in amr) else (),
        client_generation=request.client.token_generation,
        person_generation=person.generation,
    )
