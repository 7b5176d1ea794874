"""The keys that verify the audit log of an issuer, as checkpoints name them."""

from typing import Any

from registrary.audit.checkpoint import ED25519, VerifierKey, log_origin
from registrary.core import base64url
from registrary.core.issuer import Issuer
from registrary.core.signing_key import KeyUse
from registrary.ports.keys import Signer


async def verifier_keys(signer: Signer, issuer: Issuer) -> list[VerifierKey]:
    """Return the keys that checkpoints of *issuer* may be signed with, now and ever since."""
    jwks = await signer.public_jwks(issuer.id, use=KeyUse.AUDIT)
    return [verifier_key(issuer, key) for key in jwks["keys"]]


def verifier_key(issuer: Issuer, jwk: dict[str, Any]) -> VerifierKey:  # Any: members of a JWK
    """Return an Ed25519 *jwk* as checkpoints name it."""
    return VerifierKey(log_origin(issuer.log_address), ED25519, base64url.decode(jwk["x"]))
