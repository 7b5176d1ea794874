"""Issuers of one server know nothing of each other's people."""

from collections.abc import Iterator

import httpx2
import pytest

from registrary.testing.server import Stores, running_server
from tests.protocol.kit import OPERATOR, Issuer, open_issuer

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def issuers(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[list[Issuer]]:
    """Return two issuers at one host, behind a proxy that ends TLS; on a server of their own.

    Where there are several issuers, the host that is asked for means something.
    """
    with (
        running_server(tmp_path_factory.mktemp("people"), stores=stores) as server,
        httpx2.Client(base_url=server.url, trust_env=False, timeout=30) as client,
    ):
        first = Issuer(client, server.url)
        names = ("one", "two")
        yield [open_issuer(first, f"https://localhost/{name}") for name in names]


class Visitor:
    """A browser that keeps cookies by itself: the client would not send those of another host."""

    def __init__(self, issuer: Issuer):
        self.issuer = issuer
        self.cookies: dict[str, str] = {}
        self.set: list[str] = []

    def request(self, method: str, path: str, **more) -> httpx2.Response:
        """Send a request with the cookies there are."""
        line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"cookie": line} if line else {}
        answer = self.issuer.request(method, path, headers=headers, **more)
        for header in answer.headers.get_list("set-cookie"):
            self.set.append(header)
            name, _, rest = header.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        self.issuer.http.cookies.clear()
        return answer

    def sign_in(self, username: str, password: str = PASSWORD) -> httpx2.Response:
        """Sign in on the account page."""
        page = self.request("GET", "/account").text
        csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
        form = {"csrf": csrf, "username": username, "password": password, "login": "login"}
        return self.request("POST", "/account", data=form)

    def is_signed_in(self) -> bool:
        """Tell whether the account page greets somebody."""
        return "You are signed in as" in self.request("GET", "/account").text


def a_person(issuer: Issuer, username: str) -> None:
    """Make somebody known at *issuer*."""
    made = issuer.request(
        "POST",
        "/api/v1/people",
        json={"username": username, "password": PASSWORD},
        headers=OPERATOR,
    )
    assert made.status_code == 201, made.text


def test_a_person_of_one_issuer_is_nobody_at_the_other(issuers):
    """Two organisations share a server, and not their staff."""
    one, two = issuers
    a_person(one, "anna")

    here, there = Visitor(one).sign_in("anna"), Visitor(two).sign_in("anna")

    assert (303, 200) == (here.status_code, there.status_code)


def test_a_session_of_one_issuer_is_none_at_the_other(issuers):
    """Whatever name the cookie is given."""
    one, two = issuers
    a_person(one, "bert")
    visitor = Visitor(one)
    visitor.sign_in("bert")
    assert visitor.is_signed_in()
    elsewhere = Visitor(two)
    elsewhere.request("GET", "/account")
    own = next(name for name in elsewhere.cookies if "browser" in name)
    token = next(value for name, value in visitor.cookies.items() if "session" in name)

    elsewhere.cookies[own.replace("browser", "session")] = token

    assert not elsewhere.is_signed_in()


def test_over_https_every_cookie_belongs_to_this_host_alone(issuers):
    """A neighbour below the same domain could plant any other."""
    visitor = Visitor(issuers[0])
    a_person(issuers[0], "carl")
    visitor.sign_in("carl")

    assert 2 == len(visitor.set)
    for header in visitor.set:
        assert header.startswith("__Host-rgy_")
        assert header.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")


def test_the_way_on_stays_below_the_issuer(issuers):
    """An issuer with a path must not lead to its neighbour."""
    a_person(issuers[1], "dora")

    done = Visitor(issuers[1]).sign_in("dora")

    assert "https://localhost/two/account" == done.headers["location"]
