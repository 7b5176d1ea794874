"""``POST /par`` (RFC 9126): what will be asked is handed in before, and altered by nobody."""

from urllib.parse import quote

import pytest

from registrary.core.jose import sign_jwt
from tests.protocol.kit import URI, Registered
from tests.protocol.people import PKCE, Browser
from tests.unit.authserver.kit import a_key_pair

HANDLE = "urn:ietf:params:oauth:request_uri:rgy_par_"
PUBLIC = {"token_endpoint_auth_method": "none"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
WANTED = {
    "response_type": "code",
    "redirect_uri": URI,
    "scope": "openid read",
    "state": "a-state",
    "code_challenge": PKCE.challenge,
    "code_challenge_method": "S256",
}


@pytest.fixture
def browser(server):
    """Return a browser that was never here."""
    with Browser(server.url) as browser:
        yield browser


@pytest.fixture
def client(http, register):
    """Return a confidential client."""
    return Registered(http.request, register())


def push(client, **changes):
    """Push what is wanted with *changes*; None leaves a parameter out."""
    wanted = WANTED | changes
    return client.ask("/par", **{name: value for name, value in wanted.items() if value})


def path_of(client, request_uri, **more):
    """Return the address a person is sent to with a handle."""
    rest = "".join(f"&{name}={quote(value)}" for name, value in more.items())
    client_id = client.body["client_id"]
    return f"/authorize?client_id={client_id}&request_uri={quote(request_uri)}{rest}"


@pytest.mark.spec("AZ-060", "AZ-061")
def test_a_pushed_request_is_asked_by_its_handle(browser, client):
    """The browser carries nothing that could be read or altered on the way."""
    pushed = push(client)
    handle = pushed.json()["request_uri"]

    back = browser.go_through(path_of(client, handle, scope="openid admin", state="another"))

    assert (201, 90) == (pushed.status_code, pushed.json()["expires_in"])
    assert handle.startswith(HANDLE)
    assert "no-store" == pushed.headers["cache-control"]
    assert back.location.startswith(f"{URI}?code=")
    assert "a-state" == back.result["state"]


@pytest.mark.spec("AZ-062")
def test_a_handle_is_good_for_one_answer(browser, client):
    """Who finds it in a history finds nothing (RFC 9126 §7.3)."""
    address = path_of(client, push(client).json()["request_uri"])
    browser.go_through(address)

    again = browser.open(address)

    assert 400 == again.status
    assert "invalid_request_uri" in again.text


def test_a_page_may_be_loaded_again_before_it_is_answered(browser, client):
    """People reload, and the back button is there to be pressed."""
    address = path_of(client, push(client).json()["request_uri"])
    browser.open(address)

    back = browser.go_through(address)

    assert "code" in back.result


def test_a_refusal_spends_the_handle_too(browser, client):
    """No was the answer."""
    address = path_of(client, push(client).json()["request_uri"])

    back = browser.deny(browser.sign_in(browser.open(address)))

    assert "access_denied" == back.result["error"]
    assert 400 == browser.open(address).status


@pytest.mark.spec("AZ-063")
def test_a_handle_belongs_to_who_pushed(browser, client, http, register):
    """Another client cannot have the person answer a stranger's question."""
    other = Registered(http.request, register())
    handle = push(client).json()["request_uri"]

    page = browser.open(path_of(other, handle))

    assert 400 == page.status
    assert [] == page.links


@pytest.mark.parametrize(
    "handle",
    [
        "urn:ietf:params:oauth:request_uri:",
        HANDLE + "x",
        "urn:ietf:params:oauth:request_uri:" + "../client",
    ],
)
def test_a_made_up_handle_opens_nothing(browser, client, handle):
    """It would have to be guessed, all of it."""
    page = browser.open(path_of(client, handle))

    assert 400 == page.status
    assert "location" not in page.answer.headers


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"scope": "unheard_of"}, "invalid_scope"),
        ({"resource": "https://other.example/"}, "invalid_target"),
        ({"request_uri": HANDLE + "x"}, "invalid_request"),
        ({"request": "a.b.c"}, "invalid_request_object"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
        ({"prompt": "everything"}, "invalid_request"),
    ],
    ids=str,
)
@pytest.mark.spec("AZ-064")
def test_what_may_not_be_asked_may_not_be_pushed(client, changes, code):
    """The client learns it at once, and nobody is sent anywhere (RFC 9126 §2.3)."""
    answer = push(client, **changes)

    assert (400, code) == (answer.status_code, answer.json()["error"])


def test_who_pushes_proves_who_it_is(client, http):
    """Else anybody could put questions into its mouth (RFC 9126 §2.1)."""
    wrong = http.post(
        "/par", data=WANTED | {"client_id": client.body["client_id"], "client_secret": "x" * 30}
    )
    nobody = http.post("/par", data=WANTED)

    assert [(401, "invalid_client")] * 2 == [
        (answer.status_code, answer.json()["error"]) for answer in (wrong, nobody)
    ]


def test_a_public_client_pushes_too(http, register, browser):
    """It proves nothing, and still nobody reads or alters what it asks."""
    client = Registered(http.request, register(**PUBLIC))
    pushed = http.post("/par", data=WANTED | {"client_id": client.body["client_id"]})

    back = browser.go_through(path_of(client, pushed.json()["request_uri"]))

    assert "code" in back.result


@pytest.mark.parametrize("audience", ["", "/token", "/par"])
@pytest.mark.spec("AZ-065")
def test_an_assertion_may_name_the_endpoint(http, register, server, audience):
    """RFC 9126 §2: issuer, token endpoint and the pushing endpoint all mean this server."""
    handle, jwks = a_key_pair()
    client = register(token_endpoint_auth_method="private_key_jwt", jwks=jwks).json()
    now = int(client["client_id_issued_at"])
    claims = {
        "iss": client["client_id"],
        "sub": client["client_id"],
        "aud": server.url + audience,
        "exp": now + 200,
        "jti": f"jti{audience}",
    }
    proof = {"client_assertion_type": ASSERTION, "client_assertion": sign_jwt(claims, handle)}

    answer = http.post("/par", data=WANTED | proof)

    assert 201 == answer.status_code, answer.text


@pytest.mark.spec("E-001")
def test_a_client_that_must_push_cannot_ask_otherwise(http, register, browser):
    """Who registered so wants no forged requests in its name."""
    answer = register(require_pushed_authorization_requests=True)
    client = Registered(http.request, answer)
    plain = "&".join(f"{name}={quote(value)}" for name, value in WANTED.items())

    refused = browser.open(f"/authorize?client_id={client.body['client_id']}&{plain}")
    back = browser.go_through(path_of(client, push(client).json()["request_uri"]))

    assert answer.json()["require_pushed_authorization_requests"] is True
    assert (400, True) == (refused.status, "request_uri" in refused.text)
    assert "code" in back.result


@pytest.mark.spec("E-004")
def test_a_wish_to_push_is_yes_or_no(register):
    """A string that reads as true in one program is false in another."""
    answer = register(require_pushed_authorization_requests="true")

    assert "invalid_client_metadata" == answer.json()["error"]


@pytest.mark.spec("E-002")
def test_the_endpoint_is_announced(http, server):
    """Libraries find it by its name."""
    published = http.get("/.well-known/oauth-authorization-server").json()

    assert f"{server.url}/par" == published["pushed_authorization_request_endpoint"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_only_a_post_pushes(http, method):
    """A handle must not come of following a link."""
    assert 405 == http.request(method, "/par").status_code
