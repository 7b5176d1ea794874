"""The ways an application sends people to the server and gets tokens for what they allowed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.interop.journeys import Journey, Way

LOOPBACK: Final = "http://127.0.0.1:8765/callback"
HTTPS: Final = "https://app.example/callback"
PRIVATE: Final = "com.example.app:/callback"
GOODBYE: Final = "https://app.example/goodbye"
SCOPE: Final = "openid profile email read"
OPENID: Final = "openid profile email"  # what a server knows that nobody configured


@dataclass(frozen=True, slots=True)
class PersonWay(Way):
    """How the request reaches the server and the answer the client.

    *started* is ``plain``, ``pushed`` (RFC 9126) or ``signed`` (RFC 9101); *dpop* binds tokens to
    a key; *jarm* and *response_mode* say how the answer comes.
    """

    scope: str = SCOPE
    redirect_uri: str = HTTPS
    started: str = "plain"
    dpop: bool = False
    jarm: bool = False
    response_mode: str | None = None
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")

    def metadata(self) -> dict[str, Any]:
        """Return what the client asks for, but for its keys."""
        by_browser = "authorization_code" in self.grant_types
        wish = {
            "client_name": "Interop",
            "redirect_uris": [self.redirect_uri] if by_browser else None,
            "post_logout_redirect_uris": [GOODBYE] if by_browser else None,
            "grant_types": list(self.grant_types),
            "response_types": ["code"] if by_browser else [],
            "scope": self.scope,
            "token_endpoint_auth_method": self.method,
            "token_endpoint_auth_signing_alg": self.alg,
            "require_pushed_authorization_requests": self.started == "pushed" or None,
            "require_signed_request_object": self.started == "signed" or None,
            "dpop_bound_access_tokens": self.dpop or None,
            "authorization_signed_response_alg": "ES256" if self.jarm else None,
        }
        return {name: value for name, value in wish.items() if value is not None}

    def plan(self) -> dict[str, Any]:
        """Return what the script is told of this way."""
        mode = {"response_mode": self.response_mode} if self.response_mode else {}
        return Way.plan(self) | {
            "started": self.started,
            "dpop": self.dpop,
            "jarm": self.jarm,
            "scope": self.scope,
            "redirect_uri": self.redirect_uri,
            "post_logout_redirect_uri": GOODBYE,
            "authorization": mode,
        }


@dataclass(frozen=True, slots=True)
class McpWay(Way):
    """How the MCP SDKs register: what they add themselves is left to them."""

    def metadata(self) -> dict[str, Any]:
        """Return what a program tells the SDK to register."""
        return {
            "client_name": "Interop",
            "redirect_uris": [LOOPBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }

    def plan(self) -> dict[str, Any]:
        """Return what the script is told of this way."""
        return Way.plan(self) | {"redirect_uri": LOOPBACK}


@dataclass(frozen=True, slots=True)
class FrontWay(PersonWay):
    """How ID tokens come through the browser, where an issuer offers that at all."""

    place: str = "dynamic"
    response_type: str = "id_token"

    def metadata(self) -> dict[str, Any]:
        """Return what the client asks for."""
        by_code = ["authorization_code"] if "code" in self.response_type else []
        return PersonWay.metadata(self) | {
            "grant_types": [*by_code, "implicit"],
            "response_types": [self.response_type],
        }


def public(name: str, redirect_uri: str = LOOPBACK, **more: Any) -> PersonWay:
    """Return the way of a client that keeps no secret."""
    return PersonWay(name, method="none", redirect_uri=redirect_uri, **more)


PERSON_WAYS: Final = (
    public("public, loopback"),
    public("public, private scheme", PRIVATE),
    public("public, https", HTTPS),
    PersonWay("client_secret_basic"),
    PersonWay("client_secret_post", "client_secret_post"),
    PersonWay("client_secret_jwt", "client_secret_jwt"),
    PersonWay("private_key_jwt with ES256", "private_key_jwt", "ES256"),
    PersonWay("pushed request", started="pushed"),
    public("pushed request, public", started="pushed"),
    PersonWay("pushed request, private_key_jwt", "private_key_jwt", "RS256", started="pushed"),
    PersonWay("signed request", "private_key_jwt", "ES256", started="signed"),
    public("DPoP, public", dpop=True),
    PersonWay("DPoP, pushed request", "private_key_jwt", "ES256", started="pushed", dpop=True),
    PersonWay("signed response", jarm=True),
    PersonWay("form_post", response_mode="form_post"),
    PersonWay("fragment", response_mode="fragment"),
    PersonWay("https, issuer with a path", place="secure", scope=OPENID),
    public("https, public", place="secure", scope=OPENID),
    PersonWay(
        "https, everything at once",
        method="private_key_jwt",
        alg="ES256",
        place="secure",
        scope=OPENID,
        started="pushed",
        dpop=True,
        jarm=True,
    ),
)

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"

DEVICE_WAYS: Final = (
    public("a device without a secret", grant_types=(DEVICE_CODE, "refresh_token")),
    PersonWay("a device with a secret", grant_types=(DEVICE_CODE, "refresh_token")),
)
EXCHANGE_WAY: Final = PersonWay("exchange", grant_types=("authorization_code", TOKEN_EXCHANGE))

SignIn = Callable[..., Journey]
"""Makes the journey of a name with a script, on a way; more is added to its plan."""

McpSignIn = Callable[[str], Journey]
"""Calls a tool with a script."""
