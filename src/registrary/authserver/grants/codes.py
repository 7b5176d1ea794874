"""Authorization codes (RFC 6749 §4.1.2): issued with everything that was decided beside them."""

from registrary.authserver.context import ServerContext
from registrary.authserver.opaque_tokens import mint
from registrary.authserver.services import ServerServices
from registrary.core.changes import Changes, Put
from registrary.core.grants import (
    Authorization,
    AuthorizationCode,
    DeviceAuthorization,
    GrantOfPerson,
)
from registrary.core.secrets import Prefix, Secret


async def issue_code(
    services: ServerServices,
    context: ServerContext,
    authorization: Authorization,
    *,
    redirect_uri: str | None,
    code_challenge: str | None,
    dpop_jkt: str | None,
    also: Changes,
) -> Secret:
    """Return a new code for *authorization*, stored in one commit with *also*.

    *redirect_uri* is the one of the request, None when it had none: the token request must say
    the same (RFC 6749 §4.1.3). Raises `Conflict`, and nothing is stored.
    """
    minted = mint(services, Prefix.AUTHORIZATION_CODE)
    now = services.clock.now()
    code = AuthorizationCode(
        issuer=context.id,
        id=minted.id,
        pepper_id=minted.pepper_id,
        mac=minted.mac,
        authorization=authorization,
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        dpop_jkt=dpop_jkt,
        created_at=now,
        expires_at=now + context.issuer.lifetimes.authorization_code,
    )
    await services.store.commit(
        Changes(
            puts=(Put(code), *lead_to(authorization, code), *also.puts),
            events=also.events,
            consumptions=also.consumptions,
            unchanged=also.unchanged,
            deletions=also.deletions,
        )
    )
    return minted.token


def lead_to(
    authorization: Authorization, allowed: AuthorizationCode | DeviceAuthorization
) -> tuple[Put, ...]:
    """Return what leads from the person of *authorization* to what they *allowed*.

    Who disconnects a client ends what it has not redeemed, too.
    """
    if authorization.person is None:
        return ()
    lead = GrantOfPerson(
        issuer=allowed.issuer,
        person=authorization.person,
        client_id=authorization.client_id,
        grant=allowed.id,
        expires_at=allowed.expires_at,
    )
    return (Put(lead),)
