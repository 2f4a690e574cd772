"""The evidence of a batch, grouped by resident under the id of their canonical entry in the register."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from schemas.people.residents import Resident, ResidentId
from schemas.risk.evidence import Evidence
from streams.repositories.residents.register import Residents
from streams.screening.matching import MatchedBatch


def evidence_in(matched: MatchedBatch) -> dict[ResidentId, list[Evidence]]:
    """Return the evidence of a batch, including the late evidence, by the id of the resident whom it is about.
    Residents without evidence are left out.

    The ids are those that the lookup in the register returned; `standing` maps them to canonical ids.
    """
    found: defaultdict[ResidentId, list[Evidence]] = defaultdict(list)
    for record in matched.records:
        for finding in record.findings:
            for resident, member in finding.about:
                found[resident].append(member)
            if finding.resident and finding.late:
                found[finding.resident] += finding.late
    return found


async def standing(
    residents: Residents, evidence: Mapping[ResidentId, Sequence[Evidence]]
) -> tuple[dict[ResidentId, list[Evidence]], dict[ResidentId, Resident]]:
    """Return a pair: the evidence by canonical resident id, and the canonical register entries by both their own ids
    and the given ids.

    `evidence`: by any id of a resident. Residents who are no longer in the register are left out. If two ids belong to
    one person, their evidence is in one list. Raises RedisError if Redis is unavailable.
    """
    entries = await residents.standing(evidence) if evidence else {}
    entries |= {entry.id: entry for entry in entries.values()}
    found: defaultdict[ResidentId, list[Evidence]] = defaultdict(list)
    for resident, members in evidence.items():
        if resident in entries:
            found[entries[resident].id].extend(members)
    return dict(found), entries
