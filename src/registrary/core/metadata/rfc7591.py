"""Members of RFC 7591 §2."""

from typing import Any, Final

from registrary.core.jwk import check_public_jwk_set
from registrary.core.metadata import parsers
from registrary.core.metadata.field import INVALID_REDIRECT_URI, Field

_SECTION: Final = "RFC 7591 §2"
_STRINGS: Final = {"type": "array", "items": {"type": "string"}}
_URI: Final = {"type": "string", "format": "uri"}

REDIRECT_URIS: Final[Field[list[str]]] = Field(
    name="redirect_uris",
    parse=parsers.array(parsers.redirect_uri, limit=parsers.REDIRECT_URI_LIMIT),
    error=INVALID_REDIRECT_URI,
    section="RFC 7591 §2",
    sentence="Addresses a person is sent back to after authorizing.",
    schema={"type": "array", "items": _URI},
)
TOKEN_ENDPOINT_AUTH_METHOD: Final[Field[str]] = Field(
    name="token_endpoint_auth_method",
    parse=parsers.identifier,
    section=_SECTION,
    sentence="How the client proves who it is.",
    announced_by="token_endpoint_auth_methods_supported",
)
GRANT_TYPES: Final[Field[list[str]]] = Field(
    name="grant_types",
    parse=parsers.array(parsers.identifier),
    section=_SECTION,
    sentence="Ways in which the client gets tokens.",
    schema=_STRINGS,
)
RESPONSE_TYPES: Final[Field[list[str]]] = Field(
    name="response_types",
    parse=parsers.array(parsers.response_type),
    section=_SECTION,
    sentence="What the authorization endpoint answers the client with.",
    announced_by="response_types_supported",
    schema=_STRINGS,
)
CLIENT_NAME: Final[Field[str]] = Field(
    name="client_name",
    parse=parsers.text,
    section=_SECTION,
    sentence="The name people see.",
    is_internationalized=True,
)
CLIENT_URI: Final[Field[str]] = Field(
    name="client_uri",
    parse=parsers.web_uri,
    section=_SECTION,
    sentence="A page about the client.",
    is_internationalized=True,
    schema=_URI,
)
LOGO_URI: Final[Field[str]] = Field(
    name="logo_uri",
    parse=parsers.web_uri,
    section=_SECTION,
    sentence="A picture of the client.",
    is_internationalized=True,
    schema=_URI,
)
SCOPE: Final[Field[str]] = Field(
    name="scope",
    parse=parsers.scope,
    section=_SECTION,
    sentence="What the client may ask for.",
)
CONTACTS: Final[Field[list[str]]] = Field(
    name="contacts",
    parse=parsers.array(parsers.text),
    section=_SECTION,
    sentence="How to reach those who answer for the client.",
    schema=_STRINGS,
)
TOS_URI: Final[Field[str]] = Field(
    name="tos_uri",
    parse=parsers.web_uri,
    section=_SECTION,
    sentence="The client's terms of service.",
    is_internationalized=True,
    schema=_URI,
)
POLICY_URI: Final[Field[str]] = Field(
    name="policy_uri",
    parse=parsers.web_uri,
    section=_SECTION,
    sentence="How the client treats personal data.",
    is_internationalized=True,
    schema=_URI,
)
JWKS_URI: Final[Field[str]] = Field(
    name="jwks_uri",
    parse=parsers.fetched_uri,
    section=_SECTION,
    sentence="Where the client publishes its keys.",
    schema=_URI,
)
JWKS: Final[Field[dict[str, Any]]] = Field(
    name="jwks",
    parse=check_public_jwk_set,
    section=_SECTION,
    sentence="The client's public keys.",
    schema={"type": "object"},
)
SOFTWARE_ID: Final[Field[str]] = Field(
    name="software_id",
    parse=parsers.identifier,
    section=_SECTION,
    sentence="The same for every installation of one program.",
)
SOFTWARE_VERSION: Final[Field[str]] = Field(
    name="software_version",
    parse=parsers.identifier,
    section=_SECTION,
    sentence="Which version of the program this is.",
)

FIELDS: Final[tuple[Field[Any], ...]] = (
    REDIRECT_URIS,
    TOKEN_ENDPOINT_AUTH_METHOD,
    GRANT_TYPES,
    RESPONSE_TYPES,
    CLIENT_NAME,
    CLIENT_URI,
    LOGO_URI,
    SCOPE,
    CONTACTS,
    TOS_URI,
    POLICY_URI,
    JWKS_URI,
    JWKS,
    SOFTWARE_ID,
    SOFTWARE_VERSION,
)
