"""Authlib and Flask on SQLite as a peer: ``gunicorn 'authlib_server:create_app(FILE, ORIGIN)'``.

Storage is the standard library's ``sqlite3`` with one connection per thread, which is cheaper than
the SQLAlchemy most deployments have. ``synchronous=FULL``: as durable as Registrary promises to be.
"""
# ruff: noqa: ANN401 - Authlib is untyped; what it passes is its own request and parsed JSON

import hashlib
import json
import secrets
import sqlite3
import threading
from dataclasses import dataclass
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, list_to_scope, scope_to_list
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7591 import ClientMetadataClaims, ClientRegistrationEndpoint
from authlib.oauth2.rfc7592 import ClientConfigurationEndpoint
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oidc.registration import ClientMetadataClaims as OpenIdClientMetadataClaims
from flask import Flask, Response, request
from joserfc.jwk import ECKey

SCHEMA = """
CREATE TABLE IF NOT EXISTS client (
  client_id TEXT PRIMARY KEY, info TEXT NOT NULL, metadata TEXT NOT NULL, token_digest BLOB NOT NULL
)"""
CLAIMS = [ClientMetadataClaims, OpenIdClientMetadataClaims]
SERVER_METADATA = {
    "id_token_signing_alg_values_supported": ["ES256", "RS256"],
    "subject_types_supported": ["public", "pairwise"],
}


class Store:
    """Clients in one SQLite file; every registration is one commit."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._local = threading.local()
        self.connection.execute(SCHEMA)

    @property
    def connection(self) -> sqlite3.Connection:
        """The calling thread's own connection."""
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self._file, isolation_level=None, timeout=30)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._local.connection = connection
        return self._local.connection

    def put(self, client: "Client") -> None:
        """Commit a new *client*."""
        row = (
            client.info["client_id"],
            json.dumps(client.info),
            json.dumps(client.metadata),
            client.token_digest,
        )
        self.connection.execute("INSERT INTO client VALUES (?, ?, ?, ?)", row)

    def get(self, client_id: str) -> "Client | None":
        """Return the client *client_id*, or None."""
        query = "SELECT info, metadata, token_digest FROM client WHERE client_id = ?"
        row = self.connection.execute(query, (client_id,)).fetchone()
        return Client(json.loads(row[0]), json.loads(row[1]), row[2]) if row else None


@dataclass
class Client(ClientMixin):
    """A registered client as Authlib wants to ask it."""

    info: dict[str, Any]
    metadata: dict[str, Any]
    token_digest: bytes

    @property
    def client_info(self) -> dict[str, Any]:
        """The members the server made."""
        return self.info

    @property
    def client_metadata(self) -> dict[str, Any]:
        """The members the client sent."""
        return self.metadata

    def get_client_id(self) -> str:
        """Return the client's identifier."""
        return self.info["client_id"]

    def get_allowed_scope(self, scope: str) -> str:
        """Narrow *scope* to what the client registered."""
        allowed = set(scope_to_list(self.metadata.get("scope", "")))
        return list_to_scope([name for name in scope_to_list(scope or "") if name in allowed])

    def check_client_secret(self, client_secret: str) -> bool:
        """Compare the secret in constant time."""
        return secrets.compare_digest(self.info["client_secret"], client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Hold the client to its own authentication method at the token endpoint."""
        return endpoint != "token" or self.metadata["token_endpoint_auth_method"] == method

    def check_grant_type(self, grant_type: str) -> bool:
        """Tell whether the client registered *grant_type*."""
        return grant_type in self.metadata.get("grant_types", ())


@dataclass
class Credential(TokenMixin):
    """What authorized a call: nothing at registration, a bearer token at the client's own URI."""

    token: str = ""

    def check_client(self, client: Client) -> bool:
        """Tell whether the token was issued to *client*."""
        return secrets.compare_digest(client.token_digest, digest_of(self.token))


class Registration(ClientRegistrationEndpoint):
    """Open registration that hands out a registration access token."""

    def __init__(self, store: Store, origin: str) -> None:
        super().__init__(claims_classes=CLAIMS)
        self._store = store
        self._origin = origin

    def authenticate_token(self, request: object) -> Credential:
        """Let everyone register."""
        return Credential()

    def get_server_metadata(self) -> dict[str, Any]:
        """Say what the claims are checked against."""
        return SERVER_METADATA

    def save_client(
        self, client_info: dict[str, Any], client_metadata: dict[str, Any], request: Any
    ) -> Client:
        """Commit the client together with the digest of its registration access token."""
        request.credential.token = secrets.token_urlsafe(32)
        client = Client(client_info, client_metadata, digest_of(request.credential.token))
        self._store.put(client)
        return client

    def generate_client_registration_info(self, client: Client, request: Any) -> dict[str, str]:
        """Add the members of RFC 7592 §3."""
        return {
            "registration_client_uri": f"{self._origin}/register/{client.get_client_id()}",
            "registration_access_token": request.credential.token,
        }


class Configuration(ClientConfigurationEndpoint):
    """A client reading its own record."""

    def __init__(self, store: Store) -> None:
        super().__init__(claims_classes=CLAIMS)
        self._store = store

    def authenticate_token(self, request: Any) -> Credential:
        """Take the bearer token; Authlib compares it once the client is known."""
        return Credential(request.headers.get("Authorization", "").removeprefix("Bearer "))

    def authenticate_client(self, request: Any) -> Client | None:
        """Find the client its URI names."""
        return self._store.get(request.uri.rpartition("/")[2])

    def check_permission(self, client: Client, request: object) -> bool:
        """Allow every client to read itself."""
        return True

    def generate_client_registration_info(self, client: Client, request: Any) -> dict[str, str]:
        """Echo the members of RFC 7592 §3 from the request itself."""
        return {
            "registration_client_uri": request.uri,
            "registration_access_token": request.credential.token,
        }


class Es256Tokens(JWTBearerTokenGenerator):
    """RFC 9068 access tokens signed with one P-256 key."""

    def __init__(self, origin: str) -> None:
        super().__init__(issuer=origin, alg="ES256", expires_generator=lambda *_: 3600)
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)

    def get_jwks(self) -> ECKey:
        """Return the key to sign with."""
        return self._key


def digest_of(token: str) -> bytes:
    """Return what is stored instead of *token*."""
    return hashlib.sha256(token.encode()).digest()


def create_app(file: str, origin: str) -> Flask:
    """Build the application on the SQLite *file*, reachable as *origin*."""
    app = Flask(__name__)
    store = Store(file)
    server = AuthorizationServer(app, query_client=store.get, save_token=lambda *_: None)
    server.register_grant(ClientCredentialsGrant)
    server.register_token_generator("default", Es256Tokens(origin))
    server.register_endpoint(Registration(store, origin))
    server.register_endpoint(Configuration(store))
    respond = server.create_endpoint_response

    @app.post("/register")
    def register() -> Response:
        return respond("client_registration")

    @app.get("/register/<client_id>")
    def read(client_id: str) -> Response:  # noqa: ARG001 - Authlib takes it from the URI
        return respond("client_configuration", request)

    @app.post("/token")
    def token() -> Response:
        return server.create_token_response()

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    return app
