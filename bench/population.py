"""Who registers with an API programme: kinds of clients, how many of each, and what they send."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Final

from bench.documents import REGISTRATION
from registrary.core.lifecycle import ClientState

ACTIVE: Final = ClientState.ACTIVE
SUSPENDED: Final = ClientState.SUSPENDED
REVOKED: Final = ClientState.REVOKED
PURGED: Final = ClientState.PURGED

ORGANIZATIONS: Final = tuple(f"Organization {number:02d}" for number in range(12))
"""Whose clients came in with an initial access token."""

_LANGUAGES: Final = ("de", "fr", "es", "it", "nl", "pl", "pt", "ja")


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of client: *document* with marks in it, in *state*, so many among a hundred.

    Those with *is_member* came in with a token of an organization, in turn of each.
    """

    name: str
    share: int
    document: dict[str, object]
    state: ClientState = ACTIVE
    is_member: bool = field(default=False)


def _web(mark: str) -> dict[str, object]:
    return {name: _marked(value, mark) for name, value in REGISTRATION.items()}


def _native(mark: str) -> dict[str, object]:
    return {
        "redirect_uris": [f"com.example.app{mark}:/oauth/callback"],
        "client_name": f"Notes {mark} for phones",
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile offline_access",
    }


def _agent(mark: str) -> dict[str, object]:
    return {
        "redirect_uris": ["http://127.0.0.1/callback", "http://localhost:33418/callback"],
        "client_name": f"Agent of desk {mark}",
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "software_id": f"agent-{mark}",
        "software_version": "1.104.2",
    }


def _service(mark: str) -> dict[str, object]:
    return {
        "client_name": f"Nightly settlement {mark}",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "RS256",
        "jwks": {"keys": [_rsa_key(f"settlement-{mark}-{year}") for year in (2025, 2026)]},
        "contacts": [f"settlement-{mark}@bank.example"],
        "scope": "read",
    }


def _suite(mark: str) -> dict[str, object]:
    host = f"https://suite-{mark}.example"
    return (
        _web(mark)
        | {f"client_name#{language}": f"Suite {mark} ({language})" for language in _LANGUAGES}
        | {"redirect_uris": [f"{host}/tenants/{number}/callback" for number in range(12)]}
        | {"post_logout_redirect_uris": [f"{host}/tenants/{number}/out" for number in range(12)]}
        | {"token_endpoint_auth_method": "private_key_jwt"}
        | {"jwks": {"keys": [_rsa_key(f"suite-{mark}-{number}") for number in range(3)]}}
    )


def families(mark: str) -> tuple[Family, ...]:
    """Return who is there, among a hundred, *mark* standing where each has its own number."""
    return (
        Family("web", 38, _web(mark)),
        Family("native", 18, _native(mark)),
        Family("agent", 18, _agent(mark)),
        Family("service", 12, _service(mark), is_member=True),
        Family("suite", 6, _suite(mark), is_member=True),
        Family("web, suspended", 2, _web(mark), SUSPENDED),
        Family("agent, revoked", 3, _agent(mark), REVOKED),
        Family("native, purged", 3, _native(mark), PURGED),
    )


def _marked(value: object, mark: str) -> object:
    if isinstance(value, list):
        return [_marked(item, mark) for item in value]
    return value.replace("@" * 12, mark) if isinstance(value, str) else value


def _rsa_key(kid: str) -> dict[str, object]:
    """Return a public key of 2048 bits; nobody has the other half, and nobody asks for it."""
    octets = b"".join(hashlib.sha512(f"{kid}{part}".encode()).digest() for part in range(4))
    modulus = bytes([octets[0] | 0x80]) + octets[1:-1] + bytes([octets[-1] | 1])
    text = base64.urlsafe_b64encode(modulus).rstrip(b"=").decode()
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "e": "AQAB", "n": text}
