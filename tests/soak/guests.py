"""Callers of a soak: beside what every load does, they bring people, keys and an operator."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.faults.assertions import ASSERTION_TYPE, LIFETIME_SECONDS
from tests.faults.ledger import UNKNOWN, Outcome, Registered
from tests.faults.load import ADMIN, DOCUMENT, MIX, PAUSE_SECONDS, Caller, Calling, Members
from tests.interop.people import Arrival, Browser
from tests.soak.book import Book, Granted, Held, Stop, Tries

REDIRECT: Final = "https://app.example/cb"
STOPPED_SECONDS: Final = 1.0  # within which every node knows of a suspension
WATCHED_SECONDS: Final = 2.0
WATCH_PAUSE_SECONDS: Final = 0.05
VERIFIER: Final = "one-verifier-is-enough-for-people-whom-nobody-attacks"
CHALLENGE: Final = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
KEPT: Final = 20  # grants a caller goes on working with
VISITS: Final = 10  # with one browser and one client, before there are others
# What callers do, by weight; the last two take seconds each.
SOAK_MIX: Final = {operation: 10 * weight for operation, weight in MIX.items()} | {
    "visit": 15,
    "refresh": 25,
    "sign": 6,
    "revoke": 3,
    "suspend": 2,
}


class Guest(Caller):
    """A caller who does all that a soak wants done, no faster than *pause* seconds a turn."""

    def __init__(self, nodes: Sequence[str], book: Book, *, first: int, pause: float) -> None:
        super().__init__(nodes, book, first=first)
        self._book = book
        self._pause = pause
        self._random = Random(first)
        self._calls = [Calling([node], book) for node in nodes]
        self._browsing = _Browsing(nodes, first)
        self._applications: list[Registered] = []
        self._grants: list[Granted] = []
        self._key: ECKey | None = None
        self._signing: Registered | None = None
        self._more: dict[str, Callable[[], None]] = {
            "visit": self._visit,
            "refresh": self._refresh,
            "revoke": self._revoke,
            "sign": self._sign,
            "suspend": self._suspend,
        }

    def close(self) -> None:
        """Close the connections."""
        super().close()
        self._browsing.close()
        for calling in self._calls:
            calling.close()

    def turn(self, operation: str) -> None:
        """Do *operation* once, after a pause."""
        time.sleep(self._random.uniform(0, 2 * self._pause))
        if operation in self._more:
            self._more[operation]()
        else:
            super().turn(operation)

    def _enter(self, **members: Any) -> Registered | None:
        """Register a client that only one kind of turn works with."""
        document = DOCUMENT | {"client_name": self._ledger.next_name()} | members
        outcome, answer = self._calling.ask("register", "POST", "/register", json=document)
        if outcome in UNKNOWN:
            self._ledger.doubt(document["client_name"])
        if outcome is not Outcome.ACKNOWLEDGED:
            return None
        client = Registered(
            client_id=answer["client_id"],
            secret=answer.get("client_secret", ""),
            token=answer["registration_access_token"],
            method=answer["token_endpoint_auth_method"],
            names=[document["client_name"]],
        )
        self._ledger.add(client)
        return client

    # People -----------------------------------------------------------------------------------

    def _visit(self) -> None:
        """Let a person allow an application something, and let that have its tokens."""
        client = self._application()
        if client is None:
            return
        tries = self._book.codes.setdefault(client.client_id, Tries())
        code = self._browsing.visit(client, self._book, tries)
        if code is None:
            return
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
        }
        if self._random.random() < 0.2:
            self._race_code(client, form)
            return
        outcome, answer = self._ask_token("code", client, form)
        if outcome is Outcome.ACKNOWLEDGED:
            granted = Granted(client, answer["refresh_token"], answer["access_token"])
            self._book.grant(granted)
            self._grants = [*self._grants[-KEPT:], granted]

    def _application(self) -> Registered | None:
        """Return an application of people; every other one has no secret."""
        if not self._applications or self._random.random() < 1 / VISITS:
            method = self._random.choice(["client_secret_basic", "client_secret_post", "none"])
            made = self._enter(
                redirect_uris=[REDIRECT],
                grant_types=["authorization_code", "refresh_token"],
                scope="openid read offline_access",
                token_endpoint_auth_method=method,
            )
            if made is not None:
                self._applications = [*self._applications[-3:], made]
        return self._random.choice(self._applications) if self._applications else None

    def _race_code(self, client: Registered, form: dict[str, str]) -> None:
        """Bring one code to two nodes at once; what comes of it is ended, so it is forgotten."""
        outcomes: list[Outcome] = []

        def send(calling: Calling) -> None:
            members = authenticated(client, form)
            outcomes.append(calling.ask("code", "POST", "/token", denied=400, **members)[0])

        rivals = [threading.Thread(target=send, args=(calling,)) for calling in self._calls]
        for rival in rivals:
            rival.start()
        for rival in rivals:
            rival.join()
        self._single("code", outcomes)

    def _refresh(self) -> None:
        """Have an access token renewed, and ask another node about it."""
        granted = self._live_grant()
        if granted is None:
            return
        form = {"grant_type": "refresh_token", "refresh_token": granted.refresh_token}
        denied = 400 if granted.is_open else 0
        outcome, answer = self._ask_token("refresh", granted.client, form, denied=denied)
        rotates = granted.client.method == "none"
        if outcome is Outcome.DENIED:
            self._grants.remove(granted)
        elif outcome in UNKNOWN:
            granted.is_open = rotates
        elif outcome is Outcome.ACKNOWLEDGED:
            granted.refresh_token = answer.get("refresh_token", granted.refresh_token)
            granted.access_token, granted.is_open = answer["access_token"], False
            if not rotates and self._is_active(granted) is False:
                self._ledger.finding("refresh: a token just issued is not active")

    def _revoke(self) -> None:
        """End a grant, and see another node refuse it."""
        granted = self._live_grant()
        if granted is None or granted.is_open:
            return
        self._grants.remove(granted)
        members = authenticated(granted.client, {"token": granted.refresh_token})
        granted.revocation, _ = self._calling.ask("revoke", "POST", "/revoke", **members)
        if granted.revocation is not Outcome.ACKNOWLEDGED:
            return
        form = {"grant_type": "refresh_token", "refresh_token": granted.refresh_token}
        members = authenticated(granted.client, form)
        outcome, _ = self._rival.ask("refused", "POST", "/token", denied=400, **members)
        if outcome is Outcome.ACKNOWLEDGED:
            self._ledger.finding("revoke: a refresh token that was revoked was used")
        time.sleep(STOPPED_SECONDS)
        if granted.client.method != "none" and self._is_active(granted):
            self._ledger.finding("revoke: an access token was active a second later")

    def _live_grant(self) -> Granted | None:
        """Return a grant to work with; one of which nothing is known first, while it lasts."""
        doubtful = [granted for granted in self._grants if granted.is_open]
        candidates = doubtful or self._grants
        return self._random.choice(candidates) if candidates else None

    def _is_active(self, granted: Granted) -> bool | None:
        members = authenticated(granted.client, {"token": granted.access_token})
        outcome, answer = self._rival.ask("introspect", "POST", "/introspect", **members)
        return bool(answer["active"]) if outcome is Outcome.ACKNOWLEDGED else None

    def _ask_token(
        self, operation: str, client: Registered, form: dict[str, str], *, denied: int = 0
    ) -> tuple[Outcome, Members]:
        members = authenticated(client, form)
        return self._calling.ask(operation, "POST", "/token", denied=denied, **members)

    # Keys -------------------------------------------------------------------------------------

    def _sign(self) -> None:
        """Prove a client by its key, to two nodes at once."""
        if self._key is None:
            self._key = ECKey.generate_key("P-256", {"kid": "soak", "alg": "ES256", "use": "sig"})
        if self._signing is None:
            self._signing = self._enter(
                token_endpoint_auth_method="private_key_jwt",
                jwks={"keys": [self._key.as_dict(private=False)]},
            )
        audience = self._ledger.issuer or self._find_issuer()
        if self._signing is None or not audience:
            return
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._signed(self._signing.client_id, audience),
        }
        outcomes = self._race("sign", "/token", data=form)
        self._single("signed assertion", [outcome for outcome, _ in outcomes])

    def _signed(self, client_id: str, audience: str) -> str:
        now = int(time.time())
        claims: dict[str, str | int] = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": secrets.token_hex(16),
        }
        assert self._key, "it was made before"
        return jwt.encode({"alg": "ES256", "kid": "soak"}, claims, self._key)

    # An operator ------------------------------------------------------------------------------

    def _suspend(self) -> None:
        """Hold a client that every node knows, and see that each stops it; then let it go on."""
        client = self._enter(token_endpoint_auth_method="client_secret_basic")
        if client is None:
            return
        for calling in self._calls:
            calling.ask("token", "POST", "/token", **credentials(client))
        held = self._book.held.setdefault(client.client_id, Held())
        path = f"/api/v1/clients/{client.client_id}/holds"
        outcome, _ = self._calling.ask(
            "suspend", "POST", path, json={"reason": "soak"}, headers=ADMIN
        )
        held.holds.note(outcome)
        if outcome is not Outcome.ACKNOWLEDGED:
            return
        self._watch(client)
        outcome, _ = self._calling.ask("resume", "DELETE", f"{path}/admin", headers=ADMIN)
        held.lifts.note(outcome)
        if outcome is Outcome.ACKNOWLEDGED:
            time.sleep(STOPPED_SECONDS)
            self._calling.ask("token", "POST", "/token", **credentials(client))

    def _watch(self, client: Registered) -> None:
        """Ask every node for tokens for a while after the operator's answer."""
        since = time.monotonic()
        last: dict[int, float] = {}
        while time.monotonic() - since < WATCHED_SECONDS:
            for number, calling in enumerate(self._calls):
                asked = time.monotonic() - since
                outcome, _ = calling.ask(
                    "suspended", "POST", "/token", denied=401, **credentials(client)
                )
                if outcome is Outcome.ACKNOWLEDGED:
                    last[number] = asked
                    if asked > STOPPED_SECONDS:
                        self._ledger.finding(
                            f"suspend: node {number} gave a token to one who asked {asked:.2f} s "
                            "after the suspension"
                        )
            time.sleep(WATCH_PAUSE_SECONDS)
        for number in range(len(self._calls)):
            self._book.stop(Stop(number, last.get(number)))


class _Browsing:
    """Browsers of one caller: each is one person's for a while, and asks any node."""

    def __init__(self, nodes: Sequence[str], first: int) -> None:
        self._nodes = nodes
        self._random = Random(first)
        self._browser: Browser | None = None

    def close(self) -> None:
        """Throw the cookies away."""
        if self._browser is not None:
            self._browser.close()
            self._browser = None

    def visit(self, client: Registered, book: Book, tries: Tries) -> str | None:
        """Have *client* allowed what it asks; return the code it gets, if any came."""
        if self._random.random() < 1 / VISITS:
            self.close()
        self._browser = self._browser or Browser(self._nodes)
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": REDIRECT,
            "scope": "openid read",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        address = f"{self._random.choice(self._nodes)}/authorize?{urlencode(query)}"
        begun, why = time.monotonic(), ""
        try:
            arrival = self._browser.visit(address)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            # It may have been the second page, so something may have been allowed.
            outcome, code = Outcome.LOST, None
        except httpx2.TimeoutException:
            outcome, code, why = Outcome.WRONG, None, "no page in time"
        except httpx2.TransportError:
            outcome, code = Outcome.LOST, None
        else:
            outcome, code, why = judged(arrival)
        book.note("visit", outcome, seconds=time.monotonic() - begun, why=why)
        tries.note(outcome)
        if outcome is not Outcome.ACKNOWLEDGED:
            self.close()
            time.sleep(PAUSE_SECONDS)
        return code


def judged(arrival: Arrival) -> tuple[Outcome, str | None, str]:
    """Return what came of a visit: the code, or what is wrong."""
    if "code" in arrival.answer:
        return Outcome.ACKNOWLEDGED, arrival.answer["code"], ""
    error = arrival.answer.get("error")
    if arrival.status == 503 or error == "temporarily_unavailable":
        return Outcome.REFUSED, None, ""
    return Outcome.WRONG, None, f"{arrival.status} {error} {arrival.pages[-1:]}"[:300]


def credentials(client: Registered) -> Members:
    """Return a request for a token of *client*'s own."""
    return authenticated(client, {"grant_type": "client_credentials"})


def authenticated(client: Registered, form: dict[str, str]) -> Members:
    """Return *form* as *client* sends it: by its method, secret in the head, body or nowhere."""
    if client.method == "client_secret_basic":
        return {"data": form, "auth": (client.client_id, client.secret)}
    proof = {"client_id": client.client_id}
    if client.method == "client_secret_post":
        proof["client_secret"] = client.secret
    return {"data": form | proof}
