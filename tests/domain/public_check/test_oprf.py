"""The oblivious function is the one of RFC 9497, and the server learns nothing from a blinded element."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.public_check.oprf import (
    ElementError,
    derived_scalar,
    evaluated,
    hash_to_group,
    random_scalar,
    scalar_ratio,
    unblinded,
)

# RFC 9497, appendix A.1.1: OPRF(ristretto255, SHA-512), mode OPRF
SEED, INFO = bytes.fromhex("a3" * 32), b"test key"
KEY = "5ebcea5ee37023ccb9fc2d2019f9d7737be85591ae8652ffa9ef0f4d37063b0e"
BLIND = bytes.fromhex("64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706")
VECTORS = (
    (
        "00",
        "609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c",
        "7ec6578ae5120958eb2db1745758ff379e77cb64fe77b0b2d8cc917ea0869c7e",
        "527759c3d9366f277d8c6020418d96bb393ba2afb20ff90df23fb7708264e2f3"
        "ab9135e3bd69955851de4b1f9fe8a0973396719b7912ba9ee8aa7d0b5e24bcf6",
    ),
    (
        "5a" * 17,
        "da27ef466870f5f15296299850aa088629945a17d1f5b7f5ff043f76b3c06418",
        "b4cbf5a4f1eeda5a63ce7b77c7d23f461db3fcab0dd28e4e17cecb5c90d02c25",
        "f4a74c9c592497375e796aa837e907b1a045d34306a749db9f34221f7e750cb4"
        "f2a6413a6bf6fa5e19ba6348eb673934a722a7ede2e7621306d18951e7cf2c73",
    ),
)


def test_a_key_is_derived_as_in_the_test_vectors() -> None:
    assert derived_scalar(SEED, INFO).hex() == KEY
    with pytest.raises(ValueError, match="32 bytes"):
        derived_scalar(b"short", INFO)


@pytest.mark.parametrize(("text", "blinded", "answer", "output"), VECTORS)
def test_blinding_evaluation_and_output_are_those_of_the_test_vectors(
    text: str, blinded: str, answer: str, output: str
) -> None:
    given_text = bytes.fromhex(text)
    assert evaluated(BLIND, hash_to_group(given_text)).hex() == blinded
    assert evaluated(bytes.fromhex(KEY), bytes.fromhex(blinded)).hex() == answer
    element = unblinded(BLIND, bytes.fromhex(answer))
    whole = len(given_text).to_bytes(2, "big") + given_text + b"\0\x20" + element + b"Finalize"
    assert hashlib.sha512(whole).hexdigest() == output


@pytest.mark.parametrize("raw", [bytes(32), b"\xff" * 32, b"", bytes(31), b"\x01" + bytes(31)])
def test_bytes_that_are_no_element_and_the_identity_are_refused(raw: bytes) -> None:
    with pytest.raises(ElementError):
        evaluated(bytes.fromhex(KEY), raw)


@given(st.binary(max_size=64))
def test_the_blind_leaves_no_trace_in_the_result(text: bytes) -> None:
    key, element = random_scalar(), hash_to_group(text)
    first, second = random_scalar(), random_scalar()
    assert evaluated(first, element) != evaluated(second, element)
    answers = {unblinded(blind, evaluated(key, evaluated(blind, element))) for blind in (first, second)}
    assert answers == {evaluated(key, element)}


def test_an_element_is_moved_from_one_key_to_another_without_its_text() -> None:
    old, new, element = random_scalar(), random_scalar(), hash_to_group(b"phone:+8619800099001")
    assert evaluated(scalar_ratio(new, old), evaluated(old, element)) == evaluated(new, element)
