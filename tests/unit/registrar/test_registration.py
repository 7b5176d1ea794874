"""Registering: who gets in, what it costs, and what is true whatever comes in between."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from registrary.core.client import Client
from registrary.core.draft import Applicant, PresentedToken
from registrary.core.issuer import Limits, RegistrationMode, RegistrationPolicy
from registrary.core.records import InitialAccessToken
from registrary.policy.decision import Accepted, Refused
from registrary.policy.registering import Previewed
from registrary.ports.fetcher import SECTOR_IDENTIFIER_URI, Fetched, FetchRefused, Refusal
from registrary.ports.store import Conflict, StoreUnavailable
from registrary.registrar.initial_access_tokens import InitialAccessTokens, TokenWish
from registrary.registrar.management import Visit
from registrary.registrar.registration import Registrar
from registrary.registrar.services import ATTEMPTS
from registrary.testing.factories import an_issuer
from tests.unit.registrar.desk import OPERATOR, PEER, Desk

pytestmark = pytest.mark.anyio

REDIRECT = "https://client.example/cb"
DOCUMENT = {"redirect_uris": [REDIRECT]}
OPEN = {"mode": RegistrationMode.OPEN}
SECTOR = "https://client.example/sector"


async def a_token(desk: Desk, **wish: Any) -> tuple[InitialAccessToken, str]:
    """Return an initial access token, as kept and as text."""
    record, token = await InitialAccessTokens(desk.services).create(
        desk.context, TokenWish(**wish), actor=OPERATOR
    )
    return record, token.reveal()


def applicant(token: str | None = None, *, in_path: bool = False, peer: str = PEER) -> Applicant:
    """Return who asks."""
    return Applicant(PresentedToken(token, in_path) if token else None, peer, "request-1")


async def register(desk: Desk, token: str | None = None, *, peer: str = PEER, **members: Any):
    """Register a client with *members*, as the endpoint does."""
    who = applicant(token, peer=peer)
    entry = await desk.registrar.enter(desk.context, who)
    if isinstance(entry, Refused):
        return entry
    return await desk.registrar.register(desk.context, entry, DOCUMENT | members)


async def clients(desk: Desk) -> list[Client]:
    """Return every client that is stored."""
    return list((await desk.store.page(Client, desk.context.id, limit=1000)).records)


def codes(answers) -> list[str]:
    """Return what became of each, by code, in a stable order."""
    return sorted("201" if isinstance(one, Accepted) else one.code for one in answers)


# --- The door -----------------------------------------------------------------------------------

TOKENS = ["none", "good", "used-up", "expired", "revoked", "foreign", "unknown", "malformed"]


async def present(desk: Desk, kind: str) -> str | None:
    """Return the text of a token of *kind*, as somebody brings it."""
    if kind == "none":
        return None
    if kind == "malformed":
        return "not-a-token"
    if kind == "unknown":
        other = Desk()
        return (await a_token(other))[1]
    if kind == "foreign":
        elsewhere = Desk.of(id="9876543210", url="https://other.example")
        _, foreign = await InitialAccessTokens(desk.services).create(
            elsewhere, TokenWish(), actor=OPERATOR
        )
        return foreign.reveal()
    record, token = await a_token(desk, uses=1, lifetime=timedelta(hours=1))
    if kind == "used-up":
        assert isinstance(await register(desk, token), Accepted)
    elif kind == "expired":
        desk.clock.advance(timedelta(hours=1))
    elif kind == "revoked":
        await InitialAccessTokens(desk.services).revoke(desk.context, record.id, actor=OPERATOR)
    return token


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("mode", [RegistrationMode.OPEN, RegistrationMode.PROTECTED])
@pytest.mark.spec("A-006")
async def test_who_brings_a_bad_token_is_not_taken_for_a_stranger(mode, kind):
    """A client that believes itself bound by a token must not end up unbound."""
    desk = Desk(mode=mode)
    token = await present(desk, kind)
    before = len(await clients(desk))

    answer = await register(desk, token)

    is_welcome = kind == "good" or (kind == "none" and mode is RegistrationMode.OPEN)
    assert ["201" if is_welcome else "invalid_token"] == codes([answer])
    assert before + is_welcome == len(await clients(desk))
    challenged = isinstance(answer, Refused) and answer.is_challenge
    assert (kind == "none" and not is_welcome) == challenged


@pytest.mark.parametrize("kind", TOKENS)
async def test_a_closed_issuer_lets_nobody_in(kind):
    """Closed is closed, also to who was let in before."""
    desk = Desk(**OPEN)
    token = await present(desk, kind)
    before = await clients(desk)
    desk.context = desk.of(mode=RegistrationMode.CLOSED)

    answer = await register(desk, token)

    assert ["access_denied"] == codes([answer])
    assert before == await clients(desk)


@pytest.mark.parametrize(
    ("header_only", "in_path", "expected"),
    [(False, False, True), (False, True, True), (True, False, True), (True, True, False)],
)
async def test_a_token_made_for_the_header_is_not_taken_from_the_path(
    header_only, in_path, expected
):
    """Addresses end up in the logs of every proxy."""
    desk = Desk()
    _, token = await a_token(desk, header_only=header_only)

    entry = await desk.registrar.enter(desk.context, applicant(token, in_path=in_path))

    assert expected != isinstance(entry, Refused)


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("192.0.2.7", "201"),
        ("::ffff:192.0.2.7", "201"),
        ("192.0.3.7", "access_denied"),
        ("2001:db8::1", "access_denied"),
    ],
)
async def test_networks_bind_whoever_comes(peer, expected):
    """A list of networks that one spelling of an address escapes is none."""
    desk = Desk(**OPEN, limits=Limits(networks=("192.0.2.0/24",)))

    answer = await register(desk, peer=peer)

    assert [expected] == codes([answer])


# --- What is stored -----------------------------------------------------------------------------


async def test_the_client_its_event_and_nothing_secret_are_stored_together():
    """The log says what came in through which door; what it holds opens nothing."""
    policy = RegistrationPolicy(name="web", redirect_hosts=("client.example",))
    desk = Desk(policies=(policy,))
    record, token = await a_token(desk, policies=("web",), organization="acme")

    answer = await register(desk, token, client_name="Example")

    [stored], [event] = await clients(desk), await desk.events("client:registered")
    assert answer.client == stored
    assert ("protected", record.id, "acme", ("web",)) == (
        stored.door.mode,
        stored.door.initial_access_token,
        stored.door.organization,
        stored.door.policies,
    )
    assert {"kind": "initial_access_token", "id": record.id, "address": PEER} == event["actor"]
    assert ("Example", "request-1") == (
        event["changes"]["client_name"]["after"],
        event["request_id"],
    )
    secrets = (answer.client_secret, answer.registration_access_token)
    kept = json.dumps([event, msgspec.to_builtins(stored)])
    assert [] == [one for one in secrets if one is None or one.reveal() in kept]


async def test_what_was_handed_out_opens_the_registration():
    """A client that cannot manage itself has to be registered again."""
    desk = Desk(**OPEN)
    answer = await register(desk)

    token = answer.registration_access_token.reveal()
    found = await desk.manager.read(desk.context, Visit(answer.client.client_id, token, PEER))

    assert answer.client == found


async def test_every_registration_makes_a_new_client():
    """Two deployments that send the same document must not share an identity."""
    desk = Desk(**OPEN)

    answers = [await register(desk) for _ in range(3)]

    assert 3 == len({one.client.client_id for one in answers})
    assert 3 == len({one.client_secret.reveal() for one in answers})


# --- Tokens that are used up ----------------------------------------------------------------------


@pytest.mark.parametrize("uses", [1, 3])
async def test_a_token_is_good_for_so_many_and_no_more_however_they_come(uses):
    """Single use means once, also for ten that arrive in the same moment."""
    desk = Desk()
    record, token = await a_token(desk, uses=uses)

    answers = await asyncio.gather(*(register(desk, token) for _ in range(10)))

    assert ["201"] * uses + ["invalid_token"] * (10 - uses) == codes(answers)
    assert uses == len(await clients(desk))
    assert uses == await desk.store.counter(desk.context.id, record.counter)
    assert 10 - uses == len(await desk.events("registration:refused"))


async def test_a_refused_document_uses_up_nothing():
    """Who mistypes a redirect URI still has their token."""
    desk = Desk()
    _, token = await a_token(desk, uses=1)

    refused = await register(desk, token, redirect_uris=["/cb"])
    accepted = await register(desk, token)

    assert ["201", "invalid_redirect_uri"] == codes([refused, accepted])


async def test_an_outage_uses_up_nothing():
    """Told to come again, a client must be let in then."""
    desk = Desk()
    _, token = await a_token(desk, uses=1)
    entry = await desk.registrar.enter(desk.context, applicant(token))
    assert not isinstance(entry, Refused)
    failing = Failing(StoreUnavailable("the disk is full"))

    desk.services = replace(desk.services, store=failing.around(desk.store))
    with pytest.raises(StoreUnavailable):
        await Registrar(desk.services).register(desk.context, entry, DOCUMENT)

    assert [] == await clients(desk)
    assert isinstance(await register(desk, token), Accepted)


class Failing:
    """Makes a store whose commits fail, and whose reads are those of another."""

    def __init__(self, error: Exception):
        self.error = error
        self.tried = 0

    def around(self, store):
        """Return *store* but for its commits."""
        failing = self

        class Store:
            get = staticmethod(store.get)
            counter = staticmethod(store.counter)

            async def commit(self, changes) -> None:
                failing.tried += 1
                raise failing.error

        return Store()


async def test_what_keeps_losing_ends_as_a_conflict_and_makes_no_client():
    """Tried for ever, one hot row would hold up the whole server."""
    desk = Desk(**OPEN)
    entry = await desk.registrar.enter(desk.context, applicant())
    assert not isinstance(entry, Refused)
    failing = Failing(Conflict("client"))
    desk.services = replace(desk.services, store=failing.around(desk.store))

    with pytest.raises(Conflict):
        await Registrar(desk.services).register(desk.context, entry, DOCUMENT)

    assert (ATTEMPTS, []) == (failing.tried, await clients(desk))


# --- Quotas and rates ---------------------------------------------------------------------------


async def test_a_quota_holds_however_they_come_and_is_told_as_one():
    """It ended as a conflict after five tries, which says nothing to anybody."""
    desk = Desk(**OPEN, limits=Limits(client_quota=3))

    answers = await asyncio.gather(*(register(desk) for _ in range(8)))

    assert ["201"] * 3 + ["access_denied"] * 5 == codes(answers)
    assert 3 == len(await clients(desk))
    assert {"there are as many clients as there may be"} == {
        one.description for one in answers if isinstance(one, Refused)
    }
    assert {(PEER, "access_denied"): 5} == dict(desk.counted())


async def test_one_organization_does_not_use_up_what_another_may_have():
    """Partners are strangers to each other."""
    desk = Desk(limits=Limits(organization_quota=1))
    tokens = [(await a_token(desk, organization=name))[1] for name in ("acme", "umbrella")]

    answers = [await register(desk, token) for token in (*tokens, *tokens)]

    assert ["201", "201", "access_denied", "access_denied"] == codes(answers)
    refused = await desk.events("registration:refused")
    assert ["access_denied"] * 2 == [event["reason"] for event in refused]


async def test_a_token_is_not_used_up_by_a_quota():
    """Whoever waits for a place comes again with the same token."""
    desk = Desk(limits=Limits(client_quota=0))
    record, token = await a_token(desk, uses=1)

    await register(desk, token)

    assert 0 == await desk.store.counter(desk.context.id, record.counter)


async def test_a_client_that_goes_leaves_its_place():
    """A quota counts who is there, not who ever was."""
    desk = Desk(**OPEN, limits=Limits(client_quota=1))
    first = await register(desk)
    token = first.registration_access_token.reveal()
    full = await register(desk)

    await desk.manager.delete(desk.context, Visit(first.client.client_id, token, PEER))
    again = await register(desk)

    assert ["201", "access_denied"] == codes([full, again])


async def test_the_rate_counts_the_token_and_else_the_address():
    """One tenant behind a proxy must not lock out the others; one stranger must not be many."""
    desk = Desk(
        **OPEN, limits=Limits(registrations_per_minute=2, anonymous_registrations_per_minute=1)
    )
    _, one = await a_token(desk)
    _, other = await a_token(desk)

    answers = {
        "token": [await register(desk, one) for _ in range(3)],
        "another token": [await register(desk, other) for _ in range(2)],
        "address": [await register(desk) for _ in range(2)],
        "neighbours": [await register(desk, peer=f"2001:db8::{number}") for number in range(1, 3)],
        "another address": [await register(desk, peer="198.51.100.1")],
    }

    late = "too_many_requests"
    assert {
        "token": ["201", "201", late],
        "another token": ["201", "201"],
        "address": ["201", late],
        "neighbours": ["201", late],
        "another address": ["201"],
    } == {name: codes(given) for name, given in answers.items()}


async def test_the_rates_of_an_organization_are_those_of_all_its_tokens():
    """A hundred tokens are no way around a limit."""
    desk = Desk(limits=Limits(registrations_per_minute=2))
    tokens = [(await a_token(desk, organization="acme"))[1] for _ in range(3)]

    answers = [await register(desk, token) for token in tokens]

    assert ["201", "201", "too_many_requests"] == codes(answers)


async def test_who_was_told_to_wait_is_let_in_afterwards():
    """The number is a promise."""
    desk = Desk(**OPEN, limits=Limits(anonymous_registrations_per_minute=1))
    await register(desk)
    refused = await register(desk)

    assert isinstance(refused, Refused)
    assert refused.retry_after is not None
    desk.clock.advance(refused.retry_after)

    assert isinstance(await register(desk), Accepted)


# --- Documents that are fetched -----------------------------------------------------------------


class Documents:
    """A `Fetcher` with a few documents, that says what it was asked for."""

    def __init__(self, **published: bytes):
        self.published = {
            f"https://client.example/{name}": body for name, body in published.items()
        }
        self.asked: list[str] = []

    async def fetch(self, url, *, purpose):
        """Return the document at *url*."""
        assert SECTOR_IDENTIFIER_URI == purpose
        self.asked.append(url)
        if url not in self.published:
            raise FetchRefused(Refusal.STATUS, "404 from 10.0.0.1")
        return Fetched(self.published[url], "application/json")


def with_documents(desk: Desk, **published: bytes) -> Documents:
    """Give *desk* a fetcher of these documents."""
    documents = Documents(**published)
    desk.services = replace(desk.services, fetcher=documents)
    desk.registrar = Registrar(desk.services)
    return documents


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (json.dumps([REDIRECT, "https://other.example/cb"]).encode(), None),
        (b"[]", "sector_identifier_uri: must lead to a document that lists every redirect URI"),
        (b"{}", "sector_identifier_uri: must lead to a JSON array of strings"),
        (b"[", "sector_identifier_uri: the document could not be used"),
        (b"\xff", "sector_identifier_uri: the document could not be used"),
        (None, "sector_identifier_uri: the document could not be used"),
    ],
    ids=["good", "missing", "no-array", "no-json", "no-text", "gone"],
)
@pytest.mark.spec("C-009")
async def test_a_sector_is_what_its_document_says(body, rule):
    """Whose subjects may be compared is decided by who owns the host; why not, nobody is told."""
    desk = Desk(**OPEN)
    with_documents(desk, **({} if body is None else {"sector": body}))

    answer = await register(desk, sector_identifier_uri=SECTOR)

    if rule is None:
        assert isinstance(answer, Accepted)
    else:
        assert ("invalid_client_metadata", True) == (answer.code, rule in answer.description)
        assert "10.0.0.1" not in answer.description


@pytest.mark.parametrize(
    ("mode", "members"),
    [
        (RegistrationMode.PROTECTED, {}),
        (RegistrationMode.CLOSED, {}),
        (RegistrationMode.OPEN, {"redirect_uris": ["/cb"]}),
        (RegistrationMode.OPEN, {"token_endpoint_auth_method": "nonsense"}),
    ],
    ids=["without-token", "closed", "bad-uri", "bad-method"],
)
async def test_nothing_is_fetched_for_whom_local_facts_refuse(mode, members):
    """Strangers must not make the server ask around for them."""
    desk = Desk(mode=mode)
    documents = with_documents(desk, sector=b"[]")

    answer = await register(desk, sector_identifier_uri=SECTOR, **members)

    assert isinstance(answer, Refused)
    assert [] == documents.asked


# --- What is said of refusals, and previews ------------------------------------------------------


async def test_refusals_of_the_known_are_events_and_of_strangers_counts():
    """An event names members, never what was sent; strangers cannot fill the log."""
    desk = Desk(**OPEN)
    record, token = await a_token(desk)
    canary = "https://canary.example/#fragment"

    await register(desk, token, redirect_uris=[canary], client_name=["canary"])
    await register(desk, redirect_uris=[canary])
    await register(desk, redirect_uris=[canary], peer="2001:db8::1")

    [event] = await desk.events("registration:refused")
    assert (record.id, "refused", "invalid_redirect_uri", ["client_name", "redirect_uris"]) == (
        event["actor"]["id"],
        event["outcome"],
        event["reason"],
        event["detail"]["fields"],
    )
    assert "canary" not in json.dumps(event)
    assert {(PEER, "invalid_redirect_uri"): 1, ("2001:db8::/64", "invalid_redirect_uri"): 1} == (
        dict(desk.counted())
    )


@pytest.mark.parametrize(
    ("members", "expected"),
    [({}, "accepted"), ({"sector_identifier_uri": SECTOR}, "accepted"), ({"scope": 1}, "refused")],
    ids=["good", "with-sector", "bad"],
)
async def test_a_preview_leaves_nothing_behind(members, expected):
    """Asking is free: nothing is used up, fetched, stored or counted against the token."""
    desk = Desk()
    documents = with_documents(desk)
    record, token = await a_token(desk, uses=1)
    before = desk.store.commits

    entry = await desk.registrar.enter_to_preview(desk.context, applicant(token))
    assert not isinstance(entry, Refused)
    outcome = await desk.registrar.preview(desk.context, entry, DOCUMENT | members)

    assert ("accepted" if isinstance(outcome, Previewed) else "refused") == expected
    assert outcome.checks
    assert (before, []) == (desk.store.commits, documents.asked)
    assert 0 == await desk.store.counter(desk.context.id, record.counter)


async def test_a_refused_preview_is_counted_and_not_written_down():
    """Asking stores nothing, and is no quiet way to guess tokens either."""
    desk = Desk()

    entry = await desk.registrar.enter_to_preview(desk.context, applicant("nonsense"))

    assert isinstance(entry, Refused)
    assert [] == await desk.events()
    assert {(PEER, "invalid_token"): 1} == dict(desk.counted())


async def test_issuers_do_not_share_quotas_rates_or_tokens():
    """Everything is counted by issuer: one that is full or busy is nobody else's matter."""
    limits = Limits(client_quota=1, anonymous_registrations_per_minute=1)
    desk = Desk(**OPEN, limits=limits)
    other = desk.of(**OPEN, limits=limits, id="9876543210", url="https://other.example")

    ours = await register(desk)
    desk.context = other
    theirs = await register(desk)

    assert ["201", "201"] == codes([ours, theirs])
    assert other.id != an_issuer().id
