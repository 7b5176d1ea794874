"""``registrary serve``."""

import logging
import os
from typing import TYPE_CHECKING, Annotated, Final

import typer

from registrary.cli.options import ConfigOption

if TYPE_CHECKING:
    from registrary.config import Settings

PASSWORD_SEEN: Final = (
    "--store holds a password, which every account of this machine can see; name a file in "
    "REGISTRARY_STORE_FILE instead"
)
_log: Final = logging.getLogger("registrary")


def serve(
    *,
    dev: Annotated[bool, typer.Option("--dev", help="Relaxed, on loopback only, to try")] = False,
    config: ConfigOption = None,
    issuer: Annotated[
        str | None, typer.Option(help="https URL that identifies this issuer")
    ] = None,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT; port 0 picks a free one")] = None,
    store: Annotated[str | None, typer.Option(help="Store URL")] = None,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring PostgreSQL up to date first, as its owner")
    ] = False,
    workers: Annotated[int | None, typer.Option(help="Server processes")] = None,
    no_rate_limits: Annotated[
        bool, typer.Option("--no-rate-limits", help="For benches and tests, on loopback only")
    ] = False,
) -> None:
    """Start the server."""
    from registrary.wiring.collector import hold_collector

    hold_collector()  # before the rest is loaded
    from registrary.cli.session import failures_told
    from registrary.config import check_for_serving, load_settings
    from registrary.config.store_url import holds_password
    from registrary.wiring.logs import set_up_logging
    from registrary.wiring.serving import run_server

    flags = {
        "dev": dev or None,
        "issuer": issuer,
        "listen": listen,
        "store": store,
        "migrate": migrate or None,
        "workers": workers,
        "no_rate_limits": no_rate_limits or None,
    }
    with failures_told():
        settings = load_settings(flags=flags, environment=os.environ, config_file=config)
        check_for_serving(settings)
        set_up_logging(settings.log)
        if store is not None and holds_password(store):
            _log.warning("%s", PASSWORD_SEEN)
        run_server(settings, greet=greet)


def greet(settings: "Settings") -> None:
    """Say where the server is, who may set it up, and how a first client registers.

    To standard output and nowhere else: the set-up link is a secret, and logs are kept.
    """
    from registrary.wiring.issuers import issuer_url
    from registrary.wiring.setup import set_up_link

    url = issuer_url(settings)
    print(f"issuer    {url}")
    print(f"metadata  {url}/.well-known/oauth-authorization-server")
    if settings.http.admin_listen is not None:
        print(f"admin     {settings.http.admin_listen}")
    link = set_up_link(settings)
    if link is not None:
        print("\nNobody administers this server yet. This link makes its first administrator; it")
        print(f"works once, within an hour, until the next start:\n\n  {link}")
    if settings.dev:
        print("\nRegister a client:\n")
        print(f"  curl -s {url}/register -H 'Content-Type: application/json' \\")
        print("""    -d '{"client_name": "My app", "redirect_uris": ["http://127.0.0.1/cb"]}'""")
        print(f"\nSign in as demo, password demo:\n\n  {url}/account")
    print(flush=True)
