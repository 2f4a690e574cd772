from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import itemgetter
from threading import Thread

import pytest

from domain.tracing.bounds import TraceBounds
from domain.tracing.facts import Movement, SinkKind, Stated, TracedAccount
from domain.tracing.ledgers import trace_money
from domain.tracing.lots import TracingRule
from domain.tracing.tree import in_accounts
from schemas.casework.inputs import BankState, VisitStage
from schemas.casework.movements import MOST_STATED
from schemas.levels import WEEK_ANSWERS, Action, EvidenceClass, Outcome, Result
from simulators.assumptions import figures
from simulators.assumptions.chance import stream
from simulators.population.numbers import bank_of
from simulators.providers.bank import Stopping
from simulators.scams.story import Pay, Ring
from simulators.world import behaviour
from simulators.world.answers import Answers
from simulators.world.behaviour import Situation
from simulators.world.contacts import BankAnswer
from simulators.world.mules import Moved, money_onward
from simulators.world.province import START, Province
from simulators.world.truth import Fate, Life

END = START + timedelta(minutes=59)
LATER = START + timedelta(hours=3)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def province() -> Province:
    made = Province(7, residents=1500)
    made.signals_until(END)
    return made


def paying(province: Province) -> Iterator[Life]:
    yield from (life for life in province.truth.lives.values() if len(life.story.payments) > 1)


def dispatch(life: Life, step: str = "red.sms", channel: str = "sms", attempt: int = 1) -> str:
    return f"{life.story.victim.id}-1:{step}:{attempt}:{channel}"


def shares(results: list[Result | None]) -> dict[Result | None, float]:
    return {result: count / len(results) for result, count in Counter(results).items()}


def test_about_forty_in_a_hundred_refuse_a_robots_call() -> None:
    share = shares([behaviour.robot_call(stream(number), Situation()).result for number in range(4000)])
    assert share[Result.REFUSED] + share[Result.HUNG_UP] == pytest.approx(0.4, abs=0.03)
    assert share[Result.ACKNOWLEDGED] > 0.2


def test_the_line_is_mostly_busy_while_the_scammer_talks() -> None:
    talking = Situation(scam_type="police", on_the_line=True)
    share = shares([behaviour.robot_call(stream(number), talking).result for number in range(2000)])
    assert share[Result.BUSY] > 0.8


def test_a_hard_scam_takes_about_five_calls_for_one_success() -> None:
    asked = Situation(scam_type="romance", asked=True, payments_made=1, payments_to_come=2)
    won = sum(behaviour.talk(stream(number), asked).outcome is Outcome.DISSUADED for number in range(4000)) / 4000
    assert 5 < 1 / won < 12


def test_a_visit_works_better_than_a_call() -> None:
    asked = Situation(scam_type="police", asked=True, payments_made=1, payments_to_come=2)
    calls = sum(behaviour.talk(stream(number), asked).outcome is Outcome.DISSUADED for number in range(1000))
    doors = sum(behaviour.at_the_door(stream(number), asked).outcome is Outcome.DISSUADED for number in range(1000))
    assert doors > 3 * calls


def test_some_take_the_police_for_the_fake_one() -> None:
    asked = Situation(scam_type="police", asked=True, payments_to_come=2)
    said = {behaviour.talk(stream(number), asked).because for number in range(200)}
    assert "takes this call for the fake one" in said


def test_the_same_dispatch_gets_the_same_answer(province: Province) -> None:
    life = next(paying(province))
    first = province.contacts.answer(dispatch(life), Action.FLASH_SMS, START)
    assert province.contacts.answer(dispatch(life), Action.FLASH_SMS, START) == first


def test_answers_do_not_depend_on_the_order_in_which_threads_ask(province: Province) -> None:
    names = [dispatch(life, attempt=attempt) for life in paying(province) for attempt in (1, 2, 3)]
    other = Province(7, residents=1500)
    other.signals_until(END)
    expected = {name: other.contacts.answer(name, Action.SMS, START) for name in names}
    found = {}

    def ask(part: list[str]) -> None:
        found.update({name: province.contacts.answer(name, Action.SMS, START) for name in part})

    threads = [Thread(target=ask, args=(names[first::4][::-1],)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_a_talk_that_persuades_ends_the_payments_and_names_the_next_one(province: Province) -> None:
    kept = 0
    for life in paying(province):
        at = life.story.payments[0].at - MINUTE
        talk = province.contacts.talk(f"{life.story.victim.id}-1", at)
        act = province.contacts.outcome(f"{life.story.victim.id}-1", talk, at + talk.lasted)
        assert act.outcome is talk.outcome
        assert (life.persuaded_at is not None) == (talk.outcome is Outcome.DISSUADED)
        unmade = {pay.uid: pay.amount_fen for pay, fate in province.truth.fates(life, LATER) if fate.kept}
        assert all(unmade[claim.transfer] == claim.amount_fen for claim in act.kept)
        assert all(claim.evidence is EvidenceClass.C for claim in act.kept)
        kept += len(act.kept)
    assert kept > 0


def test_who_is_in_no_scam_is_a_false_alarm(province: Province) -> None:
    free = next(one for one in province.people if one.id not in province.truth.lives)
    outcomes = {province.contacts.talk(f"{free.id}-1", START).outcome for _ in range(20)}
    assert outcomes == {Outcome.FALSE_ALARM, Outcome.UNREACHABLE}
    assert province.truth.summary(END)["contacted_needlessly"] == 1


def test_who_has_paid_everything_is_already_defrauded(province: Province) -> None:
    life = next(paying(province))
    talks = [province.contacts.talk(f"{life.story.victim.id}-1", LATER) for _ in range(20)]
    reached = next(talk for talk in talks if talk.outcome is not Outcome.UNREACHABLE)
    act = province.contacts.outcome(f"{life.story.victim.id}-1", reached, LATER)
    assert (act.outcome, act.lost_fen) == (Outcome.ALREADY_DEFRAUDED, life.story.asked_fen)


def test_an_officer_comes_step_by_step_and_ends_with_a_checklist(province: Province) -> None:
    seen = Counter[str]()
    for attempt in range(80):
        life = next(paying(province))
        reports = province.contacts.visit(dispatch(life, "red.visit", "visit", attempt + 1), START)
        assert [report.after for report in reports] == sorted(report.after for report in reports)
        seen[str(reports[-1].stage) if reports else "late"] += 1
        if reports and reports[-1].stage is VisitStage.DONE:
            assert reports[-1].checklist is not None
            assert reports[-1].outcome is not None
    assert set(seen) == {"done", "refused", "late", "not_at_home"}
    assert seen["done"] > 40


def stop(province: Province, pay: Pay, life: Life, at_least: Fate) -> list[BankAnswer]:
    """Ask until a bank does not refuse; the moment is such that the payment has the fate."""
    asked = pay.at if at_least is Fate.IN_FLIGHT else pay.settles
    for attempt in range(1, 9):
        name = dispatch(life, "red.stop", "payment", attempt)
        answers = province.contacts.bank(name, Action.STOP_PAYMENT, pay.payee, pay.uid, asked)
        if answers[0].state is not BankState.REFUSED:
            return answers
    raise AssertionError("every bank refused")


def test_a_stop_in_time_catches_the_payment_in_flight(province: Province) -> None:
    life, pay = next((life, p) for life in paying(province) for p in life.story.payments if slow(p))
    answers = stop(province, pay, life, Fate.IN_FLIGHT)
    assert [(answer.state, answer.amount_fen) for answer in answers] == [(BankState.CANCELLED, pay.amount_fen)]
    assert life.fate(pay, LATER, province.truth.stops) is Fate.CAUGHT


def slow(pay: Pay) -> bool:
    return pay.settles - pay.at > 10 * MINUTE


def test_a_stop_after_the_money_has_settled_freezes_what_is_still_there(province: Province) -> None:
    life = next(paying(province))
    pay = life.story.payments[0]
    in_force, frozen = stop(province, pay, life, Fate.SETTLED)
    assert (in_force.state, frozen.state) == (BankState.IN_FORCE, BankState.FROZEN)
    assert 0 < frozen.amount_fen < pay.amount_fen
    assert life.frozen[pay.uid] == frozen.amount_fen


def test_a_stopped_account_takes_no_further_payment(province: Province) -> None:
    life = next(paying(province))
    first = life.story.payments[0]
    stop(province, first, life, Fate.SETTLED)
    later = [
        (other, pay)
        for other in paying(province)
        for pay in other.story.payments
        if pay.payee == first.payee and pay.settles > first.settles + 30 * MINUTE
    ]
    assert all(other.fate(pay, LATER, province.truth.stops) is Fate.BLOCKED for other, pay in later)


def test_what_is_frozen_and_caught_is_never_more_than_was_paid(province: Province) -> None:
    for life in paying(province):
        for pay in life.story.payments:
            for attempt in (1, 2):
                name = dispatch(life, f"red.stop.{pay.id}", "payment", attempt)
                province.contacts.bank(name, Action.STOP_PAYMENT, pay.payee, pay.uid, pay.settles + attempt * MINUTE)
        kept = province.truth.frozen_fen(life, LATER) + province.truth.kept_fen(life, LATER)
        assert kept <= life.story.asked_fen


def test_whoever_is_persuaded_puts_the_receiver_down(province: Province) -> None:
    rings = ((life, beat) for life in paying(province) for beat in life.story.events if isinstance(beat, Ring))
    life, ring = next((life, ring) for life, ring in rings if ring.lasts > 5 * MINUTE)
    assert life.on_the_line(ring.at + MINUTE) == ring
    life.persuade(ring.at + MINUTE, Action.VISIT)
    assert life.on_the_line(ring.at + 2 * MINUTE) is None


def test_a_bank_states_where_the_money_went_and_the_trace_of_it_finds_every_fen(province: Province) -> None:
    life = next(paying(province))
    pay = life.story.payments[0]
    in_force, frozen = stop_at(province, pay, life, pay.settles + 15 * MINUTE)
    assert set(in_force.onward) <= set(frozen.onward), "the later answer knows more"
    assert {each.payer for each in frozen.onward} > {pay.payee}, "two hops"
    again = money_onward(7, pay, frozen.amount_fen, pay.settles + 15 * MINUTE, LATER)
    assert again == money_onward(7, pay, frozen.amount_fen, pay.settles + 15 * MINUTE, LATER)
    mule = TracedAccount(bank_of(pay.payee), pay.payee)
    theft = Movement("theft", TracedAccount("", "victim"), mule, pay.amount_fen, pay.settles, 0)
    stated = [Stated("", pay.settles, theft), *(statement(each) for each in again)]
    bounds = TraceBounds(least_fen=1, hops=9, within=timedelta(days=1), accounts=99)
    trace = trace_money(stated, ["theft"], TracingRule.FIFO, bounds)
    assert (trace.findings, in_accounts(trace)[mule, "theft"]) == ((), frozen.amount_fen)
    assert len({(each.bank, each.sequence) for each in again}) == len(again) <= MOST_STATED


def test_a_bank_behind_the_mules_holds_what_went_on_to_it_until_its_stop_ends(province: Province) -> None:
    life = next(paying(province))
    pay = life.story.payments[0]
    asked = pay.settles + 15 * MINUTE
    went = stop_at(province, pay, life, asked)[-1].onward
    came = Counter[str]()
    for each in went:
        came[each.payee or ""] += each.amount_fen
        came[each.payer] -= each.amount_fen
    account, fen = max(((to, fen) for to, fen in came.items() if to), key=itemgetter(1))
    in_force, frozen = stop_at(province, pay, life, asked, account)
    assert (in_force.state, frozen.state) == (BankState.IN_FORCE, BankState.FROZEN)
    assert 0 < frozen.amount_fen == in_force.amount_fen <= fen
    before = province.truth.frozen_fen(life, LATER)
    again = stop_at(province, pay, life, asked + timedelta(hours=1), account)
    assert again[0].amount_fen == in_force.amount_fen, "nothing leaves a stopped account"
    told = stop_at(province, pay, life, asked + timedelta(hours=2))[-1].onward
    out = sum(each.amount_fen for each in told if each.payer == account)
    assert sum(each.amount_fen for each in told if each.payee == account) - out == in_force.amount_fen
    assert province.truth.frozen_fen(life, LATER) == before, "the truth counts payments, as the books do"


def test_a_stop_of_an_account_that_no_stolen_money_reached_finds_none(province: Province) -> None:
    life = next(paying(province))
    pay = life.story.payments[0]
    (said,) = stop_at(province, pay, life, pay.settles + 15 * MINUTE, "6222000000000000")
    assert (said.state, said.amount_fen) == (BankState.IN_FORCE, 0)
    assert "6222000000000000" not in province.truth.stops


def stop_at(province: Province, pay: Pay, life: Life, at: datetime, account: str | None = None) -> list[BankAnswer]:
    """Ask at this moment until a bank does not refuse. `account`: one behind the payee's; None: the payee's."""
    names = (dispatch(life, "red.late", "payment", attempt) for attempt in range(1, 99))
    of = (pay.payee, pay.uid) if account is None else (account, f"{bank_of(account)}:traced-1-0")
    asked = (province.contacts.bank(name, Action.STOP_PAYMENT, *of, at) for name in names)
    return next(answers for answers in asked if answers[0].state is not BankState.REFUSED)


def statement(moved: Moved) -> Stated:
    payer = TracedAccount(moved.bank, moved.payer)
    payee = TracedAccount(bank_of(moved.payee), moved.payee) if moved.payee else SinkKind(moved.kind.value)
    name = f"{moved.bank}#{moved.sequence}"
    return Stated(moved.bank, moved.at, Movement(name, payer, payee, moved.amount_fen, moved.at, moved.sequence))


async def test_the_simulated_bank_tells_the_movements_with_its_own_name(province: Province) -> None:
    life = next(paying(province))
    pay, answers = life.story.payments[0], Answers(province.contacts)
    at = pay.settles + 15 * MINUTE
    names = [dispatch(life, "red.said", "payment", attempt) for attempt in range(1, 9)]
    asked = [Stopping(name, Action.STOP_PAYMENT, pay.payee, pay.uid, pay.amount_fen) for name in names]
    said = [told for each in asked for told in await answers.bank(each, at) if told.movements]
    assert {told.bank for told in said} == {bank_of(pay.payee)}
    assert {told.movements[0].payer.account for told in said} == {pay.payee}
    assert all(len(told.movements) <= MOST_STATED for told in said)


def test_who_has_paid_since_mostly_admits_it_and_who_has_not_says_so() -> None:
    def answers(situation: Situation) -> dict[Result | None, float]:
        found = [behaviour.week_call(stream(number), situation).result for number in range(2000)]
        return shares([each for each in found if each in WEEK_ANSWERS])

    paid = answers(Situation(scam_type="loan", paid_since=True, contacted_again=True))
    assert paid[Result.PAID_SINCE] == pytest.approx(figures.ADMITS_PAYING, abs=0.06)
    assert answers(Situation(scam_type="loan", contacted_again=True)) == {Result.CONTACTED_AGAIN: 1}
    assert answers(Situation()) == {Result.NOTHING_PAID: 1}


def test_a_third_of_the_messages_a_week_later_are_answered_after_they_arrived() -> None:
    found = [behaviour.week_sms(stream(number), Situation()) for number in range(3000)]
    replied = [each for each in found if each.then is not None]
    assert len(replied) / 3000 == pytest.approx(0.94 * figures.REPLIES_TO_QUESTION, abs=0.04)
    assert all(each.result is Result.DELIVERED and each.then and each.then.after > each.after for each in replied)


def test_the_truth_of_the_answer_is_whether_a_payment_was_made_after_they_were_dissuaded(province: Province) -> None:
    life = next(life for life in paying(province) if not life.story.relapses_after)
    first, later = life.story.payments[:2]
    assert not life.paid_since_persuaded(later.settles + MINUTE, {}), "nobody has dissuaded them"
    life.persuade(first.at - MINUTE, Action.VISIT)
    assert not life.paid_since_persuaded(later.settles + MINUTE, {}), "and they did not pay"
