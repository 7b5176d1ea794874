"""Running the application under a server process, or several."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial

import msgspec
import uvicorn
from uvicorn.supervisors import Multiprocess

from registrary.config import Settings
from registrary.config.checks import listen_address
from registrary.web.asgi import Application
from registrary.web.http_protocol import HttpProtocol
from registrary.wiring.adapters import open_vault
from registrary.wiring.app import build_app
from registrary.wiring.health import demand_keys
from registrary.wiring.logs import set_up_logging

Greeting = Callable[[Settings], None]


def run_server(settings: Settings, *, greet: Greeting) -> None:
    """Serve until told to stop; *greet* is called once the address is bound.

    A stopping server takes no more connections and finishes what is under way. Raises
    `SettingsError`, `KeyFileError` or `StoreUnavailable` before anything is served.
    """
    asyncio.run(_look_ahead(settings))
    listener = _bind(settings)
    host, port = listener.getsockname()[:2]
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    settings = msgspec.structs.replace(settings, listen=address)
    greet(settings)
    _serve(settings, listener)


async def _look_ahead(settings: Settings) -> None:
    """Open store and keys as every process will, where a failure still reaches the command."""
    vault = open_vault(settings, create=True)
    try:
        await demand_keys(vault)
    finally:
        await vault.store.close()


def _bind(settings: Settings) -> socket.socket:
    host, port = listen_address(settings)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.set_inheritable(True)
    return listener


def _serve(settings: Settings, listener: socket.socket) -> None:
    config = uvicorn.Config(
        partial(_application, settings),
        factory=True,
        loop="uvloop",
        http=HttpProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.http.graceful_seconds,
        ssl_certfile=settings.http.tls_certificate,
        ssl_keyfile=settings.http.tls_private_key,
        workers=settings.workers,
    )
    if settings.workers > 1:
        Multiprocess(config, sockets=[listener]).run()
    else:
        uvicorn.Server(config).run(sockets=[listener])


def _application(settings: Settings) -> Application:
    """Return the application of this process, which may be one of several and just started."""
    set_up_logging(settings.log)
    return build_app(settings)
