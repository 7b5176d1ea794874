"""Content is sealed as the specification has it, and opened only as it was sealed."""

import hmac

import pytest

from registrary.core.jose import JoseError
from registrary.core.jose.content_encryption import CONTENT_ENCRYPTIONS, Sealed

PLAINTEXT = (
    b"A cipher system must not be required to be secret, and it must be able to fall into the "
    b"hands of the enemy without inconvenience"
)
AAD = b"The second principle of Auguste Kerckhoffs"
IV = bytes.fromhex("1af38c2dc2b96ffdd86694092341bc04")
VECTORS = {
    "A128CBC-HS256": (
        (
            "c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9a94ac9b47ad2655c5f10f9aef7"
            "1427e2fc6f9b3f399a221489f16362c703233609d45ac69864e3321cf82935ac4096c86e133314c54019e8ca79"
            "80dfa4b9cf1b384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade54b8851ffb598f7"
            "f80074b9473c82e2db"
        ),
        "652c3fa36b0a7c5b3219fab3a30bc1c4",
    ),
    "A256CBC-HS512": (
        (
            "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd822c301dd67c373bccb584ad3e"
            "9279c2e6d12a1374b77f077553df829410446b36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecb"
            "ad28c73f09b3a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950bbe2638d09dd7a4"
            "930930806d0703b1f6"
        ),
        "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5",
    ),
}


def a_key(enc):
    """Return the octets 0, 1, 2, … as a key for *enc*."""
    return bytes(range(CONTENT_ENCRYPTIONS[enc].key_octets))


@pytest.mark.parametrize(("enc", "ciphertext", "tag"), [(e, *v) for e, v in VECTORS.items()])
def test_the_test_cases_of_the_specification_hold(enc, ciphertext, tag):
    """RFC 7518 appendix B: key, tag and length are put together in one way only."""
    sealed = CONTENT_ENCRYPTIONS[enc].seal(PLAINTEXT, key=a_key(enc), iv=IV, aad=AAD)

    assert (ciphertext, tag) == (sealed.ciphertext.hex(), sealed.tag.hex())


@pytest.mark.parametrize("enc", CONTENT_ENCRYPTIONS)
def test_what_was_sealed_is_opened(enc):
    """The empty content and one that fills its last block are not special."""
    content = CONTENT_ENCRYPTIONS[enc]
    key, iv = a_key(enc), IV[: content.iv_octets]

    for plaintext in (b"", b"x" * 16, PLAINTEXT):
        sealed = content.seal(plaintext, key=key, iv=iv, aad=AAD)
        assert plaintext == content.unseal(sealed, key=key, iv=iv, aad=AAD)


@pytest.mark.parametrize("enc", CONTENT_ENCRYPTIONS)
@pytest.mark.parametrize("part", ["key", "iv", "aad", "ciphertext", "tag", "short-tag", "no-tag"])
@pytest.mark.spec("J-031")
def test_one_changed_bit_anywhere_is_noticed(enc, part):
    """Whoever can change a ciphertext unnoticed can often read it, too."""
    content = CONTENT_ENCRYPTIONS[enc]
    parts = {"key": a_key(enc), "iv": IV[: content.iv_octets], "aad": AAD}
    sealed = content.seal(PLAINTEXT, **parts)
    given = {**parts, "ciphertext": sealed.ciphertext, "tag": sealed.tag}
    match part:
        case "short-tag":
            given["tag"] = sealed.tag[:-1]
        case "no-tag":
            given["tag"] = b""
        case _:
            given[part] = bytes([given[part][0] ^ 1]) + given[part][1:]
    changed = Sealed(given.pop("ciphertext"), given.pop("tag"))

    with pytest.raises(JoseError):
        content.unseal(changed, **given)


def test_a_tag_does_not_reach_into_the_ciphertext():
    """GCM's tag is the last octets of one text: split elsewhere it is the same text."""
    content = CONTENT_ENCRYPTIONS["A128GCM"]
    parts = {"key": a_key("A128GCM"), "iv": IV[:12], "aad": AAD}
    sealed = content.seal(PLAINTEXT, **parts)
    moved = Sealed(sealed.ciphertext + sealed.tag[:4], sealed.tag[4:])

    with pytest.raises(JoseError):
        content.unseal(moved, **parts)


def test_bad_padding_under_a_good_tag_is_the_same_error():
    """The holder of a content key may be careless; that must not be an error of ours."""
    content = CONTENT_ENCRYPTIONS["A128CBC-HS256"]
    key, ciphertext = a_key("A128CBC-HS256"), b"x" * 15
    tag = hmac.digest(key[:16], IV + ciphertext + bytes(8), "sha256")[:16]

    with pytest.raises(JoseError):
        content.unseal(Sealed(ciphertext, tag), key=key, iv=IV, aad=b"")
