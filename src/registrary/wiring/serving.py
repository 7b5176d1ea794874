"""Running the application under a server process, or several."""

import asyncio
import logging
import os
import signal
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Final

import msgspec
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from registrary.config import Settings, SettingsError
from registrary.config.checks import admin_address, listen_address
from registrary.config.settings import HttpSettings
from registrary.web.asgi import Application
from registrary.web.http_protocol import HttpProtocol
from registrary.web.tls import AskingContext
from registrary.wiring.adapters import client_authorities, open_vault, outbound_trust
from registrary.wiring.app import build_app
from registrary.wiring.health import demand_keys
from registrary.wiring.logs import set_up_logging

Greeting = Callable[[Settings], None]

FAILED: Final = 1
SILENT_SECONDS: Final = 30  # a worker that says nothing for so long is replaced
ANSWER_SECONDS: Final = 1  # after which a worker is asked once more
RESTART_SECONDS: Final = 3  # between two attempts to replace workers that cannot start
_log: Final = logging.getLogger("registrary.workers")


def run_server(settings: Settings, *, greet: Greeting) -> None:
    """Serve until told to stop; *greet* is called once the addresses are bound.

    A stopping server takes no more connections and finishes what is under way, then the process
    ends with 0. Raises `SettingsError`, `KeysUnusable`, `StoreUnavailable` or `OSError` before
    anything is served.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    asyncio.run(_look_ahead(settings))
    listeners = [_bind(*listen_address(settings))]
    settings = msgspec.structs.replace(settings, listen=_address_of(listeners[0]))
    apart = admin_address(settings)
    if apart is not None:
        listeners.append(_bind(*apart))
        http = msgspec.structs.replace(settings.http, admin_listen=_address_of(listeners[1]))
        settings = msgspec.structs.replace(settings, http=http)
    greet(settings)
    _serve(settings, listeners)


def _stopped(number: int, frame: FrameType | None) -> None:
    """End well: told before serving, or by uvicorn once it has finished what was under way."""
    del number, frame
    raise SystemExit(0)


async def _look_ahead(settings: Settings) -> None:
    """Open store, keys and certificates as every process will.

    Here a failure still reaches the command; a worker's would only make another worker start.
    """
    _load_certificate(settings.http)
    client_authorities(settings.http)
    outbound_trust(os.environ)
    vault = await open_vault(settings, create=True)
    try:
        await demand_keys(vault)
    finally:
        await vault.store.close()


def _load_certificate(settings: HttpSettings) -> None:
    if settings.tls_certificate is None or settings.tls_private_key is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            settings.tls_certificate,
            settings.tls_private_key,
            password="",  # an encrypted key would be asked about at a terminal nobody watches
        )
        if settings.tls_client_certificates == "optional":
            AskingContext(settings.tls_certificate, settings.tls_private_key)
    except (ssl.SSLError, ValueError) as error:
        raise SettingsError(
            "http.tls_certificate and http.tls_private_key must be PEM files of a certificate and "
            "of its key, unencrypted"
        ) from error
    except OSError as error:
        raise SettingsError(
            f"http.tls_certificate or http.tls_private_key cannot be read: {error.strerror}"
        ) from error


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
    listener.set_inheritable(True)
    return listener


def _address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _serve(settings: Settings, listeners: list[socket.socket]) -> None:
    asks = settings.http.tls_client_certificates == "optional"
    config = (_AskingConfig if asks else uvicorn.Config)(
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
        _Workers(config, sockets=listeners).run()
    else:
        _Worker(config).run(sockets=listeners)


class _AskingConfig(uvicorn.Config):
    """The configuration of a process whose callers are asked for certificates."""

    def load(self) -> None:
        """Prepare for serving, with a TLS of our own."""
        super().load()
        self.ssl = AskingContext(str(self.ssl_certfile), str(self.ssl_keyfile))


class _Worker(uvicorn.Server):
    """The only server process, whose failure to start is the command's."""

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve; an application that does not start has said why."""
        try:
            super().run(sockets)
        except SystemExit as end:
            raise SystemExit(FAILED if end.code == STARTUP_FAILURE else end.code) from None


class _Workers(Multiprocess):
    """Server processes that share a listener, and their parent.

    uvicorn gives up all of them when one cannot start. That is right for the first start; later it
    would turn a worker that died while the database was away into an outage that stays.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self._has_served = False
        self._next_start = 0.0

    def run(self) -> None:
        """Serve; that no worker could start is a failure here too."""
        super().run()
        if not self._has_served and any(_could_not_start(worker) for worker in self.processes):
            raise SystemExit(FAILED)

    def keep_subprocess_alive(self) -> None:
        """Replace workers that ended or say nothing."""
        for index, worker in enumerate(self.processes):
            if self.should_exit.is_set() or self._is_well(worker):
                continue
            if _could_not_start(worker):
                if not self._has_served:
                    self.should_exit.set()
                    return
                if time.monotonic() < self._next_start:
                    continue
            self.processes[index] = self._successor_of(worker)

    def _is_well(self, worker: Process) -> bool:
        """Tell whether *worker* runs and speaks, or is still given time to.

        Asked in short waits: one that dies while it is asked would be waited for in vain, and so
        would a signal to all of them.
        """
        end = time.monotonic() + SILENT_SECONDS
        while worker.process.is_alive() and time.monotonic() < end:
            if worker.ping(timeout=ANSWER_SECONDS):
                self._has_served = self._has_served or worker.is_ready(timeout=ANSWER_SECONDS)
                return True
            if self.signal_queue:
                return True
        return False

    def _successor_of(self, worker: Process) -> Process:
        worker.kill()  # it may only be silent
        worker.join()
        _log.warning("worker %s ended; another one takes its place", worker.pid)
        self._next_start = time.monotonic() + RESTART_SECONDS
        successor = Process(self.config, self.sockets)
        successor.start()
        return successor

    def terminate_all(self) -> None:
        """Stop every worker; who connects now is refused at once, and tries elsewhere."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def _could_not_start(worker: Process) -> bool:
    return worker.exitcode == STARTUP_FAILURE


def _application(settings: Settings) -> Application:
    """Return the application of this process, which may be one of several and just started."""
    set_up_logging(settings.log)
    return build_app(settings)
