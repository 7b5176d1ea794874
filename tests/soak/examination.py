"""Whether everything a `Book` says was acknowledged is in the store, once."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from tests.faults.ledger import HANGING_SECONDS, Outcome, Registered
from tests.faults.load import PATIENCE, Calling
from tests.faults.nodes import Node
from tests.faults.outage import wait_until
from tests.faults.verdict import (
    Stored,
    faults_of,
    misused,
    stored_at,
    strangers,
    unreadable,
    whole,
)
from tests.soak.book import Book, Granted, Tries
from tests.soak.guests import authenticated

GRANTS_ASKED: Final = 200  # of those that were not ended, and as many of the ended


@dataclass
class Examined:
    """What was found: in words, and counted by kind of request."""

    findings: list[str] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    duplicated: Counter[str] = field(default_factory=Counter)
    clients: int = 0
    events: int = 0

    def compare(self, kind: str, tries: Tries, found: int) -> None:
        """Hold traces *found* of one kind of request against what was acknowledged."""
        missing = tries.acknowledged - found
        surplus = found - tries.acknowledged - tries.open
        self.lost[kind] += max(missing, 0)
        self.duplicated[kind] += max(surplus, 0)


def examine(url: str, book: Book) -> Examined:
    """Ask the node at *url* for everything; nothing may be writing any more."""
    stored = stored_at(url)
    events = sum(tags.total() for tags in stored.tags.values())
    found = Examined(clients=len(stored.clients), events=events)
    found.findings += [*book.findings, *whole(stored)]
    if book.slowest > HANGING_SECONDS:
        found.findings.append(f"an answer took {book.slowest:.1f} s")
    for client in book.clients:
        found.findings += faults_of(client, stored)
        count_client(client, stored, found)
    found.findings += [*strangers(stored, book), *misused(stored, book), *unreadable(url, book)]
    count_strangers(stored, book, found)
    examine_people(stored, book, found)
    examine_operator(stored, book, found)
    examine_grants(url, book, found)
    return found


def count_client(client: Registered, stored: Stored, found: Examined) -> None:
    """Count what was lost of one client, and what is there once too often."""
    tags = stored.tags.get(client.client_id, Counter())
    is_there = client.client_id in stored.clients
    found.compare("register", Tries(1), tags["client:registered"] if is_there else 0)
    updates = Tries(client.updates, client.open_updates)
    found.compare("update", updates, tags["client:updated"])
    deletion = Tries()
    if client.deletion is not None:
        deletion.note(client.deletion)
    found.compare("delete", deletion, tags["client:deleted"])


def count_strangers(stored: Stored, book: Book, found: Examined) -> None:
    """Count clients that are there once too often, and single uses that were two."""
    known = {client.client_id for client in book.clients}
    names = Counter(
        item["metadata"].get("client_name", "")
        for one, item in stored.clients.items()
        if one not in known
    )
    found.duplicated["register"] += sum(
        count - (name in book.open_names)
        for name, count in names.items()
        if name.startswith(book.run)
    )
    doors = Counter(item["door"].get("initial_access_token") for item in stored.clients.values())
    for offered in book.offers:
        found.duplicated["redeem"] += max(doors[offered.token_id] - 1, 0)


def examine_people(stored: Stored, book: Book, found: Examined) -> None:
    """Hold what people allowed against the log."""
    for client_id, tries in book.codes.items():
        allowed = stored.tags.get(client_id, Counter())["authorization:allowed"]
        found.compare("visit", tries, allowed)
        if not tries.explain(allowed):
            found.findings.append(f"{client_id}: {tries}, {allowed} allowances in the log")


def examine_operator(stored: Stored, book: Book, found: Examined) -> None:
    """Hold what the operator did against clients and log."""
    for client_id, held in book.held.items():
        tags = stored.tags.get(client_id, Counter())
        for kind, tries, tag in (
            ("suspend", held.holds, "client:held"),
            ("resume", held.lifts, "client:hold_lifted"),
        ):
            found.compare(kind, tries, tags[tag])
            if not tries.explain(tags[tag]):
                found.findings.append(f"{client_id}: {kind}: {tries}, {tags[tag]} in the log")
        item = stored.clients.get(client_id)
        expected = "suspended" if tags["client:held"] > tags["client:hold_lifted"] else "active"
        if item is not None and item["state"] != expected:
            found.findings.append(f"{client_id}: {item['state']}, expected {expected}")


def examine_grants(url: str, book: Book, found: Examined) -> None:
    """See that what was granted last works, and what was revoked does not."""
    calling = Calling([url], Book())
    live = [one for one in book.grants if one.revocation is None and not one.is_open]
    ended = [one for one in book.grants if one.revocation is Outcome.ACKNOWLEDGED]
    for granted in live[-GRANTS_ASKED:]:
        if refreshed(calling, granted) is Outcome.DENIED:
            found.lost["code"] += 1
            found.findings.append(f"{granted.client.client_id}: a grant is gone")
    for granted in ended[-GRANTS_ASKED:]:
        if refreshed(calling, granted) is Outcome.ACKNOWLEDGED:
            found.lost["revoke"] += 1
            found.findings.append(f"{granted.client.client_id}: a revoked grant lives")
    calling.close()


def refreshed(calling: Calling, granted: Granted) -> Outcome:
    """Use the refresh token of *granted*; of a rotating one, take the next."""
    form = {"grant_type": "refresh_token", "refresh_token": granted.refresh_token}
    members = authenticated(granted.client, form)
    end = time.monotonic() + PATIENCE
    while True:
        outcome, answer = calling.ask("refresh", "POST", "/token", denied=400, **members)
        if outcome in {Outcome.ACKNOWLEDGED, Outcome.DENIED} or time.monotonic() > end:
            granted.refresh_token = answer.get("refresh_token", granted.refresh_token)
            return outcome


def wait_until_sequenced(node: Node) -> None:
    """Return once the newest events have their places in the log."""
    wait_until(
        lambda: all(
            item["index"] is not None for item in node.admin("GET", "audit/events").json()["items"]
        )
    )
