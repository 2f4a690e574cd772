"""Encryption with a public key: HPKE by its standard's vector, and what the private key opens and nothing else does."""

import hmac
import os

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from domain.access.ciphers import decrypt, message_code
from domain.access.key_rings import KeyRing, key_id
from domain.access.public_encryption import (
    SEALED_BYTE,
    PairState,
    PublicSealer,
    attestations,
    open_sealed,
    pair_id,
    pair_state,
    public_key,
    public_ring,
)

OURS, ANOTHER, CHINESE = b"1" * 64, b"2" * 64, b"sm-" + b"3" * 64
ABOUT = b"signals"


INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
RECEIVER = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"
ENC = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
CIPHERTEXT = "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
BEAUTY = b"Beauty is truth, truth beauty"


def _expand(secret: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    told = length.to_bytes(2) + b"HPKE-v1" + suite + label + info
    return HKDFExpand(hashes.SHA256(), length, told).derive(secret)


def _extract(salt: bytes, suite: bytes, label: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")


def opened_by_the_rfc(private: X25519PrivateKey, sealed: bytes, info: bytes, aad: bytes, aead: int) -> bytes:
    """Single-shot OpenBase, written from RFC 9180, sections 4.1 and 5.1. `aead`: 1 is AES-128-GCM, 2 AES-256-GCM."""
    enc, kem, suite = sealed[:32], b"KEM" + bytes([0, 32]), b"HPKE" + bytes([0, 32, 0, 1, 0, aead])
    shared = private.exchange(X25519PublicKey.from_public_bytes(enc))
    context = enc + private.public_key().public_bytes_raw()
    secret = _expand(_extract(b"", kem, b"eae_prk", shared), kem, b"shared_secret", context, 32)
    told = b"\0" + _extract(b"", suite, b"psk_id_hash", b"") + _extract(b"", suite, b"info_hash", info)
    schedule = _extract(secret, suite, b"secret", b"")
    key, nonce = (_expand(schedule, suite, label, told, n) for label, n in ((b"key", 16 * aead), (b"base_nonce", 12)))
    return AESGCM(key).decrypt(nonce, sealed[32:], aad)


def test_hpke_by_rfc_9180_appendix_a_1_and_the_library_encrypts_so() -> None:
    """The vector's first message has associated data, which the library does not take: so the RFC's text is the
    link between the vector and the library.
    """
    receiver = X25519PrivateKey.from_private_bytes(bytes.fromhex(RECEIVER))
    assert opened_by_the_rfc(receiver, bytes.fromhex(ENC + CIPHERTEXT), INFO, b"Count-0", 1) == BEAUTY
    for aead, number in ((AEAD.AES_128_GCM, 1), (AEAD.AES_256_GCM, 2)):
        sealed = Suite(KEM.X25519, KDF.HKDF_SHA256, aead).encrypt(BEAUTY, receiver.public_key(), info=INFO)
        assert opened_by_the_rfc(receiver, sealed, INFO, b"", number) == BEAUTY


def test_the_key_of_a_batch_is_encapsulated_by_hpke_to_the_public_key() -> None:
    sealed = PublicSealer(public_key(OURS)).seal(b"text", ABOUT)
    private = X25519PrivateKey.from_private_bytes(message_code(OURS, b"private key of intake, X25519"))
    key = opened_by_the_rfc(private, sealed[5:85], b"quanzu intake" + sealed[1:5], b"", 2)
    assert decrypt(key, sealed[85:], ABOUT) == b"text"


@pytest.mark.parametrize("key", [OURS, CHINESE])
def test_only_the_private_key_opens_what_was_sealed(key: bytes) -> None:
    sealer = PublicSealer(public_key(key))
    sealed = [sealer.seal(text, ABOUT) for text in (b"", b"text", os.urandom(1_000_000))]
    assert [len(open_sealed([ANOTHER, key], each, ABOUT) or b"") for each in sealed] == [0, 4, 1_000_000]
    assert [open_sealed([ANOTHER], each, ABOUT) for each in sealed] == [None] * 3
    assert [open_sealed([public_key(key)], each, ABOUT) for each in sealed] == [None] * 3, (
        "the public key opens nothing"
    )
    assert open_sealed([key], sealed[1], b"signals-urgent") is None
    assert all(each.startswith(SEALED_BYTE) for each in sealed)


def test_each_batch_has_a_key_of_its_own_and_the_public_key_says_for_which_algorithms() -> None:
    first, second = (PublicSealer(public_key(OURS)).seal(b"text", ABOUT) for _ in range(2))
    assert first != second
    assert first[:85] != second[:85]
    assert (first[85], PublicSealer(public_key(CHINESE)).seal(b"text", ABOUT)[85]) == (1, 2)  # AES-256-GCM, SM4-GCM
    assert public_key(CHINESE).startswith(b"sm-")
    assert public_ring(KeyRing((OURS, CHINESE))).keys == (public_key(OURS), public_key(CHINESE))


@given(st.integers(0, 200), st.integers(1, 255), st.integers(0, 200))
def test_a_text_that_was_changed_or_cut_does_not_open(place: int, change: int, length: int) -> None:
    sealed = bytearray(PublicSealer(public_key(OURS)).seal(b"a text of a signal", ABOUT))
    cut = bytes(sealed[: min(length, len(sealed) - 1)])
    sealed[place % len(sealed)] ^= change
    if sealed[0] == SEALED_BYTE[0]:
        assert open_sealed([OURS], bytes(sealed), ABOUT) is None
    assert open_sealed([OURS], cut, ABOUT) is None


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
def test_a_point_of_small_order_or_outside_the_field_does_not_open(point: bytes) -> None:
    sealed = PublicSealer(public_key(OURS)).seal(b"text", ABOUT)
    assert open_sealed([OURS], sealed[:5] + point + sealed[37:], ABOUT) is None


def test_what_is_no_public_key_is_refused() -> None:
    for wrong in (b"", b"zz" * 32, b"11" * 31):
        with pytest.raises(ValueError, match=r".+"):
            PublicSealer(wrong)


def test_a_pair_is_awaited_only_if_a_key_at_hand_attests_it_and_it_was_not_removed() -> None:
    both = attestations(KeyRing((CHINESE, OURS)))
    sealed = PublicSealer(public_key(CHINESE), both).seal(b"text", ABOUT)
    assert pair_id(sealed) == key_id(public_key(CHINESE))
    assert open_sealed([OURS, CHINESE], sealed, ABOUT) == b"text"
    assert pair_state([OURS, CHINESE], (), sealed) is PairState.HERE
    assert pair_state([OURS], (), sealed) is PairState.AWAITED
    assert pair_state([OURS], [public_key(CHINESE)], sealed) is PairState.REMOVED
    assert pair_state([ANOTHER], (), sealed) is PairState.UNKNOWN, "no key at hand was there when the pair was made"


def test_what_a_removed_key_attested_stays_with_the_pair_up_to_sixteen() -> None:
    former = attestations(KeyRing((OURS, ANOTHER)))
    kept = attestations(KeyRing((ANOTHER,)), former)
    assert len(kept) == 1
    sealed = PublicSealer(public_key(ANOTHER), kept).seal(b"text", ABOUT)
    assert pair_state([OURS], (), sealed) is PairState.AWAITED
    assert open_sealed([ANOTHER], sealed, ABOUT) == b"text"
    assert attestations(KeyRing((CHINESE,)), former) == (), "those of a pair that is gone end"
    for each in range(30):
        former = attestations(KeyRing((ANOTHER, b"%064d" % each)), former)
    kept = attestations(KeyRing((ANOTHER,)), former)
    sealed = PublicSealer(public_key(ANOTHER), kept).seal(b"text", ABOUT)
    assert (len(kept), open_sealed([ANOTHER], sealed, ABOUT)) == (16, b"text")
    assert [pair_state([b"%064d" % each], (), sealed) for each in (29, 13)] == [PairState.AWAITED, PairState.UNKNOWN]


def test_whoever_has_only_public_keys_and_attestations_cannot_invent_a_pair_to_wait_for() -> None:
    known = attestations(KeyRing((OURS, CHINESE)))
    name = bytes.fromhex(key_id(public_key(ANOTHER)))
    forged = [name.hex().encode() + each[8:] for each in known] + [(name + os.urandom(16)).hex().encode()]
    for attested in ((), known, forged):
        sealed = PublicSealer(public_key(ANOTHER), attested).seal(b"text", ABOUT)
        assert pair_state([OURS], (), sealed) is PairState.UNKNOWN
        assert open_sealed([ANOTHER], sealed, ABOUT) == b"text"


@given(st.integers(0, 200), st.integers(1, 255), st.integers(0, 200))
def test_an_attested_text_that_was_changed_or_cut_does_not_open(place: int, change: int, length: int) -> None:
    sealed = bytearray(PublicSealer(public_key(OURS), attestations(KeyRing((ANOTHER, OURS)))).seal(b"a text", ABOUT))
    cut = bytes(sealed[: min(length, len(sealed) - 1)])
    sealed[place % len(sealed)] ^= change
    for given_text in (bytes(sealed), cut):
        assert pair_state([ANOTHER], (), given_text) in PairState
        if given_text[:1] == SEALED_BYTE:
            assert open_sealed([OURS], given_text, ABOUT) is None


def test_a_ring_of_one_key_attests_nothing_and_a_text_that_is_no_attestation_is_refused() -> None:
    assert attestations(KeyRing((OURS,))) == ()
    assert len(attestations(KeyRing((OURS, ANOTHER, CHINESE)))) == 6
    for wrong in (b"", b"zz" * 20, b"11" * 19):
        with pytest.raises(ValueError, match=r".+"):
            PublicSealer(public_key(OURS), [wrong])
