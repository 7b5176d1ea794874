"""Which identity providers an issuer trusts to say who somebody is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.attempts import return_address
from registrary.authserver.people.claims import STANDARD_CLAIMS
from registrary.authserver.people.provider_metadata import ProviderDirectory, ProviderUnusable
from registrary.authserver.people.provider_secrets import sealed_secret
from registrary.authserver.people.refusals import Outdated, Unfit, Unknown
from registrary.authserver.people.services import ATTEMPTS, PeopleServices
from registrary.core.changes import Changes, Delete, Put
from registrary.core.entropy import Draw
from registrary.core.errors import FieldError
from registrary.core.events import Actor, Event, FieldChange, Tag
from registrary.core.ids import new_id
from registrary.core.people import IdentityProvider
from registrary.core.sealing import SEAL_DRAW_BYTES
from registrary.core.secrets import Secret
from registrary.core.strict_json import JsonError, parse_object
from registrary.core.uris import check_host_name, check_https_uri
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.exchanger import REGISTRATION_ENDPOINT, Exchanger, Question
from registrary.ports.fetcher import Fetcher, FetchRefused
from registrary.ports.store import Conflict

TEXT_LIMIT: Final = 200  # characters of a name, an id or a secret
_DRAW_BYTES: Final = 10 + SEAL_DRAW_BYTES + EVENT_DRAW_BYTES
_CREATED: Final = 201


@dataclass(frozen=True, slots=True)
class ProviderWish:
    """What of a provider shall become so; None leaves a side as it is, or as it usually is.

    Without *client_id* a new one is registered at the provider (OpenID Connect Registration).
    *disabled* keeps people from signing in there for a while.
    """

    name: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    scope: str | None = None
    domains: tuple[str, ...] | None = None
    claims: Mapping[str, str] | None = None
    creates_people: bool | None = None
    own_redirect_uri: bool | None = None
    disabled: bool | None = None


class ProviderKeeper:
    """Adds, changes and removes the identity providers of issuers, always with an event."""

    def __init__(self, services: PeopleServices, fetcher: Fetcher, exchanger: Exchanger) -> None:
        self._services = services
        self._fetcher = fetcher
        self._exchanger = exchanger

    async def create(
        self, context: ServerContext, url: str, wish: ProviderWish, *, actor: Actor
    ) -> IdentityProvider:
        """Return a new provider, whose issuer identifier is *url* for good.

        Another address would let others say who our people are. One that joins others has a
        redirect URI of its own unless that is not wanted. Raises `Unfit`.
        """
        _check_url(url, loopback_http=context.issuer.dev)
        if wish.own_redirect_uri is None and await self._has_providers(context):
            wish = replace(wish, own_redirect_uri=True)
        now, draw = self._services.clock.now(), self._services.draw(_DRAW_BYTES)
        blank = IdentityProvider(
            issuer=context.id,
            id=new_id(now, draw),
            name=wish.name or url,
            url=url,
            client_id=wish.client_id or "",
            created_at=now,
            updated_at=now,
        )
        wish = wish if wish.client_id else await self._registered(context, blank, wish)
        provider = self._applied(blank, wish, draw)
        occasion = Occasion(context.id, now, actor)
        event = _event(occasion, Tag.IDENTITY_PROVIDER_CREATED, provider, draw=draw)
        await self._services.store.commit(Changes(puts=(Put(provider),), events=(event,)))
        return provider

    async def change(
        self,
        context: ServerContext,
        identifier: str,
        wish: ProviderWish,
        *,
        actor: Actor,
        expected: int | None = None,
    ) -> IdentityProvider:
        """Change what *wish* names, if the provider is at the revision *expected* (None: any).

        Raises `Unknown`, `Unfit` and `Outdated`.
        """
        for _ in range(ATTEMPTS):
            stored = await self._stored(context, identifier)
            if expected is not None and stored.revision != expected:
                raise Outdated
            now, draw = self._services.clock.now(), self._services.draw(_DRAW_BYTES)
            blank = msgspec.structs.replace(stored, updated_at=now, revision=stored.revision + 1)
            changed = self._applied(blank, wish, draw)
            event = _event(
                Occasion(context.id, now, actor),
                Tag.IDENTITY_PROVIDER_UPDATED,
                changed,
                draw=draw,
                before=stored,
            )
            put = Put(changed, expected=stored.revision)
            try:
                await self._services.store.commit(Changes(puts=(put,), events=(event,)))
            except Conflict:
                continue
            return changed
        raise Conflict(IdentityProvider.kind)

    async def remove(self, context: ServerContext, identifier: str, *, actor: Actor) -> None:
        """Remove a provider; people it made known stay, and cannot sign in there any more."""
        stored = await self._stored(context, identifier)
        event = _event(
            Occasion(context.id, self._services.clock.now(), actor),
            Tag.IDENTITY_PROVIDER_DELETED,
            stored,
            draw=self._services.draw(EVENT_DRAW_BYTES),
        )
        gone = Delete(IdentityProvider.kind, context.id, identifier)
        await self._services.store.commit(Changes(deletions=(gone,), events=(event,)))

    async def _has_providers(self, context: ServerContext) -> bool:
        page = await self._services.store.page(IdentityProvider, context.id, limit=1)
        return bool(page.records)

    async def _stored(self, context: ServerContext, identifier: str) -> IdentityProvider:
        stored = await self._services.store.get(IdentityProvider, context.id, identifier)
        if stored is None:
            raise Unknown("identity provider")
        return stored

    def _applied(
        self, provider: IdentityProvider, wish: ProviderWish, draw: Draw
    ) -> IdentityProvider:
        check_wish(wish)
        given: dict[str, Any] = {  # Any: members of several kinds
            "name": wish.name,
            "client_id": wish.client_id,
            "scope": wish.scope,
            "domains": None if wish.domains is None else _folded(wish.domains),
            "claims": None if wish.claims is None else dict(wish.claims),
            "creates_people": wish.creates_people,
            "own_redirect_uri": wish.own_redirect_uri,
        }
        changed = {name: value for name, value in given.items() if value is not None}
        if wish.client_secret is not None:
            changed["sealed_secret"] = sealed_secret(
                self._services, provider.issuer, provider.id, secret=wish.client_secret, draw=draw
            )
        if wish.disabled is not None:
            ended = provider.disabled_at or provider.updated_at
            changed["disabled_at"] = ended if wish.disabled else None
        return msgspec.structs.replace(provider, **changed)

    async def _registered(
        self, context: ServerContext, blank: IdentityProvider, wish: ProviderWish
    ) -> ProviderWish:
        """Return *wish* with the credentials of a client that was registered at the provider.

        Nobody has to type its redirect URI, so it has one of its own unless that is not wanted.
        """
        is_own = wish.own_redirect_uri is not False
        address = return_address(context, msgspec.structs.replace(blank, own_redirect_uri=is_own))
        directory = ProviderDirectory(self._fetcher, loopback_http=context.issuer.dev)
        try:
            metadata = await directory.at(blank.url)
            if metadata.registration_endpoint is None:
                raise Unfit("client_id: is needed: the provider registers nobody by itself")
            body = msgspec.json.encode(_registration(context, address))
            question = Question(media_type="application/json", body=body)
            reply = await self._exchanger.ask(
                metadata.registration_endpoint, question, purpose=REGISTRATION_ENDPOINT
            )
            given = parse_object(reply.body)
        except (ProviderUnusable, FetchRefused, JsonError) as error:
            raise Unfit("url: the provider could not be asked to register a client") from error
        client_id, secret = given.get("client_id"), given.get("client_secret")
        if reply.status != _CREATED or not isinstance(client_id, str):
            raise Unfit("client_id: is needed: the provider refused to register one")
        kept = Secret(secret) if isinstance(secret, str) else None
        return replace(wish, client_id=client_id, client_secret=kept, own_redirect_uri=is_own)


def check_wish(wish: ProviderWish) -> None:
    """Refuse a wish that makes no sense; raises `Unfit`."""
    secret = None if wish.client_secret is None else wish.client_secret.reveal()
    texts = {"name": wish.name, "client_id": wish.client_id, "client_secret": secret}
    for member, value in texts.items():
        if value is not None and not (value.isprintable() and 1 <= len(value) <= TEXT_LIMIT):
            raise Unfit(f"{member}: must have 1 to {TEXT_LIMIT} printable characters")
    if wish.scope is not None and "openid" not in wish.scope.split(" "):
        raise Unfit("scope: must have openid")
    for domain in wish.domains or ():
        try:
            check_host_name(domain.lower())
        except FieldError as error:
            raise Unfit(f"domains: {error.rule}") from error
    for name, theirs in (wish.claims or {}).items():
        if name not in STANDARD_CLAIMS or not 1 <= len(theirs) <= TEXT_LIMIT:
            raise Unfit("claims: must map standard claims to names")


def _check_url(url: str, *, loopback_http: bool) -> None:
    try:
        check_https_uri(url, loopback_http=loopback_http)
    except FieldError as error:
        raise Unfit(f"url: {error.rule}") from error
    if "?" in url or "#" in url:  # OpenID Connect Discovery §3, issuer
        raise Unfit("url: must have neither query nor fragment")


def _folded(domains: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(domain.lower() for domain in domains))


def _registration(context: ServerContext, address: str) -> dict[str, Any]:  # Any: JSON values
    """Return our metadata as a client (OpenID Connect Dynamic Client Registration §2)."""
    return {
        "client_name": context.issuer.url,
        "redirect_uris": [address],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "client_secret_basic",
    }


def _event(
    occasion: Occasion,
    tag: Tag,
    provider: IdentityProvider,
    *,
    draw: Draw,
    before: IdentityProvider | None = None,
) -> Event:
    told, told_before = _told(provider), _told(before) if before else {}
    changes = {
        name: FieldChange(told_before.get(name), value, "administrator")
        for name, value in told.items()
        if before is not None and told_before[name] != value
    }
    detail = {"id": provider.id, "url": provider.url}
    return an_event(occasion, tag, draw=draw, changes=changes, detail=detail)


def _told(provider: IdentityProvider) -> dict[str, Any]:  # Any: JSON, as it stands in events
    """Return what may be told of *provider*, of the secret that there is one and another."""
    names = (
        "name",
        "client_id",
        "scope",
        "domains",
        "claims",
        "creates_people",
        "own_redirect_uri",
        "disabled_at",
    )
    told = {name: msgspec.to_builtins(getattr(provider, name)) for name in names}
    secret = provider.sealed_secret
    return told | {"client_secret": secret and sha256(secret).hexdigest()[:8]}
