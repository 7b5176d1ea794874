"""Making and changing issuers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec

from registrary.core.addresses import Networks
from registrary.core.changes import Changes, Put
from registrary.core.errors import FieldError
from registrary.core.events import Actor, FieldChange, Tag
from registrary.core.issuer import Issuer, RegistrationMode, RegistrationPolicy, RuleSet
from registrary.core.issuer_address import address_of, check_free_path, check_spelling
from registrary.core.metadata import parsers
from registrary.core.uris import check_https_uri
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.store import Conflict
from registrary.registrar.administration import NotFound, NotPossible, Stale
from registrary.registrar.ceilings import LONGEST_LIFETIME, check_ceilings
from registrary.registrar.services import ATTEMPTS, Services

_DAY: Final = timedelta(days=1)
_LONGEST: Final = {
    # A resource server may take a token for as long as it lasts, whatever happens meanwhile.
    "access_token": _DAY,
    "id_token": _DAY,
    "registration_access_token_overlap": _DAY,
    # A code passes through browsers and their histories (RFC 6749 §4.1.2).
    "authorization_code": timedelta(minutes=10),
    "pushed_request": timedelta(minutes=10),
    "device_code": timedelta(hours=1),
    "refresh_token_retry": timedelta(minutes=1),
}
SWITCHES: Final = ("strict_authentication_method", "clients_may_register", "people_may_register")
"""Members of an issuer that are on or off."""
_MAY_BE_NOTHING: Final = frozenset(
    {"client_secret_overlap", "registration_access_token_overlap", "refresh_token_retry"}
)


@dataclass(frozen=True, slots=True)
class IssuerWish:
    """What of an issuer shall become so; None leaves a side as it is.

    *limits*, *lifetimes* and *switches* hold the members that change, by their names in
    `core.issuer`.
    """

    mode: str | None = None
    policies: tuple[RegistrationPolicy, ...] | None = None
    default_policies: tuple[str, ...] | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)  # Any: numbers, and lists of texts
    lifetimes: Mapping[str, timedelta | None] = field(default_factory=dict)
    authorization_details_types: tuple[str, ...] | None = None
    switches: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewIssuer:
    """An issuer to make: its address, and how it takes registrations."""

    url: str
    mode: str
    rule_set: str


def issuer_id(url: str) -> str:
    """Return the id of the issuer at *url*; the same in every process that starts at once."""
    return sha256(url.encode()).hexdigest()[:10]


class IssuerKeeper:
    """Makes and changes issuer records; servers follow them within a second."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def create(self, wanted: NewIssuer, *, like: Issuer, actor: Actor) -> Issuer:
        """Store a new issuer with the scopes and lifetimes of *like*.

        Raises `NotPossible` for a bad address or one that is taken.
        """
        issuer = self._made(wanted, like)
        check_issuer_url(issuer.url, dev=issuer.dev)
        await self._check_free(issuer.url)
        event = an_event(
            Occasion(issuer.id, issuer.created_at, actor),
            Tag.ISSUER_CREATED,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            detail={"url": issuer.url, "mode": issuer.mode.value},
        )
        await self._services.store.commit(Changes(puts=(Put(issuer),), events=(event,)))
        return issuer

    async def change(
        self, issuer_id: str, wish: IssuerWish, *, actor: Actor, expected: int | None = None
    ) -> Issuer:
        """Change what *wish* names, if the issuer is at the revision *expected* (None: any).

        Raises `NotFound`, `NotPossible`, and `Stale` for another revision.
        """

        def apply(issuer: Issuer) -> Issuer:
            return _applied(issuer, wish)

        return await self.amend(issuer_id, apply, actor=actor, expected=expected)

    async def amend(
        self,
        issuer_id: str,
        apply: Callable[[Issuer], Issuer],
        *,
        actor: Actor,
        expected: int | None = None,
    ) -> Issuer:
        """Store what *apply* makes of the issuer, again when somebody else wrote meanwhile.

        Raises as `change` does, and whatever *apply* raises.
        """
        for _ in range(ATTEMPTS):
            stored = await self._services.store.get(Issuer, issuer_id, issuer_id)
            if stored is None:
                raise NotFound("issuer")
            if expected is not None and stored.revision != expected:
                raise Stale
            now = self._services.clock.now()
            changed = msgspec.structs.replace(
                apply(stored), revision=stored.revision + 1, updated_at=now
            )
            event = an_event(
                Occasion(issuer_id, now, actor),
                Tag.ISSUER_UPDATED,
                draw=self._services.draw(EVENT_DRAW_BYTES),
                changes=_changes(stored, changed),
            )
            try:
                await self._services.store.commit(
                    Changes(puts=(Put(changed, expected=stored.revision),), events=(event,))
                )
            except Conflict:
                continue
            return changed
        raise Conflict("issuer")

    async def _check_free(self, url: str) -> None:
        """Refuse an address at which requests could reach another issuer."""
        wanted = address_of(url)
        for stored in await self._services.store.issuers():
            if wanted.collides(address_of(stored.url)):
                raise NotPossible("url: is that of another issuer, or an address of its own")

    def _made(self, wanted: NewIssuer, like: Issuer) -> Issuer:
        now = self._services.clock.now()
        return msgspec.structs.replace(
            like,
            id=issuer_id(wanted.url),
            url=wanted.url,
            log_url=None,
            revision=1,
            mode=parse_mode(wanted.mode),
            rule_set=parse_rule_set(wanted.rule_set),
            policies=(),
            default_policies=(),
            created_at=now,
            updated_at=now,
        )


def check_issuer_url(url: str, *, dev: bool) -> None:
    """Refuse what no issuer identifier may be (RFC 8414 §2); raises `NotPossible`."""
    try:
        check_https_uri(url, loopback_http=dev)
        check_spelling(url)
        check_free_path(url)
    except FieldError as error:
        raise NotPossible(f"url: {error.rule}") from error


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
    names = [policy.name for policy in policies]
    if len(set(names)) != len(names):
        raise NotPossible("policies: must have different names")
    if not set(defaults) <= set(names):
        raise NotPossible("default_policies: must be policies of this issuer")
    check_ceilings(policies if wish.policies else (), issuer)
    _check_networks(wish.limits.get("networks", ()))
    for name, lifetime in wish.lifetimes.items():
        _check_lifetime(name, lifetime)
    return msgspec.structs.replace(
        issuer,
        mode=issuer.mode if wish.mode is None else parse_mode(wish.mode),
        policies=policies,
        default_policies=defaults,
        limits=msgspec.structs.replace(issuer.limits, **wish.limits),
        lifetimes=msgspec.structs.replace(issuer.lifetimes, **wish.lifetimes),
        authorization_details_types=(
            issuer.authorization_details_types
            if wish.authorization_details_types is None
            else _types(wish.authorization_details_types)
        ),
        **wish.switches,
    )


def _types(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return *names* as types of authorization details (RFC 9396 §2); raises `NotPossible`."""
    try:
        return tuple(dict.fromkeys(parsers.identifier(name) for name in names))
    except FieldError as error:
        raise NotPossible(f"authorization_details_types: {error.rule}") from error


def _check_networks(networks: tuple[str, ...]) -> None:
    try:
        Networks.parse(networks)
    except FieldError as error:
        raise NotPossible(f"limits: networks: {error.rule}") from error


def _check_lifetime(name: str, lifetime: timedelta | None) -> None:
    if lifetime is None:
        return  # of client secrets alone: for ever
    if lifetime < timedelta(0) or not (lifetime or name in _MAY_BE_NOTHING):
        raise NotPossible(f"lifetimes: {name}: must be longer than nothing")
    longest = _LONGEST.get(name, LONGEST_LIFETIME)
    if lifetime > longest:
        told = f"{longest.days}d" if longest.days else f"{longest.seconds // 60}m"
        raise NotPossible(f"lifetimes: {name}: must not be longer than {told}")


def _changes(before: Issuer, after: Issuer) -> dict[str, FieldChange]:
    old, new = _told(before), _told(after)
    return {
        name: FieldChange(old[name], new[name], "administrator")
        for name in old
        if old[name] != new[name]
    }


def _told(issuer: Issuer) -> dict[str, Any]:  # Any: JSON, as it stands in events
    """Return the members that may change, every value said, defaults too."""
    return {
        "mode": issuer.mode.value,
        "policies": msgspec.to_builtins(issuer.policies),
        "default_policies": list(issuer.default_policies),
        "limits": msgspec.to_builtins(msgspec.structs.asdict(issuer.limits)),
        "lifetimes": msgspec.to_builtins(msgspec.structs.asdict(issuer.lifetimes)),
        "scopes": msgspec.to_builtins(issuer.scopes),
        "resources": msgspec.to_builtins(issuer.resources),
        "authorization_details_types": list(issuer.authorization_details_types),
        **{name: getattr(issuer, name) for name in SWITCHES},
    }
