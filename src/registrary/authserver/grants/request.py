"""A request for tokens as every grant sees it, and what it is answered."""

from typing import Any, Final

import msgspec

from registrary.authserver.presented import Refusal, Visit
from registrary.core.client import Client
from registrary.core.grants import Confirmation
from registrary.core.metadata.grants import GRANT_TYPES

NOT_GOOD: Final = Refusal("invalid_grant", "what was presented is not good, or not for this client")
"""The one refusal of codes and tokens that are worth nothing, whatever the reason."""

NOT_REGISTERED: Final = Refusal("unauthorized_client", "the client did not register this grant")


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What an authenticated *client* asks for, beside what it presents.

    *confirmation* is what it proved to hold: the tokens will be bound to that.
    """

    client: Client
    scope: str | None = None
    resources: tuple[str, ...] = ()
    confirmation: Confirmation = Confirmation()
    visit: Visit = Visit()

    def may_use(self, grant_type: str) -> bool:
        """Tell whether the client registered *grant_type*."""
        return grant_type in self.client.metadata.get("grant_types", ())

    @property
    def is_public(self) -> bool:
        """Tell whether the client proves itself by nothing but its id."""
        return self.client.metadata.get("token_endpoint_auth_method") == "none"

    def gets_refresh_token(self, grant_type: str) -> bool:
        """Tell whether *grant_type* brings this client a refresh token too."""
        return GRANT_TYPES[grant_type].yields_refresh_token and self.may_use("refresh_token")


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A successful answer of the token endpoint, member by member (RFC 6749 §5.1)."""

    access_token: str
    issued_token_type: str | None = None
    token_type: str
    expires_in: int
    scope: str | None = None
    refresh_token: str | None = None
    id_token: str | None = None
    authorization_details: tuple[dict[str, Any], ...] = ()  # Any: JSON, whose type the `type` says

    def __repr__(self) -> str:
        """Keep the tokens out of logs and tracebacks."""
        return "TokenAnswer(…)"
