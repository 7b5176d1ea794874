"""Members of OpenID Connect Dynamic Client Registration §2, and of its logout specifications."""

from typing import Any, Final

from registrary.core.metadata import parsers
from registrary.core.metadata.field import Feature, Field

_SECTION: Final = "OpenID Connect Registration §2"
_STRINGS: Final = {"type": "array", "items": {"type": "string"}}
_BOOLEAN: Final = {"type": "boolean"}
_ENCRYPTION: Final = Feature.ENCRYPTION


def _algorithm(
    name: str, announced_by: str, sentence: str, *, feature: Feature | None = None
) -> Field[str]:
    return Field(
        name=name,
        parse=parsers.identifier,
        section=_SECTION,
        sentence=sentence,
        announced_by=announced_by,
        feature=feature,
    )


APPLICATION_TYPE: Final[Field[str]] = Field(
    name="application_type",
    parse=parsers.one_of("web", "native"),
    section=_SECTION,
    sentence="Whether the client runs on a web server or on a person's device.",
    schema={"enum": ["web", "native"]},
)
SECTOR_IDENTIFIER_URI: Final[Field[str]] = Field(
    name="sector_identifier_uri",
    parse=parsers.fetched_uri,
    section="OpenID Connect Registration §5",
    sentence="A list of redirect URIs that belong to one sector.",
    schema={"type": "string", "format": "uri"},
)
SUBJECT_TYPE: Final[Field[str]] = Field(
    name="subject_type",
    parse=parsers.identifier,
    section=_SECTION,
    sentence="Whether a person has one name everywhere or one for each sector.",
    announced_by="subject_types_supported",
)
ID_TOKEN_SIGNED_RESPONSE_ALG: Final = _algorithm(
    "id_token_signed_response_alg",
    "id_token_signing_alg_values_supported",
    "How ID tokens for the client are signed.",
)
ID_TOKEN_ENCRYPTED_RESPONSE_ALG: Final = _algorithm(
    "id_token_encrypted_response_alg",
    "id_token_encryption_alg_values_supported",
    "How the key of encrypted ID tokens is wrapped.",
    feature=_ENCRYPTION,
)
ID_TOKEN_ENCRYPTED_RESPONSE_ENC: Final = _algorithm(
    "id_token_encrypted_response_enc",
    "id_token_encryption_enc_values_supported",
    "How ID tokens are encrypted.",
    feature=_ENCRYPTION,
)
USERINFO_SIGNED_RESPONSE_ALG: Final = _algorithm(
    "userinfo_signed_response_alg",
    "userinfo_signing_alg_values_supported",
    "How answers of the userinfo endpoint are signed.",
    feature=Feature.SIGNED_USERINFO,
)
USERINFO_ENCRYPTED_RESPONSE_ALG: Final = _algorithm(
    "userinfo_encrypted_response_alg",
    "userinfo_encryption_alg_values_supported",
    "How the key of encrypted userinfo is wrapped.",
    feature=_ENCRYPTION,
)
USERINFO_ENCRYPTED_RESPONSE_ENC: Final = _algorithm(
    "userinfo_encrypted_response_enc",
    "userinfo_encryption_enc_values_supported",
    "How userinfo is encrypted.",
    feature=_ENCRYPTION,
)
REQUEST_OBJECT_SIGNING_ALG: Final = _algorithm(
    "request_object_signing_alg",
    "request_object_signing_alg_values_supported",
    "How the client signs its request objects.",
    feature=Feature.REQUEST_OBJECTS,
)
REQUEST_OBJECT_ENCRYPTION_ALG: Final = _algorithm(
    "request_object_encryption_alg",
    "request_object_encryption_alg_values_supported",
    "How the client may wrap the key of encrypted request objects.",
    feature=_ENCRYPTION,
)
REQUEST_OBJECT_ENCRYPTION_ENC: Final = _algorithm(
    "request_object_encryption_enc",
    "request_object_encryption_enc_values_supported",
    "How the client may encrypt its request objects.",
    feature=_ENCRYPTION,
)
TOKEN_ENDPOINT_AUTH_SIGNING_ALG: Final = _algorithm(
    "token_endpoint_auth_signing_alg",
    "token_endpoint_auth_signing_alg_values_supported",
    "How the client signs the assertion that proves who it is.",
)
DEFAULT_MAX_AGE: Final[Field[int]] = Field(
    name="default_max_age",
    parse=parsers.seconds,
    section=_SECTION,
    sentence="After how many seconds a person must sign in again.",
    schema={"type": "integer", "minimum": 0},
)
REQUIRE_AUTH_TIME: Final[Field[bool]] = Field(
    name="require_auth_time",
    parse=parsers.boolean,
    section=_SECTION,
    sentence="Whether ID tokens always say when the person signed in.",
    schema=_BOOLEAN,
)
DEFAULT_ACR_VALUES: Final[Field[list[str]]] = Field(
    name="default_acr_values",
    parse=parsers.array(parsers.identifier),
    section=_SECTION,
    sentence="How strongly people should be authenticated, best first.",
    schema=_STRINGS,
)
INITIATE_LOGIN_URI: Final[Field[str]] = Field(
    name="initiate_login_uri",
    parse=parsers.https_uri,
    section=_SECTION,
    sentence="Where a third party may start a login at the client.",
    schema={"type": "string", "format": "uri"},
)
REQUEST_URIS: Final[Field[list[str]]] = Field(
    name="request_uris",
    parse=parsers.array(parsers.request_uri),
    section=_SECTION,
    sentence="Where the client keeps its request objects.",
    feature=Feature.REQUEST_URIS,
    schema=_STRINGS,
)
POST_LOGOUT_REDIRECT_URIS: Final[Field[list[str]]] = Field(
    name="post_logout_redirect_uris",
    parse=parsers.array(parsers.post_logout_redirect_uri),
    section="OpenID Connect RP-Initiated Logout §3.1",
    sentence="Addresses a person is sent to after logging out.",
    feature=Feature.LOGOUT,
    schema=_STRINGS,
)
BACKCHANNEL_LOGOUT_URI: Final[Field[str]] = Field(
    name="backchannel_logout_uri",
    parse=parsers.logout_uri,
    section="OpenID Connect Back-Channel Logout §2.2",
    sentence="Where this server tells the client that a person logged out.",
    feature=Feature.BACKCHANNEL_LOGOUT,
)
BACKCHANNEL_LOGOUT_SESSION_REQUIRED: Final[Field[bool]] = Field(
    name="backchannel_logout_session_required",
    parse=parsers.boolean,
    section="OpenID Connect Back-Channel Logout §2.2",
    sentence="Whether that message must name the session.",
    feature=Feature.BACKCHANNEL_LOGOUT,
    schema=_BOOLEAN,
)
FRONTCHANNEL_LOGOUT_URI: Final[Field[str]] = Field(
    name="frontchannel_logout_uri",
    parse=parsers.logout_uri,
    section="OpenID Connect Front-Channel Logout §2",
    sentence="A page of the client that ends its session when the browser loads it.",
    feature=Feature.FRONTCHANNEL_LOGOUT,
)
FRONTCHANNEL_LOGOUT_SESSION_REQUIRED: Final[Field[bool]] = Field(
    name="frontchannel_logout_session_required",
    parse=parsers.boolean,
    section="OpenID Connect Front-Channel Logout §2",
    sentence="Whether that page must be told the session.",
    feature=Feature.FRONTCHANNEL_LOGOUT,
    schema=_BOOLEAN,
)

FIELDS: Final[tuple[Field[Any], ...]] = (
    APPLICATION_TYPE,
    SECTOR_IDENTIFIER_URI,
    SUBJECT_TYPE,
    ID_TOKEN_SIGNED_RESPONSE_ALG,
    ID_TOKEN_ENCRYPTED_RESPONSE_ALG,
    ID_TOKEN_ENCRYPTED_RESPONSE_ENC,
    USERINFO_SIGNED_RESPONSE_ALG,
    USERINFO_ENCRYPTED_RESPONSE_ALG,
    USERINFO_ENCRYPTED_RESPONSE_ENC,
    REQUEST_OBJECT_SIGNING_ALG,
    REQUEST_OBJECT_ENCRYPTION_ALG,
    REQUEST_OBJECT_ENCRYPTION_ENC,
    TOKEN_ENDPOINT_AUTH_SIGNING_ALG,
    DEFAULT_MAX_AGE,
    REQUIRE_AUTH_TIME,
    DEFAULT_ACR_VALUES,
    INITIATE_LOGIN_URI,
    REQUEST_URIS,
    POST_LOGOUT_REDIRECT_URIS,
    BACKCHANNEL_LOGOUT_URI,
    BACKCHANNEL_LOGOUT_SESSION_REQUIRED,
    FRONTCHANNEL_LOGOUT_URI,
    FRONTCHANNEL_LOGOUT_SESSION_REQUIRED,
)
