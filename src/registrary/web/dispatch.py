"""What ``web`` needs to know of the endpoints it serves."""

from collections.abc import Collection
from typing import Protocol

from registrary.protocol.http import HttpRequest, HttpResponse, Page


class Endpoint(Protocol):
    """One endpoint of one issuer.

    ``HEAD`` is answered from ``GET``, and ``OPTIONS`` of an open endpoint (*cors*) as a preflight,
    without being listed in *methods*; whatever else is not listed is 405. *cors* puts the
    cross-origin headers on every answer, those made here included.
    """

    @property
    def template(self) -> str:
        """Return the route as logs and metrics show it; never a path that was sent."""

    @property
    def methods(self) -> Collection[str]:
        """Return the methods it takes."""

    @property
    def body_limit(self) -> int:
        """Return how many bytes a body may have."""

    @property
    def cors(self) -> bool:
        """Tell whether scripts of any origin may call it."""

    async def __call__(self, request: HttpRequest) -> HttpResponse | Page:
        """Answer *request*."""


class Match(Protocol):
    """Where a path leads: an endpoint, and the path as seen from its issuer."""

    @property
    def path(self) -> str:
        """Return the path below the issuer, still percent-encoded."""

    @property
    def endpoint(self) -> Endpoint:
        """Return who answers."""


class Dispatcher(Protocol):
    """Finds the endpoint of a path."""

    def find(self, host: str, raw_path: str) -> Match | None:
        """Return where *raw_path* leads at *host*, or None.

        *host* is lower-case, without the default port; with one issuer it means nothing.
        *raw_path* is still percent-encoded, free of dot segments, and compared exactly: a final
        slash makes another path, and an encoded slash does not separate.
        """
