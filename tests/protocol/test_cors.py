"""Which addresses scripts of any origin may call, and which never (RFC 9700 §2.6)."""

from urllib.parse import urlsplit

import httpx2
import pytest

ORIGIN = {"origin": "https://inspector.example"}
NOBODY = "0" * 32
DOCUMENTS = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
OPEN = {
    "/register": {"POST"},
    f"/register/t/{NOBODY}": {"POST"},
    f"/register/{NOBODY}": {"GET", "PUT", "DELETE"},
    "/token": {"POST"},
    "/revoke": {"POST"},
    "/userinfo": {"GET", "POST"},
    "/jwks": {"GET"},
    "/status-lists": {"GET"},
    **{document: {"GET"} for document in DOCUMENTS},
}
CLOSED = (
    "/authorize",
    "/device_authorization",
    "/introspect",
    "/par",
    "/device",
    "/logout",
    "/api/v1/clients",
    "/api/v1/issuers",
    "/metrics",
    "/healthz",
    "/nowhere",
)


def words(answer: httpx2.Response, header: str) -> set[str]:
    """Return the words of a header that is a list, in lower case."""
    return {word.strip().lower() for word in answer.headers.get(header, "").split(",")} - {""}


@pytest.mark.parametrize(("path", "methods"), OPEN.items(), ids=OPEN.keys())
@pytest.mark.spec("A-010", "D-004", "T-42")
def test_a_browser_that_asks_first_is_let_in(http: httpx2.Client, path, methods):
    """A browser sends nothing of a script's request that a preflight did not allow."""
    for method in sorted(methods):
        asked = ORIGIN | {
            "access-control-request-method": method,
            "access-control-request-headers": "authorization, content-type",
        }
        answer = http.options(path, headers=asked)

        assert 204 == answer.status_code
        assert "*" == answer.headers["access-control-allow-origin"]
        assert {name.lower() for name in methods} == words(answer, "access-control-allow-methods")
        assert {"authorization", "content-type", "mcp-protocol-version", "dpop"} <= words(
            answer, "access-control-allow-headers"
        )
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.spec("A-010", "D-004", "T-42")
def test_a_script_reads_every_answer_refusals_too(http: httpx2.Client, path, method):
    """A refusal a script may not read looks to it like a server that is down."""
    answer = http.request(method, path, headers=ORIGIN, content=b"{")

    assert ["*"] == answer.headers.get_list("access-control-allow-origin")
    assert {"www-authenticate", "dpop-nonce"} <= words(answer, "access-control-expose-headers")
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/register", f"/register/{NOBODY}", "/token"])
@pytest.mark.spec("A-010")
def test_a_script_reads_that_its_body_was_too_large(http: httpx2.Client, path):
    """Otherwise nobody learns why the request of a browser fails."""
    method = "PUT" if NOBODY in path else "POST"
    answer = http.request(method, path, headers=ORIGIN, content=b"x" * 70_000)

    assert 413 == answer.status_code
    assert "*" == answer.headers["access-control-allow-origin"]


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.spec("A-010")
def test_no_script_of_another_origin_comes_where_people_and_operators_do(
    http: httpx2.Client, path, method
):
    """A page somebody happens to visit must not act at these in their name."""
    asked = ORIGIN | {"access-control-request-method": "POST"}

    answer = http.request(method, path, headers=asked)

    assert [] == [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_address_that_is_announced_is_judged_here(http: httpx2.Client, document):
    """An endpoint that is added has to be either open to scripts or closed, and tested so."""
    announced = {
        urlsplit(value).path
        for name, value in http.get(document).json().items()
        if name.endswith(("_endpoint", "_uri"))
    }

    assert announced <= {*OPEN, *CLOSED}
