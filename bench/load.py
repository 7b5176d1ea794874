"""The load generator: raw keep-alive connections on uvloop, in a process of its own.

``python -m bench.load`` takes one job a line on standard input and answers with two: ``ready`` once
the connections stand (so that the caller can read the server's clocks), then, after the caller's
``go``, the outcome. It does as little as it can per answer, so that the server is what is measured:
the status and the length of the body are all it reads.
"""

import asyncio
import base64
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle
from typing import cast

import uvloop

from bench.documents import numbered

GRACE_SECONDS = 20.0
"""How long past its time a job waits for answers that are under way."""

_END_OF_HEAD = b"\r\n\r\n"


@dataclass(slots=True)
class Job:
    """What to send: *requests* in turn, each numbered from *first*, until time or number is up.

    The connections are shared out among the *ports*.
    """

    ports: list[int]
    connections: int
    seconds: float
    limit: int
    expected: int
    requests: list[bytes]
    first: int | None = None


@dataclass(slots=True)
class Tally:
    """What came back: seconds each good answer took, and why others were none."""

    latencies: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    sent: int = 0


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way at a time."""

    def __init__(self, job: Job, tally: Tally, finished: asyncio.Event) -> None:
        self._job = job
        self._tally = tally
        self._finished = finished
        self._expected = b"%d" % job.expected
        self._buffer = b""
        self._deadline = 0.0
        self._sent_at = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport until the job starts."""
        writable = cast("asyncio.WriteTransport", transport)  # uvloop's do not derive from it
        self._transport = writable

    def start(self, deadline: float) -> None:
        """Send the first request; none after *deadline* (of ``perf_counter``)."""
        self._deadline = deadline
        self._send()

    def data_received(self, data: bytes) -> None:
        """Collect one answer, count it, and send the next request."""
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(_END_OF_HEAD)
        if end < 0 or len(buffer) < end + 4 + _length(buffer[:end]):
            return
        self._buffer = b""
        if buffer[9:12] == self._expected:
            self._tally.latencies.append(time.perf_counter() - self._sent_at)
        else:
            self._tally.failures[f"status {buffer[9:12].decode('latin-1')}"] += 1
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count an answer that never came; a connection that is done is no failure."""
        if not self._finished.is_set():
            self._tally.failures["connection lost"] += 1
            self._finished.set()

    def close(self) -> None:
        """Close from this side."""
        self._finished.set()
        if self._transport:
            self._transport.close()

    def _send(self) -> None:
        job, tally, number = self._job, self._tally, self._tally.sent
        now = self._sent_at = time.perf_counter()
        if now >= self._deadline or number >= job.limit or self._transport is None:
            self._finished.set()
            return
        tally.sent = number + 1
        request = job.requests[number % len(job.requests)]
        if job.first is not None:
            request = numbered(request, job.first + number)
        self._transport.write(request)


def _length(head: bytes) -> int:
    """Return the length of the body *head* announces; the bench's servers never chunk."""
    name = head.lower().find(b"\r\ncontent-length:")
    if name < 0:
        raise ValueError("the answer has no Content-Length")
    return int(head[name + 17 :].split(b"\r\n", 1)[0])


async def run(job: Job) -> dict[str, object]:
    """Connect, announce ``ready``, wait for the line ``go``, run *job* and return its outcome."""
    tally = Tally()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: _broke(tally, context))
    events = [asyncio.Event() for _ in range(job.connections)]
    connections = []
    for event, port in zip(events, cycle(job.ports), strict=False):
        made = await loop.create_connection(
            lambda event=event: Connection(job, tally, event),  # type: ignore[misc]  # default binds
            "127.0.0.1",
            port,
        )
        connections.append(made[1])
    _say({"ready": True})
    # Blocks the loop on purpose: nothing may move before the caller has read the clocks.
    sys.stdin.readline()
    started = time.perf_counter()
    for connection in connections:
        connection.start(started + job.seconds)
    waiting = asyncio.gather(*(event.wait() for event in events))
    try:
        await asyncio.wait_for(waiting, job.seconds + GRACE_SECONDS)
    except TimeoutError:
        tally.failures["no answer in time"] += sum(not event.is_set() for event in events)
    elapsed = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return _outcome(tally, elapsed)


def _broke(tally: Tally, context: dict[str, object]) -> None:
    tally.failures[f"generator: {context.get('exception') or context['message']!r}"] += 1


def _outcome(tally: Tally, elapsed: float) -> dict[str, object]:
    ordered = sorted(tally.latencies) or [0.0]
    return {
        "answers": len(tally.latencies),
        "seconds": elapsed,
        "median_seconds": ordered[len(ordered) // 2],
        "p99_seconds": ordered[len(ordered) * 99 // 100],
        "failures": dict(tally.failures),
        "sent": tally.sent,
    }


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run jobs from standard input until it ends."""
    for line in iter(sys.stdin.readline, ""):
        fields = json.loads(line)
        fields["requests"] = [base64.b64decode(text) for text in fields["requests"]]
        try:
            _say(uvloop.run(run(Job(**fields))))
        except OSError as error:
            _say({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
