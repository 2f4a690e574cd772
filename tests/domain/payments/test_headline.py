"""The amount at the head of a case is one: no money of it is at stake and stopped at the same time."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.payments.headline import Headline, HeadlineKind, headline_of, secured_fen
from schemas.casework.cases import Payment, Stop, StopState
from schemas.casework.inputs import BankState
from schemas.casework.orders import OrderState, StopOrder
from schemas.codes.money import BankStopped
from schemas.levels import Action, Level
from schemas.risk.signals import TransferState
from tests.domain.builders import Line, danger, payment
from tests.domain.casework.test_triage import DUE, case

AMOUNT, EXPOSURE = 1_000_000, 5_200_000


def asked() -> Line:
    """A payment under way whose bank has been asked for a stop."""
    line = Line()
    line.alert(Level.RED, payment(), found=danger(Level.RED, exposure=EXPOSURE))
    line.pass_to(timedelta(minutes=3))
    return line


def paid(transfer: str, amount: int, state: TransferState, stop: StopState | None) -> Payment:
    until = DUE if stop is StopState.IN_FORCE else None
    changes = {"transfer": transfer, "stop": Stop(state=stop, until=until) if stop else None}
    return payment(amount=amount, state=state).model_copy(update=changes)


def test_money_that_is_asked_to_be_stopped_is_at_stake_and_then_stopped() -> None:
    line = asked()
    assert headline_of(line.here) == Headline(HeadlineKind.AT_STAKE, AMOUNT, 0)
    line.bank(BankState.IN_FORCE, amount=AMOUNT)
    assert headline_of(line.here) == Headline(HeadlineKind.STOPPED, AMOUNT, AMOUNT)


def test_money_is_secured_while_it_is_stopped_and_not_while_a_stop_is_only_asked_for() -> None:
    line = asked()
    assert secured_fen(line.here) == 0
    line.bank(BankState.IN_FORCE, amount=AMOUNT)
    assert secured_fen(line.here) == AMOUNT
    line.bank(BankState.RELEASED)
    assert secured_fen(line.here) == 0


def test_money_of_which_all_is_frozen_is_not_called_stopped() -> None:
    went = paid("bank-a:1", 120_000, TransferState.PENDING, StopState.FROZEN)
    assert headline_of(case(Level.RED, payments=[went])) == Headline(HeadlineKind.FROZEN, 120_000, 120_000)


def test_money_of_which_only_a_part_is_frozen_is_called_stopped() -> None:
    first = paid("bank-a:1", 120_000, TransferState.PENDING, StopState.FROZEN)
    second = paid("bank-a:2", 380_000, TransferState.PENDING, StopState.IN_FORCE)
    found = headline_of(case(Level.RED, payments=[first, second]))
    assert found == Headline(HeadlineKind.STOPPED, 500_000, 500_000)
    assert found.secured


def test_the_rest_is_what_is_not_stopped_yet() -> None:
    first = paid("bank-a:1", 120_000, TransferState.PENDING, StopState.IN_FORCE)
    second = paid("bank-a:2", 380_000, TransferState.PENDING, None)
    given = case(Level.RED, payments=[first, second])
    assert headline_of(given) == Headline(HeadlineKind.NOT_STOPPED, 380_000, 120_000)


def test_a_payment_that_went_through_and_is_stopped_at_the_payee_is_no_estimate() -> None:
    went = paid("bank-a:1", 120_000, TransferState.SETTLED, StopState.IN_FORCE)
    assert headline_of(case(Level.RED, payments=[went])) == Headline(HeadlineKind.STOPPED, 120_000, 120_000)


def order(transfer: str, state: OrderState) -> StopOrder:
    return StopOrder(
        step="stop.0",
        number="〔2026〕1号",
        transfer=transfer,
        payee="p",
        amount_fen=1,
        hours=48,
        action=Action.STOP_PAYMENT,
        state=state,
        ground=BankStopped(),
        asked_at=DUE,
        due=DUE,
        persons=2,
    )


def test_a_payment_that_went_through_is_not_stopped_while_persons_or_the_bank_have_yet_to_decide() -> None:
    held = paid("bank-a:1", 120_000, TransferState.SETTLED, StopState.IN_FORCE)
    went = paid("bank-a:2", 380_000, TransferState.SETTLED, None)
    asked_for = paid("bank-a:2", 380_000, TransferState.SETTLED, StopState.ASKED)
    partly = Headline(HeadlineKind.NOT_STOPPED, 380_000, 120_000)
    proposed, declined = order(went.transfer, OrderState.PROPOSED), order(went.transfer, OrderState.DECLINED)
    assert headline_of(case(Level.RED, payments=[held, went], orders=[proposed])) == partly
    assert headline_of(case(Level.RED, payments=[held, asked_for], orders=[])) == partly
    assert not partly.secured
    gone = headline_of(case(Level.RED, payments=[held, went], orders=[declined]))
    assert gone == Headline(HeadlineKind.STOPPED, 120_000, 120_000), "nothing can be stopped of it any more"


def test_money_that_went_on_is_not_stopped_while_the_order_on_its_account_waits_and_counts_once() -> None:
    held = paid("bank-a:1", 120_000, TransferState.SETTLED, StopState.IN_FORCE)
    onward = paid("bank-b:traced-1-0", 50_000, TransferState.SETTLED, None)
    waits = order(onward.transfer, OrderState.PROPOSED)
    found = headline_of(case(Level.RED, payments=[held], traced=[onward], orders=[waits]))
    assert found == Headline(HeadlineKind.NOT_STOPPED, 50_000, 70_000)


def test_what_is_stopped_at_the_next_bank_counts_beside_what_was_still_at_the_first_and_never_more_than_was_paid() -> (
    None
):
    first = paid("bank-a:1", 120_000, TransferState.SETTLED, StopState.IN_FORCE)
    assert first.stop is not None
    stated = first.model_copy(update={"stop": first.stop.model_copy(update={"there_fen": 30_000})})
    onward = paid("bank-b:traced-1-0", 90_000, TransferState.SETTLED, StopState.IN_FORCE)
    frozen = paid("bank-b:traced-1-0", 90_000, TransferState.SETTLED, StopState.FROZEN)
    for payment_, account in ((stated, onward), (stated, frozen), (first, onward)):
        given = case(Level.RED, payments=[payment_], traced=[account])
        assert headline_of(given) == Headline(HeadlineKind.STOPPED, 120_000, 120_000)
        assert secured_fen(given) == 120_000


def test_without_a_payment_that_can_be_saved_it_is_an_estimate() -> None:
    line = Line()
    line.alert(Level.RED, payment(state=TransferState.SETTLED), found=danger(Level.RED, exposure=EXPOSURE))
    assert headline_of(line.here) == Headline(HeadlineKind.ESTIMATE, EXPOSURE, 0)


PAYMENTS = st.lists(
    st.tuples(st.integers(1, 10**9), st.sampled_from(TransferState), st.none() | st.sampled_from(StopState)), max_size=5
)


@given(PAYMENTS)
def test_no_fen_is_counted_twice(given: list[tuple[int, TransferState, StopState | None]]) -> None:
    payments = [paid(f"bank-a:{number}", *each) for number, each in enumerate(given)]
    found = headline_of(case(Level.RED, payments=payments))
    kind, amount, stopped = found
    known = sum(each.amount_fen for each in payments)
    if found.secured:
        assert amount == stopped <= known
    elif kind is HeadlineKind.ESTIMATE:
        assert stopped == 0
    else:
        assert 0 < amount + stopped <= known
