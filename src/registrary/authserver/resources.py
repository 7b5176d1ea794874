"""Which APIs a token is meant for (RFC 8707): what may be asked of a grant, and of an issuer."""

from collections.abc import Iterable, Sequence
from typing import Final

from registrary.authserver.presented import Refusal
from registrary.core.errors import FieldError
from registrary.core.issuer import Issuer, Resource
from registrary.core.uris import LOOPBACK_HOSTS, check_https_uri, take_apart

NOT_OURS: Final = "is not one of this issuer"
BEYOND_GRANT: Final = Refusal("invalid_target", "resource: is not one the grant is for")
MIXED_FORMATS: Final = Refusal(
    "invalid_target", "resource: those asked for take tokens of different kinds; ask one by one"
)


def resources_asked_for(issuer: Issuer, asked: Sequence[str]) -> tuple[Resource, ...] | Refusal:
    """Return the resources that *asked* names, each once, or those meant when it names none.

    One that is none of *issuer*'s refuses all. In development every http address of this
    machine is one.
    """
    try:
        uris = resolved_resources(issuer, asked)
    except FieldError as error:
        return Refusal("invalid_target", f"resource: {error.rule}")
    return tuple(resource_called(issuer, uri) or Resource(uri=uri) for uri in uris)


def targets_of(
    issuer: Issuer, asked: Sequence[str], *, within: Sequence[str]
) -> tuple[Resource, ...] | Refusal:
    """Return what a token is meant for: what is *asked* for, else all that the grant is *within*.

    A grant that names nothing is for the default resources, or for the issuer itself (no target).
    What it was given for is settled then: nothing else can be had of it later.
    """
    allowed = resources_asked_for(issuer, within)
    if isinstance(allowed, Refusal) or not asked:
        return allowed
    wanted = resources_asked_for(issuer, asked)
    if isinstance(wanted, Refusal):
        return wanted
    names = {resource.uri for resource in allowed}
    return wanted if all(one.uri in names for one in wanted) else BEYOND_GRANT


def resolved_resources(issuer: Issuer, asked: Iterable[str]) -> tuple[str, ...]:
    """Return what tokens name for the resources *asked*; raises `FieldError`.

    Each comes once, spelt as the issuer has it. Without any it is those that the issuer has
    for that case; none then means the issuer itself.
    """
    found = tuple(dict.fromkeys(_resolved(issuer, uri) for uri in asked))
    return found or tuple(resource.uri for resource in issuer.resources if resource.is_default)


def resource_called(issuer: Issuer, uri: str) -> Resource | None:
    """Return the resource of *issuer* that *uri* stands for, by any of its spellings."""
    for resource in issuer.resources:
        if uri == resource.uri or uri in resource.aliases:
            return resource
    plain = _plain(uri)
    return next((one for one in issuer.resources if plain and _plain(one.uri) == plain), None)


def _resolved(issuer: Issuer, uri: str) -> str:
    if "#" in uri:
        raise FieldError("must not have a fragment")
    known = resource_called(issuer, uri)
    if known is not None:
        return known.uri
    if issuer.dev and _is_loopback(uri):
        return uri
    raise FieldError(NOT_OURS)


def _is_loopback(uri: str) -> bool:
    try:
        check_https_uri(uri, loopback_http=True)
        return take_apart(uri).host in LOOPBACK_HOSTS
    except FieldError:
        return False


def _plain(uri: str) -> str | None:
    """Return *uri* with scheme and host in lower case and without a slash at its end.

    Clients write ``https://api.example`` and ``https://API.example/`` for the same place; both
    are the same by RFC 3986 §6.2.2.1 and §6.2.3, and the slash is in every library's way.
    """
    try:
        parts = take_apart(uri)
    except FieldError:
        return None
    port = f":{parts.port}" if parts.port else ""
    query = "" if parts.query is None else f"?{parts.query}"
    return f"{parts.scheme}://{parts.host}{port}{parts.path.removesuffix('/')}{query}"
