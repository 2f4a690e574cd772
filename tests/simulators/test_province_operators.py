import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from schemas.casework.acts import AskStopAct, NoteAct, OutcomeAct, SendOfficerAct
from schemas.casework.cases import Case, CaseState, Danger, Payment, Profile
from schemas.casework.inputs import OperatorReport, VictimReport
from schemas.codes.danger import CombinedEvidence
from schemas.levels import Level, Outcome
from schemas.people.residents import Resident
from schemas.risk.signals import TransferState
from simulators.world.operators import Operators
from simulators.world.province import START, Province
from streams.runtime.clock import Clock
from tests.end_to_end.harness.hand_clock import HandClock

END = START + timedelta(minutes=59)
WALL_SECONDS = 20.0
THREE = ("operator-1", "operator-2", "operator-3")


class Leaping(HandClock):
    """Who sleeps moves it on at once: how often somebody wakes does not hang on the machine."""

    async def sleep(self, duration: timedelta) -> None:
        self.move_to(self.now() + duration)
        await asyncio.sleep(0)


class Table:
    """A desk in memory: cases wait, and a report changes the case that it saw."""

    def __init__(self, cases: list[Case]) -> None:
        self.cases = {case.id: case for case in cases}
        self.free = list(self.cases)
        self.reports: list[OperatorReport] = []
        self.refused: list[OperatorReport] = []
        self.victims: list[VictimReport] = []
        self.kept: list[str] = []
        self.written = asyncio.Condition()

    async def until(self, outcomes: int) -> None:
        """Wait for so many outcomes."""
        async with self.written:
            await self.written.wait_for(
                lambda: sum(isinstance(each.act, OutcomeAct) for each in self.reports) >= outcomes
            )

    async def next(self, operator: str) -> Case | None:
        return self.cases[self.free.pop(0)] if self.free else None

    async def keep(self, case_id: str, operator: str) -> bool:
        self.kept.append(case_id)
        return True

    async def release(self, case_id: str) -> None:
        if not self.cases[case_id].settled:
            self.free.append(case_id)

    async def report(self, report: OperatorReport) -> None:
        case = self.cases[report.case]
        if report.seen < case.version:
            self.refused.append(report)
            return
        self.reports.append(report)
        changed = {"version": case.version + 1, **_changes(report)}
        self.cases[case.id] = case.model_copy(update=changed)
        async with self.written:
            self.written.notify_all()

    async def report_victim(self, report: VictimReport) -> None:
        self.victims.append(report)

    async def load(self, case_id: str) -> Case | None:
        return self.cases[case_id]

    async def proposed(self) -> list[Case]:
        return [case for case in self.cases.values() if any(order.decidable for order in case.orders)]


def _changes(report: OperatorReport) -> dict[str, object]:
    if not isinstance(report.act, OutcomeAct):
        return {}
    return {"outcome": report.act.outcome, "state": CaseState(report.act.outcome.value)}


def case_of(resident: Resident, payments: list[Payment]) -> Case:
    return Case(
        id=f"{resident.id}-1",
        resident=resident.id,
        number=1,
        version=1,
        policy="none",
        state=CaseState.CONTACTING,
        level=Level.RED,
        danger=Danger(
            level=Level.RED, probability=0.9, exposure_fen=1, scam_type="other", reasons=[CombinedEvidence("a call")]
        ),
        profile=Profile(
            birth_year=resident.birth_year,
            sex=resident.sex,
            occupation=resident.occupation,
            division=resident.division,
            language=resident.language,
            balance=resident.balance,
        ),
        opened_at=START,
        updated_at=START,
        payments=payments,
    )


async def worked(
    province: Province, cases: list[Case], until_reports: int, clock: Clock | None = None, names: Sequence[str] = THREE
) -> tuple[Table, Operators]:
    table = Table(cases)
    clock = clock or Clock.starting(20_000, START + timedelta(minutes=25))
    operators = Operators(table, province.contacts, province, clock)
    working = asyncio.create_task(operators.run(names))
    async with asyncio.timeout(WALL_SECONDS):
        await table.until(until_reports)
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    return table, operators


def paying(province: Province) -> list[Case]:
    cases = []
    for life in province.truth.lives.values():
        payments = [
            Payment(transfer=pay.uid, payee="a", amount_fen=pay.amount_fen, at=pay.at, state=TransferState.ATTEMPTED)
            for pay in life.story.payments
        ]
        if payments:
            cases.append(case_of(life.story.victim, payments))
    return cases


async def test_operators_talk_and_put_down_what_came_of_it() -> None:
    province = Province(7, residents=1500)
    province.signals_until(END)
    table, operators = await worked(province, paying(province), 40)
    outcomes = {report.act.outcome for report in table.reports if isinstance(report.act, OutcomeAct)}
    assert Outcome.UNREACHABLE in outcomes
    assert len(outcomes) >= 3
    assert operators.tally.talks >= operators.tally.reached >= operators.tally.dissuaded
    assert len({report.id for report in table.reports}) == len(table.reports)


async def test_the_claim_of_a_case_is_kept_for_as_long_as_the_talk_lasts() -> None:
    province = Province(7, residents=1500)
    cases = [case_of(resident, []) for resident in province.people[:20]]
    clock = Leaping.starting(1, START + timedelta(minutes=25))
    table, _ = await worked(province, cases, 10, clock, THREE[:1])
    assert max(Counter(table.kept).values()) > 1  # some last longer than one look at the claim


async def test_a_conversation_is_noted_before_its_outcome() -> None:
    province = Province(7, residents=1500)
    table, _ = await worked(province, [case_of(resident, []) for resident in province.people[:20]], 10)
    settled = [each.case for each in table.reports if _is(each, Outcome.FALSE_ALARM)]
    assert settled
    for case in settled:
        acts = [report.act for report in table.reports if report.case == case]
        assert any(isinstance(act, NoteAct) for act in acts[: [_done(act) for act in acts].index(True)])


def _is(report: OperatorReport, outcome: Outcome) -> bool:
    return isinstance(report.act, OutcomeAct) and report.act.outcome is outcome


def _done(act: object) -> bool:
    return isinstance(act, OutcomeAct) and act.outcome is Outcome.FALSE_ALARM


async def test_money_is_stopped_and_an_officer_sent_for_who_is_not_persuaded() -> None:
    province = Province(7, residents=1500)
    province.signals_until(END)
    table, _ = await worked(province, paying(province), 60)
    stubborn = {each.case for each in table.reports if _is(each, Outcome.NOT_PERSUADED)}
    assert stubborn
    acts = {(report.case, type(report.act)) for report in table.reports}
    assert all((case, AskStopAct) in acts for case in list(stubborn)[:-3])
    assert any((case, SendOfficerAct) in acts for case in stubborn)


async def test_whoever_reports_a_loss_is_written_down_as_defrauded() -> None:
    province = Province(7, residents=1500)
    province.signals_until(START + timedelta(hours=2))
    losses = {life.story.victim.id for life in province.truth.lives.values() if life.loss_known}
    table, _ = await worked(province, [case_of(resident, []) for resident in province.people[:5]], 1)
    assert {report.resident for report in table.victims} == losses
    assert all(report.amount_fen > 0 for report in table.victims)
