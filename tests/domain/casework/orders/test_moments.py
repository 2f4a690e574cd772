"""Two persons act at one moment, or in another order than their clocks say: no order is left without its case, and no
money is counted twice.
"""

from datetime import timedelta

import pytest

from domain.payments.headline import HeadlineKind, headline_of, money_in_danger
from domain.payments.stop_progress import danger_parts
from schemas.casework.acts import CloseAct
from schemas.casework.cases import CaseState
from schemas.casework.inputs import BankState, PaymentReport
from schemas.casework.orders import OrderState
from schemas.levels import Level
from schemas.people.staff import StaffRole
from tests.domain.builders import NOON, RESIDENT, profile
from tests.domain.casework.journal import Journal
from tests.domain.casework.orders.onward import B1, onward, paid, told
from tests.domain.casework.test_movements import answer, moved
from tests.domain.casework.test_payment_reports import ORDERED, reported

PAID = 1_000_000


@pytest.mark.parametrize("early", [timedelta(0), timedelta(milliseconds=50)])
def test_a_payment_that_is_reported_while_another_person_closes_the_case_opens_it_again(early: timedelta) -> None:
    line = reported()
    line.now = NOON + timedelta(hours=1)
    line.act(CloseAct(reason="办结"))
    assert line.here.state is CaseState.CLOSED
    other = ORDERED.model_copy(update={"transfer": "reported:2", "payee": "a2", "at": line.now})
    line.give(
        PaymentReport(
            id="report:late",
            at=line.now - early,
            resident=RESIDENT,
            by="operator wu",
            role=StaffRole.OPERATOR,
            payment=other,
            profile=profile(),
        )
    )
    assert (line.here.open, line.here.settled, line.here.level) == (True, False, Level.RED)
    assert [order.state for order in line.here.orders if order.transfer == "reported:2"] == [OrderState.PROPOSED]


def undecided() -> Journal:
    """The payee's bank, which has not decided yet, states that a part of the payment went on."""
    line = paid()
    line.pass_to(timedelta(minutes=2))
    line.approve()
    line.give(told(line, "bank:1", BankState.PENDING, moved("a1", "b1", 600_000, 3)))
    return line


def test_money_that_went_on_is_in_danger_once_while_both_stops_wait() -> None:
    line = undecided()
    assert [(order.transfer, order.state) for order in onward(line.here)] == [(B1, OrderState.PROPOSED)]
    head = headline_of(line.here)
    assert (head.kind, head.amount_fen) == (HeadlineKind.AT_STAKE, PAID)
    assert {payment.transfer: fen for payment, fen in money_in_danger(line.here)} == {"bank:1": 400_000, B1: 600_000}
    assert sum(danger_parts(line.here, "operator li").values()) == PAID


def test_money_that_went_on_twice_is_in_danger_where_it_is_now() -> None:
    line = undecided()
    line.approve()
    line.give(
        answer(line, moved("b1", "c1", 600_000, 5), name="2", transfer=B1, bank="b").model_copy(
            update={"state": BankState.PENDING}
        )
    )
    head = headline_of(line.here)
    assert head.amount_fen + head.stopped_fen <= PAID
    assert sum(fen for _, fen in money_in_danger(line.here)) == PAID
