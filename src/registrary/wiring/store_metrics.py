"""What is counted of the store, in the form Prometheus reads."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from registrary.core.changes import Changes
from registrary.ports.audit_log import AuditLog
from registrary.ports.clock import Clock
from registrary.ports.leadership import Leadership
from registrary.ports.store import Conflict, PageOf, Store, StoreUnavailable
from registrary.storage.shared.passing import PassingStore
from registrary.web.metrics import Metrics

R = TypeVar("R")

WAITING_LIMIT: Final = 1000  # events of an issuer; how many more wait does not matter then
_OUTCOMES: Final = ("done", "conflict", "unavailable")
_OPERATIONS: Final = ("read", "commit")
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_COMMITS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class StoreMetrics:
    """Counters, histograms and gauges about the store, beside those of *metrics*."""

    def __init__(self, metrics: Metrics) -> None:
        self._names, self._process = metrics.names, metrics.process
        self._registry = metrics.registry
        commits = Counter(
            "registrary_store_commits",
            "Commits by what came of them: done, conflict or unavailable.",
            (*self._names, "outcome"),
            registry=self._registry,
        )
        self._commit_seconds = self._histogram(
            "registrary_store_commit_seconds", "Time until a commit is on disk.", _SECONDS
        )
        self._batch_commits = self._histogram(
            "registrary_store_batch_commits", "Commits that were written at once.", _COMMITS
        )
        outages = Counter(
            "registrary_store_outages",
            "Reads and commits that the store could not do.",
            (*self._names, "operation"),
            registry=self._registry,
        )
        self._swept = Counter(
            "registrary_swept",
            "Records removed because they had ended.",
            (*self._names, "kind"),
            registry=self._registry,
        )
        self._job_failures = Counter(
            "registrary_job_failures",
            "Runs of a timed job that failed.",
            (*self._names, "job"),
            registry=self._registry,
        )
        self._waiting = self._gauge(
            "registrary_events_waiting", "Events without a place in the log."
        )
        self._oldest = self._gauge(
            "registrary_events_waiting_oldest_seconds", "How long the oldest of them has waited."
        )

        # What never happened is zero, and not unknown: alerts compare with it.
        self._commits = {name: commits.labels(*self._process, name) for name in _OUTCOMES}
        self._outages = {name: outages.labels(*self._process, name) for name in _OPERATIONS}

    def note_commit(self, outcome: str, seconds: float) -> None:
        """Note a commit, and how long it took."""
        self._commits[outcome].inc()
        self._commit_seconds.observe(seconds)

    def note_batch(self, commits: int) -> None:
        """Note that so many commits were written at once."""
        self._batch_commits.observe(commits)

    def note_outage(self, operation: str) -> None:
        """Note a read or a commit that the store could not do."""
        self._outages[operation].inc()

    def note_swept(self, kind: str, count: int) -> None:
        """Note that records of *kind* were removed."""
        self._swept.labels(*self._process, kind).inc(count)

    def note_job_failure(self, job: str) -> None:
        """Note that a run of *job* failed."""
        self._job_failures.labels(*self._process, job).inc()

    def show(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Show what *value* returns whenever somebody looks; *name* is without our prefix."""
        self._gauge(f"registrary_{name}", meaning).set_function(value)

    def show_count(
        self, name: str, meaning: str, values: Sequence[tuple[str, Callable[[], float]]]
    ) -> None:
        """Show counts that others keep, by their outcome."""
        shelf = (f"registrary_{name}", meaning, (*self._names, "outcome"))
        self._registry.register(_Counts(shelf, self._process, values))

    async def look_at_log(self, log: AuditLog, issuers: Sequence[str], clock: Clock) -> None:
        """Count the events of *issuers* that wait for their place."""
        waiting = [await log.waiting(issuer, limit=WAITING_LIMIT) for issuer in issuers]
        now, oldest = clock.now(), [events[0].time for events in waiting if events]
        self._waiting.set(sum(map(len, waiting)))
        self._oldest.set(_age(oldest, now).total_seconds())

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float]) -> Histogram:
        made = Histogram(name, meaning, self._names, buckets=buckets, registry=self._registry)
        return made.labels(*self._process) if self._process else made

    def _gauge(self, name: str, meaning: str) -> Gauge:
        made = Gauge(name, meaning, self._names, registry=self._registry)
        return made.labels(*self._process) if self._process else made


class _Counts(Collector):
    """Shows counts that somebody else keeps."""

    def __init__(
        self,
        shelf: tuple[str, str, tuple[str, ...]],
        process: tuple[str, ...],
        values: Sequence[tuple[str, Callable[[], float]]],
    ) -> None:
        self._shelf = shelf
        self._process = process
        self._values = values

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield what is shown now."""
        name, meaning, labels = self._shelf
        family = CounterMetricFamily(name, meaning, labels=labels)
        for label, value in self._values:
            family.add_metric((*self._process, label), value())
        yield family


def _age(moments: Sequence[datetime], now: datetime) -> timedelta:
    return max([now - moment for moment in moments], default=timedelta(0))


class MeasuredStore(PassingStore):
    """A `Store` whose commits and outages are counted."""

    def __init__(self, store: Store, metrics: StoreMetrics) -> None:
        super().__init__(store)
        self._metrics = metrics

    async def commit(self, changes: Changes) -> None:
        """Make all of *changes* durable, or nothing."""
        started, outcome = time.perf_counter(), "unavailable"
        try:
            await self._store.commit(changes)
            outcome = "done"
        except Conflict:
            outcome = "conflict"
            raise
        except StoreUnavailable:
            self._metrics.note_outage("commit")
            raise
        finally:
            self._metrics.note_commit(outcome, time.perf_counter() - started)

    async def get(self, record_type: type[R], issuer: str, key: str) -> R | None:
        """Return the record of *record_type* with *key*, or None."""
        try:
            return await self._store.get(record_type, issuer, key)
        except StoreUnavailable:
            self._metrics.note_outage("read")
            raise

    async def page(
        self,
        record_type: type[R],
        issuer: str,
        *,
        after: str | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> PageOf[R]:
        """Return up to *limit* records with keys behind *after*."""
        try:
            return await self._store.page(
                record_type, issuer, after=after, limit=limit, descending=descending
            )
        except StoreUnavailable:
            self._metrics.note_outage("read")
            raise


def show_leader(metrics: StoreMetrics, leadership: Leadership) -> None:
    """Show whether this process leads."""
    metrics.show(
        "leader",
        "Whether this process does what one is enough for.",
        lambda: float(leadership.leads()),
    )
