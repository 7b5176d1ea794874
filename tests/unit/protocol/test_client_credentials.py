"""How a client presents itself is read from header and form, and no spelling trips the reader."""

from base64 import b64encode
from urllib.parse import urlencode

import pytest

from registrary.authserver.presented import (
    PresentedAssertion,
    PresentedId,
    PresentedSecret,
    Refusal,
)
from registrary.protocol.client_credentials import ASSERTION_TYPE, presented_by
from registrary.protocol.http import HttpRequest
from registrary.protocol.parameters import parse_parameters


def presented(*headers: bytes, **form: str):
    """Return what is read from these Authorization headers and this form."""
    request = HttpRequest(
        "POST", "/token", headers=tuple((b"authorization", value) for value in headers)
    )
    return presented_by(request, parse_parameters(urlencode(form).encode()))


def basic(text: str, scheme: str = "Basic") -> bytes:
    """Return the header that carries *text*, an id and a secret."""
    return f"{scheme} {b64encode(text.encode()).decode()}".encode()


@pytest.mark.parametrize(
    ("header", "client_id", "secret"),
    [
        (basic("app:secret"), "app", "secret"),
        (basic("app:secret", "bAsIc"), "app", "secret"),
        (basic("app:a:b"), "app", "a:b"),
        (basic("app:"), "app", ""),
        (basic("a%3Ab:c%2Bd+e%25"), "a:b", "c+d e%"),
        (basic("app:%zz"), "app", "%zz"),
        (basic("app:%ff"), "app", "\N{REPLACEMENT CHARACTER}"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_id_and_secret_of_the_header_are_form_encoded(header, client_id, secret):
    """RFC 6749 §2.3.1 encodes both before the colon joins them, so that either may hold one."""
    assert PresentedSecret(client_id, secret, "client_secret_basic") == presented(header)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Basic",
        b"Basic ",
        b"Basic \xe9\xe9",
        b"Basic YTpi\xff",
        b"Basic !!!!",
        b"Basic YTp",
        b"Basic YQ==",
        b"Basic " + b64encode(b"\xff:\xff"),
        b"Basic YTpi YTpi",
        b"Basic\tYTpi",
        b"Bearer YTpi",
        b"Digest username=a",
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_header_that_says_nothing_usable_proves_nobody(header):
    """A stranger's malformed header must end as a refusal, never as an internal error."""
    refusal = presented(header)

    assert isinstance(refusal, Refusal)
    assert "invalid_client" == refusal.code


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ((basic("a:b"), basic("a:b")), {}),
        ((basic("a:b"),), {"client_id": "a", "client_secret": "b"}),
        ((basic("a:b"),), {"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE}),
        ((basic("a:b"),), {"client_id": "another"}),
        (
            (),
            {"client_secret": "b", "client_assertion": "x", "client_id": "a"},
        ),
        ((b"Bearer abc",), {"client_id": "a", "client_secret": "b"}),
        ((), {"client_assertion": "x"}),
        ((), {"client_assertion": "x", "client_assertion_type": "other"}),
        ((), {"client_assertion_type": ASSERTION_TYPE, "client_id": "a"}),
    ],
    ids=str,
)
def test_two_ways_or_half_a_way_are_never_chosen_from(headers, form):
    """A proxy and this server must not see two different clients (RFC 6749 §2.3)."""
    refusal = presented(*headers, **form)

    assert isinstance(refusal, Refusal)
    assert "invalid_request" == refusal.code


def test_the_form_names_a_client_in_three_ways():
    """Id and secret, an assertion, or an id alone; without any of them there is nobody."""
    secret = presented(client_id="a", client_secret="b")
    assertion = presented(client_assertion="x.y.z", client_assertion_type=ASSERTION_TYPE)
    public = presented(client_id="a")
    nobody = presented()

    assert PresentedSecret("a", "b", "client_secret_post") == secret
    assert PresentedAssertion("x.y.z", None) == assertion
    assert PresentedId("a") == public
    assert isinstance(nobody, Refusal)
    assert "invalid_client" == nobody.code


def test_an_empty_secret_beside_the_header_is_no_second_way():
    """Libraries send every field of their form; an empty one reads as left out."""
    found = presented(basic("a:b"), client_id="a", client_secret="")

    assert PresentedSecret("a", "b", "client_secret_basic") == found


def test_what_was_presented_does_not_show_in_tracebacks():
    """A secret in a log is a leaked secret."""
    shown = [repr(PresentedSecret("a", "s3cret", "m")), repr(PresentedAssertion("s3cret", None))]

    assert [] == [text for text in shown if "s3cret" in text]
