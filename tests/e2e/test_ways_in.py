"""People add a second thing to prove themselves with, and sign in by it, in a real browser."""

import time

import pytest

from registrary.testing.server import Stores, free_port, running_server
from tests.e2e.authenticators import authenticator_of, code_of_app
from tests.e2e.browser import window_of
from tests.e2e.visits import sign_in, sign_out


@pytest.fixture
def issuer(tmp_path, stores: Stores):
    """Run a server at a name, since an address cannot have passkeys (WebAuthn §5.1.4.1)."""
    port = free_port()
    issuer = f"http://localhost:{port}"
    with running_server(tmp_path, "--issuer", issuer, port=port, stores=stores):
        yield issuer


def heading(window):
    """Return what the page of *window* is about, once it is there."""
    window.page.wait_for_load_state()
    return window.page.get_by_role("heading", level=1).inner_text()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_code_of_an_app_is_set_up_and_asked_for(browser, issuer, scripts):
    """A password that was seen over somebody's shoulder is not enough then (RFC 6238)."""
    with window_of(browser, java_script_enabled=scripts) as window:
        window.open(f"{issuer}/account")
        sign_in(window)
        window.page.get_by_role("link", name="Set up an authenticator app").click()
        secret = window.page.locator("pre.whole").inner_text().replace(" ", "")
        drawn = window.page.get_by_role("img", name="QR code").bounding_box()
        found = window.violations_of_accessibility() if scripts else []
        now = time.time()

        window.page.get_by_label("Six-digit code").fill(code_of_app(secret, at=now))
        window.page.get_by_role("button", name="Turn on").click()
        enrolled = heading(window)
        sign_out(window, issuer)
        window.open(f"{issuer}/account")
        sign_in(window)
        asked = heading(window)
        window.page.get_by_label("Six-digit code").fill(code_of_app(secret, at=now + 30))
        window.page.get_by_role("button", name="Sign in").click()

        assert ["Your account", "Enter your code", "Your account"] == [
            enrolled,
            asked,
            heading(window),
        ]
        assert drawn is not None
        assert drawn["width"] > 100
        assert [] == found
        assert [] == window.complaints


def test_a_passkey_is_made_and_signs_in(window, issuer):
    """Nothing is typed, so nothing can be typed into another's page (WebAuthn §7.2)."""
    authenticator = authenticator_of(window)
    window.open(f"{issuer}/account")
    sign_in(window)
    window.page.get_by_role("link", name="Add a passkey").click()

    window.page.get_by_label("A name to know it by").fill("Laptop")
    window.page.get_by_role("button", name="Make the passkey").click()
    window.page.get_by_role("heading", name="Passkey: Laptop").wait_for()
    sign_out(window, issuer)
    window.open(f"{issuer}/account")
    window.page.get_by_role("button", name="Sign in with a passkey").click()
    window.page.get_by_role("heading", name="Your account").wait_for()

    assert 1 == len(authenticator("WebAuthn.getCredentials")["credentials"])
    assert [] == window.complaints
