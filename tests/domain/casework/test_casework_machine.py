"""What always holds of a case, whatever comes in whatever order."""

from datetime import datetime, timedelta
from functools import cache

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.casework import Decision, Rules, deadlines, decide, has_held, queue_rank, settled_at
from domain.casework.orders import records as orders
from domain.casework.orders.freeze_ends import FREEZE_CLOCK
from domain.casework.trail.movements import traced
from domain.casework.triage import QueueBand, queue_band
from domain.payments.freezes import freeze_in_force
from domain.policy import Policy
from domain.policy.schedule import AFTER_PLAN, WEEK_QUESTIONS, may_ask_after_week, may_remind, may_support
from domain.policy.trace import TraceRules
from domain.tracing.conservation import violations
from schemas.casework.acts import (
    AskStopAct,
    AssignAct,
    CallAgainAct,
    ClaimAct,
    CloseAct,
    ConfirmAct,
    LowerAct,
    NoteAct,
    NotifyContactAct,
    OutcomeAct,
    ReleaseStopAct,
    SendOfficerAct,
    SupportAct,
    WeekAnswerAct,
)
from schemas.casework.cases import LIVE_STEPS, WAITING_STEPS, Case, CaseState, Danger, Payment, Profile, StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.casework.inputs import (
    BankFeedback,
    BankState,
    CaseInput,
    Deadline,
    FraudReport,
    Hold,
    HoldChange,
    ObjectStop,
    OfficerReport,
    OperatorReport,
    PlaceReport,
    ResidentReply,
    VictimReport,
    VisitStage,
)
from schemas.casework.objections import DecideObjectionAct, ObjectionGround, Objector, WrongfulCause
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, EndFreezeAct, HandOverStopAct, OrderState
from schemas.codes.refusals import HasCase
from schemas.codes.replies import ReplySender
from schemas.levels import Action, Channel, Level, Result, SupportOutcome, WeekAnswer
from schemas.people.staff import StaffRole
from schemas.risk.reported_frauds import MatchStrength
from tests.domain.builders import NOON, RESIDENT, alert, contact_result, hold, policy
from tests.domain.casework.machine_inputs import (
    AMOUNTS,
    DANGERS,
    MOVEMENTS,
    OUTCOMES,
    PAYMENTS,
    PEOPLE,
    PLACE_REPORTS,
    PROFILES,
    ROLES,
    SEARCH_ACTS,
    TRANSFERS,
)

AFTER_SETTLED = {Action.FOLLOW_UP, Action.STOP_RELEASE, *AFTER_PLAN}


@cache
def reminding_policy() -> Policy:
    """The policy, which also reminds the dissuaded after two weeks."""
    plan = policy().plan.model_copy(update={"remind_after": timedelta(days=14)})
    return policy().model_copy(update={"plan": plan})


class CaseLife(RuleBasedStateMachine):
    """Inputs of all kinds, sensible and not; each decision is checked as it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.case: Case | None = None
        self.now = NOON
        self.holds: dict[str, Hold] = {}
        self.sent: list[Dispatch] = []
        self.fired: list[Deadline] = []
        self.count = 0

    def give(self, given: CaseInput) -> Decision:
        before, rules = self.case, Rules(reminding_policy(), tuple(self.holds.values()))
        decision = decide(before, given, rules, given.at)
        assert decide(before, given, rules, given.at) == decision, "the same again is the same"
        self.case = decision.case
        self.check(before, decision)
        self.sent += decision.dispatches
        return decision

    def check(self, before: Case | None, decision: Decision) -> None:
        after, kinds = decision.case, {fact.kind for fact in decision.facts}
        if not decision.facts:
            assert after is before
            assert not decision.dispatches
            return
        assert after is not None
        if before is None or before.id != after.id:
            assert after.version == 1
        else:
            assert after.version == before.version + 1, "versions rise by one"
            lowered = {FactKind.LEVEL_LOWERED, FactKind.REOPENED} & kinds
            assert after.level.rank >= before.level.rank or lowered, "a level only rises"
        assert Case.model_validate_json(after.model_dump_json()) == after, "what was decided can be stored"
        self.check_dispatches(after, decision.dispatches)

    def check_dispatches(self, after: Case, dispatches: list[Dispatch]) -> None:
        steps = {step.id: step for step in after.steps}
        for dispatch in dispatches:
            step = steps[dispatch.step]
            assert step.state is StepState.SENT
            assert step.attempt == dispatch.attempt
            assert not after.settled or dispatch.action in AFTER_SETTLED, "nothing of the plan once settled"
            if dispatch.action is Action.SUPPORT_CALL:
                assert after.prior_loss is not None, "support is offered after a loss only"
                assert may_support(after), "and never beside a plan that contacts the resident"
            if dispatch.action in WEEK_QUESTIONS:
                assert may_ask_after_week(after), "only who stands as dissuaded, without a loss, is asked a week later"
                earlier = {each.step for each in self.sent if each.case == after.id and each.action in WEEK_QUESTIONS}
                assert earlier <= {dispatch.step}, "and once"
            if dispatch.action is Action.REMINDER:
                assert may_remind(after), "only who stands as dissuaded, without a loss, is reminded"
                earlier = {each.step for each in self.sent if each.case == after.id and each.action is Action.REMINDER}
                assert earlier <= {dispatch.step}, "and once"
            if dispatch.action in orders.ASKING:
                order = orders.order_of(after, dispatch.step)
                assert order is not None, "no bank is asked without an order"
                assert order.state is OrderState.APPROVED
                assert len({approval.by for approval in order.approvals}) >= order.persons >= 1
        known = {dispatch.id for dispatch in self.sent}
        assert len(known | {dispatch.id for dispatch in dispatches}) == len(known) + len(dispatches), "ids never repeat"

    @property
    def here(self) -> Case:
        assert self.case is not None
        return self.case

    def name(self) -> str:
        self.count += 1
        return f"input:{self.count}"

    def base(self) -> dict[str, object]:
        return {"id": self.name(), "at": self.now, "resident": RESIDENT, "case": self.here.id}

    @initialize(level=st.sampled_from(Level), payments=PAYMENTS, of=PROFILES, night=st.booleans())
    def open(self, level: Level, payments: list[Payment], of: Profile, night: bool) -> None:
        if night:
            self.now += timedelta(hours=12)
        self.give(alert(level, *payments, at=self.now, of=of))

    @rule(found=DANGERS, payments=PAYMENTS, of=PROFILES, age=st.integers(0, 9000))
    def alerted(self, found: Danger, payments: list[Payment], of: Profile, age: int) -> None:
        arrived = self.now - timedelta(seconds=age)
        self.give(alert(found.level, *payments, at=self.now, of=of, found=found, signal_at=arrived))

    @rule(minutes=st.sampled_from([0, 1, 5, 60, 24 * 60, 40 * 24 * 60]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(data=st.data(), late=st.sampled_from([0, 0, 0, 1, 600, 7200]))
    def deadline(self, data: st.DataObject, late: int) -> None:
        waiting = sorted(deadlines(self.here).items(), key=lambda item: item[1])
        if not waiting:
            return
        step, due = waiting[0] if data.draw(st.booleans()) else data.draw(st.sampled_from(waiting))
        self.now = max(self.now, due + timedelta(seconds=late))
        given = Deadline.model_validate({**self.base(), "kind": "deadline", "step": step, "due": due})
        self.fired.append(given)
        decision = self.give(given)
        assert decision.facts, "a deadline that stands is never without effect"
        assert deadlines(self.here).get(step) != due, "a deadline fires once"

    @precondition(lambda self: self.fired)
    @rule(data=st.data())
    def deadline_again(self, data: st.DataObject) -> None:
        old = data.draw(st.sampled_from(self.fired))
        if deadlines(self.here).get(old.step) != old.due:
            assert not self.give(old.model_copy(update={"at": self.now})).facts, "a deadline moved since is not meant"

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), result=st.sampled_from(Result), latest=st.booleans())
    def result(self, data: st.DataObject, result: Result, latest: bool) -> None:
        dispatch = self.sent[-1] if latest else data.draw(st.sampled_from(self.sent))
        self.give(contact_result(dispatch, result, self.now))

    @precondition(lambda self: any(out.action is Action.VISIT for out in self.sent))
    @rule(data=st.data(), stage=st.sampled_from(VisitStage), outcome=st.none() | OUTCOMES)
    def officer(self, data: st.DataObject, stage: VisitStage, outcome: OutcomeAct | None) -> None:
        out = data.draw(st.sampled_from([out for out in self.sent if out.action is Action.VISIT][-3:]))
        told = {"by": "officer wang", "dispatch": out.id, "step": out.step, "attempt": out.attempt, "stage": stage}
        self.give(OfficerReport.model_validate({**self.base(), **told, "outcome": outcome}))

    def act(self, act: object, by: str = "operator li", behind: int = 0, role: StaffRole | None = None) -> Decision:
        told = {"by": by, "role": role, "seen": self.here.version - behind, "act": act}
        decision = self.give(OperatorReport.model_validate({**self.base(), **told}))
        assert decision.facts, "whoever acts gets an answer"
        return decision

    @rule(outcome=OUTCOMES, by=PEOPLE, behind=st.sampled_from([0, 0, 0, 1]))
    def outcome(self, outcome: OutcomeAct, by: str, behind: int) -> None:
        decision = self.act(outcome, by, behind)
        if behind:
            assert decision.facts[0].kind is FactKind.REFUSED
        if decision.facts[0].kind is not FactKind.REFUSED:
            assert self.here.claimed_by is None, "who has put down what came of it is done with the case"

    @rule(data=st.data(), by=PEOPLE)
    def acts(self, data: st.DataObject, by: str) -> None:
        transfer = data.draw(TRANSFERS)
        acts = [
            LowerAct(level=data.draw(st.sampled_from(Level)), reason="a mistake"),
            CallAgainAct(when=self.now + timedelta(hours=data.draw(st.integers(-2, 200)))),
            SendOfficerAct(reason="go there"),
            AskStopAct(transfer=transfer),
            ReleaseStopAct(transfer=transfer, reason="hardship", asked_by=data.draw(st.none() | PEOPLE)),
            NotifyContactAct(contact=data.draw(st.integers(0, 2))),
            NoteAct(what="conversation"),
            ConfirmAct(reason="a person has looked"),
        ]
        act = data.draw(st.sampled_from(acts))
        decision = self.act(act, by, role=data.draw(ROLES))
        if isinstance(act, ReleaseStopAct) and act.asked_by in (None, by):
            assert decision.facts[0].kind is FactKind.REFUSED, "two persons lift a stop"

    @precondition(lambda self: self.case is not None and self.case.orders)
    @rule(data=st.data(), by=PEOPLE, approves=st.sampled_from([True, True, True, False]))
    def decides_on_an_order(self, data: st.DataObject, by: str, approves: bool) -> None:
        step = data.draw(st.sampled_from([order.step for order in self.here.orders]))
        acts = [
            DeclineStopAct(order=step, reason="a mistake"),
            HandOverStopAct(order=step, decision="decision 17", authority="the city's police"),
            EndFreezeAct(order=step, decision="decision 18"),
        ]
        act = ApproveStopAct(order=step) if approves else data.draw(st.sampled_from(acts))
        self.act(act, by, role=data.draw(ROLES))

    @precondition(lambda self: self.case is not None and self.case.orders)
    @rule(data=st.data(), by=st.none() | PEOPLE, ground=st.sampled_from(ObjectionGround))
    def objects(self, data: st.DataObject, by: str | None, ground: ObjectionGround) -> None:
        step = data.draw(st.sampled_from([order.step for order in self.here.orders]))
        told = {"order": step, "who": Objector.HOLDER, "bank": None if by else "bank", "by": by, "ground": ground}
        assert self.give(ObjectStop.model_validate({**self.base(), **told})).facts, "whoever objects gets an answer"

    @precondition(lambda self: self.case is not None and self.case.objections)
    @rule(data=st.data(), by=PEOPLE | st.just("release han"), cause=st.none() | st.sampled_from(WrongfulCause))
    def reviews(self, data: st.DataObject, by: str, cause: WrongfulCause | None) -> None:
        name = data.draw(st.sampled_from([each.id for each in self.here.objections]))
        act = DecideObjectionAct(objection=name, upheld=cause is not None, reason="a review", cause=cause)
        role = data.draw(ROLES)
        decision = self.act(act, by, role=role)
        if role is not StaffRole.RELEASE_DESK:
            assert decision.facts[0].kind is FactKind.REFUSED, "only the policy's roles review"

    @invariant()
    def whoever_reviews_an_objection_had_no_part_in_the_stop(self) -> None:
        for each in self.here.objections if self.case is not None else ():
            (order,) = [order for order in self.here.orders if order.step == each.order]
            if not each.waits and order.state is not OrderState.HANDED_OVER:
                earlier = [found.by for found in order.approvals if found.at < (each.decided_at or found.at)]
                assert each.decided_by not in {each.by, order.asked_by, *earlier}

    @invariant()
    def a_bank_is_asked_to_lift_a_stop_by_one_step_at_a_time(self) -> None:
        lifts = [step for step in (self.case.steps if self.case else []) if step.action is Action.STOP_RELEASE]
        live = [step.transfer for step in lifts if step.state in LIVE_STEPS and not step.id.startswith("clock.")]
        assert len(live) == len(set(live))

    @rule(act=SEARCH_ACTS, role=ROLES | st.just(StaffRole.SUPERVISOR))
    def searches(self, act: object, role: StaffRole | None) -> None:
        decision = self.act(act, role=role)
        assert (role is StaffRole.SUPERVISOR) or decision.facts[0].kind is FactKind.REFUSED

    @precondition(lambda self: self.case is not None and self.case.searches)
    @rule(told=PLACE_REPORTS)
    def searched(self, told: dict[str, object]) -> None:
        self.give(PlaceReport.model_validate({**self.base(), **told}))
        assert sum(each.goes_on for each in self.here.searches) <= 1

    @rule(sure=st.sampled_from([False, False, False, True]))
    def close(self, sure: bool) -> None:
        if sure:
            self.act(CloseAct(reason="nothing more to do"))

    @rule(by=PEOPLE, do=st.sampled_from(["claim", "claim", "unclaim"]))
    def claim(self, by: str, do: str) -> None:
        holder = self.here.claimed_by
        decision = self.act(ClaimAct.model_validate({"do": do}), by)
        if do == "claim" and holder not in (None, by):
            assert decision.facts[0].kind is FactKind.REFUSED
            assert decision.facts[0].what == HasCase(str(holder))
            assert self.here.claimed_by in (holder, None), "he keeps it, unless his time is over"

    @rule(by=PEOPLE, to=PEOPLE, holder=st.none() | PEOPLE, role=ROLES, reason=st.none() | st.just("he is away"))
    def assign(self, by: str, to: str, holder: str | None, role: StaffRole | None, reason: str | None) -> None:
        had = self.here.claimed_by
        decision = self.act(AssignAct(to=to, holder=holder, reason=reason), by, role=role)
        if role is not StaffRole.SUPERVISOR or had != holder or (had and not reason):
            assert decision.facts[0].kind is FactKind.REFUSED
            assert self.here.claimed_by in (had, None), "nobody loses it to an assignment that was refused"

    @rule(transfer=TRANSFERS, state=st.sampled_from(BankState), amount=AMOUNTS, data=st.data())
    def bank(self, transfer: str, state: BankState, amount: int, data: st.DataObject) -> None:
        if self.case is not None and self.case.traced:
            transfer = data.draw(st.sampled_from([transfer, *(each.transfer for each in self.case.traced)]))
        asked = [out.id for out in self.sent if out.action.channel is Channel.PAYMENT] or ["none"]
        told = {"dispatch": data.draw(st.sampled_from(asked)), "transfer": transfer, "state": state}
        until = data.draw(st.none() | st.just(self.now + timedelta(hours=48)) | st.just(self.now))
        stated = {"bank": "abc", "movements": data.draw(MOVEMENTS)}
        self.give(BankFeedback.model_validate({**self.base(), **told, **stated, "amount_fen": amount, "until": until}))

    @rule(transfer=st.none() | TRANSFERS, amount=AMOUNTS)
    def victim(self, transfer: str | None, amount: int) -> None:
        self.give(VictimReport(id=self.name(), at=self.now, resident=RESIDENT, amount_fen=amount, transfer=transfer))

    @rule(
        name=st.sampled_from("12"),
        version=st.integers(1, 3),
        days=st.integers(-3, 100),
        withdrawn=st.booleans(),
        dated=st.booleans(),
        strength=st.sampled_from(MatchStrength),
    )
    def police(self, name: str, version: int, days: int, withdrawn: bool, dated: bool, strength: MatchStrength) -> None:
        happened = self.now - timedelta(days=days)
        told = {"record": f"police:{name}", "version": version, "happened_at": happened, "reported_at": self.now}
        known = [each.version for each in self.case.frauds if each.id == told["record"]] if self.case else []
        before = self.case.state if self.case else None
        self.give(
            FraudReport.model_validate(
                {**told, "id": self.name(), "at": self.now, "resident": RESIDENT, "by": "id_number", "loss_fen": 100}
                | {"withdrawn": withdrawn, "dated": dated, "strength": strength}
            )
        )
        sure = dated and strength is not MatchStrength.FAIR and not withdrawn
        after = self.case.state if self.case else None  # whatever was due by now has run, too
        assert sure or before is after or after is not CaseState.ALREADY_DEFRAUDED, "an unsure record ends no warnings"
        found = [each.version for each in self.case.frauds if each.id == told["record"]] if self.case else []
        assert len(found) <= 1, "a record is there once"
        assert not known or not found or found[0] >= known[0], "an earlier version replaces none"

    @precondition(lambda self: self.case)
    @rule(outcome=st.sampled_from(SupportOutcome))
    def support(self, outcome: SupportOutcome) -> None:
        self.act(SupportAct(outcome=outcome))

    @precondition(lambda self: self.case)
    @rule(answer=st.sampled_from(WeekAnswer))
    def week_answer(self, answer: WeekAnswer) -> None:
        self.act(WeekAnswerAct(answer=answer))

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), text=st.sampled_from(["1", "2", "3", "T", "?"]), sender=st.sampled_from(ReplySender))
    def reply(self, data: st.DataObject, text: str, sender: ReplySender) -> None:
        before, out = self.here, data.draw(st.sampled_from(self.sent))
        given = {"id": self.name(), "at": self.now, "resident": RESIDENT, "dispatch": out.id, "sender": sender}
        self.give(ResidentReply.model_validate(given | {"text": text}))
        open_still = before.open and not before.settled
        begun = (before.state, self.here.state) == (CaseState.RAISED, CaseState.CONTACTING)  # a step was due as well
        assert not open_still or begun or self.here.state is before.state, "a reply never lowers an open case"
        assert self.here.losses == before.losses, "nor books a loss"

    @rule(
        channel=st.none() | st.sampled_from(Channel),
        red=st.booleans(),
        hours=st.integers(0, 50),
        name=st.sampled_from("xy"),
    )
    def hold_back(self, channel: Channel | None, red: bool, hours: int, name: str) -> None:
        until = self.now + timedelta(hours=hours)
        self.holds[name] = hold(name, until, channel=channel, spare_red=red)

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), how=st.sampled_from(["release", "drop"]))
    def lift_hold(self, data: st.DataObject, how: str) -> None:
        lifted = self.holds.pop(data.draw(st.sampled_from(sorted(self.holds))))
        self.give(HoldChange.model_validate({"id": self.name(), "at": self.now, "hold": lifted, "lift": how}))

    @invariant()
    def an_account_that_the_money_reached_has_one_order_at_a_time_which_persons_approve(self) -> None:
        traced = self.case.traced if self.case else []
        known = [each.payee for each in traced]
        assert len(known) == len(set(known)) <= policy().trace.orders
        for each in traced:
            made = [order for order in self.here.orders if order.transfer == each.transfer]
            asking = [out for out in self.sent if out.payment and out.payment.transfer == each.transfer]
            asking = [out for out in asking if out.action in orders.ASKING]
            assert {out.step for out in asking} <= {order.step for order in made if order.approvals}
            assert sum(order.state is OrderState.PROPOSED for order in made) <= 1
            assert each.transfer not in self.here.kept
            assert each.transfer not in self.here.frozen

    @invariant()
    def every_open_case_goes_on(self) -> None:
        if self.case is None:
            return
        assert not self.case.open or deadlines(self.case), "no case is stuck"
        for step in self.case.steps:
            assert (step.due is not None) == (step.state in LIVE_STEPS), "what has not ended has a deadline"
        assert has_held(self.case) == (StepState.HELD in {step.state for step in self.case.steps})
        assert (settled_at(self.case) is not None) == self.case.settled
        assert queue_rank(self.case) is None or not self.case.settled
        assert (self.case.offered_at is not None) == (queue_band(self.case) is QueueBand.OFFERED), (
            "who is offered waits"
        )
        assert self.case.offered_at is None or self.case.offered_at <= self.case.updated_at
        assert self.case.open or self.case.claimed_by is None, "nobody has a case that is closed"

    @invariant()
    def the_trace_loses_no_fen(self) -> None:
        if self.case is not None:
            assert not violations(traced(self.case, TraceRules(least_fen=1)))

    @invariant()
    def money_is_never_more_than_the_payment(self) -> None:
        if self.case is None:
            return
        amounts = {made.transfer: made.amount_fen for made in self.case.payments}
        kept = {name: entry.amount_fen for name, entry in self.case.kept.items() if name != "exposure"}
        assert all(0 < amount <= amounts[name] for name, amount in kept.items())
        assert all(0 < amount <= amounts[name] for name, amount in self.case.frozen.items())

    @invariant()
    def a_freeze_is_watched_to_its_end(self) -> None:
        if self.case is None:
            return
        frozen = {order.step: each.at for order in self.case.orders if (each := freeze_in_force(order))}
        watched = {frozen.get(step.id.removeprefix(FREEZE_CLOCK)) for step in self.case.steps}
        assert watched.issuperset(frozen.values())

    @invariant()
    def an_account_is_stopped_twice_at_most(self) -> None:
        for payee in {made.payee for made in self.case.payments} if self.case is not None else ():
            stops = [made.stop for made in self.here.payments if made.payee == payee and made.stop]
            assert sum(stop.times for stop in stops) <= 2
            assert all(stop.state.open or not stop.in_force for stop in stops), "what has ended does not run"

    @invariant()
    def nothing_waits_of_the_plan_once_settled(self) -> None:
        if self.case is not None and self.case.state in (CaseState.DISSUADED, CaseState.FALSE_ALARM):
            waiting = {
                step.action
                for step in self.case.steps
                if step.state in WAITING_STEPS and not step.id.startswith("clock.")
            }
            assert waiting <= AFTER_SETTLED


TestCaseLife = pytest.mark.timeout(200)(CaseLife.TestCase)
TestCaseLife.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_a_decision_at_the_end_of_time_does_not_raise() -> None:
    late = datetime(2099, 12, 31, 23, 59, tzinfo=NOON.tzinfo)
    decision = decide(None, alert(Level.YELLOW, at=late), Rules(policy()), late)
    assert decision.facts[0].kind is FactKind.OPENED
