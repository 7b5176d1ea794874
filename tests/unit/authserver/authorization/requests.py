"""Authorization requests for tests: right as they stand, but for what a test says."""

from typing import Any, Final

from registrary.authserver.authorization.failing import Failure
from registrary.authserver.authorization.judgement import judge
from registrary.authserver.authorization.request import AuthorizationRequest, Source
from registrary.authserver.context import ServerContext
from registrary.core.client import Client
from registrary.core.issuer import RuleSet
from registrary.core.metadata import Feature, offer_for
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.testing.factories import a_client, an_issuer, some_metadata

URI: Final = "https://client.example/callback"
CHALLENGE: Final = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
DETAIL: Final = "payment"

GOOD: Final = {
    "response_type": "code",
    "redirect_uri": URI,
    "scope": "openid profile read",
    "state": "a-state",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def a_context(**issuer: Any) -> ServerContext:
    """Return an issuer that offers all an authorization request can ask for."""
    members = {"scopes": DEVELOPMENT_SCOPES, "authorization_details_types": (DETAIL,)} | issuer
    made = an_issuer(**members)
    features = frozenset({Feature.SIGNED_RESPONSES, Feature.AUTHORIZATION_DETAILS})
    offer = offer_for(
        made.rule_set.value,
        made.scopes,
        features=features,
        authorization_details_types=made.authorization_details_types,
    )
    return ServerContext(made, offer, f"{made.url}/token")


def dynamic_context(**issuer: Any) -> ServerContext:
    """Return an issuer as certification of OpenID providers wants it."""
    return a_context(rule_set=RuleSet.OIDF_DYNAMIC, **issuer)


def a_web_client(**metadata: Any) -> Client:
    """Return a confidential client that may ask for most things."""
    own = {"redirect_uris": [URI], "scope": "openid profile email offline_access read write"}
    return a_client(metadata=some_metadata(**own | metadata))


def judged(
    context: ServerContext | None = None,
    client: Client | None = None,
    *,
    source: Source | None = None,
    **changes: str | None,
) -> AuthorizationRequest | Failure:
    """Return what comes of the good request with *changes*; None leaves a parameter out."""
    values = {name: (value,) for name, value in (GOOD | changes).items() if value is not None}
    return judge(
        context or a_context(), client or a_web_client(), values, source=source or Source()
    )


def a_request(
    context: ServerContext | None = None,
    client: Client | None = None,
    *,
    source: Source | None = None,
    **changes: str | None,
) -> AuthorizationRequest:
    """Return the request that was judged good."""
    asked = judged(context, client, source=source, **changes)
    assert isinstance(asked, AuthorizationRequest), asked
    return asked


def failure_of(
    context: ServerContext | None = None,
    client: Client | None = None,
    *,
    source: Source | None = None,
    **changes: str | None,
) -> Failure:
    """Return how the request fails."""
    asked = judged(context, client, source=source, **changes)
    assert isinstance(asked, Failure), asked
    return asked
