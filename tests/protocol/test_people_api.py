"""Administrators make people known, and lock them out at once."""

import time
from base64 import b32decode
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from registrary.authserver.people.one_time_codes import code_at
from registrary.testing.server import RunningServer
from tests.protocol.browser import Browser, Page, a_browser
from tests.protocol.kit import OPERATOR

PASSWORD = "correct horse"


class Office:
    """The admin API, as far as people go."""

    def __init__(self, server: RunningServer):
        self.server = server

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Call the admin API."""
        url = f"{self.server.url}/api/v1/people{path}"
        return httpx2.request(method, url, headers=OPERATOR, trust_env=False, **more)

    def person(self, username: str, **members: Any) -> dict[str, Any]:  # Any: members are JSON
        """Make somebody known."""
        wanted = {"username": username, "password": PASSWORD} | members
        made = self.call("POST", "", json=wanted)
        assert made.status_code == 201, made.text
        answer: dict[str, Any] = made.json()
        return answer


@pytest.fixture
def office(server) -> Office:
    """Return the admin API."""
    return Office(server)


@pytest.fixture
def browser(server) -> Iterator[Browser]:
    """Return a browser without cookies."""
    with a_browser(server.url) as one:
        yield one


def test_somebody_made_known_signs_in(office, browser):
    """Nothing else has to be set up."""
    made = office.person("Clara", claims={"name": "Clara C.", "email": "clara@example.com"})

    browser.sign_in(username="clara", password=PASSWORD)

    assert "Clara" == browser.signed_in_as()
    assert ("Clara C.", True, None) == (
        made["claims"]["name"],
        made["has_password"],
        made["disabled_at"],
    )


def test_nothing_secret_is_shown(office):
    """Who may look at people must not be able to be them."""
    made = office.person("dora")

    shown = office.call("GET", f"/{made['id']}").text + office.call("GET", "?limit=500").text

    assert "argon2" not in shown
    assert "subject_key" not in shown


def test_a_user_name_is_one_persons(office):
    """Also when it is spelt otherwise."""
    office.person("emil")

    again = office.call("POST", "", json={"username": "EMIL", "password": PASSWORD})

    assert (400, "username: is that of somebody else") == (
        again.status_code,
        again.json()["detail"],
    )


@pytest.mark.parametrize(
    ("wanted", "rule"),
    [
        ({"username": ""}, "username: must have 1 to 254 printable characters"),
        ({"username": "a\u0000"}, "username: must have 1 to 254 printable characters"),
        ({"username": "x1", "password": "short"}, "password: must have 8 to 256 characters"),
        (
            {"username": "x2", "claims": {"admin": True}},
            "claims: must be standard claims of OpenID Connect",
        ),
        (
            {"username": "x3", "claims": {"email_verified": "yes"}},
            "claims: email_verified: is of another type",
        ),
        (
            {"username": "x4", "claims": {"name": "n" * 9000}},
            "claims: must not have more than 8192 bytes",
        ),
        ({}, "username: Object missing required field"),
    ],
    ids=["no-name", "control", "short", "unknown-claim", "type", "long", "nothing"],
)
def test_what_makes_no_person_is_refused_with_the_rule(office, wanted, rule):
    """The value is not repeated: it may be a password."""
    answer = office.call("POST", "", json=wanted)

    assert 400 == answer.status_code
    assert rule.split(":")[-1].strip() in answer.json()["detail"]
    assert "short" not in answer.json()["detail"]


def test_a_person_who_is_locked_out_is_out_at_once(office, browser):
    """At their next click, and at their next attempt."""
    made = office.person("frida")
    browser.sign_in(username="frida", password=PASSWORD)

    locked = office.call("PATCH", f"/{made['id']}", json={"disabled": True})

    assert 200 == locked.status_code
    assert browser.signed_in_as() is None
    again = browser.sign_in(username="frida", password=PASSWORD)
    assert "The user name or the password is not right." in again.text
    office.call("PATCH", f"/{made['id']}", json={"disabled": False})
    browser.sign_in(username="frida", password=PASSWORD)
    assert "frida" == browser.signed_in_as()


def test_another_password_ends_what_the_old_one_began(office, browser):
    """Somebody else knew it."""
    made = office.person("greta")
    browser.sign_in(username="greta", password=PASSWORD)

    done = office.call("PUT", f"/{made['id']}/password", json={"password": "battery staple"})

    assert 204 == done.status_code
    assert browser.signed_in_as() is None
    assert 200 == browser.sign_in(username="greta", password=PASSWORD).status
    assert 303 == browser.sign_in(username="greta", password="battery staple").status


def test_signing_somebody_out_ends_their_sessions(office, browser):
    """A laptop was stolen."""
    made = office.person("hanna")
    browser.sign_in(username="hanna", password=PASSWORD)

    done = office.call("POST", f"/{made['id']}/sign-out")

    assert (204, None) == (done.status_code, browser.signed_in_as())


def test_somebody_is_found_by_the_name_they_sign_in_with(office):
    """The help desk has a name on the telephone, not an id."""
    made = office.person("Isa")

    found = [office.call("GET", f"?username={name}").json() for name in ("ISA", "nobody-at-all")]

    assert [[made["id"]], []] == [[one["id"] for one in page["items"]] for page in found]


def test_a_change_is_based_on_what_was_read(office):
    """Two administrators at once must not undo each other's change."""
    made = office.person("ida")
    etag = office.call("GET", f"/{made['id']}").headers["etag"]

    first = office.call("PATCH", f"/{made['id']}", json={"claims": {"name": "Ida", "email": None}})
    stale = httpx2.patch(
        f"{office.server.url}/api/v1/people/{made['id']}",
        json={"claims": {"name": "I."}},
        headers=OPERATOR | {"if-match": etag},
        trust_env=False,
    )

    assert (200, {"name": "Ida"}) == (first.status_code, first.json()["claims"])
    assert 412 == stale.status_code


def test_a_new_user_name_takes_the_place_of_the_old(office, browser):
    """Somebody married."""
    made = office.person("jana")

    office.call("PATCH", f"/{made['id']}", json={"username": "jana.k"})

    assert 200 == browser.sign_in(username="jana", password=PASSWORD).status
    assert 303 == browser.sign_in(username="jana.k", password=PASSWORD).status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("PUT", "/password"),
        ("POST", "/sign-out"),
        ("DELETE", "/one-time-codes"),
        ("DELETE", "/passkeys/x"),
        ("DELETE", "/identities/x"),
    ],
)
def test_who_is_not_there_is_not_found(office, method, path):
    """One answer for every operation."""
    body: dict[str, Any] = {"json": {"password": PASSWORD}} if method == "PUT" else {}
    if method == "PATCH":
        body = {"json": {"disabled": True}}

    answer = office.call(method, f"/{'0' * 32}{path}", **body)

    assert 404 == answer.status_code


class App:
    """An authenticator app, set up for whoever is signed in with *browser*."""

    def __init__(self, browser: Browser):
        page = browser.open("/account/one-time-code")
        self.secret = page.answer.text.partition("<code>")[2].partition("</code>")[0]
        self.done = browser.submit(page, one_time_code=self.code(0))

    def code(self, offset: int = 1) -> str:
        """Return the code of the step *offset* from now; that of setting up was of now."""
        padded = self.secret + "=" * (-len(self.secret) % 8)
        return code_at(b32decode(padded), int(time.time()) // 30 + offset)


def with_an_app(office: Office, browser: Browser, username: str) -> App:
    """Make somebody known who signs in with a password and codes."""
    office.person(username)
    browser.sign_in(username=username, password=PASSWORD)
    app = App(browser)
    assert app.done.status == 303, app.done.text
    browser.http.cookies.clear()
    return app


def password_given(browser: Browser, username: str) -> Page:
    """Return the page that asks for the code."""
    page = browser.sign_in(username=username, password=PASSWORD)
    assert "Enter your code" in page.text
    return page


def test_a_code_is_asked_for_beside_the_password(office, browser):
    """Who found out the password stands before another door."""
    app = with_an_app(office, browser, "klara")
    page = password_given(browser, "klara")
    assert browser.signed_in_as() is None

    wrong = browser.submit(page, one_time_code="000000")
    done = browser.submit(wrong, one_time_code=app.code())

    assert "The code is not right" in wrong.text
    assert 303 == done.status
    assert "klara" == browser.signed_in_as()


@pytest.mark.spec("P-021")
def test_a_code_is_good_once(office, browser):
    """It was read over a shoulder, or by a page that looks like ours."""
    app = with_an_app(office, browser, "lena")
    code = app.code()
    first = browser.submit(password_given(browser, "lena"), one_time_code=code)
    browser.http.cookies.clear()

    second = browser.submit(password_given(browser, "lena"), one_time_code=code)

    assert (303, 200) == (first.status, second.status)
    assert "was used before" in second.text


def test_the_page_for_the_code_is_good_in_its_browser_alone(office, browser, server):
    """Else the attacker's password would do beside the victim's code."""
    app = with_an_app(office, browser, "maria")
    page = password_given(browser, "maria")

    with a_browser(server.url) as other:
        other.open("/account")
        done = other.submit(page, one_time_code=app.code())

    assert 403 == done.status


def test_an_app_that_was_lost_is_taken_away(office, browser):
    """The help desk knows who called."""
    with_an_app(office, browser, "nora")
    [found] = office.call("GET", "?username=nora").json()["items"]

    done = office.call("DELETE", f"/{found['id']}/one-time-codes")

    assert (True, 204) == (found["has_one_time_codes"], done.status_code)
    assert 303 == browser.sign_in(username="nora", password=PASSWORD).status


def test_a_page_to_set_up_an_app_asks_strangers_to_sign_in(browser):
    """The address is known to everybody."""
    page = browser.open("/account/one-time-code")

    assert ("login", "login") in page.form.buttons


def test_a_wrong_code_turns_nothing_on(office, browser):
    """A mistyped secret would lock its owner out."""
    office.person("olga")
    browser.sign_in(username="olga", password=PASSWORD)
    page = browser.open("/account/one-time-code")

    again = browser.submit(page, one_time_code="000000")

    assert "The code is not right" in again.text
    browser.http.cookies.clear()
    assert 303 == browser.sign_in(username="olga", password=PASSWORD).status
