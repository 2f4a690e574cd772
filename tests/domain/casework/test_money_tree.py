"""The tree of a case's money: who has it, how it went, and that the figures add up."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.casework.trail.tree import Accounted, MoneyTree, money_tree
from domain.payments.books import standing
from domain.payments.status import PaymentStatus, status_of
from domain.policy.trace import TraceRules
from domain.tracing.facts import SinkKind
from domain.tracing.lots import Standing
from schemas.casework.books import BookLine
from schemas.casework.cases import Stop, StopState
from schemas.casework.inputs import BankState
from schemas.casework.movements import MovementKind, StatedMovement
from schemas.levels import EvidenceClass
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, Line, payment
from tests.domain.casework.orders.onward import B1, told
from tests.domain.casework.test_movements import TWO_HOPS, answer, moved, paid
from tests.domain.payments.test_books_beyond_payees import followed

RULES = TraceRules(least_fen=1)


def tree(line: Line, *own: str) -> MoneyTree:
    found = money_tree(line.here, RULES, own)
    assert found is not None
    return found


def adds_up(figures: Accounted) -> bool:
    stolen, *rest = figures
    return stolen == sum(rest) and min(figures) >= 0


def test_the_tree_shows_each_account_with_its_minutes_and_what_is_held_cashed_out_and_unknown() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    found = tree(line)
    assert found.total == Accounted(1_000_000, 0, 399_000, 350_000, 250_000, 1_000)
    assert found.standing is Standing.INVESTIGATIVE
    rows = [
        (row.depth, row.account.token if row.account else row.sink, row.after.total_seconds() / 60, row.left_fen)
        for row in found.payments[0].rows
    ]
    assert rows == [
        (0, "a1", 0, 399_000),
        (1, "b1", 3, 350_000),
        (2, SinkKind.CRYPTO, 7, 0),
        (1, SinkKind.FEE, 3, 0),
    ]
    assert [row.held_fen for row in found.payments[0].rows] == [399_000, 0, 0, 0]


def test_without_a_banks_movement_there_is_no_tree() -> None:
    assert money_tree(paid().here, RULES) is None


def test_of_what_a_bank_has_frozen_only_that_counts_as_held() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    line.bank(BankState.FROZEN, amount=100_000)
    assert tree(line).total == Accounted(1_000_000, 0, 100_000, 649_000, 250_000, 1_000)


def test_what_the_bank_has_returned_is_with_the_victim() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    line.bank(BankState.RETURNED, amount=300_000)
    assert line.here.kept["bank:1"].evidence is EvidenceClass.A
    assert tree(line).total == Accounted(1_000_000, 300_000, 0, 449_000, 250_000, 1_000)


def test_money_that_a_bank_states_as_returned_and_as_a_movement_is_back_once() -> None:
    line = paid()
    line.give(answer(line, moved("a1", "v1", 400_000, 3)))
    line.bank(BankState.RETURNED, amount=400_000)
    assert tree(line, "v1").total == Accounted(1_000_000, 400_000, 0, 600_000, 0, 0)


def test_what_a_bank_has_frozen_is_held_after_its_stop_has_run_out_or_was_lifted_until_it_is_returned() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    line.bank(BankState.FROZEN, amount=300_000)
    line.pass_to(timedelta(hours=49))
    assert line.here.payments[0].stop == Stop(state=StopState.EXPIRED, times=0)
    assert tree(line).total == Accounted(1_000_000, 0, 300_000, 449_000, 250_000, 1_000)
    line.bank(BankState.RELEASED)
    assert tree(line).total.held == 300_000
    line.bank(BankState.RETURNED, amount=200_000)
    assert tree(line).total == Accounted(1_000_000, 200_000, 100_000, 449_000, 250_000, 1_000)
    line.bank(BankState.RETURNED, amount=300_000)
    assert tree(line).total == Accounted(1_000_000, 300_000, 0, 449_000, 250_000, 1_000)


def test_a_lifted_stop_leaves_the_freeze_in_the_tree_the_books_and_the_status_alike() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    line.bank(BankState.FROZEN, amount=300_000)
    line.bank(BankState.RELEASED)
    assert line.here.payments[0].stop == Stop(state=StopState.RELEASED, times=0)
    assert tree(line).total.held == 300_000
    assert standing(line.here)[BookLine.FROZEN] == 300_000
    assert status_of(line.here, line.here.payments[0]) == (PaymentStatus.FROZEN, 300_000)


def test_money_frozen_beyond_the_payees_account_stays_held_when_its_stop_is_lifted() -> None:
    line = followed()
    line.give(told(line, B1, BankState.FROZEN, fen=500_000, step="stop.t0"))
    held = tree(line).total.held
    assert held == 900_000, "400,000 in the payee's account, which is stopped"
    line.give(told(line, B1, BankState.RELEASED, step="stop.t0"))
    (account,) = line.here.traced
    assert account.stop is not None
    assert account.stop.state is StopState.RELEASED
    assert tree(line).total.held == held
    assert standing(line.here)[BookLine.FROZEN] == 500_000
    assert status_of(line.here, account) == (PaymentStatus.FROZEN, 500_000)


def test_a_stop_that_has_run_out_holds_nothing() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    line.pass_to(timedelta(hours=49))
    assert tree(line).total == Accounted(1_000_000, 0, 0, 749_000, 250_000, 1_000)


def test_a_bank_that_returned_or_froze_more_than_its_movements_leave_makes_the_tree_doubtful() -> None:
    for state in (BankState.RETURNED, BankState.FROZEN):
        line = paid()
        line.give(answer(line, *TWO_HOPS))
        line.bank(state, amount=399_000)
        assert not tree(line).doubtful
        line.bank(state, amount=400_000)
        assert tree(line).doubtful


def test_of_a_stopped_account_only_what_its_bank_says_is_there_counts_as_held() -> None:
    line = paid()
    told = answer(line, *TWO_HOPS)
    line.give(told.model_copy(update={"amount_fen": 300_000}))
    assert tree(line).total == Accounted(1_000_000, 0, 300_000, 449_000, 250_000, 1_000)
    assert not tree(line).doubtful
    line.pass_to(timedelta(hours=49))
    assert tree(line).total.held == 0
    line = paid()
    line.give(answer(line, *TWO_HOPS).model_copy(update={"amount_fen": 400_000}))
    assert tree(line).doubtful


def test_money_in_a_circle_is_walked_once() -> None:
    line = paid()
    circle = (moved("a1", "b1", 500_000, 1), moved("b1", "a1", 400_000, 2), moved("a1", "b1", 900_000, 3))
    line.give(answer(line, *circle))
    found = tree(line)
    assert len(found.payments[0].rows) == 4
    assert adds_up(found.total)


def test_a_bound_of_the_policy_shows_where_the_trace_ended() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    found = money_tree(line.here, TraceRules(hops=1))
    assert found is not None
    assert [row.ends for row in found.payments[0].rows] == [False, True, False]
    assert found.total == Accounted(1_000_000, 0, 399_000, 600_000, 0, 1_000)


def test_banks_that_contradict_each_other_make_the_tree_doubtful() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    assert not tree(line).doubtful
    line.pass_to(timedelta(minutes=1))
    line.give(answer(line, moved("a1", "b1", 1, 3), name="2", bank="b"))
    assert tree(line).doubtful


@given(
    st.lists(
        st.builds(
            lambda payer, payee, fen, minute, by: StatedMovement(
                by=by, told_at=NOON, movement=moved(payer, payee, fen, minute, sequence=minute)
            ),
            st.sampled_from(["a1", "a2", "b1"]),
            st.sampled_from(["a2", "b1", "c1", "v1", MovementKind.CASH, MovementKind.FEE]),
            st.integers(0, 900),
            st.integers(0, 9),
            st.sampled_from(["a", "b"]),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([None, *StopState]),
    st.none() | st.integers(0, 1000),
    st.integers(1, 4),
)
def test_the_figures_add_up_whatever_banks_state(
    stated: list[StatedMovement], stop: StopState | None, frozen: int | None, hops: int
) -> None:
    paid_twice = [
        payment("bank:1", 1000, TransferState.SETTLED, "a1"),
        payment("bank:2", 500, TransferState.SETTLED, "b1"),
    ]
    until = NOON + timedelta(hours=1) if stop is StopState.IN_FORCE else None
    paid_twice[0] = paid_twice[0].model_copy(update={"stop": stop and Stop(state=stop, until=until)})
    case = paid().here.model_copy(
        update={"payments": paid_twice, "movements": stated, "frozen": {} if frozen is None else {"bank:1": frozen}}
    )
    found = money_tree(case, TraceRules(least_fen=1, hops=hops), {"v1"})
    assert found is not None
    assert adds_up(found.total)
    for each in found.payments:
        assert adds_up(each.figures)
        inside = sum(row.left_fen for row in each.rows)
        assert inside == each.figures.held + each.figures.unknown
        assert sum(row.held_fen for row in each.rows) == each.figures.held
