"""Signatures by Ed25519 and SM2: the standard's vectors, a verifier by the standard's text, and OpenSSL's command."""

import hashlib
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from domain.access import sm2
from domain.access.signatures import is_signed, pem, public_key, signature_of

KEY = b"k" * 64
SM_KEY = b"sm-" + KEY
MESSAGE = b"message digest"  # of both of the standard's examples
SIGNER = b"1234567812345678"


class Curve(NamedTuple):
    """y² = x³ + ax + b over the integers modulo p; the base point (x, y) has the order n."""

    p: int
    a: int
    b: int
    x: int
    y: int
    n: int


# GB/T 32918.2-2016, A.2: the curve of the example. Nobody uses it; OpenSSL does not know it.
EXAMPLE = Curve(
    p=0x8542D69E4C044F18E8B92435BF6FF7DE457283915C45517D722EDB8B08F1DFC3,
    a=0x787968B4FA32C3FD2417842E73BBFEFF2F3C848B6831D7E0EC65228B3937E498,
    b=0x63E4C6D3B23B0C849CF84241484BFE48F61D59A5B16BA06E6E12D1DA27C5249A,
    x=0x421DEBD61B62EAB6746434EBC3CC315E32220B3BADD50BDC4C4E6C147FEDD43D,
    y=0x0680512BCBB42C07D47349D2153B70C4E5D7FDFCBFA36EA1A85841B9E46E09A2,
    n=0x8542D69E4C044F18E8B92435BF6FF7DD297720630485628D5AE74EE7C32E79B7,
)
EXAMPLE_PUBLIC = (
    0x0AE4C7798AA0F119471BEE11825BE46202BB79E2A5844495E97C04FF4DF2548A,
    0x7C0240F88F1CD4E16352A73C17B7F16F07353E53A176D684A9FE0C6BB798E857,
)
# GB/T 32918.5-2017: the curve, and the example of A.2
SM2 = Curve(
    p=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF,
    a=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC,
    b=0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    x=0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    y=0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
    n=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
)
PRIVATE = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
PUBLIC = (
    0x09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020,
    0xCCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13,
)
SIGNATURE = (
    0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3,
    0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA,
)

Point = tuple[int, int] | None


def added(curve: Curve, one: Point, two: Point) -> Point:
    if one is None or two is None:
        return one or two
    if one[0] == two[0] and (one[1] + two[1]) % curve.p == 0:
        return None
    slope = (
        (3 * one[0] ** 2 + curve.a) * pow(2 * one[1], -1, curve.p)
        if one == two
        else (two[1] - one[1]) * pow(two[0] - one[0], -1, curve.p)
    )
    x = (slope**2 - one[0] - two[0]) % curve.p
    return x, (slope * (one[0] - x) - one[1]) % curve.p


def times(curve: Curve, number: int, point: Point) -> Point:
    found: Point = None
    for bit in bin(number)[2:]:
        found = added(curve, found, found)
        found = added(curve, found, point) if bit == "1" else found
    return found


def verified(curve: Curve, public: tuple[int, int], signer: bytes, message: bytes, signature: tuple[int, int]) -> bool:
    """Verify by the text of GB/T 32918.2, 5.5 and 7.1."""
    numbers = (curve.a, curve.b, curve.x, curve.y, *public)
    about = (len(signer) * 8).to_bytes(2, "big") + signer + b"".join(each.to_bytes(32, "big") for each in numbers)
    z = hashlib.new("sm3", about).digest()
    e = int.from_bytes(hashlib.new("sm3", z + message).digest(), "big")
    r, s = signature
    t = (r + s) % curve.n
    if not (0 < r < curve.n and 0 < s < curve.n and t):
        return False
    point = added(curve, times(curve, s, (curve.x, curve.y)), times(curve, t, public))
    return point is not None and (e + point[0]) % curve.n == r


def der(signature: tuple[int, int]) -> bytes:
    def number(value: int) -> bytes:
        raw = value.to_bytes(value.bit_length() // 8 + 1, "big")
        return b"\x02" + bytes([len(raw)]) + raw

    both = b"".join(map(number, signature))
    return b"\x30" + bytes([len(both)]) + both


def numbers(signature: bytes) -> tuple[int, int]:
    length = signature[3]
    return int.from_bytes(signature[4 : 4 + length], "big"), int.from_bytes(signature[6 + length :], "big")


def point_of(public: bytes) -> tuple[int, int]:
    return int.from_bytes(public[-64:-32], "big"), int.from_bytes(public[-32:], "big")


def test_the_verifier_of_these_tests_takes_the_example_of_gb_t_32918_2_annex_a() -> None:
    signature = (
        0x40F1EC59F793D9F49E09DCEF49130D4194F79FB1EED2CAA55BACDB49C4E755D1,
        0x6FC6DAC32C5D5CF10C77DFB20F7C2EB667A457872FB09EC56327A67EC7DEEBE7,
    )
    assert verified(EXAMPLE, EXAMPLE_PUBLIC, b"ALICE123@YAHOO.COM", MESSAGE, signature)
    assert not verified(EXAMPLE, EXAMPLE_PUBLIC, b"ALICE123@YAHOO.COM", MESSAGE + b".", signature)


def test_the_example_of_gb_t_32918_5_annex_a_is_verified_and_its_key_signs() -> None:
    assert verified(SM2, PUBLIC, SIGNER, MESSAGE, SIGNATURE)
    public = sm2.sm2_public_key(PRIVATE - 1)  # `public_key` adds 1 to the remainder
    assert point_of(public) == PUBLIC
    assert sm2.is_signed_by_sm2(public, MESSAGE, der(SIGNATURE))
    assert not sm2.is_signed_by_sm2(public, MESSAGE + b".", der(SIGNATURE))
    made = sm2.sm2_signature(PRIVATE - 1, MESSAGE)
    assert verified(SM2, PUBLIC, SIGNER, MESSAGE, numbers(made))
    assert made != sm2.sm2_signature(PRIVATE - 1, MESSAGE), (
        "a number was used for two signatures: they give the private key"
    )


def test_a_hundred_keys_sign_what_the_standards_text_verifies() -> None:
    for number in range(100):
        key = SM_KEY + b"%d" % number
        made = signature_of(key, b"text %d" % number)
        assert is_signed(public_key(key), b"text %d" % number, made)
        if number < 5:
            assert verified(SM2, point_of(public_key(key)), SIGNER, b"text %d" % number, numbers(made))


@pytest.mark.parametrize("key", [KEY, SM_KEY])
def test_a_signature_is_of_one_key_and_one_message(key: bytes) -> None:
    public, made = public_key(key), signature_of(key, b"text")
    assert is_signed(public, b"text", made)
    assert public_key(key) == public != public_key(key + b"x")
    others = [(public, b"texT", made), (public, b"text", b""), (public, b"", made), (b"", b"text", made)]
    others += [(public_key(each), b"text", made) for each in (key + b"x", KEY if key == SM_KEY else SM_KEY)]
    others += [(public, b"text", bytes([*made[:at], made[at] ^ 1, *made[at + 1 :]])) for at in range(len(made))]
    others += [(bytes([*public[:at], public[at] ^ 1, *public[at + 1 :]]), b"text", made) for at in range(len(public))]
    for given in others:
        assert not is_signed(*given)


@pytest.mark.parametrize("key", [KEY, SM_KEY])
def test_openssl_alone_verifies_with_the_public_key(key: bytes, tmp_path: Path) -> None:
    public, text, signature = (tmp_path / name for name in ("public.pem", "text", "signature"))
    public.write_text(pem(public_key(key)))
    text.write_bytes(b"what was signed")
    signature.write_bytes(signature_of(key, b"what was signed"))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-rawin"]
    command += ["-in", str(text), "-sigfile", str(signature)]
    command += ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"] if key == SM_KEY else []
    assert subprocess.run(command, check=False).returncode == 0
    text.write_bytes(b"what was not signed")
    assert subprocess.run(command, check=False).returncode != 0
