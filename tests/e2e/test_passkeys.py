"""Passkeys, which alone need a script: what a browser makes of them reaches the form."""

import json
from base64 import b64encode
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.e2e.authenticators import authenticator_of
from tests.e2e.browser import window_of


@pytest.fixture(scope="module")
def held():
    """Make a passkey as an authenticator keeps it."""
    key = generate_private_key(SECP256R1())
    octets = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return {
        "credentialId": "a2V5",
        "isResidentCredential": True,
        "rpId": "localhost",
        "userHandle": "bWFyaWE=",
        "signCount": 0,
        "privateKey": b64encode(octets).decode(),
    }


@pytest.fixture
def at_localhost(pages):
    """Return the pages at a name: an address cannot have passkeys (WebAuthn §5.1.4.1)."""
    return f"http://localhost:{urlsplit(pages).port}"


@pytest.fixture
def authenticator(window):
    """Give the machine of *window* a place for passkeys; return what speaks with it."""
    return authenticator_of(window)


def posted_by(window):
    """Return the fields that the form of *window* was sent with."""
    window.page.wait_for_function("document.contentType === 'text/plain'")
    return parse_qs(window.page.locator("body").inner_text(), keep_blank_values=True)


def test_a_new_passkey_is_posted_with_its_name(window, authenticator, at_localhost):
    """Its public key is in the answer of the browser, and nowhere else."""
    window.open(f"{at_localhost}/enrol-passkey")

    window.page.get_by_label("A name to know it by").fill("Laptop")
    window.page.get_by_role("button", name="Make the passkey").click()
    posted = posted_by(window)

    assert (["sealed"], ["Laptop"]) == (posted["csrf"], posted["name"])
    assert {"attestationObject", "clientDataJSON"} <= json.loads(posted["passkey"][0])[
        "response"
    ].keys()
    assert 1 == len(authenticator("WebAuthn.getCredentials")["credentials"])
    assert [] == window.complaints


def test_a_passkey_signs_in_without_a_word_typed(window, authenticator, held, at_localhost):
    """The fields for user name and password are required of who has no passkey."""
    authenticator("WebAuthn.addCredential", credential=held)
    window.open(f"{at_localhost}/login-every-way")

    window.page.get_by_role("button", name="Sign in with a passkey").click()
    posted = posted_by(window)

    assert (["sealed"], [""]) == (posted["csrf"], posted["password"])
    assert {"authenticatorData", "signature", "userHandle"} <= json.loads(posted["passkey"][0])[
        "response"
    ].keys()
    assert [] == window.complaints


@pytest.mark.parametrize("case", ["login-every-way", "enrol-passkey"])
def test_a_refusal_is_told_and_leaves_the_page(window, pages, case):
    """Somebody whose browser refuses must be able to go another way."""
    window.open(f"{pages}/{case}")  # at an address, where passkeys of localhost are refused at once
    for field in window.page.get_by_label("A name to know it by").all():
        field.fill("Laptop")

    window.page.get_by_role("button", name="passkey").click()

    assert window.page.get_by_role("status").inner_text().startswith("No passkey was")
    assert [] == window.complaints


@pytest.mark.parametrize(
    ("case", "shown", "hidden"),
    [
        ("login-every-way", "Sign in", "Sign in with a passkey"),
        ("enrol-passkey", None, "Make the passkey"),
    ],
)
def test_without_scripts_no_button_is_shown_that_does_nothing(browser, pages, case, shown, hidden):
    """Who presses it would wait."""
    with window_of(browser, java_script_enabled=False) as window:
        window.open(f"{pages}/{case}")

        names = window.page.get_by_role("button").all_inner_texts()

        assert hidden not in names
        assert shown is None or shown in names
