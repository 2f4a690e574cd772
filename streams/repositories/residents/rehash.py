"""ID numbers' hashes put under the key in force, the whole register through."""

from functools import partial

from domain.identity.entries import changed
from domain.identity.id_keys import IdKeys, UnknownKeyError
from schemas.people.residents import Resident
from streams.repositories.residents.register import Residents


async def rehash(register: Residents, keys: IdKeys) -> int:
    """Put every hash under the key in force; returns how many were under an earlier one.

    Interrupted, it is done again: what was put is passed over. Raises UnknownKeyError before anything is written when
    the register knows a later key.
    """
    await check_keys(register, keys)
    count = 0
    async for batch in register.all():
        behind = [each.id for each in batch if each.id_hash and keys.newest(each.id_hash) != each.id_hash]
        count += await register.change(behind, partial(_renewed, keys))
    return count


async def check_keys(register: Residents, keys: IdKeys) -> None:
    """Raises UnknownKeyError when the register's first entries are hashed under a later key than `keys` has.

    `rehash` begins with these. Who took in people without that key would find nobody, and enter all of them again.
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
