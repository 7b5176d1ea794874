"""Sending somebody to an identity provider, and knowing them when they come back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.provider_metadata import ProviderMetadata
from registrary.authserver.services import ServerServices
from registrary.core.base64url import encode
from registrary.core.changes import Changes, Delete, Put, Unchanged
from registrary.core.people import IdentityProvider, SignInAttempt
from registrary.core.sealing import SEAL_DRAW_BYTES, Place
from registrary.core.secrets import Secret
from registrary.ports.store import Conflict

ATTEMPT_LIFETIME: Final = timedelta(minutes=10)
RETURN_PATH: Final = "/signin/callback"
_RANDOM_BYTES: Final = 32
_DRAW_BYTES: Final = 3 * _RANDOM_BYTES + SEAL_DRAW_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Who leaves: their browser's cookie, where they go on afterwards, and what they typed.

    *request* is the digest of what they are asked about, with its purpose. *max_age* is for how
    many seconds a sign-in there does (OpenID Connect Core §3.1.2.1); None for however long.
    """

    browser: str
    request: str
    return_to: str
    started_at: datetime
    login_hint: str = ""
    max_age: int | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What of an attempt nobody else may know: *nonce* and *verifier*; and what it was about."""

    nonce: str
    verifier: str
    request: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """An attempt that came back to the browser it left; it will not come back again."""

    attempt: SignInAttempt
    kept: Kept


def return_path(provider: IdentityProvider) -> str:
    """Return the path below the issuer to which *provider* sends people back.

    One of its own tells who gave out a code, also where the provider does not (mix-up; RFC 9700
    §4.4.2.2).
    """
    return f"{RETURN_PATH}/{provider.id}" if provider.own_redirect_uri else RETURN_PATH


def return_address(context: ServerContext, provider: IdentityProvider) -> str:
    """Return the redirect URI at which *provider* sends people back."""
    return context.issuer.url + return_path(provider)


class Attempts:
    """Keeps who is on the way; each of them comes back once, within ten minutes."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services

    async def begin(
        self,
        context: ServerContext,
        provider: IdentityProvider,
        metadata: ProviderMetadata,
        *,
        leaving: Departure,
    ) -> str:
        """Return the address at *provider* to send somebody to (OpenID Connect Core §3.1.2.1)."""
        draw = self._services.draw(_DRAW_BYTES)
        state, nonce, verifier = (encode(draw.take(_RANDOM_BYTES)) for _ in range(3))
        now = self._services.clock.now()
        kept = Kept(nonce=nonce, verifier=verifier, request=leaving.request)
        place = _place(context, digest(state))
        attempt = SignInAttempt(
            issuer=context.id,
            state=digest(state),
            provider=provider.id,
            browser=digest(leaving.browser),
            sealed=self._services.secret_keys.sealer().seal(msgspec.json.encode(kept), place, draw),
            return_to=leaving.return_to,
            started_at=leaving.started_at,
            expires_at=now + ATTEMPT_LIFETIME,
        )
        await self._services.store.commit(Changes(puts=(Put(attempt),)))
        parameters = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": return_address(context, provider),
            "scope": provider.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": encode(sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        if leaving.login_hint:
            parameters["login_hint"] = leaving.login_hint
        if leaving.max_age is not None:
            parameters["max_age"] = str(leaving.max_age)
        if leaving.max_age == 0:
            parameters["prompt"] = "login"  # for those who do not know max_age
        return _with_query(metadata.authorization_endpoint, parameters)

    async def end(
        self, context: ServerContext, *, state: Secret, browser: str | None
    ) -> Arrival | None:
        """Return the attempt of *state* if it left with *browser*, once; else None.

        One that another browser brings is not spent by it: whoever left may still come back.
        """
        key = digest(state.reveal())
        attempt = await self._services.store.get(SignInAttempt, context.id, key)
        if attempt is None or attempt.expires_at <= self._services.clock.now():
            return None
        # A state that somebody was made to bring is the attacker's attempt (CVE-2026-27124).
        if browser is None or digest(browser) != attempt.browser:
            return None
        here = Unchanged(attempt.kind, context.id, key, attempt.revision)
        gone = Delete(attempt.kind, context.id, key)
        try:
            await self._services.store.commit(Changes(unchanged=(here,), deletions=(gone,)))
        except Conflict:
            return None
        plain = self._services.secret_keys.sealer().unseal(attempt.sealed, _place(context, key))
        return Arrival(attempt, msgspec.json.decode(plain, type=Kept))


def digest(text: str) -> str:
    """Return how a random *text* is kept: nobody gets it back out of the store."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _place(context: ServerContext, state: str) -> Place:
    return Place(SignInAttempt.kind, "sealed", context.id, state)


def _with_query(address: str, parameters: dict[str, str]) -> str:
    # RFC 6749 §3.1: a query that the endpoint has is retained.
    joint = "&" if urlsplit(address).query else "?"
    return f"{address}{joint}{urlencode(parameters)}"
