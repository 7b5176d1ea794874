"""A server that starts without an administrator prints the way in for the first one."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from registrary.testing.server import (
    START_SECONDS,
    STOP_SECONDS,
    Stores,
    command,
    environment,
    free_port,
)

LINK = re.compile(r"^  (http://\S+/setup/rgy_adm_\w+)$", re.MULTILINE)
TOKEN = re.compile(r"rgy_adm_\w+")


@dataclass(frozen=True)
class Started:
    """A server that is running; *greeting* is what it printed, *log* where it writes the rest."""

    url: str
    greeting: str
    log: Path

    @property
    def links(self) -> list[str]:
        """Return the set-up links it printed."""
        return LINK.findall(self.greeting)


@contextmanager
def started(folder: Path, *options: str, stores: Stores, **settings: str) -> Iterator[Started]:
    """Run a development server without an admin token, but *settings*, in its environment."""
    variables = environment() | settings
    del variables["REGISTRARY_ADMIN_TOKEN"]
    where = ("--listen", "127.0.0.1:0", "--store", stores.at(folder))
    line = command("serve", "--dev", *where, *options)
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(line, stdout=subprocess.PIPE, stderr=log, env=variables) as process,
    ):
        assert process.stdout is not None
        greeting = ""
        while "/cb" not in greeting:
            said = process.stdout.readline().decode()
            assert said, (folder / "server.log").read_text()
            greeting += said
        url = greeting.split()[1]
        wait_until_it_answers(url)
        try:
            yield Started(url, greeting, folder / "server.log")
        finally:
            process.terminate()
            process.communicate(timeout=STOP_SECONDS)


def wait_until_it_answers(url: str) -> None:
    """Return once the server at *url* is ready."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            if 200 == httpx2.get(f"{url}/readyz", trust_env=False).status_code:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")


def listed(server: Started, token: str) -> httpx2.Response:
    """Ask for the clients with an admin token."""
    headers = {"authorization": f"Bearer {token}"}
    return httpx2.get(f"{server.url}/api/v1/clients", headers=headers, trust_env=False)


def test_whoever_started_the_server_becomes_its_administrator(tmp_path, stores):
    """There is no password to be left at its default."""
    with started(tmp_path, stores=stores) as server:
        (link,) = server.links
        look = httpx2.get(link, trust_env=False)
        done = httpx2.post(link, trust_env=False)
        again = httpx2.post(link, trust_env=False)
        (token,) = set(TOKEN.findall(done.text))
        answer = listed(server, token)

    assert [200, 200, 404, 200] == [reply.status_code for reply in (look, done, again, answer)]
    assert "text/html; charset=utf-8" == done.headers["content-type"]
    assert ("no-store", "no-referrer") == (
        done.headers["cache-control"],
        done.headers["referrer-policy"],
    )
    log = server.log.read_text()
    assert TOKEN.findall(link)[0] not in log
    assert token not in log + server.greeting


def test_each_start_prints_a_new_link_until_there_is_an_administrator(tmp_path, stores):
    """The link on the screen is the one that works; later there is none."""
    with started(tmp_path, stores=stores) as first:
        (old,) = first.links
    with started(tmp_path, stores=stores) as second:
        (new,) = second.links
        stale = httpx2.post(f"{second.url}{old.removeprefix(first.url)}", trust_env=False)
        done = httpx2.post(new, trust_env=False)
        token = TOKEN.findall(done.text)[0]
    with started(tmp_path, stores=stores) as third:
        answer = listed(third, token)

    assert (404, 200, 200) == (stale.status_code, done.status_code, answer.status_code)
    assert [] == third.links


def test_several_workers_share_one_link(tmp_path, stores):
    """Four links for one door, three of them dead, would be a riddle."""
    with started(tmp_path, "--workers", "2", stores=stores) as server:
        (link,) = server.links
        done = httpx2.post(link, trust_env=False)
        answer = listed(server, TOKEN.findall(done.text)[0])

    assert (200, 200) == (done.status_code, answer.status_code)


def test_operators_with_a_listener_of_their_own_are_set_up_there(tmp_path, stores):
    """Strangers must not reach even the door."""
    apart = f"127.0.0.1:{free_port()}"
    with started(tmp_path, REGISTRARY_HTTP__ADMIN_LISTEN=apart, stores=stores) as server:
        (link,) = server.links
        path = link.removeprefix(f"http://{apart}")
        public = httpx2.get(f"{server.url}{path}", trust_env=False)
        done = httpx2.post(link, trust_env=False)
        answer = httpx2.get(
            f"http://{apart}/api/v1/clients",
            headers={"authorization": f"Bearer {TOKEN.findall(done.text)[0]}"},
            trust_env=False,
        )

    assert path.startswith("/setup/")
    assert (404, 200, 200) == (public.status_code, done.status_code, answer.status_code)
