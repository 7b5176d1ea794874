"""Whom an ``id_token_hint`` names (OpenID Connect Core §3.1.2.1)."""

from typing import Final

from registrary.authserver.authorization.failing import RequestRefused
from registrary.authserver.context import ServerContext
from registrary.core.client import Client
from registrary.core.jose import JoseError
from registrary.core.jose.claims import audiences_of
from registrary.core.jose.id_token import read_id_token_hint
from registrary.ports.keys import Signer

FIELD: Final = "id_token_hint"
ALGORITHMS: Final = ("ES256", "RS256", "EdDSA")


async def hinted_subject(
    signer: Signer, context: ServerContext, client: Client, *, hint: str
) -> str:
    """Return the ``sub`` of an ID token that this issuer made for *client*, expired or not.

    Raises `RequestRefused` for anything else. An unsigned one names nobody: anybody could have
    written it.
    """
    keys = await signer.public_jwks(context.id)
    try:
        members = read_id_token_hint(hint, keys, issuer=context.issuer.url, algorithms=ALGORITHMS)
        audiences = audiences_of(members)
    except JoseError as error:
        raise _refused("must be an ID token of this issuer") from error
    if client.client_id not in audiences:
        raise _refused("must be an ID token for this client")
    subject = members.get("sub")
    if not isinstance(subject, str):
        raise _refused("must name somebody")
    return subject


def _refused(rule: str) -> RequestRefused:
    return RequestRefused("invalid_request", FIELD, rule)
