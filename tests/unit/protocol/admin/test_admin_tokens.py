"""Admin tokens are made by administrators, with no more than these have themselves."""

from datetime import timedelta

import pytest

from registrary.registrar.permissions import EVERYTHING

pytestmark = pytest.mark.anyio

READ, WRITE = "admin_tokens:read", "admin_tokens:write"


async def test_a_token_does_what_it_was_made_for_and_nothing_else(office):
    """A script that lists clients must not be able to revoke them."""
    made = await office.call(
        "POST /admin-tokens", {"name": "lister", "permissions": ["clients:read"]}
    )
    token = made.body["token"]

    read = await office.call("GET /clients", token=token)
    write = await office.call("DELETE /clients/x", token=token)

    assert (201, 200, 403) == (made.status, read.status, write.status)


async def test_the_text_of_a_token_is_shown_once(office):
    """Whoever reads the list later must not be able to act as its bearers."""
    made = await office.call(
        "POST /admin-tokens", {"name": "lister", "permissions": ["clients:read"], "expires": "1h"}
    )
    shown = [
        await office.call("GET /admin-tokens"),
        await office.call(f"GET /admin-tokens/{made.body['id']}"),
    ]

    assert made.body["token"].startswith("rgy_adm_")
    assert not any(made.body["token"] in str(one.body) for one in shown)
    assert made.body["id"] == shown[0].body["items"][0]["id"] == shown[1].body["id"]
    assert "2026-11-21T13:00:00Z" == shown[1].body["expires_at"]
    assert made.body["token"] not in str(await office.tokens())
    assert made.body["token"] not in str(await office.events())


async def test_a_revoked_token_is_good_for_nothing(office):
    """What leaked is ended by its id."""
    made = await office.call("POST /admin-tokens", {"name": "leaked", "permissions": ["*"]})
    before = await office.call("GET /clients", token=made.body["token"])

    ended = await office.call(f"DELETE /admin-tokens/{made.body['id']}")
    again = await office.call(f"DELETE /admin-tokens/{made.body['id']}")
    after = await office.call("GET /clients", token=made.body["token"])

    assert [200, 204, 204, 401] == [one.status for one in (before, ended, again, after)]


async def test_making_and_ending_a_token_is_in_the_log(office):
    """An auditor asks who could administer, and from whom they had that."""
    made = await office.call("POST /admin-tokens", {"name": "x", "permissions": ["audit:read"]})
    await office.call(f"DELETE /admin-tokens/{made.body['id']}")

    events = await office.events()

    assert {"admin_token:created", "admin_token:revoked"} == {event["tag"] for event in events}
    assert {made.body["id"]} == {event["detail"]["id"] for event in events}
    assert [["audit:read"]] == [
        event["detail"]["permissions"] for event in events if "permissions" in event["detail"]
    ]


@pytest.mark.parametrize("wanted", ["clients:write", EVERYTHING])
async def test_a_token_makes_none_that_may_more(office, wanted):
    """Otherwise the right to make tokens would be every right."""
    token = await office.a_token(WRITE, "clients:read")

    more = await office.call(
        "POST /admin-tokens", {"name": "x", "permissions": ["clients:read", wanted]}, token=token
    )
    same = await office.call(
        "POST /admin-tokens", {"name": "x", "permissions": ["clients:read", WRITE]}, token=token
    )

    assert (403, wanted) == (more.status, more.body["permission"])
    assert 201 == same.status
    assert wanted in [
        event["detail"]["permission"]
        for event in await office.events()
        if event["tag"] == "admin:refused"
    ]


@pytest.mark.parametrize(
    ("expires", "status"), [("30m", 201), ("1h", 201), ("2h", 400), (None, 400)]
)
async def test_a_token_makes_none_that_lasts_longer(office, expires, status):
    """Otherwise an hour's access would be renewed for ever."""
    token = await office.a_token(EVERYTHING, lifetime=timedelta(hours=1))

    answer = await office.call(
        "POST /admin-tokens",
        {"name": "x", "permissions": ["clients:read"], "expires": expires},
        token=token,
    )

    assert status == answer.status


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"name": "", "permissions": ["clients:read"]}, "name:"),
        ({"name": "x" * 101, "permissions": ["clients:read"]}, "name:"),
        ({"name": "a\nb", "permissions": ["clients:read"]}, "name:"),
        ({"name": "x", "permissions": []}, "permissions:"),
        ({"name": "x", "permissions": ["setup"]}, "permissions:"),
        ({"name": "x", "permissions": ["clients:*"]}, "permissions:"),
        ({"name": "x", "permissions": ["clients:read"], "expires": "soon"}, "expires:"),
        ({"name": "x", "permissions": ["clients:read"], "expires": "0s"}, "expires:"),
        ({"name": "x", "permissions": ["clients:read"], "expires": ""}, "expires:"),
        ({"permissions": ["clients:read"]}, "name"),
    ],
    ids=str,
)
async def test_a_wish_that_makes_no_sense_is_refused_by_name(office, wanted, says):
    """A misspelt permission must not be a token that opens nothing, found out later."""
    answer = await office.call("POST /admin-tokens", wanted)

    assert 400 == answer.status
    assert says in answer.body["detail"]
    assert () == await office.tokens()


async def test_a_token_that_is_not_there_is_not_found(office):
    """Ids come from lists and from logs, and may be of another issuer."""
    answers = [await office.call(f"{method} /admin-tokens/x") for method in ("GET", "DELETE")]

    assert [404, 404] == [answer.status for answer in answers]
