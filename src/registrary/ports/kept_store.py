"""A store that outlives the process, with its audit log and the keys it was written with."""

from typing import Protocol

from registrary.ports.audit_log import AuditLog
from registrary.ports.keys import SecretKeys
from registrary.ports.store import Store


class KeysUnusable(Exception):
    """The keys of a store cannot be used. The text names where they are kept, for operators."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


class KeptStore(Store, AuditLog, Protocol):
    """Records and audit log in one place, and what can be said about the place itself."""

    async def problems(self) -> list[str]:
        """Return what is wrong with how the store is kept; for that it is read whole."""
        ...

    async def damage_of_log(self) -> list[str]:
        """Return why the tables of the log cannot be read for certain; nothing else counts then."""
        ...

    async def strays_of_log(self) -> list[str]:
        """Return which rows of the log stand where none belongs, and which rules are changed."""
        ...


class KeptKeys(SecretKeys, Protocol):
    """Keys that are kept with a store, followed when another process changes them.

    *problem* is why what is kept now cannot be used, while keys read before stay in use.
    """

    @property
    def name(self) -> str:
        """Return where they are kept, for operators: a file, or a document in the store."""
        ...

    @property
    def problem(self) -> KeysUnusable | None:
        """Return why what is kept cannot be used, None when all is well."""
        ...

    async def follow(self) -> None:
        """See what another process changed; raises `StoreUnavailable` where the store has them."""
        ...


class KeyDocuments(Protocol):
    """Keeps one document of keys, sealed by whoever made it, for every process on a store."""

    async def key_document(self) -> tuple[int, bytes] | None:
        """Return the document and its revision, None when there never was one."""
        ...

    async def replace_key_document(self, document: bytes, *, expected: int | None) -> None:
        """Put *document* in the place of revision *expected* (None: of nothing), durably.

        Raises `Conflict` when another revision is there by now.
        """
        ...
