"""Our client secrets at identity providers, which must be read back to be used."""

from registrary.authserver.people.services import PeopleServices
from registrary.core.entropy import Draw
from registrary.core.people import IdentityProvider
from registrary.core.sealing import Place
from registrary.core.secrets import Secret


def sealed_secret(
    services: PeopleServices, issuer: str, provider: str, *, secret: Secret, draw: Draw
) -> bytes:
    """Return *secret* as it is kept with *provider*; takes `SEAL_DRAW_BYTES` of *draw*."""
    sealer = services.secret_keys.sealer()
    return sealer.seal(secret.reveal().encode(), _place(issuer, provider), draw)


def unsealed_secret(services: PeopleServices, provider: IdentityProvider) -> Secret | None:
    """Return our client secret at *provider*, None where we are a public client there."""
    if provider.sealed_secret is None:
        return None
    place = _place(provider.issuer, provider.id)
    return Secret(services.secret_keys.sealer().unseal(provider.sealed_secret, place).decode())


def _place(issuer: str, provider: str) -> Place:
    return Place(IdentityProvider.kind, "sealed_secret", issuer, provider)
