"""What the suite demands of every answer, judged by a library that is not ours."""

import json
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import httpx2
from joserfc import jwt
from joserfc.jwk import JWKRegistry, KeySet

Claims = dict[str, Any]  # Any: claims are JSON values of every kind

SKEW_SECONDS: Final = 5 * 60  # that a clock may be off
FIFTY_YEARS_SECONDS: Final = 50 * 365 * 24 * 3600  # a time beyond is one in milliseconds
DESCRIPTION: Final = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 §4.1.2.1
VISIBLE: Final = re.compile(r"[\x20-\x7E]+")  # RFC 6749 appendix A.17
LONGEST_SUBJECT: Final = 255  # ASCII characters, Core §2

STANDARD_CLAIMS: Final[Mapping[str, type]] = {
    **dict.fromkeys(
        (
            *("sub", "name", "given_name", "family_name", "middle_name", "nickname"),
            *("preferred_username", "profile", "picture", "website", "email", "gender"),
            *("birthdate", "zoneinfo", "locale", "phone_number"),
        ),
        str,
    ),
    **dict.fromkeys(("email_verified", "phone_number_verified"), bool),
    "address": dict,
    "updated_at": int,
}
CLAIMS_OF_SCOPE: Final[Mapping[str, frozenset[str]]] = {
    "openid": frozenset({"sub"}),
    "profile": frozenset(
        {
            *("name", "given_name", "family_name", "middle_name", "nickname", "profile"),
            *("picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
            "preferred_username",
        }
    ),
    "email": frozenset({"email", "email_verified"}),
    "address": frozenset({"address"}),
    "phone": frozenset({"phone_number", "phone_number_verified"}),
    "offline_access": frozenset(),
}


def check_json(answer: httpx2.Response, status: int) -> Claims:
    """Return the object of *answer*, which has *status* and says that it is JSON."""
    assert status == answer.status_code, answer.text
    assert "application/json" == answer.headers["content-type"].partition(";")[0]
    body: Claims = answer.json()
    assert isinstance(body, dict)
    return body


def check_error(answer: httpx2.Response, code: str) -> None:
    """Check a refusal at the token endpoint (RFC 6749 §5.2)."""
    body = check_json(answer, 400)
    assert code == body["error"]
    assert DESCRIPTION.fullmatch(body["error_description"])
    assert {"error", "error_description"} == set(body)


def header_of(token: str) -> Claims:
    """Return the header of a JWT."""
    return _part(token, 0)


def unsigned_claims(token: str) -> Claims:
    """Return the claims of a JWT that must be unsigned."""
    assert "none" == header_of(token)["alg"]
    assert token.endswith(".")
    return _part(token, 1)


def verified(token: str, keys: Claims, *, alg: str) -> Claims:
    """Return the claims of *token*, signed with *alg* by the one key of *keys* it names."""
    header = header_of(token)
    named = [key for key in keys["keys"] if key["kid"] == header["kid"]]
    assert alg == header["alg"]
    assert 1 == len(named)
    return dict(jwt.decode(token, key_set(keys), algorithms=[alg]).claims)


def key_set(keys: Claims) -> KeySet:
    """Return a JWK Set as the judge reads it; raise for a key it cannot use."""
    return KeySet([JWKRegistry.import_key(key) for key in keys["keys"]])


def check_id_token(claims: Claims, *, issuer: str, client_id: str, nonce: str | None) -> None:
    """Check what is true of every ID token (Core §2, §3.1.3.7)."""
    now = time.time()
    audience = claims["aud"]
    assert issuer == claims["iss"]
    assert [client_id] == (audience if isinstance(audience, list) else [audience])
    assert nonce == claims.get("nonce")
    assert claims["sub"].isascii()
    assert 0 < len(claims["sub"]) <= LONGEST_SUBJECT
    assert now - SKEW_SECONDS < claims["exp"] < now + FIFTY_YEARS_SECONDS
    assert abs(now - claims["iat"]) < SKEW_SECONDS
    assert claims.get("auth_time", now) < now + SKEW_SECONDS
    assert "" != claims.get("acr")
    check_standard_claims(claims)


def check_hashes(claims: Claims, *, required: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Check that *claims* vouch for what came beside them.

    *required* and *known* map names of claims, such as ``at_hash``, to what is hashed; those
    *known* may be missing.
    """
    assert required.keys() <= claims.keys()
    wanted = {name: _left_half(text) for name, text in {**known, **required}.items()}
    assert {name: wanted[name] for name in wanted if name in claims} == {
        name: claims[name] for name in wanted if name in claims
    }


def check_standard_claims(claims: Claims) -> None:
    """Check that what is told of a person has the types of Core §5.1."""
    wrong = [
        name
        for name, kind in STANDARD_CLAIMS.items()
        if name in claims and (not isinstance(claims[name], kind) or claims[name] == "")
    ]
    assert [] == wrong


def check_redirected_error(fields: Claims, *, issuer: str, state: str | None) -> str:
    """Return the code of an authorization error response, checked (Core §3.1.2.6)."""
    assert {"error", "error_description", "error_uri", "state", "iss"} >= fields.keys()
    assert (state, issuer) == (fields.get("state"), fields.get("iss"))
    assert DESCRIPTION.fullmatch(fields["error_description"])
    code: str = fields["error"]
    return code


def _left_half(text: str) -> str:
    # Every module has ID tokens of RS256, whose hash is that of SHA-256 (Core §3.1.3.6).
    return urlsafe_b64encode(sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


def _part(token: str, number: int) -> Claims:
    text = token.split(".")[number]
    found: Claims = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found
