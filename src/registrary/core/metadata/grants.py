"""Grant types and response types, and which of them belong together (RFC 7591 §2.1)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import permutations
from typing import Final

AUTHORIZATION_CODE: Final = "authorization_code"
IMPLICIT: Final = "implicit"
REFRESH_TOKEN: Final = "refresh_token"
CLIENT_CREDENTIALS: Final = "client_credentials"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
CIBA: Final = "urn:openid:params:grant-type:ciba"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SAML2_BEARER: Final = "urn:ietf:params:oauth:grant-type:saml2-bearer"


@dataclass(frozen=True, slots=True)
class GrantType:
    """A grant, by its ``grant_type`` on the wire, and what it takes.

    With *redirects* it goes through the authorization endpoint and back. *yields_refresh_token*
    says whether a refresh token can come of it, *is_confidential* that the client has to
    authenticate. *names_a_person* says that its tokens are about somebody.
    """

    name: str
    section: str
    redirects: bool = False
    yields_refresh_token: bool = False
    is_confidential: bool = False
    names_a_person: bool = False


GRANT_TYPES: Final[dict[str, GrantType]] = {
    grant.name: grant
    for grant in (
        GrantType(
            AUTHORIZATION_CODE,
            "RFC 6749 §4.1",
            redirects=True,
            yields_refresh_token=True,
            names_a_person=True,
        ),
        # RFC 6749 §4.2.2: the implicit grant has no refresh token.
        GrantType(IMPLICIT, "RFC 6749 §4.2", redirects=True, names_a_person=True),
        GrantType(REFRESH_TOKEN, "RFC 6749 §6"),
        GrantType(CLIENT_CREDENTIALS, "RFC 6749 §4.4", is_confidential=True),
        GrantType(DEVICE_CODE, "RFC 8628 §3.4", yields_refresh_token=True, names_a_person=True),
        GrantType(
            CIBA,
            "CIBA §4",
            yields_refresh_token=True,
            is_confidential=True,
            names_a_person=True,
        ),
        # Both speak for people who are not asked, so the client has to prove itself.
        GrantType(TOKEN_EXCHANGE, "RFC 8693 §2.1", is_confidential=True),
        GrantType(JWT_BEARER, "RFC 7523 §2.1", is_confidential=True),
        GrantType(SAML2_BEARER, "RFC 7522 §2.1"),
    )
}
"""The grants that an issuer may come to offer. ``password`` is none of them (RFC 9700 §2.4)."""

RESPONSE_TYPES: Final[dict[str, tuple[str, ...]]] = {
    "code": (AUTHORIZATION_CODE,),
    "token": (IMPLICIT,),
    "id_token": (IMPLICIT,),
    "id_token token": (IMPLICIT,),
    "code id_token": (AUTHORIZATION_CODE, IMPLICIT),
    "code token": (AUTHORIZATION_CODE, IMPLICIT),
    "code id_token token": (AUTHORIZATION_CODE, IMPLICIT),
}
"""Response types as published, each with the grants it needs (OpenID Connect Registration §2)."""

# RFC 6749 §3.1.1: the order of the words in a response type means nothing.
_SPELLINGS: Final = {
    " ".join(words): name for name in RESPONSE_TYPES for words in permutations(name.split(" "))
}

# What a client means that names the implicit grant and no response type: RFC 7591 §2.1 says
# ``token``, which OpenID providers rarely offer alone.
_IMPLICIT_PREFERENCE: Final = ("token", "id_token token", "id_token")


def canonical_response_type(spelling: str) -> str:
    """Return the published spelling of a response type; an unknown one stays as it is."""
    return _SPELLINGS.get(spelling, spelling)


def grants_of(response_types: Iterable[str]) -> list[str]:
    """Return the grants that *response_types* need, in the order of their first need."""
    needed = (grant for name in response_types for grant in RESPONSE_TYPES.get(name, ()))
    return list(dict.fromkeys(needed))


def response_types_of(grants: Collection[str], offered: Collection[str]) -> list[str]:
    """Return the response types that *grants* mean where none are named, as far as *offered*."""
    names = ["code"] if AUTHORIZATION_CODE in grants else []
    if IMPLICIT in grants:
        names += [name for name in _IMPLICIT_PREFERENCE if name in offered][:1]
    return names


def response_words(response_types: Iterable[str]) -> set[str]:
    """Return what the authorization endpoint may be asked for, word by word."""
    return {word for name in response_types for word in name.split(" ")}
