"""The log is read, filtered and proved over the admin API."""

from datetime import timedelta

import pytest

from registrary.audit.checkpoint import parse_verifier_key
from registrary.audit.offline_verifier import verify
from registrary.audit.proofs import verify_consistency, verify_inclusion
from registrary.audit.verify_export import verify_export
from registrary.core.changes import Changes
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Event, Tag
from registrary.core.signing_key import KeyUse
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.protocol.admin.lists import SCAN_LIMIT
from tests.unit.protocol.admin.kit import Office

pytestmark = pytest.mark.anyio


async def add_event(
    office: Office, tag: Tag = Tag.ISSUER_UPDATED, *, client_id: str | None = None
) -> Event:
    """Write an event a second after the one before."""
    now = office.clock.advance(timedelta(seconds=1))
    draw = Draw(office.services.entropy.token_bytes(EVENT_DRAW_BYTES))
    occasion = Occasion(office.context.id, now, Actor(ActorKind.SYSTEM))
    event = an_event(occasion, tag, draw=draw, client_id=client_id)
    await office.store.commit(Changes(events=(event,)))
    return event


async def ids(office: Office, query: str = "") -> list[str]:
    """Return the ids of the events that *query* asks for, page by page."""
    collected: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await office.call(f"GET /audit/events?{query}{cursor and f'&cursor={cursor}'}")
        assert 200 == page.status, page.body
        collected += [item["id"] for item in page.body["items"]]
        cursor = page.body["next_cursor"]
    return collected


@pytest.fixture
async def log(office: Office) -> list[Event]:
    """Write ten events, every third of them about a client, a second apart from 12:00:01 on."""
    return [
        await add_event(office, Tag.CLIENT_HELD, client_id="c")
        if number % 3 == 0
        else await add_event(office, Tag.KEY_CREATED)
        for number in range(10)
    ]


@pytest.mark.parametrize("limit", [1, 3, 5, 10, 100])
async def test_pages_follow_each_other_without_gap_or_repetition(office, log, limit):
    """Whoever copies the log elsewhere must get all of it."""
    assert [event.id for event in reversed(log)] == await ids(office, f"limit={limit}")


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("tag=client:held", [0, 3, 6, 9]),
        ("tag=client:held&limit=1", [0, 3, 6, 9]),
        ("tag=client:held,key:created", list(range(10))),
        ("client_id=c", [0, 3, 6, 9]),
        ("client_id=c&tag=key:created", []),
        ("from=2026-11-21T12:00:04Z", [3, 4, 5, 6, 7, 8, 9]),
        ("to=2026-11-21T12:00:04Z", [0, 1, 2]),
        ("from=2026-11-21T12:00:02Z&to=2026-11-21T12:00:06Z&limit=2", [1, 2, 3, 4]),
        ("from=2026-11-21T13:00:02%2B01:00&to=2026-11-21T12:00:03Z", [1]),
        ("from=2026-11-21&to=2026-11-22", list(range(10))),
        ("to=2026-11-21", []),
        ("to=1969-01-01", []),
        ("from=2026-11-22", []),
    ],
)
async def test_events_are_found_by_kind_client_and_time(office, log, query, wanted):
    """An auditor asks for last month's holds, not for the log."""
    expected = [log[number].id for number in reversed(wanted)]

    assert expected == await ids(office, query)


@pytest.mark.parametrize(
    "query",
    [
        "tag=client:hold",
        "from=yesterday",
        "to=2026-11-21T12:00:00",
        "from=0001-01-01T00:00:00%2B14:00",
        "cursor=x",
        "limit=9999",
    ],
)
async def test_a_filter_that_is_not_understood_is_refused(office, query):
    """An empty list must mean that there is nothing."""
    answer = await office.call(f"GET /audit/events?{query}")

    assert 400 == answer.status
    assert query.partition("=")[0] in answer.body["detail"]


async def test_a_rare_kind_in_a_long_log_is_found_in_several_answers(office):
    """One request must not read a million events while others wait."""
    rare = await add_event(office, Tag.KEY_RETIRED)
    common = [await add_event(office) for _ in range(SCAN_LIMIT + 1)]

    first = await office.call("GET /audit/events?tag=key:retired")

    assert ([], True) == (first.body["items"], first.body["next_cursor"] is not None)
    assert SCAN_LIMIT < len(common)
    assert [rare.id] == await ids(office, "tag=key:retired")


async def test_an_event_is_shown_as_it_was_hashed(office):
    """What the log says and what it proves are the same bytes."""
    event = await add_event(office, Tag.KEY_CREATED)

    shown = await office.call(f"GET /audit/events/{event.id}")

    assert (event.id, None, "key:created") == (
        shown.body["id"],
        shown.body["index"],
        shown.body["event"]["tag"],
    )
    assert 404 == (await office.call("GET /audit/events/x")).status


@pytest.fixture
async def signed(office: Office, log: list[Event]) -> Office:
    """Sign the log of ten events, then three more."""
    await office.add_key(use=KeyUse.AUDIT)
    await office.sequence()
    for _ in range(3):
        await add_event(office)
    await office.sequence()
    assert len(log) == 10
    return office


async def test_a_proof_convinces_whoever_has_the_key(signed, log):
    """The auditor needs neither the log nor our word for it."""
    answer = await signed.call(f"GET /audit/proofs?event_id={log[4].id}")

    body = answer.body
    checkpoint = await signed.call("GET /audit/checkpoint")
    assert ("inclusion", 4, 13) == (body["kind"], body["index"], body["size"])
    assert verify_inclusion(
        bytes.fromhex(body["leaf_hash"]),
        index=4,
        size=13,
        root=bytes.fromhex(checkpoint.body["root"]),
        proof=[bytes.fromhex(node) for node in body["proof"]],
    )
    assert body["checkpoint"] == checkpoint.body["checkpoint"]


async def test_a_proof_holds_an_export_that_the_verifiers_take(signed, log):
    """It is kept in a file and verified years later, by one file without this program."""
    answer = await signed.call(f"GET /audit/proofs?event_id={log[4].id}")
    lines = answer.body["export"].encode().splitlines(keepends=True)

    verdict = verify_export(lines, keys=[parse_verifier_key(answer.body["keys"][0])])
    code, said = verify(lines, answer.body["keys"], None)

    assert (True, 1) == (verdict.is_sound, verdict.events)
    assert (0, True) == (code, said.startswith("The export is sound"))


async def test_the_log_of_a_later_checkpoint_continues_the_earlier(signed):
    """Whoever kept a checkpoint finds out whether anything was rewritten since."""
    notes = [(await signed.call(f"GET /audit/checkpoint?size={size}")).body for size in (10, 13)]

    answer = await signed.call("GET /audit/proofs?first=10&second=13")

    assert ("consistency", [note["checkpoint"] for note in notes]) == (
        answer.body["kind"],
        answer.body["checkpoints"],
    )
    assert verify_consistency(
        10,
        bytes.fromhex(notes[0]["root"]),
        second=13,
        second_root=bytes.fromhex(notes[1]["root"]),
        proof=[bytes.fromhex(node) for node in answer.body["proof"]],
    )


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("event_id=x", 404),
        ("", 400),
        ("first=0&second=3", 400),
        ("first=5&second=3", 400),
        ("first=3&second=99", 400),
        ("first=three&second=13", 400),
    ],
)
async def test_a_proof_of_what_is_not_there_is_refused(signed, query, status):
    """An answer that proves nothing must not look like a proof."""
    assert status == (await signed.call(f"GET /audit/proofs?{query}")).status


async def test_an_event_that_was_not_signed_yet_is_not_proved(signed):
    """It takes a second; the caller is told to come again."""
    event = await add_event(signed)

    answer = await signed.call(f"GET /audit/proofs?event_id={event.id}")

    assert (400, True) == (answer.status, "in a second" in answer.body["detail"])


@pytest.mark.parametrize(("query", "status"), [("size=9", 404), ("size=x", 400)])
async def test_a_checkpoint_that_was_not_signed_is_not_found(signed, query, status):
    """Not every size of the log was signed."""
    assert status == (await signed.call(f"GET /audit/checkpoint?{query}")).status
