"""The application is what its settings say, from its start to its end."""

import threading
from typing import Any

import msgspec
import pytest

from registrary.config import SettingsError
from registrary.testing.hostile import CertificateAuthority, HostileServer
from registrary.testing.stores import opened
from registrary.wiring.app import build_app
from tests.unit.authserver.kit import a_key_pair
from tests.unit.wiring.kit import ask_by_assertion, development, production, serving

pytestmark = pytest.mark.anyio


# Threads that stay: those of the loop, and those that the process hashes passwords on.
KEPT = ("asyncio", "passwords")


async def keyed_client(http, jwks_uri: str, **members: Any) -> dict[str, Any]:
    """Register a service whose keys are at *jwks_uri*; return the answer."""
    document = {
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": jwks_uri,
    } | members
    answer = await http.post("/register", json=document)
    return {"status": answer.status_code, **answer.json()}


@pytest.mark.parametrize("is_named", [True, False], ids=["named", "not-named"])
@pytest.mark.spec("E-132")
async def test_an_authority_in_ssl_cert_file_is_trusted(tmp_path, is_named):
    """A conformance suite, or an intranet, signs its own certificates; nobody else's count."""
    authority = CertificateAuthority()
    handle, jwks = a_key_pair()
    file = authority.write(tmp_path / "authority.pem")
    environment = {"SSL_CERT_FILE": str(file)} if is_named else {}

    async with HostileServer(tls=authority.server_context("127.0.0.1")) as elsewhere:
        elsewhere.publish("/jwks", msgspec.json.encode(jwks))
        async with serving(development(tmp_path), environment=environment) as http:
            client = await keyed_client(http, elsewhere.url("/jwks"))
            answer = await ask_by_assertion(http, client["client_id"], handle)

    assert (201, 200 if is_named else 401) == (client["status"], answer.status_code)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.spec("E-132")
async def test_a_developer_serves_keys_and_sectors_by_plain_http(place, host):
    """A client under development has no certificate; what it registers is fetched all the same."""
    handle, jwks = a_key_pair()
    redirect = "https://app.example/cb"

    async with HostileServer() as elsewhere:
        elsewhere.publish("/jwks", msgspec.json.encode(jwks))
        elsewhere.publish("/sector", msgspec.json.encode([redirect]))
        async with serving(development(place)) as http:
            client = await keyed_client(
                http,
                elsewhere.url("/jwks", host=host),
                sector_identifier_uri=elsewhere.url("/sector", host=host),
                redirect_uris=[redirect],
            )
            answer = await ask_by_assertion(http, client["client_id"], handle)

    assert (201, 200) == (client["status"], answer.status_code)
    assert 1 == elsewhere.count("/sector")


@pytest.mark.parametrize("member", ["jwks_uri", "sector_identifier_uri"])
async def test_nobody_else_registers_plain_http(place, member):
    """Keys that came in the clear prove nothing, and our own machine is none of their business."""
    document = {"redirect_uris": ["https://app.example/cb"]}

    async with HostileServer() as elsewhere:
        async with serving(production(place)) as http:
            answer = await http.post("/register", json=document | {member: elsewhere.url("/x")})
        asked = elsewhere.accepted

    problem = answer.json()
    assert (400, "invalid_client_metadata") == (answer.status_code, problem["error"])
    assert f"{member}: must be an https URL" == problem["error_description"]
    assert 0 == asked


@pytest.mark.parametrize("dev", [True, False], ids=["development", "production"])
async def test_plain_http_elsewhere_is_refused_to_everybody(place, dev):
    """Development relaxes what stays on one machine, and nothing that leaves it."""
    settings = development(place) if dev else production(place)

    async with serving(settings) as http:
        client = await keyed_client(http, "http://app.example/jwks")

    assert (400, "invalid_client_metadata") == (client["status"], client["error"])


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"], ids=["gone", "empty", "no"])
def test_a_file_without_certificates_keeps_the_server_from_starting(tmp_path, content):
    """It would run, and refuse every client that has keys, without saying why."""
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError, match="SSL_CERT_FILE: no certificates"):
        build_app(development(tmp_path), environment={"SSL_CERT_FILE": str(file)})


async def test_a_stopped_server_leaves_no_thread_behind(place):
    """Threads that look up names would keep a process from ending, and tests from being honest."""
    before = set(threading.enumerate())

    async with serving(development(place)) as http:
        document = {
            "redirect_uris": ["https://app.example/cb"],
            "sector_identifier_uri": "https://localhost:1/sector",
        }
        refused = await http.post("/register", json=document)
        ours = [one for one in threading.enumerate() if one not in before]
    for thread in ours:
        if not thread.name.startswith(KEPT):
            thread.join(10)

    assert 400 == refused.status_code
    assert [] != [one for one in ours if one.name.startswith("resolver")]
    assert [] == [one.name for one in ours if one.is_alive() and not one.name.startswith(KEPT)]


async def test_a_log_says_when_a_server_kept_it(place):
    """An auditor sees from when to when somebody wrote, and that a stop was one."""
    for _ in range(2):
        async with serving(development(place)) as http:
            assert 200 == (await http.get("/healthz")).status_code

    async with opened(place) as store:
        [issuer] = await store.issuers()
        kept = await store.events(issuer.id, first=0, limit=100)
        waiting = await store.waiting(issuer.id, limit=100)

    bodies = [msgspec.json.decode(event.body) for event in kept if event.body]
    own = [body["tag"] for body in bodies if body["tag"].startswith("server:")]
    names = {body["detail"]["process"] for body in bodies if body["tag"].startswith("server:")}
    assert ["server:started", "server:stopped"] * 2 == own
    assert 2 == len(names)
    assert [] == list(waiting), "nothing is left without its place in the log"
