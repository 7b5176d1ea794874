"""What use cases know of an issuer, from its record and from where it is served."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from registrary.authserver.context import ServerContext
from registrary.config import Settings
from registrary.config.checks import sees_certificates
from registrary.core.issuer import Issuer
from registrary.core.issuer_address import address_of
from registrary.core.metadata import Feature, Offer, offer_for
from registrary.registrar.context import IssuerContext


@dataclass(frozen=True, slots=True)
class Deployment:
    """What an operator's settings add to every issuer.

    *features* are those that need more than this program. *mtls_hosts* maps the host of an issuer
    to the one where its callers are asked for certificates (RFC 8705 §5).
    """

    features: frozenset[Feature] = frozenset()
    mtls_hosts: tuple[tuple[str, str], ...] = ()

    def mtls_url(self, issuer: Issuer) -> str | None:
        """Return where *issuer* asks for certificates, None when that is nowhere else."""
        host = dict(self.mtls_hosts).get(address_of(issuer.url).host)
        return None if host is None else f"https://{host}{urlsplit(issuer.url).path}"


FEATURES: Final = frozenset(
    {
        Feature.AUTHORIZATION_DETAILS,
        Feature.BACKCHANNEL_LOGOUT,
        Feature.DEVICE_GRANT,
        Feature.DPOP,
        Feature.ENCRYPTED_REQUESTS,
        Feature.ENCRYPTION,
        Feature.FRONTCHANNEL_LOGOUT,
        Feature.JWT_BEARER_GRANT,
        Feature.LOGOUT,
        Feature.PUSHED_REQUESTS,
        Feature.REQUEST_OBJECTS,
        Feature.SIGNED_INTROSPECTION,
        Feature.SIGNED_REQUESTS,
        Feature.SIGNED_RESPONSES,
        Feature.SIGNED_USERINFO,
        Feature.TOKEN_EXCHANGE,
    }
)
"""What every issuer offers beside what its rule set demands."""

NOTHING_ADDED: Final = Deployment()


def deployment_of(settings: Settings, url: str) -> Deployment:
    """Return what *settings* add; *url* is the first issuer's, whose host has the other name."""
    http = settings.http
    features = set()
    if sees_certificates(http):
        features.add(Feature.MUTUAL_TLS)
        if http.tls_client_authorities is not None:
            features.add(Feature.CLIENT_AUTHORITIES)
    hosts = () if http.mtls_host is None else ((address_of(url).host, http.mtls_host),)
    return Deployment(frozenset(features), hosts)


def offer_of(issuer: Issuer, deployment: Deployment = NOTHING_ADDED) -> Offer:
    """Return what *issuer* offers; to a developer also documents of plain http on this machine."""
    return offer_for(
        issuer.rule_set.value,
        issuer.scopes,
        features=FEATURES | deployment.features,
        loopback_http=issuer.dev,
        authorization_details_types=issuer.authorization_details_types,
    )


def context_of(issuer: Issuer, deployment: Deployment = NOTHING_ADDED) -> IssuerContext:
    """Return what use cases know of *issuer*."""
    return IssuerContext(
        issuer=issuer,
        offer=offer_of(issuer, deployment),
        registration_endpoint=f"{issuer.url}/register",
    )


def server_context_of(issuer: Issuer, deployment: Deployment = NOTHING_ADDED) -> ServerContext:
    """Return what the authorization server knows of *issuer*."""
    return ServerContext(
        issuer=issuer,
        offer=offer_of(issuer, deployment),
        token_endpoint=f"{issuer.url}/token",
        mtls_url=deployment.mtls_url(issuer),
    )
