"""A payment finds its payer by the hash of the ID number where no account does."""

from pathlib import Path

from pydantic import SecretStr

from domain.identity.id_keys import IdKeys
from schemas.risk.signals import Signal
from streams.repositories.residents.rehash import rehash
from tests.streams.screening.screening_line import ACCOUNTS, ANNA, BERT, Line, resident, running, transfer, watch

HASH, OTHER = "a" * 26, "b" * 26
NUMBER, ANOTHER = "1", "2"
FIRST_KEY, NEW_KEY = b"the first key of this test", b"the second key of this test"


async def test_the_holder_of_the_id_number_is_found_and_the_holder_of_the_account_comes_first(tmp_path: Path) -> None:
    async with running(tmp_path) as line:
        await line.residents.put([resident(ANNA).model_copy(update={"id_hash": HASH})])
        await line.screen([watch()])
        await line.screen([transfer(uid="unknown", payer="990000000099", payer_id=HASH)])
        assert len(await line.evidence(ANNA)) == 1
        await line.screen([transfer(uid="both", payer_id=HASH)])
        assert len(await line.evidence(ANNA)) == 2, "once by both"
        await line.screen([transfer(BERT, uid="berts", payer=ACCOUNTS[BERT], payer_id=HASH)])
        assert (len(await line.evidence(ANNA)), len(await line.evidence(BERT))) == (2, 1)
        await line.screen([transfer(uid="nobody", payer="990000000099", payer_id=OTHER)])
        tally = await line.tally()
        assert tally["unmatched"] == 1


def with_keys(line: Line, *later: bytes) -> IdKeys:
    """Begin screening again with these later keys of ID numbers, as workers do after a restart; the keys."""
    secret = {"secret": SecretStr(FIRST_KEY.decode()), "id_keys": SecretStr(",".join(key.decode() for key in later))}
    line.settings = line.settings.model_copy(update=secret)
    line.screening = line.another()
    return line.settings.id_number_keys()


def paid(uid: str, hashed: str) -> list[Signal]:
    """A payment from an account that the register does not have."""
    return [transfer(uid=uid, payer="990000000099", payer_id=hashed)]


async def test_signals_and_residents_of_before_and_after_a_change_of_the_key_find_each_other(tmp_path: Path) -> None:
    async with running(tmp_path) as line:
        (former,) = with_keys(line).hashes(NUMBER)
        await line.residents.put([resident(ANNA).model_copy(update={"id_hash": former})])
        await line.screen([watch()])
        await line.screen(paid("before", former))
        keys = with_keys(line, NEW_KEY)
        await line.screen(paid("after the change, hashed before it", former))
        assert len(await line.evidence(ANNA)) == 2
        assert await rehash(line.residents, keys) == 1
        await line.residents.put([resident(BERT).model_copy(update={"id_hash": keys.hashes(ANOTHER)[-1]})])
        await line.screen(paid("hashed before, the entry renewed", former))
        await line.screen(paid("hashed after it", keys.hashes(NUMBER)[-1]))
        assert len(await line.evidence(ANNA)) == 4
        await line.screen(paid("hashed before, of a new resident", keys.hashes(ANOTHER)[0]))
        assert len(await line.evidence(BERT)) == 1
        with_keys(line, b"another second key, of others")
        await line.screen(paid("under a key that nobody has here", f"{'x' * 26}.2"))
        assert (await line.tally())["unmatched"] == 1


async def test_an_entry_of_two_changes_ago_is_found_by_a_signal_of_three_changes_ago(tmp_path: Path) -> None:
    async with running(tmp_path) as line:
        keys = with_keys(line, NEW_KEY, b"the third key of this test", b"the fourth key of this test")
        hashes = keys.hashes(NUMBER)
        await line.residents.put([resident(ANNA).model_copy(update={"id_hash": hashes[1]})])
        await line.screen([watch()])
        await line.screen(paid("old", hashes[0]))
        assert len(await line.evidence(ANNA)) == 1
