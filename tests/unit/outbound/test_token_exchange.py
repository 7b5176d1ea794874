"""What is asked of identity providers, where it may go, and what counts as an answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from registrary.outbound.policy import development_policy, public_policy
from registrary.outbound.token_exchange import GuardedExchanger
from registrary.ports.exchanger import (
    NOBODY,
    REGISTRATION_ENDPOINT,
    TOKEN_ENDPOINT,
    USERINFO_ENDPOINT,
    Question,
    Reply,
)
from registrary.ports.fetcher import FetchRefused, Refusal
from registrary.testing.hostile import MISBEHAVIOURS, FlippingResolver, HostileServer

pytestmark = pytest.mark.anyio

FORM = Question("Basic c2VjcmV0", body=b"grant_type=authorization_code&code=secret-code")
BRIEFLY = replace(TOKEN_ENDPOINT, deadline=timedelta(seconds=0.4))


@pytest.fixture
def exchanger(system_resolver, trust) -> GuardedExchanger:
    """Return an exchanger for development."""
    return GuardedExchanger(development_policy(), system_resolver, tls=trust)


async def test_a_form_is_posted_with_our_credentials(exchanger):
    """Redeeming a code is a POST of a client (RFC 6749 §4.1.3)."""
    async with HostileServer() as provider:
        provider.publish("/token", b'{"id_token": "a.b.c"}')

        reply = await exchanger.ask(provider.url("/token"), FORM, purpose=TOKEN_ENDPOINT)

    [seen] = provider.requests
    assert Reply(200, b'{"id_token": "a.b.c"}') == reply
    assert ("POST", FORM.body, "Basic c2VjcmV0", "application/x-www-form-urlencoded") == (
        seen.method,
        seen.body,
        seen.header("authorization"),
        seen.header("content-type"),
    )


async def test_without_a_body_it_is_a_get(exchanger):
    """Userinfo is asked for with the token alone."""
    async with HostileServer() as provider:
        provider.publish("/userinfo", b"{}")

        await exchanger.ask(
            provider.url("/userinfo"), Question("Bearer token"), purpose=USERINFO_ENDPOINT
        )

    assert ["GET"] == [seen.method for seen in provider.requests]


async def test_an_error_of_the_provider_is_an_answer(exchanger):
    """It says what is wrong, which the operator has to read."""
    async with HostileServer() as provider:
        provider.publish("/token", b'{"error": "invalid_client"}', status="401 Unauthorized")

        reply = await exchanger.ask(provider.url("/token"), FORM, purpose=TOKEN_ENDPOINT)

    assert 401 == reply.status


async def test_a_redirect_is_not_followed_with_our_credentials(exchanger):
    """The code and our secret would go to whoever the redirect names."""
    async with HostileServer() as provider:
        provider.publish(
            "/token", b"{}", status="307 Temporary Redirect", headers=[("Location", "/elsewhere")]
        )

        with pytest.raises(FetchRefused) as refused:
            await exchanger.ask(provider.url("/token"), FORM, purpose=TOKEN_ENDPOINT)

    assert Refusal.STATUS == refused.value.refusal
    assert 0 == provider.count("/elsewhere")


@pytest.mark.parametrize("behaviour", MISBEHAVIOURS, ids=lambda behaviour: behaviour.path)
async def test_a_provider_that_misbehaves_costs_no_more_than_a_moment(exchanger, behaviour):
    """Somebody waits in front of a blank page; others must not wait with them."""
    async with HostileServer() as provider:
        try:
            reply = await exchanger.ask(provider.url(behaviour.path), FORM, purpose=BRIEFLY)
        except FetchRefused:
            return

    assert len(reply.body) <= BRIEFLY.limit_bytes


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "64:ff9b::7f00:1"]
)
async def test_nobody_inside_is_asked(trust, address):
    """An administrator's mistake must not hand our secret to a machine of the network."""
    resolver = FlippingResolver({"login.example": [[address]]})
    exchanger = GuardedExchanger(public_policy(), resolver, tls=trust)

    with pytest.raises(FetchRefused) as refused:
        await exchanger.ask("https://login.example/token", FORM, purpose=TOKEN_ENDPOINT)

    assert Refusal.ADDRESS == refused.value.refusal


async def test_commands_ask_nobody():
    """They run beside the server, perhaps on a machine that may not connect to anyone."""
    with pytest.raises(FetchRefused):
        await NOBODY.ask("https://login.example", FORM, purpose=REGISTRATION_ENDPOINT)


def test_neither_questions_nor_answers_show_what_they_hold():
    """Codes, secrets and tokens would stand in tracebacks."""
    shown = f"{FORM!r} {Reply(200, b'id_token')!r}"

    assert "Question(POST) Reply(200)" == shown
