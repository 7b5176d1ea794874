"""A whole document: what is kept, what is dropped, and all that is wrong with it."""

import sys

import pytest

from registrary.core.errors import Problem
from registrary.core.metadata import (
    FIELDS,
    SERVER_MEMBERS,
    Feature,
    describe,
    in_deciding_order,
    offer_for,
    parse_document,
)
from registrary.core.metadata.document import DESCRIPTION_LIMIT, LANGUAGES_LIMIT
from registrary.core.scope import NORMAL_SCOPES

OFFER = offer_for("rfc9700", NORMAL_SCOPES)
CERTIFYING = offer_for("oidf-dynamic", NORMAL_SCOPES)


def fields_of(parsed):
    """Return the members at fault, in deciding order."""
    return [problem.field for problem in parsed.problems]


def calls_of(name, work):
    """Return how often *work* calls the built-in function *name*."""
    counted = []

    def note(_, event, function):
        if event == "c_call" and function.__name__ == name:
            counted.append(function)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return len(counted)


@pytest.mark.spec("A-036", "E-050", "T-01", "T-02", "C-032", "C-033", "E-101", "A-085")
@pytest.mark.parametrize(
    "name",
    [
        "resource",
        "response_modes",
        "token_endpoint_auth_methods_supported",
        "id_token_signing_alg_values_supported",
        "revocation_endpoint_auth_method",
        "id_token_token_binding_cnf",
        "software_statement",
        "Client_Name",
        "CLIENT_NAME",
        "client_name ",
        "",
        "__class__",
        "ключ",
    ],
)
@pytest.mark.parametrize("value", [1, "x", None, [], {"a": {"b": []}}], ids=repr)
def test_a_member_that_is_not_understood_is_no_reason_to_refuse(name, value):
    """Keycloak refused what it did not know, and clients with a new member could not register."""
    parsed = parse_document({"client_name": "Example", name: value}, OFFER)

    assert {"client_name": "Example"} == parsed.values
    assert () == parsed.problems
    assert (name,) == parsed.dropped


@pytest.mark.spec("A-037", "T-72")
@pytest.mark.parametrize("name", sorted(SERVER_MEMBERS))
def test_what_the_server_sets_cannot_be_chosen(name):
    """A client that chose its identifier could take that of a person or of another client."""
    parsed = parse_document({name: "chosen"}, OFFER)

    assert {} == parsed.values
    assert () == parsed.problems


@pytest.mark.spec("A-036", "E-003", "E-004", "A-085")
@pytest.mark.parametrize("field", [field for field in FIELDS if field.feature])
def test_a_member_of_a_feature_that_is_not_offered_is_dropped(field):
    """Whatever it says, right or wrong: nothing is echoed that will not be honoured."""
    if field.feature in CERTIFYING.features:
        assert not OFFER.has(field)
    else:
        assert not CERTIFYING.has(field)
    values: tuple[object, ...] = ("", "x", 5, True, ["https://client.example/"], {})
    for value in values:
        parsed = parse_document({field.name: value}, OFFER)

        assert ({}, (), (field.name,)) == (parsed.values, parsed.problems, parsed.dropped)


@pytest.mark.parametrize("field", [field for field in FIELDS if field.feature])
def test_an_offered_feature_brings_its_members_to_life(field):
    """What comes next is switched on, not written again."""
    every = offer_for(
        "rfc9700",
        NORMAL_SCOPES,
        features=frozenset(Feature),
        authorization_details_types=("payment_initiation",),
    )

    assert every.has(field)


def test_every_problem_is_found_at_once_and_redirect_uris_decide():
    """A developer mends a document in one round, not in six."""
    parsed = parse_document(
        {
            "require_auth_time": "yes",
            "client_name": 5,
            "subject_type": "secret",
            "logo_uri#fr": "javascript:alert(1)",
            "redirect_uris": ["/cb"],
            "software_id": "kept",
        },
        OFFER,
    )

    assert [
        "redirect_uris",
        "client_name",
        "logo_uri#fr",
        "subject_type",
        "require_auth_time",
    ] == fields_of(parsed)
    assert "invalid_redirect_uri" == parsed.problems[0].code
    assert {"software_id": "kept"} == parsed.values


@pytest.mark.spec("A-075", "A-077", "A-078", "A-079", "A-081")
def test_tagged_members_stand_beside_untagged_ones():
    """Nobody guesses the language of what has no tag, and every tag is kept."""
    document = {
        "client_name": "Example",
        "client_name#de": "Beispiel",
        "client_name#ja-Jpan-JP": "例",
        "logo_uri#fr": "https://client.example/logo.fr.png",
        "tos_uri#x-internal": "https://client.example/tos",
    }

    parsed = parse_document(document, OFFER)

    assert document == parsed.values
    assert () == parsed.problems


@pytest.mark.spec("A-079", "T-25", "T-41")
@pytest.mark.parametrize("name", ["client_uri", "logo_uri", "tos_uri", "policy_uri"])
def test_a_tagged_address_is_judged_like_the_untagged(name):
    """A script hidden behind a language tag reaches the same page."""
    parsed = parse_document({f"{name}#fr": "javascript:alert(1)"}, OFFER)

    assert [f"{name}#fr"] == fields_of(parsed)


@pytest.mark.spec("A-080")
@pytest.mark.parametrize(
    "name",
    [
        "redirect_uris#en",
        "scope#en",
        "jwks_uri#en",
        "client_name#",
        "client_name#toolongsubtag1",
        "client_name#e",
        "client_name#x",
        "client_name#en-",
        "client_name#en--us",
        "client_name#en_US",
        "client_name#12",
        "client_name##en",
        "client_name#en#us",
        "client_name#é",
        "client_name#en\n",
        "#en",
        "unheard_of#en",
    ],
)
def test_a_tag_where_none_belongs_makes_the_member_unknown(name):
    """It is dropped like any member that is not understood, whatever its value."""
    parsed = parse_document({name: 5}, OFFER)

    assert ({}, (), (name,)) == (parsed.values, parsed.problems, parsed.dropped)


@pytest.mark.spec("A-076")
@pytest.mark.parametrize(
    "tags", [("en", "EN"), ("de-CH", "de-ch"), ("x-a", "X-A")], ids=" and ".join
)
def test_two_spellings_of_one_tag_are_refused(tags):
    """Which of the two a person would be shown nobody could say."""
    parsed = parse_document({f"client_name#{tag}": tag for tag in tags}, OFFER)

    assert [("client_name", "must not be given twice for one language")] == [
        (problem.field, problem.rule) for problem in parsed.problems
    ]


@pytest.mark.spec("A-039", "A-076")
def test_a_null_beside_a_spelling_is_no_second_one():
    """Null is absence, with a tag too."""
    parsed = parse_document({"client_name#en": "a", "client_name#EN": None}, OFFER)

    assert ({"client_name#en": "a"}, ()) == (parsed.values, parsed.problems)


@pytest.mark.spec("A-041")
def test_the_number_of_languages_is_bounded():
    """A document of ten thousand names would be shown, stored and compared."""
    document = {f"client_name#x-{number}": "a" for number in range(LANGUAGES_LIMIT + 1)}

    parsed = parse_document(document, OFFER)

    assert ["client_name"] == fields_of(parsed)


@pytest.mark.spec("A-041")
@pytest.mark.parametrize("value", ["a", 0, False, [], {}], ids=repr)
def test_names_in_too_many_languages_are_not_read(value):
    """A document holds thousands of them; who refuses their number has no use for their faults."""
    document = {f"client_name#x-{number}": value for number in range(4000)}

    parsed = parse_document(document, OFFER)

    rules = {problem.rule for problem in parsed.problems}
    assert f"must not make more than {LANGUAGES_LIMIT} members with a language" in rules
    assert len(parsed.problems) + len(parsed.values) <= LANGUAGES_LIMIT + 1


@pytest.mark.spec("A-039", "T-53")
@pytest.mark.parametrize("scope", ["", " ", "    "])
def test_a_scope_of_nothing_asks_for_nothing(scope):
    """It means the default set, as if it had been left out."""
    parsed = parse_document({"scope": scope}, OFFER)

    assert {} == parsed.values


@pytest.mark.spec("A-115")
def test_a_description_names_every_member_and_rule():
    """The whole list, in the order that decides."""
    parsed = parse_document({"client_name": 5, "redirect_uris": "x", "logo_uri": "x:y"}, OFFER)

    said = describe(parsed.problems)

    assert (
        "redirect_uris: must be an array; client_name: must be a string; "
        "logo_uri: must be an http or https URL"
    ) == said


@pytest.mark.spec("A-115")
def test_a_long_description_ends_with_how_many_more_there_are():
    """It goes into one member of the answer; proxies cut what is endless."""
    problems = [
        Problem("invalid_client_metadata", f"client_name#x-{number}", "must be so", "§")
        for number in range(200)
    ]

    said = describe(problems)

    assert len(said) <= DESCRIPTION_LIMIT
    assert said.startswith("client_name#x-0: must be so; client_name#x-1: must be so; ")
    shown = said.count("must be so")
    assert said.endswith(f"; and {200 - shown} more")


@pytest.mark.parametrize("count", [1, 10, 50, 5000])
def test_a_description_is_put_together_once(count):
    """Tried again for each sentence that did not fit, one document cost a stranger's second."""
    problems = [
        Problem("invalid_client_metadata", f"client_name#x-{number}", "must be so", "§")
        for number in range(count)
    ]

    joined = calls_of("join", lambda: describe(problems))

    assert joined <= 2


def test_a_description_holds_as_much_as_fits():
    """What is left out has to be asked for, one attempt to register after the other."""
    for count in range(1, 120):
        texts = [f"{'x' * (number % 7)}{number}" for number in range(count)]
        problems = [Problem("invalid_client_metadata", "", text * 5, "§") for text in texts]
        whole = [text * 5 for text in texts]
        shortened = [[*whole[:shown], f"and {count - shown} more"] for shown in range(count)]
        fitting = [
            said
            for said in map("; ".join, [whole, *reversed(shortened)])
            if len(said) <= DESCRIPTION_LIMIT
        ]

        assert fitting[0] == describe(problems)


def test_a_description_says_nothing_twice():
    """Two ways to the same finding are one finding to the reader."""
    problem = Problem("invalid_client_metadata", "jwks", "must be so", "§")

    assert "jwks: must be so" == describe([problem, problem])


def test_one_endless_rule_is_cut():
    """No single finding may crowd out the others."""
    problem = Problem("invalid_client_metadata", "jwks", "é" * 5000, "§")

    said = describe([problem])

    assert said.isascii()
    assert len(said) <= DESCRIPTION_LIMIT


def test_problems_of_unknown_members_come_last():
    """Rules of an organisation may speak of anything."""
    problems = [
        Problem("a", "unheard_of", "x", "§"),
        Problem("b", "", "x", "§"),
        Problem("c", "jwks", "x", "§"),
        Problem("d", "redirect_uris", "x", "§"),
    ]

    assert ["d", "c", "a", "b"] == [problem.code for problem in in_deciding_order(problems)]
