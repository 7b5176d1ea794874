"""What the bench sends: whole HTTP/1.1 requests as bytes, made before the clock starts."""

import base64
import json
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from bench.settings import ADMIN_TOKEN

MARK = "@" * 12
"""Stands in a request where each copy gets its own number, zero-padded to the same length."""

REDIRECT_URI = f"https://app-{MARK}.example/oauth/callback"

REGISTRATION: dict[str, object] = {
    "redirect_uris": [
        REDIRECT_URI,
        f"https://app-{MARK}.example/oauth/silent-renew",
        f"https://staging.app-{MARK}.example/oauth/callback",
    ],
    "client_name": f"Expense reports {MARK}",
    "client_name#de": f"Spesenabrechnung {MARK}",
    "client_uri": "https://expenses.example/",
    "logo_uri": "https://expenses.example/static/logo-256.png",
    "policy_uri": "https://expenses.example/legal/privacy",
    "tos_uri": "https://expenses.example/legal/terms",
    "contacts": ["identity@expenses.example", "oncall@expenses.example"],
    "application_type": "web",
    "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "client_secret_basic",
    "scope": "openid profile email offline_access read",
    "subject_type": "public",
    "id_token_signed_response_alg": "ES256",
    "default_max_age": 3600,
    "require_auth_time": True,
    "initiate_login_uri": "https://expenses.example/oauth/initiate",
    "post_logout_redirect_uris": ["https://expenses.example/signed-out"],
    "require_pushed_authorization_requests": False,
    "dpop_bound_access_tokens": False,
    "backchannel_logout_uri": "https://expenses.example/oauth/backchannel-logout",
    "backchannel_logout_session_required": True,
    "software_id": f"4NRB1-0XZABZI9E6-{MARK}",
    "software_version": "2026.11.3",
}
"""25 members, 1.3 kB: what a well-kept web application says about itself."""

MCP_MEMBERS = (
    "redirect_uris",
    "client_name",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "contacts",
    "application_type",
    "grant_types",
    "response_types",
    "token_endpoint_auth_method",
    "scope",
    "software_id",
    "software_version",
)
"""The members the MCP SDK knows; it drops all others unseen."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One client as its server answered, as far as the bench uses it again."""

    client_id: str
    client_secret: str
    registration_client_uri: str
    registration_access_token: str
    redirect_uri: str = ""


def numbered(text: bytes, number: int) -> bytes:
    """Return *text* with *number* at every mark; the length stays the same."""
    return text.replace(MARK.encode(), b"%012d" % number)


def registration(path: str, port: int, members: tuple[str, ...] = ()) -> bytes:
    """Return a registration with marks in it, limited to *members* where any are named."""
    chosen = {name: REGISTRATION[name] for name in members or REGISTRATION}
    body = json.dumps(chosen, separators=(",", ":")).encode()
    return _request(f"POST {path}", port, "Content-Type: application/json", body=body)


def reading(client: Registered, port: int) -> bytes:
    """Return a read of *client* with its registration access token (RFC 7592 §2.1)."""
    path = urlsplit(client.registration_client_uri).path
    bearer = f"Authorization: Bearer {client.registration_access_token}"
    return _request(f"GET {path}", port, bearer)


def token_request(client: Registered, path: str, port: int) -> bytes:
    """Return a client-credentials grant with ``client_secret_basic`` (RFC 6749 §4.4.2)."""
    return posting(client, path, port, form={"grant_type": "client_credentials"})


def administering(path: str, port: int) -> bytes:
    """Return a read of the admin API."""
    return _request(f"GET {path}", port, f"Authorization: Bearer {ADMIN_TOKEN}")


def posting(client: Registered, path: str, port: int, *, form: dict[str, str]) -> bytes:
    """Return *form* as posted by *client* with ``client_secret_basic``."""
    pair = base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
    headers = (f"Authorization: Basic {pair}", "Content-Type: application/x-www-form-urlencoded")
    return _request(f"POST {path}", port, *headers, body=urlencode(form).encode())


def _request(start: str, port: int, *headers: str, body: bytes | None = None) -> bytes:
    lines = [f"{start} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: application/json", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")
