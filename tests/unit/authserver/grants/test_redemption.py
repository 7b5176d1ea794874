"""A code is good once, for who asked for it, and proves nothing to anybody else."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from registrary.authserver.grants.request import NOT_GOOD, TokenAnswer
from registrary.core.changes import Changes, Put
from registrary.core.grants import Confirmation, GrantOfPerson
from registrary.core.issuer import Lifetimes, Resource, TokenFormat
from registrary.core.scope import OPENID_SCOPES, ScopeDefinition
from registrary.testing.factories import a_hold
from tests.unit.authserver.grants.kit import (
    CHALLENGE,
    REDIRECT_URI,
    REFUSED,
    VERIFIER,
    Grants,
    claims_of,
    outcome,
)

pytestmark = pytest.mark.anyio

API = "https://api.example/"
OTHER = "https://other.example/"


async def test_a_code_becomes_tokens_that_name_person_client_and_grant():
    """What a resource server needs to judge a call is in the token, and the grant is on record."""
    server = await Grants.ready()
    client = await server.web()

    answer = await server.signed_in(client, acr="gold")

    claims = claims_of(answer.access_token)
    grant = await server.grant_of(answer)
    assert ("a-subject", client.client_id, "openid read", "gold", ["pwd"]) == (
        claims["sub"],
        claims["client_id"],
        claims["scope"],
        claims["acr"],
        claims["amr"],
    )
    assert ("Bearer", 600, "openid read") == (answer.token_type, answer.expires_in, answer.scope)
    leads = await server.store.page(GrantOfPerson, server.context.id)
    assert (server.person.id, grant.id) in [(one.person, one.grant) for one in leads.records]


@pytest.mark.parametrize(
    ("asked", "presented", "expected"),
    [
        ({}, {}, "issued"),
        ({}, {"code_verifier": VERIFIER + "x"}, REFUSED),
        ({}, {"code_verifier": CHALLENGE}, REFUSED),
        ({}, {"code_verifier": None}, REFUSED),
        ({}, {"code_verifier": "short"}, "invalid_request"),
        ({}, {"code_verifier": VERIFIER + "é"}, "invalid_request"),
        ({}, {"code_verifier": "x" * 129}, "invalid_request"),
        ({"code_challenge": None}, {"code_verifier": None}, "issued"),
        ({"code_challenge": None}, {}, REFUSED),
        ({}, {"redirect_uri": None}, REFUSED),
        ({}, {"redirect_uri": REDIRECT_URI + "/"}, REFUSED),
        ({}, {"redirect_uri": "https://evil.example/"}, REFUSED),
        ({"redirect_uri": None}, {"redirect_uri": None}, "issued"),
        ({"redirect_uri": None}, {}, "issued"),
        ({"redirect_uri": None}, {"redirect_uri": "https://evil.example/"}, REFUSED),
        ({"dpop_jkt": "key"}, {}, REFUSED),
        ({"dpop_jkt": "key"}, {"confirmation": Confirmation(jkt="other")}, REFUSED),
        ({"dpop_jkt": "key"}, {"confirmation": Confirmation(jkt="key")}, "issued"),
    ],
    ids=ascii,
)
@pytest.mark.spec("G-001", "G-002", "G-003")
async def test_a_code_is_for_who_asked_for_it(asked, presented, expected):
    """A stolen code is worth nothing: PKCE, the redirect URI and the key bind it to its asker."""
    server = await Grants.ready()
    client = await server.web()
    code = await server.a_code(client, request=asked)

    found = await server.redeem(client, code, **presented)

    assert expected == outcome(found)
    assert (found is NOT_GOOD) is (expected == REFUSED)


@pytest.mark.spec("G-004")
async def test_a_code_of_another_client_is_no_code():
    """RFC 6749 §4.1.3: a code stolen by a client that is honest otherwise stays worthless."""
    server = await Grants.ready()
    client, other = await server.web(), await server.web()
    code = await server.a_code(client)

    stolen = await server.redeem(other, code)
    honest = await server.redeem(client, code)

    assert [REFUSED, "issued"] == [outcome(stolen), outcome(honest)]


@pytest.mark.parametrize("after", [0, 30, 3600], ids=lambda seconds: f"{seconds}s")
@pytest.mark.spec("G-005")
async def test_a_second_use_ends_what_came_of_the_first(after):
    """Nobody can tell which of the two was the thief (RFC 6749 §4.1.2), so neither keeps any."""
    server = await Grants.ready()
    client = await server.web()
    code = await server.a_code(client)
    first = await server.redeem(client, code)
    server.clock.advance(timedelta(seconds=after))

    second = await server.redeem(client, code)

    grant = await server.grant_of(first)
    assert REFUSED == outcome(second)
    assert server.clock.now() == grant.revoked_at
    assert 1 == len(await server.events("grant:ended"))


@pytest.mark.spec("G-005")
async def test_a_spent_code_is_kept_while_anything_of_it_may_live():
    """A code that was swept away early could be replayed without anybody noticing."""
    server = await Grants.ready(lifetimes=Lifetimes(grant=timedelta(days=90)))
    client = await server.web()
    code = await server.a_code(client)
    await server.redeem(client, code)

    record = await server.code_record(code)

    assert server.clock.now() + timedelta(days=90) == record.expires_at


@pytest.mark.spec("G-006")
async def test_a_code_ends_on_the_second():
    """RFC 6749 §4.1.2: a code that lies in a log or a history is soon worth nothing."""
    server = await Grants.ready()
    client = await server.web()
    code = await server.a_code(client)
    server.clock.advance(timedelta(seconds=60))

    found = await server.redeem(client, code)

    assert REFUSED == outcome(found)


@pytest.mark.spec("G-007")
async def test_of_two_at_once_one_wins_and_neither_keeps_it():
    """Threat 42: a race on a code must not yield two grants."""
    server = await Grants.ready()
    client = await server.web()
    code = await server.a_code(client)

    found = await asyncio.gather(*(server.redeem(client, code) for _ in range(5)))

    assert ["invalid_grant"] * 4 + ["issued"] == sorted(outcome(one) for one in found)
    (won,) = (one for one in found if isinstance(one, TokenAnswer))
    assert (await server.grant_of(won)).revoked_at is not None


@pytest.mark.parametrize("text", ["", "x", "rgy_ac_", "rgy_ac_" + "a" * 71], ids=ascii)
async def test_what_is_no_code_is_refused_alike(text):
    """How far somebody got with guessing is not told."""
    server = await Grants.ready()

    found = await server.redeem(await server.web(), text)

    assert found is NOT_GOOD


@pytest.mark.parametrize(
    ("client_change", "person_change"),
    [
        ({"token_generation": 1}, {}),
        ({"holds": (a_hold(),), "state": "suspended"}, {}),
        ({}, {"generation": 1}),
        ({}, {"disabled": True}),
    ],
    ids=["generation", "held", "signed-out-everywhere", "disabled"],
)
@pytest.mark.spec("G-008")
async def test_a_code_dies_with_client_and_person(client_change, person_change):
    """Whoever is cut off while a browser is on its way back gets nothing any more."""
    server = await Grants.ready()
    client = await server.web()
    code = await server.a_code(client)
    if client_change:
        client = await server.change(client, **client_change)
    if person_change.pop("disabled", False):
        person_change["disabled_at"] = server.clock.now()
    if person_change:
        changed = msgspec.structs.replace(server.person, revision=2, **person_change)
        await server.store.commit(Changes(puts=(Put(changed, expected=1),)))

    found = await server.redeem(client, code)

    assert REFUSED == outcome(found)


@pytest.mark.parametrize(
    ("consented", "asked", "expected"),
    [
        ((), (), "https://registry.example"),
        ((API,), (), API),
        ((API, OTHER), (), [API, OTHER]),
        ((API, OTHER), (OTHER,), OTHER),
        ((API,), ("https://api.example",), API),
        ((API,), (OTHER,), "invalid_target"),
        ((), (API,), "invalid_target"),
        ((API,), ("https://evil.example/",), "invalid_target"),
    ],
    ids=str,
)
@pytest.mark.spec("G-009")
async def test_a_token_is_for_what_the_person_allowed(consented, asked, expected):
    """Threat 43: what a token opens is settled at consent; later it can only become less."""
    server = await Grants.ready(resources=(Resource(uri=API), Resource(uri=OTHER)))
    client = await server.web()
    code = await server.a_code(client, resources=consented)

    found = await server.redeem(client, code, resources=asked)

    shown = claims_of(found.access_token)["aud"] if isinstance(found, TokenAnswer) else found.code
    assert expected == shown


@pytest.mark.spec("G-010")
async def test_resources_of_different_kinds_are_asked_for_one_by_one():
    """One token cannot be signed and opaque at once; the client is told what to do."""
    opaque = Resource(uri=OTHER, token_format=TokenFormat.OPAQUE)
    server = await Grants.ready(resources=(Resource(uri=API), opaque))
    client = await server.web()
    code = await server.a_code(client, resources=(API, OTHER))

    both = await server.redeem(client, code)
    one = await server.redeem(client, code, resources=(OTHER,))

    assert "invalid_target" == outcome(both)
    assert one.access_token.startswith("rgy_at_")


@pytest.mark.parametrize(
    ("grant_types", "expected"),
    [(["authorization_code", "refresh_token"], True), (["authorization_code"], False)],
    ids=["registered", "not-registered"],
)
@pytest.mark.spec("G-011")
async def test_a_refresh_token_comes_to_those_that_registered_for_it(grant_types, expected):
    """A client that cannot use one has no reason to keep one."""
    server = await Grants.ready()
    client = await server.web(grant_types=grant_types)

    answer = await server.signed_in(client)

    assert expected is (answer.refresh_token is not None)


async def test_a_client_without_the_grant_gets_nothing_for_a_code():
    """Registration decides what a client may do, also when a code got out somehow."""
    server = await Grants.ready()
    client = await server.web()
    code = await server.a_code(client)
    client = await server.change(client, metadata=client.metadata | {"grant_types": []})

    found = await server.redeem(client, code)

    assert "unauthorized_client" == outcome(found)


@pytest.mark.spec("G-012")
async def test_a_token_lasts_no_longer_than_anybody_allows():
    """Issuer, resource, scope, and an administrator's word on the client: the shortest wins."""
    resource = Resource(uri=API, access_token_lifetime=timedelta(minutes=4))
    scopes = (
        *OPENID_SCOPES,
        ScopeDefinition(name="read", description="Read"),
        ScopeDefinition(
            name="write", description="Write", access_token_lifetime=timedelta(minutes=1)
        ),
    )
    server = await Grants.ready(resources=(resource,), scopes=scopes)
    patient = await server.web()
    hurried = await server.web()
    hurried = await server.change(hurried, access_token_lifetime=timedelta(minutes=2))

    found = [
        (await server.signed_in(client, resources=resources, scope=scope)).expires_in
        for client, resources, scope in (
            (patient, (), ("read",)),
            (patient, (API,), ("read",)),
            (hurried, (API,), ("read",)),
            (hurried, (API,), ("read", "write")),
        )
    ]

    assert [600, 240, 120, 60] == found


async def test_an_id_token_comes_with_the_scope_openid_alone():
    """OpenID Connect Core §3.1.2.1: without the scope this is plain OAuth."""
    server = await Grants.ready()
    client = await server.web()

    with_it = await server.signed_in(client)
    without = await server.signed_in(client, scope=("read",))

    assert (True, False) == (with_it.id_token is not None, without.id_token is not None)


@pytest.mark.spec("G-012")
async def test_a_resource_gets_the_scopes_it_knows():
    """An API is told nothing of what its caller may do elsewhere."""
    known = Resource(uri=API, scopes=("read",))
    server = await Grants.ready(resources=(known, Resource(uri=OTHER, scopes=("other",))))
    client = await server.web()
    scope = ("openid", "read", "write")

    answer = await server.signed_in(client, resources=(API,), scope=scope)
    code = await server.a_code(client, resources=(OTHER,), scope=("read",))
    nothing = await server.redeem(client, code)

    assert "openid read" == answer.scope == claims_of(answer.access_token)["scope"]
    assert "invalid_scope" == outcome(nothing)
