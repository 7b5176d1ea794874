from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrary.web.head import Refused, judge_head

HOST = (b"host", b"server.example")


def head_of(target=b"/healthz", *headers, method="GET", version="1.1"):
    """Judge a head with one host and the given headers."""
    return judge_head(method, target, version=version, headers=(HOST, *headers))


def status_of(target=b"/healthz", *headers, method="GET", version="1.1"):
    """Return the status with which a head is refused, None where it is not."""
    try:
        head_of(target, *headers, method=method, version=version)
    except Refused as refused:
        return refused.status
    return None


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ((), 0),
        (((b"content-length", b"0"),), 0),
        (((b"content-length", b"00045"),), 45),
        (((b"transfer-encoding", b"chunked"),), None),
        (((b"transfer-encoding", b"CHUNKED"),), None),
    ],
    ids=["none", "zero", "number", "chunked", "capitals"],
)
def test_the_head_says_how_long_the_body_is(headers, length):
    """The limit is held before a byte of body is read (RFC 9112 §6.3)."""
    head = head_of(b"/register", *headers, method="POST")

    assert length == head.content_length


@pytest.mark.parametrize(
    "headers",
    [
        ((b"content-length", b"1"), (b"content-length", b"1")),
        ((b"content-length", b"1"), (b"transfer-encoding", b"chunked")),
        ((b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")),
        ((b"transfer-encoding", b"gzip, chunked"),),
        ((b"content-length", b""),),
        ((b"content-length", b"+1"),),
        ((b"content-length", b"1" * 19),),
        ((b"content-length", "٣".encode()),),
        (HOST,),
        ((b"expect", b"100-continue"), (b"expect", b"100-continue")),
    ],
    ids=[
        "two lengths",
        "length and chunks",
        "two codings",
        "two codings in a line",
        "empty",
        "plus",
        "too long",
        "Arabic digit",
        "two hosts",
        "two expectations",
    ],
)
def test_what_could_be_read_twice_is_refused_whatever_the_parser_lets_through(headers):
    """The parser refuses most of this too; a release of it may not (CWE-444)."""
    assert 400 == status_of(b"/register", *headers, method="POST")


def test_another_header_may_stand_twice():
    """Most headers are lists, and their lines add up (RFC 9110 §5.3)."""
    head = head_of(b"/", (b"accept", b"a"), (b"accept", b"b"))

    assert [b"a", b"b"] == [value for name, value in head.headers if name == b"accept"]
    assert b"b" == head.fields[b"accept"]


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", "/", ""),
        (b"/a?b", "/a", "b"),
        (b"/a?b?c=%2F..", "/a", "b?c=%2F.."),
        (b"http://server.example", "/", ""),
        (b"http://server.example?b", "/", "b"),
        (b"HTTPS://SERVER.example/a?b", "/a", "b"),
        (b"/register/https%3A%2F%2Fapp.example%2Fclient", None, ""),
        (b"/.well-known/openid-configuration", None, ""),
        (b"/a..b/...", None, ""),
        (b"/a;v=1/b@c:d", None, ""),
        (b"//a", None, ""),
        (b"/a/", None, ""),
    ],
)
def test_path_and_query_are_taken_as_they_stand(target, path, query):
    """Routes are compared exactly, so nothing may be normalised on the way."""
    head = head_of(target)

    assert (path or target.decode(), query) == (head.path, head.query)


@given(
    st.text("/.%;aA2eEfF5cC0\\?#", max_size=12).map(lambda text: "/" + text),
)
def test_no_path_that_passes_hides_another(target):
    """A proxy that unescapes or resolves first must come to the same path (threat 19)."""
    try:
        head = head_of(target.encode())
    except Refused:
        return

    decoded = unquote_to_bytes(head.path)
    assert not {b".", b".."} & {part.partition(b";")[0] for part in decoded.split(b"/")}
    assert b"\\" not in decoded
    assert min(decoded) >= 0x20


@pytest.mark.parametrize(
    ("host", "read"),
    [
        (b"server.example", "server.example"),
        (b"Server.EXAMPLE:8400", "server.example:8400"),
        (b"192.0.2.1", "192.0.2.1"),
        (b"[2001:DB8::1]:8400", "[2001:db8::1]:8400"),
        (b"under_score.example", "under_score.example"),
    ],
)
def test_a_host_is_compared_without_case(host, read):
    """Issuers are found by host, and hosts have no case (RFC 9110 §4.2.3)."""
    head = judge_head("GET", b"/", version="1.1", headers=((b"host", host),))

    assert read == head.host


@pytest.mark.parametrize(
    ("version", "expectation", "expected"),
    [
        ("1.1", b"100-continue", True),
        ("1.1", b"100-Continue", True),
        ("1.0", b"100-continue", False),
        ("1.0", b"something else", False),
    ],
)
def test_an_expectation_counts_from_http_1_1_on(version, expectation, expected):
    """An older caller would take the interim answer for the last (RFC 9110 §10.1.1)."""
    head = head_of(b"/", (b"expect", expectation), version=version)

    assert expected == head.expects_continue


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ({"version": "2.0"}, 505),
        ({"version": "0.9"}, 505),
        ({"method": "CONNECT"}, 501),
    ],
    ids=["HTTP/2", "HTTP/0.9", "tunnel"],
)
def test_what_is_not_spoken_here_is_said_to_be(case, status):
    """A caller can only act on a reason that is true."""
    assert status == status_of(**case)
