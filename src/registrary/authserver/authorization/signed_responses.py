"""Authorization responses as one signed JWT (JARM §2.1)."""

from datetime import timedelta
from typing import Final

from registrary.authserver.authorization.way_back import Fields
from registrary.authserver.client_encryption import ClientEncryption
from registrary.authserver.context import ServerContext
from registrary.authserver.services import ServerServices
from registrary.core.client import Client

LIFETIME: Final = timedelta(minutes=10)  # the specification's own recommendation
DEFAULT_ALG: Final = "RS256"


async def signed_fields(
    services: ServerServices, context: ServerContext, client: Client, *, fields: Fields
) -> Fields:
    """Return *fields* as the one parameter ``response``, encrypted if *client* wants that.

    Raises `NoSigningKey` and `NoClientKey`.
    """
    claims: dict[str, object] = dict(fields)
    claims |= {
        "iss": context.issuer.url,
        "aud": client.client_id,
        "exp": services.clock.now() + LIFETIME,
    }
    alg = client.metadata.get("authorization_signed_response_alg", DEFAULT_ALG)
    token = await services.signer.sign_jwt(context.id, claims, alg=alg, typ="JWT")
    token = await ClientEncryption(services).apply(client, token, what="authorization")
    return [("response", token)]
