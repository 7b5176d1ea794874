"""Sectors of pairwise subjects, logout, and approval elsewhere."""

import pytest

from registrary.core.errors import FieldError
from registrary.core.metadata import Feature, in_deciding_order, offer_for, parse_document
from registrary.core.metadata.grants import CIBA, DEVICE_CODE
from registrary.core.scope import NORMAL_SCOPES
from registrary.policy.consistency import (
    check_sector_document,
    resolve,
    sector_host,
    sector_members,
    sector_need,
)

OFFER = offer_for("rfc9700", NORMAL_SCOPES)
EVERYTHING = offer_for("oidf-dynamic", NORMAL_SCOPES, features=frozenset(Feature))
STRICT_LOGOUT = offer_for(
    "rfc9700", NORMAL_SCOPES, features=frozenset(Feature) - {Feature.HTTP_LOGOUT}
)
DEVELOPMENT = offer_for(
    "rfc9700",
    NORMAL_SCOPES,
    features=frozenset(Feature) - {Feature.HTTP_LOGOUT},
    loopback_http=True,
)
URIS = ["https://client.example/cb"]
SECTOR = "https://sector.example/redirects.json"


def judged(offer=OFFER, **document):
    """Return the resulting client and all that is wrong, as members and rules."""
    parsed = parse_document({"redirect_uris": URIS, **document}, offer)
    unusable = [problem.field for problem in parsed.problems]
    result = resolve(parsed.values, offer, unusable=unusable)
    problems = in_deciding_order((*parsed.problems, *result.problems))
    return result, [(problem.field, problem.rule) for problem in problems]


ONE_HOST = {
    "one-uri": (URIS, "client.example"),
    "two-uris": (["https://a.example/1", "https://a.example/2"], "a.example"),
    "ports": (["https://a.example:1/", "https://a.example:2/"], "a.example"),
    "case": (["https://a.example/", "https://A.Example/x"], "a.example"),
    "loopback": (["http://127.0.0.1/a", "http://127.0.0.1:9/b"], "127.0.0.1"),
    "private-with-host": (["myapp://callback/x"], "callback"),
}


@pytest.mark.spec("C-010", "C-011")
@pytest.mark.parametrize(("uris", "host"), ONE_HOST.values(), ids=ONE_HOST.keys())
def test_redirect_uris_on_one_host_are_one_sector(uris, host):
    """Each person gets one name per sector (OpenID Connect Core §8.1)."""
    result, found = judged(redirect_uris=uris, subject_type="pairwise")

    assert [] == found
    assert host == sector_host(result.metadata)
    assert sector_need(result.metadata) is None


SEVERAL = "must be given for pairwise subjects when redirect_uris have several hosts"
NO_HOST = "must be given for pairwise subjects when redirect_uris have no host"


@pytest.mark.spec("C-011")
@pytest.mark.parametrize(
    ("uris", "rule"),
    [
        (["https://a.example/", "https://b.example/"], SEVERAL),
        (["https://a.example/", "https://www.a.example/"], SEVERAL),
        (["http://127.0.0.1/", "http://localhost/"], SEVERAL),
        (["https://a.example/", "com.example.app:/cb"], SEVERAL),
        (["com.example.app:/cb"], NO_HOST),
    ],
)
def test_redirect_uris_that_name_no_single_host_need_a_sector_document(uris, rule):
    """A person's name must not depend on which of the hosts came first."""
    result, found = judged(redirect_uris=uris, subject_type="pairwise")
    _, named = judged(redirect_uris=uris, subject_type="pairwise", sector_identifier_uri=SECTOR)
    _, public = judged(redirect_uris=uris)

    assert [("sector_identifier_uri", rule)] == found
    assert {"invalid_client_metadata"} == {problem.code for problem in result.problems}
    assert [] == named
    assert [] == public


@pytest.mark.spec("E-080", "C-011")
@pytest.mark.parametrize(
    ("document", "is_fine"),
    [
        ({"grant_types": [DEVICE_CODE]}, False),
        ({"grant_types": [DEVICE_CODE], "jwks_uri": "https://keys.example/jwks"}, True),
        ({"grant_types": [DEVICE_CODE], "sector_identifier_uri": SECTOR}, True),
        ({"grant_types": ["client_credentials"]}, True),
    ],
    ids=["nothing", "keys", "sector", "no-people"],
)
def test_a_client_without_redirect_uris_has_its_sector_elsewhere(document, is_fine):
    """A television has no address to come back to, and people all the same."""
    _, found = judged(EVERYTHING, **document, redirect_uris=None, subject_type="pairwise")

    rule = "must be given for pairwise subjects without redirect_uris and jwks_uri"
    assert ([] if is_fine else [("sector_identifier_uri", rule)]) == found


@pytest.mark.spec("C-011", "E-080")
@pytest.mark.parametrize(
    ("metadata", "host"),
    [
        ({"subject_type": "public", "redirect_uris": URIS}, None),
        ({"subject_type": "pairwise", "redirect_uris": URIS}, "client.example"),
        (
            {
                "subject_type": "pairwise",
                "redirect_uris": URIS,
                "sector_identifier_uri": SECTOR,
            },
            "sector.example",
        ),
        ({"subject_type": "pairwise", "jwks_uri": "https://Keys.example/"}, "keys.example"),
        ({"subject_type": "pairwise"}, None),
        ({}, None),
    ],
)
def test_the_sector_is_the_host_of_the_document_or_of_the_redirect_uris(metadata, host):
    """Whoever computes subjects and whoever compares before and after must agree."""
    assert host == sector_host(metadata)


@pytest.mark.spec("C-009", "T-37")
@pytest.mark.parametrize("subject_type", ["public", "pairwise", None])
def test_a_sector_document_is_needed_whenever_it_is_named(subject_type):
    """The conformance suite expects a bad one to be noticed whatever the subject type."""
    result, found = judged(sector_identifier_uri=SECTOR, subject_type=subject_type)

    assert [] == found
    assert SECTOR == result.sector_need


@pytest.mark.spec("C-009", "T-40")
@pytest.mark.parametrize(
    "document", [URIS, [*URIS, "https://other.example/"]], ids=["same", "more"]
)
def test_a_sector_document_that_lists_all_is_fine(document):
    """It may list those of other clients too."""
    check_sector_document(document, URIS)


@pytest.mark.spec("C-009", "T-40")
@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ([], "must lead to a document that lists every redirect URI"),
        (["https://client.example/cb/"], "must lead to a document that lists every redirect URI"),
        (["https://Client.example/cb"], "must lead to a document that lists every redirect URI"),
        ({"redirect_uris": URIS}, "must lead to a JSON array of strings"),
        ("https://client.example/cb", "must lead to a JSON array of strings"),
        ([*URIS, 5], "must lead to a JSON array of strings"),
        ([*URIS, [URIS]], "must lead to a JSON array of strings"),
        (None, "must lead to a JSON array of strings"),
    ],
)
def test_a_sector_document_that_lacks_one_fails_the_registration(document, rule):
    """Otherwise any client could join any sector and learn its subjects."""
    with pytest.raises(FieldError) as refused:
        check_sector_document(document, URIS)

    assert rule == refused.value.rule


@pytest.mark.spec("E-094")
@pytest.mark.parametrize(
    ("metadata", "listed"),
    [
        ({"redirect_uris": URIS}, URIS),
        ({"redirect_uris": URIS, "jwks_uri": "https://k.example/"}, URIS),
        (
            {
                "grant_types": [CIBA],
                "backchannel_token_delivery_mode": "poll",
                "jwks_uri": "https://k.example/",
            },
            ["https://k.example/"],
        ),
        (
            {
                "grant_types": [CIBA],
                "backchannel_token_delivery_mode": "push",
                "jwks_uri": "https://k.example/",
                "backchannel_client_notification_endpoint": "https://n.example/",
            },
            ["https://n.example/"],
        ),
        ({"grant_types": [CIBA], "redirect_uris": URIS}, URIS),
    ],
)
def test_what_a_sector_document_has_to_list(metadata, listed):
    """Clients of approval elsewhere are known by their keys or by where they are told."""
    assert listed == sector_members(metadata)


LOGOUT = {
    # application type, authenticates, URI, rule
    "web-https": ("web", True, "https://client.example/out", None),
    "web-http": ("web", True, "http://client.example/out", "must be https"),
    "web-loopback": ("web", True, "http://localhost/out", "must be https"),
    "web-private": (
        "web",
        True,
        "com.example.app:/out",
        "must be https for application_type web",
    ),
    "native-https": ("native", False, "https://client.example/out", None),
    "native-private": ("native", False, "com.example.app:/out", None),
    "native-loopback": ("native", False, "http://127.0.0.1:1/out", None),
    "native-http": ("native", True, "http://client.example/out", "must be https"),
}


@pytest.mark.spec("C-050", "C-053")
@pytest.mark.parametrize(
    ("kind", "authenticates", "uri", "rule"), LOGOUT.values(), ids=LOGOUT.keys()
)
def test_after_logout_people_go_where_such_a_client_lives(kind, authenticates, uri, rule):
    """The way back is a redirect too, and as open to abuse."""
    _, found = judged(
        STRICT_LOGOUT,
        application_type=kind,
        token_endpoint_auth_method="client_secret_basic" if authenticates else "none",
        post_logout_redirect_uris=["https://client.example/first", uri],
    )

    assert ([("post_logout_redirect_uris", f"[1] {rule}")] if rule else []) == found


@pytest.mark.spec("C-050", "C-054", "C-056")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("post_logout_redirect_uris", ["http://client.example/out"]),
        ("backchannel_logout_uri", "http://client.example/out"),
        ("frontchannel_logout_uri", "http://client.example/out"),
    ],
)
def test_plain_http_at_logout_is_for_confidential_clients_of_issuers_that_allow_it(name, value):
    """The three specifications say so in the same words."""

    def rules_of(offer, method):
        _, found = judged(offer, **{name: value}, token_endpoint_auth_method=method)
        return [rule.removeprefix("[0] ") for field, rule in found if field == name]

    assert "must be https" not in rules_of(EVERYTHING, "client_secret_basic")
    assert "must be https" in rules_of(EVERYTHING, "none")
    assert "must be https" in rules_of(STRICT_LOGOUT, "client_secret_basic")


@pytest.mark.spec("C-054")
@pytest.mark.parametrize(
    ("uri", "is_fine"),
    [("http://localhost:1/out", True), ("http://client.example/out", False)],
)
def test_in_development_logout_may_be_told_to_this_machine(uri, is_fine):
    """And to no other without https."""
    _, found = judged(DEVELOPMENT, backchannel_logout_uri=uri)

    assert ([] if is_fine else [("backchannel_logout_uri", "must be https")]) == found


@pytest.mark.spec("C-050")
@pytest.mark.parametrize(
    ("uri", "is_fine"),
    [("http://localhost:3000/out", True), ("http://client.example/out", False)],
)
def test_in_development_people_go_back_to_this_machine(uri, is_fine):
    """A web application under development has no certificate yet."""
    _, found = judged(DEVELOPMENT, application_type="web", post_logout_redirect_uris=[uri])

    assert ([] if is_fine else [("post_logout_redirect_uris", "[0] must be https")]) == found


@pytest.mark.spec("C-056")
@pytest.mark.parametrize(
    ("uri", "is_fine"),
    [
        ("https://client.example/out?a=b", True),
        ("https://client.example:443/out", True),
        ("https://CLIENT.example/out", True),
        ("https://client.example:8443/out", False),
        ("https://www.client.example/out", False),
        ("https://evil.example/out", False),
    ],
)
def test_a_logout_page_shares_its_origin_with_a_redirect_uri(uri, is_fine):
    """The page is shown inside ours, so it has to be the client's own."""
    _, found = judged(EVERYTHING, frontchannel_logout_uri=uri)

    rule = "must have scheme, host and port of a redirect URI"
    assert ([] if is_fine else [("frontchannel_logout_uri", rule)]) == found


@pytest.mark.spec("C-055", "C-057", "E-001", "E-010", "E-022", "E-030", "E-093", "C-020")
def test_booleans_that_were_left_out_are_false_and_echoed():
    """A client reads what holds for it, not what the specification would say."""
    result, _ = judged(
        EVERYTHING,
        grant_types=["authorization_code", CIBA],
        backchannel_token_delivery_mode="poll",
    )

    left_out = {
        "require_auth_time",
        "backchannel_logout_session_required",
        "frontchannel_logout_session_required",
        "require_pushed_authorization_requests",
        "dpop_bound_access_tokens",
        "tls_client_certificate_bound_access_tokens",
        "require_signed_request_object",
        "backchannel_user_code_parameter",
    }
    assert left_out == {name for name, value in result.metadata.items() if value is False}
    assert {"default"} == {result.provenance[name] for name in left_out}


ELSEWHERE = {
    "no-mode": (
        {},
        [("backchannel_token_delivery_mode", "must be given for this grant")],
    ),
    "poll": ({"backchannel_token_delivery_mode": "poll"}, []),
    "ping": (
        {"backchannel_token_delivery_mode": "ping"},
        [("backchannel_client_notification_endpoint", "must be given unless the client polls")],
    ),
    "push-with-address": (
        {
            "backchannel_token_delivery_mode": "push",
            "backchannel_client_notification_endpoint": "https://client.example/notify",
        },
        [],
    ),
    "public": (
        {"backchannel_token_delivery_mode": "poll", "token_endpoint_auth_method": "none"},
        [("grant_types", "must hold a grant that is open to clients without authentication")],
    ),
}


@pytest.mark.spec("E-090", "E-091", "E-094")
@pytest.mark.parametrize(("document", "expected"), ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_client_of_approval_elsewhere_says_how_it_is_told(document, expected):
    """Without that the grant ends in silence."""
    _, found = judged(EVERYTHING, grant_types=[CIBA], redirect_uris=None, **document)

    assert expected == found


@pytest.mark.spec("E-090", "A-036")
def test_without_the_grant_its_members_are_dropped():
    """They mean nothing, right or wrong."""
    result, found = judged(
        EVERYTHING,
        backchannel_token_delivery_mode="ping",
        backchannel_authentication_request_signing_alg="ES256",
        backchannel_user_code_parameter=True,
    )

    assert [] == found
    assert not [name for name in result.metadata if name.startswith("backchannel_token")]
    assert "backchannel_user_code_parameter" not in result.metadata
