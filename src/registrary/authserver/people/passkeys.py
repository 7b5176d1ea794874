"""Passkeys (WebAuthn): keys of people's devices that sign them in, on our own pages alone.

The library is imported where an answer is verified. It brings ASN.1 modules of every maker of
devices: a quarter of the start-up and 8 MiB, for what many issuers see seldom or never.
"""

from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from registrary.core.base64url import decode, encode
from registrary.core.issuer import Issuer
from registrary.core.people import Passkey, Person
from registrary.core.strict_json import JsonError, parse_object

CHALLENGE_BYTES: Final = 32
LONGEST: Final = 16 * 1024  # characters of an answer
_TIMEOUT_MILLISECONDS: Final = 300_000
_ALGORITHMS: Final = (-7, -8, -257)  # ES256, EdDSA, RS256 (RFC 9053 §2.1-2.2, RFC 8812 §2)


class PasskeyRefused(Exception):
    """The answer of a browser proves nothing; the text is for nobody but operators."""


def relying_party(issuer: Issuer) -> str | None:
    """Return the host that passkeys are bound to, None where that is an address.

    Browsers make none for addresses (WebAuthn §5.1.2: the effective domain is a domain).
    """
    host = urlsplit(issuer.url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host or None
    return None


def sign_in_options(issuer: Issuer, challenge: bytes) -> str | None:
    """Return PublicKeyCredentialRequestOptionsJSON for whoever comes, or None."""
    host = relying_party(issuer)
    if host is None:
        return None
    return _text(
        {
            "challenge": encode(challenge),
            "rpId": host,
            "timeout": _TIMEOUT_MILLISECONDS,
            "userVerification": "required",
            "allowCredentials": [],  # the device knows who it is: no user name is typed
        }
    )


def enrolment_options(issuer: Issuer, person: Person, challenge: bytes, *, name: str) -> str | None:
    """Return PublicKeyCredentialCreationOptionsJSON for *person*, shown as *name*, or None."""
    host = relying_party(issuer)
    if host is None:
        return None
    return _text(
        {
            "rp": {"id": host, "name": host},
            "user": {"id": encode(person.id.encode()), "name": name, "displayName": name},
            "challenge": encode(challenge),
            "pubKeyCredParams": [
                {"type": "public-key", "alg": algorithm} for algorithm in _ALGORITHMS
            ],
            "timeout": _TIMEOUT_MILLISECONDS,
            "excludeCredentials": [
                {"type": "public-key", "id": encode(passkey.id)} for passkey in person.passkeys
            ],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
            "attestation": "none",
        }
    )


def credential_id(answer: str) -> bytes:
    """Return the id of the passkey that *answer* claims to come from; nothing is proved yet."""
    return _bytes(_members(answer).get("rawId"))


def user_handle(answer: str) -> bytes | None:
    """Return whose passkey *answer* claims to come from, None where it does not say."""
    response = _members(answer).get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    return None if handle is None else _bytes(handle)


def proved(issuer: Issuer, passkey: Passkey, answer: str, *, challenge: bytes) -> tuple[int, bool]:
    """Return the counter of *passkey* after it signed *challenge*, and whether it is backed up.

    A person stood in front of it and was recognised by it. Raises `PasskeyRefused`.
    """
    from webauthn import verify_authentication_response  # noqa: PLC0415 - see the module
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415 - see the module

    try:
        verified = verify_authentication_response(
            credential=_members(answer),
            expected_challenge=challenge,
            expected_rp_id=relying_party(issuer) or "",
            expected_origin=_origin(issuer),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused(str(error)) from error
    return verified.new_sign_count, verified.credential_backed_up


def enrolled(issuer: Issuer, answer: str, *, challenge: bytes) -> tuple[bytes, bytes, int]:
    """Return id, public key and counter of the passkey that *answer* brings.

    What the device says of its maker is not asked for and not judged. Raises `PasskeyRefused`.
    """
    from webauthn import verify_registration_response  # noqa: PLC0415 - see the module
    from webauthn.helpers.cose import COSEAlgorithmIdentifier  # noqa: PLC0415 - see the module
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415 - see the module

    try:
        verified = verify_registration_response(
            credential=_members(answer),
            expected_challenge=challenge,
            expected_rp_id=relying_party(issuer) or "",
            expected_origin=_origin(issuer),
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(number) for number in _ALGORITHMS],
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused(str(error)) from error
    return verified.credential_id, verified.credential_public_key, verified.sign_count


def _origin(issuer: Issuer) -> str:
    parts = urlsplit(issuer.url)
    return f"{parts.scheme}://{parts.netloc}"


def _members(answer: str) -> dict[str, Any]:  # Any: what a browser says, not judged yet
    if len(answer) > LONGEST:
        raise PasskeyRefused("the answer is too long")
    try:
        return parse_object(answer.encode())
    except (JsonError, UnicodeEncodeError) as error:
        raise PasskeyRefused("the answer is no object") from error


def _bytes(text: object) -> bytes:
    try:
        return decode(text if isinstance(text, str) else "=")
    except ValueError as error:
        raise PasskeyRefused("an id is not base64url") from error


def _text(options: dict[str, object]) -> str:
    return msgspec.json.encode(options).decode()
