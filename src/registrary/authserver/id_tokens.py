"""Issuing ID tokens (OpenID Connect Core §2, §3.1.3.6, §3.3.2.11)."""

from dataclasses import dataclass
from typing import Any, Final

from registrary.authserver.client_encryption import ClientEncryption
from registrary.authserver.context import ServerContext
from registrary.authserver.people.claims import claims_for
from registrary.authserver.services import ServerServices
from registrary.core.client import Client
from registrary.core.grants import Authorization
from registrary.core.jose import numeric_date
from registrary.core.jose.hashes import left_half_hash
from registrary.core.jose.unsigned import unsigned_jwt
from registrary.core.people import Person

ID_TOKEN_TYPE: Final = "JWT"
DEFAULT_ALG: Final = "RS256"
UNSIGNED: Final = "none"

Claims = dict[str, Any]  # Any: claims are JSON values of every kind


@dataclass(frozen=True, slots=True)
class IdTokens:
    """Issues ID tokens as each client registered for them."""

    services: ServerServices

    async def issue(
        self,
        context: ServerContext,
        client: Client,
        authorization: Authorization,
        *,
        person: Person,
        access_token: str | None = None,
        code: str | None = None,
        state: str | None = None,
    ) -> str:
        """Return the ID token that tells *client* who *person* is.

        It vouches for what is issued beside it: *access_token*, *code*, and the *state* of the
        request. Raises `NoSigningKey` and `NoClientKey`.
        """
        claims = self._claims(context, client, authorization) | claims_for(
            person,
            # §5.4: who has an access token asks the UserInfo endpoint for these.
            authorization.scope if access_token is None and code is None else (),
            requested=authorization.claims.get("id_token") or {},
            subject=authorization.subject,
        )
        alg = client.metadata.get("id_token_signed_response_alg", DEFAULT_ALG)
        beside = {"at_hash": access_token, "c_hash": code, "s_hash": state}
        if alg == UNSIGNED:
            token = unsigned_jwt(claims)
        else:
            hashes = {name: left_half_hash(text, alg=alg) for name, text in beside.items() if text}
            token = await self.services.signer.sign_jwt(
                context.id, claims | hashes, alg=alg, typ=ID_TOKEN_TYPE
            )
        return await ClientEncryption(self.services).apply(client, token, what="id_token")

    def _claims(
        self, context: ServerContext, client: Client, authorization: Authorization
    ) -> Claims:
        """Return who signed in, when and how, in the words of Core §2."""
        now = self.services.clock.now()
        auth_time = authorization.auth_time
        claims: Claims = {
            "iss": context.issuer.url,
            "sub": authorization.subject,
            "aud": client.client_id,
            "iat": numeric_date(now),
            "exp": numeric_date(now + context.issuer.lifetimes.id_token),
            "auth_time": None if auth_time is None else numeric_date(auth_time),
            "nonce": authorization.nonce,
            "acr": authorization.acr,
            "amr": list(authorization.amr) or None,
            "sid": authorization.session_id,
        }
        return {name: value for name, value in claims.items() if value is not None}
