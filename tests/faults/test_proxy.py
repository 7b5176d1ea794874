"""The network of the fault tests fails in the way it was told to, and is whole again afterwards."""

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Network, Proxy, proxy_to

SHORT = 0.3  # seconds in which nothing comes where nothing shall


class Echo(socketserver.BaseRequestHandler):
    """Says what it hears."""

    def handle(self) -> None:
        """Answer until the caller has gone."""
        while octets := self.request.recv(1024):
            self.request.sendall(octets)


class Greeting(Echo):
    """Says its own name first."""

    def handle(self) -> None:
        """Answer once."""
        self.request.recv(1024)
        self.request.sendall(b"the other")


def server_of(handler: type[Echo]) -> socketserver.ThreadingTCPServer:
    """Start a server for *handler*."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Run a proxy to a server that says what it hears."""
    with server_of(Echo) as echo, proxy_to(("127.0.0.1", echo.server_address[1])) as running:
        yield running
        echo.shutdown()


def connect(proxy: Proxy) -> socket.socket:
    """Connect through *proxy*."""
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def echo_of(octets: bytes, connection: socket.socket) -> bytes:
    """Send *octets* and return what comes back within a moment; raises `TimeoutError`."""
    connection.sendall(octets)
    connection.settimeout(SHORT)
    try:
        return connection.recv(1024)
    finally:
        connection.settimeout(5)


def test_a_whole_network_passes_everything_on(proxy: Proxy) -> None:
    """A fault that nobody ordered would be looked for elsewhere."""
    with connect(proxy) as connection:
        assert b"one" == echo_of(b"one", connection)
        assert 1 == proxy.connections


@pytest.mark.parametrize("network", [Network.REFUSED, Network.RESET])
def test_a_reset_ends_what_stood_and_what_is_new(proxy: Proxy, network: Network) -> None:
    """The caller learns at once."""
    with connect(proxy) as connection:
        echo_of(b"one", connection)

        proxy.become(network)

        with pytest.raises(ConnectionError):
            connection.recv(1)
        with pytest.raises(ConnectionError), connect(proxy) as another:
            another.recv(1)
        proxy.become(Network.WHOLE)
        with connect(proxy) as again:
            assert b"two" == echo_of(b"two", again)


def test_a_black_hole_tells_nobody_and_loses_nothing(proxy: Proxy) -> None:
    """What was under way arrives late, as it does when TCP repeats it."""
    with connect(proxy) as connection:
        proxy.become(Network.BLACK_HOLE)

        with pytest.raises(TimeoutError):
            echo_of(b"late", connection)
        proxy.become(Network.WHOLE)

        assert b"late" == connection.recv(1024)


def test_a_mute_network_delivers_and_never_answers(proxy: Proxy) -> None:
    """That is how a commit happens of which nobody hears."""
    with connect(proxy) as connection:
        proxy.become(Network.MUTE)

        with pytest.raises(TimeoutError):
            echo_of(b"one", connection)
        proxy.become(Network.WHOLE)

        assert b"two" == echo_of(b"two", connection)


def test_a_torn_answer_ends_in_a_reset(proxy: Proxy) -> None:
    """Half a message must not be taken for one."""
    with connect(proxy) as connection:
        proxy.become(Network.TORN)

        received = echo_of(b"1234", connection)

        assert b"12" == received
        with pytest.raises(ConnectionError):
            connection.recv(1)


def test_it_leads_elsewhere_when_told(proxy: Proxy) -> None:
    """An address that moves to a promoted standby takes no old connection along."""
    with server_of(Greeting) as other, connect(proxy) as connection:
        echo_of(b"one", connection)

        proxy.retarget(("127.0.0.1", other.server_address[1]))

        with pytest.raises(ConnectionError):
            connection.recv(1)
        with connect(proxy) as again:
            assert b"the other" == echo_of(b"two", again)
        other.shutdown()
