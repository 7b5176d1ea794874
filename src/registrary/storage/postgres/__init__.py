"""The store in PostgreSQL: any number of nodes on one database."""

from registrary.storage.postgres.opening import migrate_postgres, open_postgres
from registrary.storage.postgres.options import PostgresOptions
from registrary.storage.postgres.store import PostgresStore

__all__ = ["PostgresOptions", "PostgresStore", "migrate_postgres", "open_postgres"]
