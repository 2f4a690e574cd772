"""Likely victims of a suspect: the people who paid it, or whom it called, ranked by danger.

The danger is the expected further loss: the probability of fraud times what may still be lost. Both come from the
policy's weights (domain/risk/score), and a contact counts less the older it is, by its kind's half-life. So the list
needs no figure of its own, and ranks people as the queue of cases does.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.policy.risk import RiskRules
from domain.risk.score import Outlook, outlook
from domain.risk.sets import merged
from schemas.base import Partial
from schemas.casework.cases import Case, Profile
from schemas.levels import Outcome
from schemas.people.residents import ResidentId
from schemas.risk.evidence import Evidence, EvidenceKind


class ContactSource(StrEnum):
    """Where a likely victim was found. INFLOW: a payment to the suspect's account; CALL: a call from its number."""

    INFLOW = "inflow"
    CALL = "call"


class ContactReach(StrEnum):
    """Whether a person on a list was reached. REACHED: a contact has reached them since the suspect was confirmed, or
    they were dissuaded since; WAITING: their case is open, and no contact has; UNREACHABLE: their case ended since,
    because nobody could reach them; NO_CASE: they have no open case.
    """

    REACHED = "reached"
    WAITING = "waiting"
    UNREACHABLE = "unreachable"
    NO_CASE = "no_case"


_SOURCES = Partial(
    {
        EvidenceKind.SUSPECT_PAYEE: ContactSource.INFLOW,
        EvidenceKind.REPORTED_PAYEE: ContactSource.INFLOW,
        EvidenceKind.SUSPECT_CALLER: ContactSource.CALL,
    }
)


@dataclass(frozen=True, slots=True)
class LikelyVictim:
    """A person on a suspect's list. `paid_fen`: the sum of the payments to the suspect, each once; 0 after calls alone.

    `contacts`: the number of payments or calls; `last_at`: the latest of them.
    """

    resident: ResidentId
    source: ContactSource
    paid_fen: int
    contacts: int
    last_at: datetime
    outlook: Outlook


def contact_source(evidence: Evidence) -> ContactSource | None:
    """Return how a piece of evidence shows a contact with a suspect: INFLOW for a payment, CALL for a call; None for
    evidence of any other kind.
    """
    return _SOURCES.get(evidence.kind)


def likely_victims(
    contacts: Iterable[tuple[ResidentId, Evidence]],
    known: Mapping[ResidentId, Sequence[Evidence]],
    profiles: Mapping[ResidentId, Profile],
    rules: RiskRules,
    now: datetime,
    settled: Mapping[ResidentId, datetime],
) -> list[LikelyVictim]:
    """Return a suspect's likely victims, those in the greatest danger first, at most the policy's `upstream.people`.

    `contacts`: the evidence that the suspect's watchlist entry makes of earlier contacts, by the resident's canonical
    id; `known`: all evidence about each; `profiles`: people without one are left out; `settled`: when a resident's last
    case was settled. Neither the order nor the repetition of `contacts` matters. Of equal dangers, the later contact
    comes first.
    """
    by_resident: defaultdict[ResidentId, list[Evidence]] = defaultdict(list)
    for resident, evidence in contacts:
        if contact_source(evidence) is not None and not evidence.withdrawn:
            by_resident[resident].append(evidence)
    found = [
        victim
        for resident, those in by_resident.items()
        if resident in profiles
        and (victim := _victim(resident, those, known.get(resident, ()), profiles, rules, now, settled)) is not None
    ]
    found.sort(key=lambda each: (-each.outlook.expected_fen, -each.last_at.timestamp(), each.resident))
    return found[: rules.upstream.people]


def reach_of(case: Case | None, confirmed_at: datetime) -> ContactReach:
    """Return whether a person who paid a suspect, or whom it called, was reached since the suspect was confirmed
    (`confirmed_at`). `case`: the person's latest case, or None.

    REACHED: warned, met, dissuaded, or answered the desk's call since then. Otherwise WAITING: the case is open and not
    settled; UNREACHABLE: it ended since then, because nobody could reach them; NO_CASE: no case, or it ended otherwise.
    """
    if case is None:
        return ContactReach.NO_CASE
    call = case.desk_call.at if case.desk_call is not None and case.desk_call.answered else None
    dissuaded = case.settled_at if case.outcome is Outcome.DISSUADED else None
    contacts = (case.warned_at, case.met_at, call, dissuaded)
    if any(at is not None and at >= confirmed_at for at in contacts):
        return ContactReach.REACHED
    if case.open and not case.settled:
        return ContactReach.WAITING
    ended_since = case.settled_at is not None and case.settled_at >= confirmed_at
    unreachable = ended_since and case.outcome is Outcome.UNREACHABLE
    return ContactReach.UNREACHABLE if unreachable else ContactReach.NO_CASE


def _victim(
    resident: ResidentId,
    contacts: Iterable[Evidence],
    known: Iterable[Evidence],
    profiles: Mapping[ResidentId, Profile],
    rules: RiskRules,
    now: datetime,
    settled: Mapping[ResidentId, datetime],
) -> LikelyVictim | None:
    own = merged({}, contacts)
    everything = merged({each.id: each for each in known}, own.values())
    found = outlook(everything.values(), profiles[resident], rules, now, settled.get(resident))
    if found is None:
        return None
    inflows = [each for each in own.values() if contact_source(each) is ContactSource.INFLOW]
    amounts = {each.transfer: each.amount_fen or 0 for each in inflows}
    return LikelyVictim(
        resident=resident,
        source=ContactSource.INFLOW if inflows else ContactSource.CALL,
        paid_fen=sum(amounts.values()),
        contacts=len(own),
        last_at=max(each.at for each in own.values()),
        outlook=found,
    )
