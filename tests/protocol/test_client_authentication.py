"""How clients say who they are, at every endpoint that asks (RFC 6749 §2.3)."""

import time
import uuid
import warnings
from typing import Any, Final

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from registrary.testing.server import running_server
from tests.protocol.flows import App, an_app
from tests.protocol.kit import OPERATOR, error_of, eventually
from tests.protocol.people import FORM, PKCE

DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS: Final = ["authorization_code", "client_credentials", DEVICE]
REQUEST: Final = {
    "response_type": "code",
    "redirect_uri": "https://app.example/cb",
    "code_challenge": PKCE.challenge,
    "code_challenge_method": "S256",
}
ENDPOINTS: Final[dict[str, dict[str, str]]] = {
    "/token": {"grant_type": "client_credentials"},
    "/par": REQUEST,
    "/device_authorization": {},
    "/introspect": {"token": "of-nobody"},
    "/revoke": {"token": "of-nobody"},
}
KEYS: Final[dict[str, Key]] = {
    "ES256": ECKey.generate_key("P-256"),
    "RS256": RSAKey.generate_key(2048),
    "PS256": RSAKey.generate_key(2048),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}
everywhere = pytest.mark.parametrize("path", ENDPOINTS)


def send(http: httpx2.Client, path: str, **form: str) -> httpx2.Response:
    """Post what *path* needs, and *form*, without a header that says who asks."""
    return http.post(path, data=ENDPOINTS[path] | form, headers=FORM)


def by_post(app: App, path: str) -> httpx2.Response:
    """Ask at *path* with the secret in the body."""
    who = {name: app.body[name] for name in ("client_id", "client_secret")}
    return send(app.http, path, **who)


def assertion(app: App, alg: str, audience: str | list[str]) -> dict[str, str]:
    """Return the parameters by which *app* proves itself with its key."""
    now, client_id = int(time.time()), app.body["client_id"]
    claims: dict[str, Any] = {  # Any: claims are JSON values
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that RFC 9864 gives EdDSA a better name
        signed = jwt.encode({"alg": alg}, claims, KEYS[alg], algorithms=[alg])
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }


@everywhere
@pytest.mark.parametrize("secret", [None, "a-secret"])
def test_a_client_nobody_knows_is_told_so_in_json(http, path, secret):
    """`interfaces`: programs read these answers, and all of them know this code."""
    given = {} if secret is None else {"client_secret": secret}

    answer = send(http, path, client_id="nobody", **given)

    assert (401, "invalid_client") == error_of(answer)
    assert "application/json" == answer.headers["content-type"].partition(";")[0]


@everywhere
def test_a_header_that_failed_is_answered_by_a_challenge(http, path):
    """RFC 6749 §5.2: who tried the Authorization header learns which scheme is meant."""
    answer = http.post(path, data=ENDPOINTS[path], headers=FORM, auth=("nobody", "a-secret"))

    assert (401, "invalid_client") == error_of(answer)
    assert answer.headers["www-authenticate"].startswith("Basic ")


@everywhere
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_both_places_of_a_secret_serve_everywhere(http, path, method):
    """`interfaces`: libraries mix the two up, and the secret is the same."""
    app = an_app(http, grant_types=GRANTS, token_endpoint_auth_method=method)

    answers = [app.ask(path, **ENDPOINTS[path]), by_post(app, path)]

    assert {True} == {answer.is_success for answer in answers}


@everywhere
@pytest.mark.parametrize("alg", KEYS)
def test_every_published_algorithm_proves_a_client_everywhere(http, path, alg):
    """`interfaces`: issuer and token endpoint are its audience, alone or in a list of one."""
    app = an_app(
        http,
        grant_types=GRANTS,
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [KEYS[alg].as_dict(private=False)]},
    )
    audiences: list[str | list[str]] = [app.url, f"{app.url}/token", [app.url]]
    audiences.append([f"{app.url}/token"])

    answers = [send(http, path, **assertion(app, alg, audience)) for audience in audiences]

    assert {True} == {answer.is_success for answer in answers}
    published = http.get("/.well-known/oauth-authorization-server").json()
    assert alg in published["token_endpoint_auth_signing_alg_values_supported"]


def test_a_strict_issuer_takes_the_secret_where_it_was_registered_alone(tmp_path, stores):
    """`interfaces`: an operator may hold clients to the letter, at every endpoint."""
    with (
        running_server(tmp_path, stores=stores) as server,
        httpx2.Client(base_url=server.url, trust_env=False, timeout=20) as http,
    ):
        (issuer,) = http.get("/api/v1/issuers", headers=OPERATOR).json()["items"]
        path = f"/api/v1/issuers/{issuer['id']}"
        http.patch(path, json={"strict_authentication_method": True}, headers=OPERATOR)
        basic = an_app(http, grant_types=GRANTS)
        post = an_app(http, grant_types=GRANTS, token_endpoint_auth_method="client_secret_post")
        eventually(lambda: by_post(basic, "/token").status_code, 401)

        for place, form in ENDPOINTS.items():
            answers = [by_post(basic, place), post.ask(place, **form)]
            fine = [basic.ask(place, **form), by_post(post, place)]

            assert [401, 401] == [answer.status_code for answer in answers], place
            assert [True, True] == [answer.is_success for answer in fine], place
