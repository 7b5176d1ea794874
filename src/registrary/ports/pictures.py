"""Pictures that clients show themselves with, made safe to show."""

from typing import Protocol


class Pictures(Protocol):
    """Gets pictures from addresses strangers chose, drawn anew so that nothing else is in them."""

    async def picture(self, url: str) -> bytes | None:
        """Return the picture at *url* as a small PNG; None when there is none that can be shown."""
        ...
