"""A bank that has refused twice is not asked a third time, and no plan or hand-over sheet says that it will be."""

from datetime import timedelta

from domain.desk.handover import next_step, sheet
from domain.desk.open_deadline import goes_no_more
from schemas.casework.acts import AskStopAct
from schemas.casework.cases import StepState, Stop, StopState
from schemas.casework.inputs import BankState
from schemas.levels import Action, Level
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from tests.domain.builders import NOON, Line, payment
from tests.domain.casework.test_triage import case as given_case
from tests.domain.desk.test_open_deadline import waits


def refused_twice() -> Line:
    line = Line()
    line.alert(Level.RED, payment(watched=WatchStatus.CONFIRMED))
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.REFUSED)
    line.act(AskStopAct(transfer="bank:1"), role=StaffRole.OPERATOR)
    line.bank(BankState.REFUSED)
    stop = line.here.payments[0].stop
    assert stop is not None
    assert (stop.state, stop.times) == (StopState.REFUSED, 2)
    return line


def test_another_payment_to_an_account_that_may_not_be_asked_about_again_gets_no_planned_stop() -> None:
    line = refused_twice()
    line.alert(Level.RED, payment(), payment("bank:2"))
    assert [each.transfer for each in line.here.payments] == ["bank:1", "bank:2"]
    live = [each for each in line.here.steps if each.transfer == "bank:2" and each.state.value in ("pending", "held")]
    assert live == []
    other = line.alert(Level.RED, payment(), payment("bank:2"), payment("bank:3", payee="a2"))
    assert other.case is not None
    assert [each.transfer for each in other.case.steps if each.action is Action.STOP_PAYMENT][-1] == "bank:3"


def test_the_hand_over_sheet_names_no_stop_that_will_not_go_out() -> None:
    twice = Stop(state=StopState.REFUSED, times=2)
    paid = [payment("bank:1").model_copy(update={"stop": twice}), payment("bank:2")]
    stop = waits("stop.1", Action.STOP_PAYMENT, NOON, transfer="bank:2")
    call = waits("red.operator", Action.OPERATOR_CALL, NOON + timedelta(minutes=5))
    given = given_case(Level.RED, steps=[stop, call], payments=paid)
    assert goes_no_more(given, stop)
    assert next_step(given) == call
    held = given_case(Level.RED, steps=[stop.model_copy(update={"state": StepState.HELD})], payments=paid)
    written = sheet([held], [], NOON, NOON + timedelta(hours=8))
    assert (written.held, [each.step for each in written.reds]) == ([], [None])
