"""The whole application in this process, started and stopped as a server does it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from uvicorn.server import ServerState

from registrary.config import Settings
from registrary.config.settings import KeySettings, RegistrationSettings
from registrary.core.jose import SigningHandle, sign_jwt
from registrary.protocol.client_credentials import ASSERTION_TYPE
from registrary.testing.server import ADMIN_TOKEN, ENCRYPTION_KEY, SQLITE
from registrary.web.asgi import Application, Message
from registrary.web.http_protocol import HttpProtocol
from registrary.wiring.app import build_app

KEYS = KeySettings(encryption_key=ENCRYPTION_KEY)
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


def development(place: Path | str, **members: Any) -> Settings:
    """Return settings of a development server; *place* is its store, or a folder for one."""
    return Settings(dev=True, store=store_at(place), keys=KEYS, admin_token=ADMIN_TOKEN, **members)


def production(place: Path | str, **members: Any) -> Settings:
    """Return settings of a server that anybody may register at; *place* as for development."""
    return Settings(
        issuer="https://id.example",
        store=store_at(place),
        keys=KEYS,
        registration=RegistrationSettings(mode="open"),
        admin_token=ADMIN_TOKEN,
        **members,
    )


def store_at(place: Path | str) -> str:
    """Return the URL of the store at *place*: itself, or that of a file in a folder."""
    return place if isinstance(place, str) else SQLITE.at(place)


@asynccontextmanager
async def living(app: Application) -> AsyncIterator[dict[str, Any]]:
    """Start *app*, and stop it on leaving; yields what its connections share."""
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    outgoing: asyncio.Queue[Message] = asyncio.Queue()
    scope: Message = {"type": "lifespan", "state": {}}
    life = asyncio.create_task(app(scope, incoming.get, outgoing.put))
    await incoming.put({"type": "lifespan.startup"})
    started = asyncio.create_task(outgoing.get())
    await asyncio.wait((life, started), return_when=asyncio.FIRST_COMPLETED)
    if not started.done():
        started.cancel()
        life.result()
    try:
        yield scope["state"]
    finally:
        await incoming.put({"type": "lifespan.shutdown"})
        await life


@asynccontextmanager
async def serving(
    settings: Settings, *, environment: Mapping[str, str] | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """Run the application of *settings* on a free port; yields a client that speaks to it."""
    app = build_app(settings, environment=environment or {})
    async with living(app) as state:
        loop = asyncio.get_running_loop()
        connection = partial(
            HttpProtocol, uvicorn.Config(app, log_config=None), ServerState(), state
        )
        listener = await loop.create_server(connection, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30
        ) as client:
            yield client
        listener.close()


async def ask_by_assertion(
    http: httpx2.AsyncClient, client_id: str, handle: SigningHandle
) -> httpx2.Response:
    """Ask for a token in the client's own name with an assertion signed by *handle*."""
    metadata = (await http.get("/.well-known/oauth-authorization-server")).json()
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": metadata["issuer"],
        "iat": now,
        "exp": now + 60,
        "jti": os.urandom(8).hex(),
    }
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": sign_jwt(claims, handle),
    }
    return await http.post("/token", data=form)
