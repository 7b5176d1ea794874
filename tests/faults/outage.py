"""A server under load while its disk fails, and what must be true of it then and afterwards."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from registrary.testing.server import (
    ADMIN_TOKEN,
    RunningServer,
    command,
    environment,
)

WRITERS: Final = 4
PATIENCE: Final = 60  # seconds a busy machine may take for what it does in one
ADMIN: Final = {"authorization": f"Bearer {ADMIN_TOKEN}"}
DOCUMENT: Final = {"redirect_uris": ["https://app.example/cb"], "client_name": "x" * 200}
SERVICE: Final = {"grant_types": ["client_credentials"], "scope": "read"}


@dataclass
class Load:
    """Registrations from several callers at once: what was answered, in order of arrival."""

    answers: list[httpx2.Response] = field(default_factory=list)
    lost: list[Exception] = field(default_factory=list)  # requests that got no answer

    @property
    def acknowledged(self) -> list[dict[str, Any]]:
        """Return the clients whose registration was answered with 201."""
        return [answer.json() for answer in self.answers if answer.status_code == 201]

    @property
    def refused(self) -> list[httpx2.Response]:
        """Return the answers that were no 201."""
        return [answer for answer in self.answers if answer.status_code != 201]

    def wait_for(self, count: int, statuses: set[int]) -> None:
        """Return when the last *count* answers all had one of *statuses*."""
        start = len(self.answers)
        wait_until(
            lambda: (
                len(self.answers) - start >= count
                and {answer.status_code for answer in self.answers[-count:]} <= statuses
            )
        )


@contextmanager
def load_on(server: RunningServer) -> Iterator[Load]:
    """Register clients at *server* from several threads until the block is left."""
    load, enough = Load(), threading.Event()

    def write() -> None:
        with httpx2.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as client:
            while not enough.is_set():
                try:
                    load.answers.append(client.post("/register", json=DOCUMENT))
                except httpx2.HTTPError as error:
                    load.lost.append(error)

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        yield load
    finally:
        enough.set()
        for writer in writers:
            writer.join()


def wait_until(is_so: Callable[[], bool], *, within: float = PATIENCE) -> None:
    """Return when *is_so*; fails when it takes longer than any machine should."""
    end = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def readiness(server: RunningServer) -> tuple[int, Any]:
    """Return status and parts of ``/readyz``."""
    answer = httpx2.get(f"{server.url}/readyz", trust_env=False)
    return answer.status_code, answer.json()["parts"]


def listed(server: RunningServer, path: str) -> list[dict[str, Any]]:
    """Return every item of a list of the admin API."""
    items: list[dict[str, Any]] = []
    with httpx2.Client(base_url=server.url, trust_env=False, headers=ADMIN) as client:
        cursor: str | None = ""
        while cursor is not None:
            page = client.get(f"/api/v1/{path}", params={"limit": 500, "cursor": cursor}).json()
            items += page["items"]
            cursor = page["next_cursor"]
    return items


def stored_clients(server: RunningServer) -> set[str]:
    """Return the ids of all clients the server knows."""
    return {item["client_id"] for item in listed(server, "clients")}


def registered_events(server: RunningServer) -> list[str]:
    """Return the client ids of all events that tell of a registration."""
    events = [item["event"] for item in listed(server, "audit/events")]
    return [event["client_id"] for event in events if event["tag"] == "client:registered"]


def verdict_on(server: RunningServer) -> Any:
    """Return what ``registrary audit verify`` says."""
    line = command("audit", "verify", "--json", "--store", server.store_url)
    done = subprocess.run(
        line, capture_output=True, check=False, env=environment(), timeout=PATIENCE
    )
    return json.loads(done.stdout)
