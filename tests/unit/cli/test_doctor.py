"""The doctor finds what is wrong, says what to do, and changes nothing."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import apsw
import pytest

from registrary.core.changes import Changes
from registrary.core.entropy import Draw
from registrary.core.ids import new_event_id
from registrary.outbound.tls import client_context
from registrary.testing.clock import MOMENT
from registrary.testing.factories import an_event
from registrary.testing.hostile.certificates import CertificateAuthority
from registrary.wiring.adapters import SystemClock, Vault
from registrary.wiring.reachability import examine_address
from tests.unit.cli.kit import ISSUER_URL, Done, Office, an_office, run


def found(done: Done) -> dict[str, bool]:
    """Return what was found, by name: whether it is good."""
    return {one["name"]: one["good"] for one in done.shown}


def advice(done: Done, name: str) -> str:
    """Return what is said to do about the finding *name*."""
    (one,) = [one for one in done.shown if one["name"] == name]
    return f"{one['seen']} {one['advice']}"


def write_event(office: Office, time: datetime) -> None:
    """Write an event of another *time* into the log."""
    event_id = new_event_id(time, Draw(bytes(10)))

    async def act(vault: Vault) -> None:
        event = an_event(issuer=office.issuer_id, id=event_id, time=time)
        await vault.store.commit(Changes(events=(event,)))

    office.do(act)


@pytest.mark.only_on("sqlite", because="the PostgreSQL of tests forgoes fsync, which is a finding")
def test_a_store_in_order_has_no_finding_against_it(office):
    """A doctor who always finds something is not asked."""
    office.sequence()

    done = office.run("doctor", "--json")

    assert 0 == done.code
    assert {True} == set(found(done).values())
    assert {"store mode", "key file mode", "schema", "damage", "disk", "keys", "clock"} <= set(
        found(done)
    )


@pytest.mark.only_on("sqlite", because="it changes its files")
def test_a_finding_for_people_says_what_to_do(office):
    """A name of a problem without a way out is one more problem."""
    office.path.chmod(0o644)

    done = office.run("doctor")

    assert 1 == done.code
    assert "PROBLEM" in done.out
    assert f"run: chmod 600 {office.path}" in done.out


@pytest.mark.only_on("sqlite", because="it changes its files")
@pytest.mark.parametrize("which", ["path", "key_file"])
def test_files_that_others_may_read_are_found(office, which):
    """Whoever reads them needs no token."""
    getattr(office, which).chmod(0o640)

    done = office.run("doctor", "--json")

    assert 1 == done.code
    assert not found(done)["store mode" if which == "path" else "key file mode"]


@pytest.mark.only_on("sqlite", because="it changes its files")
def test_a_missing_key_file_is_found(office):
    """Without it nothing in the store works."""
    office.key_file.unlink()

    done = office.run("doctor", "--json")

    assert (1, False) == (done.code, found(done)["keys"])
    assert "restore it" in advice(done, "keys")


@pytest.mark.only_on("sqlite", because="it changes its files")
def test_the_key_file_of_another_store_is_found(office, tmp_path):
    """Every credential would look wrong, and nothing would say why."""
    other = an_office(tmp_path / "other")
    office.key_file.write_bytes(other.key_file.read_bytes())

    done = office.run("doctor", "--json")

    assert (1, False) == (done.code, found(done)["keys"])


@pytest.mark.only_on("sqlite", because="it changes its files")
def test_damage_is_found_and_not_sought_where_haste_is_needed(office):
    """Reading a large store takes minutes."""
    content = bytearray(office.path.read_bytes())
    content[8 * 8192 : 24 * 8192] = bytes(16 * 8192)
    office.path.write_bytes(content)

    done = office.run("doctor", "--json")
    quick = office.run("doctor", "--quick", "--json")

    assert 1 == done.code
    assert not found(done).get("damage", False) or not found(done).get("store", True)
    assert "damage" not in found(quick)


@pytest.mark.only_on("sqlite", because="it changes its files")
def test_a_file_that_is_no_store_is_a_finding(office):
    """Restoring is the way out, and the doctor says so."""
    office.path.write_bytes(b"Dear Sir or Madam" * 1000)

    done = office.run("doctor", "--json")

    assert (1, False) == (done.code, found(done)["store"])
    assert "registrary restore" in advice(done, "store")


@pytest.mark.only_on("sqlite", because="it changes its files")
@pytest.mark.parametrize(("version", "way_out"), [(99, "Run the version"), (0, "migrate")])
def test_another_schema_is_told_and_left_alone(office, version, way_out):
    """Looking must not be the upgrade that nobody has planned."""
    store = apsw.Connection(str(office.path))
    if version:
        store.execute("INSERT INTO schema_version (version, name) VALUES (99, 'future')")
    else:
        store.execute("DELETE FROM schema_version WHERE version > 1")
        store.execute("UPDATE schema_version SET version = 0")
    store.close()

    done = office.run("doctor", "--json")

    after = apsw.Connection(str(office.path))
    assert [(version,)] == after.execute("SELECT max(version) FROM schema_version").fetchall()
    after.close()
    assert (1, False) == (done.code, found(done)["schema"])
    assert way_out in advice(done, "schema")


def test_a_clock_that_ran_backwards_is_found(office):
    """Tokens would be good in the past, and the log out of order."""
    write_event(office, SystemClock().now() + timedelta(hours=1))

    done = office.run("doctor", "--json")

    assert not found(done)["clock"]
    assert "NTP" in advice(done, "clock")


def test_events_that_nobody_sequences_are_found(office):
    """Without a running server the log is not signed."""
    office.sequence()
    write_event(office, MOMENT - timedelta(days=365))

    done = office.run("doctor", "--json")

    assert not found(done)[f"log of {ISSUER_URL}"]
    assert "Start the server" in advice(done, f"log of {ISSUER_URL}")


def test_a_store_that_is_not_there_is_wrong_usage(tmp_path):
    """A mistyped path is not a sick store, and none is made there."""
    done = run("doctor", "--store", f"sqlite:///{tmp_path}/none.db")

    assert 2 == done.code
    assert [] == list(tmp_path.iterdir())


class Play(ThreadingHTTPServer):
    """Plays an issuer; *answers* by path are status and document."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Part)
        self.answers: dict[str, tuple[int, object]] = {}


class Part(BaseHTTPRequestHandler):
    """One answer of a play."""

    server: Play

    def do_GET(self) -> None:
        """Answer as the play has it."""
        status, document = self.server.answers.get(self.path, (404, {}))
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def issuer(
    path: str = "",
    *,
    answers: dict[str, tuple[int, object]] | None = None,
    tls: ssl.SSLContext | None = None,
    **members: str,
) -> Iterator[str]:
    """Play an issuer at *path* with other *members* in its metadata, or other *answers*."""
    play = Play()
    url = f"{'https' if tls else 'http'}://127.0.0.1:{play.server_port}{path}"
    if tls:
        play.socket = tls.wrap_socket(play.socket, server_side=True)
    metadata = {"issuer": url, "token_endpoint": f"{url}/token"} | members
    play.answers = {
        f"/.well-known/oauth-authorization-server{path}": (200, metadata),
        f"{path}/readyz": (200, {}),
        **(answers or {}),
    }
    thread = threading.Thread(target=play.serve_forever)
    thread.start()
    try:
        yield url
    finally:
        play.shutdown()
        thread.join()
        play.server_close()


@pytest.mark.parametrize("path", ["", "/tenant"])
def test_an_issuer_that_answers_as_it_should_is_well(path):
    """The operator sees what clients will see, before they do."""
    with issuer(path) as url:
        done = run("doctor", url, "--json")

    assert 0 == done.code
    assert {"scheme", "metadata", "readiness", "clock there"} == set(found(done))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"issuer": "https://elsewhere.example"}, "metadata"),
        ({"token_endpoint": "https://elsewhere.example/token"}, "metadata"),
        ({"answers": {"/.well-known/oauth-authorization-server": (200, b"<html>")}}, "metadata"),
        ({"answers": {"/.well-known/oauth-authorization-server": (200, [])}}, "metadata"),
        ({"answers": {"/.well-known/oauth-authorization-server": (302, {})}}, "metadata"),
        ({"answers": {"/readyz": (503, {})}}, "readiness"),
    ],
    ids=["issuer", "endpoint", "html", "list", "redirect", "unready"],
)
def test_an_issuer_that_answers_otherwise_is_found(changes, name):
    """A proxy that is set up wrongly breaks clients in ways that name no proxy."""
    with issuer(**changes) as url:
        done = run("doctor", url, "--json")

    assert (1, False) == (done.code, found(done)[name])
    assert advice(done, name)


def test_an_issuer_that_nobody_serves_is_found():
    """Which part fails, name or connection or certificate, is in the first line."""
    with issuer() as url:
        pass

    done = run("doctor", url, "--json")

    assert (1, False) == (done.code, found(done)["connection"])
    assert "refused" in advice(done, "connection").lower()


def test_a_certificate_that_ends_soon_is_found(tmp_path):
    """The day it ends, every client stops at once."""
    authority = CertificateAuthority()
    trust = client_context(authority.write(tmp_path / "ca.pem"))

    with issuer(tls=authority.server_context("127.0.0.1")) as url:
        findings = {one.name: one for one in examine_address(url, trust=trust)}

    assert (False, True) == (findings["certificate"].good, findings["metadata"].good)
    assert "Renew" in findings["certificate"].advice


@pytest.mark.parametrize("fault", ["expired", "other-name", "untrusted"])
def test_a_certificate_that_clients_refuse_is_found(tmp_path, fault):
    """The operator learns why; clients say no more than that the connection failed."""
    authority = CertificateAuthority()
    trust = client_context(authority.write(tmp_path / "ca.pem"))
    contexts = {
        "expired": authority.expired_server_context("127.0.0.1"),
        "other-name": authority.server_context("other.example"),
        "untrusted": CertificateAuthority().server_context("127.0.0.1"),
    }

    with issuer(tls=contexts[fault]) as url:
        findings = {one.name: one for one in examine_address(url, trust=trust)}

    assert {"scheme", "connection"} == set(findings)
    assert findings["connection"].seen.startswith("the certificate is not good: ")


@pytest.mark.parametrize(
    "url", ["id.example", "ftp://id.example", "https://", "https://x.example/"]
)
def test_what_cannot_be_an_issuer_is_wrong_usage(url):
    """A typing error is not an outage."""
    assert 2 == run("doctor", url).code


@pytest.mark.only_on("sqlite", because="the PostgreSQL of tests forgoes fsync, which is a finding")
def test_store_and_issuer_are_looked_at_together(office):
    """One command before going home."""
    office.sequence()

    with issuer() as url:
        done = office.run("doctor", url, "--json")

    assert 0 == done.code
    assert {"disk", "metadata"} <= set(found(done))
