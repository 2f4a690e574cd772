from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.casework.triage import (
    Ground,
    QueueBand,
    Reason,
    Weight,
    order,
    queue_band,
    reasons,
    to_go,
    weigh,
)
from domain.policy import Policy
from schemas.casework.cases import Case, CaseState, Payment, Step, StepState
from schemas.casework.inputs import BankState
from schemas.levels import Action, Level, Result
from schemas.people.residents import BalanceBand
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, Line, danger, payment, policy, profile

POLICY = policy()
THERE = 5_000_000  # fen
MINUTE = timedelta(minutes=1)
DUE = NOON + 6 * MINUTE


def case(level: Level, amount: int = 0, letter: str = "a", **more: object) -> Case:
    line = Line()
    line.alert(level, *([payment(amount=amount)] if amount else []))
    resident = "r" + letter * 16
    return line.here.model_copy(update={"resident": resident, "id": f"{resident}-1", **more})


def on_desk(*results: Result) -> list[Step]:
    """An operator's call that is on the desk, after these."""
    return [Step(id="red.operator", action=Action.OPERATOR_CALL, state=StepState.SENT, due=DUE, results=list(results))]


def offered(level: Level, amount: int = 0, letter: str = "a", waited: timedelta = 0 * MINUTE, **more: object) -> Case:
    """A case that the desk has offered for so long, at noon."""
    return case(level, amount, letter, **{"steps": on_desk(), "offered_at": NOON - waited, **more})


def fen(given: Case, rules: Policy = POLICY) -> float:
    """What a minute of an operator's keeps."""
    return weigh(given, rules).fen


def with_triage(**figures: object) -> Policy:
    """Jilin's policy with other figures of triage."""
    return POLICY.model_copy(update={"triage": POLICY.triage.model_copy(update=figures)})


WITHOUT = with_triage(limit={})


# ---------------------------------------------------------------- what a minute keeps


def test_more_money_still_to_go_is_taken_first() -> None:
    large, small = offered(Level.RED, 8_000_000), offered(Level.RED, 6_000_000, "b")
    assert order([small, large], NOON, POLICY) == [large, small]


def test_money_that_is_gone_is_worth_no_call() -> None:
    gone = case(Level.RED, payments=[payment(amount=9_000_000, state=TransferState.SETTLED)])
    assert to_go(gone) == 0
    assert fen(gone) < fen(case(Level.RED, 9_000_000))


def test_money_that_a_bank_has_caught_is_no_longer_on_its_way() -> None:
    line = Line()
    line.alert(Level.RED, payment(amount=9_000_000))
    before = line.here
    line.bank(BankState.CANCELLED, "bank:1", 9_000_000)
    assert (to_go(before), to_go(line.here)) == (9_000_000, 0)
    assert fen(line.here) < fen(before)
    assert Ground.TO_GO not in {reason.ground for reason in reasons(line.here, POLICY)}


def test_who_has_paid_is_harder_to_persuade_with_the_same_money_still_to_go() -> None:
    going, small = payment("bank:1", 8_000_000), payment("bank:2", 1, state=TransferState.SETTLED)
    as_easily, harder = with_triage(paid=1.0), with_triage(paid=0.5)
    first, second = case(Level.RED, payments=[going]), case(Level.RED, payments=[small, going])
    assert (fen(second, as_easily), fen(second, harder)) == (fen(first, as_easily), fen(first, harder) / 2)


def test_a_call_in_progress_counts_more_since_the_money_goes_faster() -> None:
    calling = case(Level.RED, danger=danger(Level.RED, exposure=THERE, call_since=NOON - 6 * MINUTE))
    silent = case(Level.RED, danger=danger(Level.RED, exposure=THERE))
    as_easily = with_triage(busy=POLICY.triage.reached)
    assert fen(calling, as_easily) > fen(silent, as_easily)


def test_what_was_tried_in_vain_makes_another_case_come_first() -> None:
    there = danger(Level.RED, exposure=THERE)
    fresh, talked, tried = (
        case(Level.RED, danger=there, steps=on_desk(*results))
        for results in ((), (Result.DELIVERED,), (Result.NO_ANSWER, Result.REFUSED))
    )
    assert fen(fresh) > fen(tried)
    assert fen(fresh) > fen(talked)


def test_who_is_harder_to_persuade_comes_later_with_the_same_money() -> None:
    there = danger(Level.RED, exposure=THERE)
    easy, hard = (case(Level.RED, danger=there.model_copy(update={"scam_type": name})) for name in ("easy", "hard"))
    usual = POLICY.triage.scam
    talks = {"easy": usual, "hard": usual.model_copy(update={"persuaded": usual.persuaded / 2})}
    assert fen(easy, with_triage(scams=talks)) > fen(hard, with_triage(scams=talks))


def test_the_same_money_counts_more_where_it_is_all_that_is_there() -> None:
    poor, rich = (
        case(Level.RED, 300_000, profile=profile().model_copy(update={"balance": band}))
        for band in (BalanceBand.LOW, BalanceBand.VERY_HIGH)
    )
    assert fen(poor) > fen(rich)


def payments(amounts: list[int]) -> list[Payment]:
    return [payment(f"bank:{number}", amount) for number, amount in enumerate(amounts)]


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**9)), max_size=3),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.sampled_from([*POLICY.triage.scams, "unheard_of"]),
    st.sampled_from(BalanceBand),
)
def test_more_money_at_risk_is_never_worth_less(
    amounts: list[tuple[int, int]], exposure: int, further: int, scam: str, band: BalanceBand
) -> None:
    def at_risk(amounts: list[int], exposure: int) -> Case:
        found = danger(Level.RED, exposure=exposure).model_copy(update={"scam_type": scam})
        there = profile().model_copy(update={"balance": band})
        return case(Level.RED, danger=found, profile=there, payments=payments(amounts))

    less, more = at_risk([few for few, _ in amounts], exposure), at_risk([sum(both) for both in amounts], exposure)
    assert fen(less) <= fen(more) <= fen(at_risk([sum(both) for both in amounts], exposure + further))


# ---------------------------------------------------------------- waiting


def test_what_has_waited_for_the_patience_is_worth_twice_as_much() -> None:
    weight = weigh(offered(Level.RED, 8_000_000), WITHOUT)
    assert weight.at(NOON + POLICY.triage.patience) == 2 * weight.at(NOON) == 2 * weight.fen


def test_what_has_waited_for_its_limit_counts_twice_and_twice_again_with_each_further_quarter_of_it() -> None:
    limit = POLICY.triage.limit[Level.ORANGE]
    weight, patient = weigh(offered(Level.ORANGE, 8_000_000), POLICY), weigh(offered(Level.ORANGE, 8_000_000), WITHOUT)
    times = [weight.at(when) / patient.at(when) for when in (NOON + limit * quarters / 4 for quarters in (3, 4, 5, 6))]
    assert times == [1, 2, 4, 8]


def test_a_small_loss_that_has_waited_for_too_long_comes_before_a_large_one_but_not_before_all_at_once() -> None:
    limit = POLICY.triage.limit[Level.ORANGE]
    large = offered(Level.RED, 90_000_000, "b")
    just, long = (offered(Level.ORANGE, 100_000, waited=waited) for waited in (limit, 5 * limit))
    assert order([large, just], NOON, POLICY) == [large, just]
    assert order([large, long], NOON, POLICY) == [long, large]


def test_without_a_limit_worth_alone_decides() -> None:
    small, large = offered(Level.RED, 1, waited=timedelta(days=2)), offered(Level.RED, 90_000_000, "b")
    assert order([small, large], NOON, WITHOUT) == [large, small]


weights = st.builds(
    Weight,
    st.sampled_from(QueueBand),
    st.floats(0, 1e12),
    st.integers(-600, 60).map(lambda minutes: NOON + minutes * MINUTE),
    st.sampled_from([MINUTE, 30 * MINUTE]),
    st.sampled_from([None, 0 * MINUTE, 30 * MINUTE, 120 * MINUTE]),
)


@given(weights, st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_waiting_never_puts_a_case_further_back(weight: Weight, seconds: int, more: int) -> None:
    soon = NOON + timedelta(seconds=seconds)
    assert weight.place(soon + timedelta(seconds=more)) <= weight.place(soon)


@given(weights, weights)
def test_whoever_may_not_wait_for_ever_comes_before_any_other_in_the_end(waits: Weight, other: Weight) -> None:
    limit = waits.limit or 30 * MINUTE
    patient = replace(other, turn=waits.turn, limit=None)
    in_the_end = max(NOON, waits.since + 17 * limit)
    assert replace(waits, limit=limit).place(in_the_end) < patient.place(in_the_end)


# ---------------------------------------------------------------- whose turn, and in which order


def test_who_is_on_the_desk_comes_before_who_is_under_way_and_who_is_settled_comes_last() -> None:
    line = Line()
    line.alert(Level.ORANGE)
    line.pass_to(31 * MINUTE)
    taken = line.here.model_copy(update={"claimed_by": "li"})
    settled = case(Level.RED, 90_000_000, state=CaseState.DISSUADED)
    found = [line.here, taken, settled]
    assert [queue_band(each) for each in found] == [QueueBand.OFFERED, QueueBand.UNDER_WAY, QueueBand.SETTLED]
    assert [weigh(each, POLICY).limit is None for each in found] == [False, True, True]
    places = [weigh(each, POLICY).place(line.now) for each in found]
    assert places == sorted(places)


CASES = [offered(level, 1_000_000 * (4 - level.rank), letter) for level, letter in zip(Level, "abcd", strict=True)]


@given(st.permutations(CASES))
def test_the_order_does_not_depend_on_the_order_in_which_cases_are_given(cases: list[Case]) -> None:
    assert order(cases, NOON, POLICY) == order(CASES, NOON, POLICY)


# ---------------------------------------------------------------- why


def test_reasons_tell_the_money_the_call_and_what_was_tried() -> None:
    since = NOON - 6 * MINUTE
    tried = on_desk(Result.SENT, Result.NO_ANSWER, Result.REFUSED, Result.HUNG_UP)
    calling = case(Level.RED, 8_000_000, danger=danger(Level.RED, exposure=THERE, call_since=since), steps=tried)
    assert reasons(calling, POLICY) == [
        Reason(Ground.TO_GO, fen=8_000_000),
        Reason(Ground.CALL, at=since),
        Reason(Ground.NOT_TAKEN, times=2),
        Reason(Ground.TALKED, times=1),
    ]


def test_where_no_payment_is_under_way_the_reason_is_what_may_still_be_asked_for() -> None:
    exposed = danger(Level.RED, exposure=THERE)
    assert reasons(case(Level.RED, danger=exposed), POLICY)[0] == Reason(Ground.TO_COME, fen=THERE)
    assert reasons(case(Level.RED), POLICY) == []


# ---------------------------------------------------------------- why a case stands where it stands


def test_a_worth_is_the_product_of_the_figures_that_explain_it() -> None:
    weight = weigh(offered(Level.RED, 8_000_000, waited=10 * MINUTE), POLICY)
    of = weight.factors
    assert of is not None
    assert of.fen == weight.fen == of.stake_fen * of.lost * of.reached * of.persuaded / of.minutes
    assert 0 < of.lost <= 1
    assert of.within == POLICY.triage.horizon
    waited, doubled = weight.raised(NOON)
    assert (waited, doubled) == (1 + 10 * MINUTE / POLICY.triage.patience, 0)
    assert weight.at(NOON) == of.fen * waited


@given(st.lists(st.tuples(st.integers(0, 9_000_000), st.integers(0, 240)), min_size=2, max_size=5))
def test_the_figures_that_explain_sort_as_the_queue_does(given_cases: list[tuple[int, int]]) -> None:
    cases = [
        offered(Level.RED, amount, "abcde"[n], waited=minutes * MINUTE)
        for n, (amount, minutes) in enumerate(given_cases)
    ]
    explained = []
    for each in order(cases, NOON, POLICY):
        weight = weigh(each, POLICY)
        assert weight.factors is not None
        waited, doubled = weight.raised(NOON)
        plain = weight.factors.fen * waited
        explained.append((-(max(plain, 100.0) * 2**doubled if doubled else plain), each.id))
    assert explained == sorted(explained)
