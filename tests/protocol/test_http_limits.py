"""How much a caller may send, how long it may take, and to which host it goes.

Numbers of threats are those of docs/threats.md.
"""

import json

import pytest

from tests.protocol.wire import (
    BODY,
    HOST,
    chunked,
    connected,
    get,
    post,
    request,
    sized,
)

KIB = 1024


def padded(size):
    """Return a registration document of *size* bytes."""
    return BODY + b" " * (size - len(BODY))


# How much


@pytest.mark.parametrize(
    "sent",
    [
        request(f"GET /{'a' * 16 * KIB} HTTP/1.1", HOST),
        request(f"GET /{'a' * 64 * KIB}"),
        request(f"GET /?{'a' * 16 * KIB} HTTP/1.1", HOST),
        get("/healthz", f"X: {'a' * 32 * KIB}"),
        get("/healthz", *["X: " + "a" * 995] * 33),
        get("/healthz", *["X: a"] * 101),
        get("/healthz", f"X: {'a' * 300 * KIB}"),
        get("/healthz", *["X: a"] * 20_000)[:-2],
        request("GET /healthz HTTP/1.1", "A" * 300 * KIB),
    ],
    ids=[
        "request line",
        "request line without end",
        "query",
        "one header",
        "headers together",
        "header lines",
        "far too much",
        "without end",
        "header name without end",
    ],
)
def test_a_head_too_large_is_refused(wire, sent):
    """Heads are held in memory before anybody is known (threat 51; RFC 6585 §5)."""
    wire.send(sent)
    (refused,) = wire.answers()

    assert (431, True) == (refused.status, refused.closes)
    assert "invalid_request" == json.loads(refused.body)["error"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(f"GET /{'a' * (16 * KIB - len('GET / HTTP/1.1'))} HTTP/1.1", HOST), 404),
        (get("/healthz", f"X: {'a' * (32 * KIB - len(HOST) - 7)}"), 200),
        (get("/healthz", *["X: a"] * 99), 200),
    ],
    ids=["request line", "headers", "header lines"],
)
def test_a_head_within_the_limits_is_read(wire, sent, status):
    """What is promised to fit has to fit to the byte."""
    wire.send(sent)
    answer = wire.answer()

    assert (status, False) == (answer.status, answer.closes)


@pytest.mark.parametrize(
    "sent",
    [
        sized(padded(64 * KIB + 1)),
        sized(padded(64 * KIB + 1))[: -64 * KIB],
        post("Content-Length: 999999999999999999"),
        post("Content-Length: 99999999", "Expect: 100-continue"),
        chunked(padded(64 * KIB + 1)),
        chunked(padded(64 * KIB + 1), size=KIB * 64 + 1),
        chunked(padded(3_000_000)),
    ],
    ids=["length", "announced", "endless", "asked for", "chunks", "one chunk", "many chunks"],
)
def test_a_body_too_large_is_refused(wire, sent):
    """Strangers may not choose how much is held for them (threat 51; RFC 9110 §15.5.14)."""
    wire.send(sent)
    (refused,) = wire.answers()

    assert (413, True) == (refused.status, refused.closes)
    assert "request_too_large" == json.loads(refused.body)["error"]


@pytest.mark.parametrize(
    "sent",
    [
        sized(padded(64 * KIB)),
        chunked(padded(64 * KIB)),
        chunked(padded(64 * KIB), size=1),
        chunked(BODY, size=9, extension=b";name=value"),
        chunked(BODY)[:-2] + b"Trailer: is read and dropped\r\nHost: other.example\r\n\r\n",
    ],
    ids=["length", "chunks", "65536 chunks", "chunk extensions", "trailers"],
)
def test_a_body_within_the_limit_is_read_however_it_comes(wire, sent):
    """How a body is cut up is the business of its sender (RFC 9112 §7.1)."""
    wire.send(sent)
    answer = wire.answer()

    assert (201, False) == (answer.status, answer.closes)


@pytest.mark.parametrize(
    "sent",
    [
        chunked(BODY, size=1, extension=b";" + b"x" * 30_000),
        post("Transfer-Encoding: chunked", body=b"1;" + b"x" * 1_000_000),
        chunked(BODY)[:-2] + b"X: trailer\r\n" * 100_000,
    ],
    ids=["extensions", "one extension", "trailers"],
)
def test_bytes_that_are_no_body_are_bounded_too(wire, sent):
    """They cost reading and count as nothing (threat 51; RFC 9112 §7.1.1)."""
    wire.send(sent)
    (refused,) = wire.answers()

    assert (413, True) == (refused.status, refused.closes)


# How long


@pytest.mark.parametrize(
    ("sent", "part"),
    [
        (b"G", "headers"),
        (get()[:-1], "headers"),
        (sized(BODY)[:-1], "body"),
        (chunked(BODY)[:-1], "body"),
    ],
    ids=["request line", "headers", "body", "chunks"],
)
def test_what_does_not_arrive_in_time_is_refused(hasty, sent, part):
    """Connections held by a few bytes keep others out (CWE-400, RFC 9110 §15.5.9)."""
    with connected(hasty.url) as wire:
        wire.send(sent)
        (late,) = wire.answers()

    assert (408, True) == (late.status, late.closes)
    assert f"the {part} took too long" == json.loads(late.body)["error_description"]


@pytest.mark.parametrize("sent", [b"", get()], ids=["at first", "between requests"])
def test_an_idle_connection_ends_without_a_word(hasty, sent):
    """A word nobody asked for would be taken for the answer to the next request."""
    with connected(hasty.url) as wire:
        wire.send(sent)
        answers = wire.answers()

    assert [200][: len(sent)] == [answer.status for answer in answers]


def test_a_caller_who_reads_nothing_keeps_nobody_waiting(server, wire):
    """Answers that are not taken must cost their caller, not the others (threat 51)."""
    wire.socket.settimeout(1)
    with pytest.raises(TimeoutError):
        send_for_ever(wire)

    with connected(server.url) as other:
        other.send(get())
        answer = other.answer()

    assert 200 == answer.status


def test_a_caller_who_reads_nothing_is_cut_off(hasty):
    """What waits for him is memory (threat 51)."""
    with (
        connected(hasty.url) as wire,
        pytest.raises((ConnectionResetError, BrokenPipeError)),
    ):
        send_for_ever(wire)


def send_for_ever(wire):
    """Send requests until something gives."""
    while True:
        wire.send(get("/.well-known/openid-configuration") * 1000)


# Which host


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (HOST, HOST),
        (HOST, "Host: other.example"),
        ("Host:",),
        ("Host: user@server.example",),
        ("Host: server.example/path",),
        ("Host: server.example, other.example",),
        ("Host: server example",),
        ("Host: server.example:http",),
        ("Host: [::1",),
        ("Host: s\xe4rver.example",),
    ],
    ids=[
        "none",
        "two alike",
        "two",
        "empty",
        "user information",
        "path",
        "list",
        "space",
        "port by name",
        "half a bracket",
        "not ASCII",
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_request_has_exactly_one_host(wire, lines, version):
    """A proxy and we could each believe another one (RFC 9112 §3.2)."""
    wire.send(request(f"GET /healthz HTTP/{version}", *lines))
    (refused,) = wire.answers()

    assert (400, True) == (refused.status, refused.closes)


CANARY = "Host: canary.example"
WITH_CANARY = {
    "answer": request("GET /healthz HTTP/1.1", CANARY),
    "created": sized(BODY).replace(b"server.example", b"canary.example"),
    "metadata": request("GET /.well-known/openid-configuration HTTP/1.1", CANARY),
    "older metadata": request("GET /.well-known/oauth-authorization-server HTTP/1.1", CANARY),
    "keys": request("GET /jwks HTTP/1.1", CANARY),
    "API description": request("GET /api/v1/openapi.json HTTP/1.1", CANARY),
    "page": request("GET /authorize HTTP/1.1", CANARY, "Accept: text/html"),
    "preflight": request("OPTIONS /register HTTP/1.1", CANARY),
    "401": request("GET /register/x HTTP/1.1", CANARY),
    "404": request("GET /nowhere HTTP/1.1", CANARY),
    "405": request("DELETE /jwks HTTP/1.1", CANARY),
    "absolute form": request("GET http://canary.example/nowhere HTTP/1.1", CANARY),
    "another host": get("http://canary.example/healthz"),
    "two hosts": request("GET /healthz HTTP/1.1", CANARY, CANARY),
    "malformed host": request("GET /healthz HTTP/1.1", "Host: <canary>"),
    "forwarded": get("/jwks", "X-Forwarded-Host: canary.example", "X-Forwarded-Proto: https"),
    "forwarded anew": get("/nowhere", "Forwarded: host=canary.example;proto=https"),
}


@pytest.mark.parametrize("sent", WITH_CANARY.values(), ids=WITH_CANARY.keys())
def test_no_output_holds_the_text_of_host(wire, sent):
    """What a caller writes there must reach no cache, no link and no client (CWE-644)."""
    wire.send(sent)
    wire.finish_sending()

    assert b"canary" not in wire.rest()
