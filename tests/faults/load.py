"""Callers that register, read, update, issue tokens and redeem, and keep a `Ledger` of it."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from registrary.testing.server import ADMIN_TOKEN
from tests.faults.assertions import ASSERTION_TYPE, assertion_of
from tests.faults.ledger import HANGING_SECONDS, UNKNOWN, Ledger, Offered, Outcome, Registered

CALLERS: Final = 6
PATIENCE: Final = 60.0  # seconds a busy machine may take for what it does in one
PAUSE_SECONDS: Final = 0.05  # after a refusal; who insists at once learns nothing new
KEPT: Final = 200  # clients one caller goes on working with
ADMIN: Final = {"authorization": f"Bearer {ADMIN_TOKEN}"}
JSON_TYPES: Final = {"application/json", "application/problem+json"}
METHODS: Final = ("client_secret_basic", "client_secret_basic", "client_secret_jwt")
DOCUMENT: Final = {
    "redirect_uris": ["https://app.example/cb"],
    "grant_types": ["client_credentials"],
    "scope": "read",
}
# What callers do, by weight.
MIX: Final = {"register": 4, "read": 4, "update": 3, "token": 3, "redeem": 2, "delete": 1}

Members = dict[str, Any]  # of a JSON document


class Calling:
    """HTTP as callers speak it: every answer is judged and noted.

    *nodes* are addresses that serve one issuer; who gets no answer from one goes on to the next.
    """

    def __init__(self, nodes: Sequence[str], ledger: Ledger, *, first: int = 0) -> None:
        self._nodes = nodes
        self._at = first % len(nodes)
        self._ledger = ledger
        self._http = httpx2.Client(trust_env=False, timeout=HANGING_SECONDS)

    def move_on(self) -> None:
        """Ask the next node from now on."""
        self._at = (self._at + 1) % len(self._nodes)

    def ask(
        self, operation: str, method: str, path: str, *, denied: int = 0, **members: Any
    ) -> tuple[Outcome, Members]:
        """Send a request; *denied* is the status with which it may be refused for good."""
        begun = time.monotonic()
        try:
            answer = self._http.request(method, self._nodes[self._at] + path, **members)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            return self._without_answer(operation, Outcome.UNREACHED, begun)
        except httpx2.TimeoutException:
            self._ledger.finding(f"{operation}: no answer within {HANGING_SECONDS:.0f} s")
            return self._without_answer(operation, Outcome.LOST, begun)
        except httpx2.TransportError:
            return self._without_answer(operation, Outcome.LOST, begun)
        outcome, why = judged(answer, denied)
        self._ledger.note(operation, outcome, seconds=time.monotonic() - begun, why=why)
        if outcome is Outcome.REFUSED:
            time.sleep(PAUSE_SECONDS)
        acknowledged = outcome is Outcome.ACKNOWLEDGED and answer.content
        return outcome, answer.json() if acknowledged else {}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _without_answer(
        self, operation: str, outcome: Outcome, begun: float
    ) -> tuple[Outcome, Members]:
        self._ledger.note(operation, outcome, seconds=time.monotonic() - begun)
        self.move_on()
        time.sleep(PAUSE_SECONDS)
        return outcome, {}


def judged(answer: httpx2.Response, denied: int) -> tuple[Outcome, str]:
    """Return what *answer* means to who asked, and what is wrong with it if anything is."""
    if answer.is_success:
        return Outcome.ACKNOWLEDGED, ""
    if answer.status_code == denied:
        return Outcome.DENIED, ""
    if answer.status_code != 503:
        return Outcome.WRONG, f"{answer.status_code} {answer.text[:200]}"
    if not answer.headers.get("retry-after", "").isdecimal():
        return Outcome.WRONG, "503 without Retry-After"
    if answer.headers.get("content-type") not in JSON_TYPES:
        return Outcome.WRONG, "503 without JSON"
    return Outcome.REFUSED, ""


class Caller:
    """One of the callers: his connections, and the clients that only he works with."""

    def __init__(self, nodes: Sequence[str], ledger: Ledger, *, first: int) -> None:
        self._ledger = ledger
        self._mine: list[Registered] = []
        self._calling = Calling(nodes, ledger, first=first)
        self._rival = Calling(nodes, ledger, first=first + 1)
        self._works: dict[str, Callable[[Registered], None]] = {
            "read": self._read,
            "update": self._update,
            "token": self._token,
            "delete": self._delete,
        }

    def close(self) -> None:
        """Close the connections."""
        self._calling.close()
        self._rival.close()

    def turn(self, operation: str) -> None:
        """Do *operation* once; where it needs a client and there is none, register one."""
        if operation == "redeem":
            self._redeem()
        elif operation == "register" or not self._mine:
            self._register()
        else:
            self._works[operation](random.choice(self._mine))

    def _register(self) -> None:
        document = a_document(self._ledger.next_name())
        outcome, answer = self._calling.ask("register", "POST", "/register", json=document)
        self._registered(document, outcome, answer)

    def _registered(self, document: Members, outcome: Outcome, answer: Members) -> None:
        if outcome in UNKNOWN:
            self._ledger.doubt(document["client_name"])
        if outcome is not Outcome.ACKNOWLEDGED:
            return
        client = Registered(
            client_id=answer["client_id"],
            secret=answer["client_secret"],
            token=answer["registration_access_token"],
            method=document["token_endpoint_auth_method"],
            names=[document["client_name"]],
        )
        self._ledger.add(client)
        self._mine = [*self._mine[-KEPT:], client]

    def _read(self, client: Registered) -> None:
        outcome, answer = self._calling.ask("read", "GET", path_of(client), headers=own(client))
        if outcome is Outcome.ACKNOWLEDGED and answer["client_name"] not in client.names:
            self._ledger.finding(f"read: {answer['client_name']}, expected of {client.names}")

    def _update(self, client: Registered) -> None:
        document = a_document(self._ledger.next_name(), method=client.method)
        document["client_id"] = client.client_id
        outcome, _ = self._calling.ask(
            "update", "PUT", path_of(client), json=document, headers=own(client)
        )
        client.updated(document["client_name"], outcome)

    def _delete(self, client: Registered) -> None:
        self._mine.remove(client)
        outcome, _ = self._calling.ask("delete", "DELETE", path_of(client), headers=own(client))
        client.deleted(outcome)

    def _token(self, client: Registered) -> None:
        """Issue a token and have it introspected at another node."""
        form = {"grant_type": "client_credentials"}
        if client.method == "client_secret_jwt":
            self._token_by_assertion(client)
            return
        credentials = (client.client_id, client.secret)
        outcome, answer = self._calling.ask("token", "POST", "/token", data=form, auth=credentials)
        if outcome is not Outcome.ACKNOWLEDGED:
            return
        form = {"token": answer["access_token"]}
        outcome, answer = self._rival.ask(
            "introspect", "POST", "/introspect", data=form, auth=credentials
        )
        if outcome is Outcome.ACKNOWLEDGED and not answer["active"]:
            self._ledger.finding("introspect: a token just issued is not active")

    def _token_by_assertion(self, client: Registered) -> None:
        """Authenticate with one assertion from two connections at once."""
        issuer = self._ledger.issuer or self._find_issuer()
        if not issuer:
            return
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion_of(client.client_id, client.secret, audience=issuer),
        }
        outcomes = self._race("token", "/token", data=form)
        self._single("assertion", [outcome for outcome, _ in outcomes])

    def _find_issuer(self) -> str:
        """Ask who the nodes are; empty when none of them tells."""
        document = "/.well-known/oauth-authorization-server"
        _, answer = self._calling.ask("metadata", "GET", document)
        issuer: str = answer.get("issuer", "")
        self._ledger.issuer = issuer
        return issuer

    def _redeem(self) -> None:
        """Use a token for one registration from two connections at once."""
        outcome, made = self._calling.ask(
            "offer", "POST", "/api/v1/initial-access-tokens", json={"uses": 1}, headers=ADMIN
        )
        if outcome is not Outcome.ACKNOWLEDGED:
            return
        document = a_document(self._ledger.next_name())
        headers = {"authorization": f"Bearer {made['token']}"}
        answers = self._race("redeem", "/register", json=document, headers=headers)
        offered = Offered(made["id"], [outcome for outcome, _ in answers])
        self._ledger.offer(offered)
        for outcome, answer in answers:
            self._registered(document, outcome, answer)
        self._single("initial access token", offered.tries)

    def _race(self, operation: str, path: str, **members: Any) -> list[tuple[Outcome, Members]]:
        """Send one request twice at once, from two connections."""
        answers: list[tuple[Outcome, Members]] = []

        def send(calling: Calling) -> None:
            answers.append(calling.ask(operation, "POST", path, denied=401, **members))

        rival = threading.Thread(target=send, args=(self._rival,))
        rival.start()
        send(self._calling)
        rival.join()
        return answers

    def _single(self, what: str, outcomes: list[Outcome]) -> None:
        if outcomes.count(Outcome.ACKNOWLEDGED) > 1:
            self._ledger.finding(f"{what}: used twice")
        if set(outcomes) == {Outcome.DENIED}:
            self._ledger.finding(f"{what}: refused, though nobody has used it")


def a_document(name: str, *, method: str = "") -> Members:
    """Return a client called *name*."""
    chosen = method or random.choice(METHODS)
    return DOCUMENT | {"client_name": name, "token_endpoint_auth_method": chosen}


def path_of(client: Registered) -> str:
    """Return where *client* is configured."""
    return f"/register/{client.client_id}"


def own(client: Registered) -> dict[str, str]:
    """Return what proves that *client* asks."""
    return {"authorization": f"Bearer {client.token}"}


@dataclass
class Load:
    """Callers at work, each in a thread; what breaks one of them is told by `close`."""

    ledger: Ledger
    callers: list[Caller]
    mix: dict[str, int]
    enough: threading.Event = field(default_factory=threading.Event)
    broken: list[Exception] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Let every caller begin."""
        self.threads = [threading.Thread(target=self._work, args=(one,)) for one in self.callers]
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        """Return when every caller has had his last answer."""
        self.enough.set()
        for thread in self.threads:
            thread.join()
        for error in self.broken:
            raise error

    def wait_for_acknowledged(self, count: int) -> None:
        """Return once *count* more writes have been acknowledged."""
        target = self.ledger.acknowledged_writes + count
        self._wait(lambda: self.ledger.acknowledged_writes >= target)

    def wait_for_refused(self, count: int) -> None:
        """Return once *count* more requests have been refused with 503."""
        target = self.ledger.total(Outcome.REFUSED) + count
        self._wait(lambda: self.ledger.total(Outcome.REFUSED) >= target)

    def _wait(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert not self.broken, self.broken
            assert time.monotonic() < end, f"it did not come to that: {self.ledger.counts}"
            time.sleep(0.02)

    def _work(self, caller: Caller) -> None:
        operations, weights = list(self.mix), list(self.mix.values())
        try:
            while not self.enough.is_set():
                caller.turn(*random.choices(operations, weights))
        except Exception as error:  # noqa: BLE001 - raised again by close(), in the test's thread
            self.broken.append(error)
        finally:
            caller.close()


@contextmanager
def load_on(
    nodes: Sequence[str],
    ledger: Ledger,
    *,
    callers: int = CALLERS,
    mix: dict[str, int] | None = None,
) -> Iterator[Load]:
    """Call *nodes* from several threads until the block is left."""
    people = [Caller(nodes, ledger, first=number) for number in range(callers)]
    load = Load(ledger, people, mix or dict(MIX))
    load.start()
    try:
        yield load
    finally:
        load.close()
