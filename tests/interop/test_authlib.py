"""Authlib on requests: tokens and their fate by its session, metadata and tokens by its models.

It has no API for registering as a client: requests does that, as Authlib's users do.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import (  # type: ignore[import-untyped] # ships no types
    OAuth2Session,
    OAuthError,
)
from authlib.oauth2.rfc7523 import (  # type: ignore[import-untyped] # ships no types
    ClientSecretJWT,
    PrivateKeyJWT,
)
from authlib.oauth2.rfc8414 import (  # type: ignore[import-untyped] # ships no types
    AuthorizationServerMetadata,
)
from authlib.oauth2.rfc8414 import get_well_known_url as oauth_address
from authlib.oauth2.rfc9068 import (  # type: ignore[import-untyped] # ships no types
    JWTBearerTokenValidator,
)
from authlib.oidc.discovery import (  # type: ignore[import-untyped] # ships no types
    OpenIDProviderMetadata,
)
from authlib.oidc.discovery import get_well_known_url as openid_address
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from tests.interop.places import RESOURCE, Place

KEYS: dict[str, Callable[[], ECKey | OKPKey | RSAKey]] = {
    "ES256": lambda: ECKey.generate_key("P-256", {"kid": "one"}),
    "RS256": lambda: RSAKey.generate_key(2048, {"kid": "one"}),
    "PS256": lambda: RSAKey.generate_key(2048, {"kid": "one"}),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519", {"kid": "one"}),
}

NEWER_NAMES = {"EdDSA": "Ed25519"}
"""What joserfc, on which Authlib is built, no longer signs under its older name (RFC 9864)."""

METHODS = (
    ("client_secret_basic", None),
    ("client_secret_post", None),
    ("client_secret_jwt", None),
    *(("private_key_jwt", alg) for alg in KEYS),
)


class Application:
    """A client that registered, with Authlib's session for it and the metadata of its server."""

    def __init__(self, place: Place, method: str, alg: str | None) -> None:
        self.server = discover(place, oauth_address(place.issuer, external=True))
        key = KEYS[alg]() if alg else None
        self.client = register(self.server, method, alg=alg, key=key)
        self.session = OAuth2Session(
            self.client["client_id"],
            key or self.client["client_secret"],
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
        )
        endpoint = self.server["token_endpoint"]
        self.session.register_client_auth_method(ClientSecretJWT(endpoint))
        signs_as = NEWER_NAMES.get(alg, alg) if alg else None
        by_key = PrivateKeyJWT(endpoint, headers={"kid": "one"}, alg=signs_as)
        self.session.register_client_auth_method(by_key)

    def get_token(self) -> dict[str, Any]:
        """Get a token for `RESOURCE`."""
        token: dict[str, Any] = self.session.fetch_token(
            self.server["token_endpoint"], grant_type="client_credentials", resource=RESOURCE
        )
        return token

    def introspect(self, token: dict[str, Any]) -> dict[str, Any]:
        """Ask the server what *token* is worth."""
        answer = self.session.introspect_token(
            self.server["introspection_endpoint"], token=token["access_token"]
        )
        found: dict[str, Any] = answer.json()
        return found

    def revoke(self, token: dict[str, Any]) -> int:
        """End *token*; return the status of the answer."""
        address = self.server["revocation_endpoint"]
        status: int = self.session.revoke_token(address, token=token["access_token"]).status_code
        return status

    def leave(self) -> int:
        """Delete the registration; return the status of the answer."""
        headers = {"Authorization": f"Bearer {self.client['registration_access_token']}"}
        uri = self.client["registration_client_uri"]
        return requests.delete(uri, headers=headers, timeout=20).status_code


class ResourceServer(JWTBearerTokenValidator):  # type: ignore[misc] # ships no types
    """Authlib's validator of RFC 9068, with the keys of *server*."""

    def __init__(self, server: dict[str, Any]) -> None:
        super().__init__(issuer=server["issuer"], resource_server=RESOURCE)
        self.jwks_uri = server["jwks_uri"]

    def get_jwks(self) -> KeySet:
        """Fetch the published keys."""
        return KeySet.import_key_set(requests.get(self.jwks_uri, timeout=20).json())


def discover(place: Place, address: str) -> dict[str, Any]:
    """Fetch the metadata at *address*."""
    trust = str(place.server.authority) if place.server.authority else True
    document: dict[str, Any] = requests.get(address, timeout=20, verify=trust).json()
    return document


def register(
    server: dict[str, Any], method: str, *, alg: str | None, key: ECKey | OKPKey | RSAKey | None
) -> dict[str, Any]:
    """Register a client that gets tokens in its own name."""
    document: dict[str, Any] = {
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": method,
    }
    if key:
        keys = {"keys": [key.as_dict(private=False)]}
        document |= {"token_endpoint_auth_signing_alg": alg, "jwks": keys}
    answer = requests.post(server["registration_endpoint"], json=document, timeout=20)
    client: dict[str, Any] = answer.json()
    return client


@pytest.fixture(params=METHODS, ids=lambda method: " with ".join(filter(None, method)))
def application(request: pytest.FixtureRequest, open_server: Place) -> Iterator[Application]:
    """Register a client, for each way of proving itself."""
    made = Application(open_server, *request.param)
    with made.session:
        yield made


@pytest.mark.parametrize(
    ("address", "model"),
    [(oauth_address, AuthorizationServerMetadata), (openid_address, OpenIDProviderMetadata)],
    ids=["oauth", "openid"],
)
@pytest.mark.spec("D-001", "D-002")
def test_the_metadata_is_valid(secure_server: Place, address, model):
    """Authlib finds it where each specification says and goes through it member by member."""
    document = discover(secure_server, address(secure_server.issuer, external=True))

    model(document).validate()  # raises ValueError
    assert secure_server.issuer == document["issuer"]


def test_a_token_is_verified_introspected_and_revoked(application: Application):
    """Every way of proving itself that Authlib knows serves a whole day's work."""
    token = application.get_token()
    judge = ResourceServer(application.server)

    claims = judge.authenticate_token(token["access_token"])
    judge.validate_token(claims, scopes=None, request=None)  # raises unless it is good
    before = application.introspect(token)
    status = application.revoke(token)
    after = application.introspect(token)

    assert application.client["client_id"] == claims["client_id"]
    assert (True, 200, {"active": False}) == (before["active"], status, after)


@pytest.mark.spec("B-060")
def test_a_deleted_client_gets_no_token(application: Application):
    """Authlib hands the code on."""
    status = application.leave()

    with pytest.raises(OAuthError, match="client authentication failed") as refused:
        application.get_token()
    assert (204, "invalid_client") == (status, refused.value.error)
