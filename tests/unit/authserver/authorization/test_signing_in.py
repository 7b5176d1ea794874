"""Who has to sign in (again) before a client learns anything."""

from datetime import timedelta

import pytest

from registrary.authserver.authorization.signing_in import (
    LOGIN_REQUIRED,
    UNMET,
    Standing,
    asked_claims,
    must_sign_in,
)
from registrary.testing.clock import MOMENT
from registrary.testing.people_factories import a_session
from tests.unit.authserver.authorization.requests import a_request

HOUR = timedelta(hours=1)
ESSENTIAL = '{"id_token": {"acr": {"essential": true, "value": "mfa"}}}'


def need(request, *, age=HOUR, started=None, hinted=None, acr="pwd", subject="me"):
    """Return why who signed in *age* ago does not suffice for *request*.

    *started* is how long ago they came with it.
    """
    standing = Standing(
        session=a_session(auth_time=MOMENT - age, acr=acr),
        subject=subject,
        started_at=None if started is None else MOMENT - started,
        now=MOMENT,
    )
    return must_sign_in(request, standing, hinted=hinted)


@pytest.mark.parametrize(
    ("asked", "age", "missing"),
    [
        ({}, HOUR, None),
        ({"prompt": "login"}, timedelta(0), LOGIN_REQUIRED),
        ({"prompt": "select_account"}, timedelta(0), LOGIN_REQUIRED),
        ({"prompt": "login consent"}, timedelta(0), LOGIN_REQUIRED),
        ({"prompt": "consent"}, HOUR, None),
        ({"max_age": "3599"}, HOUR, LOGIN_REQUIRED),
        ({"max_age": "3600"}, HOUR, None),
        ({"max_age": "0"}, timedelta(seconds=1), LOGIN_REQUIRED),
        ({"acr_values": "mfa"}, HOUR, LOGIN_REQUIRED),
        ({"acr_values": "mfa pwd"}, HOUR, None),
        ({"acr_values": "urn:mace:incommon:iap:silver"}, HOUR, None),
        ({"acr_values": "mfa", "prompt": "none"}, HOUR, None),
        ({"claims": ESSENTIAL}, HOUR, UNMET),
        ({"prompt": "none", "max_age": "1"}, HOUR, LOGIN_REQUIRED),
    ],
    ids=str,
)
@pytest.mark.spec("AZ-031")
def test_a_session_suffices_or_not(asked, age, missing):
    """A client that wants a fresh sign-in gets one (Core §3.1.2.1)."""
    assert missing == need(a_request(**asked), age=age)


@pytest.mark.parametrize(
    "asked",
    [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}, {"acr_values": "mfa"}],
    ids=str,
)
def test_nobody_signs_in_twice_for_one_request(asked):
    """Who has just done so would be asked for ever."""
    request = a_request(**asked)

    fresh = need(request, age=timedelta(seconds=5), started=timedelta(seconds=9))
    before = need(request, age=timedelta(seconds=9), started=timedelta(seconds=5))

    assert (None, LOGIN_REQUIRED) == (fresh, before)


@pytest.mark.spec("AZ-034")
def test_a_demanded_strength_is_reached_or_nothing_is():
    """``essential`` means that a weaker sign-in is a failed one (Core §5.5.1.1)."""
    request = a_request(claims=ESSENTIAL)

    strong = need(request, acr="phr")
    weak = need(request, age=timedelta(0), started=timedelta(seconds=5))

    assert (None, UNMET) == (strong, weak)


@pytest.mark.parametrize(
    ("asked", "hinted", "missing"),
    [
        ({}, "me", None),
        ({}, "somebody-else", LOGIN_REQUIRED),
        ({"claims": '{"id_token": {"sub": {"value": "me"}}}'}, None, None),
        ({"claims": '{"id_token": {"sub": {"value": "other"}}}'}, None, LOGIN_REQUIRED),
        ({"claims": '{"id_token": {"sub": {"value": "me"}}}'}, "other", LOGIN_REQUIRED),
        ({"claims": '{"id_token": {"sub": null}}'}, None, None),
    ],
    ids=str,
)
@pytest.mark.spec("AZ-033")
def test_a_client_that_names_somebody_gets_nobody_else(asked, hinted, missing):
    """Else it would join one person's account to another's session."""
    request = a_request(**asked)

    fresh = {"age": timedelta(0), "started": timedelta(seconds=5)}
    assert missing == need(request, hinted=hinted)
    assert missing == need(request, hinted=hinted, **fresh)


@pytest.mark.spec("AZ-035")
def test_a_time_limit_is_answered_with_the_time():
    """``max_age`` makes ``auth_time`` owed (Core §3.1.2.1)."""
    limited = asked_claims(a_request(max_age="60", claims='{"id_token": {"email": null}}'))
    plain = asked_claims(a_request())

    assert {"id_token": {"auth_time": {"essential": True}, "email": None}} == limited
    assert {} == plain
