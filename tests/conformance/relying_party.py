"""A client of the suite: how it asks, what it makes of an answer, and how it proves itself."""

import secrets
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.conformance.judge import (
    VISIBLE,
    Claims,
    check_hashes,
    check_id_token,
    check_json,
    check_standard_claims,
    unsigned_claims,
    verified,
)
from tests.protocol.people import FORM, Browser, Shown

if TYPE_CHECKING:
    from tests.conformance.suite import Suite

ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS: Final = 60

Request = dict[str, str]


@dataclass
class SignIn:
    """What a sign-in came to.

    *fields* is the answer of the authorization endpoint, *tokens* that of the token endpoint;
    *front* and *claims* are the claims of the ID tokens from the one and the other.
    """

    request: Request
    fields: dict[str, str]
    tokens: Claims = field(default_factory=dict)
    front: Claims = field(default_factory=dict)
    back: Claims = field(default_factory=dict)

    @property
    def claims(self) -> Claims:
        """The claims of the last ID token."""
        return self.back or self.front

    @property
    def id_token(self) -> str:
        """The last ID token."""
        return str(self.tokens.get("id_token") or self.fields["id_token"])

    @property
    def access_token(self) -> str:
        """The last access token."""
        return str(self.tokens.get("access_token") or self.fields["access_token"])


@dataclass
class Party:
    """A registered client, which asks for *response_type*."""

    suite: "Suite"
    client: dict[str, Any]  # Any: metadata values are JSON
    response_type: str
    key: RSAKey
    response_mode: str | None = None
    scope: str = "openid"

    @property
    def words(self) -> set[str]:
        """The words of the response type."""
        return set(self.response_type.split())

    def request(self, **changes: str | None) -> Request:
        """Return an authorization request; None leaves a parameter out."""
        wanted = {
            "client_id": self.client["client_id"],
            "redirect_uri": self.client["redirect_uris"][0],
            "scope": self.scope,
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "response_type": self.response_type,
            "response_mode": self.response_mode,
        } | changes
        return {name: value for name, value in wanted.items() if value is not None}

    def address(self, request: Mapping[str, str]) -> str:
        """Return where a browser goes with *request*; parameters are sorted, as in the suite."""
        endpoint = self.suite.metadata["authorization_endpoint"]
        return f"{endpoint}?{urlencode(sorted(request.items()), quote_via=quote)}"

    def sign_in(self, browser: Browser, **changes: str | None) -> SignIn:
        """Go through a whole sign-in with *browser*, and judge everything that comes of it."""
        request = self.request(**changes)
        return self.finish(request, browser.go_through(self.address(request)))

    def finish(self, request: Request, shown: Shown) -> SignIn:
        """Judge the way back *shown*, and redeem what it brings."""
        done = self.front(request, shown)
        if "token" in self.words:
            self.userinfo(done.access_token)
        if "code" in self.words:
            self.back(done)
            self.userinfo(done.access_token)
        return done

    def answer(self, request: Request, shown: Shown) -> dict[str, str]:
        """Return the parameters that *shown* brings to the redirect URI, where they belong."""
        uri = request["redirect_uri"]
        if self.response_mode == "form_post":
            assert 200 == shown.status
            assert uri == shown.form.action
            assert len(dict(shown.form.fields)) == len(shown.form.fields)
            return dict(shown.form.fields)
        parts, registered = urlsplit(shown.location), urlsplit(uri)
        query = parse_qsl(parts.query, strict_parsing=bool(parts.query))
        kept = parse_qsl(registered.query)
        assert registered[:3] == parts[:3]
        assert kept == query[: len(kept)]
        if request.get("response_type", "code") == "code":
            assert "" == parts.fragment
            return dict(query[len(kept) :])
        assert kept == query  # OAuth 2.0 Multiple Response Types §5: nothing of it in the query
        return dict(parse_qsl(parts.fragment, strict_parsing=True))

    def front(self, request: Request, shown: Shown) -> SignIn:
        """Judge what the authorization endpoint answers."""
        fields = self.answer(request, shown)
        assert "error" not in fields, fields
        assert (request.get("state"), self.suite.issuer) == (fields.get("state"), fields["iss"])
        done = SignIn(request, fields)
        names = {"token": "access_token"}
        assert {names.get(word, word) for word in self.words} == fields.keys() & {
            *("code", "access_token", "id_token")
        }
        if "id_token" in self.words:
            done.front = self.id_token(fields["id_token"], request)
            self._check_front_hashes(done)
        if "token" in self.words:
            assert "bearer" == fields["token_type"].lower()
            assert int(fields["expires_in"]) > 0
        return done

    def back(self, done: SignIn) -> None:
        """Redeem the code of *done* and judge what comes of it."""
        done.tokens = self.tokens(self.redeem(done.fields["code"], done.request))
        done.back = self.id_token(done.tokens["id_token"], done.request)
        known = {"at_hash": done.tokens["access_token"]}
        if self.alg != "none":
            check_hashes(done.back, required={}, known=known)
        if done.front:
            assert (done.front["iss"], done.front["sub"]) == (done.back["iss"], done.back["sub"])

    def redeem(self, code: str, request: Request, **changes: str) -> httpx2.Response:
        """Present *code*, which came of *request*."""
        uri = request["redirect_uri"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": uri}
        return self.ask("token_endpoint", **form, **changes)

    def refresh(self, token: str, **changes: str) -> httpx2.Response:
        """Present a refresh token."""
        return self.ask(
            "token_endpoint", grant_type="refresh_token", refresh_token=token, **changes
        )

    def tokens(self, answer: httpx2.Response) -> Claims:
        """Return the answer of the token endpoint, judged."""
        tokens = check_json(answer, 200)
        assert "error" not in tokens
        assert "bearer" == tokens["token_type"].lower()
        assert isinstance(tokens["expires_in"], int)
        assert tokens["expires_in"] > 0
        assert VISIBLE.fullmatch(tokens["access_token"])
        return tokens

    @property
    def alg(self) -> str:
        """What signs its ID tokens."""
        return str(self.client.get("id_token_signed_response_alg", "RS256"))

    def id_token(self, token: str, request: Request) -> Claims:
        """Return the claims of an ID token, judged."""
        if self.alg == "none":
            claims = unsigned_claims(token)
        else:
            claims = verified(token, self.suite.keys(), alg=self.alg)
        check_id_token(
            claims,
            issuer=self.suite.issuer,
            client_id=self.client["client_id"],
            nonce=request.get("nonce"),
        )
        return claims

    def userinfo(self, token: str) -> httpx2.Response:
        """Ask about the person, as the suite does after every sign-in."""
        endpoint = self.suite.metadata["userinfo_endpoint"]
        answer = self.suite.http.get(endpoint, headers={"authorization": f"Bearer {token}"})
        assert 200 == answer.status_code, answer.text
        return answer

    def person(self, answer: httpx2.Response, done: SignIn) -> Claims:
        """Return the claims of a plain userinfo *answer*, judged (Core §5.3.2)."""
        claims = check_json(answer, 200)
        check_standard_claims(claims)
        assert {done.claims["sub"]} == {
            claims["sub"],
            *(known["sub"] for known in (done.front, done.back) if known),
        }
        return claims

    def ask(self, endpoint: str, *, audience: str | None = None, **form: str) -> httpx2.Response:
        """Post *form* to *endpoint*, proving who we are; *audience* is that of an assertion."""
        client_id, headers = self.client["client_id"], dict(FORM)
        match self.client["token_endpoint_auth_method"]:
            case "client_secret_basic":
                pair = f"{client_id}:{self.client['client_secret']}"
                headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
            case "client_secret_post":
                form |= {"client_id": client_id, "client_secret": self.client["client_secret"]}
            case _:
                address = audience or self.suite.metadata["token_endpoint"]
                form |= {
                    "client_assertion": self.assertion(address),
                    "client_assertion_type": ASSERTION,
                }
        address = self.suite.metadata[endpoint]
        return self.suite.http.post(address, content=urlencode(form), headers=headers)

    def assertion(self, audience: str) -> str:
        """Return a new assertion for *audience*, with the ``kid`` of the key if it has one."""
        now = int(time.time())
        claims = {
            "iss": self.client["client_id"],
            "sub": self.client["client_id"],
            "aud": audience,
            "jti": secrets.token_urlsafe(16),
            "nbf": now,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        return self.signed(claims)

    def signed(self, claims: Mapping[str, Any]) -> str:  # Any: claims are JSON values
        """Return *claims* signed with RS256."""
        header = {"alg": "RS256", **({"kid": self.key.kid} if self.key.kid else {})}
        return jwt.encode(header, dict(claims), self.key, algorithms=["RS256"])

    def _check_front_hashes(self, done: SignIn) -> None:
        """Core §3.2.2.10, §3.3.2.11: what is in front beside an ID token is vouched for."""
        beside = {"at_hash": "access_token", "c_hash": "code"}
        required = {name: done.fields[what] for name, what in beside.items() if what in done.fields}
        check_hashes(done.front, required=required, known={})
