"""What an identity provider says of somebody, once they brought its code."""

import logging
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from registrary.authserver.context import ServerContext
from registrary.authserver.people.attempts import Kept, return_address
from registrary.authserver.people.provider_metadata import ProviderMetadata, ProviderUnusable
from registrary.authserver.people.provider_secrets import unsealed_secret
from registrary.authserver.services import ServerServices
from registrary.core.jose import Claims, JoseError, UnknownKey, parse_jws
from registrary.core.jose.id_token import IdTokenRules, verify_id_token
from registrary.core.people import IdentityProvider
from registrary.core.secrets import Secret
from registrary.core.strict_json import JsonError, parse_object
from registrary.ports.exchanger import TOKEN_ENDPOINT, USERINFO_ENDPOINT, Question
from registrary.ports.fetcher import FetchPurpose, FetchRefused

_OK: Final = 200
_log: Final = logging.getLogger("registrary.people")


@dataclass(frozen=True, slots=True)
class Brought:
    """A code that somebody brought from *provider*, and what of their leaving was *kept*."""

    provider: IdentityProvider
    metadata: ProviderMetadata
    kept: Kept
    code: Secret


@dataclass(frozen=True, slots=True)
class _Tokens:
    """What the provider gave for the code."""

    id_token: str
    access_token: Secret | None


class ProviderTokens:
    """Redeems codes at providers, as a client of theirs (OpenID Connect Core §3.1.3)."""

    def __init__(self, services: ServerServices, context: ServerContext) -> None:
        self._services = services
        self._context = context

    async def claims(self, brought: Brought) -> Mapping[str, Any]:  # Any: JSON values
        """Return what the provider says of whoever brought the code; ``sub`` is among it.

        Raises `ProviderUnusable` for an answer that proves nothing.
        """
        tokens = await self._redeemed(brought)
        claims = await self._judged(brought, tokens)
        more = await self._userinfo(brought, tokens, subject=claims.members["sub"])
        # What was signed goes before what was not.
        return {**more, **claims.members}

    async def _redeemed(self, brought: Brought) -> _Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": brought.code.reveal(),
            "redirect_uri": return_address(self._context, brought.provider),
            "code_verifier": brought.kept.verifier,
        }
        question = self._authenticated(brought, form)
        answer = await self._asked(
            brought.metadata.token_endpoint, question, purpose=TOKEN_ENDPOINT
        )
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(id_token, str):
            raise ProviderUnusable("the token endpoint gave no ID token")
        is_there = isinstance(access_token, str)
        return _Tokens(id_token, Secret(str(access_token)) if is_there else None)

    def _authenticated(self, brought: Brought, form: dict[str, str]) -> Question:
        """Return *form* as the provider takes it from us (RFC 6749 §2.3.1)."""
        provider, secret = brought.provider, unsealed_secret(self._services, brought.provider)
        methods = brought.metadata.token_endpoint_auth_methods
        if secret is None:
            form |= {"client_id": provider.client_id}
        elif "client_secret_basic" not in methods and "client_secret_post" in methods:
            form |= {"client_id": provider.client_id, "client_secret": secret.reveal()}
        else:
            pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret.reveal())}"
            basic = f"Basic {b64encode(pair.encode()).decode()}"
            return Question(basic, body=urlencode(form).encode())
        return Question(body=urlencode(form).encode())

    async def _judged(self, brought: Brought, tokens: _Tokens) -> Claims:
        """Return the claims of the ID token; keys that are not known yet are fetched once."""
        metadata = brought.metadata
        rules = IdTokenRules(
            issuer=metadata.issuer,
            client_id=brought.provider.client_id,
            algorithms=metadata.algorithms,
            nonce=brought.kept.nonce,
            access_token=tokens.access_token,
        )
        now, keys = self._services.clock.now(), self._services.remote_keys
        try:
            kid = parse_jws(tokens.id_token).kid
            known = await keys.keys(metadata.jwks_uri, kid=kid)
            try:
                return verify_id_token(tokens.id_token, known, rules, now=now)
            except UnknownKey:
                renewed = await keys.renewed(metadata.jwks_uri)
                return verify_id_token(tokens.id_token, renewed, rules, now=now)
        except JoseError as error:
            raise ProviderUnusable(f"the ID token: {error}") from error
        except FetchRefused as refused:
            raise ProviderUnusable(f"jwks_uri: {refused.refusal}") from refused

    async def _userinfo(
        self, brought: Brought, tokens: _Tokens, *, subject: str
    ) -> Mapping[str, Any]:  # Any: claims are JSON values of every kind
        """Return what the userinfo endpoint says of *subject*; nothing where it says nothing."""
        address = brought.metadata.userinfo_endpoint
        if address is None or tokens.access_token is None:
            return {}
        question = Question(f"Bearer {tokens.access_token.reveal()}")
        try:
            told = await self._asked(address, question, purpose=USERINFO_ENDPOINT)
        except ProviderUnusable as error:
            # The ID token has proved who it is; what else is known of them can wait.
            _log.warning("provider %s: %s", brought.provider.id, error)
            return {}
        # §5.3.4: another sub is somebody else's.
        return told if told.get("sub") == subject else {}

    async def _asked(
        self, address: str, question: Question, *, purpose: FetchPurpose
    ) -> dict[str, Any]:  # Any: members are JSON values of every kind
        try:
            reply = await self._services.exchanger.ask(address, question, purpose=purpose)
            answer = parse_object(reply.body)
        except FetchRefused as refused:
            raise ProviderUnusable(f"{purpose.name}: {refused.refusal}") from refused
        except JsonError as error:
            raise ProviderUnusable(f"{purpose.name}: the answer {error.rule}") from error
        if reply.status != _OK:
            raise ProviderUnusable(f"{purpose.name}: {reply.status} {_word(answer.get('error'))}")
        return answer


def _word(error: object) -> str:
    """Return an error code for a log, if it looks like one."""
    is_code = isinstance(error, str) and error.isascii() and error.replace("_", "").isalnum()
    return str(error)[:40] if is_code else ""
