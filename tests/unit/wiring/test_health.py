"""Store and keys are looked at before a start, while serving, and by ``doctor``."""

import asyncio
import os
import subprocess
from datetime import timedelta

import msgspec
import pytest

from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.jose import mac_handle
from registrary.core.secrets import Secret
from registrary.keys.local import utc_now
from registrary.keys.material import encode_material, new_material
from registrary.ports.kept_store import KeysUnusable
from registrary.storage.sqlite import open_sqlite
from registrary.testing.clock import MOMENT
from registrary.testing.factories import an_event
from registrary.testing.server import command, environment
from registrary.wiring.adapters import open_vault
from registrary.wiring.app import build_app
from registrary.wiring.health import examine, keys_problem
from registrary.wiring.readiness import KeyWatch
from tests.unit.wiring.kit import ask_by_assertion, development, living, serving

pytestmark = pytest.mark.anyio

LONG_AGO = MOMENT - timedelta(days=365)


def with_other_keys(folder) -> None:
    """Put the key file of another store in the place of the one in *folder*."""
    other = encode_material(new_material(os.urandom, now=utc_now()))
    (folder / "registrary.db.keys").write_bytes(other)


@pytest.fixture
def served(tmp_path):
    """Return a folder with a store that a server has worked on."""

    async def serve() -> None:
        async with living(build_app(development(tmp_path), environment={})):
            pass

    asyncio.run(serve())
    return tmp_path


async def problem_in(folder) -> str | None:
    """Return what is wrong with the keys in *folder*."""
    vault = await open_vault(development(folder), create=False)
    problem = await keys_problem(vault)
    await vault.store.close()
    return None if problem is None else str(problem)


async def test_the_keys_a_store_was_written_with_are_good(served):
    """Nobody is sent looking for what is where it should be."""
    assert None is await problem_in(served)


async def test_the_keys_of_another_store_are_recognised(served):
    """They are well-formed, so only what they do not open tells."""
    with_other_keys(served)

    problem = await problem_in(served)

    assert problem is not None
    assert "registrary.db.keys: it is not the one this store was written with" in problem


async def test_a_server_does_not_start_with_the_keys_of_another_store(served):
    """It would tell every client that its secret is wrong."""
    with_other_keys(served)

    with pytest.raises(KeysUnusable):
        async with living(build_app(development(served), environment={})):
            pass


@pytest.mark.parametrize("damage", ["gone", "foreign", "store"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_start_that_fails_says_why_on_one_line(served, damage, workers):
    """An operator reads the last line and a script the exit code; workers are not begun at all."""
    store = served / "registrary.db"
    if damage == "gone":
        (served / "registrary.db.keys").unlink()
    elif damage == "foreign":
        with_other_keys(served)
    else:
        store.write_bytes(b"no database" * 1000)
    arguments = ["--listen", "127.0.0.1:0", "--store", f"sqlite:///{store}", "--workers", workers]

    done = subprocess.run(
        command("serve", "--dev", *arguments),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert done.stderr.startswith("registrary: ")
    assert "issuer" not in done.stdout


async def test_a_key_file_exchanged_while_serving_stops_nobody(tmp_path, caplog):
    """The keys read before stay in use; the load balancer and the log are told, once."""
    async with serving(development(tmp_path)) as http:
        document = {"grant_types": ["client_credentials"]}
        client = (await http.post("/register", json=document)).json()
        good = (tmp_path / "registrary.db.keys").read_bytes()
        with_other_keys(tmp_path)
        await until(http, "/readyz", status=503)

        token = await http.post(
            "/token",
            data={"grant_type": "client_credentials"},
            auth=(client["client_id"], client["client_secret"]),
        )
        (tmp_path / "registrary.db.keys").write_bytes(good)
        await until(http, "/readyz", status=200)

    told = [record.getMessage() for record in caplog.records if record.name == "registrary.keys"]
    assert 200 == token.status_code
    assert 2 == len(told)
    assert "none of the keys in use" in told[0]
    assert f"the key file {tmp_path / 'registrary.db.keys'} is good again" == told[1]


async def until(http, path: str, *, status: int) -> None:
    """Return when *path* answers with *status*."""
    for _ in range(300):
        if (await http.get(path)).status_code == status:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("it does not come true")


async def test_a_secret_that_cannot_be_opened_is_answered_with_a_wait(tmp_path, caplog):
    """Every other client goes on; this one's operator finds one line, without the secret."""
    async with serving(development(tmp_path)) as http:
        document = {
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "client_secret_jwt",
        }
        client = (await http.post("/register", json=document)).json()
        await spoil_secret(tmp_path, client["client_id"])
        handle = mac_handle(Secret(client["client_secret"]))
        answer = await ask_by_assertion(http, client["client_id"], handle)

    lines = [record for record in caplog.records if record.name == "registrary.web"]
    assert (503, "temporarily_unavailable") == (answer.status_code, answer.json()["error"])
    assert "retry-after" in answer.headers
    assert [
        "the keys do not open what is stored: a sealed secrets does not belong where it was found"
    ] == [line.getMessage() for line in lines]
    assert None is lines[0].exc_info
    assert client["client_secret"] not in caplog.text


async def spoil_secret(folder, client_id: str) -> None:
    """Exchange the sealed secret of a client for other bytes, as a row copied by hand would."""
    store = open_sqlite(folder / "registrary.db")
    [issuer] = await store.issuers()
    client = await store.get(Client, issuer.id, client_id)
    assert client is not None
    [kept] = client.secrets
    sealed = (kept.sealed or b"")[:-1] + b"\0"
    spoilt = msgspec.structs.replace(
        client,
        secrets=(msgspec.structs.replace(kept, sealed=sealed),),
        revision=client.revision + 1,
    )
    await store.commit(Changes(puts=(Put(spoilt, expected=client.revision),)))
    await store.close()


async def findings_in(folder):
    """Return what ``doctor`` finds, by name."""
    settings = development(folder)
    vault = await open_vault(settings, create=False)
    findings = await examine(vault)
    await vault.store.close()
    return {finding.name: finding for finding in findings}


async def test_a_store_in_order_has_no_finding_against_it(served):
    """A doctor who always finds something is not asked."""
    findings = await findings_in(served)

    assert {True} == {finding.good for finding in findings.values()}
    assert ["keys", "issuers", "log of http://127.0.0.1:8400", "clock"] == list(findings)
    assert f"key file {served / 'registrary.db.keys'}" == findings["keys"].seen


async def test_a_store_that_never_served_says_so(tmp_path):
    """A command pointed at an empty store should not look like lost clients."""
    vault = await open_vault(development(tmp_path), create=True)
    await vault.store.close()

    findings = await findings_in(tmp_path)

    assert not findings["issuers"].good
    assert "start the server once" in findings["issuers"].seen


async def test_events_that_nobody_sequences_are_found(served):
    """Without a running server the log does not grow, however much waits for it."""
    store = open_sqlite(served / "registrary.db")
    [issuer] = await store.issuers()
    await store.commit(Changes(events=(an_event(issuer=issuer.id, time=LONG_AGO),)))
    await store.close()

    finding = (await findings_in(served))["log of http://127.0.0.1:8400"]

    assert (False, True) == (finding.good, finding.seen.endswith("wait for a running server"))


async def test_foreign_keys_are_found(served):
    """Who restored a backup without its keys learns it before the clients do."""
    with_other_keys(served)

    finding = (await findings_in(served))["keys"]

    assert not finding.good
    assert "not the one this store was written with" in finding.seen


async def test_each_problem_with_the_keys_is_told_once(served, caplog):
    """A line every few seconds would bury what else goes wrong."""
    vault = await open_vault(development(served), create=False)
    watch = KeyWatch()

    seen = [await watch.problem(vault) for _ in range(5)]
    await vault.store.close()

    assert [None] * 5 == seen
    assert [] == [record for record in caplog.records if record.name == "registrary.keys"]
