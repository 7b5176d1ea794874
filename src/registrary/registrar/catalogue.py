"""The scopes and resources of an issuer: what to ask for, and what tokens are meant for."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final, TypeVar

import msgspec

from registrary.core.errors import FieldError
from registrary.core.events import Actor
from registrary.core.issuer import Issuer, Resource
from registrary.core.scope import OPENID_SCOPES, ScopeDefinition, parse_scope
from registrary.core.uris import check_https_uri
from registrary.registrar.administration import NotFound, NotPossible, check_words
from registrary.registrar.context import IssuerContext
from registrary.registrar.issuers import IssuerKeeper

SENSITIVITIES: Final = ("low", "medium", "high")
WORDS_LIMIT: Final = 200  # characters of a description or name
CATALOGUE_LIMIT: Final = 500  # scopes, or resources, of one issuer
_OPENID: Final = {scope.name: scope for scope in OPENID_SCOPES}
_DAY: Final = timedelta(days=1)
T = TypeVar("T")


class Catalogue:
    """Changes the scopes and resources of an issuer; servers follow within a second."""

    def __init__(self, keeper: IssuerKeeper) -> None:
        self._keeper = keeper

    async def put_scope(
        self, context: IssuerContext, scope: ScopeDefinition, *, actor: Actor
    ) -> Issuer:
        """Add *scope*, or replace the one of its name. Raises `NotPossible`.

        A scope that OpenID Connect defines stays one of its scopes.
        """
        _check_scope(scope)
        kept = msgspec.structs.replace(scope, openid=scope.name in _OPENID)

        def apply(issuer: Issuer) -> Issuer:
            scopes = _with(issuer.scopes, kept, lambda one: one.name == kept.name)
            return msgspec.structs.replace(issuer, scopes=scopes)

        return await self._keeper.amend(context.id, apply, actor=actor)

    async def remove_scope(self, context: IssuerContext, name: str, *, actor: Actor) -> None:
        """Remove a scope: no token gets it any more. Raises `NotFound`, `NotPossible`."""

        def apply(issuer: Issuer) -> Issuer:
            scopes = tuple(scope for scope in issuer.scopes if scope.name != name)
            if len(scopes) == len(issuer.scopes):
                raise NotFound("scope")
            if name == "openid":
                raise NotPossible("openid: an OpenID provider has this scope")
            return msgspec.structs.replace(issuer, scopes=scopes)

        await self._keeper.amend(context.id, apply, actor=actor)

    async def put_resource(
        self, context: IssuerContext, resource: Resource, *, actor: Actor
    ) -> Issuer:
        """Add *resource*, or replace the one with its ``uri``. Raises `NotPossible`."""
        _check_resource(resource, dev=context.issuer.dev)

        def apply(issuer: Issuer) -> Issuer:
            others = [one for one in issuer.resources if one.uri != resource.uri]
            _check_beside(resource, others, issuer)
            resources = _with(issuer.resources, resource, lambda one: one.uri == resource.uri)
            return msgspec.structs.replace(issuer, resources=resources)

        return await self._keeper.amend(context.id, apply, actor=actor)

    async def remove_resource(self, context: IssuerContext, uri: str, *, actor: Actor) -> None:
        """Remove a resource: no token is meant for it any more. Raises `NotFound`."""

        def apply(issuer: Issuer) -> Issuer:
            resources = tuple(one for one in issuer.resources if one.uri != uri)
            if len(resources) == len(issuer.resources):
                raise NotFound("resource")
            return msgspec.structs.replace(issuer, resources=resources)

        await self._keeper.amend(context.id, apply, actor=actor)


def _with(kept: tuple[T, ...], new: T, is_it: Callable[[T], bool]) -> tuple[T, ...]:
    """Return *kept* with *new* in the place of the one it stands for, else behind the others."""
    if any(map(is_it, kept)):
        return tuple(new if is_it(one) else one for one in kept)
    if len(kept) >= CATALOGUE_LIMIT:
        raise NotPossible(f"there are no more than {CATALOGUE_LIMIT} of these at one issuer")
    return (*kept, new)


def _check_scope(scope: ScopeDefinition) -> None:
    try:
        names = parse_scope(scope.name)
    except FieldError as error:
        raise NotPossible(f"name: {error.rule}") from error
    if names != (scope.name,):
        raise NotPossible("name: must be one scope, without spaces")
    check_words("description", scope.description, limit=WORDS_LIMIT)
    if scope.sensitivity not in SENSITIVITIES:
        raise NotPossible("sensitivity: must be low, medium or high")
    _check_lifetime(scope.access_token_lifetime)


def _check_lifetime(lifetime: timedelta | None) -> None:
    if lifetime is not None and not timedelta(0) < lifetime <= _DAY:
        raise NotPossible("access_token_lifetime: must be longer than nothing and at most 1d")


def _check_resource(resource: Resource, *, dev: bool) -> None:
    for member, uris in (("uri", (resource.uri,)), ("aliases", resource.aliases)):
        for uri in uris:
            _check_uri(member, uri, dev=dev)
    if resource.name:
        check_words("name", resource.name, limit=WORDS_LIMIT)
    for client_id in resource.introspecting_clients:
        check_words("introspecting_clients", client_id, limit=WORDS_LIMIT)
    _check_lifetime(resource.access_token_lifetime)


def _check_uri(member: str, uri: str, *, dev: bool) -> None:
    """Refuse what cannot name a resource (RFC 8707 §2: absolute, without a fragment)."""
    try:
        check_https_uri(uri, loopback_http=dev)
    except FieldError as error:
        raise NotPossible(f"{member}: {error.rule}") from error
    if "#" in uri:
        raise NotPossible(f"{member}: must not have a fragment")


def _check_beside(resource: Resource, others: Iterable[Resource], issuer: Issuer) -> None:
    """Refuse names that another resource has, a second default, and scopes there are not."""
    for other in others:
        if not {resource.uri, *resource.aliases}.isdisjoint({other.uri, *other.aliases}):
            raise NotPossible("uri: is that of another resource, or one of its aliases")
        if resource.is_default and other.is_default:
            raise NotPossible("is_default: another resource is the default")
    if resource.scopes is not None:
        known = {scope.name for scope in issuer.scopes}
        if not known.issuperset(resource.scopes):
            raise NotPossible("scopes: must be scopes of this issuer")
