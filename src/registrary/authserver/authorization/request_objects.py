"""Request objects (RFC 9101, OpenID Connect Core §6): a request as the word of its client."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from registrary.authserver.authorization.failing import RequestRefused
from registrary.authserver.context import ServerContext
from registrary.authserver.services import ServerServices
from registrary.core.client import Client
from registrary.core.jose import JoseError, UnknownKey
from registrary.core.jose.claims import moment
from registrary.core.jose.jwe import is_encrypted
from registrary.core.jose.request_object import (
    NONE,
    RequestObject,
    RequestObjectRules,
    UnverifiedRequestObject,
    read_request_object,
    verify_request_object,
)
from registrary.core.metadata import Feature
from registrary.ports.fetcher import REQUEST_OBJECT, FetchRefused

INVALID: Final = "invalid_request_object"
_ALGORITHMS: Final = "request_object_signing_alg_values_supported"
_MOMENT_BEFORE: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class RequestObjects:
    """Reads request objects of the clients of every issuer."""

    services: ServerServices

    async def read(self, context: ServerContext, client: Client, text: str) -> RequestObject:
        """Return the request object *text* if it is *client*'s own word; raises `RequestRefused`.

        One that has expired is judged as of the moment before: whether the person came in time
        with it is for the caller, who knows when that was.
        """
        try:
            unverified = read_request_object(await self._decrypted(context, text))
            judged_at = self._judged_at(unverified)
            rules = await self._rules(context, client, unverified)
            try:
                return verify_request_object(unverified, rules, now=judged_at)
            except UnknownKey:
                rules = await self._renewed(client, rules)
                return verify_request_object(unverified, rules, now=judged_at)
        except JoseError as error:
            raise RequestRefused(INVALID, "request", error.rule) from error
        except FetchRefused as error:
            raise RequestRefused(INVALID, "jwks_uri", str(error)) from error

    async def fetch(self, context: ServerContext, client: Client, uri: str) -> str:
        """Return the request object at *uri*, which *client* registered; raises `RequestRefused`.

        Nothing else is fetched, whoever asks (CVE-2020-10770).
        """
        if Feature.REQUEST_URIS not in context.offer.features:
            raise RequestRefused("request_uri_not_supported", "request_uri", "is not supported")
        if uri not in (client.metadata.get("request_uris") or ()):
            rule = "is not one that the client registered"
            raise RequestRefused("invalid_request_uri", "request_uri", rule)
        try:
            found = await self.services.fetcher.fetch(uri.partition("#")[0], purpose=REQUEST_OBJECT)
            return found.body.decode("ascii").strip()
        except (FetchRefused, UnicodeDecodeError) as error:
            rule = FetchRefused.public_text("request_uri").partition(": ")[2]
            raise RequestRefused("invalid_request_uri", "request_uri", rule) from error

    async def _decrypted(self, context: ServerContext, text: str) -> str:
        """Return the object inside *text*, which proves nothing by being encrypted to us."""
        decrypter = self.services.decrypter
        if decrypter is None or not is_encrypted(text):
            return text
        accepted = context.offer.accepted
        return await decrypter.decrypt_jwt(
            context.id,
            text,
            algorithms=accepted.get("request_object_encryption_alg_values_supported", ()),
            encodings=accepted.get("request_object_encryption_enc_values_supported", ()),
        )

    def _judged_at(self, unverified: UnverifiedRequestObject) -> datetime:
        now, expires_at = self.services.clock.now(), moment(unverified.members, "exp")
        if expires_at is None or now < expires_at:
            return now
        return expires_at - _MOMENT_BEFORE

    async def _rules(
        self, context: ServerContext, client: Client, unverified: UnverifiedRequestObject
    ) -> RequestObjectRules:
        return RequestObjectRules(
            issuer=context.issuer.url,
            client_id=client.client_id,
            keys=await self._keys(client, unverified) if unverified.is_signed else {"keys": []},
            algorithms=_algorithms(context, client),
        )

    # Any: members of a JWK (RFC 7517 §4)
    async def _keys(self, client: Client, unverified: UnverifiedRequestObject) -> dict[str, Any]:
        url = client.metadata.get("jwks_uri")
        if url is None:
            return client.metadata.get("jwks") or {"keys": []}
        return await self.services.remote_keys.keys(url, kid=unverified.jws.kid)

    async def _renewed(self, client: Client, rules: RequestObjectRules) -> RequestObjectRules:
        """Return *rules* with the keys as they are published now: they may be new."""
        url = client.metadata.get("jwks_uri")
        if url is None:
            return rules
        keys = await self.services.remote_keys.renewed(url)
        return RequestObjectRules(
            issuer=rules.issuer,
            client_id=rules.client_id,
            keys=keys,
            algorithms=rules.algorithms,
        )


def _algorithms(context: ServerContext, client: Client) -> tuple[str, ...]:
    """Return with which algorithms *client* may sign: the one it registered, or any offered."""
    registered = client.metadata.get("request_object_signing_alg")
    offered = context.offer.accepted.get(_ALGORITHMS, ())
    allowed = offered if registered is None else (registered,)
    if client.metadata.get("require_signed_request_object"):
        return tuple(alg for alg in allowed if alg != NONE)
    return tuple(allowed)
