"""People sign in over HTTP, and nobody else does in their name."""

import pytest

from tests.protocol.browser import Browser, a_browser

WRONG = "The user name or the password is not right."


@pytest.fixture
def browser(server):
    """Return a browser without cookies."""
    with a_browser(server.url) as one:
        yield one


@pytest.fixture
def other(server):
    """Return the browser of somebody else."""
    with a_browser(server.url) as one:
        yield one


def session_of(browser: Browser) -> str | None:
    """Return the value of the session cookie."""
    found = [one.value for one in browser.http.cookies.jar if one.name.startswith("rgy_session_")]
    return found[0] if found else None


def test_the_demo_person_signs_in(browser):
    """The first thing anybody tries."""
    done = browser.sign_in(username="demo", password="demo")

    assert 303 == done.status
    assert "demo" == browser.signed_in_as()


def test_the_form_is_what_scripts_were_promised(browser):
    """Field and button names are part of the interface."""
    form = browser.open("/account").form

    assert {"username", "password", "csrf"} <= form.fields.keys()
    assert ("login", "login") in form.buttons
    assert form.action is None


def test_a_cookie_is_for_this_browser_and_no_script(browser):
    """On a page with a hole a script could carry the session away."""
    done = browser.sign_in(username="demo", password="demo")

    cookies = done.answer.headers.get_list("set-cookie")
    assert 1 == len(cookies)
    assert cookies[0].startswith("rgy_session_")
    assert "HttpOnly; SameSite=Lax" in cookies[0]
    assert "Domain" not in cookies[0]


def test_a_session_that_was_planted_is_not_the_one_that_begins(browser, other):
    """Session fixation: the attacker knows the cookie the victim had before signing in."""
    browser.sign_in(username="demo", password="demo")
    planted = session_of(browser)
    assert planted is not None
    name = next(one.name for one in browser.http.cookies.jar if one.value == planted)
    other.http.cookies.set(name, planted)
    other.open("/account")
    browser.http.cookies.delete(name)

    again = browser.sign_in(username="demo", password="demo")

    assert 303 == again.status
    assert planted != session_of(browser)


def test_signing_in_again_ends_the_session_before(browser, other):
    """What was copied out of the browser before is worth nothing after."""
    page = browser.open("/account")
    browser.submit(page, ("login", "login"), username="demo", password="demo")
    [before] = [one for one in browser.http.cookies.jar if one.name.startswith("rgy_session_")]
    browser.submit(page, ("login", "login"), username="demo", password="demo")

    other.http.cookies.set(before.name, before.value or "")

    assert before.value != session_of(browser)
    assert other.signed_in_as() is None


def test_the_form_of_another_browser_is_no_answer(browser, other):
    """Login CSRF: a page of the attacker's would sign the victim in as the attacker."""
    attackers = other.open("/account").form.fields["csrf"]
    page = browser.open("/account")

    done = browser.submit(page, csrf=attackers, username="demo", password="demo")

    assert 403 == done.status
    assert session_of(browser) is None


@pytest.mark.parametrize(
    "csrf", ["", "AAAA", "ä", "a" * 3000], ids=["none", "made-up", "odd", "long"]
)
def test_a_form_without_our_field_is_no_answer(browser, csrf):
    """Whatever stands in the field, somebody else's page may have put it there."""
    page = browser.open("/account")

    done = browser.submit(page, csrf=csrf, username="demo", password="demo")

    assert (403, None) == (done.status, session_of(browser))


def test_unknown_people_and_wrong_passwords_look_the_same(browser):
    """A list of user names is half of a break-in."""
    page = browser.open("/account")

    answers = [browser.submit(page, username=name, password="guess") for name in ("demo", "dem0")]

    assert [200, 200] == [answer.status for answer in answers]
    assert all(WRONG in answer.text for answer in answers)
    bodies = [
        answer.answer.text.replace(answer.form.fields["csrf"], "").replace("dem0", "demo")
        for answer in answers
    ]
    assert bodies[0] == bodies[1]


def test_hundreds_of_sign_ins_a_minute_pass_in_development(browser):
    """Test suites do nothing else."""
    page = browser.open("/account")

    statuses = {
        browser.submit(page, username="demo", password=word).status
        for word in ["demo", "guess"] * 50
    }

    assert {200, 303} == statuses


def test_signing_out_here_ends_this_session(browser, other):
    """The one at home stays."""
    browser.sign_in(username="demo", password="demo")
    other.sign_in(username="demo", password="demo")
    page = browser.open("/account")
    copied = session_of(browser)
    own = [value for name, value in page.form.buttons if name == "end_session"]
    assert len(own) >= 2

    here = next(value for value in own if value in page.answer.text.split("This browser")[1][:400])
    done = browser.submit(page, ("end_session", here))

    assert 303 == done.status
    assert (None, "demo") == (browser.signed_in_as(), other.signed_in_as())
    assert copied is not None


def test_signing_out_everywhere_ends_every_session(browser, other):
    """Somebody lost a phone."""
    browser.sign_in(username="demo", password="demo")
    other.sign_in(username="demo", password="demo")

    done = browser.submit(browser.open("/account"), ("sign_out_everywhere", "sign_out_everywhere"))

    assert 303 == done.status
    assert (None, None) == (browser.signed_in_as(), other.signed_in_as())


def test_a_button_pressed_for_one_person_does_nothing_for_the_next(browser):
    """Two people share a computer; the page of the first is still open in a tab."""
    browser.sign_in(username="demo", password="demo")
    page = browser.open("/account")
    browser.submit(page, ("end_session", "x"))
    for one in list(browser.http.cookies.jar):
        if one.name.startswith("rgy_session_"):
            browser.http.cookies.delete(one.name)
    browser.sign_in(username="demo", password="demo")

    done = browser.submit(page, ("sign_out_everywhere", "sign_out_everywhere"))

    assert 200 == done.status
    assert "demo" == browser.signed_in_as()


def test_what_a_sign_in_can_be_worth_is_published(browser):
    """A client that asks for more than there is would wait for ever."""
    metadata = browser.http.get("/.well-known/openid-configuration").json()

    assert ["pwd", "fed", "mfa", "phr"] == metadata["acr_values_supported"]
    assert {"sub", "acr", "amr", "email", "address", "phone_number"} <= set(
        metadata["claims_supported"]
    )
