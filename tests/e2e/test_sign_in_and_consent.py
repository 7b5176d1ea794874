"""The whole way of a person in a real browser: signing in, deciding, and coming back."""

from secrets import token_hex
from urllib.parse import urlencode, urlsplit

import pytest

from registrary.testing.server import Stores, running_server
from tests.e2e.applications import (
    PRIVATE,
    listening,
    parameters_of,
    post,
    register,
)
from tests.e2e.browser import window_of
from tests.e2e.visits import come_back, decide, sign_in, sign_out

WEB = "https://calendar.example/cb"


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


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def scripts(request):
    """Tell whether the browser runs scripts."""
    return request.param


@pytest.fixture
def either(browser, scripts):
    """Open a window with scripts, and one without."""
    with window_of(browser, java_script_enabled=scripts) as opened:
        yield opened


@pytest.fixture
def application(issuer, port):
    """Register an application that waits on a port of this machine."""
    return register(issuer, port.redirect_uri)


def asked_elsewhere(window, address):
    """Note what *window* asks of *address*, which no server of this machine has."""
    asked = []
    window.page.on(
        "request", lambda request: asked.append(request.url) if address in request.url else None
    )
    return asked


def test_somebody_signs_in_and_comes_back_with_a_code(either, issuer, application):
    """Everything else is there for this (RFC 6749 §4.1, RFC 9207)."""
    answer = come_back(either, application)

    parameters = parameters_of(answer)
    granted = application.redeem(answer)
    assert (issuer, "af0ifjsldkj") == (parameters["iss"], parameters["state"])
    assert "You are back" == either.page.get_by_role("heading").inner_text()
    assert {"openid", "profile", "read", "write"} <= set(granted["scope"].split())
    assert [] == either.complaints


@pytest.mark.parametrize("step", ["login", "consent"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_way(browser, application, step, scheme):
    """What the server puts into its pages is judged with them."""
    with window_of(browser, color_scheme=scheme) as window:
        window.open(application.address())
        if step == "consent":
            sign_in(window)

        assert [] == window.violations_of_accessibility()
        assert [] == window.complaints


def test_the_consent_names_who_asks_and_where_the_answer_goes(window, application, port):
    """A name is what somebody typed; the address is what gets the code."""
    window.open(application.address())
    sign_in(window)

    said = window.page.get_by_role("main").inner_text()

    assert "Allow Calendar Sync to use your account?" in said.replace("\n", " ")
    assert urlsplit(port.redirect_uri).netloc in said
    assert "It runs on this computer" in said
    assert "Not verified" in said


def test_the_keyboard_alone_is_enough(window, application):
    """Typing, Tab, Space and Enter bring somebody all the way."""
    keys = window.page.keyboard
    window.open(application.address())
    window.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    keys.type("demo")
    keys.press("Tab")
    keys.type("demo")
    keys.press("Enter")
    window.page.get_by_role("button", name="Allow", exact=True).wait_for()
    for _ in range(30):
        keys.press("Tab")
        if window.page.evaluate("document.activeElement.value") == "allow":
            break
    keys.press("Space")
    window.page.wait_for_url(f"{application.redirect_uri}?*")

    assert "code" in parameters_of(window.page.url)


def test_a_wrong_password_is_told_and_can_be_mended(either, application):
    """Nobody gets it right every time, and the request must not be lost by it."""
    either.open(application.address())
    sign_in(either, password="Demo")
    told = either.page.get_by_role("alert").inner_text()

    sign_in(either)
    decide(either, "Allow")
    either.page.wait_for_url(f"{application.redirect_uri}?*")

    assert told.startswith("There is a problem")
    assert "code" in parameters_of(either.page.url)


def test_who_denies_goes_back_with_nothing(either, application):
    """The application is told, and gets no code (RFC 6749 §4.1.2.1)."""
    answer = come_back(either, application, "Deny")

    parameters = parameters_of(answer)
    assert "access_denied" == parameters["error"]
    assert "code" not in parameters


def test_what_somebody_unticks_is_not_granted(either, application):
    """A box that changes nothing would be a lie."""
    either.open(application.address())
    sign_in(either)
    either.page.get_by_label("Change your data").uncheck()

    decide(either, "Allow")
    either.page.wait_for_url(f"{application.redirect_uri}?*")

    granted = application.redeem(either.page.url)["scope"].split()
    assert "write" not in granted
    assert "read" in granted


def test_an_app_is_reached_by_its_scheme(either, issuer):
    """The browser hands the address over; the policy of the consent lets it (RFC 8252 §7.1)."""
    app = register(issuer, PRIVATE, application_type="native")
    asked = asked_elsewhere(either, PRIVATE)
    either.open(app.address())
    sign_in(either)
    warned = either.page.get_by_text("It is an app on this device").is_visible()

    with either.page.expect_event("requestfailed", lambda request: PRIVATE in request.url):
        decide(either, "Allow")

    assert warned
    assert [PRIVATE] == [address.partition("?")[0] for address in asked]
    assert "access_token" in app.redeem(asked[0])
    assert [] == either.complaints


@pytest.mark.parametrize("redirect_uri", [WEB, "http://[::1]:4711/cb"], ids=["https", "ipv6"])
def test_no_policy_stands_in_the_way_back(either, issuer, redirect_uri):
    """An origin goes into it, and where it cannot be said, its scheme (CSP level 3 §2.3.1)."""
    application = register(issuer, redirect_uri)
    either.context.route(f"{redirect_uri}*", lambda route: route.fulfill(body="back"))

    answer = come_back(either, application)

    assert "access_token" in application.redeem(answer)
    assert [] == either.complaints


def test_a_response_by_form_reaches_the_application(either, application, port):
    """With scripts by itself, without them by a button (Form Post Response Mode §2)."""
    before = len(port.bodies)
    either.open(application.address(response_mode="form_post"))
    sign_in(either)
    decide(either, "Allow")

    for button in either.page.get_by_role("button", name="Continue").all():
        button.click()
    either.page.wait_for_url(application.redirect_uri)

    assert ["af0ifjsldkj"] == [body["state"] for body in port.bodies[before:]]
    assert "code" in port.bodies[-1]
    assert [] == either.complaints


def test_somebody_ends_what_they_allowed(either, issuer, port):
    """A decision that cannot be taken back is none."""
    application = register(issuer, port.redirect_uri, client_name=f"Mail {token_hex(4)}")
    granted = application.redeem(come_back(either, application))
    either.open(f"{issuer}/account")
    name = either.page.get_by_role("heading", name=application.members["client_name"])
    row = either.page.get_by_role("listitem").filter(has=name)

    row.get_by_role("button", name="Disconnect").click()
    name.wait_for(state="detached")

    refused = application.ask_for_token(
        grant_type="refresh_token", refresh_token=granted["refresh_token"]
    )
    assert "invalid_grant" == refused["error"]
    assert [] == either.complaints


def test_a_device_is_connected_by_its_code(either, issuer):
    """Somebody with a television has a browser elsewhere (RFC 8628 §3.3)."""
    device = register(
        issuer,
        "http://127.0.0.1/cb",
        grant_types=["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
        redirect_uris=[],
        response_types=[],
    )
    begun = post(
        f"{issuer}/device_authorization", {"client_id": device.client_id, "scope": "openid read"}
    )
    either.open(begun["verification_uri"])
    if either.page.get_by_label("Password").is_visible():
        sign_in(either)
    either.page.get_by_label("Code on the device").fill(begun["user_code"])
    either.page.get_by_role("button", name="Continue").click()
    if either.page.get_by_label("Password").is_visible():
        sign_in(either)

    decide(either, "Allow")

    granted = device.ask_for_token(
        grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=begun["device_code"]
    )
    assert either.page.get_by_role("heading", name="Your device is connected").is_visible()
    assert "access_token" in granted
    assert [] == either.complaints


def test_who_signs_out_is_asked_to_sign_in_again(either, issuer, application):
    """The next person at the machine is somebody else."""
    come_back(either, application)

    sign_out(either, issuer)
    either.open(application.address())

    assert either.page.get_by_label("Password").is_visible()
    assert [] == either.complaints


def test_applications_hear_of_it_in_frames_before_somebody_goes_on(either, issuer, scripts):
    """Each forgets the person too, and none of them by itself (Front-Channel Logout §2)."""
    application = register(
        issuer,
        WEB,
        frontchannel_logout_uri="https://calendar.example/out",
        frontchannel_logout_session_required=True,
        post_logout_redirect_uris=["https://calendar.example/bye"],
    )
    either.context.route("https://calendar.example/**", lambda route: route.fulfill(body="ok"))
    heard = asked_elsewhere(either, "https://calendar.example/out?")
    granted = application.redeem(come_back(either, application))
    leaving = {"id_token_hint": granted["id_token"], "client_id": application.client_id}
    way_back = "https://calendar.example/bye"

    either.page.goto(
        f"{issuer}/logout?{urlencode(leaving | {'post_logout_redirect_uri': way_back})}",
        wait_until="commit",
    )
    if not scripts:
        either.page.get_by_role("link", name="Go on").click()
    either.page.wait_for_url(way_back)

    assert [issuer] == [parameters_of(address)["iss"] for address in heard]
    assert [] == either.complaints
