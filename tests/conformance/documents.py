"""The address at which the suite keeps what the server fetches, and is called back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from typing import Any, Final

import msgspec
from anyio.from_thread import start_blocking_portal
from PIL import Image

from registrary.testing.hostile import HostileServer
from registrary.testing.hostile.server import SeenRequest

PATIENCE_SECONDS: Final = 30  # for what a server sends in its own time
_PAUSE_SECONDS: Final = 0.02


@dataclass(frozen=True)
class Documents:
    """Publishes documents on this machine and keeps what was asked of it."""

    host: HostileServer
    numbers: Iterator[int] = field(default_factory=count)

    def address(self, name: str) -> str:
        """Return a new address whose path ends in *name*."""
        return self.host.url(f"/{next(self.numbers)}/{name}")

    def publish(self, address: str, document: Any) -> str:  # Any: JSON
        """Answer *address* with *document* as JSON from now on, and return it."""
        self._publish(address, msgspec.json.encode(document), "application/json")
        return address

    def publish_text(self, address: str, text: str, *, media_type: str) -> str:
        """Answer *address* with *text* from now on, and return it."""
        self._publish(address, text.encode(), media_type)
        return address

    def publish_picture(self, address: str) -> str:
        """Answer *address* with a small picture from now on, and return it."""
        file = BytesIO()
        Image.new("RGB", (32, 32), "orange").save(file, "PNG")
        self._publish(address, file.getvalue(), "image/png")
        return address

    def await_request(self, address: str) -> SeenRequest:
        """Return the first request to *address*; fail when none comes."""
        path = _path(address)
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            for request in list(self.host.requests):
                if request.target == path:
                    return request
            time.sleep(_PAUSE_SECONDS)
        raise AssertionError(f"nobody asked for {path}")

    def _publish(self, address: str, body: bytes, media_type: str) -> None:
        self.host.publish(_path(address), body, media_type=media_type)


@contextmanager
def open_documents() -> Iterator[Documents]:
    """Serve documents beside the tests until the block ends."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(HostileServer()) as host,
    ):
        yield Documents(host)


def _path(address: str) -> str:
    return "/" + address.partition("#")[0].split("/", 3)[3]
