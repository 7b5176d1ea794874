"""A person is asked what they have not decided, and never less."""

import msgspec
import pytest

from registrary.authserver.authorization.consent import (
    Question,
    allowed_scope,
    consent_key,
    is_remembered,
    metadata_hash,
    question_of,
    remembering,
)
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.testing.clock import MOMENT
from tests.unit.authserver.authorization.requests import DETAIL, a_context, a_request, a_web_client

PERSON = "somebody"


def allowing(request, *, scope=None, earlier=None, question=None):
    """Return what is remembered of *request* when *scope* was allowed, all of it by default."""
    asked = question or question_of(request, earlier)
    granted = request.scope if scope is None else scope
    return remembering(request, asked, person=PERSON, scope=granted, earlier=earlier, now=MOMENT)


def test_a_first_request_asks_for_everything():
    """A registration is nobody's consent (goiabada #108)."""
    request = a_request()

    question = question_of(request, None)

    assert Question(scope=request.scope, before=(), is_needed=True) == question


def test_what_was_allowed_is_not_asked_again():
    """Asking for what is decided teaches people to press buttons."""
    request = a_request()

    question = question_of(request, allowing(request))

    assert Question(scope=(), before=request.scope, is_needed=False) == question


def test_only_what_is_new_is_asked():
    """A page that repeats the old hides the new."""
    client = a_web_client()
    before = allowing(a_request(client=client, scope="openid read"))

    question = question_of(a_request(client=client, scope="openid read write"), before)

    assert Question(scope=("write",), before=("openid", "read"), is_needed=True) == question


def test_a_box_left_empty_stays_empty():
    """Who said no to an e-mail address said so for the next time too."""
    client = a_web_client()
    request = a_request(client=client, scope="openid email read")
    before = allowing(request, scope=("openid", "read"))

    question = question_of(request, before)

    assert Question(scope=(), before=("openid", "read"), is_needed=False) == question
    assert ("email",) == before.declined


@pytest.mark.spec("AZ-032")
def test_a_client_can_ask_all_of_it_again():
    """``prompt=consent`` is how one comes back to what was refused."""
    client = a_web_client()
    request = a_request(client=client, scope="openid email read")
    before = allowing(request, scope=("openid", "read"))
    again = a_request(client=client, scope="openid email read", prompt="consent")

    question = question_of(again, before)
    after = allowing(again, earlier=before, question=question)

    assert Question(scope=again.scope, before=(), is_needed=True) == question
    assert (("email", "openid", "read"), (), 2) == (after.scope, after.declined, after.revision)


@pytest.mark.parametrize(
    ("changed", "asks"),
    [
        ({"client_name": "Another"}, True),
        ({"client_name#de": "Ein anderer"}, True),
        ({"client_uri": "https://other.example/"}, True),
        ({"logo_uri": "https://other.example/logo.png"}, True),
        ({"policy_uri": "https://other.example/p"}, True),
        ({"tos_uri": "https://other.example/t"}, True),
        ({"contacts": ["a@client.example"]}, False),
        ({"software_version": "2"}, False),
    ],
    ids=str,
)
def test_a_client_that_shows_itself_otherwise_is_asked_about_anew(changed, asks):
    """What people allowed was what they saw."""
    client = a_web_client()
    before = allowing(a_request(client=client))
    updated = msgspec.structs.replace(client, metadata=client.metadata | changed)

    question = question_of(a_request(client=updated), before)

    assert asks is question.is_needed
    assert asks is (metadata_hash(client) != metadata_hash(updated))


def test_another_resource_is_another_question():
    """The audience is fixed at consent (GHSA-p2fr-6hmx-4528)."""
    client = a_web_client()
    context = a_context(dev=True)
    one, other = "http://localhost:1/a", "http://localhost:1/b"
    before = allowing(a_request(context, client, resource=one))

    same = question_of(a_request(context, client, resource=one), before)
    moved = question_of(a_request(context, client, resource=other), before)

    assert (False, True) == (same.is_needed, moved.is_needed)


def test_other_details_are_another_question():
    """A payment that was allowed is not the next one."""
    client = a_web_client(authorization_details_types=[DETAIL])
    five, six = '[{"type": "payment", "amount": 5}]', '[{"amount": 6, "type": "payment"}]'
    before = allowing(a_request(client=client, authorization_details=five))

    same = question_of(a_request(client=client, authorization_details=five), before)
    more = question_of(a_request(client=client, authorization_details=six), before)
    none = question_of(a_request(client=client), before)

    assert (False, True, False) == (same.is_needed, more.is_needed, none.is_needed)


@pytest.mark.parametrize(
    ("metadata", "uri", "is_kept"),
    [
        ({}, "https://client.example/callback", True),
        ({"token_endpoint_auth_method": "none"}, "https://client.example/callback", False),
        ({}, "http://127.0.0.1/cb", False),
        ({}, "com.example.app:/cb", False),
    ],
    ids=["confidential-https", "public-https", "loopback", "private-scheme"],
)
@pytest.mark.spec("AZ-037")
def test_only_a_client_that_can_be_known_again_is_remembered(metadata, uri, is_kept):
    """Any program can take a loopback port and say the same name."""
    client = a_web_client(redirect_uris=[uri], **metadata)

    assert is_kept is is_remembered(a_request(client=client, redirect_uri=uri))


def test_another_host_is_another_consent():
    """A second redirect host may belong to somebody else."""
    uris = ["https://client.example/callback", "https://other.example/cb"]
    client = a_web_client(redirect_uris=uris)

    one, other = (consent_key(a_request(client=client, redirect_uri=uri), PERSON) for uri in uris)

    assert one != other
    assert one == allowing(a_request(client=client)).key


@pytest.mark.parametrize(
    ("ticked", "granted"),
    [
        ((), ("openid", "read")),
        (("email",), ("openid", "email", "read")),
        (("email", "write"), ("openid", "email", "read", "write")),
        (("email", "admin", "openid", "profile"), ("openid", "email", "read")),
    ],
)
def test_a_person_grants_what_they_tick_of_what_was_shown(ticked, granted):
    """A forged box is no scope, and a box left empty is no grant."""
    request = a_request(scope="openid email read write")
    question = question_of(request, None)

    scope = allowed_scope(request, question, ticked=ticked, catalogue=DEVELOPMENT_SCOPES)

    assert granted == scope


def test_what_was_allowed_before_has_no_box():
    """Nobody takes it back by not being asked."""
    client = a_web_client()
    before = allowing(a_request(client=client, scope="openid email"))
    request = a_request(client=client, scope="openid email write")

    scope = allowed_scope(
        request, question_of(request, before), ticked=(), catalogue=DEVELOPMENT_SCOPES
    )

    assert ("openid", "email") == scope
