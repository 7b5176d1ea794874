"""Where one request ends and the next begins, and what it asks for: one reading, or none."""

import pytest

from tests.protocol.wire import BODY, HOST, get, post, request, sized

SMUGGLED = get("/smuggled")
FRAMING = {
    "length and chunks": post(
        "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED
    ),
    "chunks and length": post(
        "Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n" + SMUGGLED
    ),
    "chunks and length of nothing": post("Transfer-Encoding: chunked", "Content-Length: 0"),
    "two lengths": post("Content-Length: 5", "Content-Length: 6", body=b"abcdef"),
    "two lengths alike": post("Content-Length: 5", "Content-Length: 5", body=b"abcde"),
    "a list of lengths": post("Content-Length: 5, 5", body=b"abcde"),
    "negative length": post("Content-Length: -5", body=b"abcde"),
    "length with plus": post("Content-Length: +5", body=b"abcde"),
    "length in hex": post("Content-Length: 0x5", body=b"abcde"),
    "length as a float": post("Content-Length: 5.0", body=b"abcde"),
    "length with underscore": post("Content-Length: 1_0", body=b"0123456789"),
    "length with space inside": post("Content-Length: 1 0", body=b"0123456789"),
    "empty length": post("Content-Length:", body=b"abcde"),
    "length beyond 64 bits": post("Content-Length: 18446744073709551621", body=b"abcde"),
    "length in other digits": post("Content-Length: \xb2", body=b"ab"),
    "coding identity": post("Transfer-Encoding: identity", body=BODY),
    "unknown coding": post("Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "coding before chunked": post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "coding behind chunked": post("Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "chunked twice": post("Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "chunked in two lines": post(
        "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "chunked and identity in two lines": post(
        "Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=b"0\r\n\r\n"
    ),
    "chunked in quotes": post('Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"),
    "chunked with a parameter": post("Transfer-Encoding: chunked;q=1", body=b"0\r\n\r\n"),
    "chunked behind a vertical tab": post("Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "chunked behind NUL": post("Transfer-Encoding: \0chunked", body=b"0\r\n\r\n"),
    "empty coding": post("Transfer-Encoding:", body=b"0\r\n\r\n"),
    "chunked in HTTP/1.0": post("Transfer-Encoding: chunked", body=b"0\r\n\r\n").replace(
        b"HTTP/1.1", b"HTTP/1.0"
    ),
    "space before the colon": post("Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "tab before the colon": post("Content-Length\t: 5", body=b"abcde"),
    "folded header": post("Transfer-Encoding:", " chunked", body=b"0\r\n\r\n"),
    "folded value": post("X: a", "\tb", "Content-Length: 0"),
    "header before the first": request("POST /register HTTP/1.1", " X: a", HOST),
    "header without a colon": post("Content-Length"),
    "header without a name": post(": 5"),
    "separator in a name": post("Content(Length): 5", body=b"abcde"),
    "NUL in a name": post("Content-Length\0: 5", body=b"abcde"),
    "NUL in a value": post("X: a\0b", "Content-Length: 0"),
    "bare CR in a value": post("X: a\rTransfer-Encoding: chunked", "Content-Length: 0"),
    "bare LF in a value": post("X: a\nTransfer-Encoding: chunked", "Content-Length: 0"),
    "bare LF between lines": post("Content-Length: 0").replace(b"\r\n", b"\n"),
    "bare LF behind the request line": get().replace(b"\r\n", b"\n", 1),
    "bare LF at the end": get()[:-2] + b"\n",
    "bare CR at the end": get()[:-1] + b"X",
    "negative chunk": post("Transfer-Encoding: chunked", body=b"-1\r\n"),
    "chunk with plus": post("Transfer-Encoding: chunked", body=b"+1\r\na\r\n0\r\n\r\n"),
    "chunk with 0x": post("Transfer-Encoding: chunked", body=b"0x1\r\na\r\n0\r\n\r\n"),
    "chunk with underscore": post("Transfer-Encoding: chunked", body=b"1_0\r\n"),
    "chunk without a size": post("Transfer-Encoding: chunked", body=b"\r\na\r\n0\r\n\r\n"),
    "chunk beyond 64 bits": post("Transfer-Encoding: chunked", body=b"10000000000000005\r\n"),
    "chunk with space before": post("Transfer-Encoding: chunked", body=b" 1\r\na\r\n0\r\n\r\n"),
    "chunk with space behind": post("Transfer-Encoding: chunked", body=b"1 \r\na\r\n0\r\n\r\n"),
    "chunk longer than said": post("Transfer-Encoding: chunked", body=b"1\r\nabc\r\n0\r\n\r\n"),
    "chunk ended by LF": post("Transfer-Encoding: chunked", body=b"1\na\n0\n\n"),
    "chunk data ended by LF": post("Transfer-Encoding: chunked", body=b"1\r\na\n0\r\n\r\n"),
    "extension ended by LF": post("Transfer-Encoding: chunked", body=b"1;x\na\r\n0\r\n\r\n"),
    "extension with NUL": post("Transfer-Encoding: chunked", body=b"1;x\0\r\na\r\n0\r\n\r\n"),
    "length in a trailer": post(
        "Transfer-Encoding: chunked", body=b"0\r\nContent-Length: 5\r\n\r\n"
    ),
    "coding in a trailer": post(
        "Transfer-Encoding: chunked", body=b"0\r\nTransfer-Encoding: gzip\r\n\r\n"
    ),
    "tab behind the coding": post("Transfer-Encoding: chunked\t", body=b"0\r\n\r\n"),
    "folded trailer": post("Transfer-Encoding: chunked", body=b"0\r\nX: a\r\n b\r\n\r\n"),
}


@pytest.mark.parametrize("sent", FRAMING.values(), ids=FRAMING.keys())
@pytest.mark.parametrize("size", [1_000_000, 1], ids=["whole", "by bytes"])
def test_an_unclear_end_of_a_message_ends_the_connection(wire, sent, size):
    """Where a proxy sees one request and we two, the second is nobody's (RFC 9112 §11.2)."""
    whole = get() + sent + SMUGGLED
    for start in range(0, len(whole), size):
        wire.send(whole[start : start + size])
    first, refused = wire.answers()

    assert 200 == first.status
    assert (400, True) == (refused.status, refused.closes)


@pytest.mark.parametrize(
    "sent",
    [
        post("Transfer-Encoding: Chunked", body=b"2d\r\n" + BODY + b"\r\n0\r\n\r\n"),
        post("transfer-encoding:chunked", body=b"2D\r\n" + BODY + b"\r\n0\r\n\r\n"),
        post("Transfer-Encoding: \tchunked ", body=b"002d\r\n" + BODY + b"\r\n000\r\n\r\n"),
        post("Content-Length:45", body=BODY),
        post("Content-Length: \t45\t ", body=BODY),
        post("Content-Length: 045", body=BODY),
        b"\r\n" + sized(BODY),
        sized(BODY).replace(b"/register", b"http://server.example/register"),
        sized(BODY).replace(b"/register", b"HTTP://SERVER.example/register"),
        sized(BODY).replace(b"POST /", b"POST  /"),
        post("X-Empty:", "X-Text: \xe4\xf6", "Content-Length: 45", body=BODY),
    ],
    ids=[
        "coding in capitals",
        "chunk size in capitals",
        "spaces around the coding",
        "no space",
        "spaces around the length",
        "zero before the length",
        "empty line before",
        "absolute form",
        "absolute form in capitals",
        "two spaces in the request line",
        "odd headers",
    ],
)
def test_an_unusual_but_clear_message_is_read(wire, sent):
    """Strict where two readings are possible, and nowhere else (RFC 9112 §2.2, §3.2.2, §6)."""
    wire.send(sent + get())
    first, second = wire.answer(), wire.answer()

    assert [201, 200] == [first.status, second.status]


REQUEST_LINES = {
    "another host in absolute form": (get("http://other.example/healthz"), 400),
    "user information": (get("http://user@server.example/healthz"), 400),
    "another scheme": (get("ftp://server.example/healthz"), 400),
    "authority form": (get("server.example:80"), 400),
    "tunnel": (request("CONNECT server.example:80 HTTP/1.1", HOST), 501),
    "tunnel to a path": (request("CONNECT /healthz HTTP/1.1", HOST), 501),
    "asterisk form": (request("OPTIONS * HTTP/1.1", HOST), 400),
    "asterisk": (get("*"), 400),
    "no slash": (get("healthz"), 400),
    "no target": (get(""), 400),
    "fragment": (get("/healthz#fragment"), 400),
    "fragment in the query": (get("/healthz?a#fragment"), 400),
    "space in the path": (get("/health z"), 400),
    "tab behind the path": (get("/healthz\t"), 400),
    "NUL in the path": (get("/healthz\0"), 400),
    "path not in ASCII": (get("/h\xe4lthz"), 400),
    "query not in ASCII": (get("/healthz?\xe4"), 400),
    "dot segments": (get("/api/../healthz"), 400),
    "encoded dot segments": (get("/api/%2e%2E/healthz"), 400),
    "dot segments with a parameter": (get("/api/..;x/healthz"), 400),
    "dot segments behind an encoded slash": (get("/api/a%2f..%2fhealthz"), 400),
    "single dot": (get("/./healthz"), 400),
    "encoded NUL": (get("/healthz%00"), 400),
    "encoded line break": (get("/healthz%0d%0aX:%20y"), 400),
    "backslash": (get("/api\\healthz"), 400),
    "encoded backslash": (get("/api%5chealthz"), 400),
    "broken encoding": (get("/%zz"), 400),
    "no version": (b"GET /healthz\r\n\r\n", 505),
    "version 0.9": (request("GET /healthz HTTP/0.9", HOST), 505),
    "version 1.2": (request("GET /healthz HTTP/1.2", HOST), 400),
    "version 2.0": (request("GET /healthz HTTP/2.0", HOST), 505),
    "version 3.0": (request("GET /healthz HTTP/3.0", HOST), 400),
    "version in small letters": (request("GET /healthz http/1.1", HOST), 400),
    "version without a dot": (request("GET /healthz HTTP/11", HOST), 400),
    "space at the end": (request("GET /healthz HTTP/1.1 ", HOST), 400),
    "space at the beginning": (request(" GET /healthz HTTP/1.1", HOST), 400),
    "tab for a space": (request("GET\t/healthz HTTP/1.1", HOST), 400),
    "method in small letters": (request("get /healthz HTTP/1.1", HOST), 400),
    "unknown method": (request("FETCH /healthz HTTP/1.1", HOST), 400),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "unknown expectation": (get("/healthz", "Expect: 200-ok"), 417),
}


@pytest.mark.parametrize(("sent", "status"), REQUEST_LINES.values(), ids=REQUEST_LINES.keys())
def test_a_request_line_with_two_readings_is_refused(wire, sent, status):
    """A proxy that read another path has checked another request (threat 19; RFC 9112 §3.2)."""
    wire.send(sent + get())
    (refused,) = wire.answers()

    assert (status, True) == (refused.status, refused.closes)
