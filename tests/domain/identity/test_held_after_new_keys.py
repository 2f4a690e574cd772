"""Records with the hash of a person's ID number are the person's, also after the key of these hashes was changed."""

import json

import pytest

from domain.identity.held import Subject, subject
from domain.identity.id_keys import IdKeys
from schemas.people.residents import Occupation, Resident, Sex

KEYS = IdKeys(b"the first key of this test", (b"the second key of this test", b"the third key of this test"))
HERS, ANOTHERS = KEYS.hashes("1"), KEYS.hashes("2")


def person(under: int, keys: IdKeys = KEYS) -> Subject:
    """A person whose entry has the hash under the key of this number."""
    entry = Resident(
        id="r" + "a" * 16,
        name="某某",
        birth_year=1950,
        sex=Sex.FEMALE,
        occupation=Occupation.RETIRED,
        division="220104",
        id_hash=HERS[under],
    )
    return subject(entry, keys)


def transfer(hashed: str) -> dict[str, str]:
    return {"kind": "transfer", "payer": "990000000099", "payer_id": hashed, "at": "2026-03-01T03:12:00+00:00"}


@pytest.mark.parametrize("said", range(3))
@pytest.mark.parametrize("under", range(3))
def test_a_signal_is_the_payers_whichever_keys_the_signal_and_the_entry_were_hashed_under(
    under: int, said: int
) -> None:
    who, hers, anothers = person(under), transfer(HERS[said]), transfer(ANOTHERS[said])
    assert list(who.signals([anothers, hers])) == [hers]
    assert who.mentioned(None, json.dumps([anothers, hers]).encode())
    assert not who.mentioned(None, json.dumps([anothers]).encode())


def test_a_hash_under_a_key_that_is_no_longer_configured_is_nobodys() -> None:
    who = person(0, IdKeys(KEYS.first, KEYS.later[:1]))
    assert list(who.signals([transfer(HERS[1])])) == [transfer(HERS[1])]
    assert list(who.signals([transfer(HERS[2])])) == []
    assert not who.mentioned(None, json.dumps([transfer(HERS[2])]).encode())
