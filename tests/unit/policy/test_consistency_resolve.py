"""The resulting client as a whole: defaults, where values came from, and every check."""

import pytest

from registrary.core.checks import Outcome
from registrary.core.errors import Problem
from registrary.core.metadata import Feature, Metadata, Parsed, offer_for, parse_document
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.policy.consistency import (
    RULES,
    explain,
    foreign_pages,
    resolve,
    rules_for,
)
from registrary.policy.consistency.defaults import fill
from registrary.policy.consistency.resulting import Resulting

OFFER = offer_for("rfc9700", DEVELOPMENT_SCOPES)
EVERYTHING = offer_for("oidf-dynamic", DEVELOPMENT_SCOPES, features=frozenset(Feature))
URIS = ["https://client.example/cb"]


def parsed_and_resolved(offer=OFFER, **document):
    """Return what was read of *document* and what it results in."""
    parsed = parse_document(document, offer)
    unusable = [problem.field for problem in parsed.problems]
    return parsed, resolve(parsed.values, offer, unusable=unusable)


@pytest.mark.spec("A-106", "T-09", "A-021", "A-022", "A-023", "C-010", "C-012", "C-020")
def test_the_smallest_client_gets_every_default():
    """All of it is in the answer: what was not said holds as well."""
    _, result = parsed_and_resolved(redirect_uris=URIS)

    assert {
        "redirect_uris": URIS,
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": "openid profile email address phone offline_access read write",
        "application_type": "web",
        "subject_type": "public",
        "id_token_signed_response_alg": "RS256",
        "require_auth_time": False,
    } == result.metadata
    assert result.metadata.keys() - {"redirect_uris"} == result.provenance.keys()
    assert {"default"} == set(result.provenance.values())


def test_members_stand_in_the_order_of_the_table():
    """Answers and differences read the same way every time."""
    _, result = parsed_and_resolved(
        scope="openid",
        **{"client_name#fr": "Exemple", "client_name#de": "Beispiel"},
        client_name="Example",
        redirect_uris=URIS,
    )

    assert [
        "redirect_uris",
        "token_endpoint_auth_method",
        "grant_types",
        "response_types",
        "client_name",
        "scope",
        "application_type",
        "subject_type",
        "id_token_signed_response_alg",
        "require_auth_time",
        "client_name#de",
        "client_name#fr",
    ] == list(result.metadata)


def test_values_keep_the_source_they_came_with():
    """A statement or a template is named as the source, not the client."""
    result = resolve(
        {"redirect_uris": URIS, "client_name": "Example", "scope": "read admin"},
        OFFER,
        provenance={"client_name": "statement", "scope": "template"},
    )

    assert "statement" == result.provenance["client_name"]
    assert "narrowed" == result.provenance["scope"]


def test_resolving_leaves_what_it_was_given_alone():
    """A lost race resolves the same values again."""
    values = {"redirect_uris": URIS, "grant_types": ["authorization_code", "urn:x"]}
    before = dict(values)

    result = resolve(values, OFFER)

    assert before == values
    assert isinstance(result.metadata, Metadata)


@pytest.mark.spec("A-125")
def test_the_resulting_client_is_judged_not_the_request():
    """A rule skipped because a member was left out was CVE-2026-18570."""
    _, result = parsed_and_resolved(
        redirect_uris=["http://127.0.0.1/cb", "https://localhost/cb"],
    )

    assert "native" == result.metadata["application_type"]
    assert 1 == len(result.problems)


def test_rules_of_features_that_are_not_offered_are_not_asked():
    """What cannot occur needs no time and no line in an explanation."""
    asked = rules_for(OFFER)

    assert all(not rule.features for rule in asked)
    assert RULES == rules_for(EVERYTHING)


class Recording(dict[str, object]):
    """A mapping that notes which names were looked for."""

    def __init__(self, values):
        super().__init__(values)
        self.names = set()

    def __getitem__(self, name):
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name):
        self.names.add(name)
        return super().__contains__(name)

    def get(self, name, default=None):
        self.names.add(name)
        return super().get(name, default)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("method", ["none", "private_key_jwt", "tls_client_auth"])
def test_a_rule_says_what_it_reads(rule, method):
    """What it does not name could be at fault itself, and the rule would complain of the wrong."""
    client = Resulting(
        EVERYTHING,
        {
            "redirect_uris": URIS,
            "token_endpoint_auth_method": method,
            "grant_types": ["authorization_code", "urn:openid:params:grant-type:ciba"],
            "subject_type": "pairwise",
            "require_signed_request_object": True,
            "id_token_signed_response_alg": "none",
            "post_logout_redirect_uris": ["com.example.app:/out", "http://client.example/"],
            "backchannel_logout_uri": "http://client.example/",
            "frontchannel_logout_uri": "http://client.example/",
        },
        {},
    )
    fill(client)
    client.values = Recording(client.values)

    rule.judge(client)

    looked_for = client.values.names
    # What the three of these mean together is worked out before any rule is asked.
    if {"grant_types"} & rule.reads:
        assert {"token_endpoint_auth_method", "grant_types"} <= rule.reads
    assert looked_for <= rule.reads


def checks_of(parsed, result):
    """Return the outcome of every check by name."""
    problems = (*parsed.problems, *result.problems)
    return {check.name: check for check in explain(result, problems)}


def test_every_member_and_every_rule_is_explained():
    """``?dry_run=true`` answers with all of them, passed ones too."""
    parsed, result = parsed_and_resolved(redirect_uris=URIS)

    checks = explain(result, ())

    names = [check.name for check in checks]
    assert [*result.metadata, *(rule.name for rule in rules_for(OFFER))] == names[:-1]
    assert len(names) == len(set(names))
    assert all(check.section for check in checks)
    assert {Outcome.PASSED} == {check.outcome for check in checks}
    assert () == parsed.problems


def test_an_explanation_tells_narrowed_failed_and_unasked_apart():
    """The reader wants to know what to change."""
    parsed, result = parsed_and_resolved(
        redirect_uris=URIS,
        scope="read nope",
        client_name=5,
        subject_type="pairwise",
        jwks={"keys": []},
        token_endpoint_auth_signing_alg="ES256",
        grant_types=["client_credentials"],
        response_types=["code"],
        client_uri="https://other.example/",
    )

    checks = checks_of(parsed, result)

    assert Outcome.NARROWED is checks["scope"].outcome
    assert Outcome.FAILED is checks["client_name"].outcome
    assert "must be a string" == checks["client_name"].detail
    assert Outcome.NOT_CHECKED is checks["keys come one way"].outcome
    assert Outcome.NOT_CHECKED is checks["token_endpoint_auth_signing_alg"].outcome
    assert Outcome.FAILED is checks["grants and response types agree"].outcome
    assert "code must come with" in checks["grants and response types agree"].detail
    assert Outcome.PASSED is checks["redirect_uris"].outcome
    assert Outcome.WARNED is checks["pages for people are on hosts of the client"].outcome


def test_rules_from_elsewhere_are_explained_by_their_member():
    """Policies of an organisation and a fetched document speak of members too."""
    _, result = parsed_and_resolved(redirect_uris=URIS)
    foreign = Problem("invalid_redirect_uri", "redirect_uris", "must be ours", "policy intranet")

    checks = [check for check in explain(result, [foreign]) if check.name == "redirect_uris"]

    assert [(Outcome.FAILED, "must be ours", "policy intranet")] == [
        (check.outcome, check.detail, check.section) for check in checks
    ]


@pytest.mark.spec("A-126", "C-030", "T-66")
@pytest.mark.parametrize(
    ("document", "foreign"),
    [
        ({"tos_uri": "https://openid.net"}, ("tos_uri",)),
        ({"tos_uri": "https://client.example/tos"}, ()),
        ({"logo_uri#fr": "https://cdn.example/l.png"}, ("logo_uri#fr",)),
        (
            {"policy_uri": "https://a.example/", "client_uri": "https://b.example/"},
            ("client_uri", "policy_uri"),
        ),
        ({}, ()),
    ],
)
def test_pages_on_other_hosts_are_noticed_and_not_refused(document, foreign):
    """The conformance suite registers such a page; a person should still look twice."""
    _, result = parsed_and_resolved(redirect_uris=URIS, **document)

    assert () == result.problems
    assert foreign == foreign_pages(result)


def test_a_client_that_redirects_nowhere_has_no_foreign_pages():
    """There is nothing to compare with."""
    _, result = parsed_and_resolved(
        grant_types=["client_credentials"], client_uri="https://client.example/"
    )

    assert () == foreign_pages(result)


def test_nothing_said_at_all_is_refused_for_one_reason():
    """An empty object is a frequent first try; its answer should say what is missing."""
    parsed, result = parsed_and_resolved()

    assert Parsed({}, (), ()) == parsed
    assert [("redirect_uris", "must be given for grants that redirect")] == [
        (problem.field, problem.rule) for problem in result.problems
    ]
