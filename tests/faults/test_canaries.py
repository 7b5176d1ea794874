"""No secret leaves by a way that was not made for it: not by a log, a count, an event or an error.

Secrets of every kind are sent through success and failure at every address, among them things that
only look like secrets and that nobody could know by their form; then everything that the server
wrote and said is searched for them.
"""

import asyncio
import json
import re
import socket
import subprocess
import time
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import apsw
import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from registrary.config import Settings
from registrary.testing.server import (
    ADMIN_TOKEN,
    ENCRYPTION_KEY,
    SQLITE,
    RunningServer,
    Stores,
    command,
    environment,
    running_server,
)
from registrary.testing.stores import PostgresStores
from registrary.wiring.app import Runtime
from tests.faults.faulty import faulty_server
from tests.faults.outage import ADMIN, listed

CANARY: Final = "c4n4ry"  # stands in everything that is no secret of ours but might be somebody's
SERVICE: Final = {"grant_types": ["client_credentials"], "scope": "read"}
WEB: Final = {"redirect_uris": ["https://app.example/cb"]}
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORMATS: Final = ("json", "text")


class Aviary:
    """A server, and every secret that went to it or came from it."""

    def __init__(self, server: RunningServer, http: httpx2.Client, stores: Stores) -> None:
        self.server = server
        self.http = http
        self.stores = stores
        self.secrets: dict[str, str] = {
            "admin token of the settings": ADMIN_TOKEN,
            "key of the settings": ENCRYPTION_KEY,
        }
        self.errors: list[httpx2.Response] = []
        self._count = 0

    def canary(self) -> str:
        """Return a text that was never sent before."""
        self._count += 1
        return f"{CANARY}{self._count:05d}"

    def keep(self, name: str, secret: str) -> str:
        """Note *secret*, and return it."""
        self.secrets[f"{name} {len(self.secrets)}"] = secret
        return secret

    def send(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Send a request; an error in answer to it is kept to be searched."""
        answer = self.http.request(method, path, **more)
        if answer.status_code >= 400:
            self.errors.append(answer)
        return answer

    def register(self, document: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Register a client and note its credentials."""
        body: dict[str, Any] = self.send("POST", "/register", json=document, **more).json()
        for name in ("client_secret", "registration_access_token"):
            if name in body:
                self.keep(name, body[name])
        return body


@pytest.fixture(scope="module", params=FORMATS)
def aviary(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stores: Stores
) -> Iterator[Aviary]:
    """Run a server that tells as much as it can."""
    folder = tmp_path_factory.mktemp("aviary")
    options = ("--no-rate-limits", "--config", str(talkative(folder, request.param)))
    with (
        running_server(folder, *options, stores=stores) as server,
        httpx2.Client(base_url=server.url, trust_env=False, timeout=60) as http,
    ):
        yield Aviary(server, http, stores)


def talkative(folder: Path, form: str) -> Path:
    """Return a file of settings by which everything is logged."""
    settings = folder / "settings.toml"
    settings.write_text(f'[log]\nlevel = "debug"\nformat = "{form}"\n')
    return settings


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Return every route with each of its methods, those of the metadata and of operation too."""

    async def ask() -> list[tuple[str, str]]:
        store = f"sqlite:///{tmp_path_factory.mktemp('routes') / 'registrary.db'}"
        runtime = Runtime(Settings(dev=True, store=store), {})
        async with runtime.lifespan():
            (site,) = runtime.directory.sites
            return [(route.template, method) for route in site.routes for method in route.methods]

    further = ["/healthz", "/readyz", "/metrics", "/.well-known/oauth-authorization-server"]
    return asyncio.run(ask()) + [(path, "GET") for path in further]


def filled(template: str, text: str) -> str:
    """Return the address of *template* with *text* in its placeholders."""
    return re.sub(r"\{\w+\}", text, template)


def as_basic(client_id: str, secret: str) -> str:
    """Return both as the header has them."""
    return b64encode(f"{client_id}:{secret}".encode()).decode()


def form_of(secret: str) -> dict[str, str]:
    """Return a form in which every member that may be secret is *secret*."""
    names = (
        "client_secret client_assertion token code refresh_token device_code subject_token password"
        " code_verifier assertion request software_statement username state login_hint"
    )
    return dict.fromkeys(names.split(), secret) | {"grant_type": "client_credentials"}


def document_of(secret: str) -> dict[str, Any]:
    """Return metadata in which everything wrong or unknown holds *secret*."""
    return {
        "redirect_uris": [f"javascript:{secret}", secret],
        "client_secret": secret,
        "software_statement": f"{secret}.{secret}.{secret}",
        "registration_access_token": secret,
        "jwks": {"keys": [{"kty": "oct", "k": secret, "kid": secret}]},
        "token_endpoint_auth_method": secret,
        "scope": [secret],
        secret: secret,
    }


Presentation = Callable[[str], dict[str, Any]]
PRESENTATIONS: Final[dict[str, Presentation]] = {
    "bearer": lambda text: {"headers": {"authorization": f"Bearer {text}"}},
    "bearer, more": lambda text: {"headers": {"authorization": f"Bearer x {text}"}},
    "twice": lambda text: {
        "headers": [("authorization", f"Bearer {text}"), ("authorization", f"Bearer {text}")]
    },
    "basic": lambda text: {"headers": {"authorization": f"Basic {as_basic(text, text)}"}},
    "basic, raw": lambda text: {"headers": {"authorization": f"Basic {text}"}},
    "digest": lambda text: {"headers": {"authorization": f'Digest username="{text}"'}},
    "bare": lambda text: {"headers": {"authorization": text}},
    "query": lambda text: {"params": {"access_token": text, "token": text, text: text}},
    "query of lists": lambda text: {
        "params": {"cursor": text, "limit": text, "event_id": text, "client_id": text},
        "headers": ADMIN | {"if-match": text},
    },
    "form": lambda text: {"data": form_of(text)},
    "form, twice": lambda text: {
        "content": f"client_secret={text}&client_secret={text}",
        "headers": {"content-type": "application/x-www-form-urlencoded"},
    },
    "document": lambda text: {"json": document_of(text)},
    "document, by an administrator": lambda text: {"json": document_of(text), "headers": ADMIN},
    "broken document": lambda text: {
        "content": f'{{"client_secret": "{text}", "client_secret": "{text}',
        "headers": {"content-type": "application/json"} | ADMIN,
    },
    "media type": lambda text: {"content": text, "headers": {"content-type": f"{text}/{text}"}},
    "cookie": lambda text: {"headers": {"cookie": f"session={text}", "referer": f"https://{text}"}},
    "too much": lambda text: {"content": text.encode() * 40_000},
    "page": lambda text: {"params": {"state": text}, "headers": {"accept": "text/html"}},
}


def send_guesses(aviary: Aviary, routes: list[tuple[str, str]]) -> None:
    """Send to every route, in every way, what nobody knows."""
    for template, method in routes:
        for present in PRESENTATIONS.values():
            text = aviary.canary()
            aviary.send(method, filled(template, text), **present(text))


ADMIN_BODIES: Final[dict[str, list[Callable[[str], Any]]]] = {
    "/api/v1/initial-access-tokens": [
        lambda text: {"uses": text},
        lambda text: {"expires": text},
        lambda text: {"policies": [text]},
        lambda text: {text: 1},
    ],
    "/api/v1/admin-tokens": [
        lambda text: {"name": "x", "permissions": [text]},
        lambda text: {"name": "x", "permissions": text},
        lambda text: {"name": {text: text}},
    ],
    "/api/v1/issuers": [
        lambda text: {"url": f"ftp://{text}"},
        lambda text: {"url": "https://x.example", "mode": text},
        lambda text: {"url": "https://x.example", "rule_set": text},
    ],
    "/api/v1/clients/{client_id}/holds": [
        lambda text: {"reason": "x", "kind": text},
        lambda text: {"reason": {text: text}},
    ],
}


def send_wrong_administration(aviary: Aviary, client_id: str) -> None:
    """Let an administrator send what does not fit."""
    for template, bodies in ADMIN_BODIES.items():
        for body in bodies:
            path = template.replace("{client_id}", client_id)
            answer = aviary.send("POST", path, json=body(aviary.canary()), headers=ADMIN)
            assert 400 == answer.status_code
    aviary.send("DELETE", f"/api/v1/clients/{client_id}/holds/{aviary.canary()}", headers=ADMIN)


def an_assertion(aviary: Aviary, client_id: str, key: ECKey) -> str:
    """Return an assertion of a client, and note it."""
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": aviary.server.url,
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    return aviary.keep("assertion", jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key))


def use_genuine(aviary: Aviary) -> str:
    """Use every kind of credential as it is meant, and wrongly; return a client's id."""
    made = aviary.send("POST", "/api/v1/initial-access-tokens", json={"uses": 2}, headers=ADMIN)
    initial = aviary.keep("initial access token", made.json()["token"])
    bearer = {"authorization": f"Bearer {initial}"}
    wanted = {"name": "canary", "permissions": ["clients:read"]}
    admin = aviary.send("POST", "/api/v1/admin-tokens", json=wanted, headers=ADMIN).json()["token"]
    aviary.keep("admin token", admin)
    for method, path in (("GET", "/api/v1/clients"), ("GET", "/api/v1/keys"), ("GET", "/metrics")):
        aviary.send(method, path, headers={"authorization": f"Bearer {admin}"})

    client = aviary.register(SERVICE, headers=bearer)
    in_path = aviary.send("POST", f"/register/t/{initial}", json=WEB)
    assert 201 == in_path.status_code
    for name in ("client_secret", "registration_access_token"):
        aviary.keep(name, in_path.json()[name])
    aviary.register(WEB, headers=bearer)  # a third time: it is used up
    aviary.send("POST", f"/register/t/{initial}", json=WEB)

    use_tokens(aviary, client)
    use_own(aviary, client)
    key = ECKey.generate_key("P-256", auto_kid=True)
    keyed = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [key.as_dict()]}}
    signer = aviary.register(SERVICE | keyed | {"jwks": {"keys": [key.as_dict(private=False)]}})
    aviary.send("POST", "/register", json=SERVICE | keyed)  # a private key in the metadata
    aviary.keep("private key", str(key.as_dict(private=True)["d"]))
    assertion = an_assertion(aviary, signer["client_id"], key)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    answers = [aviary.send("POST", "/token", data=form) for _ in range(2)]  # once, and replayed
    assert [200, 401] == [answer.status_code for answer in answers]
    aviary.keep("access token", answers[0].json()["access_token"])
    return str(client["client_id"])


def use_own(aviary: Aviary, client: dict[str, Any]) -> None:
    """Let a client manage itself, rotate what it has, and err."""
    path = f"/register/{client['client_id']}"
    own = {"authorization": f"Bearer {client['registration_access_token']}"}
    document = SERVICE | {"client_id": client["client_id"]}
    wrong = document | {"client_secret": aviary.canary()}
    aviary.send("GET", path, headers=own)
    aviary.send("PUT", path, json=wrong, headers=own)
    aviary.send(
        "PUT", path, json=document | {"client_secret": client["client_secret"]}, headers=own
    )
    for what in ("client_secret", "registration_access_token", aviary.canary()):
        answer = aviary.send("PUT", f"{path}?rotate={what}", json=document, headers=own).json()
        for name in ("client_secret", "registration_access_token"):
            if name in answer:
                aviary.keep(name, answer[name])
    rotated = aviary.send(
        "POST", f"/api/v1/clients/{client['client_id']}/credentials", headers=ADMIN
    )
    aviary.keep("client_secret", rotated.json()["client_secret"])


def use_tokens(aviary: Aviary, client: dict[str, Any]) -> None:
    """Let a client get, show and revoke tokens, with its secret in each place."""
    pair = client["client_id"], client["client_secret"]
    aviary.keep("Basic", as_basic(*pair))
    grant = {"grant_type": "client_credentials"}
    posted = grant | {"client_id": pair[0], "client_secret": pair[1]}
    tokens = [
        aviary.send("POST", "/token", data=grant, auth=pair),
        aviary.send("POST", "/token", data=posted),
    ]
    for answer in tokens:
        token = aviary.keep("access token", answer.json()["access_token"])
        aviary.send("GET", "/userinfo", headers={"authorization": f"Bearer {token}"})
        aviary.send("POST", "/introspect", data={"token": token}, auth=pair)
        aviary.send("POST", "/revoke", data={"token": token}, auth=pair)
        aviary.send("POST", "/revoke", data={"token": token}, auth=(pair[0], aviary.canary()))
    aviary.send("POST", "/token", data=posted | {"scope": "nope"})
    aviary.send("POST", "/token", data=posted, auth=pair)  # in two places at once


def send_genuine_everywhere(aviary: Aviary, routes: list[tuple[str, str]]) -> None:
    """Present what is good at one address at every address."""
    for template, method in routes:
        if (template, method) == ("/register", "POST"):
            continue  # where tokens are answered by new ones
        for secret in list(aviary.secrets.values()):
            if method == "GET" or secret != ADMIN_TOKEN:
                headers = {"authorization": f"Bearer {secret}"}
                aviary.send(method, filled(template, "x"), headers=headers)


BROKEN_REQUESTS: Final = {
    "method": "{text} / HTTP/1.1\r\nHost: x\r\n\r\n",
    "version": "GET /register/t/{text} HTTP/9.9\r\nHost: x\r\n\r\n",
    "host": "GET / HTTP/1.1\r\nHost: {text} {text}\r\n\r\n",
    "no host": "GET /register/t/{text} HTTP/1.1\r\nAuthorization: Bearer {text}\r\n\r\n",
    "header": "GET / HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {text}\r\n\r\n",
    "length": "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: {text}\r\n\r\n",
    "path": "GET /register/t/{text}/../{text} HTTP/1.1\r\nHost: x\r\n\r\n",
    "line": "GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n",
    "headers": "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {long}{long}\r\n\r\n",
    "chunk": (
        "POST /register HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{text}\r\n{text}"
    ),
}


def send_broken(aviary: Aviary) -> list[bytes]:
    """Send what is no HTTP, and return what is said to it."""
    return [said_to(aviary, request) for request in BROKEN_REQUESTS.values()]


def said_to(aviary: Aviary, request: str) -> bytes:
    """Return what the server says to *request* before it hangs up."""
    host, port = aviary.server.url.removeprefix("http://").split(":")
    text = aviary.canary()
    octets = request.replace("{text}", text).replace("{long}", text * 2500).encode()
    with closing(socket.create_connection((host, int(port)), timeout=60)) as connection:
        try:
            connection.sendall(octets)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except ConnectionError:
            return b""


def make_fault(aviary: Aviary) -> None:
    """Break a client in the store so that a fault of ours ends each request with its secrets."""
    client = aviary.register(SERVICE)
    metadata = '{"token_endpoint_auth_method": "client_secret_basic", "grant_types": 7}'
    spoil(aviary, client["client_id"], metadata)
    grant = {"grant_type": "client_credentials", "client_secret": client["client_secret"]}
    answer = aviary.send("POST", "/token", data=grant | {"client_id": client["client_id"]})
    assert 500 == answer.status_code


def spoil(aviary: Aviary, client_id: str, metadata: str) -> None:
    """Let a client in the store have *metadata* that no server wrote."""
    if isinstance(aviary.stores, PostgresStores):
        aviary.stores.cluster.sql(
            "update registrary.client set record = "
            "jsonb_set(record::jsonb, '{metadata}', :'metadata')::text where key = :'client_id'",
            database=name_of(aviary.server),
            metadata=metadata,
            client_id=client_id,
        )
        return
    with closing(apsw.Connection(str(aviary.server.store))) as connection:
        connection.set_busy_timeout(5000)
        connection.execute(
            "UPDATE client SET record = json_set(record, '$.metadata', json(?)) WHERE key = ?",
            (metadata, client_id),
        )


def spoken(answers: list[httpx2.Response]) -> str:
    """Return all that *answers* say, headers too."""
    return "\n".join(f"{answer.headers!r}\n{answer.text}" for answer in answers)


def found_in(text: str, secrets: dict[str, str]) -> list[str]:
    """Return which secrets stand in *text*, canaries among them."""
    found = [name for name, secret in secrets.items() if secret in text]
    return found + sorted({match[0] for match in re.finditer(rf"{CANARY}\d*", text)})


def exported(server: RunningServer, target: Path) -> str:
    """Return what the command exports of the log."""
    line = command("audit", "export", str(target), "--store", server.store_url)
    done = subprocess.run(line, capture_output=True, check=True, env=environment(), timeout=60)
    return target.read_text() + done.stdout.decode() + done.stderr.decode()


def test_no_secret_leaves_by_a_way_that_was_not_made_for_it(
    aviary: Aviary, routes: list[tuple[str, str]], tmp_path: Path
) -> None:
    """A secret in a log is a secret of everybody on call, and of every machine the log goes to."""
    server = aviary.server
    client_id = use_genuine(aviary)
    send_guesses(aviary, routes)
    send_wrong_administration(aviary, client_id)
    send_genuine_everywhere(aviary, routes)
    broken = b"\n".join(send_broken(aviary)).decode("latin-1")
    make_fault(aviary)

    events = json.dumps(listed(server, "audit/events"))
    counts = aviary.http.get("/metrics", headers=ADMIN)
    places = {
        "errors": spoken(aviary.errors),
        "answers to what is no HTTP": broken,
        "log": server.log.read_text(),
        "metrics": counts.text,
        "events": events,
        "export": exported(server, tmp_path / "export.jsonl"),
        "store": stored(aviary),
    }

    assert {} == {
        place: found for place, text in places.items() if (found := found_in(text, aviary.secrets))
    }
    assert "request failed" in places["log"]
    assert "registrary_requests_total" in places["metrics"]
    assert len(aviary.errors) > 10 * len(PRESENTATIONS)


def stored(aviary: Aviary) -> str:
    """Return what lies on disk, as far as it is text."""
    if isinstance(aviary.stores, PostgresStores):
        return aviary.stores.cluster.dump(name_of(aviary.server))
    store = aviary.server.store
    files = [store, store.with_name(f"{store.name}-wal")]
    return "\n".join(path.read_bytes().decode("latin-1") for path in files if path.exists())


def name_of(server: RunningServer) -> str:
    """Return the name of its database."""
    return server.store_url.rpartition("/")[2]


def test_no_secret_leaves_in_an_outage(routes: list[tuple[str, str]], tmp_path: Path) -> None:
    """Errors are told at length when nothing works, and secrets go on arriving."""
    options = ("--no-rate-limits", "--config", str(talkative(tmp_path, "json")))
    with faulty_server(tmp_path, *options) as faulty:
        server = faulty.server
        with httpx2.Client(base_url=server.url, trust_env=False, timeout=60) as http:
            aviary = Aviary(server, http, SQLITE)
            client = aviary.register(SERVICE)
            aviary.register(WEB)
            for order in ("full", "broken", "read-only"):
                faulty.order(order)
                use_own_in_vain(aviary, client)
                send_genuine_everywhere(aviary, routes)
            faulty.order("")

    outages = [answer for answer in aviary.errors if answer.status_code == 503]
    log = server.log.read_text()
    assert len(outages) > 10
    assert [] == found_in(spoken(aviary.errors), aviary.secrets)
    assert [] == found_in(log, aviary.secrets)
    assert "the store is unavailable" in log


def use_own_in_vain(aviary: Aviary, client: dict[str, Any]) -> None:
    """Let a client try what has to be written."""
    path = f"/register/{client['client_id']}"
    own = {"authorization": f"Bearer {client['registration_access_token']}"}
    pair = client["client_id"], client["client_secret"]
    document = SERVICE | {"client_id": pair[0], "client_secret": pair[1], "client_name": "new"}
    answers = [
        aviary.send("PUT", path, json=document, headers=own),
        aviary.send("PUT", f"{path}?rotate=client_secret", json=document, headers=own),
        aviary.send("DELETE", path, headers=own),
        aviary.send("POST", "/register", json=document_of(aviary.canary()) | WEB),
        aviary.send("POST", "/register", json=WEB),
        aviary.send("POST", "/api/v1/initial-access-tokens", json={}, headers=ADMIN),
    ]
    assert {503, 400} == {answer.status_code for answer in answers}
