"""Fraud after a warning, from the police's own records: within 30 and 90 days, by level, channel, message and station.

Computed from the journal alone, whatever the order of its events, and from the table of matched records. A share counts
only warnings that are at least as old as its span, because later ones have not had the time to fail.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import add
from typing import NamedTuple

from domain.casework.week.question import channel_of_ground
from domain.statistics.fraud_records import record_totals
from domain.statistics.shares import ShareEstimate, share_of
from domain.statistics.week_answers import WeekAnswers, answer_counts, week_answers
from schemas.casework.cases import Case, CaseState, WeekQuestion
from schemas.casework.events import CaseEvent, FactKind
from schemas.casework.frauds import GivenWarning
from schemas.levels import Action, Channel, Outcome, OutcomeGround, Result, WeekAnswer
from schemas.risk.reported_frauds import FraudMatch
from schemas.risk.signals import TransferState

SPANS = (timedelta(days=30), timedelta(days=90))
WEEK = timedelta(days=7)
SMS_ALONE_SINGAPORE = 2_016 / 6_464  # Singapore's police, SMS alone: scams broken off of people reached (31 %)


class AfterWarningRow(NamedTuple):
    """Fraud after the warnings of one group, such as `dimension` "level" and `value` "red". `warned`: the number of
    cases with such a warning.

    `within`: for each of SPANS (30 and 90 days), in that order, the share of cases whose resident was defrauded within
    this time after such a warning. Only cases that were warned at least so long ago count.
    """

    dimension: str
    value: str
    warned: int
    within: tuple[ShareEstimate, ...]


class WeekConfirmation(NamedTuple):
    """Residents who were dissuaded, at the time and after a week.

    `at_the_time`: cases in which the resident was dissuaded at some time; `a_week_old`: of these, those that are a week
    old. Of `a_week_old`: `no_payment`: without a settled payment, a loss or a recorded fraud in that week; `asked`: the
    resident confirmed it again after a week; `asked_otherwise`: by another channel than the one that dissuaded them;
    `confirmed`: asked by another channel, and no payment. `question`: what they answered when asked by the plan.
    """

    at_the_time: int
    a_week_old: int
    no_payment: ShareEstimate
    asked: ShareEstimate
    asked_otherwise: ShareEstimate
    confirmed: ShareEstimate
    question: WeekAnswers


class SmsAlone(NamedTuple):
    """Cases that only text messages reached. `reached`: all of them; `broken_off`: of those in which the resident had
    begun to pay before the first message, the share without a further payment, loss or recorded fraud in 30 days.
    """

    reached: int
    broken_off: ShareEstimate


class RecordCounts(NamedTuple):
    """The police's records of frauds: `received`, how many came; `matched_by` and `strength`, how many were matched to
    a resident, by the kind of data and by how sure the match is; `unmatched`, how many were not, by the reason.

    `not_warned`: matched to somebody whom no warning of the 90 days before the fraud had reached; `after_warning`: to
    somebody whom one had. Their sum is the number of matched records.
    """

    received: int
    matched_by: dict[str, int]
    strength: dict[str, int]
    unmatched: dict[str, int]
    not_warned: int
    after_warning: int


@dataclass(frozen=True, slots=True)
class WarnedCase:
    """The part of a case that these figures need. A whole case takes tens of kilobytes of memory, and the report keeps
    every case. `number`: of the case among its resident's.

    `warnings`: those that reached the resident in this case; `frauds`: when the frauds in the police's records
    happened, those of earlier cases too; `payments`: when each payment began; `paid`: when money left the resident, by
    settled payments and losses. `dissuaded`: the resident stands as dissuaded, or was asked about it a week later;
    `week`: that question, None if it was not put.
    """

    resident: str
    number: int
    version: int
    division: str
    warnings: tuple[GivenWarning, ...]
    frauds: tuple[datetime, ...]
    payments: tuple[datetime, ...]
    paid: tuple[datetime, ...]
    dissuaded: bool
    week: WeekQuestion | None


def warned_case(case: Case) -> WarnedCase:
    """Return the part of a case that these figures need."""
    settled = [each.at for each in case.payments if each.state is TransferState.SETTLED]
    return WarnedCase(
        resident=case.resident,
        number=case.number,
        version=case.version,
        division=case.profile.division,
        warnings=tuple(each for each in case.warnings if each.number == case.number and not each.action.to_contact),
        frauds=tuple(each.happened_at for each in case.frauds),
        payments=tuple(each.at for each in case.payments),
        paid=(*settled, *(each.at for each in case.losses)),
        dissuaded=case.outcome is Outcome.DISSUADED or case.week is not None,
        week=case.week,
    )


@dataclass(slots=True)
class WarningHistory:
    """The warnings and dissuasions in a journal. Events may be added in any order and repeatedly.

    `latest`: each case in its highest version; `dissuaded`: by case, when and on which ground the resident was first
    dissuaded, with the version; `safe`: by case, when a follow-up call was answered with "all is well".
    """

    latest: dict[str, WarnedCase] = field(default_factory=dict)
    dissuaded: dict[str, tuple[int, datetime, OutcomeGround | None]] = field(default_factory=dict)
    safe: defaultdict[str, set[datetime]] = field(default_factory=lambda: defaultdict(set))

    def add(self, event: CaseEvent) -> None:
        """Add an event of the journal, in place. Events may come in any order and repeatedly; an older version of a
        case does not replace a newer one.
        """
        case = event.case
        known = self.latest.get(case.id)
        if known is None or case.version > known.version:
            self.latest[case.id] = warned_case(case)
        if case.state is CaseState.DISSUADED:
            first = self.dissuaded.get(case.id)
            if first is None or case.version < first[0]:
                self.dissuaded[case.id] = case.version, case.settled_at or event.at, case.ground
        for fact in event.facts:
            if fact.kind is FactKind.RESULT and fact.action is Action.FOLLOW_UP and fact.result is Result.ACKNOWLEDGED:
                self.safe[case.id].add(event.at)

    @property
    def of_residents(self) -> dict[str, list[WarnedCase]]:
        """The cases by resident's id; the cases of each resident are in the order of their numbers, so the first one
        comes first.
        """
        return by_resident(self.latest.values())


def by_resident(cases: Iterable[WarnedCase]) -> dict[str, list[WarnedCase]]:
    """Return the cases by resident's id, each resident's in the order of their numbers. `cases`: each case once."""
    found: defaultdict[str, list[WarnedCase]] = defaultdict(list)
    for case in sorted(cases, key=lambda case: case.number):
        found[case.resident].append(case)
    return found


@dataclass(frozen=True, slots=True)
class AfterWarning:
    """The figures of the report on fraud after a warning: `rows`, by group of warnings; `week`, residents who were
    dissuaded; `sms_alone`, cases that only text messages reached; `records`, the police's records.
    """

    rows: list[AfterWarningRow]
    week: WeekConfirmation
    sms_alone: SmsAlone
    records: RecordCounts


def after_warning(history: WarningHistory, matches: Iterable[FraudMatch], now: datetime) -> AfterWarning:
    """Return the figures on fraud after warnings as of `now`. `history`: the warnings, from the journal. `matches`:
    every record that the police have sent, in its latest version.
    """
    residents = history.of_residents
    return AfterWarning(
        rows=share_rows(group_counts(residents, now)),
        week=_week(history, residents, now),
        sms_alone=_sms_alone(residents, now),
        records=_records(residents, list(matches)),
    )


def _fraud_times(cases: Sequence[WarnedCase]) -> list[datetime]:
    """Return when the resident's recorded frauds happened: the latest case knows all of them, as corrected."""
    return list(cases[-1].frauds) if cases else []


# --- by group ---------------------------------------------------------------------------------------------------------

_GROUPS: Mapping[str, Callable[[WarnedCase, GivenWarning], str]] = {
    "all": lambda case, warning: "",
    "level": lambda case, warning: groups_of(warning)["level"],
    "channel": lambda case, warning: groups_of(warning)["channel"],
    "message": lambda case, warning: groups_of(warning)["message"],
    "station": lambda case, warning: case.division,
}
"""By dimension, the group of a warning. A station's area is the street or township of its residents."""


def groups_of(warning: GivenWarning) -> dict[str, str]:
    """Return the groups to which a warning belongs, by dimension: "level", "channel" and "message" (the name of the
    message or script, or without one, that of the action).
    """
    return {
        "level": warning.level.value,
        "channel": warning.action.channel.value,
        "message": warning.message or warning.action.value,
    }


class GroupName(NamedTuple):
    """A group of warnings in one area. `division`: of the case's resident; `dimension` and `value`: as in
    AfterWarningRow.
    """

    division: str
    dimension: str
    value: str


class GroupCounts(NamedTuple):
    """Numbers of cases with a warning of a group: `warned`, all. By SPANS, in their order: `old`, those warned at least
    so long ago; `defrauded`, those of `old` whose resident was defrauded within this time.
    """

    warned: int = 0
    old: tuple[int, ...] = (0,) * len(SPANS)
    defrauded: tuple[int, ...] = (0,) * len(SPANS)

    def plus(self, other: "GroupCounts") -> "GroupCounts":
        """Return the sums of both."""
        return GroupCounts(
            self.warned + other.warned,
            tuple(map(add, self.old, other.old)),
            tuple(map(add, self.defrauded, other.defrauded)),
        )


def group_counts(
    residents: Mapping[str, list[WarnedCase]], now: datetime, since: datetime | None = None
) -> dict[GroupName, GroupCounts]:
    """Return the numbers of warned cases by group and area as of `now`. `residents`: all cases of each resident, in the
    order of their numbers. `since`: leaves out cases that were first warned before; None: none.

    The counts of different residents may be added.
    """
    found: defaultdict[GroupName, GroupCounts] = defaultdict(GroupCounts)
    for cases in residents.values():
        frauds = _fraud_times(cases)
        for case in cases:
            if since is not None and any(warning.at < since for warning in case.warnings):
                continue
            for dimension, of in _GROUPS.items():
                for value, times in _times(case, of).items():
                    name = GroupName(case.division, dimension, value)
                    found[name] = found[name].plus(_counted(frauds, times, now))
    return dict(found)


def _counted(frauds: Sequence[datetime], times: Sequence[datetime], now: datetime) -> GroupCounts:
    old = tuple(int(now - min(times) >= span) for span in SPANS)
    defrauded = (int(is_old and fraud_follows(frauds, times, span)) for is_old, span in zip(old, SPANS, strict=True))
    return GroupCounts(1, old, tuple(defrauded))


def share_rows(counts: Mapping[GroupName, GroupCounts]) -> list[AfterWarningRow]:
    """Return the rows of the groups, all areas of `counts` together: first that of all warnings, then those of each
    dimension in alphabetical order.
    """
    sums: defaultdict[tuple[str, str], GroupCounts] = defaultdict(GroupCounts)
    for name, numbers in counts.items():
        sums[name.dimension, name.value] = sums[name.dimension, name.value].plus(numbers)
    order = list(_GROUPS)
    return [
        AfterWarningRow(*group, sums[group].warned, tuple(map(share_of, sums[group].defrauded, sums[group].old)))
        for group in sorted(sums, key=lambda group: (order.index(group[0]), group[1]))
    ]


def _times(case: WarnedCase, of: Callable[[WarnedCase, GivenWarning], str]) -> dict[str, list[datetime]]:
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    for warning in case.warnings:
        found[of(case, warning)].append(warning.at)
    return found


def fraud_follows(frauds: Iterable[datetime], warnings: Sequence[datetime], span: timedelta) -> bool:
    """Return True if one of the frauds happened at most `span` after one of the warnings, and not before it. `frauds`,
    `warnings`: their times.
    """
    return any(timedelta(0) <= fraud - at <= span for fraud in frauds for at in warnings)


# --- a week later -----------------------------------------------------------------------------------------------------


def _week(history: WarningHistory, residents: Mapping[str, list[WarnedCase]], now: datetime) -> WeekConfirmation:
    found: Counter[str] = Counter()
    for name, (_, at, ground) in history.dissuaded.items():
        if now - at < WEEK:
            continue
        cases = residents[history.latest[name].resident]
        safe = not _paid(cases, at, at + WEEK)
        followed = any(when - at >= WEEK for when in history.safe.get(name, ()))
        question = history.latest[name].week
        answered = question is not None and question.answer is WeekAnswer.NOTHING_PAID
        asked = followed or answered
        otherwise = answered or (followed and channel_of_ground(ground) is not Action.FOLLOW_UP.channel)
        found.update(old=1, safe=safe, asked=asked, otherwise=otherwise, confirmed=otherwise and safe)
    no_payment, asked_again, otherwise_asked, confirmed = (
        share_of(found[each], found["old"]) for each in ("safe", "asked", "otherwise", "confirmed")
    )
    return WeekConfirmation(
        at_the_time=len(history.dissuaded),
        a_week_old=found["old"],
        no_payment=no_payment,
        asked=asked_again,
        asked_otherwise=otherwise_asked,
        confirmed=confirmed,
        question=week_answers(_answers(history)),
    )


def _answers(history: WarningHistory) -> Counter[str]:
    found: Counter[str] = Counter()
    for name in history.dissuaded:
        found.update(answer_counts(history.latest[name].week, dissuaded=True))
    return found


def _paid(cases: Sequence[WarnedCase], after: datetime, until: datetime) -> bool:
    """Return True if money left the resident in (after, until]: a settled payment, a loss or a recorded fraud."""
    paid = [at for case in cases for at in case.paid]
    return any(after < at <= until for at in (*paid, *_fraud_times(cases)))


# --- text messages alone ----------------------------------------------------------------------------------------------


def _sms_alone(residents: Mapping[str, list[WarnedCase]], now: datetime) -> SmsAlone:
    reached = under_way = broken_off = 0
    for cases in residents.values():
        for case in cases:
            warnings = case.warnings
            if not warnings or any(each.action.channel is not Channel.SMS for each in warnings):
                continue
            reached += 1
            first = min(each.at for each in warnings)
            if now - first >= SPANS[0] and any(at <= first for at in case.payments):
                under_way += 1
                broken_off += not _paid(cases, first, first + SPANS[0])
    return SmsAlone(reached, share_of(broken_off, under_way))


# --- the records ------------------------------------------------------------------------------------------------------


def _records(residents: Mapping[str, list[WarnedCase]], matches: Sequence[FraudMatch]) -> RecordCounts:
    matched = [each for each in matches if each.resident is not None]
    after = sum(_warned_before(residents.get(each.resident or "", []), each.happened_at) for each in matched)
    totals = record_totals(matches)
    return RecordCounts(**totals._asdict(), not_warned=len(matched) - after, after_warning=after)


def _warned_before(cases: Iterable[WarnedCase], at: datetime) -> bool:
    times = [warning.at for case in cases for warning in case.warnings]
    return fraud_follows([at], times, SPANS[-1])
