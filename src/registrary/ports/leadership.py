"""Which of several processes does what one is enough for."""

from typing import Protocol


class Leadership(Protocol):
    """Knows whether this process leads those that share a store.

    It saves work and is no lock: for moments two may lead, and what leaders do is safe when two
    do it.
    """

    def leads(self) -> bool:
        """Tell whether this process leads now."""
        ...


class EverybodyLeads:
    """Where processes cannot agree, or there is one: each does everything."""

    def leads(self) -> bool:
        """Say yes."""
        return True
