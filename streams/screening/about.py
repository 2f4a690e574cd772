"""About whom a batch of signals says something: the evidence by resident, under the entry that stands for each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from schemas.people.residents import Resident, ResidentId
from schemas.risk.evidence import Evidence
from streams.repositories.residents.register import Residents
from streams.screening.matching import MatchedBatch


def evidence_in(matched: MatchedBatch) -> dict[ResidentId, list[Evidence]]:
    """The evidence of a batch, by the resident whom it was found about."""
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
    """The evidence under the ids of the entries that stand, and these entries by their own and by the asked ids.

    Evidence about somebody who is no longer entered is left out.
    """
    entries = await residents.standing(evidence) if evidence else {}
    entries |= {entry.id: entry for entry in entries.values()}
    found: defaultdict[ResidentId, list[Evidence]] = defaultdict(list)
    for resident, members in evidence.items():
        if resident in entries:
            found[entries[resident].id].extend(members)
    return dict(found), entries
