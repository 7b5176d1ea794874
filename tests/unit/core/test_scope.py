"""What a scope is made of, and what of it is granted."""

import msgspec
import pytest

from registrary.core.errors import FieldError
from registrary.core.scope import (
    DEVELOPMENT_SCOPES,
    NORMAL_SCOPES,
    SCOPE_LIMIT,
    default_scope,
    parse_scope,
    split_scope,
    unasked_scope,
)

OPENID = ("openid", "profile", "email", "address", "phone", "offline_access")


@pytest.mark.spec("A-029")
@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("openid", ("openid",)),
        ("openid profile", ("openid", "profile")),
        ("b a b", ("b", "a")),
        ("  a   b ", ("a", "b")),
        ("", ()),
        ("   ", ()),
        ("a.b:c/d-e_f~!#$%&'()*+,;=?@[]^`{|}", ("a.b:c/d-e_f~!#$%&'()*+,;=?@[]^`{|}",)),
        ("Read read", ("Read", "read")),
    ],
)
def test_a_scope_is_its_tokens_each_once(text, tokens):
    """Order and repetition mean nothing (RFC 6749 §3.3); what is stored should not vary by them."""
    assert tokens == parse_scope(text)


@pytest.mark.parametrize(
    "text",
    ["a\tb", "a\nb", 'a"b', "a\\b", "é", "a\x00", "a\x7f", "a\u00a0b"],
)
def test_characters_no_token_may_have_are_refused(text):
    """A scope is copied into headers and logs; RFC 6749 §3.3 names its characters."""
    with pytest.raises(FieldError) as refused:
        parse_scope(text)

    assert "must be scopes of printable ASCII, separated by spaces" == refused.value.rule


def test_the_number_of_scopes_is_bounded():
    """One document must not make every later token carry thousands of them."""
    fine = " ".join(f"s{number}" for number in range(SCOPE_LIMIT))

    assert SCOPE_LIMIT == len(parse_scope(fine))
    with pytest.raises(FieldError):
        parse_scope(f"{fine} more")


@pytest.mark.spec("T-53")
def test_an_ordinary_issuer_has_the_scopes_of_openid_connect_as_its_default():
    """The conformance suite registers without a scope and then asks for all of these."""
    assert OPENID == default_scope(NORMAL_SCOPES)


def test_development_has_two_more_by_default_and_one_that_is_restricted():
    """The first curl of a newcomer has something to ask for, and something to be refused."""
    by_name = {scope.name: scope for scope in DEVELOPMENT_SCOPES}

    assert (*OPENID, "read", "write") == default_scope(DEVELOPMENT_SCOPES)
    assert by_name["admin"].restricted
    assert by_name["dcr"].restricted


def test_restricted_scopes_are_in_no_default_set():
    """What needs a person's approval must not come from asking for nothing."""
    catalogue = [*NORMAL_SCOPES, *DEVELOPMENT_SCOPES]
    restricted = {scope.name for scope in catalogue if scope.restricted}

    assert {"admin", "dcr"} == restricted
    assert restricted.isdisjoint(default_scope(catalogue))


@pytest.mark.parametrize(
    ("may_have", "scope"),
    [
        ("read dcr", "read"),
        ("own admin", "own"),
        ("own read", "read"),
        ("dcr", ""),
        ("", ""),
    ],
)
def test_who_asks_for_nothing_gets_what_is_preset(may_have, scope):
    """A restricted scope is asked for by name, by those who were approved for it as well."""
    own = msgspec.structs.replace(DEVELOPMENT_SCOPES[0], name="own", default=False)

    found = unasked_scope([*DEVELOPMENT_SCOPES, own], may_have.split())

    assert scope == " ".join(found)


def test_openid_scopes_are_marked():
    """They mean nothing to client credentials, where no person is."""
    marked = {scope.name for scope in DEVELOPMENT_SCOPES if scope.openid}

    assert set(OPENID) == marked


def test_a_request_is_divided_into_granted_pending_and_unknown():
    """Each third is treated its own way: echoed, put before a person, left out."""
    catalogue = {scope.name: scope for scope in DEVELOPMENT_SCOPES}

    split = split_scope(("admin", "nope", "read", "openid"), catalogue)

    assert ("read", "openid") == split.granted
    assert ("admin",) == split.pending
    assert ("nope",) == split.unknown
