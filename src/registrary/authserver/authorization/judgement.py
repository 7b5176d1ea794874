"""The judgement of an authorization request: pure, and the same wherever it came from.

First the way back is proved; until then every fault is for our own page. Then each parameter is
held against what the issuer offers and the client registered.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from registrary.authserver.authorization import reading
from registrary.authserver.authorization.claims import covering_scopes, permitted_claims
from registrary.authserver.authorization.failing import Failure, RequestRefused
from registrary.authserver.authorization.reading import INVALID, one, words
from registrary.authserver.authorization.request import AuthorizationRequest, Source, Values
from registrary.authserver.authorization.way_back import (
    SIGNED_DEFAULT,
    ResponseMode,
    WayBack,
    prove_redirect_uri,
)
from registrary.authserver.context import ServerContext
from registrary.authserver.resources import resolved_resources
from registrary.core.client import Client
from registrary.core.errors import FieldError
from registrary.core.issuer import RuleSet
from registrary.core.lifecycle import Standing
from registrary.core.metadata.grants import canonical_response_type
from registrary.core.scope import parse_scope, unasked_scope

UNKNOWN_CLIENT: Final = Failure(
    code="invalid_client", description="client_id: is not that of a client of this server"
)
_IN_FRONT: Final = frozenset({"token", "id_token"})


def judge(
    context: ServerContext, client: Client, values: Values, *, source: Source
) -> AuthorizationRequest | Failure:
    """Return the request that *values* make if *client* may ask it.

    *client* is as the store has it now. One that is held or waits for approval may ask nothing.
    """
    if client.effects.refusal == "invalid_client":
        return UNKNOWN_CLIENT
    way_back = _proved(context, client, values)
    if isinstance(way_back, Failure):
        return way_back
    try:
        mode = _mode(context, values)
        return _judged(_Asked(context, client, values, source), replace(way_back, mode=mode))
    except RequestRefused as refused:
        return refusal_of(context, client, values, refused=refused)


def refusal_of(
    context: ServerContext, client: Client, values: Values, *, refused: RequestRefused
) -> Failure:
    """Return the failure of a request with *values*, which goes back if they prove where to."""
    way_back = _proved(context, client, values)
    return Failure(
        code=refused.code,
        description=refused.description,
        client=client,
        way_back=None if isinstance(way_back, Failure) else way_back,
        is_silent="none" in words(values, "prompt"),
    )


def _proved(context: ServerContext, client: Client, values: Values) -> WayBack | Failure:
    """Return the way back, in the mode asked for if there is such a mode."""
    try:
        is_openid = "openid" in words(values, "scope")
        uri = prove_redirect_uri(client, one(values, "redirect_uri"), is_openid=is_openid)
    except FieldError as error:
        description = f"redirect_uri: {error.rule}"
        return Failure(code=INVALID, description=description, client=client)
    try:
        mode = _mode(context, values)
    except RequestRefused:
        mode = _default_mode(values)
    return WayBack(uri, mode, reading.state(values))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is judged, and by what."""

    context: ServerContext
    client: Client
    values: Values
    source: Source

    def registered(self, name: str) -> Any:  # noqa: ANN401 - metadata values are any JSON
        """Return what the client registered as *name*."""
        return self.client.metadata.get(name)

    @property
    def may_have(self) -> tuple[str, ...]:
        """Return the scopes that the client registered, as far as the issuer still has them."""
        known = self.context.offer.scope_by_name
        return tuple(name for name in (self.registered("scope") or "").split() if name in known)


def _judged(asked: _Asked, way_back: WayBack) -> AuthorizationRequest:
    values = asked.values
    if asked.client.effects.refusal is not None:
        awaits = asked.client.standing is Standing.AWAITING
        rule = "the client waits for approval" if awaits else "the client is held"
        raise RequestRefused(asked.client.effects.refusal, "client_id", rule)
    reading.text(values, "state")
    response_type = _response_type(asked)
    _check_form(asked)
    claims = reading.claims(values)
    scope = _scope(asked, response_type)
    told = permitted_claims(claims, asked.may_have) if "openid" in scope else {}
    return AuthorizationRequest(
        client=asked.client,
        way_back=way_back,
        source=asked.source,
        response_type=response_type,
        redirect_uri=one(values, "redirect_uri"),
        scope=scope,
        resources=_resources(asked),
        authorization_details=_details(asked),
        claims=told,
        claim_scopes=tuple(name for name in covering_scopes(told) if name not in scope),
        nonce=_nonce(values, response_type),
        code_challenge=_code_challenge(asked, response_type),
        dpop_jkt=_dpop_jkt(asked),
        prompt=reading.prompt(values),
        max_age=_max_age(asked),
        login_hint=reading.text(values, "login_hint") or "",
        id_token_hint=one(values, "id_token_hint"),
        acr_values=words(values, "acr_values")
        or tuple(asked.registered("default_acr_values") or ()),
        essential_acr=reading.essential_acr(claims),
    )


def _default_mode(values: Values) -> ResponseMode:
    """Return how an answer travels where the request says nothing usable of it.

    An answer with tokens goes into the fragment, and so do errors in their place (OAuth 2.0
    Multiple Response Types §3).
    """
    asked = set(words(values, "response_type"))
    return ResponseMode.FRAGMENT if asked & _IN_FRONT else ResponseMode.QUERY


def _mode(context: ServerContext, values: Values) -> ResponseMode:
    asked, default = one(values, "response_mode"), _default_mode(values)
    if asked is None:
        return default
    if not context.offer.accepts("response_modes_supported", asked):
        raise RequestRefused(INVALID, "response_mode", "must be among response_modes_supported")
    if asked == SIGNED_DEFAULT:
        return ResponseMode(f"{default.value}.{SIGNED_DEFAULT}")
    mode = ResponseMode(asked)
    if mode.transport is ResponseMode.QUERY and default is ResponseMode.FRAGMENT:
        raise RequestRefused(INVALID, "response_mode", "a query cannot carry tokens")
    return mode


def _check_form(asked: _Asked) -> None:
    """Hold the request as a whole against what the client registered of its form."""
    # What is read of these is in the values already; left over is what nobody may send here.
    for name in ("request", "request_uri", "registration"):
        if name in asked.values:
            raise RequestRefused(f"{name}_not_supported", name, "is not supported here")
    if asked.registered("require_pushed_authorization_requests") and not asked.source.is_pushed:
        raise RequestRefused(INVALID, "request_uri", "the client must push its requests")
    if asked.registered("require_signed_request_object") and not asked.source.is_signed:
        raise RequestRefused(INVALID, "request", "the client must sign its requests")


def _response_type(asked: _Asked) -> frozenset[str]:
    spelt = " ".join(words(asked.values, "response_type"))
    if not spelt:
        raise RequestRefused(INVALID, "response_type", "is needed")
    name = canonical_response_type(spelt)
    if name not in asked.context.offer.response_types:
        raise RequestRefused("unsupported_response_type", "response_type", "is not offered")
    if name not in (asked.registered("response_types") or ()):
        rule = "is not one that the client registered"
        raise RequestRefused("unauthorized_client", "response_type", rule)
    return frozenset(name.split())


def _scope(asked: _Asked, response_type: frozenset[str]) -> tuple[str, ...]:
    """Return what of the scope the client may have (`interfaces`: narrowed, and echoed)."""
    try:
        wanted = parse_scope(one(asked.values, "scope") or "")
    except FieldError as error:
        raise RequestRefused("invalid_scope", "scope", error.rule) from error
    may_have = asked.may_have
    if wanted:
        scope = tuple(name for name in wanted if name in may_have)
    else:
        scope = unasked_scope(asked.context.issuer.scopes, may_have)
    if wanted and not scope:
        raise RequestRefused("invalid_scope", "scope", "the client registered nothing of it")
    # Core §11: without a code there is nothing to renew later.
    return tuple(name for name in scope if name != "offline_access" or "code" in response_type)


def _resources(asked: _Asked) -> tuple[str, ...]:
    try:
        return resolved_resources(asked.context.issuer, asked.values.get("resource", ()))
    except FieldError as error:
        raise RequestRefused("invalid_target", "resource", error.rule) from error


def _details(asked: _Asked) -> tuple[dict[str, Any], ...]:  # Any: JSON (RFC 9396 §2)
    wanted = reading.details(asked.values)
    registered = asked.registered("authorization_details_types") or ()
    for detail in wanted:
        offered = asked.context.offer.accepts(
            "authorization_details_types_supported", detail["type"]
        )
        if not offered or detail["type"] not in registered:
            rule = "must be of types that the issuer knows and the client registered"
            code = "invalid_authorization_details"
            raise RequestRefused(code, "authorization_details", rule)
    return wanted


def _nonce(values: Values, response_type: frozenset[str]) -> str | None:
    nonce = reading.text(values, "nonce")
    if nonce is None and "id_token" in response_type:
        raise RequestRefused(INVALID, "nonce", "is needed for this response_type")
    return nonce


def _code_challenge(asked: _Asked, response_type: frozenset[str]) -> str | None:
    """Return the S256 challenge (RFC 7636 §4.3); ``plain`` would protect nobody.

    Demanded of everybody, on ``oidf-dynamic`` issuers of public clients alone. One that was
    sent is kept with the code, which can then not be redeemed without its verifier.
    """
    method = one(asked.values, "code_challenge_method")
    challenge = one(asked.values, "code_challenge")
    if "code" not in response_type:
        return None
    if challenge is None:
        if method is not None or _must_use_pkce(asked):
            raise RequestRefused(INVALID, "code_challenge", "is needed")
        return None
    if method != "S256":
        raise RequestRefused(INVALID, "code_challenge_method", "must be S256")
    return reading.digest(asked.values, "code_challenge")


def _must_use_pkce(asked: _Asked) -> bool:
    is_public = asked.registered("token_endpoint_auth_method") == "none"
    return is_public or asked.context.issuer.rule_set is not RuleSet.OIDF_DYNAMIC


def _dpop_jkt(asked: _Asked) -> str | None:
    """Return the key that the code is bound to (RFC 9449 §10)."""
    said, proved = reading.digest(asked.values, "dpop_jkt"), asked.source.dpop_jkt
    if said is not None and proved is not None and said != proved:
        raise RequestRefused(INVALID, "dpop_jkt", "is not the key of the proof")
    return said or proved


def _max_age(asked: _Asked) -> int | None:
    said = reading.seconds(asked.values, "max_age")
    registered: int | None = asked.registered("default_max_age")
    return registered if said is None else said
