"""Settings come from four places, and nonsense is refused before a server starts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from registrary.config import Settings, SettingsError, check_for_serving, load_settings

SERVABLE = {
    "REGISTRARY_ISSUER": "https://id.example",
    "REGISTRARY_STORE": "sqlite:////var/lib/registrary.db",
}


def test_nothing_needs_to_be_set() -> None:
    """A setting works when absent."""
    assert Settings() == load_settings(environment={})


def test_a_flag_outweighs_the_environment_and_that_the_file(tmp_path: Path) -> None:
    """An operator who overrides on the command line gets what they typed."""
    file = tmp_path / "registrary.toml"
    file.write_text('issuer = "https://file.example"\nworkers = 2\nlisten = "127.0.0.1:1"\n')

    settings = load_settings(
        flags={"listen": "127.0.0.1:3", "dev": None},
        environment={"REGISTRARY_LISTEN": "127.0.0.1:2", "REGISTRARY_WORKERS": "3"},
        config_file=file,
    )

    assert ("https://file.example", 3, "127.0.0.1:3") == (
        settings.issuer,
        settings.workers,
        settings.listen,
    )


def test_sections_and_lists_come_from_the_environment() -> None:
    """A container is configured without a file."""
    environment = {
        "REGISTRARY_HTTP__TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1/32",
        "REGISTRARY_REGISTRATION__MODE": "closed",
    }

    settings = load_settings(environment=environment)

    assert (("10.0.0.0/8", "192.0.2.1/32"), "closed") == (
        settings.http.trusted_proxies,
        settings.registration.mode,
    )


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    """Secrets stay out of process listings and shell histories."""
    (tmp_path / "token").write_text("a-very-long-admin-token\n")

    settings = load_settings(environment={"REGISTRARY_ADMIN_TOKEN_FILE": str(tmp_path / "token")})

    assert "a-very-long-admin-token" == settings.admin_token


@pytest.mark.parametrize(
    ("variable", "read"),
    [
        ("REGISTRARY_STORE_FILE", lambda settings: settings.store),
        ("REGISTRARY_KEYS__ENCRYPTION_KEY_FILE", lambda settings: settings.keys.encryption_key),
        (
            "REGISTRARY_KEYS__PREVIOUS_ENCRYPTION_KEY_FILE",
            lambda settings: settings.keys.previous_encryption_key,
        ),
        ("REGISTRARY_POSTGRES__DIRECT_FILE", lambda settings: settings.postgres.direct),
    ],
)
def test_every_secret_may_lie_in_a_file(
    variable: str, read: Callable[[Settings], str | None], tmp_path: Path
) -> None:
    """A database URL holds a password, and container platforms hand out secrets as files."""
    (tmp_path / "secret").write_text("postgresql://u:p@h/d\n")

    settings = load_settings(environment={variable: str(tmp_path / "secret")})

    assert "postgresql://u:p@h/d" == read(settings)


def test_a_secret_and_its_file_are_not_both_set(tmp_path: Path) -> None:
    """Which one counts would depend on their order, and nobody looks at that."""
    (tmp_path / "store").write_text("sqlite:///there.db")
    environment = {
        "REGISTRARY_STORE": "sqlite:///here.db",
        "REGISTRARY_STORE_FILE": str(tmp_path / "store"),
    }

    with pytest.raises(SettingsError) as refused:
        load_settings(environment=environment)

    assert "REGISTRARY_STORE and REGISTRARY_STORE_FILE: set one" == str(refused.value)


def test_a_flag_outweighs_a_file_with_the_same_secret(tmp_path: Path) -> None:
    """A command can be pointed at another store from within a container."""
    (tmp_path / "store").write_text("postgresql://u:p@h/d")

    settings = load_settings(
        flags={"store": "sqlite:///here.db"},
        environment={"REGISTRARY_STORE_FILE": str(tmp_path / "store")},
    )

    assert "sqlite:///here.db" == settings.store


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("REGISTRARY_FOO", "unknown setting REGISTRARY_FOO"),
        ("REGISTRARY_PORT", "unknown setting REGISTRARY_PORT"),
        (
            "REGISTRARY_LOG__LEVL",
            "unknown setting REGISTRARY_LOG__LEVL; did you mean REGISTRARY_LOG__LEVEL?",
        ),
        (
            "REGISTRARY_LISTEN__X",
            "unknown setting REGISTRARY_LISTEN__X; did you mean REGISTRARY_LISTEN?",
        ),
    ],
)
def test_an_unknown_variable_is_refused_by_its_name(variable: str, told: str) -> None:
    """A typing error must not leave a protection off without a word."""
    with pytest.raises(SettingsError) as refused:
        load_settings(environment={variable: "1"})

    assert told == str(refused.value)


def test_an_unknown_setting_of_the_file_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    """The same, where the name is spelt as in the file."""
    file = tmp_path / "registrary.toml"
    file.write_text("[http]\ntrusted_proxis = []\n")

    with pytest.raises(SettingsError) as refused:
        load_settings(environment={}, config_file=file)

    expected = "unknown setting http.trusted_proxis; did you mean http.trusted_proxies?"
    assert expected == str(refused.value)


def test_what_kubernetes_tells_of_services_is_passed_over() -> None:
    """A pod beside a service named registrary, as everybody would name it, must start."""
    environment = {
        "REGISTRARY_SERVICE_HOST": "10.0.0.11",
        "REGISTRARY_SERVICE_PORT": "8400",
        "REGISTRARY_SERVICE_PORT_HTTP": "8400",
        "REGISTRARY_PORT": "tcp://10.0.0.11:8400",
        "REGISTRARY_PORT_8400_TCP": "tcp://10.0.0.11:8400",
        "REGISTRARY_PORT_8400_TCP_PROTO": "tcp",
        "REGISTRARY_PORT_8400_TCP_PORT": "8400",
        "REGISTRARY_PORT_8400_TCP_ADDR": "10.0.0.11",
        "REGISTRARY_ADMIN_SERVICE_HOST": "10.0.0.12",
    }

    assert Settings() == load_settings(environment=environment)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("HTTP__GRACEFUL_SECONDS", "soon", "http.graceful_seconds: must be a whole number"),
        ("WORKERS", "65", "workers: must be a whole number, at most 64"),
        ("WORKERS", "0", "workers: must be a whole number, at least 1"),
        ("OUTBOUND__PORTS", "443,https", "outbound.ports: each must be a whole number"),
        ("DEV", "perhaps", "dev: must be true or false"),
    ],
)
def test_a_value_of_another_kind_is_refused_in_plain_words(
    variable: str, value: str, told: str
) -> None:
    """Who sets it knows the manual, and not the library that reads it."""
    with pytest.raises(SettingsError) as refused:
        load_settings(environment={f"REGISTRARY_{variable}": value})

    assert told == str(refused.value)


@pytest.mark.parametrize("variable", ["REGISTRARY_CONFIG", "REGISTRARY_ADMIN_TOKEN_FILE"])
def test_a_file_that_is_no_text_is_told(variable: str, tmp_path: Path) -> None:
    """An editor's encoding is mended at once when it is named."""
    file = tmp_path / "latin-1"
    file.write_bytes("# Z\u00fcrich\n".encode("latin-1"))

    with pytest.raises(SettingsError, match="not UTF-8 text"):
        load_settings(environment={variable: str(file)})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"REGISTRARY_ISSUER": "http://id.example"}, "https"),
        ({"REGISTRARY_ISSUER": "https://id.example/?x"}, "query"),
        ({"REGISTRARY_ISSUER": "https://id.example/"}, "final slash"),
        ({"REGISTRARY_ISSUER": "https://ID.example"}, "lower case"),
        ({"REGISTRARY_ISSUER": "https://id.example:443"}, "port"),
        ({"REGISTRARY_LISTEN": "0.0.0.0:80"}, "plain HTTP"),
        ({"REGISTRARY_LISTEN": "127.0.0.1"}, "HOST:PORT"),
        ({"REGISTRARY_DEV": "true", "REGISTRARY_LISTEN": "0.0.0.0:80"}, "dev"),
        ({"REGISTRARY_NO_RATE_LIMITS": "true", "REGISTRARY_LISTEN": "[::]:80"}, "no_rate_limits"),
        ({"REGISTRARY_STORE": "mysql://x"}, "sqlite"),
        ({"REGISTRARY_ADMIN_TOKEN": "short"}, "at least 16"),
        ({"REGISTRARY_REGISTRATION__MODE": "ajar"}, "open, protected, closed"),
        ({"REGISTRARY_HTTP__TLS_CERTIFICATE": "a.pem"}, "come together"),
        ({"REGISTRARY_HTTP__TRUSTED_PROXIES": "10.0.0.1/8"}, r"http\.trusted_proxies: .* CIDR"),
        ({"REGISTRARY_REGISTRATION__NETWORKS": "bogus"}, r"registration\.networks: .* CIDR"),
        ({"REGISTRARY_OUTBOUND__PORTS": "443,0"}, r"outbound\.ports: .* 1 to 65535"),
        ({"REGISTRARY_OUTBOUND__PORTS": "65536"}, r"outbound\.ports: .* 1 to 65535"),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, dict) else None,
)
@pytest.mark.spec("A-002")
def test_a_server_does_not_start_unsafely(change: dict[str, str], told: str) -> None:
    """A server that would leak or be guessed says so at start, not later."""
    settings = load_settings(environment={**SERVABLE, **change})

    with pytest.raises(SettingsError, match=told):
        check_for_serving(settings)


ON_POSTGRES = {
    "REGISTRARY_ISSUER": "https://id.example",
    "REGISTRARY_STORE": "postgresql://registrary:s3cr3t@db.example/registrary",
    "REGISTRARY_KEYS__ENCRYPTION_KEY": "k" * 43,
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"REGISTRARY_KEYS__FILE": "there.keys"}, "keys.file is for SQLite"),
        ({"REGISTRARY_STORE": "postgres://u:s3cr3t@h/d"}, "spelt postgresql://"),
        ({"REGISTRARY_STORE": "postgresql://"}, "postgresql://USER@HOST/DATABASE"),
        ({"REGISTRARY_POSTGRES__DIRECT": "http://u:s3cr3t@h"}, "postgres.direct must be"),
        ({"REGISTRARY_STORE": None}, "store is required"),
        ({"REGISTRARY_STORE": "postgresql://u:s3cr3t#@h/d"}, "spell / as %2F"),
        ({"REGISTRARY_STORE": "postgresql://u:s3cr3t/x@h/d"}, "spell / as %2F"),
        ({"REGISTRARY_STORE": "postgresql://u:s3cr3t@x@h/d"}, "spell / as %2F"),
        ({"REGISTRARY_POSTGRES__DIRECT": "postgresql://u:s3cr3t /x@h/d"}, "spell / as %2F"),
    ],
    ids=[
        "key-file",
        "other-spelling",
        "nowhere",
        "direct",
        "none",
        "fragment",
        "slash",
        "at",
        "direct-blank",
    ],
)
def test_what_postgresql_needs_is_demanded_at_start(
    change: dict[str, str | None], told: str
) -> None:
    """A server that found out later would have made an issuer without keys."""
    changed = {**ON_POSTGRES, **change}
    environment = {name: value for name, value in changed.items() if value is not None}

    with pytest.raises(SettingsError, match=told) as refused:
        check_for_serving(load_settings(environment=environment))

    assert "s3cr3t" not in str(refused.value)


def test_postgresql_needs_a_url_and_a_key() -> None:
    """The shortest production command line on PostgreSQL works."""
    check_for_serving(load_settings(environment=ON_POSTGRES))


def test_issuer_and_store_are_all_a_production_server_needs() -> None:
    """The shortest production command line works."""
    check_for_serving(load_settings(environment=SERVABLE))
