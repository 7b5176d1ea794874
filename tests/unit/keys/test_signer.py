"""Keys are made sealed, and sign for their issuer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwe as other_jwe
from joserfc import jwt as other_jwt
from joserfc.jwk import KeySet
from joserfc.jwk import import_key as key_of

from registrary.core.jose import (
    SIGNING_ALGORITHMS,
    ClaimRules,
    JoseError,
    UnknownKey,
    verify_jws,
    verify_jwt,
)
from registrary.core.jose.jws import UnverifiedJws
from registrary.core.jwk import check_public_jwk_set, thumbprint
from registrary.core.sealing import UnsealError
from registrary.core.signing_key import KeyState, KeyUse, NewKey, RotationPolicy, plan_rotation
from registrary.keys.local import MemoryKeys
from registrary.keys.maker import LocalKeyMaker
from registrary.keys.signer import REFRESH_INTERVAL_SECONDS, LocalSigner
from registrary.ports.keys import NoSigningKey
from registrary.ports.store import PageOf

NOW = datetime(2026, 11, 21, tzinfo=UTC)
POLICY = RotationPolicy()
KEYS = MemoryKeys()


class Shelf:
    """The one thing the signer asks of a store."""

    def __init__(self):
        self.records = {}
        self.reads = 0

    def put(self, *records):
        """Keep *records*, the newest revision of each."""
        self.records |= {(record.issuer, record.kid): record for record in records}

    async def page(self, record_type, issuer, *, after=None, limit=100, descending=False):
        """Return the records of an issuer."""
        self.reads += 1
        found = [record for (owner, _), record in self.records.items() if owner == issuer]
        return PageOf(tuple(found), None)


class Bench:
    """A signer over a shelf, under a clock that a test moves."""

    def __init__(self):
        self.shelf = Shelf()
        self.seconds = 0.0
        self.signer = LocalSigner(self.shelf, KEYS, monotonic=lambda: self.seconds)
        self.maker = LocalKeyMaker(KEYS)

    async def rotate(self, now, issuer="i", wanted=((KeyUse.TOKEN, "ES256"),)):
        """Do what is due for *issuer*, as the job does."""
        records = [record for record in self.shelf.records.values() if record.issuer == issuer]
        due = plan_rotation(records, wanted=wanted, policy=POLICY, now=now)
        self.shelf.put(*due.changed)
        for new in due.new:
            self.shelf.put(await self.maker.make(issuer, new, now=now))


def claims(**more):
    """Return claims good for a minute."""
    return {"iss": "https://as.example", "exp": NOW + timedelta(minutes=1), **more}


@pytest.mark.anyio
@pytest.mark.parametrize("alg", SIGNING_ALGORITHMS)
async def test_tokens_verify_with_what_is_published(alg):
    """A resource server needs nothing but ``/jwks``, and any library."""
    bench = Bench()
    await bench.rotate(NOW, wanted=[(KeyUse.TOKEN, alg)])

    token = await bench.signer.sign_jwt("i", claims(), alg=alg, typ="at+jwt")
    jwks = await bench.signer.public_jwks("i")

    read = verify_jwt(token, jwks, algorithms=[alg], rules=ClaimRules(), now=NOW)
    assert "https://as.example" == read.members["iss"]
    if alg != "EdDSA":  # the other library warns about the name
        their_keys = KeySet([key_of(key) for key in jwks["keys"]])
        theirs = other_jwt.decode(token, their_keys, algorithms=[alg])
        assert "at+jwt" == theirs.header["typ"]


@pytest.mark.anyio
async def test_what_is_published_is_public_and_says_what_it_is_for():
    """No private member ever leaves, and readers can tell keys apart."""
    bench = Bench()
    await bench.rotate(NOW, wanted=[(KeyUse.TOKEN, alg) for alg in SIGNING_ALGORITHMS])

    jwks = await bench.signer.public_jwks("i")

    assert jwks == check_public_jwk_set(jwks)
    for key in jwks["keys"]:
        assert (thumbprint(key), "sig") == (key["kid"], key["use"])
    assert set(SIGNING_ALGORITHMS) == {key["alg"] for key in jwks["keys"]}


@pytest.mark.anyio
async def test_private_keys_are_stored_sealed():
    """A stolen database signs nothing."""
    record = await LocalKeyMaker(KEYS).make(
        "i", NewKey(KeyUse.TOKEN, "ES256", KeyState.ACTIVE, NOW), now=NOW
    )

    private = KEYS.sealer().unseal(record.sealed_private, record.place)

    assert private not in record.sealed_private
    with pytest.raises(UnsealError):
        MemoryKeys().sealer().unseal(record.sealed_private, record.place)


@pytest.mark.anyio
async def test_a_rotation_breaks_no_token_and_no_cache():
    """The new key was published a day before; the old one verifies its last tokens."""
    bench = Bench()
    await bench.rotate(NOW)
    end = NOW + POLICY.lifetime
    await bench.rotate(end - POLICY.lead)
    bench.seconds += REFRESH_INTERVAL_SECONDS
    seen_before = await bench.signer.public_jwks("i")
    old = await bench.signer.sign_jwt("i", claims(exp=end + POLICY.overlap), alg="ES256", typ="JWT")

    await bench.rotate(end)
    bench.seconds += REFRESH_INTERVAL_SECONDS
    new = await bench.signer.sign_jwt("i", claims(exp=end + POLICY.overlap), alg="ES256", typ="JWT")
    seen_after = await bench.signer.public_jwks("i")

    def read(token, jwks):
        return verify_jwt(token, jwks, algorithms=["ES256"], rules=ClaimRules(), now=end)

    assert old.split(".")[0] != new.split(".")[0]
    for jwks in (seen_before, seen_after):
        assert read(old, jwks)
        assert read(new, jwks)
    await bench.rotate(end + POLICY.overlap)
    bench.seconds += REFRESH_INTERVAL_SECONDS
    with pytest.raises(UnknownKey):
        read(old, await bench.signer.public_jwks("i"))


ENCRYPTION = ((KeyUse.ENCRYPTION, "ECDH-ES"),)
ACCEPTED: dict[str, Any] = {  # Any: two lists of names
    "algorithms": ["ECDH-ES"],
    "encodings": ["A128CBC-HS256"],
}


def encrypted_to(jwk, text="a.b.c"):
    """Return *text* as another library encrypts it to a published key."""
    header = {"alg": jwk["alg"], "enc": "A128CBC-HS256", "kid": jwk["kid"], "cty": "JWT"}
    return other_jwe.encrypt_compact(
        header, text, key_of(jwk), algorithms=[header["alg"], header["enc"]]
    )


@pytest.mark.anyio
async def test_what_is_encrypted_to_a_published_key_is_opened():
    """A client finds the key beside the others, told by its use."""
    bench = Bench()
    await bench.rotate(NOW, wanted=[*ENCRYPTION, (KeyUse.TOKEN, "ES256")])
    jwks = await bench.signer.public_jwks("i")
    (published,) = (key for key in jwks["keys"] if key["use"] == "enc")

    opened = await bench.signer.decrypt_jwt("i", encrypted_to(published), **ACCEPTED)

    assert "a.b.c" == opened
    assert jwks == check_public_jwk_set(jwks)
    assert (2, "ECDH-ES") == (len(jwks["keys"]), published["alg"])


@pytest.mark.anyio
async def test_another_issuers_key_opens_nothing():
    """Tenants do not read each other's post."""
    bench = Bench()
    await bench.rotate(NOW, "i", wanted=ENCRYPTION)
    await bench.rotate(NOW, "j", wanted=ENCRYPTION)
    (published,) = (await bench.signer.public_jwks("j"))["keys"]

    with pytest.raises(JoseError):
        await bench.signer.decrypt_jwt("i", encrypted_to(published), **ACCEPTED)


@pytest.mark.anyio
async def test_what_was_encrypted_before_a_rotation_is_opened_after_it():
    """Sets of keys are kept for a day, and so is the key that they show."""
    bench = Bench()
    await bench.rotate(NOW, wanted=ENCRYPTION)
    (old,) = (await bench.signer.public_jwks("i"))["keys"]
    end = NOW + POLICY.lifetime
    for now in (end - POLICY.lead, end):
        await bench.rotate(now, wanted=ENCRYPTION)
    bench.seconds += REFRESH_INTERVAL_SECONDS

    (new,) = (await bench.signer.public_jwks("i"))["keys"]
    opened = await bench.signer.decrypt_jwt("i", encrypted_to(old), **ACCEPTED)

    assert "a.b.c" == opened
    assert old["kid"] != new["kid"]
    await bench.rotate(end + POLICY.overlap, wanted=ENCRYPTION)
    bench.seconds += REFRESH_INTERVAL_SECONDS
    with pytest.raises(JoseError):
        await bench.signer.decrypt_jwt("i", encrypted_to(old), **ACCEPTED)


@pytest.mark.anyio
async def test_issuers_do_not_share_keys():
    """A token of one tenant proves nothing at another."""
    bench = Bench()
    await bench.rotate(NOW, "i")
    await bench.rotate(NOW, "j")

    token = await bench.signer.sign_jwt("i", claims(), alg="ES256", typ="JWT")

    with pytest.raises(UnknownKey):
        verify_jwt(
            token,
            await bench.signer.public_jwks("j"),
            algorithms=["ES256"],
            rules=ClaimRules(),
            now=NOW,
        )


@pytest.mark.anyio
async def test_the_store_is_read_once_a_second():
    """Signing is the hot path; keys change once in months."""
    bench = Bench()
    await bench.rotate(NOW)

    for _ in range(5):
        await bench.signer.sign_jwt("i", claims(), alg="ES256", typ="JWT")
    first = await bench.signer.public_jwks("i")
    bench.seconds += REFRESH_INTERVAL_SECONDS
    second = await bench.signer.public_jwks("i")

    assert 2 == bench.shelf.reads
    assert first is second


@pytest.mark.anyio
async def test_where_the_store_remembers_it_is_asked_each_time():
    """A key that was withdrawn at another node signs no longer than the store's memory lasts."""
    bench = Bench()
    bench.signer = LocalSigner(bench.shelf, KEYS, refresh_seconds=0.0, monotonic=lambda: 0.0)
    await bench.rotate(NOW)

    first = await bench.signer.public_jwks("i")
    second = await bench.signer.public_jwks("i")

    assert 2 == bench.shelf.reads
    assert first is second


@pytest.mark.anyio
async def test_a_key_made_a_moment_ago_signs_now():
    """The first start does not wait a second between making a key and using it."""
    bench = Bench()
    with pytest.raises(NoSigningKey):
        await bench.signer.sign_jwt("i", claims(), alg="ES256", typ="JWT")

    await bench.rotate(NOW)

    assert await bench.signer.sign_jwt("i", claims(), alg="ES256", typ="JWT")


@pytest.mark.anyio
async def test_what_changed_a_key_can_make_it_count_at_once():
    """A withdrawn key signs nothing more in the process that withdrew it."""
    bench = Bench()
    await bench.rotate(NOW)
    before = await bench.signer.public_jwks("i")
    bench.shelf.records.clear()

    bench.signer.forget("i")
    bench.signer.forget("unknown")

    assert before["keys"]
    assert {"keys": []} == await bench.signer.public_jwks("i")


@pytest.mark.anyio
async def test_audit_keys_sign_checkpoints_and_no_tokens():
    """What vouches for the log is never lent for anything else."""
    bench = Bench()
    await bench.rotate(NOW, wanted=[(KeyUse.AUDIT, "EdDSA")])

    signature = await bench.signer.sign("i", b"checkpoint", use=KeyUse.AUDIT, alg="EdDSA")

    published = await bench.signer.public_jwks("i", use=KeyUse.AUDIT)
    jws = UnverifiedJws("EdDSA", signature.kid, None, b"", b"checkpoint", signature.octets)
    assert b"" == verify_jws(jws, published, algorithms=["EdDSA"])
    assert {"keys": []} == await bench.signer.public_jwks("i")
    with pytest.raises(NoSigningKey):
        await bench.signer.sign_jwt("i", claims(), alg="EdDSA", typ="JWT")


@pytest.mark.anyio
async def test_a_foreign_key_file_is_an_outage_and_says_so():
    """A restored database with the wrong keys must not look like a missing key."""
    bench = Bench()
    await bench.rotate(NOW)
    signer = LocalSigner(bench.shelf, MemoryKeys())

    with pytest.raises(UnsealError):
        await signer.sign_jwt("i", claims(), alg="ES256", typ="JWT")


@pytest.mark.anyio
async def test_no_key_is_made_for_an_algorithm_unknown_here():
    """A mistyped setting fails at the start."""
    with pytest.raises(ValueError, match="algorithm"):
        await LocalKeyMaker(KEYS).make(
            "i", NewKey(KeyUse.TOKEN, "ES999", KeyState.ACTIVE, NOW), now=NOW
        )
