"""A client changes only by the laws of its life cycle, and every change is a new revision."""

from datetime import UTC, datetime, timedelta

import pytest

from registrary.core.client import Client, Credential, Door, hold, lift_hold, purge, revoke
from registrary.core.lifecycle import ClientState, Hold, HoldKind, Standing, TransitionError

MOMENT = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = MOMENT + timedelta(hours=1)


def a_client() -> Client:
    """Return an active client with both credentials."""
    secret = Credential(pepper_id="p1", mac=b"m", issued_at=MOMENT)
    return Client(
        issuer="i",
        client_id="c",
        state=ClientState.ACTIVE,
        metadata={},
        door=Door(mode="open"),
        secrets=(secret,),
        registration_access_tokens=(secret,),
        issued_at=MOMENT,
        updated_at=MOMENT,
    )


def a_hold(kind: HoldKind) -> Hold:
    """Return a hold of *kind*."""
    return Hold(kind=kind, reason="because", actor="operator", since=LATER)


def test_a_client_is_suspended_until_its_last_hold_is_lifted() -> None:
    """Renewing an agreement must not wake a client that is held for an incident too."""
    held = hold(hold(a_client(), a_hold(HoldKind.DORMANT)), a_hold(HoldKind.INCIDENT))

    half = lift_hold(held, HoldKind.INCIDENT, now=LATER)
    free = lift_hold(half, HoldKind.DORMANT, now=LATER)

    assert [ClientState.SUSPENDED, ClientState.ACTIVE] == [half.state, free.state]
    assert [2, 3, 4, 5] == [
        hold(a_client(), a_hold(HoldKind.DORMANT)).revision,
        held.revision,
        half.revision,
        free.revision,
    ]


def test_a_hard_hold_ends_tokens_for_good_and_a_soft_one_only_while_it_lasts() -> None:
    """After an incident no token from before it may work again."""
    soft = hold(a_client(), a_hold(HoldKind.DORMANT))
    hard = hold(a_client(), a_hold(HoldKind.ADMIN))

    assert [0, 1] == [soft.token_generation, hard.token_generation]


def test_a_second_hold_of_a_kind_replaces_the_first() -> None:
    """One reason is lifted once."""
    held = hold(hold(a_client(), a_hold(HoldKind.ADMIN)), a_hold(HoldKind.ADMIN))

    assert 1 == len(held.holds)


def test_a_revoked_client_keeps_no_credential() -> None:
    """What authenticates a client dies with it (RFC 7592 §2.3)."""
    gone = revoke(a_client(), now=LATER)

    assert (Standing.GONE, (), (), 1) == (
        gone.standing,
        gone.secrets,
        gone.registration_access_tokens,
        gone.token_generation,
    )


def test_a_revoked_client_cannot_be_revoked_again() -> None:
    """A second deletion finds nothing to delete."""
    with pytest.raises(TransitionError):
        revoke(revoke(a_client(), now=LATER), now=LATER)


def test_only_a_client_at_its_end_is_purged() -> None:
    """What a live client registered is what it works by."""
    with pytest.raises(TransitionError):
        purge(a_client(), now=LATER)

    tombstone = purge(revoke(a_client(), now=LATER), now=LATER)

    assert (ClientState.PURGED, Standing.GONE) == (tombstone.state, tombstone.standing)


@pytest.mark.parametrize(
    ("expires", "retires", "usable"),
    [(None, None, True), (MOMENT, None, False), (None, MOMENT, False), (LATER, LATER, True)],
    ids=["endless", "expired", "retired", "not-yet"],
)
def test_a_credential_ends_when_it_expires_or_retires(
    expires: datetime | None, retires: datetime | None, *, usable: bool
) -> None:
    """client_secret_expires_at is a promise that is kept."""
    credential = Credential(
        pepper_id="p", mac=b"m", issued_at=MOMENT, expires_at=expires, retire_at=retires
    )

    assert usable is credential.is_usable(MOMENT)
