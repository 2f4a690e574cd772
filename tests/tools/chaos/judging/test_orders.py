"""Orders to banks: the laws by which rounds of chaos are judged, on stories made up by hand."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from schemas.casework.events import CaseEvent, Dispatch
from schemas.casework.inputs import BankFeedback, BankState, CaseInput, OperatorReport
from schemas.casework.orders import ApproveStopAct
from schemas.levels import Action, Level
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from simulators.providers.base import Contact
from streams.channels.provider import Kind
from streams.runtime.clock import Clock
from tests.domain.builders import NOON, Line, commit_of, payment
from tests.tools.chaos.judging.all_laws import broken
from tests.tools.chaos.judging.books import Books
from tests.tools.chaos.judging.orders import no_order_twice, no_order_unapproved
from tests.tools.chaos.judging.seen import Arrived, Seen
from tests.tools.chaos.judging.store import Store


def sent() -> tuple[Line, Dispatch]:
    """A red case whose stop order went to a bank."""
    line = Line()
    line.alert(Level.RED, payment(watched=WatchStatus.CONFIRMED))
    line.pass_to(timedelta(minutes=2))
    return line, line.last(Action.STOP_PAYMENT)


def approval(line: Line, by: str = "wang") -> OperatorReport:
    return OperatorReport(
        id=f"approves:{by}",
        at=NOON,
        resident=line.here.resident,
        case=line.here.id,
        by=by,
        seen=1,
        role=StaffRole.RELEASE_DESK,
        act=ApproveStopAct(order="stop.0"),
    )


def answer(line: Line, out: Dispatch, state: BankState = BankState.IN_FORCE) -> BankFeedback:
    return BankFeedback(
        id=f"answer:{state.value}",
        at=NOON,
        resident=line.here.resident,
        case=line.here.id,
        dispatch=out.id,
        transfer="bank:1",
        state=state,
    )


def books(line: Line, inputs: Mapping[int, CaseInput], *outs: Dispatch) -> Books:
    """Inputs by their offsets; each dispatch was decided by the input at offset 10 and reached its bank."""
    decided = CaseEvent(
        commit=commit_of(0),
        id="e1",
        input="i1",
        input_kind="deadline",
        partition=0,
        offset=10,
        at=NOON,
        case=line.here.model_copy(update={"version": 1}),
        facts=[],
        dispatches=list(outs),
    )
    seen = Seen(Path("nothing"))
    seen.journal.append(Arrived(decided, 0.0, 0, 0))
    seen.inputs += [Arrived(what, 0.0, 0, offset) for offset, what in inputs.items()]
    contacts = [Contact(out.id, out.action, "", NOON.isoformat()) for out in outs]
    none: Counter[str] = Counter()
    return Books(
        seen,
        Store(),
        contacts,
        none,
        none,
        none,
        {"payment": Kind.IDEMPOTENT},
        set(),
        (),
        (),
        Clock(1, 0.0, NOON),
        0.0,
        0,
    )


def again(out: Dispatch) -> Dispatch:
    """The next attempt of the same order."""
    return out.model_copy(update={"id": out.id.replace(":1:", ":2:"), "attempt": 2})


def test_an_order_that_a_person_approved_before_it_was_sent_breaks_nothing() -> None:
    line, out = sent()
    assert list(no_order_unapproved(books(line, {9: approval(line)}, out))) == []


def test_an_order_that_nobody_or_somebody_later_approved_breaks_the_law() -> None:
    line, out = sent()
    for inputs in ({}, {11: approval(line)}, {9: answer(line, out)}):
        told = [each for each in broken(books(line, inputs, out)) if each.law == "orders_unapproved"]
        assert [each.words for each in told] == [f"{out.id}: a bank has it, approved by nobody"]


def test_an_order_that_needs_two_persons_is_not_approved_by_one_twice() -> None:
    line, out = sent()
    two = [order.model_copy(update={"persons": 2}) for order in line.here.orders]
    line.case = line.here.model_copy(update={"orders": two})
    again_by_wang = approval(line).model_copy(update={"id": "other"})
    assert len(list(no_order_unapproved(books(line, {8: approval(line), 9: again_by_wang}, out)))) == 1
    assert list(no_order_unapproved(books(line, {8: approval(line), 9: approval(line, "sun")}, out))) == []


def test_an_order_is_asked_again_only_while_its_bank_is_silent() -> None:
    line, out = sent()
    assert list(no_order_twice(books(line, {}, again(out)))) == []
    assert list(no_order_twice(books(line, {9: answer(line, out, BankState.PENDING)}, again(out)))) == []
    assert list(no_order_twice(books(line, {11: answer(line, out)}, again(out)))) == [], "the answer came later"
    told = [each for each in broken(books(line, {9: answer(line, out)}, again(out))) if each.law == "orders_twice"]
    assert [each.words for each in told] == [f"{again(out).id}: sent again after its bank had answered in_force"]
