"""Registrations that are refused, and what the developer of the client has to be told."""

from dataclasses import dataclass
from typing import Any, Final

from joserfc.jwk import ECKey

KEY: Final = ECKey.generate_key("P-256", {"kid": "one"})


@dataclass(frozen=True, slots=True)
class Mistake:
    """A registration with *members* is refused with *code*; *names* is the member to mend."""

    name: str
    members: dict[str, Any]
    code: str
    names: str


def bad_redirect_uri(name: str, uri: str) -> Mistake:
    """Return the mistake of registering *uri*."""
    return Mistake(name, {"redirect_uris": [uri]}, "invalid_redirect_uri", "redirect_uris")


def bad_metadata(name: str, names: str, /, **members: Any) -> Mistake:
    """Return the mistake of asking for *members*."""
    return Mistake(name, members, "invalid_client_metadata", names)


MISTAKES: Final = (
    bad_redirect_uri("fragment", "https://app.example/cb#x"),
    bad_redirect_uri("plain_http", "http://app.example/cb"),
    bad_redirect_uri("script", "javascript:alert(1)"),
    bad_metadata("wrong_type", "contacts", contacts="admin@app.example"),
    bad_metadata("unknown_algorithm", "id_token", id_token_signed_response_alg="ES512"),
    bad_metadata(
        "two_kinds_of_keys",
        "jwks",
        jwks={"keys": [KEY.as_dict(private=False)]},
        jwks_uri="https://app.example/jwks",
    ),
    bad_metadata("private_key", "jwks", jwks={"keys": [KEY.as_dict(private=True)]}),
    bad_metadata("public_service", "grant_types", token_endpoint_auth_method="none"),
)
