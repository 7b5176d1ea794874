"""Members of OpenID Connect Dynamic Client Registration §2."""

from functools import partial
from typing import Any, Final

from registrary.core.metadata import parsers
from registrary.core.metadata.field import Feature, Field
from registrary.core.metadata.schemas import BOOLEAN, URI, URIS, WORD, WORDS

_SECTION: Final = "OpenID Connect Registration §2"
_algorithm = partial(Field[str], parse=parsers.token, section=_SECTION, schema=WORD)

APPLICATION_TYPE: Final[Field[str]] = Field(
    name="application_type",
    parse=parsers.one_of("web", "native"),
    section=_SECTION,
    sentence="Whether the client runs on a web server or on a person's device.",
    schema={"enum": ["web", "native"]},
    default="web",
)
SECTOR_IDENTIFIER_URI: Final[Field[str]] = Field(
    name="sector_identifier_uri",
    parse=parsers.https_uri,
    section="OpenID Connect Registration §5",
    sentence="A list of the redirect URIs that belong to one sector.",
    schema=URI,
    parse_with_loopback=parsers.https_or_loopback_uri,
)
SUBJECT_TYPE: Final[Field[str]] = Field(
    name="subject_type",
    parse=parsers.token,
    section=_SECTION,
    sentence="Whether a person has one name everywhere or one for each sector.",
    schema=WORD,
    default="public",
    announced_by="subject_types_supported",
)
ID_TOKEN_SIGNED_RESPONSE_ALG: Final[Field[str]] = _algorithm(
    name="id_token_signed_response_alg",
    sentence="How ID tokens for the client are signed.",
    default="RS256",
    announced_by="id_token_signing_alg_values_supported",
)
ID_TOKEN_ENCRYPTED_RESPONSE_ALG: Final[Field[str]] = _algorithm(
    name="id_token_encrypted_response_alg",
    sentence="How the key of encrypted ID tokens is wrapped.",
    announced_by="id_token_encryption_alg_values_supported",
    feature=Feature.ENCRYPTION,
)
ID_TOKEN_ENCRYPTED_RESPONSE_ENC: Final[Field[str]] = _algorithm(
    name="id_token_encrypted_response_enc",
    sentence="How ID tokens are encrypted.",
    announced_by="id_token_encryption_enc_values_supported",
    feature=Feature.ENCRYPTION,
)
USERINFO_SIGNED_RESPONSE_ALG: Final[Field[str]] = _algorithm(
    name="userinfo_signed_response_alg",
    sentence="How answers of the userinfo endpoint are signed; plain JSON when absent.",
    announced_by="userinfo_signing_alg_values_supported",
    feature=Feature.SIGNED_USERINFO,
)
USERINFO_ENCRYPTED_RESPONSE_ALG: Final[Field[str]] = _algorithm(
    name="userinfo_encrypted_response_alg",
    sentence="How the key of encrypted userinfo is wrapped.",
    announced_by="userinfo_encryption_alg_values_supported",
    feature=Feature.ENCRYPTION,
)
USERINFO_ENCRYPTED_RESPONSE_ENC: Final[Field[str]] = _algorithm(
    name="userinfo_encrypted_response_enc",
    sentence="How userinfo is encrypted.",
    announced_by="userinfo_encryption_enc_values_supported",
    feature=Feature.ENCRYPTION,
)
REQUEST_OBJECT_SIGNING_ALG: Final[Field[str]] = _algorithm(
    name="request_object_signing_alg",
    sentence="How the client signs its request objects; any way offered when absent.",
    announced_by="request_object_signing_alg_values_supported",
    feature=Feature.REQUEST_OBJECTS,
)
REQUEST_OBJECT_ENCRYPTION_ALG: Final[Field[str]] = _algorithm(
    name="request_object_encryption_alg",
    sentence="How the client may wrap the key of encrypted request objects.",
    announced_by="request_object_encryption_alg_values_supported",
    feature=Feature.ENCRYPTED_REQUESTS,
)
REQUEST_OBJECT_ENCRYPTION_ENC: Final[Field[str]] = _algorithm(
    name="request_object_encryption_enc",
    sentence="How the client may encrypt its request objects.",
    announced_by="request_object_encryption_enc_values_supported",
    feature=Feature.ENCRYPTED_REQUESTS,
)
TOKEN_ENDPOINT_AUTH_SIGNING_ALG: Final[Field[str]] = _algorithm(
    name="token_endpoint_auth_signing_alg",
    sentence="How the client signs the assertion that proves who it is; any way when absent.",
    announced_by="token_endpoint_auth_signing_alg_values_supported",
    is_judged_between=True,  # without a method that signs, it is dropped whatever it says (C-018)
)
DEFAULT_MAX_AGE: Final[Field[int]] = Field(
    name="default_max_age",
    parse=parsers.seconds,
    section=_SECTION,
    sentence="After how many seconds a person must sign in again.",
    schema={"type": "integer", "minimum": 0, "maximum": parsers.SECONDS_LIMIT},
)
REQUIRE_AUTH_TIME: Final[Field[bool]] = Field(
    name="require_auth_time",
    parse=parsers.boolean,
    section=_SECTION,
    sentence="Whether ID tokens always say when the person signed in.",
    schema=BOOLEAN,
    default=False,
)
DEFAULT_ACR_VALUES: Final[Field[list[str]]] = Field(
    name="default_acr_values",
    parse=parsers.array(parsers.token),
    section=_SECTION,
    sentence="How strongly people should be authenticated, best first.",
    schema=WORDS,
    announced_by="acr_values_supported",
    is_free_without_list=True,
)
INITIATE_LOGIN_URI: Final[Field[str]] = Field(
    name="initiate_login_uri",
    parse=parsers.https_uri,
    section=_SECTION,
    sentence="Where a third party may start a login at the client.",
    schema=URI,
)
REQUEST_URIS: Final[Field[list[str]]] = Field(
    name="request_uris",
    parse=parsers.array(parsers.https_uri),
    section=_SECTION,
    sentence="Where the client keeps request objects.",
    schema=URIS,
    feature=Feature.REQUEST_URIS,
    parse_with_loopback=parsers.array(parsers.https_or_loopback_uri),
)

FIELDS: Final[tuple[Field[Any], ...]] = (  # Any: rows of members of every type
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
)
