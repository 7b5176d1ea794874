"""Mutual TLS (RFC 8705): clients proved by their certificate, and tokens bound to it."""

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from registrary.authserver.presented import Refusal
from registrary.core.client import Client
from registrary.core.errors import FieldError
from registrary.core.grants import Confirmation
from registrary.core.x509.thumbprints import thumbprint
from registrary.ports.clock import Clock
from registrary.ports.fetcher import FetchRefused
from registrary.ports.remote_keys import RemoteKeys

if TYPE_CHECKING:
    from registrary.core.x509.authorities import Authorities

SUBJECT_MEMBERS: Final = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
NOT_BOUND: Final = Refusal("invalid_request", "tokens of this client need its certificate in TLS")


@dataclass(frozen=True, slots=True)
class CertificateVerifier:
    """Proves clients by the certificate they presented. *authorities* vouch for those of PKI."""

    remote_keys: RemoteKeys
    clock: Clock
    authorities: "Authorities | None" = None

    async def verify(self, client: Client, der: bytes) -> bool:
        """Tell whether *der*, whose key was proved in TLS, is that of *client*.

        What was wrong is not told, as with any other credential.
        """
        match client.metadata.get("token_endpoint_auth_method"):
            case "tls_client_auth":
                return self._is_vouched_for(client, der)
            case "self_signed_tls_client_auth":
                return await self._is_registered(client, der)
            case _:
                return False

    def _is_vouched_for(self, client: Client, der: bytes) -> bool:
        """Tell whether an authority issued it, now valid, to the registered subject (§2.1)."""
        names = [name for name in SUBJECT_MEMBERS if name in client.metadata]
        if self.authorities is None or len(names) != 1:
            return False
        # Imported here: reading certificates costs a tenth of the start-up, and few servers do.
        from registrary.core.x509.certificates import (  # noqa: PLC0415 - see above
            is_named,
            read_certificate,
        )

        try:
            certificate = read_certificate(der)
        except FieldError:
            return False
        (name,) = names
        return is_named(certificate, name, client.metadata[name]) and self.authorities.vouch_for(
            certificate, now=self.clock.now()
        )

    async def _is_registered(self, client: Client, der: bytes) -> bool:
        """Tell whether it is one of those in the client's keys (§2.2); nobody vouches for it.

        Its dates are the client's own affair: whoever replaces the certificate replaces the key.
        """
        url = client.metadata.get("jwks_uri")
        if url is None:
            return _holds(client.metadata.get("jwks"), der)
        try:
            if _holds(await self.remote_keys.keys(url, kid=None), der):
                return True
            # The client may have published another one since (§6.3).
            return _holds(await self.remote_keys.renewed(url), der)
        except FetchRefused:
            return False


def certificate_binding(client: Client, certificate: bytes | None) -> Confirmation | Refusal | None:
    """Return what binds the tokens of *client* to *certificate*, None where nothing is to (§3.4).

    A client that registered for bound tokens gets no others: without a certificate it is refused.
    """
    if not client.metadata.get("tls_client_certificate_bound_access_tokens"):
        return None
    if certificate is None:
        return NOT_BOUND
    return Confirmation(x5t_s256=thumbprint(certificate))


def holds_bound_token(bound_to: str | None, certificate: bytes | None) -> bool:
    """Tell whether who presents *certificate* may use a token bound to ``x5t#S256`` (§3).

    *bound_to* None is a token bound to no certificate.
    """
    if bound_to is None:
        return True
    return certificate is not None and thumbprint(certificate) == bound_to


def _holds(jwks: dict[str, Any] | None, der: bytes) -> bool:  # Any: members are any JSON value
    """Tell whether a key of *jwks* comes with the certificate *der* (RFC 7517 §4.7: the first)."""
    text = base64.b64encode(der).decode()
    keys = () if jwks is None else jwks["keys"]
    return any(key.get("x5c", [None])[0] == text for key in keys)
