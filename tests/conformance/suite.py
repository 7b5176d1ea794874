"""The suite's side: how it discovers, registers and cleans up (F-010 to F-012)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from joserfc.jwk import KeyParameters, RSAKey

from registrary.testing.server import RunningServer
from tests.conformance.documents import Documents
from tests.conformance.judge import check_json
from tests.conformance.relying_party import Party

BASE: Final = "https://suite.example/test/a/registrary"
CALLBACK: Final = f"{BASE}/callback"
JSON: Final = {"accept": "application/json", "accept-charset": "utf-8"}

Document = dict[str, Any]  # Any: metadata values are JSON


def new_key(kid: str | None = None) -> RSAKey:
    """Return a new RS256 key; as in the suite it has no ``kid`` unless told."""
    named: KeyParameters = {} if kid is None else {"kid": kid}
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", **named})


def public(*keys: RSAKey) -> Document:
    """Return the public halves of *keys* as a JWK Set."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


@dataclass(frozen=True)
class Suite:
    """One run of modules against the server at *issuer*.

    *key* is that of every client which has no reason for another.
    """

    http: httpx2.Client
    server: RunningServer
    issuer: str
    documents: Documents
    key: RSAKey
    parties: list[Document] = field(default_factory=list)

    @cached_property
    def metadata(self) -> Document:
        """What the issuer publishes."""
        return check_json(self.http.get(f"{self.issuer}/.well-known/openid-configuration"), 200)

    def keys(self) -> Document:
        """Return the keys the issuer publishes."""
        return check_json(self.http.get(self.metadata["jwks_uri"]), 200)

    def wish(
        self, response_type: str = "code", *, method: str = "private_key_jwt", **members: Any
    ) -> Document:
        """Return a registration as the suite makes it (F-011); None leaves a member out."""
        words = set(response_type.split())
        grants = ["authorization_code"] if "code" in words else []
        grants += ["implicit"] if words & {"id_token", "token"} else []
        document = {
            "client_name": "registrary conformance",
            "grant_types": grants,
            "response_types": [response_type],
            "jwks": public(self.key),
            "token_endpoint_auth_method": method,
            "redirect_uris": [CALLBACK],
            "contacts": ["certification@suite.example"],
        } | members
        return {name: value for name, value in document.items() if value is not None}

    def post(self, document: Document) -> httpx2.Response:
        """Ask for a registration."""
        address = self.metadata["registration_endpoint"]
        return self.http.post(address, json=document, headers=JSON)

    def register(
        self,
        response_type: str = "code",
        *,
        key: RSAKey | None = None,
        response_mode: str | None = None,
        **members: Any,
    ) -> Party:
        """Register a client as *wish* says, which is gone when the module ends.

        It proves itself with *key*, and asks for answers by *response_mode*.
        """
        document = self.wish(response_type, **members)
        client = self.checked(self.post(document), document)
        return Party(self, client, response_type, key or self.key, response_mode=response_mode)

    def checked(self, answer: httpx2.Response, wish: Document) -> Document:
        """Return the client of a registration that must have been a success (F-010)."""
        client = check_json(answer, 201)
        self.parties.append(client)
        assert "error" not in client
        assert client["client_id"]
        assert {"registration_access_token", "registration_client_uri"} <= client.keys()
        assert client["registration_access_token"]
        assert "https" == urlsplit(client["registration_client_uri"]).scheme
        assert ("client_secret" in client) is ("client_secret_expires_at" in client)
        assert wish == {name: client[name] for name in wish}
        return client

    def read(self, client: Document) -> httpx2.Response:
        """Ask for the registration of *client*."""
        return self.http.get(client["registration_client_uri"], headers=_own(client))

    def unregister_all(self) -> None:
        """Delete every client of this run (F-012)."""
        while self.parties:
            client = self.parties.pop()
            answer = self.http.delete(client["registration_client_uri"], headers=_own(client))
            assert (204, "") == (answer.status_code, answer.text)


@contextmanager
def cleaned(suite: Suite) -> Iterator[Suite]:
    """Yield *suite* for one module, and delete what it registered."""
    yield suite
    suite.unregister_all()


def _own(client: Document) -> dict[str, str]:
    return {"authorization": f"Bearer {client['registration_access_token']}"}
