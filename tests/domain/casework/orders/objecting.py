"""A case with a stop that somebody objects to, and who reviews the objection."""

from datetime import timedelta

from domain.casework.orders.objections import objection_id
from schemas.casework.acts import Act
from schemas.casework.inputs import ObjectStop
from schemas.casework.objections import (
    DecideObjectionAct,
    ObjectionGround,
    Objector,
    StopObjection,
    WrongfulCause,
)
from schemas.codes.any_code import AnyCode
from schemas.levels import Action
from schemas.people.staff import StaffRole
from tests.domain.builders import RESIDENT, Line
from tests.domain.casework.orders.test_orders_of_an_account import stopped
from tests.domain.casework.test_stop_orders import asked

HOUR = timedelta(hours=1)
DESK, REVIEWER = StaffRole.RELEASE_DESK, "release desk 9"
HOLDER = "账户里是我的工资"


def object_to(line: Line, name: str = "o1", order: str = "stop.0", by: str | None = None) -> list[AnyCode]:
    """Somebody objects, through the bank or (`by`) at the centre; what the case says of it."""
    given = ObjectStop(
        id=name,
        at=line.now,
        resident=RESIDENT,
        case=line.here.id,
        order=order,
        who=Objector.HOLDER,
        bank=None if by else "bank",
        by=by,
        receipt="" if by else "Y-17",
        ground=ObjectionGround.LAWFUL_PAYMENT,
        text=HOLDER,
    )
    return [fact.what for fact in line.give(given).facts]


def uphold(name: str = "o1", cause: WrongfulCause = WrongfulCause.LAWFUL_PAYMENT, fen: int = 20_000) -> Act:
    return DecideObjectionAct(
        objection=objection_id(name), upheld=True, reason="工资流水已核对", cause=cause, compensation_fen=fen
    )


def reject(name: str = "o1") -> Act:
    return DecideObjectionAct(objection=objection_id(name), upheld=False, reason="资金来源不明")


def decide(line: Line, act: Act, by: str = REVIEWER, role: StaffRole | None = DESK) -> list[AnyCode]:
    return [fact.what for fact in line.act(act, by, role=role).facts]


def objection(line: Line) -> StopObjection:
    return line.here.objections[-1]


def objected() -> Line:
    line = stopped()
    object_to(line)
    return line


def lifts(line: Line) -> int:
    return asked(line).count(Action.STOP_RELEASE)
