"""The life of a client is one table; nothing else moves it."""

from datetime import UTC, datetime

import pytest

from registrary.core.lifecycle import (
    EFFECTS,
    HARD_HOLDS,
    TRANSITIONS,
    ClientState,
    Hold,
    HoldKind,
    Standing,
    TransitionError,
    Trigger,
    next_state,
    standing,
)

MOMENT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_hold(kind: HoldKind) -> Hold:
    """Return a hold of *kind*."""
    return Hold(kind=kind, reason="because", actor="operator", since=MOMENT)


def test_every_state_has_its_row() -> None:
    """A state nobody thought about would let a client drift."""
    assert set(ClientState) == {state for state in TRANSITIONS if state is not None}


def test_every_standing_has_its_effects() -> None:
    """An endpoint never meets a client it has no answer for."""
    assert set(Standing) == set(EFFECTS)


@pytest.mark.parametrize("trigger", list(Trigger))
def test_a_purged_client_never_comes_back(trigger: Trigger) -> None:
    """A client id is never used again."""
    with pytest.raises(TransitionError):
        next_state(ClientState.PURGED, trigger)


@pytest.mark.parametrize(
    ("state", "trigger", "expected"),
    [
        (None, Trigger.REGISTER, ClientState.ACTIVE),
        (None, Trigger.SUBMIT, ClientState.PENDING),
        (ClientState.PENDING, Trigger.APPROVE, ClientState.ACTIVE),
        (ClientState.ACTIVE, Trigger.HOLD, ClientState.SUSPENDED),
        (ClientState.SUSPENDED, Trigger.LIFT_LAST_HOLD, ClientState.ACTIVE),
        (ClientState.SUSPENDED, Trigger.REVOKE, ClientState.REVOKED),
        (ClientState.REVOKED, Trigger.PURGE, ClientState.PURGED),
    ],
)
def test_the_main_road(state: ClientState | None, trigger: Trigger, expected: ClientState) -> None:
    """The way from registration to the end is what the documents show."""
    assert expected is next_state(state, trigger)


@pytest.mark.parametrize("kind", list(HoldKind))
def test_a_hold_is_hard_or_soft(kind: HoldKind) -> None:
    """One hard hold outweighs any number of soft ones."""
    holds = (a_hold(HoldKind.DORMANT), a_hold(kind))

    amounts_to = standing(ClientState.SUSPENDED, holds)

    expected = Standing.HARD_HOLD if kind in HARD_HOLDS else Standing.SOFT_HOLD
    assert expected is amounts_to


@pytest.mark.parametrize(
    ("amounts_to", "refusal"),
    [
        (Standing.GOOD, None),
        (Standing.AWAITING, "unauthorized_client"),
        (Standing.SOFT_HOLD, "unauthorized_client"),
        (Standing.HARD_HOLD, "invalid_client"),
        (Standing.GONE, "invalid_client"),
    ],
)
def test_what_a_standing_means_at_the_endpoints(amounts_to: Standing, refusal: str | None) -> None:
    """A soft hold says that the client may be helped; a hard one says nothing."""
    assert refusal == EFFECTS[amounts_to].refusal


def test_only_a_client_in_good_standing_has_active_tokens() -> None:
    """A held client stops at the resource servers that ask, at once."""
    active = {amounts_to for amounts_to, effects in EFFECTS.items() if effects.tokens_active}

    assert {Standing.GOOD} == active
