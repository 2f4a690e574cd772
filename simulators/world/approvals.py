"""The simulated stop desk: persons who read a proposed stop order for some seconds, and approve it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.ids import short_hash
from schemas.casework.cases import Case
from schemas.casework.inputs import OperatorReport
from schemas.casework.orders import ApproveStopAct
from schemas.people.staff import StaffRole
from simulators.world.contacts import Contacts

ROLE = StaffRole.RELEASE_DESK


@dataclass(frozen=True, slots=True)
class OrderReading:
    """A person's approval at `at`, after reading the order. `order`: the id of the order's step; `by`:
    the person's id.
    """

    at: datetime
    order: str
    by: str


def readings(case: Case, contacts: Contacts) -> Iterable[OrderReading]:
    """Yield, for each stop order of the case on which persons can still decide, when and by whom it is approved next.
    This time may be in the past.

    Persons read one after another: the second begins when the first has approved.
    """
    for order in case.orders:
        if order.decidable:
            number = len(order.approvals) + 1
            begins = order.approvals[-1].at if order.approvals else order.asked_at
            at = begins + contacts.approval(case.id, order.step, number)
            yield OrderReading(at, order.step, f"release-{number}")


def approved(case: Case, reading: OrderReading, now: datetime) -> OperatorReport:
    """Return the input by which a person approves an order at `now`. Its id depends only on the case, the order and the
    person, so a repetition counts once.
    """
    return OperatorReport(
        id=short_hash("approval", case.id, reading.order, reading.by),
        at=now,
        resident=case.resident,
        case=case.id,
        by=reading.by,
        role=ROLE,
        seen=case.version,
        act=ApproveStopAct(order=reading.order),
    )
