"""How tests call a server as clients that have certificates."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from registrary.testing.client_certificates import ClientAuthority, HeldCertificate
from registrary.testing.server import RunningServer

SERVICE = {"grant_types": ["client_credentials"]}


@dataclass(frozen=True)
class Caller:
    """A program that calls *url*, trusting the file *trust*, with its own certificate if any."""

    url: str
    trust: Path
    folder: Path
    held: HeldCertificate | None = None

    def send(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Send a request over a connection of its own."""
        with self.connected() as http:
            return http.request(method, path, **more)

    @contextmanager
    def connected(self) -> Iterator[httpx2.Client]:
        """Return a client that keeps its connection."""
        context = ssl.create_default_context(cafile=self.trust)
        if self.held is not None:
            context.load_cert_chain(*self.held.write(self.folder))
        with httpx2.Client(
            base_url=self.url, verify=context, trust_env=False, timeout=20
        ) as client:
            yield client

    def register(self, **members: Any) -> httpx2.Response:
        """Register a client with *members*."""
        return self.send("POST", "/register", json=SERVICE | members)

    def client_id(self, **members: Any) -> str:
        """Register a client and return its id."""
        answer = self.register(**members)
        assert answer.status_code == 201, answer.text
        client_id: str = answer.json()["client_id"]
        return client_id

    def token(self, client_id: str, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """Ask for a token in the client's own name."""
        form = {"grant_type": "client_credentials", "client_id": client_id}
        return self.send("POST", "/token", data=form, headers=headers)


@dataclass(frozen=True)
class Scene:
    """A server, the authority of its clients, and a folder for their files."""

    server: RunningServer
    url: str
    trust: Path
    authority: ClientAuthority
    folder: Path

    def caller(self, held: HeldCertificate | None = None) -> Caller:
        """Return a program with the certificate *held*."""
        return Caller(self.url, self.trust, self.folder, held)


def pki(**subject: str) -> dict[str, str]:
    """Return the members of a client with a certificate of an authority."""
    named = {f"tls_client_auth_{kind}": value for kind, value in subject.items()}
    return {"token_endpoint_auth_method": "tls_client_auth"} | named


def own(*held: HeldCertificate) -> dict[str, Any]:
    """Return the members of a client with certificates of its own making."""
    return {
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks": {"keys": [one.jwk for one in held]},
    }


def verdict(answer: httpx2.Response) -> tuple[int, str | None]:
    """Return the status of an answer, and its error if it is one."""
    return answer.status_code, answer.json().get("error")


GRANTED = (200, None)
NOT_PROVED = (401, "invalid_client")
