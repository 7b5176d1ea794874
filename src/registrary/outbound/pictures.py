"""Logos of clients: fetched through the guard, drawn anew in a process of its own, kept a while."""

import asyncio
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from registrary.ports.fetcher import LOGO_URI, Fetcher, FetchRefused

_KEPT: Final = 200  # pictures in memory; each is at most some 64 KiB
_KEPT_SECONDS: Final = 3600.0
_FAILED_SECONDS: Final = 300.0
_DRAWING_SECONDS: Final = 10.0
_AT_ONCE: Final = 2  # drawings
_AWAITED: Final = 32  # pictures at once, each with its octets in memory; who comes then sees none


class FetchedPictures:
    """Implements ``ports.pictures.Pictures``; asks the same address once an hour at most."""

    def __init__(
        self, fetcher: Fetcher, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetcher = fetcher
        self._monotonic = monotonic
        self._kept: OrderedDict[str, tuple[float, bytes | None]] = OrderedDict()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._awaited: dict[str, asyncio.Task[bytes | None]] = {}

    async def picture(self, url: str) -> bytes | None:
        """Return the picture at *url* as a small PNG; None when there is none that can be shown.

        It is fetched and drawn once for all who ask at the same time: strangers could else have a
        process started with every request.
        """
        until, drawn = self._kept.get(url, (0.0, None))
        if self._monotonic() < until:
            return drawn
        task = self._awaited.get(url)
        if task is None:
            if len(self._awaited) >= _AWAITED:
                return None
            task = self._awaited[url] = asyncio.create_task(self._made(url))
            task.add_done_callback(lambda _: self._awaited.pop(url))
        return await asyncio.shield(task)  # who asked first may be gone by then

    async def _made(self, url: str) -> bytes | None:
        drawn = await self._draw(url)
        length = _FAILED_SECONDS if drawn is None else _KEPT_SECONDS
        self._kept[url] = self._monotonic() + length, drawn
        self._kept.move_to_end(url)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return drawn

    async def _draw(self, url: str) -> bytes | None:
        try:
            fetched = await self._fetcher.fetch(url, purpose=LOGO_URI)
        except FetchRefused:
            return None
        async with self._turns:
            return await _redrawn(fetched.body)


async def _redrawn(octets: bytes) -> bytes | None:
    """Return *octets* drawn anew, None when the drawing process will not have them."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", "registrary.outbound.redraw", stdin=PIPE, stdout=PIPE,
        stderr=DEVNULL, env={},
    )  # fmt: skip
    try:
        async with asyncio.timeout(_DRAWING_SECONDS):
            drawn, _ = await process.communicate(octets)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return drawn if process.returncode == 0 and drawn else None
