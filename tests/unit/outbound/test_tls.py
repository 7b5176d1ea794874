"""Whom we trust when we connect."""

import ssl

import pytest

from registrary.outbound.tls import client_context


def subjects(context: ssl.SSLContext) -> set[str]:
    """Return the subjects of the authorities *context* has loaded."""
    return {str(certificate["subject"]) for certificate in context.get_ca_certs()}


@pytest.mark.spec("E-132")
def test_an_extra_store_adds_to_the_systems(authority, tmp_path):
    """Trusting a test authority must not cost trust in everybody else."""
    system = subjects(client_context())

    both = subjects(client_context(authority.write(tmp_path / "extra.pem")))

    assert system < both
    assert ["Hostile test authority" in subject for subject in both - system] == [True]


def test_the_environment_does_not_replace_the_systems_store(authority, tmp_path, monkeypatch):
    """OpenSSL reads the variable as a replacement; we promise an addition."""
    system = subjects(client_context())
    extra = authority.write(tmp_path / "extra.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(extra))

    assert system < subjects(client_context(extra))


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"], ids=str)
def test_an_extra_store_without_certificates_stops_the_start(content, tmp_path):
    """A mistyped path is found when the server starts, not when the first fetch fails."""
    store = tmp_path / "extra.pem"
    if content is not None:
        store.write_bytes(content)

    with pytest.raises(ValueError, match="SSL_CERT_FILE"):
        client_context(store)


def test_names_and_certificates_are_checked():
    """The two switches every broken client has turned off."""
    context = client_context()

    assert (True, ssl.CERT_REQUIRED) == (context.check_hostname, context.verify_mode)
    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version


def test_session_keys_are_written_nowhere(tmp_path, monkeypatch):
    """A variable left over from debugging must not open what we fetch."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))

    assert client_context().keylog_filename is None
