"""What a client may know of a person now (OpenID Connect Core §5.3)."""

from dataclasses import dataclass
from typing import Final

import msgspec

from registrary.authserver.client_encryption import ClientEncryption
from registrary.authserver.context import ServerContext
from registrary.authserver.people.claims import claims_for
from registrary.authserver.services import ServerServices
from registrary.authserver.token_reading import LiveToken
from registrary.core.grants import Grant
from registrary.core.people import Person

PLAIN: Final = "application/json"
SIGNED: Final = "application/jwt"
OPENID: Final = "openid"


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as the client registered to get it."""

    media_type: str
    body: str

    def __repr__(self) -> str:
        """Keep what is told of people out of logs and tracebacks."""
        return f"Told({self.media_type})"


@dataclass(frozen=True, slots=True)
class UserInfo:
    """Tells clients about people, plainly, signed or encrypted."""

    services: ServerServices

    async def tell(self, context: ServerContext, live: LiveToken) -> Told | None:
        """Return the claims that the token of *live* opens, None when it opens none.

        Raises `NoSigningKey` and `NoClientKey`.
        """
        if OPENID not in live.token.scope or live.person is None or live.grant is None:
            return None
        claims = _claims(live, live.grant, live.person)
        client, encryption = live.client, ClientEncryption(self.services)
        alg = client.metadata.get("userinfo_signed_response_alg")
        if alg is not None:
            # §5.3.2: whom it is from and for, so that it is no answer to somebody else.
            signed = claims | {"iss": context.issuer.url, "aud": client.client_id}
            jwt = await self.services.signer.sign_jwt(context.id, signed, alg=alg, typ="JWT")
            return Told(SIGNED, await encryption.apply(client, jwt, what="userinfo"))
        text = msgspec.json.encode(claims).decode()
        body = await encryption.apply(client, text, what="userinfo", is_jwt=False)
        return Told(PLAIN if body == text else SIGNED, body)


def _claims(live: LiveToken, grant: Grant, person: Person) -> dict[str, object]:
    authorization = grant.authorization
    return claims_for(
        person,
        live.token.scope,
        requested=authorization.claims.get("userinfo") or {},
        subject=authorization.subject,
    )
