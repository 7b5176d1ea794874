"""What the role of a server may do: read, write records, append to the log, and nothing else."""

from collections.abc import Iterator, Mapping
from typing import Final

from registrary.storage.shared.kinds import KINDS

RIGHTS: Final[Mapping[str, str]] = {
    kind.name: "SELECT, INSERT, UPDATE" if kind.stays else "SELECT, INSERT, UPDATE, DELETE"
    for kind in KINDS
} | {
    "counter": "SELECT, INSERT, UPDATE",
    "event": "SELECT, INSERT",
    "waiting_event": "SELECT, INSERT, DELETE",
    "event_log": "SELECT, INSERT (issuer), UPDATE (size)",
    "event_place": "SELECT, INSERT",
    "tile": "SELECT, INSERT, UPDATE (hashes)",
    "checkpoint": "SELECT, INSERT",
    "change": "SELECT, INSERT, DELETE",
    "key_document": "SELECT, INSERT, UPDATE",
    "rate": "SELECT, INSERT, UPDATE, DELETE",
    "schema_version": "SELECT",
}
"""The rights on each table. Partitions have none: they are reached through their table."""


def grants_to(role: str) -> Iterator[str]:
    """Yield the statements that give *role*, a quoted name, exactly these rights."""
    yield f"GRANT USAGE ON SCHEMA registrary TO {role}"
    for table, rights in RIGHTS.items():
        yield f"REVOKE ALL ON registrary.{table} FROM {role}"
        yield f"GRANT {rights} ON registrary.{table} TO {role}"
    for function in ("prepare_partitions(integer)", "prepare_partition(timestamptz)"):
        yield f"GRANT EXECUTE ON FUNCTION registrary.{function} TO {role}"
