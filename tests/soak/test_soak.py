"""A soak finds nothing where nothing is wrong, everything that is, and ends what it started."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from registrary.testing.server import RunningServer, Stores, environment, running_server
from tests.faults.ledger import Outcome
from tests.faults.outage import wait_until
from tests.soak.book import Book, Stop
from tests.soak.examination import Examined, examine
from tests.soak.guests import SOAK_MIX, Guest
from tests.soak.mishaps import MISHAPS, Happening, deck
from tests.soak.report import longest, pause_in, quiet_windows, report
from tests.soak.running import Course, Plan, soak
from tests.soak.scene import scene_in

ROOT = Path(__file__).parents[2]
POSTGRES = pytest.mark.only_on("postgres", because="it starts a primary and a standby")
SHORT = Plan(seconds=20.0, parts=1, callers=4, pause=0.01, quiet=(1.0, 2.0))


@POSTGRES
def test_a_short_soak_finds_nothing(tmp_path: Path) -> None:
    """What runs for half an hour before a release must not have rotted in between."""
    said: list[str] = []

    with scene_in(tmp_path) as scene:
        course = soak(scene, SHORT, said.append)

    assert [] == course.findings, said
    assert course.book.acknowledged_writes > 0
    assert course.happenings
    assert "lost                 0\nduplicated           0\n" in report(course)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[RunningServer]:
    """Run one server for all tests; each has a book of its own."""
    with running_server(
        tmp_path_factory.mktemp("soak"), "--no-rate-limits", stores=stores
    ) as running:
        yield running


def worked(server: RunningServer) -> Book:
    """Return the book of one guest who has done everything."""
    book = Book()
    guest = Guest([server.url, server.url], book, first=0, pause=0.0)
    for operation in [*SOAK_MIX, "visit", "visit", "visit", "register", "register"]:
        guest.turn(operation)
    while not any(granted.revocation is None for granted in book.grants):
        guest.turn("visit")
    while not any(granted.revocation for granted in book.grants):
        guest.turn("revoke" if any(one.revocation is None for one in book.grants) else "visit")
    guest.turn("visit")
    guest.close()
    return book


@pytest.fixture
def book(server: RunningServer) -> Book:
    """Return a book that agrees with the server."""
    book = worked(server)
    assert [] == examine(server.url, book).findings
    return book


def lose_a_client(book: Book) -> str:
    """Claim a registration that never was."""
    # With a token of its own: one that is shown for another client is revoked.
    book.clients.append(replace(book.clients[0], client_id="0" * 32, token="rgy_rat_unknown"))
    return "register"


def lose_an_update(book: Book) -> str:
    """Claim an update that never was."""
    kept = next(client for client in book.clients if client.deletion is None)
    kept.updates += 1
    return "update"


def lose_a_hold(book: Book) -> str:
    """Claim a suspension that never was."""
    next(iter(book.held.values())).holds.acknowledged += 1
    return "suspend"


def lose_a_lift(book: Book) -> str:
    """Claim a resumption that never was."""
    next(iter(book.held.values())).lifts.acknowledged += 1
    return "resume"


def lose_an_allowance(book: Book) -> str:
    """Claim that a person allowed once more than the log tells."""
    next(iter(book.codes.values())).acknowledged += 1
    return "visit"


def lose_a_grant(book: Book) -> str:
    """Claim a grant whose refresh token nobody knows."""
    kept = next(one for one in book.grants if one.revocation is None)
    book.grant(replace(kept, refresh_token="rgy_rt_unknown"))
    return "code"


def lose_a_revocation(book: Book) -> str:
    """Claim that a grant was revoked that lives."""
    kept = next(one for one in book.grants if one.revocation is None)
    kept.revocation = Outcome.ACKNOWLEDGED
    return "revoke"


LOSSES = [
    lose_a_client,
    lose_an_update,
    lose_a_hold,
    lose_a_lift,
    lose_an_allowance,
    lose_a_grant,
    lose_a_revocation,
]


@pytest.mark.parametrize("lie", LOSSES, ids=lambda lie: lie.__name__)
def test_a_loss_is_found(server: RunningServer, book: Book, lie: Callable[[Book], str]) -> None:
    """A soak that cannot fail proves nothing, however long it runs."""
    kind = lie(book)

    examined = examine(server.url, book)

    assert [] != examined.findings
    assert 1 == examined.lost[kind]


def repeat_a_client(book: Book) -> str:
    """Forget a registration, so that what it made is one too many."""
    book.clients.pop()
    return "register"


def repeat_an_update(book: Book) -> str:
    """Forget an update."""
    kept = next(client for client in book.clients if client.updates)
    kept.updates -= 1
    return "update"


def repeat_a_hold(book: Book) -> str:
    """Forget a suspension."""
    next(iter(book.held.values())).holds.acknowledged -= 1
    return "suspend"


@pytest.mark.parametrize(
    "lie", [repeat_a_client, repeat_an_update, repeat_a_hold], ids=lambda lie: lie.__name__
)
def test_what_is_there_twice_is_found(
    server: RunningServer, book: Book, lie: Callable[[Book], str]
) -> None:
    """A write that was repeated behind a caller's back is as wrong as one that is gone."""
    kind = lie(book)

    examined = examine(server.url, book)

    assert [] != examined.findings
    assert 1 == examined.duplicated[kind]


def test_what_breaks_a_soak_is_a_finding() -> None:
    """A soak that ended early must not look like one that went well."""
    course = Course(SHORT, failure="a node did not come back", examined=[Examined()])

    assert ["a node did not come back"] == course.findings


def test_every_kind_of_mishap_comes_before_one_comes_again() -> None:
    """A rare kind that chance left out would count as survived."""
    kinds = deck(Random(1))

    drawn = [next(kinds) for _ in MISHAPS]

    assert sorted(MISHAPS) == sorted(drawn)


@pytest.mark.parametrize(
    ("window", "expected"),
    [((2.5, 2.6), 1.0), ((2.5, 7.5), 5.0), ((0.0, 1.5), 1.0), ((20.0, 30.0), 10.0)],
    ids=["within a pause", "over pauses", "at the beginning", "nothing near"],
)
def test_a_pause_counts_where_it_overlaps(window: tuple[float, float], expected: float) -> None:
    """An outage that began with a mishap and outlasted it is that mishap's, in full."""
    times = [1.0, 2.0, 3.0, 8.0, 8.5]

    assert expected == pytest.approx(pause_in(times, window))


def test_what_nobody_asked_for_is_no_outage() -> None:
    """While everything is looked at, no caller works, and none is refused."""
    course = Course(SHORT, parts=[(0.0, 10.0), (100.0, 110.0)])

    assert 6.0 == pytest.approx(longest(course, [104.0, 4.0, 9.0]))


def test_quiet_is_what_lies_between_mishaps() -> None:
    """Pauses for which nothing can be blamed are told apart."""
    course = Course(SHORT, parts=[(0.0, 10.0)])
    course.happenings = [Happening("a", 2.0, 4.0), Happening("b", 7.0, 8.0)]

    assert [(0.0, 2.0), (4.0, 7.0), (8.0, 10.0)] == list(quiet_windows(course))


def test_the_report_says_how_late_a_suspension_was() -> None:
    """The promise is a second; the figure says how much of it was needed."""
    course = Course(SHORT)
    course.book.stops = [Stop(0, None), Stop(1, 0.25)]

    assert "the last to one who asked 250 ms after it." in report(course)


@POSTGRES
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_an_interrupted_soak_ends_what_it_started(number: signal.Signals) -> None:
    """Nobody wants to look for databases on the machine on which they lost patience."""
    with tempfile.TemporaryDirectory(prefix="soak-test-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as somebody else
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak", "--minutes", "5"],
            cwd=ROOT,
            env=environment() | {"TMPDIR": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_until(lambda: process.poll() is not None or len(processes_of(folder)) > 5)

        process.send_signal(number)
        said, _ = process.communicate(timeout=90)

        assert 130 == process.returncode, said
        wait_until(lambda: not processes_of(folder))
        assert [] == list(Path(folder).iterdir())


def processes_of(folder: str) -> list[str]:
    """Return the processes that were started with files in *folder*."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"TMPDIR={folder}\0".encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found
