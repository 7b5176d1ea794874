"""openid-client decrypts what the server encrypts to it: a second opinion on what we encrypt."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.interop.signing_in import PersonWay, SignIn

SCRIPT = "openid_client_encrypted.mjs"


@dataclass(frozen=True, slots=True)
class EncryptedWay(PersonWay):
    """How a client has everything encrypted to its key."""

    key_alg: str = "ECDH-ES"
    enc: str = "A128CBC-HS256"

    def metadata(self) -> dict[str, Any]:
        """Return what the client asks for, but for its keys."""
        answers = ("id_token", "userinfo", "authorization", "introspection")
        algorithms = {
            f"{answer}_{name}": value
            for answer in answers
            for name, value in (
                ("signed_response_alg", "ES256"),
                ("encrypted_response_alg", self.key_alg),
                ("encrypted_response_enc", self.enc),
            )
        }
        return PersonWay.metadata(self) | algorithms

    def plan(self) -> dict[str, Any]:
        """Return what the script is told of this way."""
        return PersonWay.plan(self) | {"alg": self.key_alg, "enc": self.enc}


@pytest.mark.parametrize(
    ("key_alg", "enc"),
    [
        ("ECDH-ES", "A128CBC-HS256"),
        ("ECDH-ES", "A256CBC-HS512"),
        ("ECDH-ES", "A128GCM"),
        ("ECDH-ES", "A256GCM"),
        ("ECDH-ES+A128KW", "A128GCM"),
        ("ECDH-ES+A256KW", "A256CBC-HS512"),
        ("RSA-OAEP-256", "A128CBC-HS256"),
        ("RSA-OAEP-256", "A256GCM"),
    ],
)
def test_everything_is_encrypted_and_understood(sign_in: SignIn, key_alg, enc):
    """Authorization response, ID token, userinfo and introspection, each signed and encrypted."""
    way = EncryptedWay(f"{key_alg} with {enc}", key_alg=key_alg, enc=enc)

    journey = sign_in(SCRIPT, way, "encrypted")

    tokens = journey.result("finish")
    subject = tokens["claims"]["sub"]
    assert [5, 5] == [
        len(journey.result("arrive")["url"].partition("response=")[2].split(".")),
        len(tokens["id_token"].split(".")),
    ]
    assert [subject, subject] == [
        journey.result("userinfo")["sub"],
        journey.result("introspect")["sub"],
    ]
