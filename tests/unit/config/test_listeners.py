import pytest

from registrary.config import Settings, SettingsError, check_for_serving
from registrary.config.settings import HttpSettings

ISSUER = {"issuer": "https://id.example", "store": "sqlite:///registrary.db"}
TLS = {"tls_certificate": "server.pem", "tls_private_key": "server.key"}


def problem_of(*, http=None, **members):
    """Return why a server would not start with these settings, None where it would."""
    try:
        check_for_serving(Settings(http=HttpSettings(**(http or {})), **members))
    except SettingsError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("listen", "apart"),
    [
        ("127.0.0.1:8400", "127.0.0.1:9400"),
        ("127.0.0.1:8400", "[::1]:9400"),
        ("127.0.0.1:0", "127.0.0.1:0"),
    ],
)
def test_a_second_listener_on_loopback_is_fine(listen, apart):
    """The usual case: a proxy in front of one, a scraper beside the other."""
    assert problem_of(**ISSUER, listen=listen, http={"admin_listen": apart}) is None


@pytest.mark.parametrize(
    ("apart", "rule"),
    [
        ("9400", "http.admin_listen must be HOST:PORT"),
        ("127.0.0.1:http", "http.admin_listen must be HOST:PORT"),
        ("[::1]:8400", "http.admin_listen must have another port than listen"),
        ("192.0.2.1:9400", "http.admin_listen: plain HTTP is only spoken on loopback"),
    ],
)
def test_a_second_listener_that_cannot_be_is_refused(apart, rule):
    """Admin tokens must not travel in the clear; and a port tells which listener was meant."""
    problem = problem_of(**ISSUER, listen="127.0.0.1:8400", http={"admin_listen": apart})

    assert problem is not None
    assert problem.startswith(rule)


def test_a_second_listener_elsewhere_speaks_tls():
    """A certificate is for both listeners."""
    http = TLS | {"admin_listen": "192.0.2.1:9400"}

    assert problem_of(**ISSUER, listen="192.0.2.1:443", http=http) is None


def test_development_stays_on_loopback_with_both_listeners():
    """What it relaxes, it relaxes for whoever can connect."""
    http = TLS | {"admin_listen": "192.0.2.1:9400"}

    assert "dev is only allowed while listening on loopback" == problem_of(dev=True, http=http)
