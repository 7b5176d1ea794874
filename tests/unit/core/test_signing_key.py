"""Keys are published before they sign and for as long as what they signed is good."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from registrary.core.sealing import Place
from registrary.core.signing_key import (
    KeyState,
    KeyUse,
    NewKey,
    RotationPolicy,
    SigningKey,
    active_key,
    opening_keys,
    plan_rotation,
    published_keys,
    renewal,
    withdraw,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
POLICY = RotationPolicy(lifetime=90 * DAY, lead=DAY, overlap=2 * HOUR)
TOKEN_ES256 = (KeyUse.TOKEN, "ES256")


def key(kid="a", **members):
    """Return a key in use since the start, but for what is said."""
    return SigningKey(
        **{
            "issuer": "i",
            "kid": kid,
            "alg": "ES256",
            "state": KeyState.ACTIVE,
            "public_jwk": {"kid": kid},
            "sealed_private": b"sealed",
            "created_at": START,
            "activates_at": START,
            **members,
        }
    )


def plan(*keys, now=START, wanted=(TOKEN_ES256,)):
    """Return what is due."""
    return plan_rotation(keys, wanted=wanted, policy=POLICY, now=now)


def test_the_first_keys_are_made_in_the_order_wanted_and_sign_at_once():
    """A new issuer answers with ES256 while the slower RSA key is still being made."""
    wanted = [TOKEN_ES256, (KeyUse.TOKEN, "RS256"), (KeyUse.AUDIT, "EdDSA")]

    due = plan(wanted=wanted)

    assert [NewKey(use, alg, KeyState.ACTIVE, START) for use, alg in wanted] == list(due.new)
    assert () == due.changed


def test_nothing_is_due_in_the_middle_of_a_life():
    """The job may run as often as it likes."""
    due = plan(key(), now=START + 50 * DAY)

    assert ((), ()) == (due.new, due.changed)


def test_a_successor_is_published_before_it_signs():
    """Resource servers have its public half in their caches when the first token comes."""
    due = plan(key(), now=START + 89 * DAY)

    assert (NewKey(*TOKEN_ES256, KeyState.PENDING, START + 90 * DAY),) == due.new
    assert () == due.changed


def test_a_late_successor_still_gets_its_lead():
    """A server that was off for a month must not sign with a key nobody has seen."""
    now = START + 120 * DAY

    due = plan(key(), now=now)

    assert (NewKey(*TOKEN_ES256, KeyState.PENDING, now + DAY),) == due.new


def test_a_successor_is_made_once():
    """Until it takes over there is nothing more to make."""
    pending = key("b", state=KeyState.PENDING, activates_at=START + 90 * DAY)

    due = plan(key(), pending, now=START + 89 * DAY)

    assert ((), ()) == (due.new, due.changed)


def test_a_successor_takes_over_and_the_old_key_stays_published():
    """Tokens signed a second before still verify; the private half is gone, though."""
    now = START + 90 * DAY
    pending = key("b", state=KeyState.PENDING, activates_at=now)

    due = plan(key(), pending, now=now)
    taken_over, retiring = due.changed

    assert ("b", KeyState.ACTIVE, 2, b"sealed") == (
        taken_over.kid,
        taken_over.state,
        taken_over.revision,
        taken_over.sealed_private,
    )
    assert ("a", KeyState.RETIRING, 2, b"", now + 2 * HOUR) == (
        retiring.kid,
        retiring.state,
        retiring.revision,
        retiring.sealed_private,
        retiring.retires_at,
    )
    assert ["a", "b"] == [each.kid for each in published_keys(due.changed, use=KeyUse.TOKEN)]


@pytest.mark.parametrize(("minutes", "is_retired"), [(119, False), (120, True)])
def test_an_old_key_is_unpublished_when_its_last_token_has_expired(minutes, is_retired):
    """Not earlier, or tokens fail; not later, or a stolen key is good for longer."""
    old = key(state=KeyState.RETIRING, sealed_private=b"", retires_at=START + 2 * HOUR)
    current = key("b")

    due = plan(old, current, now=START + timedelta(minutes=minutes))

    assert is_retired == (["a"] == [each.kid for each in due.changed])
    left = published_keys(due.changed or (old,), use=KeyUse.TOKEN)
    assert is_retired == (() == left)


def test_a_lonely_successor_starts_early():
    """After the key in use was withdrawn, waiting would mean signing nothing for a day."""
    pending = key("b", state=KeyState.PENDING, activates_at=START + DAY)

    [started] = plan(pending).changed

    assert (KeyState.ACTIVE, START) == (started.state, started.activates_at)


def test_of_two_first_keys_one_gives_way():
    """Two processes that start at once both make a key; they agree on one."""
    first, second = key("a"), key("b")

    [retiring] = plan(first, second).changed

    assert "a" == retiring.kid
    assert second == active_key([first, second], use=KeyUse.TOKEN, alg="ES256")
    assert second == active_key([second, first], use=KeyUse.TOKEN, alg="ES256")


def test_audit_keys_stay():
    """Verifiers know the log's key by heart, and old checkpoints must verify for ever."""
    audit = key(use=KeyUse.AUDIT, alg="EdDSA")
    gone = withdraw(audit, now=START)

    due = plan(audit, now=START + 5000 * DAY, wanted=[(KeyUse.AUDIT, "EdDSA")])

    assert ((), ()) == (due.new, due.changed)
    assert (gone,) == published_keys([gone], use=KeyUse.AUDIT)


def test_keys_of_an_algorithm_that_is_no_longer_offered_come_to_their_end():
    """Turning an algorithm off leaves nothing behind that signs for ever."""
    old = key(alg="PS256", state=KeyState.RETIRING, retires_at=START)

    due = plan(old, key("b"), now=START)

    assert [("a", KeyState.RETIRED)] == [(each.kid, each.state) for each in due.changed]


def test_a_withdrawn_key_is_gone_at_once():
    """After a theft nothing it signs may verify."""
    gone = withdraw(key(), now=START + DAY)

    due = plan(gone, now=START + DAY)

    assert (KeyState.RETIRED, b"", START + DAY) == (
        gone.state,
        gone.sealed_private,
        gone.retires_at,
    )
    assert () == published_keys([gone], use=KeyUse.TOKEN)
    assert (NewKey(*TOKEN_ES256, KeyState.ACTIVE, START + DAY),) == due.new


def test_a_renewal_on_request_has_its_lead_too():
    """An administrator's rotation breaks no resource server either."""
    assert NewKey(*TOKEN_ES256, KeyState.PENDING, START + DAY) == renewal(
        key(), policy=POLICY, now=START
    )


@pytest.mark.parametrize(
    ("use", "alg", "state"),
    [
        (KeyUse.AUDIT, "ES256", KeyState.ACTIVE),
        (KeyUse.TOKEN, "RS256", KeyState.ACTIVE),
        (KeyUse.TOKEN, "ES256", KeyState.PENDING),
        (KeyUse.TOKEN, "ES256", KeyState.RETIRING),
    ],
)
def test_only_the_key_in_use_for_that_purpose_signs(use, alg, state):
    """A checkpoint key never signs a token."""
    assert None is active_key([key(use=use, alg=alg, state=state)], use=KeyUse.TOKEN, alg="ES256")


def test_a_year_of_rotation_never_leaves_a_gap():
    """At every hour one key signs, and everything signed in the last hours verifies."""
    keys: dict[str, SigningKey] = {}
    signed: list[tuple[datetime, str]] = []
    for hour in range(0, 24 * 400, 6):
        now = START + hour * HOUR
        due = plan_rotation(list(keys.values()), wanted=[TOKEN_ES256], policy=POLICY, now=now)
        keys |= {each.kid: each for each in due.changed}
        for number, wanted in enumerate(due.new):
            kid = f"{hour}-{number}"
            keys[kid] = key(
                kid, state=wanted.state, created_at=now, activates_at=wanted.activates_at
            )
        signing = active_key(keys.values(), use=KeyUse.TOKEN, alg="ES256")
        published = {each.kid for each in published_keys(keys.values(), use=KeyUse.TOKEN)}

        assert signing is not None
        assert signing.sealed_private
        assert signing.kid in published
        if hour:
            assert now - signing.created_at >= DAY or signing.created_at == START
        assert {kid for at, kid in signed if now - at < POLICY.overlap} <= published
        signed.append((now, signing.kid))

    assert 5 == len({kid for _, kid in signed})


def states_of(keys):
    """Return the states of *keys*, in their order."""
    return [each.state for each in keys]


def test_what_is_encrypted_goes_to_the_key_in_use():
    """A key about to end is taken from the set before anybody caches it for a day."""
    keys = [key(state, use=KeyUse.ENCRYPTION, state=state) for state in KeyState]

    assert [KeyState.ACTIVE] == states_of(published_keys(keys, use=KeyUse.ENCRYPTION))


def test_every_key_that_is_not_retired_opens_what_comes():
    """What was encrypted before a rotation arrives after it."""
    keys = [
        key(state, use=KeyUse.ENCRYPTION, state=state, activates_at=START - number * DAY)
        for number, state in enumerate(KeyState)
    ]

    opening = opening_keys([*keys, key("t", state=KeyState.ACTIVE)])

    assert [KeyState.PENDING, KeyState.ACTIVE, KeyState.RETIRING] == states_of(opening)


def test_a_key_for_encryption_keeps_its_private_half_until_its_end():
    """A key that signs is of no use after its turn; one that opens is, for a day."""
    kind = (KeyUse.ENCRYPTION, "ECDH-ES")
    keys = {"a": key("a", use=KeyUse.ENCRYPTION, alg="ECDH-ES", state=KeyState.ACTIVE)}
    now = START + POLICY.lifetime
    keys["b"] = key(
        "b", use=KeyUse.ENCRYPTION, alg="ECDH-ES", state=KeyState.PENDING, activates_at=now
    )

    due = plan_rotation(list(keys.values()), wanted=[kind], policy=POLICY, now=now)
    keys |= {each.kid: each for each in due.changed}
    ended = plan_rotation(
        list(keys.values()), wanted=[kind], policy=POLICY, now=now + POLICY.overlap
    )

    assert (KeyState.RETIRING, True) == (keys["a"].state, bool(keys["a"].sealed_private))
    assert [("a", KeyState.RETIRED, b"")] == [
        (each.kid, each.state, each.sealed_private) for each in ended.changed
    ]


def test_a_record_is_kept_as_it_is():
    """Its place names it, so that a sealed key opens in its own row only."""
    record = key()

    again = msgspec.json.decode(msgspec.json.encode(record), type=SigningKey)

    assert record == again
    assert ("signing_key", "a") == (record.kind, record.key)
    assert Place("signing_key", "sealed_private", "i", "a") == record.place
