"""Members of OpenID Connect RP-Initiated, Back-Channel and Front-Channel Logout."""

from typing import Any, Final

from registrary.core.metadata import parsers
from registrary.core.metadata.field import Feature, Field
from registrary.core.metadata.schemas import BOOLEAN, URI, URIS

_BACK_CHANNEL: Final = "OpenID Connect Back-Channel Logout §2.2"
_FRONT_CHANNEL: Final = "OpenID Connect Front-Channel Logout §2"

# Which clients may have plain http here is a rule between members.
POST_LOGOUT_REDIRECT_URIS: Final[Field[list[str]]] = Field(
    name="post_logout_redirect_uris",
    parse=parsers.array(parsers.post_logout_redirect_uri),
    section="OpenID Connect RP-Initiated Logout §3.1",
    sentence="Addresses a person is sent to after logging out.",
    schema=URIS,
    feature=Feature.LOGOUT,
)
BACKCHANNEL_LOGOUT_URI: Final[Field[str]] = Field(
    name="backchannel_logout_uri",
    parse=parsers.whole_uri(parsers.web_uri),
    section=_BACK_CHANNEL,
    sentence="Where this server tells the client that a person logged out.",
    schema=URI,
    feature=Feature.BACKCHANNEL_LOGOUT,
)
BACKCHANNEL_LOGOUT_SESSION_REQUIRED: Final[Field[bool]] = Field(
    name="backchannel_logout_session_required",
    parse=parsers.boolean,
    section=_BACK_CHANNEL,
    sentence="Whether that message must name the session.",
    schema=BOOLEAN,
    default=False,
    feature=Feature.BACKCHANNEL_LOGOUT,
)
FRONTCHANNEL_LOGOUT_URI: Final[Field[str]] = Field(
    name="frontchannel_logout_uri",
    parse=parsers.whole_uri(parsers.web_uri),
    section=_FRONT_CHANNEL,
    sentence="A page of the client that ends its session when the browser loads it.",
    schema=URI,
    feature=Feature.FRONTCHANNEL_LOGOUT,
)
FRONTCHANNEL_LOGOUT_SESSION_REQUIRED: Final[Field[bool]] = Field(
    name="frontchannel_logout_session_required",
    parse=parsers.boolean,
    section=_FRONT_CHANNEL,
    sentence="Whether that page must be told the session.",
    schema=BOOLEAN,
    default=False,
    feature=Feature.FRONTCHANNEL_LOGOUT,
)

FIELDS: Final[tuple[Field[Any], ...]] = (  # Any: rows of members of every type
    POST_LOGOUT_REDIRECT_URIS,
    BACKCHANNEL_LOGOUT_URI,
    BACKCHANNEL_LOGOUT_SESSION_REQUIRED,
    FRONTCHANNEL_LOGOUT_URI,
    FRONTCHANNEL_LOGOUT_SESSION_REQUIRED,
)
