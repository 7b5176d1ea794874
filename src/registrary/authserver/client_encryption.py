"""Encrypting answers to the keys that clients registered (OpenID Connect Core §10.2)."""

from dataclasses import dataclass
from typing import Final

from registrary.authserver.services import ServerServices
from registrary.core.client import Client
from registrary.core.jose.jwe import ENCRYPT_DRAW_BYTES, encrypt, encryption_key
from registrary.core.jwk.members import Jwk
from registrary.ports.fetcher import FetchRefused

DEFAULT_ENC: Final = "A128CBC-HS256"


class NoClientKey(Exception):
    """The client wants its answers encrypted, and no key of it that fits can be had."""


@dataclass(frozen=True, slots=True)
class ClientEncryption:
    """Encrypts what a client registered to get encrypted."""

    services: ServerServices

    async def apply(self, client: Client, text: str, *, what: str, is_jwt: bool = True) -> str:
        """Return *text* encrypted as *client* registered for *what*, or as it is.

        *what* is the beginning of the members' names: ``id_token``, ``userinfo``,
        ``introspection``. Raises `NoClientKey`: an answer that should be secret is not sent open.
        """
        alg = client.metadata.get(f"{what}_encrypted_response_alg")
        if alg is None:
            return text
        key = encryption_key(await self._keys(client), alg=alg)
        if key is None:
            raise NoClientKey
        return encrypt(
            text.encode(),
            key,
            alg=alg,
            enc=client.metadata.get(f"{what}_encrypted_response_enc", DEFAULT_ENC),
            cty="JWT" if is_jwt else None,
            draw=self.services.draw(ENCRYPT_DRAW_BYTES),
        )

    async def _keys(self, client: Client) -> Jwk:
        url = client.metadata.get("jwks_uri")
        if url is None:
            return client.metadata.get("jwks") or {"keys": []}
        try:
            return await self.services.remote_keys.keys(url, kid=None)
        except FetchRefused as refused:
            raise NoClientKey from refused
