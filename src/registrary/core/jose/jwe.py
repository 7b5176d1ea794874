"""Compact JWE (RFC 7516): encrypted to a client's public key, decrypted with one of our own.

Written on the primitives of `cryptography`: it is a few functions, and a second library in the
path of every token would be one more to trust. The tests hold it against another library.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import load_der_private_key

from registrary.core.base64url import decode, encode
from registrary.core.entropy import Draw
from registrary.core.errors import FieldError
from registrary.core.jose.content_encryption import CONTENT_ENCRYPTIONS, Sealed
from registrary.core.jose.errors import JoseError
from registrary.core.jose.jws import parse_header
from registrary.core.jose.key_agreement import (
    AGREEMENT_DRAW_BYTES,
    AgreementKey,
    Parties,
    agreement_jwk,
    curve_of,
    derived_key,
    ephemeral_key,
    shared_secret,
)
from registrary.core.jwk import select_keys
from registrary.core.jwk.members import Jwk, check_public_key
from registrary.core.jwk.objects import load_public_key

MAX_JWE_CHARACTERS: Final = 32_768
MAX_CANDIDATES: Final = 4  # own keys tried for a token that does not name its key
ENCRYPT_DRAW_BYTES: Final = AGREEMENT_DRAW_BYTES + 64 + 16  # and content key, and vector

_RSA: Final = "RSA-OAEP-256"
_DIRECT: Final = "ECDH-ES"
# What wraps the content key has as many octets.
_WRAPPING_OCTETS: Final = {"ECDH-ES+A128KW": 16, "ECDH-ES+A256KW": 32}
KEY_ALGORITHMS: Final = frozenset({_RSA, _DIRECT, *_WRAPPING_OCTETS})
# The library draws the padding's seed itself, as it does for signatures.
_OAEP: Final = padding.OAEP(mgf=padding.MGF1(SHA256()), algorithm=SHA256(), label=None)
_PARTS: Final = 5


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """A private key of our own that tokens may be encrypted to."""

    kid: str
    private: rsa.RSAPrivateKey | AgreementKey

    def fits(self, alg: str) -> bool:
        """Tell whether *alg* is used with keys of this kind."""
        return isinstance(self.private, rsa.RSAPrivateKey) is (alg == _RSA)

    def __repr__(self) -> str:
        return f"DecryptionKey(kid={self.kid!r})"


@dataclass(frozen=True, slots=True)
class _Received:
    alg: str
    enc: str
    kid: str | None
    header: dict[str, Any]  # Any: members are JSON values of every kind
    aad: bytes
    encrypted_key: bytes
    iv: bytes
    sealed: Sealed


class _Unreadable(JoseError):
    def __init__(self) -> None:
        # One text whatever went wrong: what differs tells an attacker what to try next.
        super().__init__("the token cannot be decrypted")


def load_decryption_key(pkcs8: bytes, *, kid: str) -> DecryptionKey:
    """Return the private key *pkcs8* (DER, unencrypted); raises ValueError if it decrypts nothing.

    It decrypts whatever algorithm is used with keys of its kind.
    """
    key = load_der_private_key(pkcs8, password=None, unsafe_skip_rsa_key_validation=True)
    if isinstance(key, rsa.RSAPrivateKey):
        return DecryptionKey(kid, key)
    if isinstance(key, AgreementKey) and curve_of(key) is not None:
        return DecryptionKey(kid, key)
    raise ValueError("the private key is of a kind that decrypts nothing here")


def encryption_key(jwks: Jwk, *, alg: str) -> Jwk | None:
    """Return the key of a client's set to encrypt to with *alg*, None when no key fits.

    The first that fits: a set has no other order, and a client that rotates publishes only the
    key it wants used (OpenID Connect Core §10.2.1).
    """
    return next(iter(select_keys(jwks, alg=alg, kid=None, use="enc")), None)


def encrypt(
    plaintext: bytes, key: Jwk, *, alg: str, enc: str, cty: str | None = None, draw: Draw
) -> str:
    """Return *plaintext* encrypted to the public *key*, which `encryption_key` chose for *alg*.

    *cty* is ``JWT`` when a JWT is inside (RFC 7519 §5.2). Takes up to `ENCRYPT_DRAW_BYTES` from
    *draw*. Raises ValueError when algorithm, encoding and key do not go together.
    """
    content = CONTENT_ENCRYPTIONS.get(enc)
    if content is None or alg not in KEY_ALGORITHMS:
        raise ValueError("nothing is encrypted with this algorithm and encoding here")
    header: dict[str, object] = {"alg": alg, "enc": enc}
    if "kid" in key:
        header["kid"] = key["kid"]
    if cty is not None:
        header["cty"] = cty
    content_key, encrypted_key = _new_content_key(key, header, draw)
    encoded = encode(msgspec.json.encode(header))
    iv = draw.take(content.iv_octets)
    sealed = content.seal(plaintext, key=content_key, iv=iv, aad=encoded.encode("ascii"))
    octets = (encrypted_key, iv, sealed.ciphertext, sealed.tag)
    return ".".join([encoded, *map(encode, octets)])


def decrypt(
    text: str,
    keys: Sequence[DecryptionKey],
    *,
    algorithms: Collection[str],
    encodings: Collection[str],
) -> bytes:
    """Return the plaintext of *text* if one of *keys* opens it; raises `JoseError`.

    *algorithms* and *encodings* are what may be used for this purpose. Compressed tokens are
    refused. Whoever encrypted it has proved nothing: anybody has the public key.
    """
    received = _take_apart(text)
    if received.alg not in algorithms or received.enc not in encodings:
        raise JoseError("the algorithm is not one that may be used here")
    if received.alg not in KEY_ALGORITHMS or received.enc not in CONTENT_ENCRYPTIONS:
        raise JoseError("the algorithm is not one that may be used here")
    fitting = (key for key in keys if key.fits(received.alg) and received.kid in (None, key.kid))
    for key in islice(fitting, MAX_CANDIDATES):
        # JoseError is a ValueError, too; no failure differs from another.
        with suppress(ValueError, InvalidUnwrap):
            return _opened(received, key)
    raise _Unreadable


def decrypt_jwt(
    text: str,
    keys: Sequence[DecryptionKey],
    *,
    algorithms: Collection[str],
    encodings: Collection[str],
) -> str:
    """Return the JWT inside *text*, still to be verified; otherwise as `decrypt`."""
    plaintext = decrypt(text, keys, algorithms=algorithms, encodings=encodings)
    try:
        return plaintext.decode("ascii")
    except UnicodeDecodeError:
        raise _Unreadable from None


def is_encrypted(text: str) -> bool:
    """Tell whether *text* has the five parts of a JWE; a signed token has three."""
    return text.count(".") == _PARTS - 1


def _new_content_key(key: Jwk, header: dict[str, object], draw: Draw) -> tuple[bytes, bytes]:
    """Return a content key and how it is sent; adds ``epk`` to *header* where it is agreed on."""
    alg, enc = str(header["alg"]), str(header["enc"])
    octets = CONTENT_ENCRYPTIONS[enc].key_octets
    public = load_public_key(key)
    if alg == _RSA:
        if not isinstance(public, rsa.RSAPublicKey):
            raise ValueError("the key does not suit its algorithm")
        content_key = draw.take(octets)
        return content_key, public.encrypt(content_key, _OAEP)
    ephemeral = ephemeral_key(public, draw)
    header["epk"] = agreement_jwk(ephemeral)
    agreed = _agreed_key(shared_secret(ephemeral, public), alg=alg, enc=enc, parties=Parties())
    if alg == _DIRECT:
        return agreed, b""
    content_key = draw.take(octets)
    return content_key, aes_key_wrap(agreed, content_key)


def _agreed_key(secret: bytes, *, alg: str, enc: str, parties: Parties) -> bytes:
    if alg == _DIRECT:
        octets = CONTENT_ENCRYPTIONS[enc].key_octets
        return derived_key(secret, algorithm=enc, octets=octets, parties=parties)
    return derived_key(secret, algorithm=alg, octets=_WRAPPING_OCTETS[alg], parties=parties)


def _take_apart(text: str) -> _Received:
    if len(text) > MAX_JWE_CHARACTERS:
        raise JoseError("the token is too long")
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise JoseError("the token is not five parts")
    header = parse_header(parts[0])
    # RFC 8725 §3.6: what a few octets unpack to may be any size, and its length tells secrets.
    if "zip" in header:
        raise JoseError("the token is compressed")
    alg, enc, kid = header.get("alg"), header.get("enc"), header.get("kid")
    if not isinstance(alg, str) or not isinstance(enc, str) or not isinstance(kid, str | None):
        raise JoseError("the header has no usable alg, enc or kid")
    try:
        encrypted_key, iv, ciphertext, tag = map(decode, parts[1:])
    except ValueError:
        raise JoseError("the token is not base64url") from None
    aad = parts[0].encode("ascii")
    return _Received(alg, enc, kid, header, aad, encrypted_key, iv, Sealed(ciphertext, tag))


def _opened(received: _Received, key: DecryptionKey) -> bytes:
    content = CONTENT_ENCRYPTIONS[received.enc]
    content_key = _content_key(received, key)
    if len(content_key) != content.key_octets or len(received.iv) != content.iv_octets:
        raise _Unreadable
    return content.unseal(received.sealed, key=content_key, iv=received.iv, aad=received.aad)


def _content_key(received: _Received, key: DecryptionKey) -> bytes:
    if isinstance(key.private, rsa.RSAPrivateKey):
        return key.private.decrypt(received.encrypted_key, _OAEP)
    secret = shared_secret(key.private, load_public_key(_ephemeral_jwk(received)))
    parties = Parties(_party(received, "apu"), _party(received, "apv"))
    agreed = _agreed_key(secret, alg=received.alg, enc=received.enc, parties=parties)
    if received.alg != _DIRECT:
        return aes_key_unwrap(agreed, received.encrypted_key)
    if received.encrypted_key:
        raise _Unreadable  # RFC 7516 §5.2 step 10
    return agreed


def _ephemeral_jwk(received: _Received) -> Jwk:
    # A point off the curve would draw our private key out of us, answer by answer.
    try:
        return check_public_key(received.header.get("epk"))
    except FieldError:
        raise _Unreadable from None


def _party(received: _Received, name: str) -> bytes:
    value = received.header.get(name, "")
    if not isinstance(value, str):
        raise _Unreadable
    return decode(value)
