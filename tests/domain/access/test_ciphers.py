"""The Chinese algorithms by their standards' vectors, and what is encrypted and hashed by both."""

import hashlib

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from domain.access.ciphers import RecordCipher, decrypt, derived_key, encrypt, message_code, plain_hash
from domain.access.key_rings import KeyPurpose, KeyRingError, read_rings

KEY, OTHER = b"k" * 32, b"o" * 32
SM_KEY = b"sm-" + KEY


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_by_gb_t_32905_appendix_a(message: bytes, digest: str) -> None:
    assert plain_hash(SM_KEY, message) == digest


def test_sm4_gcm_by_rfc_8998_appendix_a_1() -> None:
    key, nonce = bytes.fromhex("0123456789abcdeffedcba9876543210"), bytes.fromhex("00001234567800000000abcd")
    about = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = b"".join(bytes([value] * 8) for value in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    made = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    made.authenticate_additional_data(about)
    assert (made.update(plain) + made.finalize()).hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    )
    assert made.tag.hex() == "83de3541e4c2b58177e065a9bf7b62ec"


def test_sm4_by_gb_t_32907_appendix_a() -> None:
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    made = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305 - one block, as in the standard
    assert made.update(key).hex() == "681edf34d206965e86b3e94f536e4246"


def test_a_keyed_hash_by_sm3_is_an_hmac() -> None:
    block = SM_KEY.ljust(64, b"\0")
    inner, outer = (bytes(each ^ pad for each in block) for pad in (0x36, 0x5C))
    wanted = hashlib.new("sm3", outer + hashlib.new("sm3", inner + b"text").digest()).digest()
    assert message_code(SM_KEY, b"text") == wanted
    assert message_code(KEY, b"text") not in (wanted, message_code(OTHER, b"text"))
    assert derived_key(SM_KEY, b"use").startswith(b"sm-")


@pytest.mark.parametrize("cipher", RecordCipher)
@pytest.mark.parametrize("nonce", [b"", b"n" * 11])
def test_a_nonce_of_another_length_is_refused_and_not_replaced(cipher: RecordCipher, nonce: bytes) -> None:
    with pytest.raises(ValueError, match=f"12 bytes, not {len(nonce)}"):
        encrypt(cipher, KEY, b"plain", nonce=nonce)


@pytest.mark.parametrize("cipher", RecordCipher)
@pytest.mark.parametrize("plain", [b"", b"x", b"x" * 1000])
def test_what_is_encrypted_is_read_again_and_nothing_else_is(cipher: RecordCipher, plain: bytes) -> None:
    sealed = encrypt(cipher, KEY, plain, b"owner")
    assert decrypt(KEY, sealed, b"owner") == plain
    assert sealed != encrypt(cipher, KEY, plain, b"owner")
    changed = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    others = [(OTHER, sealed, b"owner"), (KEY, sealed, b"another"), *((KEY, each, b"owner") for each in changed)]
    others += [(KEY, sealed[:length], b"owner") for length in range(min(len(sealed), 40))]
    for key, kept, about in others:
        with pytest.raises(InvalidTag):
            decrypt(key, kept, about)


def test_a_key_for_sm3_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"audit:sm-{'0' * 64}"
    assert read_rings(text)[KeyPurpose.AUDIT].current.startswith(b"sm-")
    monkeypatch.setattr(hashlib, "algorithms_available", {"sha256"})
    with pytest.raises(KeyRingError, match="SM3"):
        read_rings(text)
