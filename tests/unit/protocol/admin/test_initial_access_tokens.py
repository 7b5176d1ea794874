"""Administrators hand out initial access tokens, and take them back."""

import pytest

pytestmark = pytest.mark.anyio

PATH = "/initial-access-tokens"


async def test_a_token_is_made_as_it_was_asked_for_and_shown_once(office):
    """Twenty registrations within an hour are twenty, within an hour."""
    made = await office.call(f"POST {PATH}", {"uses": 20, "expires": "1h", "note": "workshop"})

    shown = await office.call(f"GET {PATH}/{made.body['id']}")

    assert (201, "rgy_iat_") == (made.status, made.body["token"][:8])
    assert (20, 0, "2026-11-21T13:00:00Z", "workshop") == tuple(
        shown.body[name] for name in ("uses", "uses_made", "expires_at", "note")
    )
    assert "token" not in shown.body


async def test_tokens_are_listed_page_by_page(office):
    """An issuer with thousands of them is still looked through."""
    made = [(await office.call(f"POST {PATH}", {})).body["id"] for _ in range(3)]

    first = await office.call(f"GET {PATH}?limit=2")
    second = await office.call(f"GET {PATH}?limit=2&cursor={first.body['next_cursor']}")

    assert made == [item["id"] for one in (first, second) for item in one.body["items"]]
    assert second.body["next_cursor"] is None


async def test_a_revoked_token_stays_in_the_list_with_its_end(office):
    """Which token let this client in is asked after it was revoked."""
    made = await office.call(f"POST {PATH}", {})

    ended = await office.call(f"DELETE {PATH}/{made.body['id']}")
    shown = await office.call(f"GET {PATH}/{made.body['id']}")

    assert (204, "2026-11-21T12:00:00Z") == (ended.status, shown.body["revoked_at"])


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"uses": 0}, "uses"),
        ({"uses": "many"}, "uses"),
        ({"expires": "tomorrow"}, "expires"),
        ({"expires": "0s"}, "expires: must be longer"),
        ({"expires": "0d"}, "expires: must be longer"),
        ({"expires": ""}, "expires"),
        ({"policy": "unknown"}, "policies"),
        ({"policy": ""}, "policies"),
        ({"policies": [""]}, "policies"),
        ({"usage": 3}, "usage"),
        ({"note": "x" * 1001}, "note"),
        ({"note": "a\u001bb"}, "note"),
        ({"organization": ""}, "organization"),
        ({"organization": "a\u202eb"}, "organization"),
        ({"organization": "x" * 256}, "organization"),
    ],
    ids=str,
)
async def test_a_wish_that_makes_no_sense_is_refused_by_name(office, wish, says):
    """A misspelt limit must not be a token without one."""
    answer = await office.call(f"POST {PATH}", wish)

    assert 400 == answer.status
    assert says in answer.body["detail"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_token_that_is_not_there_is_not_found(office, method):
    """Ids are mistyped."""
    assert 404 == (await office.call(f"{method} {PATH}/x")).status
