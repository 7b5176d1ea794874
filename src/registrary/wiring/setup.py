"""The one-time set-up link of a server that nobody administers yet."""

import asyncio
from urllib.parse import urlsplit

from registrary.config import Settings
from registrary.protocol.admin.setup import PATH
from registrary.registrar.first_administrator import FirstAdministrator
from registrary.wiring.adapters import Vault, open_vault
from registrary.wiring.contexts import context_of
from registrary.wiring.issuers import ensure_issuer, issuer_url
from registrary.wiring.offline import offline_services


def set_up_link(settings: Settings) -> str | None:
    """Return the address of a new set-up link, None when there is an admin token.

    Called once, before any worker starts: *settings* have the address that is listened on. The
    issuer is recorded now if this is the first start.
    """
    if settings.admin_token is not None:
        return None
    return asyncio.run(_opened(settings))


async def _opened(settings: Settings) -> str | None:
    vault = await open_vault(settings, create=True)
    try:
        return await _link(vault, settings)
    finally:
        await vault.store.close()


async def _link(vault: Vault, settings: Settings) -> str | None:
    services = offline_services(vault)
    await ensure_issuer(vault.store, settings, services.clock, entropy=services.entropy)
    url = issuer_url(settings)
    issuer = next(issuer for issuer in await vault.store.issuers() if issuer.url == url)
    text = await FirstAdministrator(services).open_link(context_of(issuer))
    return None if text is None else f"{_base(settings, url)}{PATH}{text.reveal()}"


def _base(settings: Settings, url: str) -> str:
    """Return the address that the link is below: that of the operators' own listener, if any."""
    if settings.http.admin_listen is None:
        return url
    scheme = "http" if settings.http.tls_certificate is None else "https"
    return f"{scheme}://{settings.http.admin_listen}{urlsplit(url).path}"
