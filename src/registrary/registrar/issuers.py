"""Making and changing issuers."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from registrary.core.changes import Changes, Put
from registrary.core.errors import FieldError
from registrary.core.events import Actor, Tag
from registrary.core.issuer import Issuer, RegistrationMode, RegistrationPolicy, RuleSet
from registrary.core.uris import check_https_uri
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.store import Conflict
from registrary.registrar.administration import NotFound, NotPossible
from registrary.registrar.services import ATTEMPTS, Services


@dataclass(frozen=True, slots=True)
class IssuerWish:
    """What of an issuer shall become so; None leaves a side as it is."""

    mode: str | None = None
    policies: tuple[RegistrationPolicy, ...] | None = None
    default_policies: tuple[str, ...] | None = None


class IssuerKeeper:
    """Makes and changes issuer records; servers follow them within a second."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def create(self, issuer: Issuer, *, actor: Actor) -> Issuer:
        """Store *issuer*; raises `NotPossible` for a bad address or one that is taken."""
        check_issuer_url(issuer.url, dev=issuer.dev)
        for stored in await self._services.store.issuers():
            # Its log goes on under the address it had first.
            if issuer.url in (stored.url, stored.log_address):
                raise NotPossible("url: is, or was, that of another issuer")
        event = an_event(
            Occasion(issuer.id, self._services.clock.now(), actor),
            Tag.ISSUER_CREATED,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            detail={"url": issuer.url, "mode": issuer.mode.value},
        )
        await self._services.store.commit(Changes(puts=(Put(issuer),), events=(event,)))
        return issuer

    async def change(self, issuer_id: str, wish: IssuerWish, *, actor: Actor) -> Issuer:
        """Change what *wish* names; raises `NotFound` and `NotPossible`."""
        for _ in range(ATTEMPTS):
            stored = await self._services.store.get(Issuer, issuer_id, issuer_id)
            if stored is None:
                raise NotFound("issuer")
            now = self._services.clock.now()
            changed = msgspec.structs.replace(
                _applied(stored, wish), revision=stored.revision + 1, updated_at=now
            )
            event = an_event(
                Occasion(issuer_id, now, actor),
                Tag.ISSUER_UPDATED,
                draw=self._services.draw(EVENT_DRAW_BYTES),
                detail={
                    "mode": changed.mode.value,
                    "policies": [policy.name for policy in changed.policies],
                },
            )
            try:
                await self._services.store.commit(
                    Changes(puts=(Put(changed, expected=stored.revision),), events=(event,))
                )
            except Conflict:
                continue
            return changed
        raise Conflict("issuer")


def check_issuer_url(url: str, *, dev: bool) -> None:
    """Refuse what no issuer identifier may be (RFC 8414 §2); raises `NotPossible`."""
    try:
        check_https_uri(url, loopback_http=dev)
    except FieldError as error:
        raise NotPossible(f"url: {error.rule}") from error
    parts = urlsplit(url)
    if parts.query or parts.fragment or "?" in url or "#" in url or url.endswith("/"):
        raise NotPossible("url: must have no query, fragment or final slash")


def parse_mode(text: str) -> RegistrationMode:
    """Return the mode called *text*; raises `NotPossible`."""
    try:
        return RegistrationMode(text)
    except ValueError as error:
        raise NotPossible("mode: must be open, protected or closed") from error


def parse_rule_set(text: str) -> RuleSet:
    """Return the rule set called *text*; raises `NotPossible`."""
    try:
        return RuleSet(text)
    except ValueError as error:
        raise NotPossible("rule_set: must be rfc9700 or oidf-dynamic") from error


def _applied(issuer: Issuer, wish: IssuerWish) -> Issuer:
    policies = issuer.policies if wish.policies is None else wish.policies
    defaults = issuer.default_policies if wish.default_policies is None else wish.default_policies
    if not set(defaults) <= {policy.name for policy in policies}:
        raise NotPossible("default_policies: must be policies of this issuer")
    return msgspec.structs.replace(
        issuer,
        mode=parse_mode(wish.mode) if wish.mode else issuer.mode,
        policies=policies,
        default_policies=defaults,
    )
