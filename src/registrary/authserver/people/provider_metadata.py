"""What an identity provider says of itself (OpenID Connect Discovery 1.0)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from registrary.core.errors import FieldError
from registrary.core.jose import SIGNING_ALGORITHMS
from registrary.core.people import IdentityProvider
from registrary.core.strict_json import JsonError, parse_object
from registrary.core.uris import check_https_uri
from registrary.ports.exchanger import PROVIDER_METADATA
from registrary.ports.fetcher import Fetcher, FetchRefused

SUFFIX: Final = "/.well-known/openid-configuration"
_KEPT_SECONDS: Final = 300.0


class ProviderUnusable(Exception):
    """Nobody can sign in at the provider now; the text is for operators, and may be logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """The members that signing in needs; every address was judged.

    With *announces_iss* its answers name it (RFC 9207 §3). *algorithms* are those of its ID
    tokens that we take.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    registration_endpoint: str | None = None
    token_endpoint_auth_methods: tuple[str, ...] = ("client_secret_basic",)
    algorithms: tuple[str, ...] = ("RS256",)
    announces_iss: bool = False


class ProviderDirectory:
    """Looks up what providers say of themselves, and keeps it for a few minutes."""

    def __init__(self, fetcher: Fetcher, *, loopback_http: bool) -> None:
        self._fetcher = fetcher
        self._loopback_http = loopback_http
        self._kept: dict[str, tuple[float, ProviderMetadata]] = {}

    async def of(self, provider: IdentityProvider) -> ProviderMetadata:
        """Return the metadata of *provider*; raises `ProviderUnusable`."""
        return await self.at(provider.url)

    async def at(self, url: str) -> ProviderMetadata:
        """Return the metadata of the provider whose issuer identifier is *url*."""
        until, kept = self._kept.get(url, (0.0, None))
        if kept is not None and time.monotonic() < until:
            return kept
        metadata = await self._fetched(url)
        self._kept[url] = (time.monotonic() + _KEPT_SECONDS, metadata)
        return metadata

    async def _fetched(self, url: str) -> ProviderMetadata:
        # Discovery §4.1: a slash at the end is removed before the suffix is put there.
        address = url.removesuffix("/") + SUFFIX
        try:
            document = await self._fetcher.fetch(address, purpose=PROVIDER_METADATA)
            return read_metadata(
                parse_object(document.body), issuer=url, loopback_http=self._loopback_http
            )
        except FetchRefused as refused:
            raise ProviderUnusable(f"{SUFFIX}: {refused.refusal}") from refused
        except (JsonError, FieldError) as error:
            raise ProviderUnusable(f"{SUFFIX}: {error}") from error


def read_metadata(
    document: dict[str, Any],  # Any: members are JSON values of every kind
    *,
    issuer: str,
    loopback_http: bool,
) -> ProviderMetadata:
    """Return the members of *document* that matter; raises `FieldError` for one of no use.

    The document must be that of *issuer*, character for character (Discovery §4.3): otherwise one
    provider could speak for another.
    """
    if document.get("issuer") != issuer:
        raise FieldError("issuer: must be the url of the provider")
    named = _texts(document, "id_token_signing_alg_values_supported")
    methods = _texts(document, "token_endpoint_auth_methods_supported")
    find = partial(_address, document, loopback_http=loopback_http)
    return ProviderMetadata(
        issuer=issuer,
        authorization_endpoint=_there("authorization_endpoint", find),
        token_endpoint=_there("token_endpoint", find),
        jwks_uri=_there("jwks_uri", find),
        userinfo_endpoint=find("userinfo_endpoint"),
        registration_endpoint=find("registration_endpoint"),
        token_endpoint_auth_methods=methods or ("client_secret_basic",),
        algorithms=tuple(alg for alg in named if alg in SIGNING_ALGORITHMS) or ("RS256",),
        announces_iss=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(document: dict[str, Any], name: str, *, loopback_http: bool) -> str | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise FieldError(f"{name}: must be a URL")
    try:
        check_https_uri(value, loopback_http=loopback_http)
    except FieldError as error:
        raise FieldError(f"{name}: {error.rule}") from error
    return value


def _there(name: str, find: Callable[[str], str | None]) -> str:
    value = find(name)
    if value is None:
        raise FieldError(f"{name}: is missing")
    return value


def _texts(document: dict[str, Any], name: str) -> tuple[str, ...]:
    listed = document.get(name)
    if not isinstance(listed, list):
        return ()
    return tuple(value for value in listed if isinstance(value, str))
