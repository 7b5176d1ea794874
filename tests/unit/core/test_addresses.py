"""Which addresses may be connected to, and which belong to one source."""

from ipaddress import ip_address

import pytest

from registrary.core.addresses import Networks, is_loopback, is_public, parse_address, source_key
from registrary.core.errors import FieldError

SPECIAL_USE = {
    "this-network": "0.0.0.0",  # noqa: S104 - judged, not bound
    "this-network-end": "0.255.255.255",
    "private-10": "10.0.0.1",
    "private-10-end": "10.255.255.255",
    "carrier-nat": "100.64.0.1",
    "carrier-nat-end": "100.127.255.255",
    "metadata-in-carrier-nat": "100.100.100.200",
    "loopback": "127.0.0.1",
    "loopback-end": "127.255.255.255",
    "cloud-agent": "168.63.129.16",
    "link-local": "169.254.0.1",
    "metadata": "169.254.169.254",
    "private-172": "172.16.0.1",
    "private-172-end": "172.31.255.255",
    "protocol-assignments": "192.0.0.1",
    "port-control-anycast": "192.0.0.9",
    "metadata-in-protocol-assignments": "192.0.0.192",
    "documentation-1": "192.0.2.1",
    "6to4-relay": "192.88.99.1",
    "private-192": "192.168.0.1",
    "benchmarking": "198.18.0.1",
    "benchmarking-end": "198.19.255.255",
    "documentation-2": "198.51.100.1",
    "documentation-3": "203.0.113.1",
    "multicast": "224.0.0.1",
    "multicast-end": "239.255.255.255",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "v6-unspecified": "::",
    "v6-loopback": "::1",
    "v4-mapped-private": "::ffff:10.0.0.1",
    "v4-mapped-loopback": "::ffff:127.0.0.1",
    "v4-mapped-public": "::ffff:8.8.8.8",
    "v4-compatible-loopback": "::7f00:1",
    "v4-compatible-public": "::808:808",
    "v4-translated": "::ffff:0:a00:1",
    "nat64-metadata": "64:ff9b::a9fe:a9fe",
    "nat64-public": "64:ff9b::808:808",
    "nat64-local": "64:ff9b:1::a00:1",
    "nat64-local-public": "64:ff9b:1::808:808",
    "discard-only": "100::1",
    "teredo": "2001::1",
    "teredo-with-client": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "v6-benchmarking": "2001:2::1",
    "orchid": "2001:10::1",
    "orchid-2": "2001:20::1",
    "drone-ids": "2001:30::1",
    "v6-documentation": "2001:db8::1",
    "6to4-loopback": "2002:7f00:1::1",
    "6to4-private": "2002:a00:1::1",
    "6to4-public": "2002:808:808::1",
    "isatap-private": "2606:4700::5efe:a00:1",
    "isatap-universal": "2606:4700::200:5efe:808:808",
    "v6-documentation-2": "3fff::1",
    "segment-routing": "5f00::1",
    "never-assigned": "4000::1",
    "unique-local": "fc00::1",
    "unique-local-random": "fd12:3456:789a::1",
    "metadata-v6": "fd00:ec2::254",
    "v6-link-local": "fe80::1",
    "link-local-with-zone": "fe80::1%eth0",
    "public-with-zone": "2606:4700:4700::1111%eth0",
    "site-local": "fec0::1",
    "v6-multicast": "ff02::1",
    "v6-multicast-global": "ff0e::1",
}

PUBLIC = {
    "v4": "8.8.8.8",
    "v4-low": "1.0.0.1",
    "below-10": "9.255.255.255",
    "above-10": "11.0.0.0",
    "below-carrier-nat": "100.63.255.255",
    "above-carrier-nat": "100.128.0.0",
    "below-loopback": "126.255.255.255",
    "above-loopback": "128.0.0.0",
    "beside-cloud-agent": "168.63.129.17",
    "below-link-local": "169.253.255.255",
    "above-link-local": "169.255.0.0",
    "below-172": "172.15.255.255",
    "above-172": "172.32.0.0",
    "above-protocol-assignments": "192.0.1.0",
    "above-192": "192.169.0.0",
    "below-benchmarking": "198.17.255.255",
    "above-benchmarking": "198.20.0.0",
    "below-multicast": "223.255.255.255",
    "v6": "2606:4700:4700::1111",
    "v6-first-after-protocol-assignments": "2001:200::1",
    "v6-beside-documentation": "2001:db9::1",
    "v6-below-6to4": "2001:ffff:ffff::1",
    "v6-above-6to4": "2003::1",
}


def table(rows: dict[str, str]) -> pytest.MarkDecorator:
    """Parametrise *text* with the values of *rows*, each under its own name."""
    return pytest.mark.parametrize("text", list(rows.values()), ids=list(rows))


@table(SPECIAL_USE)
@pytest.mark.spec("E-130")
def test_a_special_use_address_is_not_public(text: str) -> None:
    """One address read wrongly opens the inside of the network to strangers."""
    assert not is_public(ip_address(text))


@table(PUBLIC)
@pytest.mark.spec("E-130")
def test_an_ordinary_address_is_public(text: str) -> None:
    """A range refused by mistake makes honest clients' documents unreachable."""
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("126.255.255.255", False),
        ("128.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - judged, not bound
        ("::", False),
        ("::7f00:1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_else(text, expected):
    """Loopback is what development may fetch from and what proxy headers are trusted from."""
    assert expected == is_loopback(ip_address(text))


@pytest.mark.parametrize(
    "text",
    ["192.0.2.1", "0.0.0.1", "::1", "::", "2001:db8::1", "::ffff:192.0.2.1", "::ffff:c000:201"],
)
def test_a_canonical_address_is_read(text: str) -> None:
    """What every reader understands alike is accepted."""
    assert ip_address(text) == parse_address(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0177.0.0.1", id="octal"),
        pytest.param("127.0.0.01", id="leading-zero"),
        pytest.param("0x7f.0.0.1", id="hexadecimal-part"),
        pytest.param("0x7f000001", id="hexadecimal"),
        pytest.param("2130706433", id="decimal"),
        pytest.param("127.1", id="two-parts"),
        pytest.param("127.0.1", id="three-parts"),
        pytest.param("127.0.0.1.", id="trailing-dot"),
        pytest.param("127.0.0.256", id="part-too-large"),
        pytest.param(" 127.0.0.1", id="leading-space"),
        pytest.param("127.0.0.1\n", id="trailing-newline"),
        pytest.param("١٢٧.0.0.1", id="other-digits"),
        pytest.param("①②⑦.0.0.1", id="circled-digits"),
        pytest.param("[::1]", id="brackets"),
        pytest.param("fe80::1%eth0", id="zone-id"),
        pytest.param("::1%", id="empty-zone-id"),
        pytest.param("0:0:0:0:0:0:0:1", id="uncompressed"),
        pytest.param("2001:0db8::1", id="v6-leading-zero"),
        pytest.param("2001:DB8::1", id="upper-case"),
        pytest.param("::FFFF:192.0.2.1", id="upper-case-mapped"),
        pytest.param("64:ff9b::192.0.2.1", id="dotted-where-not-mapped"),
        pytest.param("::ffff:127.0.0.01", id="mapped-leading-zero"),
        pytest.param("127.0.0.1/32", id="network"),
        pytest.param("localhost", id="name"),
        pytest.param("", id="empty"),
    ],
)
@pytest.mark.spec("E-130")
def test_an_odd_spelling_of_an_address_is_refused(text: str) -> None:
    """What one reader takes for a name and the next for 127.0.0.1 passes between two checks."""
    with pytest.raises(FieldError):
        parse_address(text)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_one_subscriber_is_one_source(address: str, expected: str) -> None:
    """Limits by source hold against someone who owns 2^64 addresses."""
    assert expected == source_key(address)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.0", True),
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("::ffff:192.0.2.1", True),
        ("198.51.100.7", True),
        ("198.51.100.8", False),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
    ],
)
def test_networks_contain_what_lies_in_their_ranges(address, expected):
    """An allow-list lets in exactly what the administrator wrote."""
    networks = Networks.parse(["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"])

    assert expected == networks.contains(ip_address(address))


def test_no_networks_contain_nothing() -> None:
    """An empty list trusts nobody."""
    assert not Networks().contains(ip_address("127.0.0.1"))


@pytest.mark.parametrize("text", ["192.0.2.1/24", "192.0.2.0/33", "everyone", "", "10/8"])
def test_an_unclear_network_is_refused(text: str) -> None:
    """A range that could mean two things is settled when the server starts, not by a guess."""
    with pytest.raises(FieldError):
        Networks.parse([text])
