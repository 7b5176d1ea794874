"""One PostgreSQL for all processes of a run of the tests; it ends with the last of them."""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from registrary.testing.postgres import FAST, Cluster
from registrary.testing.postgres_program import Program

_USERS: Final = "users"  # in the cluster's folder; each process that uses it has a lock on it
# What this process started and may outlive it: forgetting a running process draws a warning.
_outliving: Final[list[Cluster]] = []


@contextmanager
def shared_cluster(place: Path, prepare: Callable[[Cluster], None]) -> Iterator[Cluster]:
    """Join the cluster of the run that *place* belongs to, or start and *prepare* it.

    The kernel takes a process's lock on it away when that process dies, so that it outlives none
    of its users, however these end.
    """
    place.mkdir(parents=True, exist_ok=True)
    with (place / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cluster, hold = _joined(place) or _started(place, prepare)
    with hold:
        yield cluster


def _joined(place: Path) -> tuple[Cluster, IO[str]] | None:
    """Return the cluster that runs for *place*, with our hold on it; None where none does."""
    try:
        found = json.loads((place / "postgres.json").read_text())
        hold = (Path(found["folder"]) / _USERS).open()
    except FileNotFoundError:
        return None
    cluster = Cluster(Program.find(), Path(found["folder"]), found["port"])
    try:
        fcntl.flock(hold, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:  # its last user has gone, and so does it
        hold.close()
        return None
    if cluster.answers:
        return cluster, hold
    hold.close()
    return None


def _started(place: Path, prepare: Callable[[Cluster], None]) -> tuple[Cluster, IO[str]]:
    """Start a cluster and say in *place* where it is."""
    cluster = Cluster.create(FAST)
    _outliving.append(cluster)
    cluster.until_free = cluster.folder / _USERS
    hold = cluster.until_free.open("w")
    fcntl.flock(hold, fcntl.LOCK_SH)
    try:
        cluster.start()
        prepare(cluster)
    except BaseException:
        hold.close()
        raise
    found = {"folder": str(cluster.folder), "port": cluster.port}
    (place / "postgres.json").write_text(json.dumps(found))
    return cluster, hold
