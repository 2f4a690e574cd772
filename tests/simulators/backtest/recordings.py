"""A made-up resident, recorded signals about him, and what a policy makes of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain

from domain.policy import load
from domain.policy.risk import RiskRules
from domain.risk.backtest import Course
from schemas.people.residents import Holding, Occupation, Resident, ResidentId, Sex
from schemas.risk.signals import Signal, Watch, WatchState
from simulators.backtest.side import Side, batches
from simulators.backtest.spool import Spool
from simulators.world.memory import Register
from streams.screening.subjects import Subjects
from tests.domain.risk.riskworld import POLICY, minutes_ago

JILIN = POLICY.read_text("utf-8")
RULES = load(JILIN).risk
SECRET = b"only for these tests"
PAYEE = "990000000002"  # whom riskworld's transfers are paid to
ANNA = Resident(
    id="r" + "a" * 16,
    name="某某",
    phones=[Holding(value="+8619900000001")],
    accounts=[Holding(value="990000000001")],
    birth_year=1980,
    sex=Sex.FEMALE,
    occupation=Occupation.EMPLOYEE,
    division="220102",
)


def watch(ago: float, state: WatchState = WatchState.CONFIRMED, value: str = PAYEE) -> Watch:
    return Watch(source="police", id=f"w{ago}", at=minutes_ago(ago), subject="account", value=value, state=state)


async def courses(
    *signals: Signal,
    rules: RiskRules = RULES,
    until: datetime | None = None,
    settled: Iterable[tuple[datetime, ResidentId]] = (),
    held: int = 100,
) -> list[Course]:
    """The cases that these rules would have raised."""
    side = Side(rules, Register([ANNA]), Subjects(SECRET), settled)
    with Spool(held) as spool:
        for signal in signals:
            spool.add(signal)
        for items in batches(spool):
            await side.take(items)
    if until:
        side.pass_to(until)
    return list(side.courses.found.values())


def levels(found: Sequence[Course]) -> list[str]:
    return [rise.level.value for rise in chain.from_iterable(course.rises for course in found)]
