"""Members of RFC 7591 §2, and its software statement."""

from typing import Any, Final

from registrary.core.jwk import check_public_jwk_set
from registrary.core.metadata import parsers
from registrary.core.metadata.field import (
    INVALID_REDIRECT_URI,
    INVALID_SOFTWARE_STATEMENT,
    Feature,
    Field,
)
from registrary.core.metadata.grants import AUTHORIZATION_CODE
from registrary.core.metadata.schemas import URI, URIS, WORD, WORDS, text

_SECTION: Final = "RFC 7591 §2"

REDIRECT_URIS: Final[Field[list[str]]] = Field(
    name="redirect_uris",
    parse=parsers.array(parsers.redirect_uri, limit=parsers.REDIRECT_URI_LIMIT),
    section=_SECTION,
    sentence="Addresses a person is sent back to after authorizing.",
    schema={**URIS, "maxItems": parsers.REDIRECT_URI_LIMIT},
    error=INVALID_REDIRECT_URI,
)
TOKEN_ENDPOINT_AUTH_METHOD: Final[Field[str]] = Field(
    name="token_endpoint_auth_method",
    parse=parsers.token,
    section=_SECTION,
    sentence="How the client proves who it is; none for a client that cannot keep a secret.",
    schema=WORD,
    default="client_secret_basic",
    announced_by="token_endpoint_auth_methods_supported",
)
GRANT_TYPES: Final[Field[list[str]]] = Field(
    name="grant_types",
    parse=parsers.array(parsers.token),
    section=_SECTION,
    sentence="Ways in which the client gets tokens.",
    schema=WORDS,
    default=[AUTHORIZATION_CODE],
    announced_by="grant_types_supported",
    is_judged_between=True,  # those that are not offered are left out
)
RESPONSE_TYPES: Final[Field[list[str]]] = Field(
    name="response_types",
    parse=parsers.array(parsers.response_type),
    section=_SECTION,
    sentence="What the authorization endpoint answers the client with.",
    schema=WORDS,
    default=["code"],
    announced_by="response_types_supported",
)
CLIENT_NAME: Final[Field[str]] = Field(
    name="client_name",
    parse=parsers.name,
    section=_SECTION,
    sentence="The name people see.",
    schema=text(parsers.TEXT_LIMIT),
    is_internationalized=True,
)
CLIENT_URI: Final[Field[str]] = Field(
    name="client_uri",
    parse=parsers.web_uri,
    section=_SECTION,
    sentence="A page about the client.",
    schema=URI,
    is_internationalized=True,
)
LOGO_URI: Final[Field[str]] = Field(
    name="logo_uri",
    parse=parsers.web_uri,
    section=_SECTION,
    sentence="A picture that stands for the client.",
    schema=URI,
    is_internationalized=True,
)
SCOPE: Final[Field[str]] = Field(
    name="scope",
    parse=parsers.scope,
    section=_SECTION,
    sentence="What the client may ask for, separated by spaces.",
    schema={"type": "string"},
    announced_by="scopes_supported",
    is_free_without_list=True,
    is_judged_between=True,  # those that are not granted are left out
)
CONTACTS: Final[Field[list[str]]] = Field(
    name="contacts",
    parse=parsers.array(parsers.contact),
    section=_SECTION,
    sentence="How to reach those who answer for the client.",
    schema={"type": "array", "items": text(parsers.TEXT_LIMIT), "maxItems": parsers.ARRAY_LIMIT},
)
TOS_URI: Final[Field[str]] = Field(
    name="tos_uri",
    parse=parsers.web_uri,
    section=_SECTION,
    sentence="The client's terms of service.",
    schema=URI,
    is_internationalized=True,
)
POLICY_URI: Final[Field[str]] = Field(
    name="policy_uri",
    parse=parsers.web_uri,
    section=_SECTION,
    sentence="How the client treats personal data.",
    schema=URI,
    is_internationalized=True,
)
JWKS_URI: Final[Field[str]] = Field(
    name="jwks_uri",
    parse=parsers.https_uri,
    section=_SECTION,
    sentence="Where the client publishes its keys.",
    schema=URI,
    parse_with_loopback=parsers.https_or_loopback_uri,
)
JWKS: Final[Field[dict[str, Any]]] = Field(  # Any: members of keys are any JSON
    name="jwks",
    parse=check_public_jwk_set,
    section=_SECTION,
    sentence="The client's public keys, for clients that cannot publish them.",
    schema={"type": "object"},
)
SOFTWARE_ID: Final[Field[str]] = Field(
    name="software_id",
    parse=parsers.identifier,
    section=_SECTION,
    sentence="The same for every installation of one program.",
    schema=text(parsers.TEXT_LIMIT),
)
SOFTWARE_VERSION: Final[Field[str]] = Field(
    name="software_version",
    parse=parsers.identifier,
    section=_SECTION,
    sentence="Which version of the program this is.",
    schema=text(parsers.TEXT_LIMIT),
)
SOFTWARE_STATEMENT: Final[Field[str]] = Field(
    name="software_statement",
    parse=parsers.statement,
    section="RFC 7591 §2.3",
    sentence="What somebody this server trusts says about the program, signed.",
    schema={"type": "string"},
    error=INVALID_SOFTWARE_STATEMENT,
    feature=Feature.SOFTWARE_STATEMENTS,
)

FIELDS: Final[tuple[Field[Any], ...]] = (  # Any: rows of members of every type
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
    SOFTWARE_STATEMENT,
)
