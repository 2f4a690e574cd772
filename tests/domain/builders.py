"""Small builders for cases, alerts and what happens to them: made-up people, Jilin's own policy."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import itemgetter
from pathlib import Path

from domain.casework import Decision, Rules, deadlines, decide
from domain.policy import Policy, load
from schemas.casework.acts import Act, NoteAct, OutcomeAct
from schemas.casework.cases import Case, CaseState, Danger, Payment, Profile, Step, StepState
from schemas.casework.events import CaseEvent, Commit, Dispatch, FactKind
from schemas.casework.inputs import (
    Alert,
    BankFeedback,
    BankState,
    CaseInput,
    ContactResult,
    Deadline,
    Hold,
    OfficerReport,
    OperatorReport,
    VictimReport,
    VisitStage,
)
from schemas.casework.orders import ApproveStopAct, OrderState
from schemas.codes.any_code import AnyCode
from schemas.codes.danger import CombinedEvidence, DangerCode
from schemas.levels import Action, Level, Outcome, Result
from schemas.people.residents import BalanceBand, Flag, Language, Occupation, Sex
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # 12:00 in Jilin
MIDNIGHT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)  # 00:00 in Jilin
RESIDENT = "raaaaaaaaaaaaaaaa"
PROPOSED = OrderState.PROPOSED


@cache
def policy_text() -> str:
    """The text of Jilin's policy, as it is deployed."""
    return (Path(__file__).parents[2] / "deploy/policy/jilin.toml").read_text("utf-8")


@cache
def policy() -> Policy:
    """Jilin's policy, as it is deployed."""
    return load(policy_text())


def rules(*holds: Hold) -> Rules:
    return Rules(policy(), holds)


def profile(*flags: Flag, contacts: int = 0, division: str = "220104") -> Profile:
    return Profile(
        birth_year=1958,
        sex=Sex.FEMALE,
        occupation=Occupation.RETIRED,
        division=division,
        language=Language.CHINESE,
        balance=BalanceBand.MIDDLE,
        flags=frozenset(flags),
        contacts=contacts,
    )


def danger(
    level: Level,
    *reasons: str,
    exposure: int = 0,
    call_since: datetime | None = None,
    of: Sequence[DangerCode] = (),
) -> Danger:
    return Danger(
        level=level,
        probability=0.5,
        exposure_fen=exposure,
        scam_type="impersonated_police",
        reasons=list(of) or [CombinedEvidence(each) for each in reasons or ("a scam call of 40 minutes",)],
        call_since=call_since,
    )


def payment(
    name: str = "bank:1",
    amount: int = 1_000_000,
    state: TransferState = TransferState.PENDING,
    payee: str = "a1",
    at: datetime = NOON,
    watched: WatchStatus | None = None,
) -> Payment:
    return Payment(transfer=name, payee=payee, amount_fen=amount, at=at, state=state, watched=watched)


def alert(
    level: Level,
    *payments: Payment,
    at: datetime = NOON,
    of: Profile | None = None,
    found: Danger | None = None,
    signal_at: datetime | None = None,
    own: Sequence[str] = (),
    household: str | None = None,
) -> Alert:
    return Alert(
        id=f"alert:{level}:{at.timestamp()}",
        at=at,
        resident=RESIDENT,
        danger=found or danger(level),
        payments=list(payments),
        profile=of or profile(),
        accounts=list(own),
        household=household,
        signal_at=signal_at or at,
    )


def hold(name: str = "mute", until: datetime = NOON + timedelta(hours=1), **named: object) -> Hold:
    return Hold.model_validate({"id": name, "until": until, "reason": "a test of the line", "by": "li", **named})


class Line:
    """One resident's case as inputs come, with all that was said and sent on the way.

    `approves`: the desk approves each stop order as soon as it is proposed.
    """

    def __init__(self, *holds: Hold, at: datetime = NOON, approves: bool = True) -> None:
        self.approves = approves
        self.rules = rules(*holds)
        self.now = at
        self.case: Case | None = None
        self.decisions: list[Decision] = []

    @property
    def here(self) -> Case:
        assert self.case is not None
        return self.case

    def give(self, given: CaseInput) -> Decision:
        """Decide on an input, at its own time; with what follows from the desk's approvals."""
        decision = self.decide(given)
        then = self.approve() if self.approves else []
        facts = [fact for each in then for fact in each.facts]
        dispatches = [out for each in then for out in each.dispatches]
        return Decision(self.case, decision.facts + facts, decision.dispatches + dispatches)

    def decide(self, given: CaseInput) -> Decision:
        self.now = max(self.now, given.at)
        decision = decide(self.case, given, self.rules, given.at)
        self.case = decision.case
        self.decisions.append(decision)
        return decision

    def alert(self, level: Level, *payments: Payment, of: Profile | None = None, **more: object) -> Decision:
        return self.give(alert(level, *payments, at=self.now, of=of, **more))  # type: ignore[arg-type]  # as alert

    def pass_to(self, when: datetime | timedelta) -> list[Dispatch]:
        """Fire all deadlines up to a time, in order; what was sent out meanwhile."""
        until = self.now + when if isinstance(when, timedelta) else when
        sent: list[Dispatch] = []
        while (due := min(deadlines(self.here).items(), key=itemgetter(1), default=None)) and due[1] <= until:
            sent += self.fire(due[0]).dispatches
        self.now = max(self.now, until)
        return sent

    def approve(self) -> list[Decision]:
        """Let as many persons as it takes approve all stop orders that wait; what was decided then."""
        made = []
        while waiting := [order for order in (self.case.orders if self.case else []) if order.state is PROPOSED]:
            by = f"release desk {len(waiting[0].approvals) + 1}"
            act = ApproveStopAct(order=waiting[0].step)
            made.append(self.decide(self.report(act, by, role=StaffRole.RELEASE_DESK)))
        return made

    def fire(self, step: str, late: timedelta = timedelta(0)) -> Decision:
        """Fire one deadline."""
        due = deadlines(self.here)[step]
        name = f"d:{self.here.id}:{step}:{due.timestamp() * 1000:.0f}"
        return self.give(Deadline(id=name, at=due + late, resident=RESIDENT, case=self.here.id, step=step, due=due))

    def sent(self) -> list[Dispatch]:
        """All dispatches so far."""
        return [dispatch for decision in self.decisions for dispatch in decision.dispatches]

    def facts(self, kind: FactKind) -> list[AnyCode]:
        """What all facts of a kind so far say."""
        return [fact.what for decision in self.decisions for fact in decision.facts if fact.kind is kind]

    def step(self, name: str) -> Step:
        return next(step for step in self.here.steps if step.id == name)

    def state(self) -> CaseState:
        return self.here.state

    def states(self) -> dict[str, StepState]:
        return {step.id: step.state for step in self.here.steps}

    def last(self, *actions: Action) -> Dispatch:
        """The latest dispatch of these actions."""
        return [dispatch for dispatch in self.sent() if dispatch.action in actions][-1]

    def result(self, result: Result, *actions: Action, of: Dispatch | None = None) -> Decision:
        """The latest dispatch of these actions (or one that is named) has a result."""
        return self.give(contact_result(of or self.last(*actions), result, self.now))

    def officer(self, stage: VisitStage, outcome: OutcomeAct | None = None, by: str = "officer wang") -> Decision:
        out = self.last(Action.VISIT)
        return self.give(
            OfficerReport(
                id=f"{out.id}:{stage}:{by}",
                at=self.now,
                resident=RESIDENT,
                case=out.case,
                by=by,
                dispatch=out.id,
                step=out.step,
                attempt=out.attempt,
                stage=stage,
                outcome=outcome,
            )
        )

    def act(
        self, act: Act, by: str = "operator li", seen: int | None = None, role: StaffRole | None = None
    ) -> Decision:
        return self.give(self.report(act, by, seen, role))

    def report(
        self, act: Act, by: str = "operator li", seen: int | None = None, role: StaffRole | None = None
    ) -> OperatorReport:
        return OperatorReport(
            id=f"form:{len(self.decisions)}",
            at=self.now,
            resident=RESIDENT,
            case=self.here.id,
            by=by,
            role=role,
            seen=self.here.version if seen is None else seen,
            act=act,
        )

    def dissuaded(self, **more: object) -> Decision:
        """The desk talks with the resident, and puts down that he is dissuaded."""
        self.act(NoteAct(what="conversation"))
        return self.outcome(Outcome.DISSUADED, **more)

    def outcome(self, outcome: Outcome, **more: object) -> Decision:
        return self.act(OutcomeAct.model_validate({"outcome": outcome, **more}))

    def bank(
        self,
        state: BankState,
        transfer: str = "bank:1",
        amount: int = 0,
        dispatch: str = "",
        until: datetime | None = None,
    ) -> Decision:
        asked = [out for out in self.sent() if out.payment and out.payment.transfer == transfer]
        return self.give(
            BankFeedback(
                id=f"bank:{len(self.decisions)}",
                at=self.now,
                resident=RESIDENT,
                case=self.here.id,
                dispatch=dispatch or (asked[-1].id if asked else "none"),
                transfer=transfer,
                state=state,
                amount_fen=amount,
                until=until,
            )
        )

    def victim(self, amount: int, transfer: str | None = None) -> Decision:
        return self.give(
            VictimReport(
                id=f"victim:{len(self.decisions)}",
                at=self.now,
                resident=RESIDENT,
                amount_fen=amount,
                transfer=transfer,
            )
        )


def contact_result(dispatch: Dispatch, result: Result, at: datetime) -> ContactResult:
    return ContactResult(
        id=f"{dispatch.id}:{result}",
        at=at,
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.id,
        step=dispatch.step,
        attempt=dispatch.attempt,
        action=dispatch.action,
        result=result,
    )


def event(case: Case, number: int = 0) -> CaseEvent:
    return CaseEvent(
        commit=commit_of(number),
        id=f"e{case.id}:{case.version}",
        input=f"i{number}",
        input_kind="alert",
        partition=0,
        offset=number,
        at=case.updated_at,
        case=case,
        facts=[],
    )


def commit_of(offset: int) -> Commit:
    """The commit of one input that made one journal entry."""
    return Commit(first=offset, last=offset, entries=1)


def at_the_desk() -> Line:
    """A red case that waits for an operator."""
    line = Line()
    line.alert(Level.RED, payment(), of=profile(contacts=1))
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.pass_to(timedelta(seconds=90))
    return line
