"""The servers that third-party clients are sent to, and who watches over their tokens."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx2
import msgspec

from registrary.core.changes import Changes, Put
from registrary.core.issuer import Resource
from registrary.testing.hostile import CertificateAuthority
from registrary.testing.server import (
    ADMIN_TOKEN,
    RunningServer,
    Stores,
    command,
    environment,
    free_port,
    running_server,
)
from registrary.testing.stores import opened
from tests.interop.people import DEMO, Person

RESOURCE: Final = "https://things.example/"
"""The resource the tokens are meant for. No server knows it until told."""

ADA: Final = Person("ada", "a pass phrase of ada's own")

FOLLOW_SECONDS: Final = 20  # a server follows the store within one; a busy machine is slower


@dataclass(frozen=True, slots=True)
class Place:
    """A server that libraries know as *issuer*.

    *resource_server* holds the credentials of the client that may introspect what is meant for
    `RESOURCE`, *person* has an account there.
    """

    server: RunningServer
    issuer: str
    is_open: bool
    resource_server: dict[str, Any]
    person: Person = DEMO

    def initial_access_token(self) -> str | None:
        """Return a new initial access token for one use, made as an operator does; None if open."""
        return None if self.is_open else new_token(self.server)


@contextmanager
def open_place(folder: Path, stores: Stores) -> Iterator[Place]:
    """Run a development server, on http."""
    with running_server(folder, stores=stores) as server:
        yield settled(server, server.url, is_open=True)


@contextmanager
def dynamic_place(folder: Path, stores: Stores) -> Iterator[Place]:
    """Run a development server that offers what OpenID certification asks for."""
    settings = write_settings(folder, registration={"rule_set": "oidf-dynamic"})
    with running_server(folder, "--config", str(settings), stores=stores) as server:
        yield settled(server, server.url, is_open=True)


@contextmanager
def protected_place(folder: Path, stores: Stores) -> Iterator[Place]:
    """Run a development server that wants an initial access token."""
    settings = write_settings(folder, registration={"mode": "protected"})
    with running_server(folder, "--config", str(settings), stores=stores) as server:
        yield settled(server, server.url, is_open=False)


@contextmanager
def secure_place(folder: Path, stores: Stores) -> Iterator[Place]:
    """Run a server as in production, without ``--dev``, speaking TLS; its issuer has a path."""
    authority, port = CertificateAuthority("Interoperability authority"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = authority.write_server(folder, "127.0.0.1")
    settings = write_settings(
        folder, http={"tls_certificate": str(certificate), "tls_private_key": str(key)}
    )
    trust = authority.write(folder / "authority.pem")
    issuer = f"https://127.0.0.1:{port}/tenants/one"
    options = ("--config", str(settings), "--issuer", issuer)
    with running_server(
        folder, *options, port=port, dev=False, authority=trust, stores=stores
    ) as server:
        place = settled(server, issuer, is_open=False)
        make_known(place, ADA)
        yield replace(place, person=ADA)


def make_known(place: Place, person: Person) -> None:
    """Give *person* an account, as an administrator does."""
    answer = httpx2.post(
        f"{place.issuer}/api/v1/people",
        json={"username": person.username, "password": person.password},
        headers={"authorization": f"Bearer {ADMIN_TOKEN}"},
        verify=place.server.tls,
        timeout=20,
    )
    assert 201 == answer.status_code, answer.text


def settled(server: RunningServer, issuer: str, *, is_open: bool) -> Place:
    """Return *server* with a resource server that it has come to know."""
    token = None if is_open else new_token(server)
    with httpx2.Client(trust_env=False, timeout=20, verify=server.tls) as http:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        document = {"client_name": "Things", "grant_types": ["client_credentials"]}
        client = http.post(f"{issuer}/register", json=document, headers=headers).json()
        asyncio.run(name_resource_server(server, client["client_id"]))
        wait_until_known(http, f"{issuer}/token", client)
    return Place(server, issuer, is_open=is_open, resource_server=client)


async def name_resource_server(server: RunningServer, client_id: str) -> None:
    """Record `RESOURCE` as one of the issuer's, with *client_id* to watch over its tokens."""
    async with opened(server.store_url) as store:
        (issuer,) = await store.issuers()
        resource = Resource(uri=RESOURCE, introspecting_clients=(client_id,))
        changed = msgspec.structs.replace(
            issuer, resources=(resource,), revision=issuer.revision + 1
        )
        await store.commit(Changes(puts=(Put(changed, expected=issuer.revision),)))


def wait_until_known(http: httpx2.Client, address: str, client: dict[str, Any]) -> None:
    """Ask for a token meant for `RESOURCE` until there is one."""
    form = {"grant_type": "client_credentials", "resource": RESOURCE}
    end = time.monotonic() + FOLLOW_SECONDS
    answer = None
    while time.monotonic() < end:
        answer = http.post(address, data=form, auth=(client["client_id"], client["client_secret"]))
        if answer.is_success:
            return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not learn of the resource: {answer and answer.text}")


def new_token(server: RunningServer) -> str:
    """Make an initial access token for one use, as an operator does."""
    line = command(
        *("initial-access-token", "create", "--uses", "1", "--json"),
        *("--store", server.store_url),
    )
    done = subprocess.run(line, capture_output=True, check=True, env=environment(), timeout=60)
    token: str = json.loads(done.stdout)["token"]
    return token


def write_settings(folder: Path, **sections: dict[str, str]) -> Path:
    """Write a settings file into *folder* and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "registrary.toml"
    lines = [
        line
        for section, values in sections.items()
        for line in (
            f"[{section}]",
            *(f"{name} = {json.dumps(value)}" for name, value in values.items()),
        )
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
