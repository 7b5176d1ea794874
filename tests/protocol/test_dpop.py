"""Tokens bound to a key, over HTTP (RFC 9449)."""

import time

import pytest

from tests.protocol.flows import PUBLIC, Proofs, an_app, claims_of
from tests.protocol.kit import SERVICE, error_of
from tests.protocol.people import Browser


@pytest.fixture(scope="module")
def browser(server):
    """Return a browser."""
    with Browser(server.url) as browser:
        yield browser


@pytest.fixture(scope="module")
def service(http):
    """Return a client with tokens in its own name."""
    return an_app(http, **SERVICE)


def get_token(service, proof):
    """Ask for a token with *proof*."""
    headers = {} if proof is None else {"dpop": proof}
    return service.ask("/token", grant_type="client_credentials", headers=headers)


@pytest.mark.spec("E-011", "G-050")
def test_a_proof_binds_the_token_to_its_key(service):
    """A token out of a log or a memory dump is worth nothing to whoever finds it."""
    proofs = Proofs()

    answer = get_token(service, proofs.prove("POST", f"{service.url}/token"))

    token = answer.json()
    known = service.ask("/introspect", token=token["access_token"]).json()
    assert "DPoP" == token["token_type"]
    assert {"jkt": proofs.jkt} == claims_of(token["access_token"])["cnf"]
    assert ("DPoP", {"jkt": proofs.jkt}) == (known["token_type"], known["cnf"])
    assert answer.headers["dpop-nonce"]


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "GET"},
        {"htu": "https://evil.example/token"},
        {"jti": None},
        {"iat": None},
        {"iat": 1},
        {"htu": None},
    ],
    ids=str,
)
@pytest.mark.spec("G-051")
def test_a_proof_for_something_else_is_none(service, changes):
    """A proof that was caught on its way to another place is no use here."""
    proof = Proofs().prove("POST", f"{service.url}/token", **changes)

    assert (400, "invalid_dpop_proof") == error_of(get_token(service, proof))


@pytest.mark.spec("G-051")
def test_a_proof_is_good_once(service):
    """§11.1: whoever records a request cannot send it again."""
    proof = Proofs().prove("POST", f"{service.url}/token")

    answers = [get_token(service, proof) for _ in range(2)]

    assert [200, 400] == [answer.status_code for answer in answers]
    assert "invalid_dpop_proof" == answers[1].json()["error"]


@pytest.mark.parametrize("proof", ["", "x", "e30.e30.e30", "a" * 20_000], ids=["0", "1", "2", "3"])
def test_what_is_no_proof_is_told_so(service, proof):
    """A broken client is refused; it gets no bearer token by accident."""
    assert (400, "invalid_dpop_proof") == error_of(get_token(service, proof))


@pytest.mark.spec("G-052")
def test_a_clock_that_is_off_is_helped_by_a_nonce(service):
    """§8: made ahead or by a wrong clock, nobody can tell; the nonce of a moment ago can."""
    proofs, at = Proofs(), f"{service.url}/token"
    off = int(time.time()) - 200

    first = get_token(service, proofs.prove("POST", at, iat=off))
    nonce = first.headers["dpop-nonce"]
    second = get_token(service, proofs.prove("POST", at, iat=off, nonce=nonce))
    wrong = get_token(service, proofs.prove("POST", at, iat=off, nonce="made-up"))

    assert (400, "use_dpop_nonce") == error_of(first)
    assert "DPoP-Nonce" in first.headers["access-control-expose-headers"]
    assert 200 == second.status_code
    assert (400, "use_dpop_nonce") == error_of(wrong)


@pytest.mark.spec("G-052", "J-004")
def test_a_nonce_that_was_not_handed_out_lately_is_replaced(service):
    """§4.3, check 10: a proof names our nonce or none; the answer has the one to use."""
    proofs, at = Proofs(), f"{service.url}/token"

    wrong = get_token(service, proofs.prove("POST", at, nonce="made-up"))
    right = get_token(service, proofs.prove("POST", at, nonce=wrong.headers["dpop-nonce"]))

    assert (400, "use_dpop_nonce") == error_of(wrong)
    assert 200 == right.status_code


@pytest.mark.spec("E-010", "G-053")
def test_a_client_that_registered_for_it_gets_no_other_tokens(http):
    """Who forgets the proof once must not get a token that anybody can use."""
    service = an_app(http, **SERVICE, dpop_bound_access_tokens=True)
    proof = Proofs().prove("POST", f"{service.url}/token")

    refused, bound = get_token(service, None), get_token(service, proof)

    assert (400, "invalid_dpop_proof") == error_of(refused)
    assert "DPoP" == bound.json()["token_type"]


@pytest.mark.spec("G-054")
def test_a_code_can_be_bound_to_a_key(browser, http):
    """§10: a stolen code and a stolen verifier together are still not enough."""
    app, proofs, thief = an_app(http, **PUBLIC), Proofs(), Proofs()
    at = f"{app.url}/token"
    code = app.code(browser, dpop_jkt=proofs.jkt)

    stolen = app.redeem(code, headers={"dpop": thief.prove("POST", at)})
    bare = app.redeem(code)
    honest = app.redeem(code, headers={"dpop": proofs.prove("POST", at)})

    assert [(400, "invalid_grant")] * 2 == [error_of(stolen), error_of(bare)]
    assert 200 == honest.status_code


@pytest.mark.spec("G-027")
def test_a_public_clients_refresh_token_needs_the_key(browser, http):
    """§5: a refresh token out of a browser's storage is no use without the key."""
    app, proofs, thief = an_app(http, **PUBLIC), Proofs(), Proofs()
    at = f"{app.url}/token"
    tokens = app.redeem(app.code(browser), headers={"dpop": proofs.prove("POST", at)}).json()
    refresh = tokens["refresh_token"]

    stolen = app.refresh(refresh, headers={"dpop": thief.prove("POST", at)})
    bare = app.refresh(refresh)
    honest = app.refresh(refresh, headers={"dpop": proofs.prove("POST", at)})

    assert [(400, "invalid_grant")] * 2 == [error_of(stolen), error_of(bare)]
    assert "DPoP" == honest.json()["token_type"]
