"""What commands say of a PostgreSQL that is not as it should be, and what they never say."""

import asyncio
import json
import subprocess
from collections.abc import Iterator, Mapping

import pytest
from typer.testing import CliRunner

from registrary.cli.main import app
from registrary.config import Settings, SettingsError
from registrary.config.settings import KeySettings
from registrary.keys.encryption import EncryptionKey
from registrary.testing.postgres import Cluster
from registrary.testing.server import ENCRYPTION_KEY, command, environment
from registrary.wiring.adapters import open_vault
from tests.unit.cli.kit import ISSUER_URL, Done, begin

CANARY = "c4n4ry9f8e7d"
OTHER_KEY = "b3RoZXIga2V5IG9mIGEgc2VydmVyLCBvZiAzMiBieXQ"
ROLE = "registrary_server"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Run a server that asks its roles for passwords, with a role for servers."""
    with Cluster.running(access=[f"host all {ROLE} 127.0.0.1/32 scram-sha-256"]) as cluster:
        cluster.sql(f"create role {ROLE} login password '{CANARY}'")
        cluster.sql("create role owner login")
        yield cluster


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    """Return the URL of a database that nothing was made in, as its owner reaches it."""
    with cluster.database() as url:
        name = url.rpartition("/")[2]
        cluster.sql(f'alter database "{name}" owner to owner')
        yield cluster.url(name, user="owner")


@pytest.fixture
def served(empty: str) -> str:
    """Return the URL of a database with an issuer and its keys, as a server reaches it."""
    run("migrate", "--store", empty, "--application-role", ROLE)
    url = as_server(empty)
    asyncio.run(started_on(url, KeySettings(encryption_key=ENCRYPTION_KEY)))
    return url


async def started_on(url: str, keys: KeySettings) -> None:
    """Begin with the database as a server does."""
    settings = Settings(issuer=ISSUER_URL, store=url, keys=keys)
    vault = await open_vault(settings, create=True)
    try:
        await begin(vault, settings)
    finally:
        await vault.store.close()


def as_server(url: str, *, password: str = CANARY) -> str:
    """Return *url* as the role of servers uses it."""
    return url.replace("owner@", f"{ROLE}:{password}@")


def run(*arguments: str, env: Mapping[str, str | None] | None = None) -> Done:
    """Run a command with *env* besides the key of a server."""
    secrets = {"REGISTRARY_KEYS__ENCRYPTION_KEY": ENCRYPTION_KEY, **(env or {})}
    result = CliRunner().invoke(app, list(arguments), env=secrets)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def findings(done: Done) -> dict[str, tuple[bool, str]]:
    """Return what ``doctor`` found, by name: whether it is good, and what was seen."""
    return {one["name"]: (one["good"], one["seen"]) for one in json.loads(done.out)}


def test_migrating_twice_is_harmless(empty):
    """A deployment does it at every start."""
    first = run("migrate", "--store", empty, "--json")
    second = run("migrate", "--store", empty, "--json")

    assert (0, 0) == (first.code, second.code)
    assert first.shown == second.shown
    assert first.shown["schema_version"] >= 1


def test_the_role_of_servers_gets_what_it_needs_and_no_more(served):
    """Whoever takes over a server cannot rewrite what it did."""
    done = run("doctor", "--store", served, "--json")

    assert (True, ROLE) == findings(done)["role"]


def test_a_role_that_may_rewrite_the_log_is_found(cluster, served):
    """Rights that were given in haste stay for years."""
    database = served.rpartition("/")[2]
    cluster.sql(f"grant update on registrary.checkpoint to {ROLE}", database=database)

    done = run("doctor", "--store", served, "--json")

    assert (False, f"{ROLE}, which may also UPDATE checkpoint") == findings(done)["role"]


def test_a_role_that_is_not_there_is_told(empty):
    """A mistyped name must not leave a server without rights."""
    done = run("migrate", "--store", empty, "--application-role", "nobody")

    assert (1, 1) == (done.code, len(done.err.splitlines()))
    assert "there is no such role" in done.err


def test_roles_are_for_postgresql(tmp_path):
    """Who thinks a file has roles is told that it has modes."""
    store = f"sqlite:///{tmp_path / 'registrary.db'}"

    done = run("migrate", "--store", store, "--application-role", ROLE)

    assert 2 == done.code
    assert "--application-role is for PostgreSQL" in done.err


COMMANDS = {
    "list": ("client", "list"),
    "verify": ("audit", "verify"),
    "reseal": ("keys", "reseal"),
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_database_that_was_not_migrated_is_refused_with_the_way_out(empty, words):
    """A command that made tables by the way would do so in whatever database it is given."""
    done = run(*words, "--store", empty)

    assert (1, 1) == (done.code, len(done.err.splitlines()))
    assert "there is no store yet; run `registrary migrate`" in done.err


def refusals(cluster: Cluster) -> dict[str, tuple[str, str]]:
    """Return URLs that lead nowhere, and what is said of them."""
    place = f"127.0.0.1:{cluster.port}"
    return {
        "password": (f"postgresql://{ROLE}:x{CANARY}@{place}/postgres", "password is refused"),
        "database": (f"postgresql://{ROLE}:{CANARY}@{place}/nowhere", "no database of this name"),
        "host": (f"postgresql://{ROLE}:{CANARY}@127.0.0.1:1/x", "cannot be reached"),
        "name": (f"postgresql://{ROLE}:{CANARY}@nowhere.invalid/x", "cannot be reached"),
        "tls": (f"postgresql://{ROLE}:{CANARY}@{place}/postgres?sslmode=require", "sslmode"),
        "parameter": (
            f"postgresql://{ROLE}@{place}/postgres?password={CANARY}&sslmode=perhaps",
            "a parameter of its URL",
        ),
        "port": (f"postgresql://{ROLE}:{CANARY}@127.0.0.1:x/postgres", "host:port"),
        "fragment": (f"postgresql://{ROLE}:#{CANARY}@{place}/postgres", "spell / as %2F"),
        "slash": (f"postgresql://{ROLE}:/{CANARY}@{place}/postgres", "spell / as %2F"),
        "scheme": (f"postgres://{ROLE}:{CANARY}@{place}/postgres", "spelt postgresql://"),
        "kind": (f"mysql://{ROLE}:{CANARY}@{place}/postgres", "store must be"),
    }


@pytest.mark.parametrize(
    "words",
    [("migrate",), ("client", "list"), ("doctor",)],
    ids=["migrate", "list", "doctor"],
)
def test_what_is_wrong_is_said_on_one_line_without_the_password(cluster, words):
    """Operators paste such lines into tickets."""
    for name, (url, told) in refusals(cluster).items():
        done = run(*words, "--store", url)

        assert done.code in (1, 2), name
        assert told in done.out + done.err, name
        assert CANARY not in done.out + done.err, name
        assert "Traceback" not in done.err, name


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda url: url.replace("owner@", f"{ROLE}:x{CANARY}@"), "password is refused"),
        (lambda _: "postgresql://u@127.0.0.1:1,127.0.0.1:2/x", "cannot be reached"),
        (lambda url: url, "there is no store yet; run `registrary migrate`"),
    ],
    ids=["password", "away", "unmigrated"],
)
def test_a_server_that_cannot_start_says_why_on_one_line(empty, spoil, told, workers):
    """An operator reads the last line and a script the exit code; workers are not begun at all."""
    arguments = ["--dev", "--listen", "127.0.0.1:0", "--workers", workers]

    done = subprocess.run(
        command("serve", *arguments),
        env=environment() | {"REGISTRARY_STORE": spoil(empty)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (1, 1, "") == (done.returncode, len(done.stderr.splitlines()), done.stdout)
    assert told in done.stderr
    assert CANARY not in done.stderr


def test_a_database_of_a_newer_version_is_refused(cluster, served):
    """An old node that came back after an upgrade would not understand what it reads."""
    database = served.rpartition("/")[2]
    newer = "insert into registrary.schema_version (version, name, oldest) values (99, 'n', 99)"
    cluster.sql(newer, database=database)

    done = run("client", "list", "--store", served)
    doctor = run("doctor", "--store", served, "--json")

    assert 1 == done.code
    assert "upgraded by a newer version (schema 99" in done.err
    assert not findings(doctor)["schema"][0]


def test_a_role_without_rights_is_sent_to_whoever_gives_them(empty):
    """The role is right and the password is, and still nothing works."""
    run("migrate", "--store", empty)

    done = run("client", "list", "--store", as_server(empty))

    assert 1 == done.code
    assert "--application-role" in done.err


@pytest.mark.parametrize(
    ("key", "code", "told"),
    [
        (None, 2, "keys.encryption_key is required: name the file of the key"),
        ("too-short", 2, "keys.encryption_key must be 32 bytes in base64url"),
        (OTHER_KEY, 1, f"it is sealed under key {EncryptionKey.parse(ENCRYPTION_KEY).id}"),
    ],
    ids=["missing", "malformed", "other"],
)
def test_keys_that_do_not_open_the_store_are_told_apart(served, tmp_path, key, code, told):
    """Each is mended in another place."""
    secrets = {"REGISTRARY_KEYS__ENCRYPTION_KEY": key, "XDG_STATE_HOME": str(tmp_path)}

    done = run("client", "list", "--store", served, env=secrets)

    assert (code, 1) == (done.code, len(done.err.splitlines()))
    assert told in done.err
    assert key is None or key not in done.err


def test_who_names_no_key_gets_one_of_the_account(empty, tmp_path, monkeypatch):
    """A first server starts with an address and a store, and the next start finds its key."""
    run("migrate", "--store", empty)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    secrets = {"REGISTRARY_KEYS__ENCRYPTION_KEY": None}

    asyncio.run(started_on(empty, KeySettings()))
    asyncio.run(started_on(empty, KeySettings()))
    done = run("client", "list", "--store", empty, env=secrets)

    assert 0 == done.code
    assert ["postgresql.key"] == [file.name for file in (tmp_path / "registrary").iterdir()]


def test_a_second_machine_makes_no_key_of_its_own(served, tmp_path, monkeypatch):
    """It would open nothing, and lie there as if it did."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    with pytest.raises(SettingsError, match="encryption_key is required"):
        asyncio.run(started_on(served, KeySettings()))

    assert [] == list(tmp_path.iterdir())


def test_a_store_that_never_served_has_no_keys_to_restore(empty):
    """Who looks for a lost key where none was ever made looks for long."""
    run("migrate", "--store", empty)

    done = run("doctor", "--store", empty, "--json")

    assert (False, "key document in the store: there is none yet; start the server once") == (
        findings(done)["keys"]
    )


def test_a_lost_key_document_is_not_replaced_by_another(cluster, served):
    """Under new keys every credential would be wrong, and nobody would know why."""
    cluster.sql("delete from registrary.key_document", database=served.rpartition("/")[2])

    done = run("client", "list", "--store", served)

    assert 1 == done.code
    assert "it is missing; restore it" in done.err


def test_the_encryption_key_is_replaced_step_by_step(served):
    """Each step works while some servers have taken it and others have not."""
    both = {
        "REGISTRARY_KEYS__ENCRYPTION_KEY": OTHER_KEY,
        "REGISTRARY_KEYS__PREVIOUS_ENCRYPTION_KEY": ENCRYPTION_KEY,
    }
    new = {"REGISTRARY_KEYS__ENCRYPTION_KEY": OTHER_KEY}

    before = run("doctor", "--store", served, "--json", env=both)
    unsealed_too_early = run("client", "list", "--store", served, env=new)
    resealed = run("keys", "reseal", "--store", served, env=both)
    after = run("doctor", "--store", served, "--json", env=both)
    done = run("client", "list", "--store", served, env=new)

    assert "previous key" in findings(before)["seal"][1]
    assert 1 == unsealed_too_early.code
    assert f"under key {EncryptionKey.parse(OTHER_KEY).id}" in resealed.out
    assert "current key" in findings(after)["seal"][1]
    assert 0 == done.code


def test_keys_in_a_file_are_not_sealed(tmp_path):
    """Who does it to the wrong store learns that nothing happened."""
    done = run("keys", "reseal", "--store", f"sqlite:///{tmp_path / 'registrary.db'}")

    assert 2 == done.code
    assert "only PostgreSQL keeps keys sealed" in done.err


def test_the_doctor_looks_at_what_a_crash_of_the_machine_would_lose(served):
    """The cluster of these tests is fast because it is careless."""
    found = findings(run("doctor", "--store", served, "--json"))

    assert (False, "off: fsync, full_page_writes") == found["durability"]
    assert {True} == {good for name, (good, _) in found.items() if name != "durability"}
    assert {"PostgreSQL", "connections", "database clock", "partitions", "damage"} <= set(found)


def test_the_doctor_tries_the_way_past_the_pooler(served):
    """Without it nodes hear of changes late, and nobody notices."""
    good = {"REGISTRARY_POSTGRES__DIRECT": served}
    bad = {"REGISTRARY_POSTGRES__DIRECT": f"postgresql://{ROLE}:{CANARY}@127.0.0.1:1/x"}

    found = [
        findings(run("doctor", "--store", served, "--json", env=one))["direct connection"][0]
        for one in (good, bad)
    ]

    assert [True, False] == found
