"""Processes that die, grow too large or write side by side leave a store that is whole."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from registrary.core.client import Client
from registrary.storage.sqlite import open_sqlite
from registrary.testing.factories import ISSUER_ID

WORKER = Path(__file__).with_name("store_worker.py")
COUNTER = "registered"
# More rounds are asked for by name where there is time.
ROUNDS = int(os.environ.get("POWER_CUT_ROUNDS", "4"))
BEFORE_THE_KILL = (0.15, 0.4, 0.25, 0.6)  # seconds of writing, to hit different moments
REFUSALS = 3  # in a row, before the worker lifts the limit
NOBODY = 65534  # a user who owns nothing
SIZE_LIMIT = 1_500_000  # bytes no file may outgrow; the write-ahead log meets it first


def worker(act: str, path: Path, number: int = 0) -> "subprocess.Popen[str]":
    """Start a process that writes to *path* and tells what was acknowledged."""
    command = [sys.executable, str(WORKER), act, str(path), str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def assert_whole(path: Path, acknowledged: list[str]) -> None:
    """Check that *acknowledged* are stored, each client with its event and its count."""
    store = open_sqlite(path)

    clients, after = set(), None
    while True:
        page = await store.page(Client, ISSUER_ID, after=after, limit=1000)
        clients |= {client.client_id for client in page.records}
        after = page.next_after
        if after is None:
            break
    waiting = await store.waiting(ISSUER_ID, limit=1_000_000)
    of_events = {event.client_id for event in await store.recent_events(ISSUER_ID, limit=1_000_000)}

    assert set(acknowledged) <= clients
    assert clients == of_events
    assert len(clients) == len(waiting) == await store.counter(ISSUER_ID, COUNTER)
    assert [] == await store.problems()
    await store.close()


@pytest.mark.anyio
async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path):
    """A client that holds a 201 in its hands is registered, and nobody is by half."""
    path, acknowledged = tmp_path / "store.db", []

    for turn in range(ROUNDS):
        process = worker("for-ever", path)
        assert process.stdout is not None
        acknowledged.append(process.stdout.readline().strip())  # it is writing now
        await asyncio.sleep(BEFORE_THE_KILL[turn % len(BEFORE_THE_KILL)])
        process.send_signal(signal.SIGKILL)
        acknowledged += [line for line in process.stdout.read().split("\n") if line]
        process.wait()
        process.stdout.close()

        await assert_whole(path, acknowledged)

    assert len(acknowledged) > ROUNDS


@pytest.mark.anyio
async def test_two_processes_share_one_limit(tmp_path):
    """A token for sixty registrations makes sixty, however many workers take part."""
    path = tmp_path / "store.db"

    processes = [worker("up-to", path, 60) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]

    acknowledged = "".join(outputs).split()
    assert [0, 0] == [process.returncode for process in processes]
    assert 60 == len(set(acknowledged)) == len(acknowledged)
    await assert_whole(path, acknowledged)


@pytest.mark.anyio
async def test_what_another_process_wrote_is_read_at_once(tmp_path):
    """A client made by a command may be used at the server without delay."""
    store = open_sqlite(tmp_path / "store.db")
    assert 0 == await store.counter(ISSUER_ID, COUNTER)

    process = worker("for-ever", tmp_path / "store.db")
    assert process.stdout is not None
    try:
        for _ in range(100):
            client_id = process.stdout.readline().strip()
            assert await store.get(Client, ISSUER_ID, client_id) is not None
    finally:
        process.kill()
        process.communicate()
        await store.close()


@pytest.mark.anyio
async def test_a_file_that_may_not_grow_is_survived_without_restart(tmp_path):
    """Real writes that the kernel refuses: a clear refusal, nothing torn, and on it goes."""
    path = tmp_path / "store.db"

    process = worker("outgrow", path, SIZE_LIMIT)
    output, _ = process.communicate(timeout=60)

    lines = output.splitlines()
    refusals = [line for line in lines if line.startswith("refused")]
    assert 0 == process.returncode
    assert REFUSALS <= len(refusals)
    assert all("look at the disk and its space" in line for line in refusals)
    assert [True] * REFUSALS + [False] == [line in refusals for line in lines[-REFUSALS - 1 :]]
    await assert_whole(path, [line for line in lines if "refused" not in line])


@pytest.mark.anyio
async def test_a_write_protected_file_is_refused_and_then_taken_again():
    """A restored backup with the wrong owner is explained at start, and easily put right."""
    with tempfile.TemporaryDirectory() as folder:  # unlike tmp_path, others may come this far
        path = Path(folder) / "store.db"

        process = worker("write-protected", path, NOBODY)
        output, _ = process.communicate(timeout=60)

        lines = output.splitlines()
        assert 0 == process.returncode
        assert [f"refused {path}"] == [line[: len(f"refused {path}")] for line in lines[:-1]]
        assert "look at its" in lines[0]
        assert 32 == len(lines[-1])
