"""What ``registrary doctor`` finds about a store in PostgreSQL."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from registrary.config import Settings
from registrary.config.store_url import direct_url, store_url
from registrary.keys.stored import SealedKeys
from registrary.ports.kept_store import KeysUnusable
from registrary.ports.store import StoreUnavailable
from registrary.storage.postgres.examination import DatabaseFacts, examine
from registrary.wiring.adapters import Vault
from registrary.wiring.database import open_database, postgres_options
from registrary.wiring.health import CLOCK_TOLERANCE, SET_THE_CLOCK, Finding
from registrary.wiring.health import examine as examine_content

FULL: Final = 0.9  # of the server's connections in use: the next node may not get any
_SHOWN: Final = 5  # lines of what is wrong with the database


async def examine_database(settings: Settings, *, thorough: bool) -> list[Finding]:
    """Return what is good and what is not about the database of *settings* and what is in it.

    *thorough* reads all of it.
    """
    try:
        facts = await examine(store_url(settings), postgres_options(settings))
    except StoreUnavailable as error:
        return [_problem("store", str(error))]
    findings = [*_of_the_server(facts, settings), *_of_the_schema(facts)]
    findings += await _direct(settings)
    if facts.schema_problem is None:
        findings += await _of_the_content(settings, thorough=thorough)
    return findings


def _of_the_server(facts: DatabaseFacts, settings: Settings) -> Iterator[Finding]:
    yield Finding(
        "PostgreSQL",
        not facts.is_standby,
        f"{facts.version}, {facts.database_bytes // 2**20} MiB"
        + (", a standby that takes no writes" if facts.is_standby else ""),
        "Name the primary in the store's URL, or all servers: postgresql://USER@ONE,OTHER/DATABASE.",
    )
    yield _role(facts)
    yield _durability(facts)
    yield _replication(facts)
    used, limit = facts.connections_used, facts.connections_limit
    yield Finding(
        "connections",
        used < FULL * limit,
        f"{used} of {limit} in use; a process takes {settings.postgres.connections + 1} at most",
        "Raise max_connections, lower postgres.connections, or put a pooler in between.",
    )
    skew = facts.skew / timedelta(seconds=1)
    seen = f"{abs(skew):.1f} seconds {'ahead of' if skew > 0 else 'behind'} ours"
    yield Finding("database clock", abs(facts.skew) <= CLOCK_TOLERANCE, seen, SET_THE_CLOCK)


def _role(facts: DatabaseFacts) -> Finding:
    whole = "registrary migrate --application-role NAME gives a role just what a server needs."
    if facts.is_superuser:
        return _note("role", f"{facts.role}, a superuser", whole)
    if facts.owns_tables:
        return _note("role", f"{facts.role}, owner of the tables", whole)
    if facts.excess:
        seen = f"{facts.role}, which may also {', '.join(facts.excess)}"
        return _problem("role", seen, f"Nobody needs that who appends to the log. {whole}")
    return _good("role", facts.role)


def _durability(facts: DatabaseFacts) -> Finding:
    off = [name for name, value in facts.durability.items() if value == "off"]
    return Finding(
        "durability",
        not off,
        f"off: {', '.join(off)}" if off else "what is acknowledged is on disk",
        "Switch it on: a crash of the machine can lose what was acknowledged, or all of it.",
    )


def _replication(facts: DatabaseFacts) -> Finding:
    names = facts.durability["synchronous_standby_names"]
    level = facts.durability["synchronous_commit"]
    if names and level not in ("off", "local"):
        return _good("replication", f"commits wait for {names}")
    return _note(
        "replication",
        "commits wait for no other server",
        "Without a synchronous standby what was acknowledged is lost with the server's disk.",
    )


def _of_the_schema(facts: DatabaseFacts) -> Iterator[Finding]:
    found, known = facts.schema, facts.newest_schema
    seen = f"version {found}" if found == known else f"version {found}, this program has {known}"
    yield Finding(
        "schema",
        facts.schema_problem is None,
        seen if found else "there is none yet",
        facts.schema_problem or "",
    )
    if facts.partitions_ahead is None:
        return
    yield Finding(
        "partitions",
        facts.partitions_ahead > 0,
        f"of {facts.partitions_ahead} months to come",
        "Start a server; it makes them. Events of a month without one go to event_otherwise.",
    )
    if facts.has_misplaced_events:
        yield _note(
            "event_otherwise",
            "holds events of months that had no partition",
            "They are safe there; the partition of their month cannot be made any more.",
        )


async def _direct(settings: Settings) -> list[Finding]:
    url = direct_url(settings)
    if url is None and settings.postgres.pooled:
        advice = "Nodes look for changes four times a second; postgres.direct lets them be called."
        return [_note("direct connection", "there is none past the pooler", advice)]
    if url is None:
        return []
    try:
        facts = await examine(url, postgres_options(settings))
    except StoreUnavailable as error:
        advice = "Nodes hear of changes a quarter of a second late, by looking for them."
        return [_problem("direct connection", str(error), advice)]
    return [_good("direct connection", facts.address)]


async def _of_the_content(settings: Settings, *, thorough: bool) -> Sequence[Finding]:
    try:
        store, keys = await open_database(settings, create=False)
    except KeysUnusable as error:
        return [_problem("keys", str(error))]
    except StoreUnavailable as error:
        return [_problem("store", str(error))]
    try:
        vault = Vault(store, keys)
        findings = [*await examine_content(vault), *_seal_of(keys, settings)]
        if thorough:
            problems = [*await store.problems(), *await store.strays_of_log()]
            seen = "; ".join(problems[:_SHOWN]) or "every table was read"
            advice = "Look at the server's log and disk, and restore a backup elsewhere to compare."
            findings.append(Finding("damage", not problems, seen, advice))
    finally:
        await store.close()
    return findings


def _seal_of(keys: SealedKeys, settings: Settings) -> Iterator[Finding]:
    if keys.wants_resealing:
        yield _note(
            "seal",
            f"the keys are sealed under the previous key, {keys.sealed_under}",
            "Once every server was started with both: registrary keys reseal.",
        )
    elif settings.keys.previous_encryption_key is not None:
        yield _note(
            "seal",
            f"the keys are sealed under the current key, {keys.sealed_under}",
            "Nobody needs keys.previous_encryption_key any more.",
        )


def _good(name: str, seen: str) -> Finding:
    return Finding(name, good=True, seen=seen)


def _note(name: str, seen: str, advice: str) -> Finding:
    return Finding(name, good=True, seen=seen, advice=advice, is_note=True)


def _problem(name: str, seen: str, advice: str = "") -> Finding:
    return Finding(name, good=False, seen=seen, advice=advice)
