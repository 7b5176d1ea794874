import tracemalloc

import pytest

from registrary.core.addresses import Networks
from registrary.web.callers import (
    HOPS_LIMIT,
    Callers,
    ForwardingHeaders,
    TrustedProxies,
    canonical_peer,
    without_default_port,
)
from registrary.web.head import judge_head

PROXY = "10.0.0.1"
PROXIES = Networks.parse(("10.0.0.0/8", "fd00::/8"))


def caller_of(*headers, kind=ForwardingHeaders.X_FORWARDED):
    """Return who sent a request with *headers* by a trusted proxy."""
    lines = tuple((name.encode(), value.encode()) for name, value in headers)
    head = judge_head("GET", b"/", version="1.1", headers=((b"host", b"inside:8400"), *lines))
    return Callers(TrustedProxies(PROXIES, kind)).caller(head, peer=PROXY, scheme="http")


def forwarded(*values):
    """Return who sent a request with a Forwarded line for each of *values*."""
    lines = [("forwarded", value) for value in values]
    return caller_of(*lines, kind=ForwardingHeaders.FORWARDED)


@pytest.mark.parametrize(
    ("senders", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:49152", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.66, 192.0.2.1", "192.0.2.1"),
        ("192.0.2.66, 192.0.2.1, 10.0.0.9", "192.0.2.1"),
        ("10.0.0.7, 10.0.0.9", "10.0.0.7"),
        ("192.0.2.66, unknown, 10.0.0.9", "10.0.0.9"),
        ("192.0.2.66, unknown", PROXY),
        ("", PROXY),
        ("192.0.2.66,", PROXY),
        ("nobody", PROXY),
    ],
    ids=[
        "address",
        "with port",
        "one spelling",
        "brackets",
        "zone",
        "mapped",
        "claimed by the caller",
        "two proxies",
        "proxies alone",
        "unknown behind a proxy",
        "unknown",
        "empty",
        "empty at the end",
        "no address",
    ],
)
def test_the_caller_is_the_last_one_nobody_trusted_vouches_for(senders, address):
    """Anything further left was written by the caller (threat 51: limits count by address)."""
    assert address == caller_of(("x-forwarded-for", senders)).address


def test_senders_on_several_lines_are_one_list():
    """Proxies may add a line instead of a member (RFC 9110 §5.3)."""
    caller = caller_of(("x-forwarded-for", "192.0.2.66"), ("x-forwarded-for", "192.0.2.1"))

    assert "192.0.2.1" == caller.address


@pytest.mark.parametrize(
    ("kind", "name", "form"),
    [
        (ForwardingHeaders.X_FORWARDED, "x-forwarded-for", "10.0.0.{}"),
        (ForwardingHeaders.FORWARDED, "forwarded", "for=10.0.0.{}"),
    ],
)
def test_no_more_hops_are_walked_than_a_real_chain_has(kind, name, form):
    """A trusted network that is too wide must not let one request cost thousands of parses."""
    chain = ", ".join(form.format(host) for host in range(1, 201))

    caller = caller_of((name, chain), kind=kind)

    assert f"10.0.0.{200 - HOPS_LIMIT + 1}" == caller.address


@pytest.mark.parametrize(
    ("kind", "name", "form"),
    [
        (ForwardingHeaders.X_FORWARDED, "x-forwarded-for", "{}" + ",1" * 15_000 + ", 192.0.2.{}"),
        (ForwardingHeaders.X_FORWARDED, "x-forwarded-for", "{}, " + "9" * 30_000 + "{}"),
        (ForwardingHeaders.FORWARDED, "forwarded", "{}" + ",1" * 15_000 + ", for=192.0.2.{}"),
        (ForwardingHeaders.FORWARDED, "forwarded", "{}, for=" + "9" * 30_000 + "{}"),
    ],
    ids=["long list", "long sender", "forwarded: long list", "forwarded: long sender"],
)
def test_nothing_of_a_header_is_kept(kind, name, form):
    """Strangers without a name or token once made the server hold gigabytes of hops."""
    callers = Callers(TrustedProxies(PROXIES, kind))
    lines = [(name.encode(), form.format(turn, turn).encode()) for turn in range(100)]
    heads = [
        judge_head("GET", b"/", version="1.1", headers=((b"host", b"inside:8400"), line))
        for line in lines
    ]
    tracemalloc.start()

    try:
        for head in heads:
            callers.caller(head, peer=PROXY, scheme="http")
        kept_bytes, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept_bytes < 64 * 1024
    assert peak_bytes < 512 * 1024


PROTO, ADDRESSED = "x-forwarded-proto", "x-forwarded-host"


@pytest.mark.parametrize(
    ("headers", "scheme", "host"),
    [
        ((), "http", "inside:8400"),
        (((PROTO, "https"),), "https", "inside:8400"),
        (((PROTO, "HTTPS"),), "https", "inside:8400"),
        (((PROTO, "http, https"),), "https", "inside:8400"),
        (((PROTO, "gopher"),), "http", "inside:8400"),
        (((ADDRESSED, "Id.example:443"), (PROTO, "https")), "https", "id.example"),
        (((ADDRESSED, "Id.example:443"),), "http", "id.example:443"),
        (((ADDRESSED, "a.example, id.example"),), "http", "id.example"),
        (((ADDRESSED, "id.example/path"),), "http", "inside:8400"),
        (((ADDRESSED, "user@id.example"),), "http", "inside:8400"),
        ((("x-forwarded-for", "192.0.2.1"), (ADDRESSED, "id.example")), "http", "id.example"),
    ],
)
def test_scheme_and_host_are_the_nearest_proxy_s(headers, scheme, host):
    """They name no hop, so the last word is the only one somebody trusted has written."""
    caller = caller_of(*headers)

    assert (scheme, host) == (caller.scheme, caller.host)


@pytest.mark.parametrize(
    ("values", "address"),
    [
        (("for=192.0.2.1",), "192.0.2.1"),
        (('For="[2001:db8::1]:443"',), "2001:db8::1"),
        (("for=192.0.2.66, for=192.0.2.1;proto=https",), "192.0.2.1"),
        (("for=192.0.2.66", "for=192.0.2.1"), "192.0.2.1"),
        (("for=192.0.2.66, for=_hidden",), PROXY),
        (("for=unknown",), PROXY),
        (("proto=https",), PROXY),
        (('for="192.0.2.66, for=192.0.2.1',), "192.0.2.1"),
        (('for="192.0.2.66', "for=192.0.2.1"), "192.0.2.1"),
        (("",), PROXY),
    ],
    ids=[
        "address",
        "quoted",
        "claimed by the caller",
        "two lines",
        "obfuscated",
        "unknown",
        "no sender",
        "quote left open",
        "quote left open on a line of its own",
        "empty",
    ],
)
def test_forwarded_is_read_from_its_end(values, address):
    """A quote the caller opens must not swallow what the proxy appended (RFC 7239 §4)."""
    assert address == forwarded(*values).address


def test_forwarded_says_scheme_and_host_of_its_hop():
    """Here they belong to a hop, and the hop is the caller's (RFC 7239 §5)."""
    caller = forwarded("for=192.0.2.1;proto=https;host=Id.example, for=10.0.0.9;proto=http")

    assert ("192.0.2.1", "https", "id.example") == caller


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        (ForwardingHeaders.X_FORWARDED, (("forwarded", "for=192.0.2.66;host=evil.example"),)),
        (ForwardingHeaders.FORWARDED, (("x-forwarded-for", "192.0.2.66"),)),
        (ForwardingHeaders.FORWARDED, (("x-forwarded-host", "evil.example"),)),
    ],
)
def test_the_kind_of_header_the_proxy_does_not_write_is_not_read(kind, headers):
    """Proxies pass on what they do not know, so it is the caller's own."""
    caller = caller_of(*headers, kind=kind)

    assert (PROXY, "http", "inside:8400") == caller


@pytest.mark.parametrize(
    ("peer", "is_trusted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("fd00::1", True),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("", False),
    ],
)
def test_only_listed_networks_are_trusted(peer, is_trusted):
    """Whoever is trusted chooses the address that limits count."""
    assert is_trusted == Callers(TrustedProxies(PROXIES)).trusts(peer)


def test_no_list_trusts_nobody():
    """Trust is given, never assumed."""
    assert not Callers(TrustedProxies(Networks())).trusts("127.0.0.1")


@pytest.mark.parametrize(
    ("peer", "canonical"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:0db8::0001", "2001:db8::1"),
        ("/run/registrary.sock", "/run/registrary.sock"),
    ],
)
def test_an_address_has_one_spelling(peer, canonical):
    """Counted under two spellings, a caller would have two budgets."""
    assert canonical == canonical_peer(peer)


@pytest.mark.parametrize(
    ("host", "scheme", "bare"),
    [
        ("id.example:443", "https", "id.example"),
        ("id.example:80", "http", "id.example"),
        ("id.example:80", "https", "id.example:80"),
        ("id.example:8443", "https", "id.example:8443"),
        ("[::1]:443", "https", "[::1]"),
    ],
)
def test_the_default_port_names_the_same_host(host, scheme, bare):
    """An issuer without a port is found with it, too (RFC 9110 §4.2.3)."""
    assert bare == without_default_port(host, scheme)
