"""The server as processes: how it ends, what several of them share, its listeners, its TLS."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from registrary.testing.hostile import CertificateAuthority
from registrary.testing.server import (
    ADMIN_TOKEN,
    Stores,
    command,
    environment,
    free_port,
    running_server,
)
from tests.protocol.wire import (
    BODY,
    PATIENCE_SECONDS,
    Wire,
    connected,
    get,
    post,
    sized,
)

JSON = {"Content-Type": "application/json"}
PROCESSES = pytest.mark.parametrize("workers", [1, 2], ids=["one process", "two workers"])


def workers_of(server):
    """Return the process ids of a server's workers."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@pytest.fixture(scope="module")
def pair(tmp_path_factory, stores: Stores):
    """Run a server of two workers."""
    folder = tmp_path_factory.mktemp("pair")
    with running_server(folder, "--workers", "2", "--no-rate-limits", stores=stores) as running:
        yield running


@contextmanager
def asleep(worker):
    """Have a worker do nothing for the length of the block, so that another must."""
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def ask(server, sent):
    """Return the answer to a request on a connection of its own."""
    with connected(server.url) as wire:
        wire.send(sent)
        return wire.answer()


def eventually(holds):
    """Return when *holds* does."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.05)


def is_refused(server):
    """Tell whether the server takes no more connections."""
    port = httpx2.URL(server.url).port
    assert port is not None
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def begin(wire):
    """Send the head of a registration, and return when the server has read it."""
    wire.send(post(f"Content-Length: {len(BODY)}", "Expect: 100-continue"))
    assert 100 == wire.answer().status


def verdict(server):
    """Return what ``registrary audit verify`` says of a server's log."""
    done = subprocess.run(
        command("audit", "verify", "--json", "--store", server.store_url),
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def register_many(server, count):
    """Register *count* clients, four at a time; return how often each status came."""
    with (
        httpx2.Client(base_url=server.url, trust_env=False, timeout=PATIENCE_SECONDS) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        sent = [
            pool.submit(client.post, "/register", content=BODY, headers=JSON) for _ in range(count)
        ]
        return Counter(answer.result().status_code for answer in sent)


# The end


@pytest.mark.parametrize(
    ("workers", "number"),
    [(1, signal.SIGTERM), (1, signal.SIGINT), (2, signal.SIGTERM)],
    ids=["SIGTERM", "SIGINT", "SIGTERM to two workers"],
)
def test_a_server_told_to_stop_ends_well(tmp_path, workers, number, stores):
    """Whoever supervises it must not take a stop for a crash and start it again."""
    with running_server(tmp_path, "--workers", str(workers), stores=stores) as server:
        ask(server, sized(BODY))
        server.process.send_signal(number)
        code = server.process.wait(PATIENCE_SECONDS)

    assert 0 == code
    assert "Traceback" not in server.log.read_text()


@PROCESSES
def test_a_stopping_server_finishes_what_is_under_way_and_begins_nothing(tmp_path, workers, stores):
    """A deployment must cost nobody a registration, and send newcomers elsewhere."""
    with (
        running_server(tmp_path, "--workers", str(workers), stores=stores) as server,
        connected(server.url) as begun,
        connected(server.url) as idle,
    ):
        begin(begun)
        idle.send(get())
        idle.answer()
        server.process.terminate()
        eventually(lambda: is_refused(server))
        gone = idle.rest()
        begun.send(BODY)
        answer = begun.answer()
        code = server.process.wait(PATIENCE_SECONDS)
        sound = verdict(server)["sound"]

    assert (b"", 201, True) == (gone, answer.status, answer.closes)
    assert 0 == code
    assert sound


@PROCESSES
def test_a_request_that_does_not_end_does_not_keep_the_server(tmp_path, workers, stores):
    """One caller who sends half a request must not hold up a deployment."""
    config = tmp_path / "registrary.toml"
    config.write_text("[http]\ngraceful_seconds = 1\n")
    options = ("--workers", str(workers), "--config", str(config))
    with (
        running_server(tmp_path, *options, stores=stores) as server,
        connected(server.url) as begun,
    ):
        begin(begun)
        server.process.terminate()
        code = server.process.wait(PATIENCE_SECONDS)

    assert 0 == code


# The beginning


def test_an_address_in_use_is_named(tmp_path):
    """An operator has to know which of the addresses somebody else has."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = serve_once(tmp_path, "--dev", "--listen", address)

    assert (1, b"") == (done.returncode, done.stdout)
    assert f"registrary: {address}: Address already in use\n".encode() == done.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, b"cannot be read: No such file"), ("nonsense", b"must be PEM files")],
    ids=["missing", "malformed"],
)
def test_a_certificate_that_cannot_be_used_is_told_before_serving(tmp_path, content, reason):
    """Workers that cannot start would be started for ever."""
    if content is not None:
        (tmp_path / "server.pem").write_text(content)
    config = tls_settings(tmp_path, tmp_path / "server.pem", tmp_path / "server.pem")

    done = serve_once(tmp_path, "--dev", "--workers", "2", "--config", config)

    assert 2 == done.returncode
    assert reason in done.stderr
    assert 1 == done.stderr.count(b"\n")


def serve_once(folder, *options):
    """Run ``registrary serve`` where it is expected to end by itself."""
    if "--listen" not in options:
        options = ("--listen", f"127.0.0.1:{free_port()}", *options)
    return subprocess.run(
        command("serve", "--store", f"sqlite:///{folder}/registrary.db", *options),
        env=environment(),
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def tls_settings(folder, certificate, key, more=""):
    """Write settings with a certificate; return their path."""
    config = folder / "registrary.toml"
    config.write_text(
        f'[http]\ntls_certificate = "{certificate}"\ntls_private_key = "{key}"\n{more}'
    )
    return str(config)


# Several


def test_what_one_worker_did_the_other_knows(pair):
    """A client does not choose its worker, and must not notice that there are two."""
    first, second = workers_of(pair)
    with asleep(first):
        registered = json.loads(ask(pair, sized(BODY)).body)
    path = "/register/" + registered["client_id"]
    bearer = f"Authorization: Bearer {registered['registration_access_token']}"
    with asleep(second):
        read = ask(pair, get(path, bearer))
        deleted = ask(pair, get(path, bearer).replace(b"GET", b"DELETE", 1))
    with asleep(first):
        gone = ask(pair, get(path, bearer))

    assert registered["client_id"] == json.loads(read.body)["client_id"]
    assert [200, 204, 401] == [read.status, deleted.status, gone.status]


def test_two_workers_keep_one_sound_log(pair):
    """Both put events into one tree, and neither may sign what the other did not see."""
    before = verdict(pair)["events"]

    statuses = register_many(pair, 300)
    eventually(lambda: verdict(pair)["signed_size"] == verdict(pair)["events"])
    after = verdict(pair)

    assert {201: 300} == statuses
    assert after["sound"]
    assert 300 <= after["events"] - before


def test_counters_say_whose_they_are(pair):
    """Read now from one, now from the other, they would seem to go up and down."""
    workers = workers_of(pair)
    names = []
    for other in reversed(workers):
        with asleep(other):
            ask(pair, get())
            shown = ask(pair, get("/metrics", f"Authorization: Bearer {ADMIN_TOKEN}"))
        names.append(re.findall(rb'process="(\d+)"', shown.body)[0])

    assert [str(worker).encode() for worker in workers] == names


def test_a_worker_that_dies_is_replaced(tmp_path, stores):
    """What was answered is kept, and the next caller is served."""
    with running_server(tmp_path, "--workers", "2", stores=stores) as server:
        registered = json.loads(ask(server, sized(BODY)).body)
        for worker in workers_of(server):
            os.kill(worker, signal.SIGKILL)
        bearer = f"Authorization: Bearer {registered['registration_access_token']}"
        read = ask(server, get("/register/" + registered["client_id"], bearer))
        eventually(lambda: len(workers_of(server)) == 2)
        server.process.terminate()
        code = server.process.wait(PATIENCE_SECONDS)
        sound = verdict(server)["sound"]

    assert 200 == read.status
    assert 0 == code
    assert sound


def test_two_workers_make_one_beginning(tmp_path, stores):
    """A store that both find empty has one issuer and one set of keys afterwards."""
    made = []
    for workers in ("1", "2"):
        with running_server(tmp_path / workers, "--workers", workers, stores=stores) as server:
            server.process.terminate()
            server.process.wait(PATIENCE_SECONDS)
        told = tags(server)
        made.append([told["issuer:created"], told["key:created"]])

    assert made[0] == made[1]
    assert 1 == made[0][0]


def tags(server):
    """Return how often the log of a server holds each kind of event."""
    done = subprocess.run(
        command("audit", "export", "--store", server.store_url),
        env=environment(),
        capture_output=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return Counter(json.loads(line["event"])["tag"] for line in lines if line["kind"] == "event")


# A listener for operators


BEARER = f"Authorization: Bearer {ADMIN_TOKEN}"


@pytest.fixture(scope="module")
def apart(tmp_path_factory, stores: Stores):
    """Run a server that keeps operators' business apart; return it and the other address."""
    folder = tmp_path_factory.mktemp("apart")
    address = f"127.0.0.1:{free_port()}"
    config = folder / "registrary.toml"
    config.write_text(f'[http]\nadmin_listen = "{address}"\n')
    with running_server(folder, "--config", str(config), stores=stores) as running:
        yield running, replace(running, url=f"http://{address}")


@pytest.mark.parametrize(
    ("sent", "outside", "inside"),
    [
        (get("/metrics"), 404, 200),
        (get("/metrics", BEARER), 404, 200),
        (get("/api/v1/clients"), 404, 401),
        (get("/api/v1/clients", BEARER), 404, 200),
        (get("/api/v1/openapi.json"), 404, 200),
        (get("/healthz"), 200, 200),
        (get("/readyz"), 200, 200),
        (sized(BODY), 201, 404),
        (get("/jwks"), 200, 404),
        (get("/.well-known/openid-configuration"), 200, 404),
        (get("/.well-known/oauth-authorization-server"), 200, 404),
    ],
    ids=[
        "metrics",
        "metrics with a token",
        "API",
        "API with a token",
        "API description",
        "alive",
        "ready",
        "registration",
        "keys",
        "metadata",
        "older metadata",
    ],
)
def test_operators_and_clients_are_served_apart(apart, sent, outside, inside):
    """What strangers cannot reach they cannot attack (threat 40)."""
    main, admin = apart

    statuses = [ask(main, sent).status, ask(admin, sent).status]

    assert [outside, inside] == statuses


def test_the_server_says_where_operators_find_it(apart):
    """With port 0 nobody else could know."""
    main, admin = apart

    assert f"admin     {admin.url.removeprefix('http://')}\n" in main.log.read_text()


# TLS


@pytest.fixture(scope="module")
def sealed(tmp_path_factory, stores: Stores):
    """Run a server that speaks TLS itself."""
    folder = tmp_path_factory.mktemp("sealed")
    authority = CertificateAuthority()
    certificate, key = authority.write_server(folder, "127.0.0.1")
    config = tls_settings(folder, certificate, key, "[registration]\nmode = 'open'\n")
    port = free_port()
    options = ("--issuer", f"https://127.0.0.1:{port}", "--config", config)
    trust = authority.write(folder / "authority.pem")
    with running_server(
        folder, *options, port=port, dev=False, authority=trust, stores=stores
    ) as running:
        yield running


@contextmanager
def connected_by_tls(server):
    """Connect to a server that speaks TLS."""
    with (
        connected(server.url) as plain,
        server.tls.wrap_socket(plain.socket, server_hostname="127.0.0.1") as connection,
    ):
        yield Wire(connection)


def test_limits_and_refusals_are_the_same_inside_tls(sealed):
    """There a half-closed connection is not to be had, and the refusal must arrive all the same."""
    with connected_by_tls(sealed) as wire:
        wire.send(get() + sized(BODY) + post("Content-Length: 99999", body=b"x" * 99_999))
        statuses = [wire.answer().status for _ in range(3)]

    assert [200, 201, 413] == statuses


def test_a_caller_by_tls_who_leaves_is_no_fault(sealed):
    """Or every closed browser tab would be a line in the log."""
    seen = len(sealed.log.read_text())
    with connected_by_tls(sealed) as wire:
        wire.send(get())
        wire.answer()
    with connected(sealed.url) as plain:
        plain.send(get())
        plain.rest()
    with connected_by_tls(sealed) as wire:
        wire.send(get())
        answer = wire.answer()

    assert 200 == answer.status
    assert "" == sealed.log.read_text()[seen:]


@pytest.mark.parametrize("asks", ["off", "optional"])
def test_a_stopping_server_waits_for_no_caller_at_rest_by_tls(tmp_path, asks, stores):
    """TLS closes when both say so, and a pool of kept connections says nothing for hours."""
    authority = CertificateAuthority()
    certificate, key = authority.write_server(tmp_path, "127.0.0.1")
    config = tls_settings(
        tmp_path, certificate, key, f'tls_client_certificates = "{asks}"\ngraceful_seconds = 15\n'
    )
    port, trust = free_port(), authority.write(tmp_path / "authority.pem")
    options = ("--issuer", f"https://127.0.0.1:{port}", "--config", config)
    with running_server(
        tmp_path, *options, port=port, dev=False, authority=trust, stores=stores
    ) as server:
        with connected_by_tls(server) as wire:
            wire.send(get())
            wire.answer()
            server.process.terminate()
            server.process.wait(PATIENCE_SECONDS)
        written = server.log.read_text()

    assert "timeout graceful shutdown exceeded" not in written
    assert 0 == server.process.returncode


def test_tls_before_1_2_is_refused(sealed):
    """Older versions are broken (RFC 9325 §3.1.1)."""
    old = sealed.tls
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1

    with connected(sealed.url) as plain, pytest.raises(ssl.SSLError, match="protocol"):
        old.wrap_socket(plain.socket, server_hostname="127.0.0.1")
