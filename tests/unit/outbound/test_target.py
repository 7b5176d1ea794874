"""URLs taken apart, and those that are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrary.core.uris import URI_LIMIT
from registrary.outbound.policy import development_policy, public_policy
from registrary.outbound.target import Target, parse_target
from registrary.ports.fetcher import FetchRefused, Refusal

USABLE = {
    "https://app.example": ("https", "app.example", 443, "/"),
    "https://app.example/": ("https", "app.example", 443, "/"),
    "https://app.example?a=b": ("https", "app.example", 443, "/?a=b"),
    "https://app.example/a?b=c?d": ("https", "app.example", 443, "/a?b=c?d"),
    "https://app.example/a%2Fb/../c": ("https", "app.example", 443, "/a%2Fb/../c"),
    "https://app.example/a@b:c": ("https", "app.example", 443, "/a@b:c"),
    "https://app.example:443/": ("https", "app.example", 443, "/"),
    "https://app.example:8443/": ("https", "app.example", 8443, "/"),
    "HTTPS://App.Example/A": ("https", "app.example", 443, "/A"),
    "https://xn--bcher-kva.example/": ("https", "xn--bcher-kva.example", 443, "/"),
    "https://_sip.a-b.1x.example/": ("https", "_sip.a-b.1x.example", 443, "/"),
    "https://localhost/": ("https", "localhost", 443, "/"),
    "https://8.8.8.8/": ("https", "8.8.8.8", 443, "/"),
    "https://[2606:4700::1]/": ("https", "2606:4700::1", 443, "/"),
}


@pytest.mark.parametrize(("url", "expected"), USABLE.items(), ids=USABLE.keys())
def test_a_plain_url_is_taken_apart(url, expected):
    """What is fetched is what was written: nothing is decoded, collapsed or guessed."""
    target = parse_target(url, public_policy(443, 8443))

    assert expected == (target.scheme, target.host, target.port, target.target)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https",
        "https:app.example/",
        "https:/app.example/",
        "https:///",
        "//app.example/",
        "/keys",
        "http://app.example/",
        "ftp://app.example/",
        "file:///etc/passwd",
        "gopher://app.example/",
        "https://user@app.example/",
        "https://user:secret@app.example/",
        "https://@app.example/",
        "https://app.example#fragment",
        "https://app.example/#fragment",
        "https://app.example\\@other.example/",
        "https://app.example/\\other.example",
        "https:\\\\app.example/",
        " https://app.example/",
        "https://app.example/ ",
        "https://app.example/a b",
        "https://app.example/\n",
        "https://app.example/\r\nHost: other.example",
        "https://app.example/\x00",
        "https://app.example/\u00e9",
        "https://b\u00fccher.example/",
        "https://app\u3002example/",
        "https://app.example\uff0fother.example/",
        "https://app%2Eexample/",
        "https://app.example./",
        "https://.example/",
        "https://app..example/",
        "https://-app.example/",
        "https://app-.example/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 127}example/",
        "https://app.example:/",
        "https://app.example:0/",
        "https://app.example:00443/",
        "https://app.example:65979/",  # 443 modulo 65536
        "https://app.example:443443/",
        "https://app.example:80/",
        "https://app.example:8080/",
        "https://app.example:-443/",
        "https://app.example:4_43/",
        "https://[::1/",
        "https://::1/",
        "https://[]/",
        "https://[app.example]/",
        "https://[2606:4700::1]443/",
        "https://[2606:4700::1%25eth0]/",
        "https://[v1.app]/",
        "https://127.1/",
        "https://1/",
        "https://0x7f000001/",
        "https://127.0.0.0x1/",
        "https://app.example.1/",
        "https://app.0x/",
        f"https://app.example/{'a' * URI_LIMIT}",
    ],
)
@pytest.mark.spec("E-130", "T-37")
def test_any_other_url_is_refused(url):
    """Where two readers could disagree about the host, one of them will be ours."""
    with pytest.raises(FetchRefused) as caught:
        parse_target(url, public_policy())

    assert Refusal.URL == caught.value.refusal


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/keys", "https://localhost:1/"])
@pytest.mark.spec("E-132")
def test_development_takes_plain_http_and_any_port(url):
    """A developer's tools listen where they can."""
    target = parse_target(url, development_policy())

    assert target.scheme in ("http", "https")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target("https", "app.example", 443, "/"), "app.example"),
        (Target("https", "app.example", 8443, "/"), "app.example:8443"),
        (Target("http", "app.example", 80, "/"), "app.example"),
        (Target("http", "app.example", 443, "/"), "app.example:443"),
        (Target("https", "2606:4700::1", 443, "/"), "[2606:4700::1]"),
        (Target("https", "::1", 8443, "/"), "[::1]:8443"),
    ],
)
def test_the_host_header_names_a_port_that_is_not_the_usual_one(target, expected):
    """Virtual hosts are found by it (RFC 9110 §7.2)."""
    assert expected == target.host_header


@given(st.text(max_size=60) | st.text(st.characters(max_codepoint=127), max_size=60))
def test_no_text_escapes_as_another_failure(text):
    """The URL comes from a stranger."""
    for url in (text, f"https://{text}", f"https://app.example/{text}"):
        try:
            target = parse_target(url, public_policy())
        except FetchRefused:
            continue
        assert url.isascii()
        assert target.port == 443
