"""Documents that say which redirect URIs share a sector (OpenID Connect Registration §5)."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from registrary.testing.hostile import HostileServer
from registrary.testing.server import RunningServer, free_port, running_server
from tests.protocol.kit import URI, bearer

pytestmark = pytest.mark.anyio
OTHER = "https://other.example/cb"
PATH = "/sector.json"
USELESS = {
    "lacks-one": ("200 OK", json.dumps([URI])),
    "almost-one": ("200 OK", json.dumps([URI, OTHER + "/"])),
    "empty": ("200 OK", "[]"),
    "no-json": ("200 OK", f"{URI}\n{OTHER}\n"),
    "nothing": ("200 OK", ""),
    "object": ("200 OK", json.dumps({"redirect_uris": [URI, OTHER]})),
    "object-of-uris": ("200 OK", json.dumps({URI: 1, OTHER: 1})),
    "string": ("200 OK", json.dumps(f"{URI} {OTHER}")),
    "nested": ("200 OK", json.dumps([[URI, OTHER]])),
    "not-only-strings": ("200 OK", json.dumps([URI, OTHER, 5])),
    "null": ("200 OK", "null"),
    "not-found": ("404 Not Found", json.dumps([URI, OTHER])),
    "broken": ("500 Internal Server Error", json.dumps([URI, OTHER])),
    "moved": ("302 Found", json.dumps([URI, OTHER])),
}


@pytest.fixture
async def host() -> AsyncIterator[HostileServer]:
    """Run a server of this machine that publishes whatever a test wants."""
    async with HostileServer() as server:
        yield server


@pytest.fixture
async def line(server: RunningServer) -> AsyncIterator[httpx2.AsyncClient]:
    """Return a client of the development server, beside which *host* goes on answering."""
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=20) as client:
        yield client


def a_document(host: HostileServer, path: str = PATH, **members) -> dict[str, object]:
    """Return a registration of two hosts, whose sector is that of *host*."""
    wanted = {
        "redirect_uris": [URI, OTHER],
        "subject_type": "pairwise",
        "sector_identifier_uri": host.url(path),
    }
    return wanted | members


@pytest.mark.parametrize("subject_type", ["pairwise", "public"])
@pytest.mark.spec("C-009", "C-029", "T-40")
async def test_a_document_that_lists_every_redirect_uri_is_taken(host, line, subject_type):
    """Two sites of one owner may know people by one name, and the document proves the owner."""
    host.publish(PATH, json.dumps(["https://third.example/cb", OTHER, URI]).encode())
    wanted = a_document(host, subject_type=subject_type)

    answer = await line.post("/register", json=wanted)

    assert 201 == answer.status_code
    assert wanted.items() <= answer.json().items()
    assert 1 == host.count(PATH)


@pytest.mark.parametrize(("status", "body"), USELESS.values(), ids=USELESS.keys())
@pytest.mark.parametrize("subject_type", ["pairwise", "public"])
@pytest.mark.spec("C-009", "A-117", "T-40")
async def test_any_other_document_fails_the_registration(host, line, status, body, subject_type):
    """Otherwise a stranger could join a sector, and know people as its owner does."""
    headers = [("Location", host.url("/good.json"))] if status.startswith("302") else []
    host.publish("/good.json", json.dumps([URI, OTHER]).encode())
    host.publish(PATH, body.encode(), status=status, headers=headers)

    answer = await line.post("/register", json=a_document(host, subject_type=subject_type))

    refusal = answer.json()
    assert (400, "invalid_client_metadata") == (answer.status_code, refusal["error"])
    assert "sector_identifier_uri" in refusal["error_description"]
    assert {"error", "error_description"} == refusal.keys()
    assert 0 == host.count("/good.json")


@pytest.mark.spec("C-009", "E-130", "T-39")
async def test_why_a_document_could_not_be_had_is_not_told(host, line):
    """Answers that differ would let a stranger ask us what there is in our network."""
    host.publish("/page", b"<p>", media_type="text/html")
    nobody = f"http://127.0.0.1:{free_port()}/"
    addresses = [host.url("/no-such-thing"), host.url("/page"), host.url("/no-json"), nobody]
    host.publish("/no-json", b"{")

    bodies = set()
    for address in addresses:
        wanted = a_document(host) | {"sector_identifier_uri": address}
        bodies.add((await line.post("/register", json=wanted)).content)

    assert 1 == len(bodies)


@pytest.mark.spec("C-009", "B-046", "B-048", "B-049", "B-054")
async def test_an_update_reads_the_document_again(host, line):
    """A client that grows by a redirect URI has to be allowed to by the owner of its sector."""
    host.publish(PATH, json.dumps([URI, OTHER]).encode())
    body = (await line.post("/register", json=a_document(host))).json()
    path, headers = f"/register/{body['client_id']}", bearer(body["registration_access_token"])
    wanted = a_document(host, client_id=body["client_id"], client_name="After")

    taken = await line.put(path, json=wanted, headers=headers)
    host.publish(PATH, json.dumps([OTHER]).encode())
    refused = await line.put(path, json=wanted | {"client_name": "Later"}, headers=headers)
    now = await line.get(path, headers=headers)

    assert [200, 400] == [taken.status_code, refused.status_code]
    assert "invalid_client_metadata" == refused.json()["error"]
    assert (3, "After") == (host.count(PATH), now.json()["client_name"])


@pytest.mark.spec("C-011")
async def test_several_hosts_need_a_document(host, line):
    """Without one nobody has said that these sites belong together."""
    wanted = a_document(host)
    del wanted["sector_identifier_uri"]

    answer = await line.post("/register", json=wanted)

    assert (400, "invalid_client_metadata") == (answer.status_code, answer.json()["error"])
    assert "sector_identifier_uri" in answer.json()["error_description"]


@pytest.mark.spec("A-117", "T-37")
async def test_nothing_is_fetched_for_a_request_that_fails_anyway(host, line):
    """A stranger's bad request must not make us knock at a third party's door."""
    host.publish(PATH, json.dumps([URI, OTHER]).encode())
    bad = [
        a_document(host, client_name=5),
        a_document(host, redirect_uris=["javascript:x"]),
        a_document(host, scope="admin"),
    ]

    statuses = [(await line.post("/register", json=one)).status_code for one in bad]
    preview = await line.post("/register?dry_run=true", json=a_document(host))

    assert [400, 400, 400] == statuses
    assert 200 == preview.status_code
    assert [] == host.requests


@pytest.mark.spec("C-009", "E-130", "T-37")
async def test_outside_of_development_only_https_of_others_is_read(host, tmp_path, stores):
    """A registration must not make the server read what only this machine can see."""
    host.publish(PATH, json.dumps([URI, OTHER]).encode())
    config = tmp_path / "registrary.toml"
    config.write_text('[registration]\nmode = "open"\n')
    options = ("--issuer", "https://id.example", "--config", str(config))
    addresses = [host.url(PATH), host.url(PATH, scheme="https"), "https://127.0.0.1/sector.json"]

    with running_server(tmp_path / "server", *options, dev=False, stores=stores) as server:
        async with httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=20) as line:
            answers = [
                await line.post("/register", json=a_document(host) | {"sector_identifier_uri": one})
                for one in addresses
            ]

    assert [(400, "invalid_client_metadata")] * 3 == [
        (answer.status_code, answer.json()["error"]) for answer in answers
    ]
    assert 0 == host.accepted
