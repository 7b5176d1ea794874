"""Whatever is sent to registration and management is answered, and no client breaks a rule.

One server for all; its log must hold neither a fault nor a secret afterwards.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from registrary.core.client import Client
from registrary.core.lifecycle import ClientState
from registrary.core.metadata import BY_NAME, FIELDS
from registrary.core.strict_json import JsonError, parse_object
from registrary.policy.consistency import needs_recoverable_secret, needs_secret
from registrary.testing.server import RunningServer, Stores, running_server
from registrary.testing.stores import open_store
from registrary.wiring.contexts import context_of
from tests.property.documents import assert_holds_together, documents, json_values, judged, likely
from tests.protocol.wire import Answer, Wire, connected

Pairs = list[tuple[str, bytes]]

JSON: Final[Pairs] = [("content-type", b"application/json")]
RESPONSE_ONLY: Final = frozenset(
    {
        "client_id",
        "client_id_issued_at",
        "client_secret",
        "client_secret_expires_at",
        "registration_access_token",
        "registration_client_uri",
        "registrary_state",
        "registrary_pending_scope",
    }
)
SECRET: Final = re.compile(r"rgy_[a-z]+_[A-Za-z0-9]+|(?i:bearer|basic) [A-Za-z0-9+/=_.~-]{8,}")
QUOTED: Final = {'"', "\\"}
CODES: Final = {
    "invalid_client_metadata",
    "invalid_redirect_uri",
    "invalid_software_statement",
    "unapproved_software_statement",
    "invalid_request",
}


class Site:
    """A server, a connection to it that is kept as long as it lasts, and its store."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self._stack = ExitStack()
        self._run = self._stack.enter_context(asyncio.Runner()).run
        self._store = self._run(open_store(server.store_url))
        (self.issuer,) = self._run(self._store.issuers())
        self.offer = context_of(self.issuer).offer
        self._line = ExitStack()
        self._wire: Wire | None = None

    def ask(
        self, method: str, target: str, headers: Pairs | None = None, body: bytes = b""
    ) -> Answer:
        """Send a request as it stands and return the answer, which is never a fault of ours."""
        head = [f"{method} {target} HTTP/1.1\r\nHost: x\r\n".encode("latin-1")]
        head += [b"%b: %b\r\n" % (name.encode("latin-1"), value) for name, value in headers or []]
        if body or method in ("POST", "PUT"):
            head.append(b"Content-Length: %d\r\n" % len(body))
        if self._wire is None:
            self._wire = self._line.enter_context(connected(self.server.url))
        self._wire.send(b"".join(head) + b"\r\n" + body)
        answer = self._wire.answer(to_head=method == "HEAD")
        if answer.closes:
            self.hang_up()
        if answer.status >= 400 and method != "HEAD":
            assert_clear(answer)
        assert answer.status < 500
        return answer

    def post(self, document: Any, query: str = "") -> Answer:
        """Register *document*."""
        return self.ask("POST", f"/register{query}", JSON, json.dumps(document).encode())

    def registered(self, document: Any) -> dict[str, Any]:
        """Return a client that registers *document*, which is good."""
        answer = self.post(document)
        assert 201 == answer.status
        made: dict[str, Any] = json.loads(answer.body)
        return made

    def own(
        self, client: dict[str, Any], method: str, document: Any = None, query: str = ""
    ) -> Answer:
        """Let *client* manage itself."""
        token = client["registration_access_token"].encode()
        body = b"" if document is None else json.dumps(document).encode()
        headers = [*JSON, ("authorization", b"Bearer %b" % token)]
        return self.ask(method, f"/register/{client['client_id']}{query}", headers, body)

    def kept(self, client_id: str) -> Client:
        """Return the client as it is stored."""
        found = self._run(self._store.get(Client, self.issuer.id, client_id))
        assert found is not None
        return found

    def hang_up(self) -> None:
        """End the connection; the next request has a new one."""
        self._line.close()
        self._wire = None

    def close(self) -> None:
        """Let go of connection and store."""
        self.hang_up()
        self._run(self._store.close())
        self._stack.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[Site]:
    """Run a server that takes anybody; at the end it has told no secret and had no fault."""
    with running_server(
        tmp_path_factory.mktemp("property"), "--no-rate-limits", stores=stores
    ) as server:
        site = Site(server)
        yield site
        site.close()
    log = server.log.read_text()
    assert '"level": "error"' not in log
    assert "Traceback" not in log
    assert [] == SECRET.findall(log)


def assert_clear(answer: Answer) -> None:
    """Check that an error can be read by every client, and repeats nothing that would spoil it."""
    body = json.loads(answer.body)
    said = body.get("error_description", "")
    assert body.keys() <= {"error", "error_description"}
    assert body["error"].isascii()
    assert said.isascii()
    assert not said or said.isprintable()
    assert not QUOTED & set(said)
    assert "no-store" == answer.header("cache-control")


def assert_sound(site: Site, body: dict[str, Any]) -> Client:
    """Check the client that was answered as *body*: what is stored, and that it breaks no rule."""
    client = site.kept(body["client_id"])
    again, problems = judged(client.metadata, site.offer)

    assert () == problems
    assert client.metadata == again.metadata
    assert client.metadata == without(body, *RESPONSE_ONLY)
    assert_holds_together(client.metadata, site.offer)
    assert ClientState.ACTIVE is client.state
    assert bool(client.secrets) == needs_secret(client.metadata)
    is_readable = needs_recoverable_secret(client.metadata)
    assert {is_readable} >= {secret.sealed is not None for secret in client.secrets[-1:]}
    assert 1 == len(client.registration_access_tokens)
    return client


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return *document* without the members *names*."""
    return {name: value for name, value in document.items() if name not in names}


def near(document: dict[str, Any]) -> dict[str, Any]:
    """Return *document* fetching nothing but from a port of this machine that is closed."""
    if isinstance(document.get("sector_identifier_uri"), str):
        return document | {"sector_identifier_uri": "https://127.0.0.1:1/sector"}
    return document


def spoilt(value: Any) -> st.SearchStrategy[Any]:
    """Return what is nearly *value*: of another type, wrapped, longer, or with odd characters."""
    ways: list[st.SearchStrategy[Any]] = [
        st.just([value]),
        st.just({"value": value}),
        st.just([value, value]),
        json_values,
        st.none(),
    ]
    if isinstance(value, str):
        odd = st.sampled_from(["", " ", "\n", "\x00", "\u2028", "\u202e", "\ud800", "%", "\\", "é"])
        ways.append(
            st.builds(lambda mark, at: value[:at] + mark + value[at:], odd, st.integers(0, 40))
        )
        ways.append(st.integers(1, 300).map(lambda times: value * times if value else "x" * times))
        ways.append(st.just(value.upper()))
    if isinstance(value, list):
        ways.append(st.integers(2, 60).map(lambda times: value * times))
        ways += [st.builds(lambda odd: [*value, odd], json_values)]
    if isinstance(value, int):
        ways.append(st.sampled_from([-1, 2**31, 2**53, 2**63, 10**30, 0.5, 1e300]))
    return st.one_of(ways)


nearly_good = st.sampled_from(FIELDS).flatmap(
    lambda member: likely(member).flatmap(
        lambda value: spoilt(value).map(
            lambda bad: {"redirect_uris": ["https://client.example/cb"], member.name: bad}
        )
    )
)
wishes = st.one_of(documents, nearly_good).map(near)


@given(document=wishes)
def test_no_document_makes_a_client_that_breaks_a_rule(site: Site, document) -> None:
    """Good, nearly good or wild: it is a sound client afterwards, or none, and told why."""
    answer = site.post(document)

    body = json.loads(answer.body)
    if answer.status == 201:
        assert_sound(site, body)
    else:
        assert 400 == answer.status
        assert body["error"] in CODES
        assert body["error_description"]


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # few documents make a client
@given(document=documents.map(near))
def test_what_was_echoed_registers_the_same_client(site: Site, document) -> None:
    """What a server says of a client can be said to a server."""
    answer = site.post(document)
    assume(answer.status == 201)
    echo = without(json.loads(answer.body), *RESPONSE_ONLY)

    again = site.registered(echo)

    assert echo == without(again, *RESPONSE_ONLY)


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # few documents make a client
@given(document=documents.map(near))
def test_what_was_echoed_updates_nothing(site: Site, document) -> None:
    """A client that sends back what it read stays as it was, and nothing is written of it."""
    answer = site.post(document)
    assume(answer.status == 201)
    client = json.loads(answer.body)
    before, kept = site.own(client, "GET"), site.kept(client["client_id"])
    forbidden = RESPONSE_ONLY - {"client_id", "client_secret"}
    echo = without(client, *forbidden - {"registrary_state"})

    updated = site.own(client, "PUT", echo)

    assert (200, before.body) == (updated.status, updated.body)
    assert before.body == site.own(client, "GET").body
    assert kept == site.kept(client["client_id"])


@given(document=wishes)
def test_a_preview_tells_what_the_registration_does(site: Site, document) -> None:
    """Who tries first must not be surprised afterwards."""
    preview = site.post(document, "?dry_run=true")
    answer = site.post(document)

    told, body = json.loads(preview.body), json.loads(answer.body)
    if preview.status != 200:
        assert (preview.status, preview.body) == (answer.status, answer.body)
    elif told["result"] == "accepted" and "sector_identifier_uri" not in document:
        assert 201 == answer.status
    elif told["result"] == "refused":
        names = ("error", "error_description")
        assert [told[name] for name in names] == [body[name] for name in names]


@given(first=documents.map(near), second=wishes)
@example(  # the readable copy of the secret stayed, though nothing had to read it any more
    first={
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_jwt",
    },
    second={"grant_types": ["client_credentials"]},
)
def test_an_update_is_judged_as_a_registration_is(site: Site, first, second) -> None:
    """Checking what was sent instead of what comes of it let updates through at other servers."""
    made = site.post(first)
    assume(made.status == 201)
    client = json.loads(made.body)
    names = {*RESPONSE_ONLY, *client} & RESPONSE_ONLY
    assume(not names & second.keys())
    assume("pairwise" not in (client.get("subject_type"), second.get("subject_type")))

    created = site.post(second)
    updated = site.own(client, "PUT", second | {"client_id": client["client_id"]})

    if created.status == 201:
        assert 200 == updated.status
        body = json.loads(updated.body)
        assert without(json.loads(created.body), *RESPONSE_ONLY) == without(body, *RESPONSE_ONLY)
        assert_sound(site, body)
    else:
        assert (created.status, created.body) == (updated.status, updated.body)
        assert site.kept(client["client_id"]).metadata == without(client, *RESPONSE_ONLY)


SIGNS = '{}[]":,\\u0129dDeE-+.ntfaNI \n'
texts = st.text(st.characters(), max_size=12)  # lone surrogates too
good_body = json.dumps({"redirect_uris": ["https://client.example/cb"], "client_name": "é€😀"})
raw_bodies = st.one_of(
    st.binary(max_size=300),
    st.text(SIGNS, max_size=80).map(str.encode),
    st.builds(
        lambda sign, depth: sign * depth,
        st.sampled_from([b"[", b'{"a":', b'[{"a":']),
        st.integers(1, 3000),
    ),
    st.builds(
        lambda depth: b'{"redirect_uris": ' + b"[" * depth + b"]" * depth + b"}", st.integers(1, 40)
    ),
    st.builds(
        lambda sign, digits, rest: f'{{"default_max_age": {sign}{digits}{rest}}}'.encode(),
        st.sampled_from(["", "-", "+", "0", "-0"]),
        st.integers(1, 6000).map(lambda count: "9" * count),
        st.sampled_from(["", ".0", "e400", "E-400", "e", ".", "e99999999"]),
    ),
    st.dictionaries(texts, texts | st.lists(texts, max_size=3), max_size=4).map(
        lambda value: json.dumps(value).encode()
    ),
    st.builds(
        lambda name, first, second: (
            f"{{{json.dumps(name)}: {json.dumps(first)}, {json.dumps(name)}: {json.dumps(second)}}}"
        ).encode(),
        st.sampled_from(sorted(BY_NAME)) | texts,
        json_values,
        json_values,
    ),
    st.sampled_from(["utf-16", "utf-32", "utf-8-sig", "utf-16-le", "cp500"]).map(good_body.encode),
    st.builds(
        lambda at, octet: good_body.encode()[:at] + octet + good_body.encode()[at:],
        st.integers(0, 100),
        st.binary(max_size=3),
    ),
    st.integers(0, 100).map(lambda at: good_body.encode()[:at]),
    json_values.map(lambda value: json.dumps(value).encode()),
)


@given(body=raw_bodies)
@example(body=b"")
@example(body=b"null")
@example(body=b'{"redirect_uris": ["https://a.example/\\ud800"]}')
def test_no_body_is_too_odd_to_be_answered(site: Site, body) -> None:
    """An exception of a parser would be a 500 for whoever finds it."""
    client = site.registered({"redirect_uris": ["https://client.example/cb"]})
    headers = [*JSON, ("authorization", f"Bearer {client['registration_access_token']}".encode())]

    created = site.ask("POST", "/register", JSON, body)
    updated = site.ask("PUT", f"/register/{client['client_id']}", headers, body)

    if created.status == 201:
        assert_sound(site, json.loads(created.body))
    try:
        parse_object(body)
    except JsonError:
        assert (400, 400) == (created.status, updated.status)
        assert "invalid_request" == json.loads(created.body)["error"]
    assert client["redirect_uris"] == site.kept(client["client_id"]).metadata["redirect_uris"]


# What may stand in a header line at all (RFC 9110 §5.5); other octets never reach an endpoint.
values = st.binary(max_size=60).map(
    lambda octets: bytes(octet for octet in octets if octet > 31 and octet != 127).strip()
)
media_types = values | st.sampled_from(
    [
        b"application/json",
        b"application/json; charset=utf-8",
        b"APPLICATION/JSON",
        b"application/json;charset=utf-16",
        b"application/json, text/plain",
        b"application/jsonx",
        b"text/json",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=x",
        b"application/json;" * 50,
        b";",
        b"",
    ]
)


@given(types=st.lists(media_types, max_size=3))
def test_no_media_type_is_too_odd_to_be_answered(site: Site, types) -> None:
    """A document counts only where it says what it is."""
    headers = [("content-type", value) for value in types]
    answer = site.ask("POST", "/register", headers, good_body.encode())

    assert answer.status in (201, 400)
    if answer.status == 201:
        assert types[0].partition(b";")[0].strip().lower() == b"application/json"


schemes = st.sampled_from(
    [b"Bearer", b"bearer", b"BEARER", b"Basic", b"DPoP", b"Digest", b"Negotiate", b"", b"Bearer:"]
)
separators = st.sampled_from([b" ", b"  ", b"", b"\t", b",", b"=", b" ,"])
authorizations = st.lists(
    st.builds(lambda *parts: b"".join(parts).strip(), schemes, separators, values) | values,
    min_size=1,
    max_size=3,
)
own_methods = st.sampled_from(["GET", "PUT", "DELETE"])


@given(authorization=authorizations, method=own_methods)
@example(authorization=[b"Bearer"], method="GET")
@example(authorization=[b"Bearer x", b"Bearer y"], method="DELETE")
def test_no_authorization_is_too_odd_to_be_refused(site: Site, authorization, method) -> None:
    """A header without a token was a 500 at every registration endpoint of another server."""
    client = site.registered({"redirect_uris": ["https://client.example/cb"]})
    headers = [*JSON, *(("authorization", value) for value in authorization)]
    body = b"" if method != "PUT" else json.dumps({"client_id": client["client_id"]}).encode()

    own = site.ask(method, f"/register/{client['client_id']}", headers, body)
    created = site.ask("POST", "/register", headers, good_body.encode())
    counted = site.ask("GET", "/metrics", headers)

    assert {own.status, created.status, counted.status} <= {400, 401}
    assert 200 == site.own(client, "GET").status


parameters = st.one_of(
    st.builds(
        lambda name, value: f"{name}={value}",
        st.sampled_from(["rotate", "dry_run", "access_token", "scope", "%72otate", "", "ROTATE"]),
        st.sampled_from(
            [
                "client_secret",
                "registration_access_token",
                "true",
                "TRUE",
                "false",
                "1",
                "",
                "%00",
                "%ff",
                "%",
                "%zz",
                "client_secret%00",
                "a" * 3000,
                "true&dry_run=true",
                "client_secret&rotate=client_secret",
            ]
        ),
    ),
    st.text("abc=&%+;0123456789ABCDEF[]'\"", max_size=30).map(lambda text: text.replace('"', "")),
    st.just("x=1&" * 120),
)
queries = st.lists(parameters, max_size=3).map("&".join)


@given(query=queries, method=own_methods)
def test_no_query_is_too_odd_to_be_answered(site: Site, query, method) -> None:
    """Nothing rotates, and nothing is only tried, but by the word that stands for it."""
    service = {"grant_types": ["client_credentials"]}
    client = site.registered(service)
    document = service | {"client_id": client["client_id"]}
    before = site.kept(client["client_id"])

    own = site.own(client, method, document if method == "PUT" else None, f"?{query}")
    created = site.post(service, f"?{query}")

    now = site.kept(client["client_id"])
    rotated = now.secrets[-1] != before.secrets[-1] if now.secrets else method == "DELETE"
    assert own.status in (200, 204, 400)
    assert created.status in (200, 201, 400)
    if method != "DELETE":
        assert rotated == ("client_secret" in json.loads(own.body))
        assert not rotated or "otate=client_secret" in query


tokens = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_!#$%&'*+.^`|~0123456789", min_size=1
)
methods = tokens | st.sampled_from(
    ["HEAD", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get", "POST", "QUERY", "M-SEARCH", "PRI"]
)
places = st.sampled_from(["/register", "/register/x", "/register/t/x", "/register/"])


@given(method=methods, place=places)
def test_no_method_is_too_odd_to_be_refused(site: Site, method, place) -> None:
    """What an address does not take, it says."""
    answer = site.ask(method, place)

    assert answer.status in (200, 204, 400, 401, 404, 405, 501)
    if answer.status == 405:
        assert answer.header("allow")


segments = st.one_of(
    st.text("abcdef0123456789%2Ff.;:@~-_", max_size=40),
    st.binary(max_size=12).map(lambda octets: "".join(f"%{octet:02X}" for octet in octets)),
    st.sampled_from(
        [
            "..",
            "%2e%2e",
            "..;",
            "%00",
            "%",
            "%2",
            "%FF%FE",
            "https%3A%2F%2Fclient.example%2Fid",
            "0" * 32,
            "a" * 9000,
            "x%20y",
            "t",
            "t/x",
            "%0d%0aSet-Cookie:x",
        ]
    ),
)


@given(segment=segments, method=own_methods)
def test_no_client_id_is_too_odd_to_be_unknown(site: Site, segment, method) -> None:
    """Spelling a client's id in another way leads to nobody, and spends nobody's token."""
    client = site.registered({"redirect_uris": ["https://client.example/cb"]})
    headers, body = [*JSON, ("authorization", b"Bearer x")], good_body.encode()

    answer = site.ask(method, f"/register/{segment}", headers, body)
    spelt = "".join(f"%{ord(sign):02x}" for sign in client["client_id"])
    other = site.ask(method, f"/register/{spelt}", headers, body)

    assert answer.status in (400, 401, 404, 405, 431)
    assert 401 == other.status
    assert 200 == site.own(client, "GET").status


names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20).filter(
    lambda name: name not in ("host", "content-length", "transfer-encoding", "expect", "connection")
)


@given(headers=st.lists(st.tuples(names, values), max_size=12))
def test_no_other_header_changes_what_is_registered(site: Site, headers) -> None:
    """What stands beside a document is nobody's business but its type and its token."""
    assume(not {"content-type", "authorization", "upgrade"} & {name for name, _ in headers})
    forwarding = [("x-forwarded-for", b"203.0.113.9, x"), ("x-forwarded-proto", b"gopher")]

    answer = site.ask("POST", "/register", [*JSON, *headers, *forwarding], good_body.encode())

    assert 201 == answer.status
    assert_sound(site, json.loads(answer.body))
