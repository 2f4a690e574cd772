"""Major incidents, in which one campaign hits many residents: the figures of their boards, their beginning and end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from domain.casework.triage import to_go
from domain.identity.divisions import meet
from domain.payments import ledger
from schemas.casework.cases import Case, CaseState
from schemas.levels import Level
from schemas.people.incidents import Incident

LEAST = 3  # assumed: the least number of open cases for which a campaign gets a board
COUNTY = 6  # digits of a division code


class EndedError(ValueError):
    """The incident has already ended, so it cannot be changed or ended."""


@dataclass(frozen=True, slots=True)
class Board:
    """Sums over the open cases of a campaign; money in fen.

    `scam_type`: the most common one, "" without cases. `cases`: their number; `in_danger`: those that are not settled;
    `levels`, `states`, `counties` (first six digits of the division): numbers of cases by each. `stated`: cases
    dissuaded on a ground that a person only stated. `at_stake`: in payments of unsettled cases that are neither settled
    nor safe. `stopped`: in payments under a stop in force. `kept`: loss avoided by evidence class A to C (D is
    modelled, and left out). `lost`: money lost.
    """

    scam_type: str
    cases: int
    in_danger: int
    levels: Mapping[Level, int]
    states: Mapping[CaseState, int]
    stated: int
    counties: Mapping[str, int]
    at_stake: int
    stopped: int
    kept: Mapping[str, int]
    lost: int


def board(cases: Iterable[Case]) -> Board:
    """Return the sums over `cases`, money in fen. The caller must pass open cases only: closed ones are not filtered
    out.
    """
    found = list(cases)
    totals = [ledger.of_case(case) for case in found]
    return Board(
        scam_type=_scam_type(found),
        cases=len(found),
        in_danger=sum(not case.settled for case in found),
        levels=Counter(case.level for case in found),
        states=Counter(case.state for case in found),
        stated=sum(total.dissuaded_stated for total in totals),
        counties=Counter(case.profile.division[:COUNTY] for case in found),
        at_stake=sum(to_go(case) for case in found if not case.settled),
        stopped=sum(_stopped(case) for case in found),
        kept={evidence: sum(total.avoided_by_class[evidence] for total in totals) for evidence in "ABC"},
        lost=sum(total.lost for total in totals),
    )


class CampaignOutline(NamedTuple):
    """What a campaign is, where, and since when. `scam_type`: the most common one; `counties`: the first six digits of
    its divisions, the one with most cases first; `since`: when its first case was opened.
    """

    scam_type: str
    counties: list[str]
    since: datetime


def outline(cases: Sequence[Case]) -> CampaignOutline:
    """Return what the given cases of one campaign have in common. Raises ValueError without any case."""
    counties = Counter(case.profile.division[:COUNTY] for case in cases)
    return CampaignOutline(
        _scam_type(cases),
        sorted(counties, key=lambda county: (-counties[county], county)),
        min(case.opened_at for case in cases),
    )


def campaigns(cases: Iterable[Case], least: int = LEAST) -> list[tuple[str, Board]]:
    """Return (campaign id, board) of each campaign with at least `least` of these cases: most residents in danger
    first, then most money at stake, then by id. Cases without a campaign are left out.
    """
    grouped: defaultdict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.danger.campaign:
            grouped[case.danger.campaign].append(case)
    found = [(name, board(members)) for name, members in grouped.items() if len(members) >= least]
    return sorted(found, key=lambda each: (-each[1].in_danger, -each[1].at_stake, each[0]))


def ended(incident: Incident, by: str, reason: str, now: datetime) -> Incident:
    """Return a copy of the incident, ended by the person `by` at `now` for `reason`. Raises EndedError if it has
    already ended.
    """
    if not incident.in_force:
        raise EndedError("the incident was ended before")
    return incident.model_copy(update={"ended_at": now, "ended_by": by, "end_reason": reason})


def reworded(incident: Incident, script: str) -> Incident:
    """Return a copy of the incident with `script` as its note for operators. Raises EndedError if it has ended."""
    if not incident.in_force:
        raise EndedError("the incident was ended before")
    return incident.model_copy(update={"script": script})


def touches(incident: Incident, area: str) -> bool:
    """Return True if the incident's area and `area` overlap: one contains the other, or they are equal.

    Areas are the first digits of division codes; "" is the whole province.
    """
    return meet(incident.area, area)


def _scam_type(cases: Iterable[Case]) -> str:
    counted = Counter(case.danger.scam_type for case in cases)
    return min(counted, key=lambda scam: (-counted[scam], scam), default="")


def _stopped(case: Case) -> int:
    return sum(payment.amount_fen for payment in case.payments if payment.stop and payment.stop.in_force)
