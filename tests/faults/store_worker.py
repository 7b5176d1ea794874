"""A process that writes to a store and says what was acknowledged; run by the tests beside it.

python store_worker.py ACT FILE [NUMBER]
"""

import asyncio
import os
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

from registrary.core.changes import Changes, Consume, Put
from registrary.core.client import Client
from registrary.core.entropy import Draw
from registrary.core.ids import new_event_id, new_id
from registrary.ports.store import Conflict, StoreUnavailable
from registrary.storage.sqlite import SqliteStore, open_sqlite
from registrary.testing.factories import ISSUER_ID, a_client, an_event, full_metadata

COUNTER = "registered"
NO_LIMIT = 1 << 40
WRITERS = 16
REFUSALS = 3  # in a row, before the limit is lifted


def registration(limit: int = NO_LIMIT) -> tuple[Client, Changes]:
    """Return a client nobody else makes, and the write of it with its event and its count."""
    now, draw = datetime.now(UTC), Draw(os.urandom(32))
    client = a_client(client_id=new_id(now, draw), metadata=full_metadata())
    event = an_event(id=new_event_id(now, draw), client_id=client.client_id)
    use = Consume(ISSUER_ID, COUNTER, limit=limit)
    return client, Changes(puts=(Put(client),), events=(event,), consumptions=(use,))


def say(line: str) -> None:
    """Write *line* so that it is outside this process whatever happens to it next."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


async def register_for_ever(store: SqliteStore) -> None:
    """Register from many tasks until somebody ends the process."""

    async def register() -> None:
        while True:
            client, changes = registration()
            await store.commit(changes)
            say(client.client_id)

    await asyncio.gather(*(register() for _ in range(WRITERS)))


async def register_up_to(store: SqliteStore, limit: int) -> None:
    """Try *limit* registrations at once and say which were made before the limit was reached."""

    async def register() -> None:
        client, changes = registration(limit)
        try:
            await store.commit(changes)
        except Conflict:
            return
        say(client.client_id)

    await asyncio.gather(*(register() for _ in range(limit)))


async def outgrow(store: SqliteStore, size: int) -> None:
    """Register until no file may grow beyond *size*; then lift the limit and go on.

    A first refusal may pass by itself: the log beside the file is emptied when the store opens
    its connection again. Three in a row mean that the file itself is at its limit.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    refusals = 0
    while refusals < REFUSALS:
        client, changes = registration()
        try:
            await store.commit(changes)
        except StoreUnavailable as error:
            refusals += 1
            say(f"refused {error}")
        else:
            refusals = 0
            say(client.client_id)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    client, changes = registration()
    await store.commit(changes)
    say(client.client_id)


def protect(path: Path, nobody: int) -> None:
    """Let nobody write to *path* or beside it, not even this process."""
    if os.geteuid() == 0:  # whom no protection stops
        for each in (path.parent, path):
            os.chown(each, nobody, nobody)
        os.setuid(nobody)
    path.chmod(0o400)
    path.parent.chmod(0o500)


def unprotect(path: Path) -> None:
    """Allow its owner to write again."""
    path.parent.chmod(0o700)
    path.chmod(0o600)


async def write_protected(path: Path, nobody: int) -> None:
    """Register, protect folder and file from writing, try again, and once more unprotected."""
    store = open_sqlite(path)
    _, first = registration()
    await store.commit(first)
    await store.close()
    protect(path, nobody)
    try:
        open_sqlite(path)
    except StoreUnavailable as error:
        say(f"refused {error}")
    unprotect(path)

    store = open_sqlite(path)
    client, changes = registration()
    await store.commit(changes)
    say(client.client_id)
    await store.close()


async def main(act: str, path: Path, number: int) -> None:
    """Do *act* on the store in *path*."""
    if act == "write-protected":
        await write_protected(path, number)
        return
    store = open_sqlite(path)
    if act == "for-ever":
        await register_for_ever(store)
    elif act == "up-to":
        await register_up_to(store, number)
    else:
        await outgrow(store, number)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int((sys.argv[3:] or ["0"])[0])))
