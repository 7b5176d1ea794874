"""Counters of the server, in the form Prometheus reads."""

from collections import Counter as Counts
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from registrary.web.gateway import RequestSummary

NO_ROUTE: Final = "(none)"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Counts finished requests by route and status; routes, never paths, so it stays small.

    *process* names one of several processes behind a listener. Each shows its own counters, and
    whoever reads them meets now one, now another: without the name they would seem to jump. Other
    instruments join in *registry*, with *names* and *process* before the labels of their own.
    """

    def __init__(self, process: str | None = None) -> None:
        self.registry = CollectorRegistry()
        self.names = () if process is None else ("process",)
        self.process = () if process is None else (process,)
        self._requests = Counter(
            "registrary_requests",
            "Requests answered.",
            (*self.names, "method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "registrary_request_seconds",
            "Time from the end of a request to its answer.",
            (*self.names, "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._messages = Counter(
            "registrary_messages",
            "Attempts to deliver what others are owed, by what came of them.",
            (*self.names, "purpose", "outcome"),
            registry=self.registry,
        )
        self._pending: list[RequestSummary] = []

    def note(self, summary: RequestSummary) -> None:
        """Note a finished request; it is counted when somebody asks, or a thousand are there."""
        self._pending.append(summary)
        if len(self._pending) >= 1000:  # noqa: PLR2004 - keeps the list small
            self._count()

    def note_message(self, purpose: str, outcome: str) -> None:
        """Note an attempt to deliver a message: delivered, failed, dropped or given_up."""
        self._messages.labels(*self.process, purpose, outcome).inc()

    def text(self) -> bytes:
        """Return all counters in the text format."""
        self._count()
        return generate_latest(self.registry)

    def _count(self) -> None:
        noted, self._pending = self._pending, []
        answers = Counts((one.method, one.template, one.status) for one in noted)
        for (method, template, status), count in answers.items():
            labels = (*self.process, method, template or NO_ROUTE, str(status))
            self._requests.labels(*labels).inc(count)
        routes = {template for _, template, _ in answers}
        observe = {
            template: self._seconds.labels(*self.process, template or NO_ROUTE).observe
            for template in routes
        }
        for one in noted:
            observe[one.template](one.microseconds / 1e6)
