"""Erases a guardian's provisional entry with the minor's, for whom alone another province told of the guardian."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from schemas.people.residents import ReportSource, Resident, ResidentId
from streams.installation import Installation
from streams.operations.erasure_checks import NotForgottenError, cases_of, refuse_ordered
from streams.screening.store import EvidenceStore
from streams.security.vault import Vault


async def guardians_left(
    line: Installation, ids: Sequence[ResidentId], entries: Mapping[ResidentId, Resident]
) -> list[ResidentId]:
    """Return the guardians whose entries serve nobody once a person is erased. `ids`: the person's entries; `entries`:
    those that the register has, by id.

    Such an entry was made of a hand-over from another province and no register has delivered it since; no other entry
    names it or was merged into it, it has no case, and no order keeps its data. Any other guardian's entry belongs to
    the guardian. Scans the register if there may be one. Raises RedisError or KafkaError if Redis or Kafka is
    unavailable.
    """
    named = {each.guardian for each in entries.values() if each.guardian} - set(ids)
    found = (await line.residents.get(named)).values()
    told = {each.id for each in found if each.provisional is ReportSource.FORCE and not each.merged_into}
    left = told - await _needed(line, told, ids) if told else set()
    return [each for each in sorted(left) if await _may_go(line, each)]


async def erase_guardians(line: Installation, vault: Vault, guardians: Iterable[ResidentId], at: datetime) -> None:
    """Destroy the keys of the guardians' entries at `at`, and delete the entries and their evidence. It may be
    repeated, and precedes the destruction of the minor's keys, whose entry names them. Raises SendError if Kafka
    refuses a record, and RedisError if Redis or the vault is unavailable.
    """
    for each in guardians:
        await EvidenceStore(line.redis, line.settings.partitions).erase(each)
        await vault.mark_destroyed([each], at)
        await line.residents.erase([each])


async def _needed(line: Installation, told: set[ResidentId], ids: Sequence[ResidentId]) -> set[ResidentId]:
    """Return those of `told` that an entry other than `ids` names or was merged into."""
    needed = set[ResidentId]()
    async for batch in line.residents.all():
        others = [each for each in batch if each.id not in ids]
        needed |= {name for each in others for name in (each.guardian, each.merged_into) if name in told}
    return needed


async def _may_go(line: Installation, guardian: ResidentId) -> bool:
    if await cases_of(line, guardian):
        return False
    try:
        await refuse_ordered(line, [guardian])
    except NotForgottenError:
        return False
    return True
