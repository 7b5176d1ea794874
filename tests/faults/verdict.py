"""Whether a store holds what a `Ledger` says, seen through a server's own interface."""

import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from tests.faults.ledger import HANGING_SECONDS, Ledger, Outcome, Registered
from tests.faults.load import ADMIN, PATIENCE, own, path_of

SAMPLE: Final = 60  # clients that are asked for with their own token
SHOWN: Final = 10  # findings of one kind
# Each of these events is one revision of a client, and none comes without one.
CHANGES: Final = ("client:updated", "client:deleted", "client:held", "client:hold_lifted")

Item = dict[str, Any]  # of a list of the admin API


@dataclass(frozen=True)
class Stored:
    """Everything a server tells its operator: clients by id, tags of events by client, uses."""

    clients: dict[str, Item]
    tags: dict[str, Counter[str]]
    uses: dict[str, int]


def findings_on(url: str, ledger: Ledger, *, within: float = HANGING_SECONDS) -> list[str]:
    """Return what is lost, twice, half there or was answered badly; empty when all is well.

    *within* is how many seconds an answer may have taken. Nothing may be writing any more.
    """
    stored = stored_at(url)
    found = [*ledger.findings]
    if ledger.slowest > within:
        found.append(f"an answer took {ledger.slowest:.1f} s, more than {within:.1f} s")
    found += whole(stored)
    for client in ledger.clients:
        found += faults_of(client, stored)
    found += strangers(stored, ledger)
    found += misused(stored, ledger)
    return [*found[:SHOWN], *unreadable(url, ledger)]


def stored_at(url: str) -> Stored:
    """Ask for everything there is."""
    items = listed(url, "clients")
    clients = {item["client_id"]: item for item in items}
    assert len(items) == len(clients), "a client is listed twice"
    tags: dict[str, Counter[str]] = defaultdict(Counter)
    for item in listed(url, "audit/events"):
        event = item["event"]
        if event["outcome"] == "success" and "client_id" in event:
            tags[event["client_id"]][event["tag"]] += 1
    tokens = listed(url, "initial-access-tokens")
    return Stored(clients, dict(tags), {item["id"]: item["uses_made"] for item in tokens})


def listed(url: str, path: str) -> list[Item]:
    """Return every item of a list of the admin API; a refusal is waited out."""
    items: list[Item] = []
    with httpx2.Client(base_url=url, trust_env=False, headers=ADMIN, timeout=PATIENCE) as http:
        cursor: str | None = ""
        while cursor is not None:
            page = _page(http, path, cursor)
            items += page["items"]
            cursor = page["next_cursor"]
    return items


def _page(http: httpx2.Client, path: str, cursor: str) -> Any:
    end = time.monotonic() + PATIENCE
    while True:
        answer = http.get(f"/api/v1/{path}", params={"limit": 500, "cursor": cursor})
        if answer.status_code == 200 or time.monotonic() > end:
            answer.raise_for_status()
            return answer.json()
        time.sleep(0.2)


def whole(stored: Stored) -> list[str]:
    """Return what is half there: clients without their events, events without a client."""
    strays = [f"{one}: an event without a client" for one in stored.tags.keys() - stored.clients]
    torn = [
        f"{one}: revision {item['revision']}, and the events are {dict(tags)}"
        for one, item in stored.clients.items()
        if not agrees(item, tags := stored.tags.get(one, Counter()))
    ]
    return [*strays, *torn]


def agrees(client: Item, tags: Counter[str]) -> bool:
    """Tell whether events explain each revision of *client*, and no more than that."""
    changes = sum(tags[tag] for tag in CHANGES)
    return tags["client:registered"] == 1 and client["revision"] == 1 + changes


def faults_of(client: Registered, stored: Stored) -> list[str]:
    """Return how what is stored of *client* differs from what was acknowledged."""
    item = stored.clients.get(client.client_id)
    if item is None:
        return [f"{client.client_id}: registered, and lost"]
    found = []
    tags = stored.tags.get(client.client_id, Counter())
    name = item["metadata"]["client_name"]
    if name not in client.names:
        found.append(f"{client.client_id}: called {name}, expected of {client.names}")
    if not 0 <= tags["client:updated"] - client.updates <= client.open_updates:
        found.append(
            f"{client.client_id}: {client.updates} updates acknowledged, {client.open_updates} "
            f"open, {tags['client:updated']} there"
        )
    expected = {None: {0}, Outcome.ACKNOWLEDGED: {1}}.get(client.deletion, {0, 1})
    deleted = tags["client:deleted"]
    if deleted not in expected or deleted != (item["state"] == "revoked"):
        found.append(f"{client.client_id}: {item['state']}, {deleted} deletions: {client.deletion}")
    return found


def strangers(stored: Stored, ledger: Ledger) -> list[str]:
    """Return clients of this load that nobody can have registered, or that are there twice."""
    known = {client.client_id for client in ledger.clients}
    names = [
        item["metadata"]["client_name"]
        for one, item in stored.clients.items()
        if one not in known and item["metadata"].get("client_name", "").startswith(ledger.run)
    ]
    unasked = [f"{name}: nobody asked for it" for name in names if name not in ledger.open_names]
    twice = [f"{name}: there {count} times" for name, count in Counter(names).items() if count > 1]
    return [*unasked, *twice]


def misused(stored: Stored, ledger: Ledger) -> list[str]:
    """Return single-use tokens whose uses and clients differ, or were acknowledged otherwise."""
    clients = Counter(item["door"].get("initial_access_token") for item in stored.clients.values())
    found = []
    for offered in ledger.offers:
        made, uses = clients[offered.token_id], stored.uses.get(offered.token_id)
        acknowledged = offered.tries.count(Outcome.ACKNOWLEDGED)
        if uses != made or not acknowledged <= made <= 1:
            found.append(
                f"{offered.token_id}: {uses} uses, {made} clients, {acknowledged} acknowledged"
            )
    return found


def unreadable(url: str, ledger: Ledger) -> list[str]:
    """Return clients of a sample that cannot read themselves, or still can though deleted."""
    sample = random.sample(ledger.clients, min(SAMPLE, len(ledger.clients)))
    expected = {None: {200}, Outcome.ACKNOWLEDGED: {401}}
    found = []
    with httpx2.Client(base_url=url, trust_env=False, timeout=HANGING_SECONDS) as http:
        for client in sample:
            status = http.get(path_of(client), headers=own(client)).status_code
            if status not in expected.get(client.deletion, {200, 401}):
                found.append(f"{client.client_id}: {status}, deletion: {client.deletion}")
    return found
