"""What a server cannot run with ends its command before it greets."""

import subprocess

import pytest

from registrary.testing.server import command, environment

REFUSED = {
    "networks": {"REGISTRARY_REGISTRATION__NETWORKS": "bogus"},
    "proxies": {"REGISTRARY_HTTP__TRUSTED_PROXIES": "bogus"},
    "ports": {"REGISTRARY_OUTBOUND__PORTS": "70000"},
    "trust": {"SSL_CERT_FILE": "/nope"},
    "authorities": {
        "REGISTRARY_HTTP__CLIENT_CERTIFICATE_HEADER": "client-cert",
        "REGISTRARY_HTTP__TLS_CLIENT_AUTHORITIES": "/nope",
    },
    "authorities that are none": {
        "REGISTRARY_HTTP__CLIENT_CERTIFICATE_HEADER": "client-cert",
        "REGISTRARY_HTTP__TLS_CLIENT_AUTHORITIES": "/dev/null",
    },
}


@pytest.mark.parametrize("variables", REFUSED.values(), ids=REFUSED.keys())
def test_a_setting_that_cannot_work_is_told_on_one_line(variables, tmp_path):
    """A greeting would be believed, and its link would be lost with the process."""
    store = tmp_path / "registrary.db"

    done = subprocess.run(
        command("serve", "--dev", "--listen", "127.0.0.1:0", "--store", f"sqlite:///{store}"),
        env=environment() | variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (2, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
    assert done.stderr.startswith("registrary: ")
    assert not store.exists()
