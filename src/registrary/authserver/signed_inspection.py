"""Introspection answers as JWTs (RFC 9701), for those who have to prove what they were told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from registrary.authserver.client_encryption import ClientEncryption
from registrary.authserver.context import ServerContext
from registrary.authserver.services import ServerServices
from registrary.core.client import Client

ANSWER_TYPE: Final = "token-introspection+jwt"
DEFAULT_ALG: Final = "RS256"


@dataclass(frozen=True, slots=True)
class SignedAnswers:
    """Signs what introspection says, and encrypts it to callers that registered for that."""

    services: ServerServices

    async def sign(
        self,
        context: ServerContext,
        caller: Client,
        known: Mapping[str, Any],  # Any: claims are JSON values of every kind
    ) -> str:
        """Return *known* as a JWT for *caller* alone. Raises `NoSigningKey` and `NoClientKey`."""
        claims = {
            "iss": context.issuer.url,
            "aud": caller.client_id,
            "iat": self.services.clock.now(),
            # §5: apart from the claims of this answer, which are of another kind.
            "token_introspection": known,
        }
        alg = caller.metadata.get("introspection_signed_response_alg", DEFAULT_ALG)
        jwt = await self.services.signer.sign_jwt(context.id, claims, alg=alg, typ=ANSWER_TYPE)
        return await ClientEncryption(self.services).apply(caller, jwt, what="introspection")
