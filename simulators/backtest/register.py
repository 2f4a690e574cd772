"""Finds the residents of recorded signals without a server: from a file, or by making up one for each number."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

from pydantic import ValidationError

from domain.identity.divisions import PROVINCE
from domain.identity.identifiers import new_resident_id, normal_account, normal_phone
from schemas.errors import UserError
from schemas.people.residents import Holding, Occupation, Resident, ResidentId, Sex
from simulators.world.memory import Register
from streams.repositories.residents.register import Asked, Residents


class ResidentsError(UserError, ValueError):
    """The file of residents cannot be used. The text says where and what to do."""


class Anybody(Residents):
    """A register that makes up a resident for every account and telephone.

    A person's account and telephone become two residents, and a call is always about the callee. Ids are hashes keyed
    with `secret`, so no number can be derived from them.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    async def find(self, asked: Sequence[Asked]) -> list[ResidentId | None]:
        """Return the id of a made-up resident for each number in `asked`, in that order. Equal numbers get equal ids;
        an element is never None.
        """
        return [self._name(each) for each in asked]

    async def standing(self, ids: Iterable[ResidentId]) -> dict[ResidentId, Resident]:
        """Return a made-up resident for each id, keyed by id. All have the same placeholder data: a woman born in 1980,
        an employee, without telephone and account.
        """
        return {name: _somebody(name) for name in ids}

    def _name(self, asked: Asked) -> ResidentId:
        text = f"{asked.by}\0{asked.value}".encode()
        return new_resident_id(blake2b(text, key=self._secret[:64], digest_size=10).digest())


def read(path: Path) -> Register:
    """Read a file of residents, one JSON object per line as `quanzu lab simulate` writes them, and return an in-memory
    register of them. Telephones and accounts are normalized if they are valid.

    Raises ResidentsError, which names the first invalid line, and OSError if the file cannot be read.
    """
    found = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                found.append(_spelt(Resident.model_validate_json(line)))
            except ValidationError as error:
                where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"][:1])
                raise ResidentsError(
                    f"{path}, line {number}: no resident ({where or 'not JSON'}). One resident a line, as JSON, as "
                    "`quanzu lab simulate` writes residents.jsonl"
                ) from None
    return Register(found)


def _spelt(resident: Resident) -> Resident:
    """Return the resident with telephones and accounts normalized, for lookups."""
    phones = [_normal(normal_phone, holding) for holding in resident.phones]
    return resident.model_copy(
        update={"phones": phones, "accounts": [_normal(normal_account, holding) for holding in resident.accounts]}
    )


def _normal(spell: Callable[[str], str], holding: Holding) -> Holding:
    try:
        return holding.model_copy(update={"value": spell(holding.value)})
    except ValueError:
        return holding


def _somebody(name: ResidentId) -> Resident:
    """Return a resident with placeholder data. At-risk groups of a policy must not be applied to it."""
    return Resident(
        id=name, name="–", birth_year=1980, sex=Sex.FEMALE, occupation=Occupation.EMPLOYEE, division=PROVINCE
    )
