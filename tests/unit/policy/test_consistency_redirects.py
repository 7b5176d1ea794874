"""Redirect URIs against the kind of application."""

import pytest

from registrary.core.metadata import offer_for, parse_document
from registrary.core.scope import NORMAL_SCOPES
from registrary.policy.consistency import resolve

OFFER = offer_for("rfc9700", NORMAL_SCOPES)
CERTIFYING = offer_for("oidf-dynamic", NORMAL_SCOPES)

WEB = "https://client.example/cb"
PRIVATE = "com.example.app:/cb"
LOOPBACK = "http://127.0.0.1:8765/cb"
NAMED_LOOPBACK = "http://localhost/cb"


def resolved(offer=OFFER, **document):
    """Return what *document* results in; every member of it can be read."""
    parsed = parse_document(document, offer)
    assert () == parsed.problems
    return resolve(parsed.values, offer)


INFERRED = {
    "https": ([WEB], "web", "default"),
    "https-of-any-kind": ([WEB, "https://other.example/"], "web", "default"),
    "https-localhost": (["https://localhost:8443/cb"], "web", "default"),
    "loopback": ([LOOPBACK], "native", "inferred"),
    "loopback-v6": (["http://[::1]/cb"], "native", "inferred"),
    "loopback-name": ([NAMED_LOOPBACK], "native", "inferred"),
    "private": ([PRIVATE], "native", "inferred"),
    "private-without-dot": (["cursor://x/cb"], "native", "inferred"),
    "https-and-private": ([WEB, PRIVATE], "native", "inferred"),
    "all-kinds": (["https://vscode.dev/redirect", LOOPBACK, PRIVATE], "native", "inferred"),
}


@pytest.mark.spec("C-002", "C-004", "C-005", "T-27", "T-29", "T-31", "T-32", "E-113")
@pytest.mark.parametrize(("uris", "kind", "source"), INFERRED.values(), ids=INFERRED.keys())
def test_without_a_type_any_native_shape_makes_the_client_native(uris, kind, source):
    """Command-line and editor clients rarely say so, and could not register elsewhere."""
    result = resolved(redirect_uris=uris)

    assert () == result.problems
    assert kind == result.metadata["application_type"]
    assert source == result.provenance["application_type"]
    assert uris == result.metadata["redirect_uris"]


@pytest.mark.spec("C-005")
@pytest.mark.parametrize("kind", ["web", "native"])
def test_an_explicit_type_is_never_changed(kind):
    """It is echoed as it came."""
    result = resolved(redirect_uris=[WEB], application_type=kind)

    assert () == result.problems
    assert kind == result.metadata["application_type"]
    assert "application_type" not in result.provenance


NOT_WEB = "must be https for application_type web"
NOT_NATIVE = "must not be https on this machine for application_type native"
NOT_IMPLICIT = "must not lead to this machine for application_type web with the implicit grant"

UNSUITED = {
    "web-loopback": ("web", [WEB, LOOPBACK], f"[1] {NOT_WEB}"),
    "web-private": ("web", [PRIVATE], f"[0] {NOT_WEB}"),
    "web-both": ("web", [PRIVATE, WEB, LOOPBACK], f"[0], [2] {NOT_WEB}"),
    "native-https-localhost": ("native", ["https://localhost/cb"], f"[0] {NOT_NATIVE}"),
    "native-https-loopback": ("native", [LOOPBACK, "https://127.0.0.1/cb"], f"[1] {NOT_NATIVE}"),
    "native-https-v6": ("native", ["https://[::1]/cb"], f"[0] {NOT_NATIVE}"),
    "native-https-elsewhere-in-127": ("native", ["https://127.9.9.9/"], f"[0] {NOT_NATIVE}"),
    "native-https-sub-localhost": ("native", ["https://app.localhost/"], f"[0] {NOT_NATIVE}"),
    "inferred-native": (None, [LOOPBACK, "https://localhost/cb"], f"[1] {NOT_NATIVE}"),
}


@pytest.mark.spec("A-060", "A-063", "A-065", "A-068", "C-002", "C-004", "C-005", "C-006", "T-32")
@pytest.mark.parametrize(("kind", "uris", "rule"), UNSUITED.values(), ids=UNSUITED.keys())
def test_a_redirect_uri_of_another_kind_of_application_is_refused(kind, uris, rule):
    """One bad URI refuses the whole list: none is left out (OIDCR §3.2)."""
    result = resolved(redirect_uris=uris, application_type=kind)

    assert [("invalid_redirect_uri", "redirect_uris", rule)] == [
        (problem.code, problem.field, problem.rule) for problem in result.problems
    ]


@pytest.mark.spec("C-004")
@pytest.mark.parametrize("uri", [WEB, PRIVATE, LOOPBACK, NAMED_LOOPBACK, "http://[::1]:1/"])
def test_a_native_client_may_have_any_kind_that_is_its_own(uri):
    """Claimed https, private schemes and loopback are the three ways of RFC 8252 §7."""
    result = resolved(redirect_uris=[uri], application_type="native")

    assert () == result.problems


@pytest.mark.spec("C-003")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "x.localhost"])
def test_a_web_client_with_implicit_does_not_lead_to_this_machine(host):
    """A token in the address of a page on localhost is anybody's who listens there."""
    uri = f"https://{host}/cb"
    with_implicit = {"response_types": ["id_token"], "application_type": "web"}

    implicit = resolved(CERTIFYING, redirect_uris=[uri], **with_implicit)
    code = resolved(CERTIFYING, redirect_uris=[uri], response_types=["code"])

    assert [f"[0] {NOT_IMPLICIT}"] == [problem.rule for problem in implicit.problems]
    assert () == code.problems


@pytest.mark.spec("C-003", "C-006")
def test_a_name_that_begins_like_this_machine_is_another():
    """The conformance suite itself lives at localhost.emobix.co.uk."""
    result = resolved(
        CERTIFYING,
        redirect_uris=["https://localhost.emobix.co.uk:8443/test/a/x/callback"],
        response_types=["id_token token"],
        application_type="web",
    )

    assert () == result.problems


@pytest.mark.spec("C-001", "C-029", "A-064", "A-038")
def test_redirect_uris_are_never_changed():
    """Neither in spelling nor in number nor in order."""
    uris = ["HTTPS://Client.Example:443/%7ea?", "https://b.example", "com.Example:/CB"]

    result = resolved(redirect_uris=uris)

    assert uris == result.metadata["redirect_uris"]
    assert "redirect_uris" not in result.provenance
