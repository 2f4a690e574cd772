"""Where a case's money went: a set of banks' statements, and the trace that it gives."""

from datetime import timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from domain.casework.trail.movements import VICTIM, accounts_reached, bounds_of, traced, united_statements
from domain.identity.personal import WITHHELD, without
from domain.policy.trace import TraceRules
from domain.tracing.conservation import whereabouts
from domain.tracing.facts import FindingKind, SinkKind, TracedAccount
from domain.tracing.tree import in_accounts
from schemas.casework.acts import CloseAct
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankFeedback, BankState, Erase
from schemas.casework.movements import (
    MOST_MOVEMENTS,
    MOST_STATED,
    MovedAccount,
    MovementKind,
    OnwardMovement,
    StatedMovement,
)
from schemas.codes.money import MovementsStated
from schemas.levels import Level
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, RESIDENT, Line, payment

MINUTE = timedelta(minutes=1)


def moved(
    payer: str,
    payee: str | MovementKind,
    fen: int,
    minute: float,
    *,
    sequence: int | None = None,
    executed: bool = True,
) -> OnwardMovement:
    """Return a movement after noon. An account `a1` is of the bank `a`."""
    sink = isinstance(payee, MovementKind)
    return OnwardMovement(
        payer=MovedAccount(bank=payer[0], token=payer),
        payee=None if sink else MovedAccount(bank=payee[0], token=payee),
        kind=payee if sink else MovementKind.TRANSFER,
        amount_fen=fen,
        at=NOON + minute * MINUTE,
        sequence=round(minute * 60) if sequence is None else sequence,
        executed=executed,
    )


def answer(
    line: Line, *movements: OnwardMovement, name: str = "1", transfer: str = "bank:1", bank: str | None = "a"
) -> BankFeedback:
    return BankFeedback(
        id=f"answer:{name}",
        at=line.now,
        resident=RESIDENT,
        case=line.here.id,
        dispatch="none",
        transfer=transfer,
        state=BankState.IN_FORCE,
        until=line.now + timedelta(hours=48),
        bank=bank,
        movements=list(movements),
    )


def paid() -> Line:
    line = Line()
    line.alert(Level.RED, payment(amount=1_000_000, state=TransferState.SETTLED))
    return line


TWO_HOPS = (
    moved("a1", "b1", 600_000, 3),
    moved("a1", MovementKind.FEE, 1_000, 3, sequence=181),
    moved("b1", MovementKind.CRYPTO, 250_000, 7),
)


def test_a_banks_answer_adds_its_movements_to_the_case_and_the_same_again_changes_nothing() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    told = [fact.what for each in line.decisions for fact in each.facts if isinstance(fact.what, MovementsStated)]
    assert (told, len(line.here.movements)) == ([MovementsStated(3)], 3)
    line.pass_to(MINUTE)
    again = line.give(answer(line, *TWO_HOPS, name="2"))
    assert (again.facts, len(line.here.movements)) == ([], 3)


def test_a_bank_that_returns_to_its_first_answer_is_believed() -> None:
    line = paid()
    for name, fen in enumerate((600_000, 400_000, 600_000)):
        line.give(answer(line, moved("a1", "b1", fen, 3), name=str(name)))
        line.pass_to(MINUTE)
    assert len(line.here.movements) == 2
    assert in_accounts(traced(line.here, TraceRules()))[TracedAccount("b", "b1"), "bank:1"] == 600_000


def test_the_tree_adds_up_to_the_payment() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    trace = traced(line.here, TraceRules())
    found = whereabouts(trace)["bank:1"]
    assert found == (1_000_000, 0, 749_000, 250_000, 1_000)
    assert in_accounts(trace) == {
        (TracedAccount("a", "a1"), "bank:1"): 399_000,
        (TracedAccount("b", "b1"), "bank:1"): 350_000,
    }
    assert [(step.payee, step.hops) for step in trace.steps][-1] == (SinkKind.CRYPTO, 3)


def test_a_bank_that_corrects_its_own_answer_is_believed_and_the_difference_is_a_finding() -> None:
    line = paid()
    line.give(answer(line, moved("a1", "b1", 600_000, 3)))
    line.pass_to(MINUTE)
    line.give(answer(line, moved("a1", "b1", 400_000, 3), name="2"))
    trace = traced(line.here, TraceRules())
    assert in_accounts(trace)[TracedAccount("b", "b1"), "bank:1"] == 400_000
    assert [finding.kind for finding in trace.findings] == [FindingKind.CONTRADICTION]


def test_a_transfer_that_was_refused_later_never_left() -> None:
    line = paid()
    line.give(answer(line, moved("a1", "b1", 600_000, 3)))
    line.pass_to(MINUTE)
    line.give(answer(line, moved("a1", "b1", 600_000, 3, executed=False), name="2"))
    assert in_accounts(traced(line.here, TraceRules())) == {(TracedAccount("a", "a1"), "bank:1"): 1_000_000}


def test_money_that_comes_back_to_the_resident_is_with_the_victim() -> None:
    line = paid()
    line.give(answer(line, moved("a1", "v1", 300_000, 3)))
    trace = traced(line.here, TraceRules(), own={"v1"})
    assert whereabouts(trace)["bank:1"].with_victim == 300_000
    assert trace.steps[-1].payee == VICTIM


def test_a_bank_is_believed_about_its_own_accounts_whatever_others_call_it() -> None:
    line = paid()
    own = moved("b1", MovementKind.CASH, 500_000, 5)
    line.give(answer(line, moved("a1", "b1", 600_000, 3)))
    line.give(answer(line, own, name="2", bank="b"))
    line.pass_to(MINUTE)
    others = own.model_copy(update={"payer": MovedAccount(bank="aa", token="b1"), "amount_fen": 1})
    line.give(answer(line, others, name="3", bank="a"))
    trace = traced(line.here, TraceRules())
    assert whereabouts(trace)["bank:1"].cashed_out == 500_000
    assert {account.bank for account, _ in in_accounts(trace) if account.token == "b1"} == {"b"}
    assert [finding.kind for finding in trace.findings] == [FindingKind.CONTRADICTION]


def test_the_payees_institution_answers_if_the_answer_names_no_bank() -> None:
    line = Line()
    line.alert(Level.RED, payment().model_copy(update={"institution": "icbc"}))
    line.give(answer(line, moved("a1", "b1", 1, 3), bank=None))
    assert [each.by for each in line.here.movements] == ["icbc"]


def test_all_accounts_that_the_money_reached_are_known_by_their_tokens() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    assert accounts_reached(line.here) == {"a1", "b1"}


def test_an_answer_about_another_payment_adds_nothing() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS, transfer="bank:other"))
    assert line.here.movements == []


def test_a_payment_that_never_went_out_is_not_traced() -> None:
    line = Line()
    line.alert(Level.RED, payment(state=TransferState.ATTEMPTED))
    assert traced(line.here, TraceRules()).thefts == {}


def test_the_policys_bounds_end_the_trace() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    trace = traced(line.here, TraceRules(hops=1))
    assert [(end.account.token, end.bound) for end in trace.ends] == [("b1", "hops")]
    assert bounds_of(TraceRules()) == (10_000, 10, timedelta(hours=72), 100)


def test_erasing_the_person_leaves_no_movement_and_a_late_answer_adds_none() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    line.act(CloseAct(reason="nothing more to do"))
    line.pass_to(timedelta(days=3))
    assert line.here.state is CaseState.CLOSED
    line.give(Erase(id="erase", at=line.now, resident=RESIDENT, by="li"))
    assert line.here.payments[0].payee == WITHHELD
    line.give(answer(line, *TWO_HOPS, name="2"))
    assert line.here.movements == []
    assert without(line.here) == line.here
    assert FactKind.FORGOTTEN in {fact.kind for each in line.decisions for fact in each.facts}


statements = st.lists(
    st.builds(
        lambda by, told, payer, payee, fen, sequence: StatedMovement(
            by=by, told_at=NOON + told * MINUTE, movement=moved(payer, payee, fen, sequence, sequence=sequence)
        ),
        st.sampled_from([None, "a", "b"]),
        st.integers(0, 3),
        st.sampled_from(["a1", "b1"]),
        st.sampled_from(["b2", "c1", MovementKind.CASH]),
        st.integers(0, 2),
        st.integers(0, 3),
    ),
    max_size=12,
)


@given(statements, statements, statements)
def test_neither_the_order_nor_the_repetition_of_answers_changes_the_set(
    one: list[StatedMovement], two: list[StatedMovement], three: list[StatedMovement]
) -> None:
    def united(*answers: list[StatedMovement]) -> list[StatedMovement]:
        return reduce(lambda known, told: united_statements(known, told, NOON), answers, [])

    whole = united(one, two, three)
    assert united(three, one, two) == united(whole, two) == whole


def test_of_more_than_the_most_those_nearest_to_the_payment_stay_whatever_the_order() -> None:
    many = [
        StatedMovement(by="a", told_at=NOON, movement=moved("a1", "b1", 1, minute, sequence=minute + 600))
        for minute in range(-600, MOST_MOVEMENTS + 80)
    ]

    def kept(*answers: list[StatedMovement]) -> list[StatedMovement]:
        return reduce(lambda known, told: united_statements(known, told, NOON), answers, [])

    assert (
        kept(many) == kept(many[700:], many[:700]) == kept(many[:700], many[700:]) == many[600 : 600 + MOST_MOVEMENTS]
    )
    assert kept(many[:610]) == kept(many[300:610], many[:400]) == many[610 - MOST_MOVEMENTS : 610]


def test_what_an_account_paid_before_the_theft_does_not_displace_where_the_money_went() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    for name in range(MOST_MOVEMENTS // MOST_STATED):
        line.pass_to(MINUTE)
        history = [moved("a1", "c1", 1, -number, sequence=900 + number) for number in _numbers(name)]
        line.give(answer(line, *history, name=f"history {name}"))
    assert len(line.here.movements) == MOST_MOVEMENTS
    assert whereabouts(traced(line.here, TraceRules()))["bank:1"].cashed_out == 250_000


def _numbers(answer_number: int) -> range:
    return range(1 + answer_number * MOST_STATED, 1 + (answer_number + 1) * MOST_STATED)
