"""One connection, many requests: in order, kept, and ended so that both sides know."""

import json

import httpx2
import pytest

from registrary.testing.server import ADMIN_TOKEN
from tests.protocol.wire import BODY, HOST, chunked, connected, get, post, request, sized

KINDS = {
    "200": (get(), 200),
    "201": (sized(BODY), 201),
    "204": (
        request("OPTIONS /register HTTP/1.1", HOST, "Origin: https://app.example"),
        204,
    ),
    "400": (sized(b"{"), 400),
    "401": (get("/register/nobody"), 401),
    "404": (get("/nowhere"), 404),
    "404 with a body": (sized(BODY).replace(b"/register", b"/nowhere"), 404),
    "405": (request("DELETE /healthz HTTP/1.1", HOST), 405),
}


@pytest.mark.parametrize(("sent", "status"), KINDS.values(), ids=KINDS.keys())
def test_a_connection_outlives_every_kind_of_answer(wire, sent, status):
    """Setting up connections costs callers more than their requests (RFC 9112 §9.3)."""
    wire.send(sent)
    first = wire.answer()
    wire.send(sent)
    wire.send(get())
    second, last = wire.answer(), wire.answer()

    assert [status, status, 200] == [first.status, second.status, last.status]
    assert not first.closes


def test_requests_sent_ahead_are_answered_in_order(wire):
    """A client matches answers to requests by order alone (RFC 9112 §9.3.2)."""
    kinds = [*KINDS.values()] * 30

    wire.send(b"".join(sent for sent, _ in kinds))
    statuses = [wire.answer().status for _ in kinds]

    assert [status for _, status in kinds] == statuses


@pytest.mark.parametrize("path", ["/healthz", "/jwks", "/nowhere", "/register"])
def test_head_has_the_headers_of_get_and_no_body(wire, path):
    """A body behind HEAD would be read as the next answer (RFC 9110 §9.3.2)."""
    wire.send(get(path).replace(b"GET", b"HEAD") + get(path))
    head, whole = wire.answer(to_head=True), wire.answer()

    assert whole.status == head.status
    assert whole.header("content-length") == head.header("content-length")
    assert 0 < len(whole.body)


@pytest.mark.parametrize(
    "sent",
    [
        get("/healthz", "Connection: close"),
        get("/healthz", "Connection: keep-alive, Close"),
        request("GET /healthz HTTP/1.0", HOST),
        request("GET /healthz HTTP/1.0", HOST, "Connection: keep-alive"),
    ],
    ids=["close", "close in a list", "HTTP/1.0", "HTTP/1.0 kept alive"],
)
def test_the_last_answer_says_so_and_is_the_last(wire, sent):
    """What follows was sent by somebody who thinks the connection his (RFC 9112 §9.6)."""
    wire.send(sent + get())
    (answer,) = wire.answers()

    assert (200, True) == (answer.status, answer.closes)


def test_a_body_is_asked_for_once(wire):
    """A caller who waits for 100 sends nothing before (RFC 9110 §10.1.1)."""
    wire.send(post(f"Content-Length: {len(BODY)}", "Expect: 100-continue"))
    interim = wire.answer()
    wire.send(BODY[:9])
    wire.send(BODY[9:])
    final = wire.answer()

    assert [100, 201] == [interim.status, final.status]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_body_that_comes_anyway_is_not_asked_for(wire, version):
    """HTTP/1.0 knows no interim answers and would take one for the last (RFC 9110 §10.1.1)."""
    sent = post(f"Content-Length: {len(BODY)}", "Expect: 100-continue", body=BODY)

    wire.send(sent.replace(b"HTTP/1.1", b"HTTP/" + version.encode()))
    answer = wire.answer()

    assert 201 == answer.status


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.2"])
def test_an_offer_of_another_protocol_is_ignored(wire, protocol):
    """Java's HTTP client offers h2c with its first request (RFC 9110 §7.8)."""
    offer = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AAEA")

    wire.send(post(*offer, f"Content-Length: {len(BODY)}", body=BODY) + get("/healthz", *offer))
    first, second = wire.answer(), wire.answer()

    assert [201, 200] == [first.status, second.status]


def test_an_offer_hides_no_second_request(wire):
    """The head is read again without the offer: its body must end where it ended before."""
    offer = ("Connection: Upgrade", "Upgrade: h2c")

    wire.send(post(*offer, "Content-Length: 5", "Content-Length: 6", body=b"abcdef") + get())
    (refused,) = wire.answers()

    assert 400 == refused.status


def test_a_caller_who_closes_half_is_answered(wire):
    """He said that nothing more comes, not that he is gone (RFC 9112 §9.6)."""
    wire.send(sized(BODY) + get())
    wire.finish_sending()
    answers = wire.answers()

    assert [201, 200] == [answer.status for answer in answers]


def registered(server):
    """Return how many clients the server has."""
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    with httpx2.Client(base_url=server.url, trust_env=False) as client:
        answer = client.get("/api/v1/clients", headers=headers, params={"limit": 100})
    return len(answer.json()["items"])


def test_a_request_cut_off_is_no_request(hasty):
    """Half a registration must not become a client (RFC 9112 §8)."""
    before = registered(hasty)

    for sent in (sized(BODY)[:-1], chunked(BODY)[:-2], sized(BODY)[:20]):
        with connected(hasty.url) as wire:
            wire.send(sent)
            wire.finish_sending()
            assert b"" == wire.rest()

    assert before == registered(hasty)


def test_callers_who_vanish_leave_no_trace_of_trouble(hasty):
    """A lost line is no fault of the server's; a log full of them would hide what is."""
    seen = len(hasty.log.read_text())

    for sent in (b"G", get()[:-1], sized(BODY)[:-1], sized(BODY), get() * 100):
        with connected(hasty.url) as wire:
            wire.send(sent)
            wire.reset()
    with connected(hasty.url) as wire:
        wire.send(get())
        answer = wire.answer()

    assert 200 == answer.status
    told = hasty.log.read_text()[seen:].splitlines()
    assert [] == [line for line in told if '"registrary.access"' not in line]


INJECTIONS = {
    "path": get("/register/a%0d%0ax-injected:%20y"),
    "query": get("/nowhere?a=%0d%0ax-injected:%20y"),
    "parameters": get("/authorize?redirect_uri=%0d%0ax-injected:%20y&state=%0ax-injected:%20y"),
    "token": get("/register/nobody", "Authorization: Bearer a\tx-injected: y"),
    "origin": request("OPTIONS /register HTTP/1.1", HOST, "Origin: https://a\tx-injected: y"),
    "preflight": request(
        "OPTIONS /register HTTP/1.1", HOST, "Access-Control-Request-Headers: x-injected"
    ),
    "redirect_uris": sized(b'{"redirect_uris": ["https://a.example/\\r\\nx-injected: y"]}'),
    "client_name": sized(BODY[:-1] + b', "client_name": "\\r\\nx-injected: y"}'),
    "request id": get("/healthz", "X-Request-Id: x-injected"),
}


@pytest.mark.parametrize("sent", INJECTIONS.values(), ids=INJECTIONS.keys())
def test_nothing_a_caller_sends_becomes_a_header(wire, sent):
    """A header of the caller's making could set cookies or end the answer (CWE-113)."""
    wire.send(sent)
    answer = wire.answer()

    assert [] == [name for name, value in answer.headers if "injected" in name + value]


@pytest.mark.parametrize("sent", [kind for kind, _ in KINDS.values()], ids=KINDS.keys())
def test_every_answer_has_what_http_asks_for_and_no_advertisement(wire, sent):
    """Caches need the date (RFC 9110 §6.6.1); attackers would like to know the version."""
    wire.send(sent)
    answer = wire.answer()

    assert answer.header("date") is not None
    assert 20 == len(answer.header("x-request-id"))
    assert answer.header("server") is None


@pytest.mark.parametrize(
    "sent",
    [
        get("/canary" * 5000),
        sized(b"canary" * 20_000),
        get("canary"),
        b"canary\r\n\r\n",
        get("/healthz", "Canary"),
        get("/healthz", "Expect: canary"),
        post("Transfer-Encoding: canary"),
    ],
    ids=["431", "413", "target", "gibberish", "header", "expectation", "coding"],
)
def test_a_refusal_repeats_nothing_and_is_kept_by_nobody(wire, sent):
    """What was refused unread must not come back, from us or from a cache (RFC 9111 §3)."""
    wire.send(sent)
    (refused,) = wire.answers()

    assert b"canary" not in refused.body
    assert "no-store" == refused.header("cache-control")
    assert {"error", "error_description"} == set(json.loads(refused.body))
