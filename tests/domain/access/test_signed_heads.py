"""Signed heads of the audit's chains: what verifies, and what does not."""

import base64
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.access.audit_chain import End, audit_ring, head
from domain.access.key_rings import KeyRing, key_id, with_accepted, with_in_force
from domain.access.signatures import pem
from domain.access.signed_heads import SignedHeadsError, heads_of, signed
from schemas.administration.audit import Head, HeadsSignature, HeadsStatement

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
KEY, SM_KEY = b"k" * 64, b"sm-" + b"s" * 64
RINGS = [KeyRing((KEY,)), KeyRing((SM_KEY,))]


def heads(count: int = 3) -> list[Head]:
    ring = audit_ring(KeyRing((b"a" * 64,)))
    ends = [End(f"{number:016x}", number + 1, "c" * 64, number) for number in range(count)]
    return [head(end, NOW - timedelta(minutes=number), ring) for number, end in enumerate(ends)]


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("count", [0, 3])
def test_the_heads_come_back_with_who_signed_them_and_when(ring: KeyRing, count: int) -> None:
    text = signed(heads(count), "quanzu-jilin", ring, NOW)
    assert sorted(heads_of(text, ring), key=lambda each: each.chain) == heads(count)
    first = HeadsStatement.model_validate_json(text.splitlines()[0])
    assert first == HeadsStatement(installation="quanzu-jilin", at=NOW, heads=count)


@pytest.mark.parametrize("ring", RINGS)
def test_a_text_that_was_changed_cut_or_signed_by_another_is_refused(ring: KeyRing) -> None:
    text = signed(heads(), "quanzu-jilin", ring, NOW)
    lines = text.splitlines(keepends=True)
    changed = [
        *(b"", b"\n", b"no head\n", b"".join(lines[:-1]), b"".join([lines[0], *lines[2:]]), lines[-1]),
        *(text.replace(b"jilin", b"gansu"), text.replace(b'"number":2', b'"number":1'), text[:-20]),
        *(b"".join(each) for each in ([*lines[:-1], b"\n", lines[-1]], [lines[0], lines[2], lines[1], *lines[3:]])),
    ]
    for given in changed:
        with pytest.raises(SignedHeadsError):
            heads_of(given, ring)
    for other in (KeyRing((b"o" * 64,)), *(each for each in RINGS if each != ring)):
        with pytest.raises(SignedHeadsError, match="does not have"):
            heads_of(text, other)


def test_keys_change_to_sm2_and_back_and_each_text_is_verified_at_any_time() -> None:
    ring, texts = KeyRing((KEY,)), [signed(heads(), "quanzu", KeyRing((KEY,)), NOW)]
    for new in (SM_KEY, b"n" * 64):
        ring = with_accepted(ring, new)
        texts.append(signed(heads(), "quanzu", ring, NOW))  # by a process that has the new key, before it is in force
        ring = with_in_force(ring, key_id(new))
        texts.append(signed(heads(), "quanzu", ring, NOW))
        assert all(len(heads_of(text, ring)) == 3 for text in texts)
    made = [HeadsSignature.model_validate_json(text.splitlines()[-1]) for text in texts]
    lengths = [len(base64.b64decode(each.public)) for each in made]
    assert lengths == [44, 44, 91, 91, 44], "Ed25519, SM2 from when its key is in force, Ed25519"


@pytest.mark.parametrize("ring", RINGS)
def test_openssl_verifies_a_text_with_the_public_key_alone(ring: KeyRing, tmp_path: Path) -> None:
    *lines, last = signed(heads(), "quanzu", ring, NOW).splitlines(keepends=True)
    given = HeadsSignature.model_validate_json(last)
    (tmp_path / "text").write_bytes(b"".join(lines))
    (tmp_path / "signature").write_bytes(base64.b64decode(given.signature))
    (tmp_path / "public.pem").write_text(pem(base64.b64decode(given.public)))
    command = "openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in text -sigfile signature"
    command += " -digest sm3 -pkeyopt distid:1234567812345678" if ring.current == SM_KEY else ""
    assert subprocess.run(command.split(), cwd=tmp_path, check=False).returncode == 0
