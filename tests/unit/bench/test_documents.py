import json

from bench.documents import (
    MCP_MEMBERS,
    REGISTRATION,
    Registered,
    numbered,
    posting,
    reading,
    registration,
    token_request,
)

CLIENT = Registered("id", "secret", "http://127.0.0.1:80/register/id", "token")


def body_of(request: bytes) -> bytes:
    """Return the body of *request*, after checking that its announced length is true."""
    head, _, body = request.partition(b"\r\n\r\n")
    announced = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
    assert announced == len(body)
    return body


def test_registration_is_the_size_the_tables_state():
    """Figures compare with published ones only for the same document."""
    body = body_of(numbered(registration("/register", 80), 7))

    assert len(json.loads(body)) == 25
    assert 1250 <= len(body) <= 1350


def test_numbered_registrations_differ_and_stay_as_long():
    """A repeated document could be answered from a cache; another length would break HTTP."""
    template = registration("/register", 80)

    first, second = numbered(template, 1), numbered(template, 2)

    assert first != second
    assert len(first) == len(second) == len(template)
    body_of(second)


def test_limited_registration_has_only_the_named_members():
    """The mcp SDK gets its few fields, and its table says so."""
    body = body_of(registration("/register", 80, MCP_MEMBERS))

    assert list(json.loads(body)) == list(MCP_MEMBERS)
    assert set(MCP_MEMBERS) <= set(REGISTRATION)


def test_read_carries_the_registration_access_token():
    """Every read is an authorized one."""
    request = reading(CLIENT, 80)

    assert request.startswith(b"GET /register/id HTTP/1.1\r\nHost: 127.0.0.1:80\r\n")
    assert b"\r\nAuthorization: Bearer token\r\n" in request


def test_token_request_authenticates_with_basic():
    """Every server of the table does the same client authentication."""
    request = token_request(CLIENT, "/token", 80)

    assert b"\r\nAuthorization: Basic aWQ6c2VjcmV0\r\n" in request
    assert body_of(request) == b"grant_type=client_credentials"


def test_a_form_is_encoded_and_its_client_authenticates():
    """Codes and addresses have characters that a form must not contain bare."""
    form = {"code": "a+b", "redirect_uri": "https://app.example/cb"}

    request = posting(CLIENT, "/token", 80, form=form)

    assert b"\r\nAuthorization: Basic aWQ6c2VjcmV0\r\n" in request
    assert b"code=a%2Bb&redirect_uri=https%3A%2F%2Fapp.example%2Fcb" == body_of(request)
