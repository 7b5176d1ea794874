"""Administrators see clients, hold them, end them and give them new credentials."""

from datetime import timedelta

import pytest

from registrary.core.client import Client
from registrary.core.lifecycle import ClientState, HoldKind
from registrary.core.secrets import Prefix, Secret
from registrary.policy.credentials import find_credential
from registrary.testing.factories import a_client, a_hold, some_metadata
from tests.unit.protocol.admin.kit import KEYS, Office

pytestmark = pytest.mark.anyio


async def stored(office: Office, client: Client) -> Client:
    """Return *client* as it is now."""
    found = await office.store.get(Client, office.context.id, client.client_id)
    assert found is not None
    return found


def is_good(office: Office, text: str, client: Client, *, purpose: Prefix) -> bool:
    """Tell whether the credential *text* of *client* is good now."""
    kept = {
        Prefix.CLIENT_SECRET: client.secrets,
        Prefix.REGISTRATION_ACCESS_TOKEN: client.registration_access_tokens,
    }
    return (
        find_credential(
            Secret(text),
            kept[purpose],
            peppers=KEYS.peppers(),
            purpose=purpose,
            now=office.clock.now(),
        )
        is not None
    )


async def test_pages_follow_each_other_without_gap_or_repetition(office):
    """Whoever collects all clients must get all, each once."""
    made = [(await office.add_client()).client_id for _ in range(7)]

    collected, pages = [], 0
    cursor: str | None = ""
    while cursor is not None:
        page = await office.call(f"GET /clients?limit=3{cursor and f'&cursor={cursor}'}")
        collected += [item["client_id"] for item in page.body["items"]]
        cursor, pages = page.body["next_cursor"], pages + 1

    assert (made, 3) == (collected, pages)


async def test_clients_of_a_state_are_found_among_others(office):
    """Ten suspended clients among ten thousand are what somebody wants to look at."""
    for number in range(12):
        state = ClientState.SUSPENDED if number % 4 == 0 else ClientState.ACTIVE
        await office.add_client(state=state)

    first = await office.call("GET /clients?state=suspended&limit=2")
    second = await office.call(f"GET /clients?state=suspended&cursor={first.body['next_cursor']}")

    states = [item["state"] for one in (first, second) for item in one.body["items"]]
    assert ["suspended"] * 3 == states
    assert second.body["next_cursor"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "limit=-1", "state=asleep"])
async def test_a_list_that_cannot_be_had_is_refused(office, query):
    """A misspelt filter must not show everything."""
    answer = await office.call(f"GET /clients?{query}")

    assert 400 == answer.status
    assert query.partition("=")[0] in answer.body["detail"]


async def test_a_client_is_shown_without_its_credentials(office):
    """An administrator has no use for a client's secrets, and their screen has many readers."""
    client = await office.add_client(metadata=some_metadata(client_name="Payroll"))

    shown = await office.call(f"GET /clients/{client.client_id}")

    assert ("Payroll", '"1"') == (shown.body["metadata"]["client_name"], shown.headers["etag"])
    assert not {"secrets", "registration_access_tokens"} & shown.body.keys()


async def test_an_id_may_be_percent_encoded(office):
    """Ids of metadata documents are addresses."""
    client = await office.add_client()
    encoded = "".join(f"%{ord(character):02x}" for character in client.client_id)

    assert 200 == (await office.call(f"GET /clients/{encoded}")).status


@pytest.mark.parametrize(
    "line",
    [
        "GET /clients/x",
        "DELETE /clients/x",
        "GET /clients/x/holds",
        "POST /clients/x/holds",
        "DELETE /clients/x/holds/admin",
        "GET /clients/x/credentials",
        "POST /clients/x/credentials",
        "GET /clients/x/events",
        "GET /clients/x/explain",
    ],
)
async def test_a_client_that_is_not_there_is_not_found(office, line):
    """Ids come from logs and tickets, and are mistyped."""
    document = {"reason": "x"} if line == "POST /clients/x/holds" else None

    answer = await office.call(line, document)

    assert (404, "there is no such client") == (answer.status, answer.body["detail"])


async def test_holds_come_and_go_one_by_one(office):
    """A client held for two reasons stays held when one of them is gone."""
    client = await office.add_client()
    path = f"/clients/{client.client_id}/holds"
    await office.call(f"POST {path}", {"reason": "dormant for a year", "kind": "dormant"})
    await office.call(f"POST {path}", {"reason": "in a public repository"})

    held = await office.call(f"GET {path}")
    one = await office.call(f"DELETE {path}/admin")
    none = await office.call(f"DELETE {path}/dormant")

    assert [("dormant", "dormant for a year"), ("admin", "in a public repository")] == [
        (hold["kind"], hold["reason"]) for hold in held.body["items"]
    ]
    assert ["suspended", "active"] == [answer.body["state"] for answer in (one, none)]


async def test_what_is_done_to_a_client_is_in_its_events_with_the_reason(office):
    """Who held it, and why, is asked months later."""
    client = await office.add_client()
    await office.call(f"POST /clients/{client.client_id}/holds", {"reason": "audit finding"})
    await office.call(f"DELETE /clients/{client.client_id}", {"reason": "contract ended"})

    answer = await office.call(f"GET /clients/{client.client_id}/events")

    assert {
        ("client:registered", None),
        ("client:held", "audit finding"),
        ("client:revoked", "contract ended"),
    } == {(item["event"]["tag"], item["event"].get("reason")) for item in answer.body["items"]}


async def test_a_client_that_ended_cannot_be_held(office):
    """What is revoked stays revoked."""
    client = await office.add_client()
    await office.call(f"DELETE /clients/{client.client_id}")

    answer = await office.call(f"POST /clients/{client.client_id}/holds", {"reason": "x"})

    assert 409 == answer.status


@pytest.mark.parametrize("ended", [False, True], ids=["active", "revoked"])
async def test_a_hold_that_is_not_there_is_not_lifted(office, *, ended):
    """What nobody lifted is not told as lifted, least of all on a tombstone."""
    client = await office.add_client()
    if ended:
        await office.call(f"DELETE /clients/{client.client_id}")
    before = await stored(office, client)

    answer = await office.call(f"DELETE /clients/{client.client_id}/holds/admin")

    assert (409 if ended else 200) == answer.status
    assert before == await stored(office, client)
    told = await office.call(f"GET /clients/{client.client_id}/events")
    assert "client:hold_lifted" not in [item["event"]["tag"] for item in told.body["items"]]


async def test_an_unknown_kind_of_hold_is_refused(office):
    """A mistyped hold must not be reported as lifted."""
    client = await office.add_client()

    answer = await office.call(f"DELETE /clients/{client.client_id}/holds/admn")

    assert 400 == answer.status


async def test_a_new_secret_lets_the_old_one_live_for_the_overlap(office):
    """A client that runs on ten machines is changed one by one."""
    client = await office.add_client(secrets=())
    first = await office.call(f"POST /clients/{client.client_id}/credentials")

    second = await office.call(f"POST /clients/{client.client_id}/credentials")

    now = await stored(office, client)
    texts = [one.body["client_secret"] for one in (first, second)]
    assert [True, True] == [
        is_good(office, text, now, purpose=Prefix.CLIENT_SECRET) for text in texts
    ]
    office.clock.advance(timedelta(days=7))
    assert [False, True] == [
        is_good(office, text, now, purpose=Prefix.CLIENT_SECRET) for text in texts
    ]


@pytest.mark.parametrize(
    ("kind", "purpose"),
    [
        ("client_secret", Prefix.CLIENT_SECRET),
        ("registration_access_token", Prefix.REGISTRATION_ACCESS_TOKEN),
    ],
)
async def test_a_credential_that_leaked_ends_at_once(office, kind, purpose):
    """An overlap is for honest bearers; a thief needs a minute."""
    client = await office.add_client(secrets=(), registration_access_tokens=())
    path = f"POST /clients/{client.client_id}/credentials"
    leaked = await office.call(path, {"kind": kind})

    fresh = await office.call(path, {"kind": kind, "overlap": "0s"})

    now = await stored(office, client)
    assert [False, True] == [
        is_good(office, one.body[kind], now, purpose=purpose) for one in (leaked, fresh)
    ]
    assert {"overlap_seconds": 0} in [event.get("detail") for event in await office.events()]


async def test_an_old_registration_access_token_lives_for_a_day_at_most(office):
    """The promise to clients is no more than that, whoever asks."""
    client = await office.add_client(registration_access_tokens=())
    path = f"POST /clients/{client.client_id}/credentials"
    kind = "registration_access_token"
    old = await office.call(path, {"kind": kind})
    await office.call(path, {"kind": kind, "overlap": "30d"})
    now = await stored(office, client)

    office.clock.advance(timedelta(hours=24))

    assert not is_good(office, old.body[kind], now, purpose=Prefix.REGISTRATION_ACCESS_TOKEN)


async def test_credentials_are_listed_by_their_times(office):
    """An operator sees that the old secret ends on Friday, not what it is."""
    client = await office.add_client()
    made = await office.call(f"POST /clients/{client.client_id}/credentials", {"overlap": "2d"})

    listed = await office.call(f"GET /clients/{client.client_id}/credentials")

    secrets = [item for item in listed.body["items"] if item["kind"] == "client_secret"]
    assert ["2026-11-23T12:00:00Z", None] == [item["retire_at"] for item in secrets]
    assert made.body["client_secret"] not in str(listed.body)


async def test_a_client_without_a_secret_gets_none(office):
    """A public client must not turn into a confidential one by accident."""
    client = await office.add_client(
        metadata=some_metadata(token_endpoint_auth_method="none"), secrets=()
    )

    answer = await office.call(f"POST /clients/{client.client_id}/credentials")

    assert 400 == answer.status


@pytest.mark.parametrize(
    "wish", [{"overlap": "soon"}, {"kind": "password"}, {"overlap": 3}], ids=str
)
async def test_a_credential_that_cannot_be_made_is_refused(office, wish):
    """An overlap that was misread could be a week in a leak."""
    client = await office.add_client()

    answer = await office.call(f"POST /clients/{client.client_id}/credentials", wish)

    assert 400 == answer.status


async def test_every_value_of_a_client_is_explained(office):
    """Why does it have this scope? Somebody asks, and the answer is not archaeology."""
    client = a_client(
        issuer=office.context.id,
        state=ClientState.SUSPENDED,
        holds=(a_hold(kind=HoldKind.DORMANT),),
        metadata=some_metadata(**{"client_name#de": "Beispiel"}),
        provenance={"grant_types": "default", "scope": "narrowed"},
    )
    await office.put(client)

    answer = await office.call(f"GET /clients/{client.client_id}/explain")

    members = {member["name"]: member for member in answer.body["members"]}
    assert client.metadata.keys() == members.keys()
    assert ("default", "narrowed", "client") == tuple(
        members[name]["source"] for name in ("grant_types", "scope", "client_name#de")
    )
    assert all(member["because"] and member["says"] for member in members.values())
    assert ("soft_hold", "unauthorized_client") == (
        answer.body["standing"],
        answer.body["effects"]["refusal"],
    )


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        ("x" * 1001, "longer than 1000"),
        ("\u001b[2J", "control characters"),
        ("a\nb", "control characters"),
        ("\u202eevil", "invisible marks"),
        ("a\u2066b", "invisible marks"),
        ("\u3164", "invisible marks"),
        ("", "can be seen"),
        ("  ", "can be seen"),
    ],
    ids=["long", "escape", "line", "direction", "isolate", "filler", "empty", "spaces"],
)
async def test_a_reason_that_nobody_can_read_is_refused(office, reason, rule):
    """It is kept in the log for years, and shown in terminals and on pages."""
    client = await office.add_client()
    before = await office.events()
    path = f"/clients/{client.client_id}"

    answers = [
        await office.call(f"POST {path}/holds", {"reason": reason}),
        await office.call(f"DELETE {path}", {"reason": reason}),
    ]

    assert [400, 400] == [answer.status for answer in answers]
    for answer in answers:
        assert answer.body["detail"].startswith("reason: ")
        assert rule in answer.body["detail"]
    assert before == await office.events()
    assert client == await office.store.get(type(client), office.context.id, client.client_id)


async def test_a_reason_may_be_a_long_sentence_in_any_script(office):
    """Incidents are told in the words of whoever handles them."""
    client = await office.add_client()
    reason = "Schlüssel in öffentlichem Repository, 漏洩, 👩‍💻 " * 20

    answer = await office.call(f"POST /clients/{client.client_id}/holds", {"reason": reason})

    assert (201, reason) == (answer.status, answer.body["holds"][0]["reason"])
