"""What the page of the police's records shows: the rows of matched records, and the figures of a person's area."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console.web.auth.who import Who
from console.web.auth.words import N_
from console.web.kit.services import Services
from domain.dispatches.warnings import warning_before
from domain.statistics.after_warning import AfterWarningRow, GroupCounts, GroupName, share_rows
from domain.statistics.fraud_records import KeptRecord
from domain.statistics.week_answers import WeekAnswers, week_answers
from schemas.administration.after_warning import AfterWarningReading
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.frauds import GivenWarning
from schemas.people.residents import ResidentId
from schemas.risk.reported_frauds import MatchedBy, MatchStrength, UnmatchedReason
from streams.messaging.topics import home

MOST_STATIONS = 40  # stations in the table; `quanzu report after-warning --json` writes all

MATCHED_BY = {
    MatchedBy.ID_NUMBER: N_("身份证号"),
    MatchedBy.PHONE_NAME: N_("手机号和姓名"),
    MatchedBy.PHONE_ACCOUNT: N_("手机号和账户"),
    MatchedBy.PHONE_DIVISION: N_("手机号和住地"),
    MatchedBy.ACCOUNT: N_("账户"),
}
STRENGTHS = {
    MatchStrength.CERTAIN: N_("确定"),
    MatchStrength.STRONG: N_("较确定"),
    MatchStrength.FAIR: N_("待核实"),
}
UNMATCHED = {
    UnmatchedReason.NO_IDENTIFIER: N_("没有身份证号、手机号或账户"),
    UnmatchedReason.NOT_IN_REGISTER: N_("登记册中没有此人"),
    UnmatchedReason.PHONE_ALONE: N_("只有手机号相符"),
    UnmatchedReason.OTHER_NAME: N_("号码是另一个人的"),
    UnmatchedReason.CONFLICT: N_("各项号码指向不同的人"),
    UnmatchedReason.AMBIGUOUS: N_("几个人同样相符（如同名）"),
}
REMEDIES = {
    UnmatchedReason.NO_IDENTIFIER: N_("请公安补充其中一项，按下一版本发送。"),
    UnmatchedReason.NOT_IN_REGISTER: N_("更新登记册后，把同一记录再发送一次。"),
    UnmatchedReason.PHONE_ALONE: N_("请公安补充姓名、账户或区县，按下一版本发送。"),
    UnmatchedReason.OTHER_NAME: N_("请公安核对受害人的姓名和身份证号，按下一版本发送。"),
    UnmatchedReason.CONFLICT: N_("由人判断：查明是谁，按下一版本发送正确的身份证号。"),
    UnmatchedReason.AMBIGUOUS: N_("由人判断：查明是谁，按下一版本发送身份证号。"),
}
"""What can be done about unmatched records, by the reason."""


@dataclass(frozen=True, slots=True)
class MatchedRow:
    """A matched record, as the person may see it.

    `name`: of the resident, for the template to mask, and `case`: the resident's latest one; both are None if they are
    not in the person's area, or were erased. `days`: from the latest warning to the fraud, None if none of the 90 days
    before reached the resident; `warning`: that one, None if the case has forgotten it (after 120 days).
    """

    record: KeptRecord
    name: str | None
    case: Case | None
    days: float | None
    warning: GivenWarning | None


async def matched_rows(made: Services, who: Who, records: Sequence[KeptRecord]) -> list[MatchedRow]:
    """Return a row for each matched record, in their order. Name and case of a resident outside the person's area are
    None. Errors of Redis pass through.
    """
    standing = await made.line.residents.standing({each.resident for each in records if each.resident})
    cases = await _latest_cases(made, {resident.id for resident in standing.values()})
    rows = []
    for each in records:
        resident = standing.get(each.resident or "")
        case = cases.get(resident.id) if resident else None
        fraud = next((fraud for fraud in case.frauds if fraud.id == each.id), None) if case else None
        days = fraud.after_warning_days if fraud else None
        rows.append(
            MatchedRow(
                each,
                resident.name if resident and who.sees(resident.division) else None,
                case if case and who.sees(case.profile.division) else None,
                days,
                warning_before(case, each.happened_at) if case and days is not None else None,
            )
        )
    return rows


async def _latest_cases(made: Services, residents: Iterable[ResidentId]) -> dict[ResidentId, Case]:
    by_partition: defaultdict[int, list[ResidentId]] = defaultdict(list)
    for each in residents:
        by_partition[home(each, made.line.settings.partitions)].append(each)
    found = await asyncio.gather(
        *(made.line.store.raw_cases(partition, names) for partition, names in by_partition.items())
    )
    return {
        resident: Case.model_validate_json(raw, extra=ANY_VERSION) for part in found for resident, raw in part.items()
    }


def rates(reading: AfterWarningReading, who: Who) -> dict[str, list[AfterWarningRow]]:
    """Return the shares of frauds after warnings in the person's area by dimension ("all", "level", "channel",
    "message", "station"); without a warning, an empty dict. Of stations only the MOST_STATIONS (40) with the most
    frauds within 30 days, the most first.
    """
    counts = {
        GroupName(each.division, each.dimension, each.value): GroupCounts(each.warned, each.old, each.defrauded)
        for each in reading.groups
        if who.sees(each.division)
    }
    found: defaultdict[str, list[AfterWarningRow]] = defaultdict(list)
    for row in share_rows(counts):
        found[row.dimension].append(row)
    if "station" in found:
        found["station"].sort(key=lambda row: (-row.within[0].k, -row.warned, row.value))
        del found["station"][MOST_STATIONS:]
    return dict(found)


def dissuaded_answers(reading: AfterWarningReading, who: Who) -> WeekAnswers:
    """Return what the dissuaded of the person's area answered when they were asked a week later."""
    counts: Counter[str] = Counter()
    for each in reading.dissuaded:
        if who.sees(each.division):
            counts.update(each.cases)
    return week_answers(counts)


def not_warned(records: Iterable[KeptRecord], reading: AfterWarningReading) -> int:
    """Return how many of the records were matched to somebody whom no warning of the 90 days before had reached. Only
    records that came before the reading count.
    """
    return sum(
        each.resident is not None and each.received_at <= reading.at and each.id not in reading.after_warning
        for each in records
    )
