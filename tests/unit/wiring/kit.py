"""The whole application in this process, started and stopped as a server does it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from registrary.config import Settings
from registrary.config.settings import RegistrationSettings
from registrary.testing.server import ADMIN_TOKEN
from registrary.web.asgi import Application
from registrary.wiring.app import build_app

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


def development(folder: Path, **members: Any) -> Settings:
    """Return settings of a development server whose store lies in *folder*."""
    store = f"sqlite:///{folder / 'registrary.db'}"
    return Settings(dev=True, store=store, admin_token=ADMIN_TOKEN, **members)


def production(folder: Path, **members: Any) -> Settings:
    """Return settings of a server that anybody may register at; its store lies in *folder*."""
    return Settings(
        issuer="https://id.example",
        store=f"sqlite:///{folder / 'registrary.db'}",
        registration=RegistrationSettings(mode="open"),
        admin_token=ADMIN_TOKEN,
        **members,
    )


@asynccontextmanager
async def living(app: Application) -> AsyncIterator[None]:
    """Start *app*, and stop it on leaving."""
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outgoing: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan"}, incoming.get, outgoing.put))
    await incoming.put({"type": "lifespan.startup"})
    started = asyncio.create_task(outgoing.get())
    await asyncio.wait((life, started), return_when=asyncio.FIRST_COMPLETED)
    if not started.done():
        started.cancel()
        life.result()
    try:
        yield
    finally:
        await incoming.put({"type": "lifespan.shutdown"})
        await life


@asynccontextmanager
async def serving(
    settings: Settings, *, environment: Mapping[str, str] | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """Run the application of *settings*; yields a client that speaks to it."""
    app = build_app(settings, environment=environment or {})
    async with living(app):
        transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 1))
        base_url = f"http://{settings.listen}"
        async with httpx2.AsyncClient(transport=transport, base_url=base_url) as client:
            yield client
