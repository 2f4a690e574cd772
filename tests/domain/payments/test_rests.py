"""What an officer is told about the rest of a payment: as far as banks have stated where it went."""

from hypothesis import given
from hypothesis import strategies as st

from domain.casework.trail.rests import RestKind, RestPart, rest_parts
from domain.casework.trail.tree import money_tree
from domain.payments.status import PaymentStatus, status_of
from domain.policy.trace import TraceRules
from schemas.casework.inputs import BankState
from schemas.casework.movements import MovementKind
from tests.domain.builders import Line
from tests.domain.casework.orders.onward import B1, told
from tests.domain.casework.test_movements import TWO_HOPS, answer, moved, paid
from tests.domain.payments.test_books_beyond_payees import reached

RULES = TraceRules(least_fen=1)


def rests(line: Line) -> list[RestPart]:
    (payment,) = line.here.payments
    tree = money_tree(line.here, RULES)
    found = rest_parts(line.here, payment, tree.payments[0] if tree else None)
    assert payment.amount_fen == status_of(line.here, payment).amount_fen + sum(part.amount_fen for part in found)
    return found


def test_before_a_bank_has_stated_a_movement_the_rest_is_to_be_traced() -> None:
    line = paid()
    line.bank(BankState.FROZEN, amount=300_000)
    line.bank(BankState.RELEASED)
    assert rests(line) == [(RestKind.UNKNOWN, 700_000)]


def test_what_banks_have_traced_is_said() -> None:
    line = paid()
    line.give(answer(line, *TWO_HOPS))
    line.bank(BankState.FROZEN, amount=300_000)
    line.bank(BankState.RELEASED)
    assert status_of(line.here, line.here.payments[0]) == (PaymentStatus.FROZEN, 300_000)
    assert rests(line) == [
        (RestKind.CASHED_OUT, 250_000),
        (RestKind.FEES, 1_000),
        (RestKind.UNKNOWN, 449_000),
    ]


def test_what_a_bank_holds_in_a_later_account_is_said() -> None:
    line = reached()
    line.give(told(line, "bank:1", BankState.FROZEN, fen=400_000))
    line.bank(BankState.RELEASED)
    line.give(told(line, B1, BankState.FROZEN, fen=500_000, step="stop.t0"))
    assert rests(line) == [(RestKind.ELSEWHERE, 500_000), (RestKind.UNKNOWN, 100_000)]


def test_what_is_booked_as_lost_is_not_also_cashed_out() -> None:
    line = paid()
    line.give(answer(line, moved("a1", MovementKind.CASH, 700_000, 3)))
    line.bank(BankState.FROZEN, amount=300_000)
    line.bank(BankState.RELEASED)
    assert rests(line) == [(RestKind.CASHED_OUT, 700_000)]
    line.victim(600_000, "bank:1")
    assert rests(line) == [(RestKind.LOST, 600_000), (RestKind.CASHED_OUT, 100_000)]


STATED = st.lists(
    st.tuples(
        st.sampled_from(
            [("a1", "b1"), ("b1", "c1"), ("a1", MovementKind.CASH), ("b1", MovementKind.POS), ("c1", "a1")]
        ),
        st.integers(1, 900_000),
    ),
    max_size=6,
)


@given(STATED, st.integers(0, 1_000_000))
def test_whatever_banks_state_the_parts_are_the_whole_payment(
    stated: list[tuple[tuple[str, str | MovementKind], int]], frozen: int
) -> None:
    line = paid()
    movements = [moved(payer, payee, fen, minute) for minute, ((payer, payee), fen) in enumerate(stated, 1)]
    if movements:
        line.give(answer(line, *movements))
    if frozen:
        line.bank(BankState.FROZEN, amount=frozen)
    assert all(part.amount_fen > 0 for part in rests(line))
