"""A URL is taken apart as far as must be, and its password is never said again."""

import pytest

from registrary.ports.store import StoreUnavailable
from registrary.storage.postgres.address import Address, Server

ADDRESSES = {
    "plain": ("postgresql://u:s3cr3t@h/d", "postgresql://h/d", [("h", 5432)]),
    "port": ("postgres://h:1/d", "postgresql://h:1/d", [("h", 1)]),
    "many": ("postgresql://u@a:1,b/d", "postgresql://a:1,b/d", [("a", 1), ("b", 5432)]),
    "ipv6": ("postgresql://[::1]:7/d", "postgresql://[::1]:7/d", [("::1", 7)]),
    "at-in-password": ("postgresql://u:s3@cr3t@h/d", "postgresql://h/d", [("h", 5432)]),
    "socket": ("postgresql://u@/d?host=%2Ftmp&password=s3cr3t", "postgresql:///d", []),
    "socket-as-host": ("postgresql://%2Frun/d", "postgresql://%2Frun/d", [("/run", 5432)]),
}


@pytest.mark.parametrize(("url", "text", "servers"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_an_address_is_said_without_its_password(url, text, servers):
    """What is said about a database ends in logs and tickets."""
    address = Address(url)

    assert text == str(address)
    assert tuple(Server(*server) for server in servers) == address.servers


def test_who_answered_last_is_asked_first():
    """After a failover nobody waits for the server that is gone."""
    address = Address("postgresql://a,b,c/d")

    address.prefer(Server("b", 5432))

    assert ["b", "a", "c"] == [server.host for server in address.servers]


@pytest.mark.parametrize("query", ["", "?target_session_attrs=read-write"])
def test_only_servers_that_write_are_taken_unless_said_otherwise(query):
    """A standby in a list of servers is no mistake."""
    assert bool(query) == Address(f"postgresql://a,b/d{query}").names_attributes


@pytest.mark.parametrize("wanted", ["any", "standby", "prefer-standby", "read-only"])
def test_nobody_reads_from_a_standby(wanted):
    """It may be behind by any time, and what was revoked is good there for as long."""
    with pytest.raises(StoreUnavailable, match="target_session_attrs"):
        Address(f"postgresql://a,b/d?sslmode=require&target_session_attrs={wanted}")
