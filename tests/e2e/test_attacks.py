"""What others try with the pages of the real server, from inside a name or from another site."""

from html import escape

import pytest

from registrary.testing.server import Stores, running_server
from tests.e2e.applications import listening, parameters_of, register
from tests.e2e.browser import window_of
from tests.e2e.test_pages import ELEMENTS, MARKUP
from tests.e2e.visits import come_back, decide, sign_in

EVIL = "https://evil.example/"
REFUSED = "Failed to load resource: the server responded with a status of 400 (Bad Request)"
"""What a browser remarks of the one page that is an error."""


@pytest.fixture(scope="module")
def issuer(tmp_path_factory, stores: Stores):
    """Run a server for trying out; return its issuer."""
    with running_server(tmp_path_factory.mktemp("server"), stores=stores) as server:
        yield server.url


@pytest.fixture(scope="module")
def port():
    """Wait where native applications wait."""
    with listening() as heard:
        yield heard


@pytest.fixture
def application(issuer, port):
    """Register an application that waits on a port of this machine."""
    return register(issuer, port.redirect_uri)


def site_of_others(window, markup):
    """Let *window* find *markup* at a site of somebody else's."""
    window.context.route(
        f"{EVIL}**", lambda route: route.fulfill(body=markup, content_type="text/html")
    )


def steps(window, application, issuer):
    """Yield the pages that name *application*, each once it is shown."""
    window.open(application.address(login_hint=MARKUP))
    yield "login"
    sign_in(window)
    yield "consent"
    decide(window, "Allow")
    window.page.wait_for_url(f"{application.redirect_uri}?*")
    application.redeem(window.page.url)
    window.open(f"{issuer}/account")
    yield "account"
    window.open(f"{issuer}/logout?client_id={application.client_id}")
    yield "logout"
    window.open(application.address(response_type="token"))
    yield "error"


def kinds(window):
    """Return which elements the page of *window* has; how many depends on who was there before."""
    return set(window.page.evaluate(ELEMENTS).split())


def test_markup_that_was_registered_stays_text_on_every_page(browser, issuer, port):
    """What the server stores and shows again is the way such attacks take (threat 54)."""
    harmless = register(issuer, port.redirect_uri, client_uri="https://calendar.example/")
    hostile = register(
        issuer,
        port.redirect_uri,
        client_name=MARKUP[:255],
        client_uri="https://calendar.example/?'onclick=pwned()//'",
    )

    with window_of(browser) as before:
        expected = [kinds(before) for _ in steps(before, harmless, issuer)]
    with window_of(browser) as window:
        found = [kinds(window) for _ in steps(window, hostile, issuer)]
        complaints = window.complaints

    assert [REFUSED] == complaints
    assert expected == found


@pytest.mark.parametrize("path", ["/authorize", "/account", "/device", "/logout"])
def test_no_site_frames_a_page(window, application, issuer, path):
    """A page that is not seen can be clicked unseen (RFC 9700 §4.16)."""
    address = application.address() if path == "/authorize" else f"{issuer}{path}"
    site_of_others(window, f'<iframe src="{escape(address)}"></iframe>')

    window.open(EVIL)
    window.page.wait_for_load_state("networkidle")

    (frame,) = window.page.main_frame.child_frames
    assert frame.url.startswith("chrome-error:")


def test_a_form_of_another_site_signs_nobody_in(browser, application, issuer):
    """Who is signed in as somebody else gives them what they do (login CSRF, RFC 6819 §4.4.1.9)."""
    with window_of(browser) as attacker:
        attacker.open(application.address())
        csrf = attacker.page.locator("input[name=csrf]").get_attribute("value")
    fields = {"csrf": csrf, "username": "demo", "password": "demo", "login": "login"}
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items()
    )
    form = f'<form method="post" action="{escape(application.address())}">{inputs}'

    with window_of(browser) as victim:
        site_of_others(victim, f"{form}<button>Win</button></form>")
        victim.open(application.address())
        victim.open(EVIL)
        victim.page.get_by_role("button", name="Win").click()
        victim.page.get_by_role("heading", level=1).wait_for()
        victim.open(f"{issuer}/account")

        assert victim.page.get_by_label("Password").is_visible()


def test_a_form_of_another_site_allows_nothing(browser, application):
    """The decision is taken from the browser that was asked (CVE-2026-27124)."""
    with window_of(browser) as attacker:
        attacker.open(application.address())
        sign_in(attacker)
        csrf = attacker.page.locator("input[name=csrf]").get_attribute("value")
    form = (
        f'<form method="post" action="{escape(application.address())}">'
        f'<input name="csrf" value="{csrf}"><button name="decision" value="allow">Win</button>'
    )

    with window_of(browser) as victim:
        site_of_others(victim, form)
        victim.open(application.address())
        sign_in(victim)
        victim.open(EVIL)
        victim.page.get_by_role("button", name="Win").click()
        victim.page.get_by_role("heading", level=1).wait_for()

        assert not victim.page.url.startswith(application.redirect_uri)


def test_a_page_of_the_server_tells_no_site_where_somebody_was(window, application):
    """The address of a page has the parameters of a request in it (RFC 9700 §4.2.4)."""
    told = []
    window.page.on("request", lambda request: told.append(request.headers.get("referer")))
    answer = come_back(window, application)

    assert "code" in parameters_of(answer)
    assert {None} == set(told)
    assert [] == window.complaints
