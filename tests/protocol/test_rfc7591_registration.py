"""Dynamic client registration over HTTP (RFC 7591)."""

import json
from typing import Any

import httpx2
import pytest

from registrary.testing.server import ADMIN_TOKEN

URI = "https://app.example/cb"


@pytest.mark.spec("A-001", "A-100", "A-104", "A-105", "A-106", "A-109", "B-005")
def test_a_client_registers_and_everything_comes_back(register) -> None:
    """A client learns what it got: ids, secret, defaults, and where to manage itself."""
    response = register(client_name="My app")

    body = response.json()
    assert (201, "application/json") == (response.status_code, response.headers["content-type"])
    assert "no-store" == response.headers["cache-control"]
    assert {
        "redirect_uris": [URI],
        "client_name": "My app",
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "application_type": "web",
        "client_secret_expires_at": 0,
        "registrary_state": "active",
    }.items() <= body.items()
    assert body["client_secret"].startswith("rgy_cs_")
    assert body["registration_access_token"].startswith("rgy_rat_")
    assert body["registration_client_uri"].endswith(f"/register/{body['client_id']}")
    assert isinstance(body["client_id_issued_at"], int)


@pytest.mark.spec("A-107", "A-108", "T-19", "T-20")
def test_a_response_holds_nothing_null_or_empty(register) -> None:
    """Strict clients choke on null and orphan the client that was just made."""
    body = register(client_name=None, contacts=[], logo_uri="", tos_uri=None).json()

    assert all(value is not None and value != "" for value in body.values())
    assert {"client_name", "logo_uri", "tos_uri"}.isdisjoint(body)


@pytest.mark.parametrize(
    ("method", "has_secret"),
    [
        ("none", False),
        ("client_secret_basic", True),
        ("client_secret_post", True),
        ("client_secret_jwt", True),
    ],
)
@pytest.mark.spec("A-110", "A-130", "T-04", "T-05", "T-06")
def test_a_secret_is_issued_only_when_needed(register, method: str, *, has_secret: bool) -> None:
    """A secret nobody needs is one more to lose."""
    body = register(token_endpoint_auth_method=method).json()

    assert has_secret is ("client_secret" in body)
    assert has_secret is ("client_secret_expires_at" in body)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b'"x"', "application/json"),
        (b'{"a":1,"a":2}', "application/json"),
        (b'{"redirect_uris":NaN}', "application/json"),
        (b"\xff{}", "application/json"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "application/json"),
        (b"{}", "text/plain"),
        (b"redirect_uris=x", "application/x-www-form-urlencoded"),
    ],
    ids=lambda value: str(value)[:24],
)
@pytest.mark.spec("A-012", "A-013", "T-74")
def test_a_body_that_is_no_object_is_an_invalid_request(
    http: httpx2.Client, body: bytes, content_type: str
) -> None:
    """Whatever arrives, the answer is an OAuth error and never a crash."""
    response = http.post("/register", content=body, headers={"content-type": content_type})

    assert (400, "invalid_request") == (response.status_code, response.json()["error"])


@pytest.mark.parametrize(
    "uris",
    [
        ["https://app.example/cb#x"],
        ["https://app.example/cb#"],
        ["/cb"],
        ["http://app.example/cb"],
        ["javascript:alert(1)"],
        ["JavaScript:alert(1)"],
        ["data:text/html,x"],
        ["https://user@app.example/cb"],
        ["https://app.example\\@evil.example/cb"],
        ["https://*.example/cb"],
        ["https://app.example/../cb"],
        ["https://app.example/cb?code=1"],
        ["http://localhost.evil.example/cb"],
        ["https://app.example/c b"],
        ["https://app.example/\u00e9"],
        ["ftp://127.0.0.1/cb"],
        [URI, "javascript:x"],
        [],
        None,
        [None],
        "https://app.example/cb",
        [5],
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.spec(
    "A-020", "A-060", "A-061", "A-062", "A-063", "A-065", "A-066", "A-068", "A-116", "T-22", "T-25"
)
def test_a_bad_redirect_uri_refuses_the_registration(register, uris: Any) -> None:
    """A client learns at registration, not at login, that its URI cannot work."""
    response = register(redirect_uris=uris)

    assert (400, "invalid_redirect_uri") == (response.status_code, response.json()["error"])
    assert "redirect_uris" in response.json()["error_description"]


@pytest.mark.parametrize(
    "members",
    [
        {"client_name": 5},
        {"grant_types": []},
        {"grant_types": ["password"]},
        {"grant_types": ["refresh_token"]},
        {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "unheard_of"},
        {"response_types": ["token"]},
        {"response_types": ["code"], "grant_types": ["client_credentials"]},
        {"scope": ["openid"]},
        {"scope": "admin"},
        {"scope": "unheard_of"},
        {"jwks_uri": "https://a.example/k", "jwks": {"keys": []}},
        {"jwks": {"keys": []}},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"logo_uri": "javascript:alert(1)"},
        {"logo_uri#fr": "javascript:alert(1)"},
        {"initiate_login_uri": "http://app.example/login"},
        {"default_max_age": -1},
        {"default_max_age": True},
        {"require_auth_time": "true"},
        {"subject_type": "other"},
        {"application_type": "other"},
        {"id_token_signed_response_alg": "none"},
        {"client_name#en": "A", "client_name#EN": "B"},
    ],
    ids=lambda value: str(value)[:50],
)
@pytest.mark.spec(
    "A-039",
    "A-040",
    "A-048",
    "A-051",
    "A-076",
    "A-079",
    "C-002",
    "C-010",
    "C-012",
    "C-019",
    "C-020",
    "C-022",
    "C-024",
    "E-120",
)
def test_bad_metadata_is_refused(register, members: dict[str, Any]) -> None:
    """What will not be honoured is not registered."""
    response = register(**members)

    assert (400, "invalid_client_metadata") == (response.status_code, response.json()["error"])


def test_all_problems_are_told_at_once(register) -> None:
    """A developer mends a document in one go; redirect_uris decides the code."""
    response = register(client_name=5, redirect_uris=["javascript:x"], default_max_age=-1)

    description = response.json()["error_description"]
    assert "invalid_redirect_uri" == response.json()["error"]
    assert all(name in description for name in ("redirect_uris", "client_name", "default_max_age"))
    assert "javascript" not in description


@pytest.mark.spec("A-036", "A-037", "A-131", "T-01", "T-02")
def test_what_is_not_known_or_not_the_clients_to_say_is_ignored(register) -> None:
    """Clients may not choose their identifier, and extensions of others do no harm."""
    body = register(
        client_id="mine", client_secret="mine", resource="https://x.example", vendor={"a": 1}
    ).json()

    assert "mine" not in (body["client_id"], body["client_secret"])
    assert {"resource", "vendor"}.isdisjoint(body)


@pytest.mark.spec("A-047", "A-050", "T-10", "T-11", "T-12")
def test_unsupported_grants_are_narrowed_and_the_result_is_told(register) -> None:
    """One unknown grant among good ones must not keep a client out."""
    body = register(grant_types=["authorization_code", "urn:x:other", "refresh_token"]).json()

    assert ["authorization_code", "refresh_token"] == body["grant_types"]
    assert ["code"] == body["response_types"]


@pytest.mark.spec("A-047", "T-52")
def test_a_client_without_redirects_needs_no_redirect_uri(http: httpx2.Client) -> None:
    """A service is not made to invent a placeholder."""
    response = http.post("/register", json={"grant_types": ["client_credentials"]})

    assert (201, []) == (response.status_code, response.json()["response_types"])


@pytest.mark.parametrize(
    ("uris", "application_type"),
    [
        (["https://a.example/cb"], "web"),
        (["http://127.0.0.1/cb"], "native"),
        (["http://localhost:1234/cb"], "native"),
        (["http://[::1]/cb"], "native"),
        (["com.example.app:/cb"], "native"),
        (["cursor://anysphere/cb"], "native"),
        (["https://a.example/cb", "http://127.0.0.1/cb"], "native"),
    ],
)
@pytest.mark.spec("A-060", "C-004", "C-005", "T-29", "T-31")
def test_native_clients_are_recognised(register, uris: list[str], application_type: str) -> None:
    """Tools on a person's machine rarely say what they are."""
    body = register(redirect_uris=uris).json()

    assert (uris, application_type) == (body["redirect_uris"], body["application_type"])


@pytest.mark.spec("C-002", "C-003")
def test_an_explicit_type_is_never_overridden(register) -> None:
    """A client that says web is held to it."""
    response = register(redirect_uris=["http://localhost/cb"], application_type="web")

    assert "invalid_redirect_uri" == response.json()["error"]


@pytest.mark.spec("A-064")
def test_a_redirect_uri_is_stored_byte_for_byte(register) -> None:
    """A normalised URI would no longer be the one the client sends."""
    uris = ["https://APP.example:443/Cb/", "https://app.example/%7Ecb?b=2&a=1"]

    assert uris == register(redirect_uris=uris).json()["redirect_uris"]


@pytest.mark.spec("A-069")
def test_repeated_redirect_uris_are_kept_once(register) -> None:
    """A slip of the pen is no reason to refuse."""
    assert [URI] == register(redirect_uris=[URI, URI]).json()["redirect_uris"]


@pytest.mark.spec("A-075", "A-079", "A-080", "A-106")
def test_names_come_in_many_languages(register) -> None:
    """People read names in their own language; a malformed tag is not understood."""
    tagged = {"client_name#fr": "Mon app", "client_name#ja-Jpan-JP": "\u30a2\u30d7\u30ea"}
    body = register(**tagged, **{"client_name#": "x", "redirect_uris#en": []}).json()

    assert tagged.items() <= body.items()
    assert {"client_name#", "redirect_uris#en"}.isdisjoint(body)


@pytest.mark.spec("A-128")
def test_every_post_makes_a_new_client(register) -> None:
    """One installation never gets another one's credentials."""
    first, second = register(software_id="s").json(), register(software_id="s").json()

    assert first["client_id"] != second["client_id"]
    assert first["client_secret"] != second["client_secret"]


@pytest.mark.parametrize(
    ("header", "status", "error"),
    [
        ("Bearer unheard-of", 401, "invalid_token"),
        ("Bearer rgy_iat_" + "0" * 71, 401, "invalid_token"),
        ("Bearer", 400, "invalid_request"),
        ("Bearer a b", 400, "invalid_request"),
        ("Basic YTpi", 401, "invalid_token"),
        (f"Bearer {ADMIN_TOKEN}", 401, "invalid_token"),
    ],
)
@pytest.mark.spec("A-006", "A-008", "B-011", "T-43")
def test_a_bad_token_is_never_taken_for_a_stranger(
    http: httpx2.Client, header: str, status: int, error: str
) -> None:
    """Registration is open here, and a request with a bad token is refused all the same."""
    response = http.post(
        "/register", json={"redirect_uris": [URI]}, headers={"authorization": header}
    )

    assert (status, error) == (response.status_code, response.json()["error"])
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.spec("A-011")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(http: httpx2.Client, method: str) -> None:
    """A client learns what it may do instead."""
    response = http.request(method, "/register")

    assert 405 == response.status_code
    assert "POST" in response.headers["allow"]


@pytest.mark.spec("A-010", "T-42")
def test_scripts_of_any_origin_may_register(http: httpx2.Client) -> None:
    """Browser-based inspectors register themselves; they never send credentials."""
    asked = {
        "origin": "https://inspector.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    preflight = http.options("/register", headers=asked)
    refused = http.post("/register", json={}, headers={"origin": "https://inspector.example"})

    assert "*" == preflight.headers["access-control-allow-origin"]
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in preflight.headers
    assert (400, "*") == (refused.status_code, refused.headers["access-control-allow-origin"])


def test_a_dry_run_tells_every_check_and_stores_nothing(http: httpx2.Client) -> None:
    """A developer sees what a server thinks of a document before it counts."""
    good = http.post("/register?dry_run=true", json={"redirect_uris": [URI]})
    bad = http.post("/register?dry_run=true", json={"redirect_uris": ["javascript:x"]})

    assert (200, "accepted") == (good.status_code, good.json()["result"])
    assert (200, "refused") == (bad.status_code, bad.json()["result"])
    assert all({"name", "section", "outcome"} <= check.keys() for check in bad.json()["checks"])
    assert "client_id" not in good.text


def test_a_body_may_not_be_too_large(http: httpx2.Client) -> None:
    """One request must not fill the memory."""
    response = http.post("/register", content=json.dumps({"x": "y" * 70_000}))

    assert 413 == response.status_code
