"""Renewal of the register's ID-number hashes under the current key, after a key was rotated."""

from functools import partial

from domain.identity.entries import changed
from domain.identity.id_keys import IdKeys, UnknownKeyError
from schemas.people.residents import Resident
from streams.repositories.residents.register import Residents


async def rehash(register: Residents, keys: IdKeys) -> int:
    """Replace every ID-number hash in the register that uses an earlier key by the current key's, and return the number
    of changed entries.

    Safe to repeat after an interruption: renewed entries are skipped. Raises UnknownKeyError, before anything is
    written, if the register already uses a later key than `keys` has. Errors of `Residents.change` pass through.
    """
    await check_keys(register, keys)
    count = 0
    async for batch in register.all():
        behind = [each.id for each in batch if each.id_hash and keys.newest(each.id_hash) != each.id_hash]
        count += await register.change(behind, partial(_renewed, keys))
    return count


async def check_keys(register: Residents, keys: IdKeys) -> None:
    """Raise UnknownKeyError if an ID number among the register's first entries is hashed under a later key than `keys`
    has; else do nothing. Raises RedisError if Redis is unavailable.

    `rehash` renews those entries first. An import without the later key would find nobody and enter every person again.
    """
    async for batch in register.all():
        try:
            for each in batch:
                _renewed(keys, each)
        except UnknownKeyError as error:
            raise UnknownKeyError(f"the hash of an ID number in the register {error}") from None
        if batch:
            return


def _renewed(keys: IdKeys, resident: Resident) -> Resident:
    return changed(resident, id_hash=keys.newest(resident.id_hash)) if resident.id_hash else resident
