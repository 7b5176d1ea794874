"""A device that makes and uses passkeys, as a browser reports it."""

import hashlib
import json
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from registrary.core.base64url import decode, encode

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


class Authenticator:
    """One passkey; *flags* are what the device says of the person and itself (WebAuthn §6.1)."""

    def __init__(self, *, origin: str, host: str, flags: int = PRESENT | VERIFIED):
        self.origin = origin
        self.host = host
        self.flags = flags
        self.count = 0
        self.id = hashlib.sha256(b"credential").digest()
        self.user = b""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: str) -> str:
        """Return what the browser gives for PublicKeyCredentialCreationOptions."""
        given = json.loads(options)
        self.user = decode(given["user"]["id"])
        client_data = self._client_data("webauthn.create", given["challenge"])
        numbers = self._key.public_key().public_numbers()
        key = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(key)
        data = self._data(self.flags | ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            {"clientDataJSON": encode(client_data), "attestationObject": encode(attestation)}
        )

    def get(self, options: str, **changes: Any) -> str:  # Any: members of the answer
        """Return what the browser gives for PublicKeyCredentialRequestOptions."""
        self.count += 1
        client_data = self._client_data("webauthn.get", json.loads(options)["challenge"])
        data = self._data(self.flags)
        signed = data + hashlib.sha256(client_data).digest()
        response = {
            "clientDataJSON": encode(client_data),
            "authenticatorData": encode(data),
            "signature": encode(self._key.sign(signed, ec.ECDSA(SHA256()))),
            "userHandle": encode(self.user),
        }
        return self._answer(response | changes)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _data(self, flags: int) -> bytes:
        host = hashlib.sha256(self.host.encode()).digest()
        return host + bytes([flags]) + self.count.to_bytes(4, "big")

    def _answer(self, response: dict[str, Any]) -> str:  # Any: members are JSON
        credential = {"id": encode(self.id), "rawId": encode(self.id), "type": "public-key"}
        return json.dumps(credential | {"response": response, "clientExtensionResults": {}})
