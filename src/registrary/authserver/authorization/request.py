"""An authorization request that was judged: everything in it may be asked by its client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registrary.authserver.authorization.way_back import WayBack
from registrary.core.client import Client
from registrary.core.grants import PushedRequest

Values = Mapping[str, Sequence[str]]
"""Parameters by name, as they came: in the address, pushed, or in a request object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the parameters of a request came from, as far as rules depend on it.

    *pushed* is the record of a pushed request, None while it is being pushed and for any other.
    *dpop_jkt* is the key proved at its pushing. A person has to come before *good_until*; None
    leaves them all the time.
    """

    is_pushed: bool = False
    pushed: PushedRequest | None = None
    is_signed: bool = False
    dpop_jkt: str | None = None
    good_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What a client asks of a person.

    *response_type* are its words. *redirect_uri* is as sent, None when left out. *scope* and
    *resources* are already what the client may have of what it asked. *claims* has ``id_token``
    and ``userinfo`` at most; *claim_scopes* are scopes that cover what they tell of the person and
    that were not asked for by name. *max_age* is in seconds.
    """

    client: Client
    way_back: WayBack
    source: Source
    response_type: frozenset[str]
    redirect_uri: str | None
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    authorization_details: tuple[dict[str, Any], ...]  # Any: JSON, whose type the `type` says
    claims: dict[str, Any]  # Any: JSON (OpenID Connect Core §5.5)
    claim_scopes: tuple[str, ...]
    nonce: str | None
    code_challenge: str | None
    dpop_jkt: str | None
    prompt: frozenset[str]
    max_age: int | None
    login_hint: str
    id_token_hint: str | None
    acr_values: tuple[str, ...]
    essential_acr: tuple[str, ...]

    @property
    def decided_scope(self) -> tuple[str, ...]:
        """Return everything a person decides about, by the names of scopes."""
        return self.scope + self.claim_scopes

    @property
    def is_silent(self) -> bool:
        """Tell whether no page may be shown (Core §3.1.2.1)."""
        return "none" in self.prompt

    @property
    def is_openid(self) -> bool:
        """Tell whether an ID token is asked for."""
        return "openid" in self.scope
